"""How often a node is asked: polls leave half of its rate limit to everything else."""

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

WINDOW_S = 60.0
LEAST_PAUSE_S = 1.0
SPARE_S = 3.0
"""What a wait leaves of a call's time for the request after it."""


class Pace:
    """Delays polls that would be too many in a minute.

    A third of them may follow each other without a gap. The gaps after these grow, so that none is
    nearly as long as a minute.

    Args:
        polls: how many there may be in `window_s` seconds.
        window_s: see `polls`.
    """

    def __init__(self, polls: int, window_s: float = WINDOW_S) -> None:
        self._polls = polls
        self._window_s = window_s
        self._at_once = max(1, polls // 3)
        # The gaps grow with the square of how many polls there were, and fill most of the window.
        later = range(1, max(2, polls - self._at_once))
        self._step_s = 0.8 * window_s / sum(number**2 for number in later)
        self._renew()
        renew_in_children(self, Pace._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._moments: deque[float] = deque(maxlen=self._polls)

    def wait(self, deadline: Deadline) -> None:
        """Wait for the next free moment.

        Raises:
            TooManyRequests: there is none within this call's time; nothing was sent.
        """
        with self._lock:
            now = time.monotonic()
            at = self._next_moment(now)
            if at - now > deadline.remaining():
                raise self._too_many(at - now)
            self._moments.append(at)
        if at > now:
            deadline.pause(at - now)

    def _next_moment(self, now: float) -> float:
        if not self._moments:
            return now
        earliest = max(now, self._moments[-1])
        recent = sum(earliest - moment < self._window_s for moment in self._moments)
        gap_s = self._step_s * max(0, recent - self._at_once + 1) ** 2
        at = max(now, self._moments[-1] + min(gap_s, self._window_s))
        is_full = len(self._moments) == self._polls
        return max(at, self._moments[0] + self._window_s) if is_full else at

    def _too_many(self, wait_s: float) -> TooManyRequests:
        error = TooManyRequests(
            f"Nothing was sent: this client asks a node for at most {self._polls} statuses a "
            f"minute (provider.polls_per_minute), and the next would be in {wait_s:.0f} s. Wait "
            "for many jobs with compute.wait_all, which asks once for all of a wallet.",
            operation="get the status of the job",
        )
        error.retry_after_s = wait_s
        return error


def patiently(total_s: float, act: Callable[[], T]) -> T:
    """Act; again when the node says that it is asked too often, while there is time.

    A node that says so has done nothing, so a start may be sent again, too.

    Args:
        total_s: for how long to be patient, also where the whole operation may take longer.
        act: makes the call, with a signature of its own each time.
    """
    patience, least_s = Deadline(total_s), LEAST_PAUSE_S
    with operation_limit(total_s) as deadline:
        while True:
            try:
                return act()
            except TooManyRequests as error:
                left_s = min(patience.remaining(), deadline.remaining()) - SPARE_S
                # Asked to wait for longer than there is time: once more, at its end.
                pause_s = min(max(error.retry_after_s or 0.0, least_s), left_s)
                if pause_s <= 0:
                    raise
            deadline.pause(pause_s)
            least_s *= 2
