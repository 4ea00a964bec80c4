"""What to start: inputs, algorithm and consumer of a job, checked once and passed as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ocean_lib.checks import (
    check_address,
    check_did,
    check_job_id,
    check_tx_hash,
    printable,
)
from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.web3_internal.signer import check_signer, signer_address


@dataclass(frozen=True)
class Algorithm:
    """The algorithm of a job: published, with its order, or the consumer's own code.

    Attributes:
        did: of a published algorithm; '' for own code.
        meta: own code; None for a published algorithm.
        tx_id: the order of a published algorithm; '' while it is not ordered.
        data_token: the datatoken of a published algorithm; '' while it is not ordered.
    """

    did: str = ""
    meta: AlgorithmMetadata | None = None
    tx_id: str = ""
    data_token: str = ""

    @classmethod
    def given(cls, did: Any, meta: Any, tx_id: Any, data_token: Any) -> Algorithm:
        """Check the arguments for an algorithm; the order may be missing.

        Raises:
            InvalidInput: something is of the wrong type or form.
        """
        if did:
            return cls(
                check_did(did, name="algorithm_did"),
                None,
                check_tx_hash(tx_id, name="algorithm_tx_id") if tx_id else "",
                check_address(data_token, name="algorithm_data_token") if data_token else "",
            )
        if meta is not None and not isinstance(meta, AlgorithmMetadata):
            raise InvalidInput(
                f"algorithm_meta must be an AlgorithmMetadata, got {type(meta).__name__}. "
                'Make one: AlgorithmMetadata({"rawcode": ..., "container": {...}, ...}).'
            )
        return cls(meta=meta)

    def check_ordered(self) -> None:
        """Check that a published algorithm has its order, or that there is own code.

        Raises:
            InvalidInput: neither; the message says what is missing.
        """
        if self.did:
            for name, value, hint in (
                ("algorithm_tx_id", self.tx_id, "the transaction of its order"),
                ("algorithm_data_token", self.data_token, "its datatoken's address"),
            ):
                if not value:
                    raise InvalidInput(f"The algorithm {self.did} needs {name}: {hint}.").advised(
                        "order-first", did=self.did
                    )
        elif self.meta is None:
            raise InvalidInput(
                "A job needs an algorithm: algorithm_did (a published one, with its order), or "
                "algorithm_meta (an AlgorithmMetadata with your code)."
            )

    def check_complete(self) -> None:
        """Check that a job can be started with it.

        Raises:
            InvalidInput: it cannot; the message says what is missing.
        """
        self.check_ordered()
        if self.meta is not None:
            for code, fault in self.meta.faults().items():
                if code == "no-code":
                    raise InvalidInput("").advised(code)
                raise InvalidInput(fault)


@dataclass(frozen=True)
class JobPlan:
    """A job as the user asked for it, before a back end has seen it.

    Attributes:
        inputs: the main input first; it determines the back end.
        algorithm: what is to run.
        consumer: address of the wallet that ordered, in its checksum spelling.
        output: V3's `output`; see `OceanCompute.check_output_dict`.
        nonce: sign over this nonce; None for the back end's.
        resumed_job_id: of a stopped job, for V3 back ends that can resume it.
    """

    inputs: tuple[ComputeInput, ...]
    algorithm: Algorithm
    consumer: str
    output: Mapping[str, Any] = field(default_factory=dict)
    nonce: int | None = None
    resumed_job_id: str = ""

    @classmethod
    def given(
        cls,
        inputs: Any,
        wallet: Any,
        algorithm: Algorithm,
        *,
        nonce: Any = None,
        resumed_job_id: Any = None,
    ) -> JobPlan:
        """Check a user's arguments.

        Raises:
            InvalidInput: an argument is of the wrong type or form.
        """
        if nonce is not None and (
            isinstance(nonce, bool) or not isinstance(nonce, int) or nonce < 0
        ):
            raise InvalidInput(
                "nonce must be a whole number, or None for the Provider's own, got "
                f"{printable(nonce)}."
            )
        return cls(
            _checked(inputs),
            algorithm,
            signer_address(check_signer(wallet)),
            nonce=nonce,
            resumed_job_id=check_job_id(resumed_job_id) if resumed_job_id else "",
        )

    def with_output(self, output: Mapping[str, Any]) -> JobPlan:
        """Return the same plan with this output definition."""
        return replace(self, output=output)

    @property
    def main(self) -> ComputeInput:
        """The input that determines the back end, and whose order the job names."""
        return self.inputs[0]


def _checked(inputs: Any) -> tuple[ComputeInput, ...]:
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise InvalidInput(
            "input_datasets must be a list of at least one ComputeInput, got "
            f"{'an empty one' if inputs in ([], ()) else printable(inputs)}."
        )
    for position, item in enumerate(inputs):
        if not isinstance(item, ComputeInput):
            raise InvalidInput(
                f"input_datasets[{position}] must be a ComputeInput, got {type(item).__name__}. "
                "Make one: ComputeInput(did, transfer_tx_id, service_id)."
            )
    return tuple(inputs)
