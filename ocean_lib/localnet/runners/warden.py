"""Stand above a job's supervisor, and end the job if the supervisor is killed.

A program of its own, started by `_launch.supervise`; it runs the supervisor as its child. Either
of the two notices the end of the other. It needs nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from ocean_lib.localnet.runners import rights
from ocean_lib.localnet.runners.ending import Ending
from ocean_lib.localnet.runners.groups import Group, name_for
from ocean_lib.localnet.runners.supervisor import run

_LOOK_S = 0.5


def main() -> None:
    """Run the job of the specification named on the command line, whatever happens."""
    network = os.getppid()
    # Not to be adopted by init: what the supervisor leaves behind comes here.
    rights.adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    path = Path(sys.argv[1])
    ending = Ending()
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        run(path, ending)
        return
    # The lifeline is the supervisor's.
    os.close(0)
    ending.leave()
    while True:
        pid, _ = os.waitpid(child, os.WNOHANG)
        if pid == child:
            ending.end(_reap)
            _remove_group(path, child)
            return
        if os.getppid() != network:
            return  # the supervisor sees that, and ends the job
        _wait_for_child()


def _reap() -> int | None:
    try:
        return 1 if os.waitpid(-1, os.WNOHANG)[0] else 0
    except ChildProcessError:
        return None


def _remove_group(path: Path, supervisor: int) -> None:
    groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
    if groups:
        Group(groups, name_for(supervisor)).remove()


def _wait_for_child() -> None:
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait({signal.SIGCHLD}, _LOOK_S)
    else:  # macOS
        signal.sigwait({signal.SIGCHLD})
