"""Would a Provider take this job? All that can be known before it is started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ocean_lib.common.validation import check_address, check_did, check_tx_hash
from ocean_lib.config import Config
from ocean_lib.exceptions import OceanError, ProviderNotTrusted
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.ocean import _start
from ocean_lib.ocean._places import Places
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address

if TYPE_CHECKING:
    from ocean_lib.models.findings import Finding, Findings
    from ocean_lib.ocean._chain import ChainAccess
    from ocean_lib.ocean.ocean_compute import OceanCompute


class ComputePreflight:
    """The part of `OceanCompute` that looks before it starts."""

    NOT_ORDERED = NOT_ORDERED
    """In place of an order's transaction in a `ComputeInput`, for `check` before ordering."""

    _config: Config
    _data_provider: Any
    _places: Places
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
        # Loaded here: who asks for a status needs none of it, nor the contracts behind it.
        from ocean_lib.models.findings import collected
        from ocean_lib.ocean._asset_findings import FileProbe
        from ocean_lib.ocean._chain import ChainAccess
        from ocean_lib.ocean._orders_on_chain import ChainReader
        from ocean_lib.ocean._preflight_job import PlannedJob

        if self._own_chain is None:
            self._own_chain = ChainAccess(self._config)
        reader = ChainReader(self._own_chain, getattr(consumer_wallet, "web3", None))
        with compute._operation():
            job = PlannedJob(
                inputs,
                algorithm,
                address,
                lambda did: self._places.asset(did, fresh=True),
                lambda uri: FileProbe(self._data_provider, uri),
                reader,
            )
            findings = collected([*job.findings(nonce), *_trust(compute, inputs[0].did)])
        if "file-unreachable" in findings.codes:
            compute._reachable.forget(inputs[0].did)  # start may remember that it was reached
        return findings


def _trust(compute: OceanCompute, did: str) -> Iterator[Finding]:
    """Say if `start` would sign nothing for the data set's Provider."""
    from ocean_lib.models.findings import refused

    try:
        compute.check_provider(did)
    except ProviderNotTrusted as error:
        yield refused(
            "provider-not-trusted",
            f"Data set {did} names the Provider {error.origin}, and the config does not.",
            f"If you trust it, set provider.trusted = {error.trusted} in [resources].",
            did,
        )
    except OceanError:
        return  # the job's own findings tell


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
