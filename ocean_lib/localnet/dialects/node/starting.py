"""May this job start? The checks of free and paid starts, in a node's order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocean_lib.localnet.dialects.node.assets import Assets
from ocean_lib.localnet.dialects.node.environments import (
    GIGABYTE,
    Environments,
    TooMuch,
    filled,
    is_admitted,
    prices_of,
    why_full,
)
from ocean_lib.localnet.dialects.node.escrow import CannotLock
from ocean_lib.localnet.dialects.node.node_key import compact
from ocean_lib.localnet.dialects.node.payments import CLAIM_S, Payment, Payments, cost_of
from ocean_lib.localnet.dialects.node.rules import Document
from ocean_lib.localnet.dialects.node.sources import Sources
from ocean_lib.localnet.dialects.node.wire import Refused
from ocean_lib.localnet.jobs.records import JobRecord, JobRequest

_MAX_METADATA = 1024
_SHORTEST_S = 0.1
_VARIABLE = re.compile(r"[^=\0]+")


@dataclass(frozen=True)
class Terms:
    """Under which terms a job runs.

    Attributes:
        resources: How much it gets.
        duration: How long it may run, as it is told.
        longest_s: How long any job may run there.
        is_paid: Whether it costs money.
    """

    resources: Sequence[Document]
    duration: Any
    longest_s: int
    is_paid: bool = False

    @property
    def seconds(self) -> float:
        """How long it may run, as a number."""
        if isinstance(self.duration, (int, float)):
            return float(self.duration)
        return number_of(self.duration) or float(self.longest_s)


class Starts:
    """Checks starts.

    Args:
        environments: Where jobs run.
        assets: What was published.
        payments: Their money.
    """

    def __init__(self, environments: Environments, assets: Assets, payments: Payments) -> None:
        self._environments = environments
        self._assets = assets
        self._payments = payments
        self._sources = Sources(assets.store, assets.key)

    def check_free_assets(self, data: Document) -> None:
        """Check the assets of a free start: their state and credentials, nothing else.

        Raises:
            Refused: If the node refuses it.
        """
        self._environments.check_cluster(data["environment"])
        for asked in _named(data):
            ddo = self._assets.usable(asked["documentId"])
            self._assets.service(ddo, asked, data["consumerAddress"])

    def free_request(self, data: Document, jobs: Sequence[JobRecord]) -> JobRequest:
        """Turn a free start, whose sender and assets are good, into a request for the engine.

        Args:
            data: The body.
            jobs: Those that have not ended.

        Raises:
            Refused: If the node refuses it.
        """
        environment = self._environments.named(data["environment"], jobs)
        free = environment["free"]
        if not is_admitted(free["access"], data["consumerAddress"]):
            raise Refused(403, "Access denied")
        try:
            resources = filled(data.get("resources"), environment)
        except TooMuch as error:
            raise Refused(400, f"Error: {error}") from error
        _check_room(data, resources, environment, is_free=True)
        longest = free["maxJobDuration"]
        terms = Terms(resources, _duration(data.get("maxJobDuration"), longest), longest)
        return self.request(data, terms)

    def paid_terms(self, data: Document, jobs: Sequence[JobRecord]) -> Terms:
        """Check everything about a paid start that does not cost money.

        Raises:
            Refused: If the node refuses it. `data["algorithm"]` gets its container filled in.
        """
        environment = self._environments.named(data["environment"], jobs)
        longest = environment["maxJobDuration"]
        try:
            resources = filled(data.get("resources"), environment)
        except TooMuch as error:
            raise Refused(400, str(error)) from error
        _check_room(data, resources, environment, is_free=False)
        if not is_admitted(environment["access"], data["consumerAddress"]):
            raise Refused(403, "Access denied")
        algorithm = data["algorithm"] if isinstance(data["algorithm"], dict) else {}
        known = self._assets.checksums(algorithm)
        for asked in _named(data):
            ddo = self._assets.usable(asked["documentId"])
            service = self._assets.service(ddo, asked, data["consumerAddress"])
            self._assets.can_open(service, asked)
            self._assets.check_trust(ddo, _datasets(data), algorithm, known)
            self._check_order(ddo, service, asked, environment["consumerAddress"])
            _fill_in_container(algorithm, ddo)
        duration = _duration(data["maxJobDuration"], longest)
        return Terms(resources, duration, longest, is_paid=True)

    def payment(self, data: Document, terms: Terms) -> Payment:
        """Tell what has to be locked for a paid start.

        Raises:
            Refused: If the environment does not take this, or the escrow does not allow it.
        """
        environment = self._environments.named(data["environment"], [])
        asked = data.get("payment")
        if not isinstance(asked, dict):
            raise Refused(500, "Cannot read properties of null (reading 'chainId')")
        prices = prices_of(environment, asked)
        seconds = max(terms.seconds, environment["minJobDuration"])
        cost = cost_of(terms.resources, prices, seconds)
        amount = self._payments.in_units(cost, asked["token"])
        locked_s = int(terms.seconds + number_of(data.get("queueMaxWaitTime"))) + CLAIM_S
        payer = data["consumerAddress"]
        try:
            self._payments.escrow.check(payer, asked["token"], amount, locked_s)
        except CannotLock as error:
            raise Refused(400, str(error)) from error
        return Payment(payer, asked["token"], amount, locked_s)

    def request(self, data: Document, terms: Terms) -> JobRequest:
        """Turn a start that was checked into a request for the engine.

        Raises:
            Refused: If its metadata is too long, or it names no image.
        """
        metadata, algorithm = data.get("metadata"), data["algorithm"]
        if len(compact(metadata)) > _MAX_METADATA:
            raise Refused(500, "Metadata size is too large")
        source = self._sources.algorithm(algorithm)
        queue_s = number_of(data.get("queueMaxWaitTime"))
        amounts = {one["id"]: one["amount"] for one in terms.resources}
        return JobRequest(
            owner=data["consumerAddress"],
            agreement_id="",
            inputs=tuple(map(self._sources.input, data["datasets"])),
            algorithm=source,
            wall_s=max(min(terms.seconds, terms.longest_s), _SHORTEST_S),
            allow_network=False,
            memory_bytes=int(amounts["ram"] * GIGABYTE),
            queue_s=queue_s if queue_s > 0 else None,
            private={
                "envs": _variables(algorithm.get("envs")),
                "custom_data": algorithm.get("algocustomdata") or {},
                "algorithm_service": algorithm.get("serviceId"),
                "input_services": [_service_id(one) for one in data["datasets"]],
            },
            details={
                "environment": data["environment"],
                "resources": list(terms.resources),
                "maxJobDuration": terms.duration,
                "metadata": metadata,
                "additionalViewers": data.get("additionalViewers"),
                "queueMaxWaitTime": data.get("queueMaxWaitTime") or 0,
                "isPaid": terms.is_paid,
            },
        )

    def _check_order(self, ddo: Document, service: Document, asked: Document, who: str) -> None:
        did, order = asked["documentId"], asked.get("transferTxId")
        if not order:
            raise Refused(500, f"Missing transferTxId for DDO {did}")
        if not self._assets.is_ordered(ddo, service, order, who):
            text = f"TxId Service {order} is not valid for DDO {did} and service {service['id']}"
            raise Refused(500, text)


def _named(data: Document) -> list[Document]:
    """Return those of a start's algorithm and data sets that name an asset."""
    if not isinstance(data["datasets"], list):
        raise Refused(500, "task.datasets is not iterable")
    every = (data["algorithm"], *data["datasets"])
    return [one for one in every if isinstance(one, dict) and one.get("documentId")]


