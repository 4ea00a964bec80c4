"""Which of an owner's jobs a start whose answer was lost has made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ocean_lib.backends.backend import Candidate, Listed
from ocean_lib.checks import is_job_id
from ocean_lib.exceptions import StartUncertain
from ocean_lib.http.redaction import one_line
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
            Candidate(job, is_new=is_job_id(job.id))
            for job in listed.jobs
            if not self.wrong_in(job)
            and (job.status.created_s is None or job.status.created_s >= since)
            and not self.is_anothers(job.id)
        ]

    def wrong_in(self, job: Job) -> str:
        """Return what of a job is not as this start asked for it; '' if nothing is."""
        metadata = job.raw.get("metadata")
        if not isinstance(metadata, Mapping) or metadata.get(MARKER) != self.plan.marker:
            return "metadata"
        if job.owner != self.plan.consumer:
            return "owner"
        return "" if self.environment in ("", job.status.environment) else "environment"


def check_started(job: Job, plan: JobPlan, environment: str) -> None:
    """Check that the job in the answer to a start is the one that was asked for.

    Raises:
        StartUncertain: it is of another owner, environment or start.
    """
    wrong = NodeCandidates(plan, environment, lambda _: False).wrong_in(job)
    if wrong:
        raise StartUncertain(
            f"The node answered the start with job {one_line(job.id, 160)}, whose {wrong} is not "
            "that of this start. The new job may still run.",
            candidates=[job.id],
        ).advised("find-marked-job", key=MARKER, marker=plan.marker)
