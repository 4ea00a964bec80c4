"""Waiting for jobs: how often to poll, for how long, and what to do when a poll fails."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ocean_lib.base.arguments import check_callback, check_pause, check_seconds
from ocean_lib.exceptions import (
    AquariusError,
    EndpointNotFound,
    JobNotFound,
    JobTimeoutError,
    MalformedResponse,
    OceanError,
    ProviderError,
    ProviderFault,
    ServiceUnavailable,
    TooManyRequests,
    TransportError,
)
from ocean_lib.http.deadline import Deadline, current_deadline, time_limit
from ocean_lib.http.limits import TOO_MANY_REQUESTS, Timeouts
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.awaiting import pause
from ocean_lib.jobs.view import JobStatus

logger = logging.getLogger(__name__)

FIRST_INTERVAL_S = 0.2
"""Just after the start: a short job is over soon."""

SLOW_START_S = 2.0
"""Up to here the interval doubles; from here on it grows slowly."""

LONGEST_INTERVAL_S = 30.0

LAST_LOOK_S = 5.0
"""The least time for a poll, even when less is left of the wait."""

DEFAULT_PATIENCE_S = 120.0
"""For how long polls may fail in a row before the wait gives up."""

TOLD_JOBS = 5
"""How many jobs a message names; of the others it gives the number."""


Statuses = Mapping[str, JobStatus]
OnUpdate = Callable[[JobStatus], None]


def intervals(fixed_s: float | None) -> Iterator[float]:
    """Yield the pauses between polls, in seconds.

    Args:
        fixed_s: always this; None for 0.2 s doubling to 2 s, then growing to 30 s, with jitter so
            that many waits do not poll in step.
    """
    interval_s = FIRST_INTERVAL_S
    while True:
        if fixed_s is not None:
            yield fixed_s
            continue
        yield interval_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
        factor = 2.0 if interval_s < SLOW_START_S else 1.2
        interval_s = min(interval_s * factor, LONGEST_INTERVAL_S)


def passes(error: OceanError, *, has_answered: bool) -> bool:
    """Tell whether a failed poll says nothing about the job, so that it may be retried.

    Args:
        error: why it failed.
        has_answered: whether a poll succeeded before. Without one, the URL is probably wrong; after
            one, a gateway's server is probably restarting.
    """
    if isinstance(error, (TransportError, ServiceUnavailable, ProviderFault, TooManyRequests)):
        return True
    if isinstance(error, (AquariusError, ProviderError)) and (
        error.status_code >= 500 or error.status_code == TOO_MANY_REQUESTS
    ):
        return True
    if isinstance(error, JobNotFound):
        return error.was_seen
    return has_answered and isinstance(error, (MalformedResponse, EndpointNotFound))


def check_wait(timeout: object, poll_interval: object, patience: object, on_update: object) -> None:
    """Check the arguments of a wait, under their public names.

    Raises:
        InvalidInput: an argument cannot work.
    """
    check_seconds("timeout", timeout, or_none=True)
    check_pause("poll_interval", poll_interval)
    check_seconds("patience", patience)
    check_callback("on_update", on_update)


@dataclass
class Wait:
    """One wait for one or many jobs; the caller polls and sleeps, this decides.

    Args:
        job_ids: the jobs.
        timeout_s: how long to wait at most; None for as long as it takes. A `time_limit` around the
            wait applies as well.
        poll_interval_s: see `intervals`.
        patience_s: for how long polls of a job may fail in a row.
        on_update: called with each status that differs from the one before.
        describe: how to continue with jobs left running, for messages.
        look_s: how long one poll may take.

    Raises:
        InvalidInput: an argument cannot work.
    """

    job_ids: Sequence[str]
    timeout_s: float | None = None
    poll_interval_s: float | None = None
    patience_s: float = DEFAULT_PATIENCE_S
    on_update: OnUpdate | None = None
    describe: Callable[[Sequence[str]], str] = field(default=", ".join)
    look_s: float = Timeouts.total_s

    def __post_init__(self) -> None:
        check_wait(self.timeout_s, self.poll_interval_s, self.patience_s, self.on_update)
        self.seen: dict[str, JobStatus] = {}
        self._intervals = intervals(self.poll_interval_s)
        self._deadline = Deadline(self.timeout_s)
        outer = current_deadline()
        if outer is not None and outer.remaining() < self._deadline.remaining():
            self._deadline = outer
        self._began_s = time.monotonic()
        self._failing_since: dict[str, float] = {}
        self._told: set[str] = set()
        self._last_error: OceanError | None = None

    def unfinished(self) -> list[str]:
        """Return the ids of the jobs that have not ended, in their order."""
        return [i for i in self.job_ids if i not in self.seen or not self.seen[i].is_finished]

    def is_failing(self, job_id: str) -> bool:
        """Tell whether the last poll of a job failed."""
        return job_id in self._failing_since

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Bound one poll by the time that is left, but to no less than a short while."""
        left = max(self._deadline.remaining(), LAST_LOOK_S)
        with time_limit(min(self.look_s, left)):
            yield

    def saw(self, statuses: Statuses) -> None:
        """Take what a poll returned; tell `on_update` what is new."""
        for job_id in self.unfinished():
            status = statuses.get(job_id)
            if status is None:
                continue
            self._failing_since.pop(job_id, None)
            self._told.discard(job_id)
            if status == self.seen.get(job_id):
                continue
            self.seen[job_id] = status
            if self.on_update is not None:
                self.on_update(status)

    def failed(self, error: OceanError, job_ids: Iterable[str] | None = None) -> None:
        """Take a failed poll; raise the error if it is permanent or lasts too long.

        The second failure in a row is logged, once for each back end that is away, so that the wait
        is not silent.

        Args:
            error: why it failed.
            job_ids: the jobs it was for; None for all that have not ended.
        """
        now = time.monotonic()
        to_tell = 0
        for job_id in self.unfinished() if job_ids is None else job_ids:
            if not passes(error, has_answered=job_id in self.seen):
                raise error
            silent_s = now - self._failing_since.setdefault(job_id, now)
            if silent_s >= self.patience_s:
                error.args = (
                    f"{error.what} There was no answer for {silent_s:.3g} s; what was started may "
                    f"go on: {self._how_to_go_on(self.unfinished())}",
                )
                raise error
            if silent_s and job_id not in self._told:
                self._told.add(job_id)
                to_tell += 1
        if to_tell:
            logger.warning(
                "No answer about %d job(s); retrying for up to %g s: %s",
                to_tell,
                self.patience_s,
                one_line(error, 300),
            )
        self._last_error = error

    def pause_s(self) -> float:
        """Return how long to sleep before the next poll.

        Raises:
            JobTimeoutError: the time is used up.
        """
        left = self._deadline.remaining()
        if left <= 0:
            raise self._timed_out()
        return min(next(self._intervals), left)

    def interrupted(self) -> KeyboardInterrupt:
        """Make the KeyboardInterrupt that says that the jobs go on."""
        return KeyboardInterrupt(
            f"stopped waiting; the jobs go on: {self._how_to_go_on(self.unfinished())}"
        )

    def _timed_out(self) -> JobTimeoutError:
        running = self.unfinished()
        if self._failing_since and self._last_error is not None:
            unknown = f" (not known of {len(self._failing_since)}: the last poll failed)"
            reason = f" The last poll failed: {one_line(self._last_error, 300)}"
        else:
            unknown = reason = ""
        return JobTimeoutError(
            f"Waited {time.monotonic() - self._began_s:.3g} s, and {len(running)} of "
            f"{len(self.job_ids)} job(s) still run{unknown}: "
            f"{self._how_to_go_on(running)}{reason}",
            job_ids=running,
        )

    def _how_to_go_on(self, job_ids: Sequence[str]) -> str:
        more = len(job_ids) - TOLD_JOBS
        told = self.describe(job_ids[:TOLD_JOBS])
        return f"{told} ({more} more are not named here.)" if more > 0 else told


def wait(plan: Wait, look: Callable[[], None]) -> dict[str, JobStatus]:
    """Poll and sleep until all jobs have ended.

    Args:
        plan: what to wait for, and how.
        look: polls the jobs that have not ended, and tells the plan what it saw, or that it failed.

    Returns:
        The last status of each job.

    Raises:
        JobTimeoutError: the time is used up; the jobs go on.
        KeyboardInterrupt: its text says that the jobs go on.
        OceanError: a poll failed permanently, or polls failed for too long.
    """
    try:
        while plan.unfinished():
            look()
            if plan.unfinished():
                pause(plan.pause_s())
        return plan.seen
    except KeyboardInterrupt:
        pass
    raise plan.interrupted()
