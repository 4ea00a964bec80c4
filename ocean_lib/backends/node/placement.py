"""Where at a node a job runs: for nothing, or for payment where the caller agreed to pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ocean_lib.backends.environment import Environment, Price
from ocean_lib.backends.node.bodies import Payment
from ocean_lib.backends.node.environments import chosen
from ocean_lib.exceptions import EnvironmentUnavailable, InvalidInput
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan


@dataclass(frozen=True)
class Placement:
    """Where a job runs.

    Attributes:
        plan: the job; a paid one with the amounts and the time that are paid for.
        environment: the environment's id.
        offer: the environment; None for one that the node does not list.
        payment: how it is paid for; None where it is free.
    """

    plan: JobPlan
    environment: str
    offer: Environment | None = None
    payment: Payment | None = None


def placed(plan: JobPlan, offers: Sequence[Environment], chain_id: int | None = None) -> Placement:
    """Choose where a job runs.

    A named environment that is offered both ways is paid for if the caller agreed to pay, or gave
    orders; one that is for payment only always, since the caller named it. Without a name it is a
    free one that fits; a paid one only if the caller agreed and no free one fits, or gave orders.

    Args:
        plan: the job.
        offers: what the node has.
        chain_id: where to pay, for environments that take payments on several chains.

    Raises:
        EnvironmentUnavailable: nothing fits, or it does not take the plan's token.
        InvalidInput: a paid job needs `max_duration` there.
    """
    offer = _named(plan, offers) if plan.environment else _fitting(plan, offers)
    if offer is None:
        return Placement(plan, plan.environment)
    if offer.is_free:
        return Placement(plan, offer.id, offer)
    return _paid(plan, offer, chain_id)


def _named(plan: JobPlan, offers: Sequence[Environment]) -> Environment | None:
    of_it = [offer for offer in offers if offer.id == plan.environment]
    prefers_free = not (plan.pays or plan.has_orders)
    return min(of_it, key=lambda offer: offer.is_free is not prefers_free, default=None)


def _fitting(plan: JobPlan, offers: Sequence[Environment]) -> Environment:
    kinds = [False, True] if plan.has_orders else [True, False] if plan.pays else [True]
    failure: EnvironmentUnavailable | None = None
    for is_free in kinds:
        try:
            return chosen(
                offers, plan.resources, plan.max_duration_s, plan.consumer, is_free=is_free
            )
        except EnvironmentUnavailable as error:
            failure = failure or error
    raise failure or EnvironmentUnavailable("The node has no environment.")


def _paid(plan: JobPlan, offer: Environment, chain_id: int | None) -> Placement:
    price = _price(plan, offer, chain_id)
    duration_s = plan.max_duration_s or offer.max_duration_s
    if duration_s is None:
        raise InvalidInput(
            f"The environment {offer.id} does not say how long a job may run: give max_duration, "
            "for which it is paid. Nothing was sent."
        )
    least = {name: _number(one.min) for name, one in offer.resources.items()}
    sized = replace(
        plan,
        resources=least | dict(plan.resources),
        max_duration_s=max(duration_s, offer.min_duration_s),
    )
    return Placement(sized, offer.id, offer, Payment(price.chain_id, price.token))


def _price(plan: JobPlan, offer: Environment, chain_id: int | None) -> Price:
    there = [one for one in offer.prices if chain_id is None or one.chain_id == chain_id]
    found = [one for one in there if not plan.token or one.token.lower() == plan.token.lower()]
    if found:
        return found[0]
    takes = ", ".join(f"{one.token} on chain {one.chain_id}" for one in offer.prices) or "none"
    raise EnvironmentUnavailable(
        f"The environment {one_line(offer.id, 160)} does not take {plan.token or 'payments'} on "
        f"chain {chain_id}; it takes: {takes}. Nothing was sent.",
        operation="choose an environment",
    ).advised("list-environments")


def _number(amount: float) -> float:
    """Return a whole amount as int, as others send it."""
    return int(amount) if amount == int(amount) else amount
