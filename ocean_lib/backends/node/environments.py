"""The environments of an Ocean Node, read from its `computeEnvironments`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocean_lib.backends.environment import Environment, Environments, Price, Resource
from ocean_lib.exceptions import EnvironmentUnavailable
from ocean_lib.jobs.view import whole_number


def environments_of(said: Any) -> Environments | None:
    """Read the node's list: one entry for each way to pay that an environment offers.

    Returns:
        The environments; None if it is not such a list.
    """
    if not isinstance(said, list):
        return None
    try:
        return Environments(offer for one in said for offer in _offers(one, str(one["id"])))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _offers(said: dict[str, Any], name: str) -> Iterator[Environment]:
    known = {one["id"]: one for one in said.get("resources") or ()}
    free = said.get("free")
    if free:
        resources = [known.get(one["id"], {}) | one for one in free.get("resources") or ()]
        yield _offer(name, said, free, resources, is_free=True)
    if said.get("fees"):
        yield _offer(name, said, said, list(known.values()), is_free=False)


def _offer(
    name: str, said: dict[str, Any], terms: dict[str, Any], resources: list[Any], *, is_free: bool
) -> Environment:
    access = terms.get("access") or {}
    platform = said.get("platform") or {}
    longest = terms.get("maxJobDuration", said.get("maxJobDuration"))
    return Environment(
        id=name,
        is_free=is_free,
        resources={str(one["id"]): _resource(one) for one in resources},
        prices=() if is_free else tuple(_prices(said["fees"])),
        min_duration_s=int(terms.get("minJobDuration") or 0),
        max_duration_s=None if longest is None else int(longest),
        consumer_address=str(said.get("consumerAddress") or ""),
        architecture=str(platform.get("architecture") or ""),
        os=str(platform.get("os") or ""),
        running=int(said.get("runningfreeJobs" if is_free else "runningJobs") or 0),
        queued=int(said.get("queuedFreeJobs" if is_free else "queuedJobs") or 0),
        max_queue_s=int(said.get("queMaxWaitTimeFree" if is_free else "queMaxWaitTime") or 0),
        max_jobs=whole_number(terms.get("maxJobs")),
        has_network=said.get("enableNetwork") is True,
        addresses=tuple(map(str, access.get("addresses") or ())),
        access_lists=tuple(_access_lists(access.get("accessLists"))),
        storage_expiry_s=whole_number(said.get("storageExpiry")),
    )


def _resource(said: dict[str, Any]) -> Resource:
    total = said.get("total")
    return Resource(
        id=str(said["id"]),
        min=float(said.get("min") or 0),
        max=float(said["max"]),
        total=None if total is None else float(total),
        in_use=float(said.get("inUse") or 0),
    )


def _prices(fees: Mapping[str, Any]) -> Iterator[Price]:
    for chain_id, of_chain in fees.items():
        for fee in of_chain:
            per_minute = {str(price["id"]): float(price["price"]) for price in fee["prices"]}
            yield Price(int(chain_id), str(fee["feeToken"]), per_minute)


def _access_lists(said: Any) -> Iterator[str]:
    """Yield the contracts of a list, or of a dict of lists by chain: the source has both."""
    for entry in said.values() if isinstance(said, Mapping) else said or ():
        if isinstance(entry, (Mapping, list)):
            yield from _access_lists(entry)
        else:
            yield str(entry)


def chosen(
    offers: Sequence[Environment],
    resources: Mapping[str, float],
    duration_s: int | None,
    address: str,
    *,
    is_free: bool = True,
) -> Environment:
    """Return the environment to run a job in: that fits, with room, the shortest queue.

    Of those for payment it is the cheapest, in the token that it takes first.

    Args:
        offers: what the node has.
        resources: what the job asks for.
        duration_s: how long it may run; None for what the environment allows.
        address: whose job it is.
        is_free: whether it costs nothing.

    Raises:
        EnvironmentUnavailable: there is none; the message says what there is.
    """
    kind = "free" if is_free else "paid"
    of_kind = [offer for offer in offers if offer.is_free is is_free]
    fitting = [
        offer for offer in of_kind if offer.fits(resources, duration_s) and offer.admits(address)
    ]
    if fitting:
        return min(
            fitting,
            key=lambda it: (
                not it.has_room(resources),
                _per_minute(it, resources),
                it.queued,
                it.running,
            ),
        )
    told = "; ".join(_described(offer) for offer in of_kind) or "none"
    raise EnvironmentUnavailable(
        f"No {kind} environment of the node fits this job and wallet. Nothing was sent. Its {kind} "
        f"environments: {told}. Ask for less, or choose another.",
        operation="choose an environment",
    ).advised("list-environments")


def _per_minute(offer: Environment, resources: Mapping[str, float]) -> float:
    """Return what a minute of a job costs, in whole tokens of the first kind it takes."""
    prices = offer.prices[0].per_minute if offer.prices else {}
    return sum(
        price * (resources.get(name) or (one.min if (one := offer.resources.get(name)) else 0))
        for name, price in prices.items()
    )


def _described(offer: Environment) -> str:
    most = ", ".join(f"{one.id} {one.max:g}" for one in offer.resources.values())
    named = f", {len(offer.addresses)} wallet(s) only" if offer.addresses else ""
    return f"{offer.id} (at most {most}, {offer.max_duration_s} s{named})"
