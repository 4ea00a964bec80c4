"""Where a job runs at a node: free, unless the caller agreed to pay."""

from __future__ import annotations

from typing import Any

import pytest

from ocean_lib import ComputeInput
from ocean_lib.backends.environment import Environment, Environments
from ocean_lib.backends.node.bodies import Payment
from ocean_lib.backends.node.environments import environments_of
from ocean_lib.backends.node.placement import placed
from ocean_lib.exceptions import EnvironmentUnavailable, InvalidInput
from ocean_lib.jobs.plan import Algorithm, JobPlan
from tests.vectors import nodes

TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
DATA = ComputeInput("did:op:" + "1a" * 32, "0x" + "2b" * 32, "3c" * 32)


def offers() -> Environments:
    found = environments_of(nodes.load("05")[0]["response"]["body"]["json"])
    assert found is not None
    return found


NAME = offers()[0].id
"""An environment that is offered both ways; its free offer has one CPU for 600 s."""


def plan(*inputs: ComputeInput, **fields: Any) -> JobPlan:
    return JobPlan(inputs, Algorithm(did="did:op:" + "4d" * 32), nodes.CONSUMER, **fields)


def only(*, is_free: bool) -> list[Environment]:
    return [offer for offer in offers() if offer.is_free is is_free]


@pytest.mark.parametrize(
    ("asked", "pays"),
    [
        (plan(environment=NAME), False),
        (plan(environment=NAME, pays=True), True),
        (plan(DATA, environment=NAME), True),
        (plan(), False),
        (plan(pays=True), False),
        (plan(pays=True, resources={"cpu": 2}), True),
        (plan(DATA), True),
    ],
)
def test_a_job_is_paid_for_only_if_the_caller_agreed(asked: JobPlan, pays: bool) -> None:
    place = placed(asked, offers())

    assert place.environment == NAME
    assert place.payment == (Payment(8996, TOKEN) if pays else None)


def test_an_environment_for_payment_only_is_paid_for_if_it_is_named() -> None:
    assert placed(plan(environment=NAME), only(is_free=False)).payment == Payment(8996, TOKEN)
    with pytest.raises(EnvironmentUnavailable, match="No free environment"):
        placed(plan(), only(is_free=False))


def test_one_that_is_free_only_is_free_whoever_pays() -> None:
    assert placed(plan(environment=NAME, pays=True), only(is_free=True)).payment is None
    assert placed(plan(DATA), only(is_free=True)).payment is None


def test_a_paid_job_says_what_it_is_paid_for() -> None:
    all_of_it = placed(plan(environment=NAME, pays=True), offers()).plan
    some = placed(
        plan(environment=NAME, pays=True, resources={"cpu": 2, "gpu": 1}, max_duration_s=30),
        offers(),
    ).plan

    assert (all_of_it.resources, all_of_it.max_duration_s) == (
        {"cpu": 1, "ram": 1, "disk": 0},
        3600,
    )
    assert some.resources == {"cpu": 2, "ram": 1, "disk": 0, "gpu": 1}
    assert some.max_duration_s == 60, "less is not counted"


def test_an_unknown_environment_is_left_to_the_node_to_refuse() -> None:
    place = placed(plan(environment="0xno", pays=True), offers())

    assert (place.environment, place.offer, place.payment) == ("0xno", None, None)


def test_what_cannot_be_paid_is_refused_with_what_can() -> None:
    with pytest.raises(EnvironmentUnavailable, match=f"takes: {TOKEN} on chain 8996"):
        placed(plan(environment=NAME, pays=True, token=nodes.CONSUMER), offers())
    with pytest.raises(EnvironmentUnavailable, match="chain 1;"):
        placed(plan(environment=NAME, pays=True), offers(), chain_id=1)
    endless = Environment("x", False, prices=offers()[1].prices)
    with pytest.raises(InvalidInput, match="give max_duration"):
        placed(plan(environment="x"), [endless])
