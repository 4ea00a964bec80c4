"""End a job's whole process tree, and know that it has ended.

A process that forks and exits faster than `/proc` is listed is never found by its number. So a
keeper stands by from the beginning: a process of ours that the algorithm can neither see nor
signal, and that ends all of them with one call to the kernel, which no fork can overtake. Where
Landlock scopes signals, the keeper and the algorithm are in one domain, and the algorithm in one
more of its own; elsewhere the algorithm cannot leave its process group. In a process namespace the
kernel itself ends all with the first process, and no keeper is needed.

The end is known when the adopting parent has no child left (`ECHILD`), not when none is seen.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Literal

from ocean_lib.localnet.runners import landlock
from ocean_lib.localnet.runners.processes import descendants

EndedBy = Literal["domain", "group"]
_KEEPER_S = 5.0
_PATIENCE_S = 10.0
_STRIKE_S, _PAUSE_S = 0.05, 0.002
_LINUX = sys.platform == "linux"


class Ending:
    """The pipes to a keeper, made by the warden before it forks the supervisor."""

    def __init__(self) -> None:
        self._call_read, self._call = os.pipe()
        self._done, self._done_write = os.pipe()
        self.keeper = 0

    def stand_by(self, ended_by: EndedBy) -> None:
        """Leave a keeper behind, in the process that becomes the algorithm.

        Args:
            ended_by: What holds the algorithm's processes together.

        Raises:
            OSError: If the kernel does not scope signals.
        """
        group = os.getpid()
        if ended_by == "domain":
            landlock.scope_signals()
        if os.fork() == 0:
            # Not a child of the algorithm, which may wait for all of its own.
            if os.fork() == 0:
                self._keep(ended_by, group)
            os._exit(0)
        os.wait()
        if ended_by == "domain":
            landlock.scope_signals()  # the keeper is outside of this one

    def watch(self) -> None:
        """Keep the supervisor's ends after the fork, and learn the keeper's number."""
        self.leave()
        # The end of the stream says that there is none.
        self.keeper = int(os.read(self._done, 16) or b"0")

    def leave(self) -> None:
        """Give up the ends that only a keeper and the process before it have."""
        os.close(self._call_read)
        os.close(self._done_write)

    def end(self, reap: Callable[[], int | None]) -> bool:
        """End everything below this process.

        Args:
            reap: Collects some children that have ended; returns how many, None without any child.

        Returns:
            Whether it is known that nothing is left.
        """
        with contextlib.suppress(OSError):
            os.write(self._call, b"e")
        os.close(self._call)
        ready, _, _ = select.select([self._done], [], [], _KEEPER_S)
        spared = () if ready else (self.keeper,)
        strike_at = time.monotonic()
        deadline = strike_at + _PATIENCE_S
        while (reaped := reap()) is not None or self._left():
            now = time.monotonic()
            if now > deadline:
                return False
            if now >= strike_at:
                _strike(spared)
                strike_at = time.monotonic() + _STRIKE_S
            elif not reaped:
                time.sleep(_PAUSE_S)
        return True

    def _left(self) -> bool:
        # Elsewhere nobody adopts orphans, and having no child says nothing.
        return not _LINUX and any(not found.ended for found in descendants(os.getpid()))

    def _keep(self, ended_by: EndedBy, group: int) -> None:
        try:
            os.setsid()
            os.dup2(self._call_read, 0)
            os.dup2(self._done_write, 1)
            os.closerange(2, 4096)
            os.write(1, str(os.getpid()).encode())
            os.read(0, 1)
            if ended_by == "domain" and _alone_within():
                os.kill(-1, signal.SIGKILL)
            else:
                os.killpg(group, signal.SIGKILL)
        finally:
            os._exit(0)


def _alone_within() -> bool:
    # Signals to all must never reach the machine's processes.
    for pid in (1, os.getppid()):
        try:
            os.kill(pid, 0)
        except PermissionError:
            continue
        except ProcessLookupError:
            pass
        return False
    return True


def _strike(spared: tuple[int, ...]) -> None:
    alive = [found.pid for found in descendants(os.getpid()) if not found.ended]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in alive:
            if pid not in spared:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
