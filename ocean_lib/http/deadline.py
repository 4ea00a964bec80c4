"""The time an operation has, whatever it is made of, and the attempts it makes of it.

An operation (a `start`, say) may need several requests. They share one deadline, carried in a
context variable: the innermost limit that is nearer wins, so a caller can tighten any call:

    with time_limit(5):
        ocean.compute.status(did, job_id, wallet)
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timezone
from numbers import Real
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    InvalidInput,
    OceanError,
    ServiceUnavailable,
    TooManyRequests,
)
from ocean_lib.http.limits import BACKOFF_S, READ_ATTEMPTS, Timeouts

SIGNED_READ_AGAIN: tuple[type[OceanError], ...] = (
    ConnectFailed,
    ConnectionBroken,
    ServiceUnavailable,
    TooManyRequests,
)
"""After these a signed read gets one more attempt, with a new nonce and signature."""


class Deadline:
    """A moment on the monotonic clock.

    Args:
        seconds: from now; None for no limit.
        connect_s: to make a connection, for the requests until then; None for the config's time.
        read_s: between two bytes of an answer, likewise.
    """

    __slots__ = ("_ends", "connect_s", "is_urgent", "read_s", "seconds")

    def __init__(
        self,
        seconds: float | None,
        connect_s: float | None = None,
        read_s: float | None = None,
    ) -> None:
        self.seconds = seconds
        self.is_urgent = False  # what looks for a lost start waits for no poll's turn
        self.connect_s = connect_s
        self.read_s = read_s
        self._ends = math.inf if seconds is None else time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never below 0; infinity when there is no limit."""
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

    def inside(self, outer: Deadline) -> None:
        """End with an outer limit at the latest, and keep its times where this one has none."""
        if outer.remaining() < self.remaining():
            self.seconds, self._ends = outer.seconds, outer._ends
        self.connect_s = outer.connect_s if self.connect_s is None else self.connect_s
        self.read_s = outer.read_s if self.read_s is None else self.read_s


_CURRENT: ContextVar[Deadline | None] = ContextVar("ocean_deadline", default=None)


def current_deadline() -> Deadline | None:
    """Return the deadline of the operation this code runs in, None outside of any."""
    return _CURRENT.get()


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
        InvalidInput: a time is not a positive number. Inside another limit `seconds` may also be
            0 or less, as what is left of that one may be.
    """
    outer = _CURRENT.get()
    _check_seconds("seconds", seconds, may_be_over=outer is not None)
    for name, given in (("connect_s", connect_s), ("read_s", read_s)):
        if given is not None:
            _check_seconds(name, given)
    deadline = Deadline(seconds, connect_s, read_s)
    if outer is not None:
        deadline.inside(outer)
    token = _CURRENT.set(deadline)
    try:
        yield deadline
    finally:
        _CURRENT.reset(token)


@contextmanager
def keeping_back(outer: Deadline, share: float, at_most_s: float) -> Iterator[None]:
    """Let what is inside end before the deadline of its operation.

    Args:
        outer: the deadline.
        share: of the time that is left, this much is kept back.
        at_most_s: but no more than this.
    """
    left = outer.remaining()
    left -= min(at_most_s, left * share)
    token = _CURRENT.set(Deadline(left, outer.connect_s, outer.read_s))
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def operation_limit(
    seconds: float | Timeouts, *, read_s: float | None = None
) -> Iterator[Deadline]:
    """Give the deadline in force, or start one: an operation has just one.

    Args:
        seconds: how long it may take; or the config's times, which bound each of its requests too.
        read_s: between two bytes of an answer, in place of the config's.
    """
    deadline = _CURRENT.get()
    if deadline is not None:
        yield deadline
        return
    if isinstance(seconds, Timeouts):
        deadline = Deadline(seconds.total_s, seconds.connect_s, seconds.read_s)
    else:
        deadline = Deadline(seconds, None, read_s)
    token = _CURRENT.set(deadline)
    try:
        yield deadline
    finally:
        _CURRENT.reset(token)


def _check_seconds(name: str, value: Any, *, may_be_over: bool = False) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and (value > 0 or (may_be_over and value <= 0))):
        raise InvalidInput(
            f"time_limit needs {name} to be a positive number of seconds, got {printable(value)}."
        )


class Attempts:
    """The attempts of one read.

    Args:
        deadline: of the operation; no wait goes beyond it.
        count: how many attempts there are in all.
    """

    def __init__(self, deadline: Deadline, count: int = READ_ATTEMPTS) -> None:
        self._deadline = deadline
        self._count = count
        self.renew()

    def renew(self) -> None:
        """Count from the beginning again, because the read has made progress."""
        self._left = self._count
        self._pause_s = BACKOFF_S

    def again(self, retry_after_s: float = 0.0) -> bool:
        """Wait before another attempt; False if none is left, or no time for it.

        Args:
            retry_after_s: what the server asked for; the usual wait if that is longer.
        """
        self._left -= 1
        pause_s = max(self._pause_s, retry_after_s) * random.uniform(1.0, 1.2)  # noqa: S311
        if self._left <= 0 or self._deadline.remaining() <= pause_s:
            return False
        self._deadline.pause(pause_s)
        self._pause_s *= 3
        return True


def may_sign_again(error: OceanError, deadline: Deadline) -> bool:
    """Wait before a call is signed and sent again; False if no time is left for it.

    What was refused for its signature, or sent elsewhere, is signed again at once.
    """
    if not isinstance(error, SIGNED_READ_AGAIN):
        return True
    return Attempts(deadline, 2).again(getattr(error, "retry_after_s", None) or 0.0)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, None without one."""
    said = str(headers.get("retry-after") or "").strip()
    if not said:
        return None
    if said.isascii() and said.isdigit() and len(said) < 10:
        return float(said)
    from email.utils import (
        parsedate_to_datetime,  # requests has loaded it; time_limit alone has not
    )

    date = str(headers.get("date") or "")
    try:
        until = parsedate_to_datetime(said)
        now = parsedate_to_datetime(date) if date else datetime.now(timezone.utc)
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return None
