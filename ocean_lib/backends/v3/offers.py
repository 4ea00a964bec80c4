"""What a V3 Provider offers: by which rules it goes, and what of an Ocean Node it does not have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from ocean_lib.backends.backend import ALL_RULES, JobRef, Rules
from ocean_lib.backends.environment import Environment, Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.exceptions import NotOffered
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.quote import Quote
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.findings import Finding, refused
from ocean_lib.web3_internal.signer import Signer

_PUBLISHERS_SINCE = (0, 4, 13)
_V4_SINCE = (1, 0, 0)


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
        yield from (refused("not-offered", *each) for each in plan.only_at_nodes())
        if len(plan.published) < len(plan.datasets) or not plan.datasets:
            yield refused(
                "not-offered",
                "A V3 Provider computes on published data sets only.",
                "Pass ComputeInputs only, or set provider.url to a node.",
            )

    def quote(self, plan: JobPlan, ordered: Callable[[JobPlan], Quote], _: ChainReader) -> Quote:
        """Say what the orders cost: there is nothing else to pay."""
        for what, mend in plan.only_at_nodes():
            raise NotOffered(f"{what} {mend} Nothing was started.")
        return ordered(plan)

    def forget_token(self, _: str, __: Signer) -> bool:
        """Do nothing: a V3 Provider takes a token until its time is over."""
        return False


def rules_of_provider(document: Mapping[str, Any]) -> Rules:
    """Return the rules of a Provider, by what it says of itself (`GET /`).

    Of one that is not the published V3 Provider nothing is known: it is taken to have all rules.
    """
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", str(document.get("version")))
    version = tuple(map(int, found.groups())) if found else _V4_SINCE
    is_published = document.get("software") == "Provider" and "embeddedNetwork" not in document
    if not is_published or version >= _V4_SINCE:
        return ALL_RULES
    return Rules(
        name=f"Provider {document['version']}",
        reads_publishers=version >= _PUBLISHERS_SINCE,
        reads_algorithm_access=False,
        compares_tokens=False,
    )
