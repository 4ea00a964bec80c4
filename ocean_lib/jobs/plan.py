"""What to start: inputs, algorithm and consumer of a job, checked once and passed as one value."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ocean_lib.base.arguments import check_text, check_whole
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
from ocean_lib.models.file_input import FileInput
from ocean_lib.models.order import NOT_ORDERED
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


MARKER = "oceanCompute"
"""The key of a job's metadata under which a start can be told from every other one."""

_RESOURCE = re.compile(r"[\w.:-]{1,64}")


@dataclass(frozen=True)
class JobPlan:
    """A job as the user asked for it, before a back end has seen it.

    Attributes:
        datasets: what the job reads. The first published one determines the back end; without one,
            the configured back end runs the job.
        algorithm: what is to run.
        consumer: address of the wallet that ordered, in its checksum spelling.
        output: V3's `output`; see `OceanCompute.check_output_dict`.
        nonce: sign over this nonce; None for the back end's.
        resumed_job_id: of a stopped job, for V3 back ends that can resume it.
        environment: where to run, by its id; '' for one that fits.
        resources: how much of each resource, by its id.
        max_duration_s: how long the job may run; None for what the environment allows.
        metadata: kept with the job, for whoever lists it.
        envs: environment variables of the algorithm.
        marker: tells this start from every other one, in the job's metadata.
    """

    datasets: tuple[ComputeInput | FileInput, ...]
    algorithm: Algorithm
    consumer: str
    output: Mapping[str, Any] = field(default_factory=dict)
    nonce: int | None = None
    resumed_job_id: str = ""
    environment: str = ""
    resources: Mapping[str, float] = field(default_factory=dict)
    max_duration_s: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    envs: Mapping[str, str] = field(default_factory=dict)
    marker: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)

    @classmethod
    def given(
        cls,
        inputs: Any,
        wallet: Any,
        algorithm: Algorithm,
        *,
        nonce: Any = None,
        resumed_job_id: Any = None,
        environment: Any = None,
        resources: Any = None,
        max_duration: Any = None,
        metadata: Any = None,
        envs: Any = None,
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
            _checked(inputs, may_be_empty=bool(environment)),
            algorithm,
            signer_address(check_signer(wallet)),
            nonce=nonce,
            resumed_job_id=check_job_id(resumed_job_id) if resumed_job_id else "",
            environment=check_text("environment", environment or ""),
            resources=_amounts(resources),
            max_duration_s=(
                None if max_duration is None else check_whole("max_duration", max_duration, least=1)
            ),
            metadata=_named(metadata, "metadata"),
            envs=_texts_by_name(envs),
        )

    def with_output(self, output: Mapping[str, Any]) -> JobPlan:
        """Return the same plan with this output definition."""
        return replace(self, output=output)

    @property
    def inputs(self) -> tuple[ComputeInput, ...]:
        """What the job reads, for back ends that compute on published data only.

        Raises:
            InvalidInput: there is something else, or nothing.
        """
        published = tuple(item for item in self.datasets if isinstance(item, ComputeInput))
        if published and len(published) == len(self.datasets):
            return published
        raise InvalidInput(
            "A V3 Provider computes on published data sets only: give it ComputeInputs, at least "
            "one. A FileInput is for an Ocean Node; set provider.url to one. Nothing was started."
        )

    @property
    def main(self) -> ComputeInput:
        """The published input that determines the back end, and whose order the job names."""
        return self.inputs[0]

    @property
    def did(self) -> str:
        """The data set that decides on the back end; '' for the configured one."""
        return next((i.did for i in self.datasets if isinstance(i, ComputeInput)), "")

    @property
    def service_id(self) -> int | str | None:
        """The service of that data set; None where there is none."""
        return next((i.service_id for i in self.datasets if isinstance(i, ComputeInput)), None)

    @property
    def to_order(self) -> list[str]:
        """The published assets of the job that are not ordered yet, by their DIDs."""
        found = [
            item.did
            for item in self.datasets
            if isinstance(item, ComputeInput) and item.transfer_tx_id == NOT_ORDERED
        ]
        is_open = self.algorithm.did and self.algorithm.tx_id in ("", NOT_ORDERED)
        return [*found, self.algorithm.did] if is_open else found

    @property
    def order_tx(self) -> str:
        """The order of that data set; '' where there is none."""
        return next((i.transfer_tx_id for i in self.datasets if isinstance(i, ComputeInput)), "")

    @property
    def how_to_find(self) -> str:
        """Say how a job of this plan is found again in a list."""
        if self.order_tx:
            return f"compute.jobs(wallet, {self.did!r}) and find agreementId {self.order_tx}"
        return f"compute.jobs(wallet) and find {MARKER} {self.marker} in a job's metadata"

    @property
    def asked_of_nodes(self) -> list[str]:
        """What was asked for that only Ocean Nodes have, by the names of its arguments."""
        asked = {
            "environment": self.environment,
            "resources": self.resources,
            "max_duration": self.max_duration_s,
            "metadata": self.metadata,
            "envs": self.envs,
        }
        return [name for name, value in asked.items() if value]


def _checked(inputs: Any, *, may_be_empty: bool) -> tuple[ComputeInput | FileInput, ...]:
    if not isinstance(inputs, (list, tuple)) or not (inputs or may_be_empty):
        raise InvalidInput(
            "input_datasets must be a list of at least one ComputeInput, got "
            f"{'an empty one' if inputs in ([], ()) else printable(inputs)}."
        )
    for position, item in enumerate(inputs):
        if not isinstance(item, (ComputeInput, FileInput)):
            raise InvalidInput(
                f"input_datasets[{position}] must be a ComputeInput, got {type(item).__name__}. "
                "Make one: ComputeInput(did, transfer_tx_id, service_id); or, for an Ocean Node, "
                "FileInput(url=...). Only `quote`, and `submit` with pay=True, take a DID as text."
            )
    return tuple(inputs)


def _named(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping) and all(isinstance(key, str) and key for key in value):
        return dict(value)
    raise InvalidInput(f"{name} must be a dict with texts as its keys, got {printable(value)}.")


def _amounts(value: Any) -> dict[str, float]:
    amounts = _named(value, "resources")
    for name, amount in amounts.items():
        is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not (_RESOURCE.fullmatch(name) and is_number and 0 <= amount < math.inf):
            raise InvalidInput(
                'resources must have amounts by name, such as {"cpu": 1, "ram": 2, "disk": 1}, '
                f"got {printable(name)}: {printable(amount)}."
            )
    return amounts


def _texts_by_name(value: Any) -> dict[str, str]:
    envs = _named(value, "envs")
    for name, text in envs.items():
        if not isinstance(text, str) or "=" in name:
            raise InvalidInput(
                f"envs must have texts by name, got a value of type {type(text).__name__} for "
                f"{printable(name)}."
            )
    return envs
