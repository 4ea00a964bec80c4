"""What a guard sees of a job that hides what it holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from ocean_lib.localnet.runners import Limits, guard
from ocean_lib.localnet.runners.guard import Guard
from ocean_lib.localnet.runners.hidden import look_closely
from ocean_lib.localnet.runners.processes import Process, descendants, is_running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="asks Linux"),
]

MEGABYTE = 1024**2
Start = Callable[[str], Process]

_FULL_SOCKETS = """
import socket
kept = []
for _ in range(60):
    kept += socket.socketpair()
    for one in kept[-2:]:
        one.setblocking(False)
        try:
            while True: one.send(b'x' * 65536)
        except BlockingIOError: pass
"""
_IDLE = "import os, socket; kept = [(socket.socketpair(), os.pipe()) for _ in range(200)]\n"
_WITHOUT_FIRST_THREAD = """
import ctypes, threading
def stay():
    global kept
    kept = b'x' * 150 * 2**20
    print(flush=True)
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=stay).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program, and show it when it has done what it does."""
    running: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> Process:
        code = f"import os, sys\n{code}\nprint(flush=True)\nsys.stdin.read()"
        # Below a shell of its own: this process may have other children.
        command = ["sh", "-c", '"$@"; exit', "sh", sys.executable, "-c", code]
        running.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        )
        assert running[-1].stdout is not None
        assert running[-1].stdout.readline() == b"\n"
        [found] = [one for one in descendants(running[-1].pid) if one.parent == running[-1].pid]
        return found

    yield start
    for process in running:
        process.communicate()


def _shown(pid: int) -> Process:
    [found] = [process for process in descendants(os.getpid()) if process.pid == pid]
    return found


@pytest.fixture
def steady_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that seems to lose nothing: its neighbours give back what the job takes."""
    monkeypatch.setattr(guard, "available_bytes", lambda: 8192 * MEGABYTE)


def _found(memory_bytes: int, folder: Path, process: Process) -> guard.Excess | None:
    """Return what the guard of one process finds until it has looked closely."""
    limits = {**asdict(Limits(memory_bytes=memory_bytes)), "wall_s": 2.0}
    watching = Guard(limits, [str(folder)])
    watching.top = process.parent
    while (excess := watching.excess()) is None:
        time.sleep(0.01)
    return excess


def test_full_sockets_end_a_job_on_a_machine_that_seems_to_lose_nothing(
    start: Start, steady_machine: None, tmp_path: Path
) -> None:
    process = start(_FULL_SOCKETS)

    reason, _ = _found(32 * MEGABYTE, tmp_path, process) or ("", "")
    assert reason == "memory"


def test_hundreds_of_idle_sockets_end_no_job(
    start: Start, steady_machine: None, tmp_path: Path
) -> None:
    process = start(_IDLE)

    assert look_closely([process]).memory_bytes(-1) > 160 * MEGABYTE  # what they could hold
    reason, _ = _found(32 * MEGABYTE, tmp_path, process) or ("", "")
    assert reason == "wall_time"


def test_what_waits_in_sockets_and_pipes_is_known(start: Start) -> None:
    sent = start("import socket\na, b = socket.socketpair()\na.send(b'x' * 100_000)")
    written = start("pipe = os.pipe(); os.write(pipe[1], b'x' * 50_000)")
    [in_sockets] = [size for size in look_closely([sent]).waiting.values() if size]
    [in_pipe] = [size for size in look_closely([written]).waiting.values() if size]

    assert 100_000 <= in_sockets < 200_000  # with the kernel's own part
    assert in_pipe == 50_000


def test_a_socket_that_is_shared_counts_once(start: Start) -> None:
    process = start(
        "import socket\na, b = socket.socketpair()\na.send(b'x' * 100_000)\n"
        "for _ in range(3):\n    if os.fork() == 0: sys.stdin.read(); os._exit(0)"
    )
    family = [process, *descendants(process.pid)]
    assert len(family) == 4
    assert sum(look_closely(family).waiting.values()) < 200_000


def test_a_process_whose_first_thread_has_ended_hides_nothing(start: Start) -> None:
    pid = start(_WITHOUT_FIRST_THREAD).pid
    deadline = time.monotonic() + 20
    while (process := _shown(pid)).thread == pid and time.monotonic() < deadline:
        time.sleep(0.005)
    found = look_closely([process])

    assert process.thread != pid
    assert is_running(pid)
    assert process.resident_bytes > 150 * MEGABYTE
    assert found.private_bytes > 150 * MEGABYTE
    assert len(found.channels) >= 2  # its input and output
