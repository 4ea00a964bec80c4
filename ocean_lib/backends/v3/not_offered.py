"""What Ocean Nodes have and V3 Providers do not."""

from __future__ import annotations

from ocean_lib.exceptions import NotOffered
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan


def check_v3_only(plan: JobPlan) -> None:
    """Check that nothing is asked for that only Ocean Nodes have.

    Raises:
        NotOffered: with the names of the arguments.
    """
    asked = plan.asked_of_nodes
    if asked:
        raise NotOffered(
            f"A V3 Provider has no {', '.join(asked)}: these are for Ocean Nodes. Leave them out, "
            "or set provider.url to a node. Nothing was started."
        )


def no_log_while_running(job_id: str) -> NotOffered:
    """Make the error for a log that is asked for while its job runs."""
    return NotOffered(
        f"A V3 Provider shows the log of job {one_line(job_id, 80)} when the job has ended. Wait "
        "for it with job.wait(), then read job.logs()."
    )
