"""A hostile algorithm in a container gets nothing of the machine's and harms nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import container_engine
from tests.hostile import ATTEMPTS, Attempt
from tests.hostile_sieges import SIEGES, Siege

pytest.importorskip("docker")
pytestmark = pytest.mark.skipif(
    bool(container_engine.why_none()), reason=container_engine.why_none() or "there is one"
)
PROGRAM = Path(__file__).parents[2] / "hostile_run.py"
QUICK = [siege for siege in SIEGES if not siege.slow]
# What the image and its container have, and the machine has not; see docs/isolation.md. Newer
# engines' filters of system calls refuse the last two.
OF_THE_CONTAINER = {"/etc/passwd", "setuid", "setuid at once", "netlink", "vsock", "io_uring"}
Found = dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    ground = tmp_path_factory.mktemp("hostile") / "ground"
    with container_engine.short_folder() as folder, container_engine.engine(folder) as url:
        done = subprocess.run(
            [sys.executable, str(PROGRAM), "container", str(ground), "--quick"],
            capture_output=True, text=True, check=False, env={**os.environ, "DOCKER_HOST": url},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
def test_an_attempt_gets_nothing_of_the_machines(found: Found, attempt: Attempt) -> None:
    got = found["attempts"][attempt.name]["got"]

    assert got is False or attempt.name in OF_THE_CONTAINER


def test_all_attempts_together_change_nothing_outside(found: Found) -> None:
    assert found["changed"] == []
    assert "all" in found["attempts"], found["log"]
    assert set(found["results"]) <= {"moved", "suid", "suid2"}


@pytest.mark.parametrize("siege", QUICK, ids=lambda siege: siege.name)
def test_a_siege_is_held(found: Found, siege: Siege) -> None:
    told = found["sieges"][siege.name]

    assert told["survivors"] == []
    assert told["held"], told


def test_nothing_survives_when_the_network_is_killed(found: Found) -> None:
    assert found["killed"] == {"network": []}
