"""Run one algorithm as a child, hold it to its limits, and end everything it started.

This file is a program, not a library: `runners/local.py` starts it with
`python -I -S _supervisor.py SPEC`. It imports nothing but the standard library. Its standard
input is a lifeline: a byte asks it to stop, and the end of the stream means that the network is
gone; both end the whole process tree. On Linux it adopts orphans (child subreaper), so a process
that detaches itself is still found. The outcome is left in a file.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_FAST_S = 0.02
_SLOW_S = 0.2
_KILL_S = 10.0


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    if sys.platform != "linux":
        return parents
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                after_name = (process / "stat").read_bytes().rpartition(b")")[2]
            except OSError:
                continue
            parents[int(process.name)] = int(after_name.split()[1])
    return parents


def descendants(pid: int) -> list[int]:
    """Return the processes below `pid`; empty where there is no /proc."""
    below = {pid}
    parents = _parents()
    grown = True
    while grown:
        grown = False
        for child, parent in parents.items():
            if parent in below and child not in below:
                below.add(child)
                grown = True
    return sorted(below - {pid})


def _resident_bytes(pids: list[int]) -> int:
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue
    return pages * resource.getpagesize()


def _written_bytes(folders: list[str]) -> int:
    total = 0
    for folder in folders:
        for directory, _, names in os.walk(folder):
            for name in names:
                try:
                    # Even an empty file takes room.
                    total += os.lstat(Path(directory, name)).st_size + 512
                except OSError:
                    continue
    return total


def _set_limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _become_algorithm(spec: dict[str, Any], output_fd: int) -> None:
    limits = spec["limits"]
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output_fd, 1), (output_fd, 2)):
        os.dup2(source, target)
    os.closerange(3, 4096)
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_CPU, int(limits["cpu_s"]))
    _set_limit(resource.RLIMIT_FSIZE, int(limits["file_size_bytes"]))
    _set_limit(resource.RLIMIT_NOFILE, 1024)
    if sys.platform == "linux":
        _set_limit(resource.RLIMIT_DATA, int(limits["memory_bytes"]))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    os.chdir(spec["cwd"])
    os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 (this is its purpose)


class _Run:
    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.limits = spec["limits"]
        self.log_room = int(self.limits["log_bytes"])
        self.log_fd = os.open(spec["log"], os.O_WRONLY | os.O_APPEND)
        self.reason = ""
        self.exit_code: int | None = None
        self.child = 0
        self.output_fd = -1

    def start(self) -> None:
        read_fd, write_fd = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                _become_algorithm(self.spec, write_fd)
            except OSError as error:
                os.write(2, f"cannot start the algorithm: {error}\n".encode())
            finally:
                os._exit(127)
        os.close(write_fd)
        os.set_blocking(read_fd, False)
        self.output_fd = read_fd

    def log(self, data: bytes) -> None:
        kept = data[: max(self.log_room, 0)]
        if kept:
            os.write(self.log_fd, kept)
        if self.log_room >= 0 and len(data) > self.log_room:
            os.write(self.log_fd, b"\n[the log is full; the rest is dropped]\n")
            self.log_room = -1
        elif self.log_room >= 0:
            self.log_room -= len(data)

    def drain(self) -> bool:
        """Copy what the algorithm printed; return False at the end of its output."""
        for _ in range(64):
            try:
                data = os.read(self.output_fd, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.log(data)
        return True

    def reap(self) -> bool:
        """Collect ended children; return whether the algorithm itself has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return self.exit_code is not None
            if pid == self.child:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def over_limit(self, started: float, check_output: bool) -> str:
        if time.monotonic() - started > float(self.limits["wall_s"]):
            return "wall_time"
        below = descendants(os.getpid())
        if len(below) > int(self.limits["processes"]):
            return "processes"
        if _resident_bytes(below) > int(self.limits["memory_bytes"]):
            return "memory"
        if check_output and _written_bytes(self.spec["writable"]) > int(
            self.limits["output_bytes"]
        ):
            return "output_size"
        return ""

    def kill_all(self) -> None:
        """Freeze, then kill, whatever is below this process, until nothing is left."""
        deadline = time.monotonic() + _KILL_S
        while time.monotonic() < deadline:
            below = descendants(os.getpid())
            if not below:
                _signal_group(self.child)
                self.reap()
                if self.exit_code is not None and not descendants(os.getpid()):
                    return
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in below:
                    _signal(pid, number)
            self.reap()
            time.sleep(0.002)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return


def _signal_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return


def _lifeline_word(wakeups: list[int]) -> str:
    if 0 not in wakeups:
        return ""
    return "stopped" if os.read(0, 64) else "orphaned"


def _watch(run: _Run, wakeup_fd: int) -> str:
    started = time.monotonic()
    output_checked = started
    watched = [0, wakeup_fd, run.output_fd]
    while True:
        pause = _FAST_S if time.monotonic() - started < 1.0 else _SLOW_S
        ready, _, _ = select.select(watched, [], [], pause)
        if wakeup_fd in ready:
            os.read(wakeup_fd, 4096)
        if run.output_fd in ready and not run.drain():
            watched = [0, wakeup_fd]
        word = _lifeline_word(ready)
        if word:
            return word
        if run.reap():
            return "exited"
        now = time.monotonic()
        check_output = now - output_checked > 0.5
        if check_output:
            output_checked = now
        reason = run.over_limit(started, check_output)
        if reason:
            return reason


def supervise(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the algorithm of `spec` to its end.

    Args:
        spec: argv, env, cwd, log, writable, outcome and limits.

    Returns:
        The outcome: why it ended and with what exit status.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    os.set_blocking(read_fd, False)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    run = _Run(spec)
    run.start()
    reason = _watch(run, read_fd)
    run.kill_all()
    run.drain()
    if reason == "exited" and _written_bytes(spec["writable"]) > int(
        spec["limits"]["output_bytes"]
    ):
        reason = "output_size"
    return {"reason": reason, "exit_code": run.exit_code}


def main() -> None:
    """Read the specification named on the command line, run it, leave the outcome."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    outcome = supervise(spec)
    target = Path(spec["outcome"])
    unfinished = target.with_suffix(".part")
    unfinished.write_text(json.dumps(outcome), encoding="utf-8")
    unfinished.replace(target)


if __name__ == "__main__":
    main()
