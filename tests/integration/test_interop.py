"""Other clients, installed from PyPI and npm, run their flows against the embedded network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "interop" / "run.py"
NOTHING_RAN = 2

pytestmark = pytest.mark.skipif(
    os.environ.get("OCEAN_INTEROP") != "1",
    reason="installs clients from PyPI and npm: set OCEAN_INTEROP=1",
)


@pytest.mark.parametrize("client", ["ocean-lib", "ocean-js-node"])
def test_another_client_computes_on_the_embedded_network(client: str) -> None:
    done = subprocess.run(
        [sys.executable, str(RUN), "--only", client],
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    if done.returncode == NOTHING_RAN:
        pytest.skip(done.stdout.splitlines()[0])

    assert done.returncode == 0, done.stdout + done.stderr
    assert "**differs**" not in done.stdout
