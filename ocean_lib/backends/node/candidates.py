"""Which of an owner's jobs a start whose answer was lost has made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ocean_lib.backends.backend import Candidate, Listed
from ocean_lib.checks import is_job_id
from ocean_lib.jobs.plan import MARKER, JobPlan
from ocean_lib.jobs.view import Job

CLOCK_SLACK_S = 5.0
"""The Date header has whole seconds, and the engine may have a clock of its own."""


@dataclass
class NodeCandidates:
    """What one start may have made, list by list.

    A node's job carries no order. It carries the metadata it was started with, and in there the
    random mark of this one start; environment and date have to fit as well.

    Args:
        plan: what was asked for.
        environment: where.
        is_anothers: tells a job that another start made.
    """

    plan: JobPlan
    environment: str
    is_anothers: Callable[[str], bool]

    def among(self, listed: Listed, sent_s: float) -> list[Candidate]:
        """Return those among the owner's jobs; the start was sent `sent_s` seconds ago."""
        since = listed.clock_s - sent_s - CLOCK_SLACK_S
        return [
            Candidate(job.id, is_new=is_job_id(job.id))
            for job in listed.jobs
            if self._is_asked_for(job)
            and (job.status.created_s is None or job.status.created_s >= since)
            and not self.is_anothers(job.id)
        ]

    def _is_asked_for(self, job: Job) -> bool:
        metadata = job.raw.get("metadata")
        return (
            isinstance(metadata, Mapping)
            and metadata.get(MARKER) == self.plan.marker
            and job.owner == self.plan.consumer
            and self.environment in ("", job.raw.get("environment"))
        )
