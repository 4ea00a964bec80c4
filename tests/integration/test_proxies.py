"""A proxy in the environment, and no NO_PROXY: the embedded network is still asked directly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire import WireServer, html

ROOT = Path(__file__).parents[2]
FIXTURES = """
def test_it(ocean, consumer_wallet, published_dataset):
    data = published_dataset("a,b", order=True)
    assert ocean.assets.resolve(data.did).did == data.did
    assert ocean.compute.jobs(consumer_wallet, data.did) == []
    assert consumer_wallet.web3.eth.block_number > 0
"""


@pytest.mark.parametrize("what", ["the quickstart", "the command line", "the fixtures"])
def test_everything_works_behind_a_proxy(tmp_path, monkeypatch, what) -> None:
    test = tmp_path / "test_fixtures.py"
    test.write_text(FIXTURES)
    commands = {
        "the quickstart": [str(ROOT / "examples" / "quickstart.py")],
        "the command line": ["-m", "ocean_lib.cli", "quickstart"],
        "the fixtures": ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
    }
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with WireServer(lambda _: html(502)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        done = subprocess.run(
            [sys.executable, *commands[what]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert proxy.connections == 0