def _datasets(data: Document) -> list[Document]:
    return [one for one in data["datasets"] if isinstance(one, dict)]


def _service_id(dataset: Any) -> Any:
    return dataset.get("serviceId") if isinstance(dataset, dict) else None


def _fill_in_container(algorithm: Document, ddo: Document) -> None:
    """Give a published algorithm the container of its document, if it came without one."""
    described = ddo["metadata"].get("algorithm")
    if "meta" in algorithm or not isinstance(described, dict):
        return
    container = described.get("container") or {}
    algorithm["meta"] = {
        "language": described.get("language"),
        "version": described.get("version"),
        "container": {
            name: container.get(name) for name in ("entrypoint", "image", "tag", "checksum")
        },
    }


def _check_room(
    data: Document, resources: Sequence[Document], environment: Document, *, is_free: bool
) -> None:
    full = why_full(resources, environment, is_free=is_free)
    if full and number_of(data.get("queueMaxWaitTime")) <= 0:
        raise Refused(400, full)


def _variables(envs: Any) -> dict[str, str]:
    given = envs if isinstance(envs, dict) else {}
    return {
        name: value if isinstance(value, str) else compact(value)
        for name, value in given.items()
        if _VARIABLE.fullmatch(name) and "\0" not in str(value)
    }


def _duration(asked: Any, longest: int) -> Any:
    """Return what is told of how long a job may run: what was asked for, if it is not too much."""
    if not asked or number_of(asked) > longest:
        return longest
    return asked


def number_of(value: Any) -> float:
    """Read a number as JavaScript does; 0 if it is none."""
    try:
        return 0 if value is None or isinstance(value, (list, dict)) else float(value)
    except ValueError:
        return 0
