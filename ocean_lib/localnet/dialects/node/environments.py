"""Where jobs run: what there is of each resource, how much is in use, and what it costs."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocean_lib.localnet.dialects.node.jobs import is_queued
from ocean_lib.localnet.dialects.node.options import NodeEnvironment
from ocean_lib.localnet.dialects.node.wire import Refused
from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.records import JobRecord

GIGABYTE = 1024**3
_MIN = {"cpu": 1, "ram": 1, "disk": 0}
_MIN_DURATION_S = 1
_INVALID = "Invalid C2D Environment"
Document = dict[str, Any]


class TooMuch(Exception):
    """More of a resource than there may be; the text is the node's."""


class Environments:
    """The environments of one node; all share the network's engine.

    Args:
        settings: What each allows.
        engine: Runs the jobs.
        secret: The ids are made from it, so that a network keeps them.
        consumer: The node's address.
        storage_s: How long results are kept.
        chain_id: The chain of payments.
        token: What is paid with.
    """

    def __init__(
        self,
        settings: Sequence[NodeEnvironment],
        engine: JobEngine,
        *,
        secret: str,
        consumer: str,
        storage_s: float,
        chain_id: int,
        token: str,
    ) -> None:
        self._engine = engine
        self._consumer = consumer
        self._storage_s = int(storage_s)
        self.chain_id = chain_id
        self.token = token
        self.cluster = _id_of(f"cluster {secret}")
        self._settings = {
            f"{self.cluster}-{_id_of(f'environment {number} {secret}')}": one
            for number, one in enumerate(settings)
        }

    def documents(self, jobs: Sequence[JobRecord]) -> list[Document]:
        """Build the list of environments.

        Args:
            jobs: Those that have not ended.
        """
        return [self._document(name, jobs) for name in self._settings]

    def check_cluster(self, name: object) -> None:
        """Refuse an id, of an environment or a job, that is not this node's."""
        if not isinstance(name, str) or not name.startswith(f"{self.cluster}-"):
            raise Refused(500, _INVALID)

    def named(self, name: str, jobs: Sequence[JobRecord]) -> Document:
        """Return an environment.

        Raises:
            Refused: If there is none of that id.
        """
        if name not in self._settings:
            raise Refused(500, _INVALID)
        return self._document(name, jobs)

    def _document(self, name: str, jobs: Sequence[JobRecord]) -> Document:
        setting, limits = self._settings[name], self._engine.limits
        mine = [job for job in jobs if job.details.get("environment") == name]
        free = [job for job in mine if not job.details.get("isPaid")]
        running = [job for job in mine if not is_queued(job)]
        places = self._engine.at_once
        most = {
            "cpu": places,
            "ram": max(1, limits.memory_bytes // GIGABYTE),
            "disk": max(1, limits.output_bytes // GIGABYTE),
        }
        total = {"cpu": places, "ram": most["ram"] * places, "disk": most["disk"] * places}
        used = {one: sum(_amount(job, one) for job in running) for one in most}
        access = {"addresses": list(setting.addresses), "accessLists": []}
        longest = int(limits.wall_s)
        longest_free = min(setting.max_duration_s or longest, longest)
        counted, counted_free = _counts(mine), _counts(free)
        return {
            "id": name,
            "runningJobs": counted.running,
            "consumerAddress": self._consumer,
            "platform": {"architecture": platform.machine(), "os": platform.system().lower()},
            "access": access,
            "fees": self._fees(setting),
            "resources": [
                {
                    "id": one,
                    "type": one,
                    "total": total[one],
                    "max": most[one],
                    "min": _MIN[one],
                    "inUse": used[one],
                    **({"description": platform.processor()} if one == "cpu" else {}),
                }
                for one in most
            ],
            "queuedJobs": counted.queued,
            "queuedFreeJobs": counted_free.queued,
            "queMaxWaitTime": counted.waits_s,
            "queMaxWaitTimeFree": counted_free.waits_s,
            # A node's own slip: it counts from the beginning of a build that never was.
            "runMaxWaitTime": counted.runs_s,
            "runMaxWaitTimeFree": counted_free.runs_s,
            "enableNetwork": False,
            "storageExpiry": self._storage_s,
            "minJobDuration": min(setting.min_paid_s, longest),
            "maxJobDuration": longest,
            "free": {
                "access": access,
                "minJobDuration": _MIN_DURATION_S,
                "maxJobDuration": longest_free,
                "maxJobs": setting.max_jobs or places,
                "resources": [{"id": one, "max": most[one], "inUse": used[one]} for one in most],
                "allowImageBuild": False,
            },
            "runningfreeJobs": counted_free.running,
        }

    def _fees(self, setting: NodeEnvironment) -> Document | None:
        if not setting.prices:
            return None
        prices = [{"id": name, "price": price} for name, price in setting.prices.items()]
        return {str(self.chain_id): [{"prices": prices, "feeToken": self.token}]}


@dataclass(frozen=True)
class _Counts:
    running: int
    queued: int
    runs_s: Any
    waits_s: Any


def _counts(jobs: Sequence[JobRecord]) -> _Counts:
    queued = [job for job in jobs if is_queued(job)]
    running = [job for job in jobs if not is_queued(job)]
    runs = sum(job.details["maxJobDuration"] - time.time() for job in running if _timed(job))
    waits = sum(job.details["maxJobDuration"] for job in queued if _timed(job))
    return _Counts(len(running), len(queued), round(runs, 3), waits)


def is_admitted(access: Document, address: str) -> bool:
    """Tell whether an address is one of those that may use an offer."""
    addresses = access["addresses"]
    return not addresses or address.lower() in [one.lower() for one in addresses]


def prices_of(environment: Document, payment: Document) -> list[Document]:
    """Return the prices of an environment in a token.

    Raises:
        Refused: If it does not take that token on that chain.
    """
    chain, token = payment.get("chainId"), payment.get("token")
    for fee in (environment["fees"] or {}).get(str(chain), []):
        if fee["feeToken"] == token:
            prices: list[Document] = fee["prices"]
            return prices
    text = f"This compute env does not accept payments on chain: {chain} using token {token}"
    raise Refused(500, text)


def filled(asked: object, environment: Document) -> list[Document]:
    """Return how much of each resource a job gets: what it asked for, at least the least.

    Raises:
        TooMuch: If it asked for more than there may be.
    """
    wanted = {}
    for one in reversed(asked if isinstance(asked, list) else []):
        if isinstance(one, dict) and isinstance(one.get("amount"), (int, float)):
            wanted[one.get("id")] = one["amount"]
    amounts = []
    for resource in environment["resources"]:
        name, most = resource["id"], resource["max"]
        amount = max(wanted.get(name, 0), resource["min"])
        if amount > most:
            text = f"Not enough {name} resources. Requested {amount}, but max is {most}"
            raise TooMuch(text)
        amounts.append({"id": name, "amount": amount})
    return amounts


def why_full(amounts: Sequence[Document], environment: Document, *, is_free: bool) -> str:
    """Say why there is no room for a job now; '' if there is."""
    free = {one["id"]: one["total"] - one["inUse"] for one in environment["resources"]}
    for one in amounts:
        if one["amount"] > free[one["id"]]:
            return f"Not enough available {one['id']}"
    if is_free and environment["runningfreeJobs"] >= environment["free"]["maxJobs"]:
        return "Too many running free jobs "
    return ""


def _id_of(text: str) -> str:
    return "0x" + hashlib.sha256(f"ocean-compute node {text}".encode()).hexdigest()


def _amount(job: JobRecord, resource: str) -> Any:
    amounts: list[dict[str, Any]] = job.details.get("resources", [])
    return sum(one["amount"] for one in amounts if one["id"] == resource)


def _timed(job: JobRecord) -> bool:
    return isinstance(job.details.get("maxJobDuration"), (int, float))
