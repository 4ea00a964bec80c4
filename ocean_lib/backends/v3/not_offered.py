"""What Ocean Nodes have and V3 Providers do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.environment import Environment, Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.exceptions import NotOffered
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.quote import Quote
from ocean_lib.web3_internal.signer import Signer


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


class WithoutNodesCalls:
    """What a V3 back end says to the calls that only Ocean Nodes have; nothing is sent."""

    generation = Generation.V3

    def follow(self, ref: JobRef, _: Signer) -> AbstractContextManager[Iterator[bytes]]:
        """Refuse: a V3 Provider has no log of a job that runs."""
        raise NotOffered(
            f"A V3 Provider shows the log of job {one_line(ref.job_id, 80)} when the job has "
            "ended. Wait for it with job.wait(), then read job.logs()."
        )

    def quote(self, plan: JobPlan, ordered: Callable[[JobPlan], Quote]) -> Quote:
        """Say what the orders cost: there is nothing else to pay."""
        check_v3_only(plan)
        return ordered(plan)

    def environments(self) -> Environments:
        """Return the one environment, which has no name and tells nothing."""
        return Environments([Environment("", is_free=False)])

    def forget_token(self, _: str, __: Signer) -> bool:
        """Do nothing: a V3 Provider takes a token until its time is over."""
        return False
