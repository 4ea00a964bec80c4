"""Let no container outlive its network: a small process that waits for the network's end.

A container engine does not end a container because the program that started it is gone. So a
keeper, which no signal to the network reaches, holds the other end of a pipe. When the network is
killed, another one may continue with the same folder and takes the containers up; where none comes
in time, the keeper removes them. Until then it loads nothing beyond the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NETWORK = "org.oceanprotocol.compute.network"
JOB = "org.oceanprotocol.compute.job"
"""The labels of a job's container."""
_LOOK_S = 1.0
_PAUSE_S = 0.2


class Ownership:
    """A file in the network's folder: which network it is, and which process runs it now.

    Args:
        path: The file; it is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.turn = uuid.uuid4().hex
        with locked(path):
            self.network = _read(path).get("network") or uuid.uuid4().hex
            text = json.dumps({"network": self.network, "turn": self.turn})
            path.write_text(text, encoding="utf-8")


class Keeper:
    """The keeper's process, as its network sees it.

    Args:
        engine_url: Where the engine listens.
        owned: Whose containers it keeps.
        grace_s: How long another network may take to come.
    """

    def __init__(self, engine_url: str, owned: Ownership, grace_s: float) -> None:
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from {__name__} import main; main(*sys.argv[1:])"
        )
        command = [sys.executable, "-I", "-c", code, engine_url, str(owned.path), owned.turn]
        self._process = subprocess.Popen(  # noqa: S603 (our own program, no shell)
            [*command, str(grace_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it still waits."""
        return self._process.poll() is None

    def dismiss(self) -> None:
        """Let it go: nothing is left to keep."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self._process.communicate(b"q", timeout=10)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other networks and keepers out of a file's change."""
    import fcntl

    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8") or "{}")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _network_ends() -> bool:
    """Wait for the network's end; tell whether it came without a word."""
    parent = os.getppid()
    while True:
        ready, _, _ = select.select([0], [], [], _LOOK_S)
        if ready:
            return not os.read(0, 1)
        if os.getppid() != parent:  # a child of the network holds the pipe open
            return True


def main(engine_url: str, file: str, turn: str, grace: str) -> None:
    """Wait for the network's end, and remove its containers where nobody takes them up.

    Args:
        engine_url: Where the engine listens.
        file: See `Ownership`.
        turn: Of the network's process.
        grace: Seconds that another one may take to come.
    """
    path = Path(file)
    network = _read(path).get("network", "")
    if not _network_ends():
        return
    until = time.monotonic() + float(grace)
    while time.monotonic() < until and _read(path).get("turn", turn) == turn:
        time.sleep(_PAUSE_S)
    if not path.exists():  # a temporary folder that somebody removed
        _remove_all(engine_url, network)
        return
    with locked(path):
        if _read(path).get("turn") == turn:
            _remove_all(engine_url, network)


def _remove_all(engine_url: str, network: str) -> None:
    from ocean_lib.localnet.runners.containers.engine import Engine

    engine = Engine(engine_url)
    for found in engine.found({NETWORK: network}):
        engine.remove(found["Id"])
