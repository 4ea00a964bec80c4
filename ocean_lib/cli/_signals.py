"""SIGTERM and SIGHUP interrupt a command like Ctrl-C, so that it says what goes on without it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ocean_lib.cli._exit_codes import ExitCode
from ocean_lib.cli._session import Session

_CODES = {"SIGTERM": ExitCode.TERMINATED, "SIGHUP": ExitCode.HUNG_UP}  # Windows has no SIGHUP


@contextmanager
def interrupting(session: Session) -> Iterator[None]:
    """Let these signals interrupt what runs inside, and note in the session which one it was.

    Signals that somebody ignores or handles (`nohup`) are left alone.
    """
    numbers = {
        getattr(signal, name): code for name, code in _CODES.items() if hasattr(signal, name)
    }

    def interrupt(number: int, _: object) -> None:
        if session.interrupted_by is not ExitCode.INTERRUPTED:
            return  # a closing terminal sends it twice; the first is being told of
        session.interrupted_by = numbers[number]
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # nobody else may
        yield
        return
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
