"""When a read is tried again: how often, and how long to wait before."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    OceanError,
    ServiceUnavailable,
    TooManyRequests,
)
from ocean_lib.http.deadline import Deadline
from ocean_lib.http.limits import BACKOFF_S, READ_ATTEMPTS

SIGNED_READ_AGAIN: tuple[type[OceanError], ...] = (
    ConnectFailed,
    ConnectionBroken,
    ServiceUnavailable,
    TooManyRequests,
)
"""After these a signed read gets one more attempt, with a new nonce and signature."""


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
        """Start counting anew, because the read has got on."""
        self._left = self._count
        self._pause_s = BACKOFF_S

    def again(self, retry_after_s: float = 0.0) -> bool:
        """Wait before another attempt; False if there is none, or no time for it.

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
    """Wait before a call is made anew with another signature; False if there is no time for it.

    What was refused for its signature, or sent elsewhere, is made anew at once.
    """
    if not isinstance(error, SIGNED_READ_AGAIN):
        return True
    return Attempts(deadline, 2).again(getattr(error, "retry_after_s", None) or 0.0)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, None if there is none."""
    said = str(headers.get("retry-after") or "").strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return float(said)
    date = str(headers.get("date") or "")
    try:
        until = parsedate_to_datetime(said)
        now = parsedate_to_datetime(date) if date else datetime.now(timezone.utc)
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return None
