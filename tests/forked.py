"""Runs many `ocean-compute` commands, each in a process of its own that has loaded its modules.

Loading takes a command more time than all it does then. So one process loads them, starts no
thread, and forks itself for each command. What a command loads is held in tests/unit/test_light.py.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.strict import STRICT

ROOT = Path(__file__).parents[1]
_LOADED = (
    "ocean_lib.cli.app",
    "ocean_lib.ocean.ocean",
    "ocean_lib.backends.v3.backend",
    "ocean_lib.backends.node.backend",
    "web3",
    "eth_account",
)


def run(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], timeout_s: float
) -> tuple[int, str, str]:
    """Run a command without input, as `subprocess.run` would.

    Args:
        arguments: What stands after the program's name.
        folder: Where it runs.
        environment: Its whole environment.
        timeout_s: How long it may take.

    Returns:
        Its status, and what it wrote to stdout and stderr.
    """
    forking = _forking()
    request = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
    with (
        tempfile.TemporaryFile("w+") as asked,
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as err,
    ):
        json.dump(request, asked)
        asked.seek(0)
        forking.settimeout(timeout_s)
        socket.send_fds(forking, [b"?"], [file.fileno() for file in (asked, out, err)])
        try:
            status = forking.recv(16)
        except TimeoutError:
            _forking.cache_clear()
            raise
        out.seek(0)
        err.seek(0)
        return int(status), out.read(), err.read()


@functools.cache
def _forking() -> socket.socket:
    ours, theirs = socket.socketpair()
    command = [sys.executable, *STRICT, "-m", "tests.forked", str(theirs.fileno())]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(_end, process, ours)
    return ours


def _end(process: subprocess.Popen[bytes], ours: socket.socket) -> None:
    ours.close()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _next_command(asking: socket.socket) -> None:
    """Wait for commands; return only in the process that becomes one."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(asking, 1, 3)
        if not data:
            os._exit(0)
        child = os.fork()
        if child == 0:
            asking.close()
            _become(*descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        asking.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _become(asked: int, out: int, err: int) -> None:
    with os.fdopen(asked) as file:
        request = json.load(file)
    for source, target in ((out, 1), (err, 2)):
        os.dup2(source, target)
        os.close(source)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]


def _end_soon(status: int) -> None:
    """End this process as Python does, without taking the many loaded modules apart."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    for _name in _LOADED:
        importlib.import_module(_name)
    gc.freeze()  # what is loaded is looked at, and so copied, by no collection
    _next_command(socket.socket(fileno=int(sys.argv[1])))
    _end_soon(importlib.import_module("ocean_lib.cli").main())
