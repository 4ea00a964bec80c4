"""Which of an owner's jobs a start whose answer was lost may have made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ocean_lib.common.validation import is_job_id
from ocean_lib.data_provider._responses import JobInfo
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.job_status import epoch_seconds

CLOCK_SLACK_S = 1.0
"""The job store may stand on another machine than the clock of the Date header."""

DATE_STEP_S = 1.0
"""The Date header has whole seconds: it may be late by as much."""

ZONE_STEP_S = 900.0
"""Time zones differ by quarters of an hour. A job store that keeps local time gives dates that are
wrong by so many of them, and right otherwise."""


@dataclass(frozen=True)
class Candidate:
    """A job that a start may have made.

    Attributes:
        job_id: the job.
        is_new: whether it was made after the start was sent, as far as jobs tell.
    """

    job_id: str
    is_new: bool


@dataclass
class Candidates:
    """What one start may have made, list by list.

    Args:
        main: the first input; its order stands in the job.
        algorithm_did: '' for raw code.
        is_anothers: tells a job that another start made.
    """

    main: ComputeInput
    algorithm_did: str
    is_anothers: Callable[[str], bool]
    _listed: frozenset[str] | None = field(default=None, init=False)

    def among(self, jobs: Sequence[JobInfo], now_s: float, sent_s: float) -> list[Candidate]:
        """Return those among the owner's jobs.

        Args:
            jobs: as the Provider lists them now.
            now_s: the Provider's clock, in epoch seconds.
            sent_s: so many seconds ago the start was sent.
        """
        since = _Since(now_s, sent_s + CLOCK_SLACK_S)
        found = [
            Candidate(job["jobId"], self._is_new(job, since))
            for job in jobs
            if self._is_asked_for(job)
            and not self.is_anothers(job["jobId"])
            and not since.ended_before(job)
        ]
        if self._listed is None:
            self._listed = frozenset(job["jobId"] for job in jobs)
        return found

    def _is_asked_for(self, job: JobInfo) -> bool:
        inputs = job.get("inputDID")
        inputs = inputs if isinstance(inputs, list) else [inputs]
        return (
            str(job.get("agreementId")).lower() == self.main.transfer_tx_id.lower()
            and self.main.did in inputs
            and (job.get("algoDID") or "") == self.algorithm_did
        )

    def _is_new(self, job: JobInfo, since: _Since) -> bool:
        if not is_job_id(job["jobId"]):
            return False  # no call could name it
        created_s = epoch_seconds(job.get("dateCreated"))
        if created_s is not None and since.holds(created_s):
            return True
        if self._listed is None or job["jobId"] in self._listed:
            return False
        # Before a list that was empty there may have been none: a back end without its database
        # gives an empty one too, and then all jobs come at once.
        is_in_a_zone = created_s is not None and since.holds_in_a_zone(created_s)
        return bool(self._listed) or is_in_a_zone


@dataclass(frozen=True)
class _Since:
    """The time since a start was sent: so many seconds up to now, by the Provider's clock."""

    now_s: float
    seconds: float

    def holds(self, moment_s: float) -> bool:
        return self._is_age(self.now_s - moment_s)

    def holds_in_a_zone(self, moment_s: float) -> bool:
        late_s = CLOCK_SLACK_S + DATE_STEP_S
        return self._is_age((self.now_s - moment_s + late_s) % ZONE_STEP_S - late_s)

    def ended_before(self, job: JobInfo) -> bool:
        """Whether a job had ended before, in whichever time zone its dates are."""
        ended_s = epoch_seconds(job.get("dateFinished"))
        if ended_s is None:
            return False
        created_s = epoch_seconds(job.get("dateCreated"))
        is_too_long = created_s is not None and not 0 <= ended_s - created_s <= self.seconds
        return is_too_long or not self.holds_in_a_zone(ended_s)

    def _is_age(self, age_s: float) -> bool:
        return -(CLOCK_SLACK_S + DATE_STEP_S) <= age_s <= self.seconds
