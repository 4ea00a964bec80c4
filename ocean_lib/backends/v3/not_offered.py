"""What Ocean Nodes have and V3 Providers do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.environment import Environment, Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.exceptions import NotOffered
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.preflight.findings import Finding, refused
from ocean_lib.web3_internal.signer import Signer


def check_v3_only(plan: JobPlan) -> None:
    """Check that nothing is asked for that only Ocean Nodes have.

    Raises:
        NotOffered: with the names of the arguments.
    """
    for what, mend in _only_at_nodes(plan):
        raise NotOffered(f"{what} {mend} Nothing was started.")


def _only_at_nodes(plan: JobPlan) -> Iterator[tuple[str, str]]:
    """Yield what a plan asks for that only Ocean Nodes have, each with the way round it."""
    instead = "or set provider.url to a node."
    asked = plan.asked_of_nodes
    if asked:
        names = ", ".join(asked)
        yield (
            f"A V3 Provider has no {names}: these are for Ocean Nodes.",
            f"Leave them out, {instead}",
        )
    meta = plan.algorithm.meta
    if meta is not None and meta.container_checksum and not meta.container_tag:
        yield (
            "A V3 Provider takes no digest in place of an image's tag.",
            f"Name the tag, {instead}",
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

    def environments(self) -> Environments:
        """Return the one environment, which has no name and tells nothing."""
        return Environments([Environment("", is_free=False)])

    def findings(self, plan: JobPlan) -> Iterable[Finding]:
        """Say what of a job only Ocean Nodes have; the rest of the rules stands in the assets."""
        yield from (refused("not-offered", *each) for each in _only_at_nodes(plan))
        if len(plan.published) < len(plan.datasets) or not plan.datasets:
            yield refused(
                "not-offered",
                "A V3 Provider computes on published data sets only.",
                "Pass ComputeInputs only, or set provider.url to a node.",
            )

    def forget_token(self, _: str, __: Signer) -> bool:
        """Do nothing: a V3 Provider takes a token until its time is over."""
        return False
