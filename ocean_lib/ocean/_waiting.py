"""Waiting for jobs: how often to look, for how long, and what to do when a look fails."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ocean_lib.common.http_requests.deadline import Deadline
from ocean_lib.exceptions import (
    InvalidInput,
    JobTimeoutError,
    OceanError,
    ProviderFault,
    ServiceUnavailable,
    TransportError,
)
from ocean_lib.models.job_status import JobStatus

FIRST_INTERVAL_S = 0.2
"""Just after the start: a short job is over soon."""

SLOW_START_S = 2.0
"""Up to here the interval doubles; from here on it grows slowly."""

LONGEST_INTERVAL_S = 30.0

DEFAULT_PATIENCE_S = 120.0
"""For how long looks may fail, one after the other, before waiting gives up."""

PASSING_ERRORS = (TransportError, ServiceUnavailable, ProviderFault)
"""Failures of a look that say nothing of the job."""

Statuses = Mapping[str, JobStatus]
OnUpdate = Callable[[JobStatus], None]


def intervals(fixed_s: float | None) -> Iterator[float]:
    """Yield the waits between looks, in seconds.

    Args:
        fixed_s: always this; None for 0.2 s doubling to 2 s, then growing to 30 s, with jitter
            so that many waiters do not look in step.

    Raises:
        InvalidInput: not a positive number.
    """
    if fixed_s is not None:
        if not fixed_s > 0:
            raise InvalidInput(f"poll_interval must be positive seconds, got {fixed_s!r}.")
        while True:
            yield fixed_s
    interval_s = FIRST_INTERVAL_S
    while True:
        yield interval_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
        factor = 2.0 if interval_s < SLOW_START_S else 1.2
        interval_s = min(interval_s * factor, LONGEST_INTERVAL_S)


@dataclass
class Wait:
    """One wait for one or many jobs; the caller looks and sleeps, this decides.

    Args:
        job_ids: the jobs.
        timeout_s: how long to wait at most; None for as long as it takes.
        poll_interval_s: see `intervals`.
        patience_s: for how long looks may fail, one after the other.
        on_update: called with each status that differs from the one before.
        describe: how to go on with jobs left running, for messages.
    """

    job_ids: Sequence[str]
    timeout_s: float | None = None
    poll_interval_s: float | None = None
    patience_s: float = DEFAULT_PATIENCE_S
    on_update: OnUpdate | None = None
    describe: Callable[[Sequence[str]], str] = field(default=", ".join)

    def __post_init__(self) -> None:
        if self.timeout_s is not None and not self.timeout_s >= 0:
            raise InvalidInput(
                f"timeout must be seconds from 0 on or None, got {self.timeout_s!r}."
            )
        self.seen: dict[str, JobStatus] = {}
        self._intervals = intervals(self.poll_interval_s)
        self._deadline = Deadline(self.timeout_s)
        self._failing_since: float | None = None

    def unfinished(self) -> list[str]:
        """Return the ids of the jobs that have not ended, in their order."""
        return [i for i in self.job_ids if i not in self.seen or not self.seen[i].is_finished]

    def saw(self, statuses: Statuses) -> None:
        """Take what a look found; tell `on_update` what is new."""
        self._failing_since = None
        for job_id in self.unfinished():
            status = statuses.get(job_id)
            if status is None or status == self.seen.get(job_id):
                continue
            self.seen[job_id] = status
            if self.on_update is not None:
                self.on_update(status)

    def failed(self, error: OceanError) -> None:
        """Take a look that failed; raise the error if it does not pass, or for too long."""
        if not isinstance(error, PASSING_ERRORS):
            raise error
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since >= self.patience_s:
            raise error

    def pause_s(self) -> float:
        """Return how long to sleep before the next look.

        Raises:
            JobTimeoutError: the time is used up.
        """
        left = self._deadline.remaining()
        if left <= 0:
            running = self.unfinished()
            raise JobTimeoutError(
                f"Waited {self.timeout_s:g} s, and {len(running)} of {len(self.job_ids)} job(s) "
                f"still run: {self.describe(running[:5])}",
                job_ids=running,
            )
        return min(next(self._intervals), left)

    def interrupted(self) -> KeyboardInterrupt:
        """Make the KeyboardInterrupt that says that the jobs go on."""
        return KeyboardInterrupt(
            f"stopped waiting; the jobs go on: {self.describe(self.unfinished()[:5])}"
        )


def wait(plan: Wait, look: Callable[[Sequence[str]], Statuses]) -> dict[str, JobStatus]:
    """Look and sleep until all jobs have ended.

    Args:
        plan: what to wait for, and how.
        look: returns the status of these jobs.

    Returns:
        The last status of each job.

    Raises:
        JobTimeoutError: the time is used up; the jobs go on.
        KeyboardInterrupt: with a text that says that the jobs go on.
        OceanError: a look failed in a way that does not pass, or for too long.
    """
    try:
        while True:
            try:
                plan.saw(look(plan.unfinished()))
            except OceanError as error:
                plan.failed(error)
            if not plan.unfinished():
                return plan.seen
            time.sleep(plan.pause_s())
    except KeyboardInterrupt:
        pass
    raise plan.interrupted()
