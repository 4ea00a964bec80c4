"""What a client has seen of jobs: where they are, since when, and how they ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ocean_lib.backends.backend import JobRef
from ocean_lib.base.expiring import Expiring
from ocean_lib.exceptions import JobNotFound
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.view import Job, JobState, JobStatus, did_well

SEEN_JOBS = 4096
SEEN_FOR_S = 24 * 3600.0

Place = tuple[str, str]
"""A Provider's base URL, and whose jobs."""


@dataclass(frozen=True)
class _Sight:
    place: Place
    since: float
    created_s: float | None  # another back end may use an id again
    end: JobState | None


class SeenJobs:
    """Remembers what was seen of jobs, for later answers that contradict it.

    operator-service 1.0.0 has two of them: while its database is away, it answers with an empty
    list; and a stop marks a job as stopped that had already ended.
    """

    def __init__(self) -> None:
        self._sights: Expiring[str, _Sight] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._at: Expiring[Place, str] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._stops: Expiring[str, bool] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._failing: Expiring[str, bool] = Expiring(SEEN_JOBS, SEEN_FOR_S)

    def clear(self) -> None:
        """Forget all jobs."""
        for kept in (self._sights, self._at, self._stops, self._failing):
            kept.clear()

    @contextmanager
    def explaining(self, ref: JobRef) -> Iterator[None]:
        """Explain a `JobNotFound` from the block if the job was seen there before."""
        seen_there = False
        try:
            yield
            return
        except JobNotFound as error:
            sight = self._sights.get(ref.job_id)
            seen_there = sight is not None and sight.place == (error.root, ref.owner)
            if error.others or not seen_there:
                raise
            root = error.root
        raise _denied(root, f"job {one_line(ref.job_id, 80)}")

    def saw_all(
        self, root: str, owner: str, jobs: Sequence[Job], *, by_stop: bool = False
    ) -> list[Job]:
        """Remember that all jobs of an owner were seen; returns them with their known ends.

        Raises:
            JobNotFound: the list is empty, and jobs were seen there before.
        """
        seen = self._at.get((root, owner))
        if not jobs and seen is not None:
            raise _denied(root, f"jobs of this wallet, {one_line(seen, 80)} among them,")
        return [self.saw(root, owner, job, by_stop=by_stop) for job in jobs]

    def saw(self, root: str, owner: str, job: Job, *, by_stop: bool = False) -> Job:
        """Remember that a job was seen, since when, and its end as it was first seen.

        Args:
            root: the back end.
            owner: whose jobs.
            job: its current description.
            by_stop: the description is the answer to a stop.

        Returns:
            The job, with the end that was seen before it was asked to stop.
        """
        since, end = time.monotonic(), self._end_of(job.status, by_stop)
        before = self._sights.get(job.id)
        if before is not None and before.created_s == job.status.created_s:
            since, end = before.since, before.end or end
        if job.is_failing:
            self._failing.put(job.id, True)
        elif end is JobState.FINISHED and job.id in self._failing:
            end = JobState.FAILED  # a node's claim pass overwrites the code that said so
        self._sights.put(job.id, _Sight((root, owner), since, job.status.created_s, end))
        self._at.put((root, owner), job.id)
        if by_stop:
            self.asked_to_stop(job.id)
        # A stop, and a node's claim pass, give a job another end.
        is_changed = (job.status.state, end) == (JobState.FINISHED, JobState.FAILED) or (
            job.status.state is JobState.STOPPED and end not in (None, JobState.STOPPED)
        )
        if not is_changed or end is None:
            return job
        return replace(job, status=replace(job.status, state=end))

    def _end_of(self, status: JobStatus, by_stop: bool) -> JobState | None:
        if status.is_finished:
            # The answer to a stop shows the state before it, with the stop request already made.
            is_of_before = by_stop and status.job_id not in self._stops
            is_stopped = status.state is JobState.STOPPED
            if not (is_stopped and is_of_before):
                return status.state
            is_told = status.exit_code is not None
            has_failed = is_told and not did_well(status.exit_code, status.oom_killed)
            return JobState.FAILED if has_failed else JobState.FINISHED
        if status.stop_requested:
            self.asked_to_stop(status.job_id)
        return None

    def asked_to_stop(self, job_id: str) -> None:
        """Remember that a job was asked to stop before it had ended, as far as is known."""
        self._stops.put(job_id, True)

    def existed(self, job_id: str, moment: float) -> bool:
        """Whether a job was seen before a moment of `time.monotonic`."""
        sight = self._sights.get(job_id)
        return sight is not None and sight.since < moment

    def forget(self, root: str, ref: JobRef) -> None:
        """Forget a job that was deleted; it may have been the last one here."""
        self._sights.forget(ref.job_id)
        self._at.forget((root, ref.owner))


def _denied(root: str, what: str) -> JobNotFound:
    return JobNotFound(
        f"The Provider at {root} answered with an empty list, but this client has seen {what} "
        "there. A Provider answers like this while its back end's database is away, so nothing "
        "may be lost: retry later. If the Provider was set up again, or the jobs were deleted "
        "elsewhere, clear_caches() makes this client forget them.",
        was_seen=True,
        root=root,
    )
