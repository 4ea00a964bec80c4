"""Would a back end take this job? All that can be known before it is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ocean_lib.exceptions import OceanError, ProviderNotTrusted
from ocean_lib.jobs.client import JobClient
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.preflight.assets import FileProbe
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.findings import Finding, Findings, collected, refused
from ocean_lib.preflight.job import PlannedJob


def check_job(
    plan: JobPlan,
    client: JobClient,
    probe_at: Callable[[str], FileProbe],
    chain: ChainAccess,
    web3: Any,
    check_provider: Callable[[str], str],
) -> Findings:
    """Say what is in the way of a job; nothing is started, signed or paid.

    Args:
        plan: the job.
        client: knows assets and back ends.
        probe_at: asks the back end at a URL.
        chain: the configured one.
        web3: the wallet's, in its place; None if it has none.
        check_provider: raises `ProviderNotTrusted` if a data set's may get no signature.
    """
    did = plan.main.did
    with client.operation():
        job = PlannedJob(
            plan,
            lambda each: client.backends.asset(each, fresh=True),
            probe_at,
            ChainReader(chain, web3),
        )
        findings = collected([*job.findings(), *_trust(check_provider, did)])
    if "file-unreachable" in findings.codes:
        client.forget_reachable(did)  # start may remember that it was reached
    return findings


def _trust(check_provider: Callable[[str], str], did: str) -> Iterator[Finding]:
    """Say if `start` would sign nothing for the data set's Provider."""
    try:
        check_provider(did)
    except ProviderNotTrusted as error:
        yield refused(
            "provider-not-trusted",
            f"Data set {did} names the Provider {error.origin}, and the config does not.",
            f"If you trust it, set provider.trusted = {error.trusted} in [resources].",
            did,
        )
    except OceanError:
        return  # the job's own findings tell
