"""What to start: inputs, algorithm and consumer of a job, checked once and passed as one value."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ocean_lib.base.arguments import check_text, check_whole
from ocean_lib.checks import (
    TOKEN_DID,
    check_address,
    check_did,
    check_job_id,
    check_service_id,
    check_tx_hash,
    is_json,
    is_token_did,
    printable,
    signer_address,
)
from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.file_input import FileInput
from ocean_lib.models.order import NOT_ORDERED


@dataclass(frozen=True)
class Algorithm:
    """The algorithm of a job: published, with its order, or the consumer's own code.

    Attributes:
        did: of a published algorithm; '' for own code.
        meta: own code; None for a published algorithm.
        tx_id: the order of a published algorithm; '' while it is not ordered.
        data_token: the datatoken of a published algorithm; '' while it is not ordered.
        service_id: the service of a published algorithm, by its index or id; None for the first
            that is offered for access. For Ocean Nodes.
    """

    did: str = ""
    meta: AlgorithmMetadata | None = None
    tx_id: str = ""
    data_token: str = ""
    service_id: int | str | None = None

    @property
    def order_tx(self) -> str:
        """The order of a published algorithm; '' while it is not ordered."""
        return "" if self.tx_id == NOT_ORDERED else self.tx_id

    @classmethod
    def given(
        cls, did: Any, meta: Any, tx_id: Any, data_token: Any, service_id: Any = None
    ) -> Algorithm:
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
                None
                if service_id is None
                else check_service_id(service_id, name="algorithm_service_id"),
            )
        if meta is not None and not isinstance(meta, AlgorithmMetadata):
            raise InvalidInput(
                f"algorithm_meta must be an AlgorithmMetadata, got {type(meta).__name__}. "
                'Make one: AlgorithmMetadata({"rawcode": ..., "container": {...}, ...}).'
            )
        return cls(meta=meta)

    def check_complete(self, *, with_code: bool = True) -> None:
        """Check that a job can be started with it; an order is a matter of V3's algorithms only.

        Args:
            with_code: check own code, too, as far as no back end would run it.

        Raises:
            InvalidInput: it cannot; the message says what is missing.
        """
        if self.did:
            for name, value, hint in (
                ("algorithm_tx_id", self.tx_id, "the transaction of its order"),
                ("algorithm_data_token", self.data_token, "its datatoken's address"),
            ):
                if not value and is_token_did(self.did):
                    raise InvalidInput(f"The algorithm {self.did} needs {name}: {hint}.").advised(
                        "order-first", did=self.did
                    )
        elif self.meta is None:
            raise InvalidInput(
                "A job needs an algorithm: algorithm_did (a published one, with its order), or "
                "algorithm_meta (an AlgorithmMetadata with your code)."
            )

        elif with_code:
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
        custom_data: values of the algorithm's own parameters, by their names.
        pays: whether the caller agreed to pay for the place to run.
        token: what is paid in there; '' for the first token that the environment takes.
        marker: tells this start from every other one, in the job's metadata; new if not given.
        published: the published data sets among the inputs.
        dids: of these, in their order.
        did: the first of these, which decides on the back end; '' for the configured one.
        service_id: the service of that data set; None where there is none.
        order_tx: its order, if the job names it; '' where jobs name none, as at nodes.
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
    custom_data: Mapping[str, Any] = field(default_factory=dict)
    pays: bool = False
    token: str = ""
    marker: str = field(default="", compare=False)
    published: tuple[ComputeInput, ...] = field(init=False, repr=False, compare=False)
    dids: tuple[str, ...] = field(init=False, repr=False, compare=False)
    did: str = field(init=False, repr=False, compare=False)
    service_id: int | str | None = field(init=False, repr=False, compare=False)
    order_tx: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        published, dids = [], []
        for item in self.datasets:
            if isinstance(item, ComputeInput):
                published.append(item)
                dids.append(item.did)
        first = published[0] if published else None
        vars(self).update(
            marker=self.marker or secrets.token_hex(8),
            published=tuple(published),
            dids=tuple(dids),
            did=first.did if first else "",
            service_id=first.service_id if first else None,
            order_tx=first.transfer_tx_id if first and TOKEN_DID.fullmatch(first.did) else "",
        )

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
        algocustomdata: Any = None,
        payment_token: Any = None,
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
        if not isinstance(inputs, (list, tuple)) or not (inputs or environment):
            raise InvalidInput(
                "input_datasets must be a list of at least one ComputeInput, got "
                f"{'an empty one' if inputs in ([], ()) else printable(inputs)}."
            )
        for position, item in enumerate(inputs):
            if not isinstance(item, (ComputeInput, FileInput)):
                raise InvalidInput(
                    f"input_datasets[{position}] must be a ComputeInput, got "
                    f"{type(item).__name__}. Make one: ComputeInput(did, transfer_tx_id, "
                    "service_id); or, for an Ocean Node, FileInput(url=...). Only `quote`, and "
                    "`submit` with pay=True, take a DID as text."
                )
        return cls(
            tuple(inputs),
            algorithm,
            signer_address(wallet, signs=True),
            nonce=nonce,
            resumed_job_id=check_job_id(resumed_job_id) if resumed_job_id else "",
            environment=check_text("environment", environment) if environment else "",
            resources={} if resources is None else _amounts(resources),
            max_duration_s=(
                None if max_duration is None else check_whole("max_duration", max_duration, least=1)
            ),
            metadata={} if metadata is None else _named(metadata, "metadata"),
            envs={} if envs is None else _texts_by_name(envs),
            custom_data={} if algocustomdata is None else _json_of(algocustomdata),
            token=check_address(payment_token, name="payment_token") if payment_token else "",
        )

    @property
    def inputs(self) -> tuple[ComputeInput, ...]:
        """What the job reads, for back ends that compute on published data only.

        Raises:
            InvalidInput: there is something else, or nothing.
        """
        if self.published and len(self.published) == len(self.datasets):
            return self.published
        raise InvalidInput(
            "A V3 Provider computes on published data sets only. Nothing was started."
        ).advised("published-data")

    @property
    def main(self) -> ComputeInput:
        """The published input that determines the back end, and whose order the job names."""
        return self.inputs[0]

    @property
    def has_orders(self) -> bool:
        """Whether anything that the job uses is ordered."""
        orders = [item.transfer_tx_id for item in self.published] + [self.algorithm.order_tx]
        return any(order not in ("", NOT_ORDERED) for order in orders)

    @property
    def how_to_find(self) -> str:
        """Say how a job of this plan is found again in a list."""
        if self.order_tx:
            return f"compute.jobs(wallet, {self.did!r}) and find agreementId {self.order_tx}"
        return f"compute.jobs(wallet) and find {MARKER} {self.marker} in a job's metadata"

    def only_at_nodes(self) -> list[tuple[str, str]]:
        """Say what this asks for that only Ocean Nodes have, each with the way round it."""
        found, instead = [], "or set provider.url to a node."
        asked = {
            "environment": self.environment,
            "resources": self.resources,
            "max_duration": self.max_duration_s,
            "metadata": self.metadata,
            "envs": self.envs,
            "algocustomdata": self.custom_data,
            "payment_token": self.token,
            "algorithm_service_id": self.algorithm.service_id,
            "userdata": any(map(attrgetter("userdata"), self.published)),
        }
        if any(asked.values()):
            names = ", ".join(filter(asked.get, asked))
            what = f"A V3 Provider has no {names}: these are for Ocean Nodes."
            found.append((what, f"Leave them out, {instead}"))
        meta = self.algorithm.meta
        if meta is not None and meta.container_checksum and not meta.container_tag:
            what = "A V3 Provider takes no digest in place of an image's tag."
            found.append((what, f"Name the tag, {instead}"))
        return found


def _named(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(key, str) and key for key in value):
        return dict(value)
    raise InvalidInput(f"{name} must be a dict with texts as its keys, got {printable(value)}.")


def _json_of(value: Any) -> dict[str, Any]:
    data = _named(value, "algocustomdata")
    if is_json(data):
        return data
    raise InvalidInput("algocustomdata must hold JSON values only: text, numbers, lists, dicts.")


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
