"""The moment by which an operation has to be over, whatever it is made of.

An operation (a `start`, say) may need several requests. They share one deadline, carried in a
context variable: the innermost limit that is nearer wins, so a caller can tighten any call:

    with time_limit(5):
        ocean.compute.status(did, job_id, wallet)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Real
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.exceptions import InvalidInput


class Deadline:
    """A moment on the monotonic clock.

    Args:
        seconds: from now; None for no limit.
    """

    __slots__ = ("_ends", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._ends = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never below 0; infinity when there is no limit."""
        if self._ends is None:
            return float("inf")
        return max(0.0, self._ends - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0

    def capped(self, seconds: float) -> float:
        """Return `seconds`, or what is left if that is less."""
        return min(seconds, self.remaining())

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`, or for what is left if that is less."""
        time.sleep(self.capped(seconds))


_CURRENT: ContextVar[Deadline | None] = ContextVar("ocean_deadline", default=None)
_REQUEST_TIMES: ContextVar[tuple[float | None, float | None]]
_REQUEST_TIMES = ContextVar("ocean_request_times", default=(None, None))


def current_deadline() -> Deadline | None:
    """Return the deadline of the operation this code runs in, if there is one."""
    return _CURRENT.get()


def request_times(connect_s: float, read_s: float) -> tuple[float, float]:
    """Return the connect and read time-outs in force, given those that hold otherwise."""
    connect, read = _REQUEST_TIMES.get()
    return connect_s if connect is None else connect, read_s if read is None else read


@contextmanager
def time_limit(
    seconds: float, *, connect_s: float | None = None, read_s: float | None = None
) -> Iterator[Deadline]:
    """Bound everything inside by `seconds`; a nearer limit outside stays in force.

    Args:
        seconds: how long the calls inside may take together.
        connect_s: to make a connection, in place of the config's; None leaves it as it is.
        read_s: between two bytes of an answer, likewise.

    Yields:
        The deadline in force.

    Raises:
        InvalidInput: a time is no positive number. Inside another limit `seconds` may also be
            0 or less, as what is left of that one may be.
    """
    outer = _CURRENT.get()
    _check_seconds("seconds", seconds, may_be_over=outer is not None)
    for name, given in (("connect_s", connect_s), ("read_s", read_s)):
        if given is not None:
            _check_seconds(name, given)
    connect, read = _REQUEST_TIMES.get()
    times = _REQUEST_TIMES.set(
        (connect if connect_s is None else connect_s, read if read_s is None else read_s)
    )
    deadline = Deadline(seconds)
    if outer is not None and outer.remaining() < deadline.remaining():
        deadline = outer
    token = _CURRENT.set(deadline)
    try:
        yield deadline
    finally:
        _CURRENT.reset(token)
        _REQUEST_TIMES.reset(times)


def _check_seconds(name: str, value: Any, *, may_be_over: bool = False) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and (value > 0 or (may_be_over and value <= 0))):
        raise InvalidInput(
            f"time_limit needs {name} to be a positive number of seconds, got {printable(value)}."
        )
