"""Would a back end take this job? All that can be known before it is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.backend import ALL_RULES, Rules
from ocean_lib.backends.select import Backends, compute_endpoint
from ocean_lib.backends.v3.rules import DATA_NOT_READ, service_at
from ocean_lib.backends.v3.trust import allows_network, allows_raw, rules_of, trust_report
from ocean_lib.checks import is_token_did
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import InvalidInput, NoComputeService, OceanError, ProviderNotTrusted
from ocean_lib.http.deadline import operation_limit
from ocean_lib.jobs.client import JobClient
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.preflight.algorithm import (
    fault_findings,
    is_algorithm,
    not_ordered,
    published_findings,
    raw_findings,
    uses_network,
)
from ocean_lib.preflight.assets import FileProbe, access_findings, look_up, unreachable
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.findings import Finding, Findings, collected, refused, warning
from ocean_lib.preflight.payment import Purse, order_findings


def check_job(
    plan: JobPlan,
    client: JobClient,
    chain: ChainAccess,
    web3: Any,
    check_provider: Callable[[str], str],
) -> Findings:
    """Say what is in the way of a job; nothing is started, signed or paid.

    Args:
        plan: the job.
        client: knows assets and back ends.
        chain: the configured one.
        web3: the wallet's, in its place; None if it has none.
        check_provider: raises `ProviderNotTrusted` if a data set's may get no signature.
    """
    did = plan.did
    with operation_limit(client.times):
        root = _root_at_node(client.backends, plan)
        if root or not did:
            root = root or client.backends.place("").root
            found = _of_files(plan, FileProbe(root, client.backends.at))
            return collected([*found, *_trust(check_provider, did)] if did else found)
        job = PlannedJob(
            plan,
            lambda each: client.backends.asset(each, fresh=True),
            lambda uri: FileProbe(client.backends.discovery.root_of(uri), client.backends.at),
            ChainReader(chain, web3),
        )
        findings = collected([*job.findings(), *_trust(check_provider, did)])
    if "file-unreachable" in findings.codes:
        client.forget_reachable(did)  # start may remember that it was reached
    return findings


def _root_at_node(backends: Backends, plan: JobPlan) -> str:
    """Return where a data set of a later generation is computed on; '' for others.

    All assets are looked up again. One that nobody knows would be at the configured back end.
    """
    dids = [did for did in (*plan.dids, plan.algorithm.did) if did and not is_token_did(did)]
    for did in dids:
        with suppress(OceanError):  # the back end says what is wrong with it
            backends.asset(did, fresh=True)
    if not plan.did or is_token_did(plan.did):
        return ""
    try:
        return backends.place(plan.did).root
    except OceanError:
        return backends.place("").root


def _of_files(plan: JobPlan, probe: FileProbe) -> Iterator[Finding]:
    """Check a job that only the back end and the code have a say in, or a node and its assets."""
    meta = plan.algorithm.meta
    if meta is not None:
        yield from fault_findings(meta)
    elif not plan.algorithm.did:
        yield NO_ALGORITHM
    yield from probe.of_plan(plan)


NO_ALGORITHM = refused(
    "no-algorithm",
    "The job has no algorithm.",
    "Give algorithm_did (a published one, with its order), or algorithm_meta.",
)


class PlannedJob:
    """A job that might be started, looked at from all sides."""

    def __init__(
        self,
        plan: JobPlan,
        asset_of: Callable[[str], Asset],
        probe_at: Callable[[str], FileProbe],
        reader: ChainReader,
    ) -> None:
        inputs, algorithm, consumer = plan.published, plan.algorithm, plan.consumer
        self._plan = plan
        self._inputs = inputs
        self._algorithm = algorithm
        self._consumer = consumer
        self._nonce_given = plan.nonce
        self._reader = reader
        self._purse = Purse(reader, consumer)
        dids = [item.did for item in inputs] + ([algorithm.did] if algorithm.did else [])
        self._assets = {did: look_up(asset_of, did) for did in dict.fromkeys(dids)}
        self._probe: FileProbe | None = None
        self._no_provider: Finding | None = None
        main = self._assets[inputs[0].did]
        if isinstance(main, Asset):
            try:
                self._probe = probe_at(compute_endpoint(main, inputs[0].service_id))
            except NoComputeService as error:
                self._no_provider = _no_service("no-compute-service", error, main)

    def findings(self) -> Iterator[Finding]:
        """Say all that is in the way."""
        if self._no_provider is not None:
            yield self._no_provider
        if self._probe is not None:
            yield from self._probe.of_plan(self._plan)
        if self._nonce_given is not None and self._probe is not None:
            yield from self._nonce(self._nonce_given, self._probe)
        compute: list[tuple[Asset, Service]] = []
        for position, item in enumerate(self._inputs):
            asset = self._assets[item.did]
            if isinstance(asset, Finding):
                yield asset
                continue
            yield from access_findings(asset, self._consumer)
            yield from self._files(asset, position)
            service = self._service(asset, item, position)
            if isinstance(service, Service):
                yield from self._order(asset, service, item)
                if service.type == ServiceTypes.CLOUD_COMPUTE:
                    compute.append((asset, service))
            elif service != self._no_provider:
                yield service
        yield from self._rules(compute)
        yield from self._about_algorithm()
        yield from self._purse.findings()

    def _provider_rules(self) -> Rules:
        return self._probe.rules() if self._probe is not None else ALL_RULES

    def _service(self, asset: Asset, item: ComputeInput, position: int) -> Service | Finding:
        types = {ServiceTypes.CLOUD_COMPUTE}
        if position:
            types.add(ServiceTypes.ASSET_ACCESS)
        elif self._no_provider is not None:
            return self._no_provider
        try:
            return service_at(asset, item.service_id, of_types=types)
        except NoComputeService as error:
            missing = asset.get_service_by_index(item.service_id) is None
            code = "no-such-service" if missing else "wrong-service-type"
            return _no_service(code, error, asset)

    def _files(self, asset: Asset, position: int) -> Iterator[Finding]:
        did = str(asset.did)
        reached = self._probe.of_asset("data set", did) if self._probe is not None else None
        if isinstance(reached, Finding):
            yield reached
        elif reached is not None and (what := unreachable("data set", did, reached)):
            mend = "Tell the publisher; only they can put the file back or change the asset."
            if reached and position:
                # The Provider looks at no file before the job runs, and start at the main input's.
                what += f" It would take the job, which would then end with {DATA_NOT_READ}."
                yield warning("later-file-unreachable", what, mend, did)
            else:
                yield refused("file-unreachable", what, mend, did)

    def _order(self, asset: Asset, service: Service, item: ComputeInput) -> Iterator[Finding]:
        if item.transfer_tx_id != NOT_ORDERED:
            yield from order_findings(
                self._reader,
                item.transfer_tx_id,
                asset,
                service,
                self._consumer,
                self._provider_rules(),
            )
            return
        then = "pass the transaction in its ComputeInput"
        yield not_ordered(f"Service {service.index} of data set {asset.did}", then, asset)
        yield from self._purse.to_order(asset, service)

    def _rules(self, compute: Sequence[tuple[Asset, Service]]) -> Iterator[Finding]:
        closed, is_open = [], False
        for asset, service in compute:
            try:
                rules = rules_of(asset, service)
                yield from self._trust(asset, service, rules)
            except InvalidInput as error:
                yield refused(
                    "rules-unreadable",
                    f"The rules of data set {asset.did} cannot be read. {error}",
                    "Ask the data set's publisher to repair the compute service's privacy.",
                    asset.did,
                )
                continue
            if allows_network(rules):
                is_open = True
            else:
                closed.append(str(asset.did))
        if closed:
            yield from self._network(closed, is_open)

    def _trust(self, asset: Asset, service: Service, rules: dict[str, Any]) -> Iterator[Finding]:
        did = self._algorithm.did
        if did:
            algorithm = self._assets[did]
            if isinstance(algorithm, Asset) and is_algorithm(algorithm):
                report = trust_report(asset, service, did, algorithm, self._provider_rules())
                yield from report.findings
        elif self._algorithm.meta is not None and not allows_raw(rules):
            yield refused(
                "raw-not-allowed",
                f"Data set {asset.did} runs published algorithms only.",
                "Publish the algorithm and send it by DID, or ask the publisher to allow raw code.",
                asset.did,
            )

    def _network(self, closed: list[str], is_open: bool) -> Iterator[Finding]:
        where = ", ".join(closed)
        mend = "Let the algorithm do without, or ask the publisher to allow network access."
        line = uses_network(self._algorithm.meta) if self._algorithm.meta else ""
        if line:
            what = f"The code seems to use the network ({line}), which {where} does not allow."
            yield warning("network-not-allowed", what, mend, closed[0])
        elif is_open:
            what = f"The algorithm will have no network: {where} does not allow it, others do."
            yield warning("network-not-allowed", what, mend, closed[0])

    def _about_algorithm(self) -> Iterator[Finding]:
        algorithm = self._algorithm
        if algorithm.did:
            asset = self._assets[algorithm.did]
            if isinstance(asset, Finding):
                yield asset
            else:
                yield from published_findings(
                    asset, algorithm, self._consumer, self._reader, self._purse, self._probe
                )
        elif algorithm.meta is not None:
            yield from raw_findings(algorithm.meta, self._probe)
        else:
            yield NO_ALGORITHM

    def _nonce(self, nonce: int, probe: FileProbe) -> Iterator[Finding]:
        stored = probe.of_nonce(self._consumer)
        if isinstance(stored, Finding):
            yield stored
        elif stored is not None and stored != nonce:
            yield refused(
                "stale-nonce",
                f"The nonce {nonce} was given, the Provider has {stored} for {self._consumer}.",
                "Leave nonce out; it is asked for.",
            )


def _no_service(code: str, error: NoComputeService, asset: Asset) -> Finding:
    return refused(
        code,
        str(error),
        "Take the service's index from the asset, or choose another data set.",
        asset.did,
    )


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
