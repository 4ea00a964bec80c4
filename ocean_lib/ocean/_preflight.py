"""Would a Provider take this job? All that can be known before it is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.common.http_requests.exchange import operation_limit
from ocean_lib.common.validation import check_address, check_did, check_tx_hash
from ocean_lib.config import Config
from ocean_lib.exceptions import InvalidInput, NoComputeService
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.findings import Finding, Findings, collected, refused, warning
from ocean_lib.ocean import _start
from ocean_lib.ocean._algorithm_findings import (
    is_algorithm,
    not_ordered,
    published_findings,
    raw_findings,
    uses_network,
)
from ocean_lib.ocean._asset_findings import FileProbe, access_findings, look_up, unreachable
from ocean_lib.ocean._chain import ChainAccess
from ocean_lib.ocean._order_findings import NOT_ORDERED, Purse, order_findings
from ocean_lib.ocean._orders_on_chain import ChainReader
from ocean_lib.ocean._places import Places, compute_endpoint
from ocean_lib.ocean._trust_rules import allows_raw, rules_of, trust_report
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address

if TYPE_CHECKING:
    from ocean_lib.ocean.ocean_compute import OceanCompute


class ComputePreflight:
    """The part of `OceanCompute` that looks before it starts."""

    NOT_ORDERED = NOT_ORDERED
    """In place of an order's transaction in a `ComputeInput`, for `check` before ordering."""

    _config: Config
    _data_provider: Any
    _places: Places
    _total_s: float
    _own_chain: ChainAccess | None = None

    def check(
        self,
        input_datasets: list[ComputeInput],
        consumer_wallet: Signer,
        nonce: int | None = None,
        algorithm_did: str | None = None,
        algorithm_meta: AlgorithmMetadata | None = None,
        algorithm_tx_id: str | None = None,
        algorithm_data_token: str | None = None,
        output: dict[str, Any] | None = None,
        job_id: str | None = None,
    ) -> Findings:
        """Predict whether `start` would be refused, and why. Nothing is started, signed or paid.

        All assets are asked for anew. Orders and balances are read from the chain that the
        config's network names, or else from the wallet's `web3`; without either, what needs the
        chain is a finding of severity `unknown`, as is all else that cannot be asked.

        Before ordering, pass `ComputeInput(did, compute.NOT_ORDERED, index)` and no
        `algorithm_tx_id`: that is a finding (`not-ordered`) in itself, the wallet's balances are
        looked at, and the result's `can_order` tells whether orders are all that is missing.

        Args:
            input_datasets: as for `start`.
            consumer_wallet: as for `start`; it signs nothing here.
            nonce: as for `start`; compared with the Provider's.
            algorithm_did: as for `start`.
            algorithm_meta: as for `start`.
            algorithm_tx_id: as for `start`; None if the algorithm is not ordered yet.
            algorithm_data_token: as for `start`.
            output: as for `start`.
            job_id: as for `start`; whether the Provider knows that job is not looked at.

        Returns:
            The findings; none when the Provider would start the job.

        Raises:
            InvalidInput: an argument is of the wrong type or form.
        """
        inputs = _start.check_inputs(input_datasets)
        algorithm = _given(algorithm_did, algorithm_meta, algorithm_tx_id, algorithm_data_token)
        address = signer_address(check_signer(consumer_wallet))
        _start.check_resumption(nonce, job_id)
        compute = cast("OceanCompute", self)
        compute.check_output_dict(output, address, self._data_provider, self._config)
        if self._own_chain is None:
            self._own_chain = ChainAccess(self._config)
        reader = ChainReader(self._own_chain, getattr(consumer_wallet, "web3", None))
        with operation_limit(self._total_s):
            job = _PlannedJob(
                inputs,
                algorithm,
                address,
                lambda did: self._places.asset(did, fresh=True),
                lambda uri: FileProbe(self._data_provider, uri),
                reader,
            )
            return collected(job.findings(nonce))


def _given(did: Any, meta: Any, tx_id: Any, data_token: Any) -> _start.Algorithm:
    """Return the algorithm with what was given of it, however little.

    Raises:
        InvalidInput: something is of the wrong type or form.
    """
    if not did:
        if meta is not None and not isinstance(meta, AlgorithmMetadata):
            _start.check_algorithm(None, meta, None, None)  # raises, in start's words
        return _start.Algorithm(None, meta, None, None)
    return _start.Algorithm(
        check_did(did, name="algorithm_did"),
        None,
        check_tx_hash(tx_id, name="algorithm_tx_id") if tx_id else None,
        check_address(data_token, name="algorithm_data_token") if data_token else None,
    )


class _PlannedJob:
    """A job that might be started, looked at from all sides."""

    def __init__(
        self,
        inputs: Sequence[ComputeInput],
        algorithm: _start.Algorithm,
        consumer: str,
        asset_of: Callable[[str], Asset],
        probe_at: Callable[[str], FileProbe],
        reader: ChainReader,
    ) -> None:
        self._inputs = inputs
        self._algorithm = algorithm
        self._consumer = consumer
        self._reader = reader
        self._purse = Purse(reader, consumer)
        dids = [item.did for item in inputs] + ([algorithm.did] if algorithm.did else [])
        self._assets = {did: look_up(asset_of, did) for did in dict.fromkeys(dids)}
        self._probe: FileProbe | None = None
        self._no_provider: Finding | None = None
        main = self._assets[inputs[0].did]
        if isinstance(main, Asset):
            try:
                self._probe = probe_at(compute_endpoint(main))
            except NoComputeService as error:
                self._no_provider = _no_service("no-compute-service", error, main)

    def findings(self, nonce: int | None) -> Iterator[Finding]:
        """Say all that is in the way."""
        if self._no_provider is not None:
            yield self._no_provider
        if nonce is not None and self._probe is not None:
            yield from self._nonce(nonce, self._probe)
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

    def _service(self, asset: Asset, item: ComputeInput, position: int) -> Service | Finding:
        types = {ServiceTypes.CLOUD_COMPUTE}
        if position:
            types.add(ServiceTypes.ASSET_ACCESS)
        elif self._no_provider is not None:
            return self._no_provider
        try:
            return _start.service_at(asset, item.service_id, of_types=types)
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
            if reached[:1] == [True] and position:
                # The Provider looks at the first file only, and start only at the main input.
                what += " It would take the job, which would then end with status 31, Data "
                yield warning("later-file-unreachable", f"{what}provisioning failed.", mend, did)
            else:
                yield refused("file-unreachable", what, mend, did)

    def _order(self, asset: Asset, service: Service, item: ComputeInput) -> Iterator[Finding]:
        if item.transfer_tx_id != NOT_ORDERED:
            yield from order_findings(
                self._reader, item.transfer_tx_id, asset, service, self._consumer
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
            if rules.get("allowNetworkAccess", False) is True:
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
                yield from trust_report(asset, service, did, algorithm).findings
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
            yield refused(
                "no-algorithm",
                "The job has no algorithm.",
                "Give algorithm_did (a published one, with its order), or algorithm_meta.",
            )

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
