"""End a network: wait for the signal, and close what is open."""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable, Iterable


def close_all(closers: Iterable[Callable[[], object]]) -> None:
    """Call every one in turn, whatever the others raise; then raise the first failure.

    Args:
        closers: What closes each thing.
    """
    first: BaseException | None = None
    for close in closers:
        try:
            close()
        except BaseException as error:  # noqa: BLE001  (Ctrl-C too must leave nothing open)
            if first is None:
                first = error
    if first is not None:
        raise first


_WAKE_S = 0.5  # for platforms where a wait is not interrupted by a signal


class EndSignals:
    """Takes Ctrl-C, SIGTERM and the end of the terminal from its construction on.

    A signal that is ignored by now, as SIGHUP is under nohup, stays ignored if it is SIGHUP.
    """

    def __init__(self) -> None:
        # Not an Event: its lock must not be taken in a handler, which may run while the main thread
        # holds it, and then waits for itself. A SimpleQueue is made for handlers.
        self._came: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        hang_up = getattr(signal, "SIGHUP", None)
        if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
            signal.signal(hang_up, self._note)

    def wait(self) -> None:
        """Return when one has come, even if that was before the call."""
        while True:
            try:
                self._came.get(timeout=_WAKE_S)
            except queue.Empty:
                continue
            return

    def _note(self, number: int, _frame: object) -> None:
        self._came.put(number)
