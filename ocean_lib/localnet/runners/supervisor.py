"""Run one algorithm as a child, hold it to its limits, and end everything it started.

It is a process of its own below a warden, and needs nothing but the standard library. Its standard
input is a lifeline: a byte asks it to stop, and the end of the stream means that the network is
gone; both end the whole process tree. On Linux it adopts orphans, so a process that detaches
itself is still below it. The outcome is left in a file.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners import landlock, rights, seccomp
from ocean_lib.localnet.runners.ending import Ending
from ocean_lib.localnet.runners.groups import Group, name_for
from ocean_lib.localnet.runners.guard import Excess, Guard
from ocean_lib.localnet.runners.output_log import ERROR, OUTPUT, OutputLog
from ocean_lib.localnet.runners.processes import tasks_of_user

FILTER_FD = 3
_PAUSE_S = 0.02
_CHUNK_BYTES = 65536
_REAPED_AT_ONCE = 256  # an algorithm can leave more and more
_OPEN_FILES = 1024
# Where no control group counts what waits in sockets and pipes, there can be less of them.
_OPEN_FILES_UNCOUNTED = 256


def _set_limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _set_limits(limits: dict[str, Any], *, counted: bool) -> None:
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_CPU, int(limits["cpu_s"]) + 1)
    _set_limit(resource.RLIMIT_FSIZE, int(limits["file_size_bytes"]))
    _set_limit(resource.RLIMIT_NOFILE, _OPEN_FILES if counted else _OPEN_FILES_UNCOUNTED)
    if sys.platform == "linux":
        _set_limit(resource.RLIMIT_DATA, int(limits["memory_bytes"]))
        if os.getuid() != 0:  # the kernel exempts root
            others = tasks_of_user(os.getuid())
            _set_limit(resource.RLIMIT_NPROC, others + int(limits["threads"]))
        # If the machine runs out of memory, the algorithm goes first.
        Path("/proc/self/oom_score_adj").write_text("1000")


def _confine(confine: dict[str, Any]) -> None:
    """Do what the tier wants done in the process that becomes the algorithm."""
    instructions = bytes.fromhex(confine.get("filter", ""))
    if confine.get("filter_by_program"):
        read_fd, write_fd = os.pipe()
        os.write(write_fd, instructions)
        os.close(write_fd)
        os.dup2(read_fd, FILTER_FD)
        os.set_inheritable(FILTER_FD, True)
        return
    if confine.get("drop_capabilities"):
        rights.drop_capabilities()
    rules = confine.get("landlock")
    if rules:
        landlock.restrict(rules["rules"], tcp=rules["tcp"], version=rules["version"])
    if instructions:
        seccomp.install(instructions)


def _become_algorithm(
    spec: dict[str, Any], run: _Run, supervisor: int, outputs: tuple[int, int]
) -> None:
    os.setsid()
    rights.die_with_parent(supervisor)
    rights.gain_no_rights()
    confine = spec["confine"]
    if confine.get("ended_by"):
        run.ending.stand_by(confine["ended_by"])
    if run.group is not None:
        run.group.enter()
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (outputs[0], 1), (outputs[1], 2)):
        os.dup2(source, target)
    os.closerange(3, 4096)
    os.nice(5)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    os.chdir(spec["cwd"])
    _set_limits(spec["limits"], counted=run.group is not None)
    _confine(confine)
    os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 (this is its purpose)


class _Run:
    def __init__(self, spec: dict[str, Any], ending: Ending, group: Group | None) -> None:
        self.spec = spec
        self.ending = ending
        self.group = group
        self.framed = bool(spec.get("framed"))
        self.log = OutputLog(spec["log"], int(spec["limits"]["log_bytes"]), framed=self.framed)
        self.exit_code: int | None = None
        self.child = 0
        self.outputs: dict[int, int] = {}
        """The streams that have not ended, by the descriptors they are read from."""

    def start(self) -> None:
        # One pipe for both keeps their order, two tell them apart.
        output = os.pipe()
        errors = os.pipe() if self.framed else output
        supervisor = os.getpid()
        self.child = os.fork()
        if self.child == 0:
            try:
                _become_algorithm(self.spec, self, supervisor, (output[1], errors[1]))
            except Exception as error:  # noqa: BLE001 (whatever it is, this process must go)
                os.write(2, f"cannot start the algorithm: {error!r}\n".encode())
            finally:
                os._exit(127)
        self.ending.watch()
        streams = {output: OUTPUT, **({errors: ERROR} if self.framed else {})}
        for (read_fd, write_fd), stream in streams.items():
            os.close(write_fd)
            os.set_blocking(read_fd, False)
            self.outputs[read_fd] = stream

    def drain(self, ready: Iterable[int]) -> None:
        """Copy what the algorithm printed, and forget the streams that have ended."""
        for read_fd in ready:
            stream = self.outputs.get(read_fd)
            if stream is not None and not self._copy(read_fd, stream):
                del self.outputs[read_fd]

    def _copy(self, read_fd: int, stream: int) -> bool:
        """Copy what there is; return False at the end of the stream."""
        for _ in range(64):
            try:
                data = os.read(read_fd, _CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.log.write(stream, data)
        return True

    def reap(self) -> int | None:
        """Collect ended children, so many at a time; return how many, None if there is no child."""
        for count in range(_REAPED_AT_ONCE):
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == 0:
                return count
            if pid == self.child:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return _REAPED_AT_ONCE


def _watch(algorithm: _Run, guard: Guard, wakeup_fd: int) -> Excess:
    warden = os.getppid()
    while True:
        watched = [0, wakeup_fd, *algorithm.outputs]
        ready, _, _ = select.select(watched, [], [], _PAUSE_S)
        if wakeup_fd in ready:
            os.read(wakeup_fd, 4096)
        algorithm.drain(ready)
        if 0 in ready:
            return ("stopped" if os.read(0, 64) else "orphaned"), ""
        # The network may be gone and a child of its own hold the lifeline open.
        if os.getppid() != warden:
            return "orphaned", ""
        if algorithm.reap() is None or algorithm.exit_code is not None:
            return "exited", ""
        excess = guard.excess()
        if excess is not None:
            return excess


def supervise(spec: dict[str, Any], ending: Ending) -> dict[str, Any]:
    """Run the algorithm of `spec` to its end.

    Args:
        spec: argv, env, cwd, confine, groups, log, writable, outcome and limits.
        ending: How its process tree is ended.

    Returns:
        The outcome: why it ended, the figures behind it, and with what exit status.
    """
    rights.adopt_orphans()
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    os.set_blocking(read_fd, False)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    group = Group(spec["groups"], name_for(os.getpid())) if spec["groups"] else None
    if group is not None:
        try:
            group.make(spec["limits"])
        except OSError as error:
            return _outcome("lost", None, f"no control group can be made for it: {error}")
    guard = Guard(spec["limits"], spec["writable"], group)
    algorithm = _Run(spec, ending, group)
    algorithm.start()
    guard.keeper = ending.keeper
    reason, detail = _watch(algorithm, guard, read_fd)
    all_gone = ending.end(algorithm.reap)
    algorithm.drain(list(algorithm.outputs))
    algorithm.log.close()
    if not all_gone:
        reason, detail = "lost", "processes of the job are left that cannot be ended"
    elif reason == "exited":
        found = guard.memory_excess() or guard.output_excess([])
        reason, detail = found or (reason, detail)
    if group is not None:
        group.remove()
    return _outcome(reason, algorithm.exit_code, detail)


def _outcome(reason: str, exit_code: int | None, detail: str) -> dict[str, Any]:
    return {"reason": reason, "exit_code": exit_code, "detail": detail}


def run(path: Path, ending: Ending) -> None:
    """Read a specification, run it, leave the outcome.

    Args:
        path: The file with the specification.
        ending: How its process tree is ended.
    """
    spec = json.loads(path.read_text(encoding="utf-8"))
    outcome = supervise(spec, ending)
    target = Path(spec["outcome"])
    unfinished = target.with_suffix(".part")
    unfinished.write_text(json.dumps(outcome), encoding="utf-8")
    unfinished.replace(target)
