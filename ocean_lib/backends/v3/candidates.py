"""Which of an owner's jobs a start with a lost answer may have created."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ocean_lib.backends.backend import Candidate, Listed
from ocean_lib.checks import is_job_id
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.view import Job

CLOCK_SLACK_S = 1.0
"""The job store may be on another machine than the clock of the Date header."""

DATE_STEP_S = 1.0
"""The Date header has whole seconds: it may be late by as much."""

ZONE_STEP_S = 900.0
"""Time zones differ by quarters of an hour. The dates of a job store that uses local time are wrong
by a multiple of that, and right otherwise."""


@dataclass
class V3Candidates:
    """Which jobs one start may have created, list by list.

    Args:
        plan: what was asked for.
        is_anothers: whether another start created a job.
    """

    plan: JobPlan
    is_anothers: Callable[[str], bool]
    _listed: frozenset[str] | None = field(default=None, init=False)

    def among(self, listed: Listed, sent_s: float) -> list[Candidate]:
        """Return those among the owner's jobs.

        Args:
            listed: the jobs, and the Provider's clock.
            sent_s: how many seconds ago the start was sent.
        """
        since = _Since(listed.clock_s, sent_s + CLOCK_SLACK_S)
        found = [
            Candidate(job, self._is_new(job, since))
            for job in listed.jobs
            if self._is_asked_for(job)
            and not self.is_anothers(job.id)
            and not since.ended_before(job, has_appeared=self._has_appeared(job))
        ]
        if self._listed is None:
            self._listed = frozenset(job.id for job in listed.jobs)
        return found

    def _is_asked_for(self, job: Job) -> bool:
        return (
            job.status.order_tx.lower() == self.plan.main.transfer_tx_id.lower()
            and self.plan.main.did in job.dids
            and job.algorithm_did == self.plan.algorithm.did
        )

    def _is_new(self, job: Job, since: _Since) -> bool:
        if not is_job_id(job.id):
            return False  # no call could name it
        created_s = job.status.created_s
        if created_s is not None and since.holds(created_s):
            return True
        if self._listed is None or job.id in self._listed:
            return False
        is_in_a_zone = created_s is not None and since.holds_in_a_zone(created_s)
        return self._has_appeared(job) or is_in_a_zone

    def _has_appeared(self, job: Job) -> bool:
        # An empty list proves nothing: a back end without its database sends one too, and later
        # all jobs appear at once.
        return bool(self._listed) and job.id not in (self._listed or ())


@dataclass(frozen=True)
class _Since:
    """The seconds from a start up to now, by the Provider's clock."""

    now_s: float
    seconds: float

    def holds(self, moment_s: float) -> bool:
        return self._is_age(self.now_s - moment_s)

    def holds_in_a_zone(self, moment_s: float) -> bool:
        late_s = CLOCK_SLACK_S + DATE_STEP_S
        return self._is_age((self.now_s - moment_s + late_s) % ZONE_STEP_S - late_s)

    def ended_before(self, job: Job, *, has_appeared: bool) -> bool:
        """Whether a job ended before, in any time zone of its dates.

        Of one that has appeared between two lists, only its length tells: the clock of the job
        store may be wrong by any time.
        """
        ended_s = job.status.finished_s
        if ended_s is None:
            return False
        created_s = job.status.created_s
        is_too_long = created_s is not None and not 0 <= ended_s - created_s <= self.seconds
        return is_too_long or not (has_appeared or self.holds_in_a_zone(ended_s))

    def _is_age(self, age_s: float) -> bool:
        return -(CLOCK_SLACK_S + DATE_STEP_S) <= age_s <= self.seconds
