"""Stand above a job's supervisor, and end the job if the supervisor is killed.

A program of its own, started by `_launch.supervise`; it runs the supervisor as its child. Either
of the two notices the end of the other. It needs nothing but the standard library.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ocean_lib.localnet.runners import _rights
from ocean_lib.localnet.runners._processes import kill_below
from ocean_lib.localnet.runners._supervisor import run

_LOOK_S = 0.5


def main() -> None:
    """Run the job of the specification named on the command line, whatever happens."""
    network = os.getppid()
    # Not to be adopted by init: what the supervisor leaves behind comes here.
    _rights.adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        run(Path(sys.argv[1]))
        return
    # The lifeline is the supervisor's.
    os.close(0)
    while True:
        pid, _ = os.waitpid(child, os.WNOHANG)
        if pid == child:
            kill_below()
            return
        if os.getppid() != network:
            return  # the supervisor sees that, and ends the job
        _wait_for_child()


def _wait_for_child() -> None:
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait({signal.SIGCHLD}, _LOOK_S)
    else:  # macOS
        signal.sigwait({signal.SIGCHLD})
