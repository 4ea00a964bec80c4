"""How often a node is asked: unsigned reads leave half of its rate limit to everything else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from ocean_lib.base.forks import renew_in_children
from ocean_lib.exceptions import TooManyRequests
from ocean_lib.http.deadline import Deadline, operation_limit

T = TypeVar("T")

POLLS = 15
"""So many statuses are asked for in a minute: half of what a node answers with its defaults."""

WINDOW_S = 60.0
SPARE_S = 3.0
"""What a wait leaves of a call's time for the request after it."""


class Pace:
    """Delays polls that would be more than half of a node's rate limit.

    Args:
        polls: how many there may be in `window_s` seconds.
        window_s: see `polls`.
    """

    def __init__(self, polls: int = POLLS, window_s: float = WINDOW_S) -> None:
        self._polls = polls
        self._window_s = window_s
        self._renew()
        renew_in_children(self, Pace._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._moments: deque[float] = deque(maxlen=self._polls)

    def wait(self, deadline: Deadline) -> None:
        """Wait for the next free moment; send at once what has no time for that."""
        with self._lock:
            now = time.monotonic()
            at = now
            if len(self._moments) == self._polls:
                at = max(now, self._moments[0] + self._window_s)
            self._moments.append(at)
        pause_s = at - now
        if pause_s > 0:
            deadline.pause(min(pause_s, max(0.0, deadline.remaining() - SPARE_S)))


def patiently(total_s: float, act: Callable[[], T]) -> T:
    """Act; once more when the node says that it is asked too often, if there is time.

    A node that says so has done nothing, so a start may be sent again, too.

    Args:
        total_s: how long the call may take, where no limit is in force.
        act: makes the call, with a signature of its own each time.
    """
    with operation_limit(total_s) as deadline:
        try:
            return act()
        except TooManyRequests as error:
            pause_s = min(error.retry_after_s or 0.0, deadline.remaining() - SPARE_S)
            if pause_s <= 0:
                raise
        deadline.pause(pause_s)
        return act()
