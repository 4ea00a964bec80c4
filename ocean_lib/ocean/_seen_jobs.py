"""What a client has seen of jobs: where they are, since when, and how they ended."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from ocean_lib.common.http_requests.redaction import one_line
from ocean_lib.common.utils.expiring import Expiring
from ocean_lib.data_provider._responses import JobInfo
from ocean_lib.exceptions import JobNotFound, MalformedResponse, OceanError
from ocean_lib.models.job_status import JobState, JobStatus, epoch_seconds

SEEN_JOBS = 4096
SEEN_FOR_S = 24 * 3600.0

Place = tuple[str, str]
"""A Provider's base URL, and whose jobs."""


@dataclasses.dataclass(frozen=True)
class _Sight:
    place: Place
    since: float
    created_s: float | None  # another back end may use an id again
    end: JobState | None


class SeenJobs:
    """Keeps what was seen of jobs, for answers that deny it later.

    Two of them are measured on operator-service 1.0.0. While its database is away, it answers
    with an empty list. And a stop marks a job that had ended before as stopped.
    """

    def __init__(self) -> None:
        self._sights: Expiring[str, _Sight] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._at: Expiring[Place, str] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._stops: Expiring[str, bool] = Expiring(SEEN_JOBS, SEEN_FOR_S)

    def clear(self) -> None:
        """Forget all jobs."""
        for kept in (self._sights, self._at, self._stops):
            kept.clear()

    def one(
        self, place: Place, job_id: str, ask: Callable[[], JobInfo], *, by_stop: bool = False
    ) -> JobInfo:
        """Return one job, and keep that it was seen.

        Args:
            place: where it is asked for.
            job_id: which job.
            ask: makes the call.
            by_stop: the call asks to stop it.

        Raises:
            JobNotFound: as `ask` raises it; it says so if the job was seen here before.
        """
        try:
            job = ask()
        except OceanError as error:
            if by_stop:
                self.asked_to_stop(job_id)  # it may have arrived all the same
            if not self._is_denied(error, place, job_id):
                raise
        else:
            self.saw(place, job, by_stop=by_stop)
            return job
        raise _denied(place, f"job {one_line(job_id, 80)}")

    def _is_denied(self, error: OceanError, place: Place, job_id: str) -> bool:
        sight = self._sights.get(job_id)
        is_here = sight is not None and sight.place == place
        return isinstance(error, JobNotFound) and not error.others and is_here

    def all(
        self, place: Place, ask: Callable[[], list[JobInfo]], *, by_stop: bool = False
    ) -> list[JobInfo]:
        """Return all jobs of an owner, and keep that they were seen.

        Raises:
            JobNotFound: the list is empty, and jobs were seen here before.
        """
        jobs = ask()
        seen = self._at.get(place)
        if not jobs and seen is not None:
            raise _denied(place, f"jobs of this wallet, {one_line(seen, 80)} among them,")
        for job in jobs:
            self.saw(place, job, by_stop=by_stop)
        return jobs

    def saw(self, place: Place, job: JobInfo, *, by_stop: bool = False) -> None:
        """Keep that a job was seen, since when, and how it had ended when that was seen first."""
        job_id, created_s = job["jobId"], epoch_seconds(job.get("dateCreated"))
        since, end = time.monotonic(), self._end_of(job, by_stop)
        before = self._sights.get(job_id)
        if before is not None and before.created_s == created_s:
            since, end = before.since, before.end or end
        self._sights.put(job_id, _Sight(place, since, created_s, end))
        self._at.put(place, job_id)
        if by_stop:
            self.asked_to_stop(job_id)

    def _end_of(self, job: JobInfo, by_stop: bool) -> JobState | None:
        try:
            status = JobStatus.from_job(job)
        except MalformedResponse:
            return None  # who needs its status will say so
        if status.is_finished:
            # The answer to a stop shows the state before it, with the stop request already made.
            is_of_before = by_stop and status.job_id not in self._stops
            is_stopped = status.state is JobState.STOPPED
            return JobState.FINISHED if is_stopped and is_of_before else status.state
        if status.stop_requested:
            self.asked_to_stop(status.job_id)
        return None

    def asked_to_stop(self, job_id: str) -> None:
        """Keep that a job was asked to stop before it had ended, as far as is known."""
        self._stops.put(job_id, True)

    def status(self, job: JobInfo) -> JobStatus:
        """Return the status of a job, with the end that was seen before it was asked to stop.

        Raises:
            MalformedResponse: it has no status.
        """
        status = JobStatus.from_job(job)
        sight = self._sights.get(status.job_id)
        if status.state is JobState.STOPPED and sight and sight.created_s == status.created_s:
            return dataclasses.replace(status, state=sight.end or status.state)
        return status

    def existed(self, job_id: str, moment: float) -> bool:
        """Whether a job had been seen before a moment of `time.monotonic`."""
        sight = self._sights.get(job_id)
        return sight is not None and sight.since < moment

    def forget(self, place: Place, job_id: str) -> None:
        """Believe that a job is gone: it was deleted, and may have been the last one here."""
        self._sights.forget(job_id)
        self._at.forget(place)


def _denied(place: Place, what: str) -> JobNotFound:
    root, _ = place
    return JobNotFound(
        f"The Provider at {root} answered with an empty list, but this client has seen {what} "
        "there. A Provider answers like this while its back end's database is away, so nothing "
        "may be lost: ask again in a while. If the Provider was set up anew, or the jobs were "
        "deleted elsewhere, clear_caches() makes this client forget them.",
        was_seen=True,
    )
