"""Where jobs can run at a node: as it is told, and which one is chosen."""

from __future__ import annotations

from typing import Any

import pytest

from ocean_lib.backends.environment import Environment, Environments, Price
from ocean_lib.backends.node.environments import chosen, environments_of
from ocean_lib.exceptions import EnvironmentUnavailable
from tests.vectors import nodes


def said() -> list[dict[str, Any]]:
    body: list[dict[str, Any]] = nodes.load("05")[0]["response"]["body"]["json"]
    return body


def offers() -> Environments:
    found = environments_of(said())
    assert found is not None
    return found


def test_an_environment_is_offered_free_and_paid() -> None:
    free, paid = offers()[:2]

    assert free.id == paid.id == said()[0]["id"]
    assert (free.is_free, paid.is_free) == (True, False)
    assert (free.max_duration_s, paid.max_duration_s) == (600, 3600)
    assert (free.min_duration_s, paid.min_duration_s) == (10, 60)
    assert (free.resources["cpu"].max, paid.resources["cpu"].max) == (1, 2)
    assert free.resources["ram"].total == 4
    assert free.prices == ()
    token = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert list(paid.prices) == [Price(8996, token, {"cpu": 1.0})]
    assert (free.architecture, free.os, free.max_jobs) == ("x86_64", "linux", 3)
    assert not free.has_network
    assert free.storage_expiry_s == 604800
    assert free.consumer_address == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def test_a_table_shows_them_in_notebooks() -> None:
    assert said()[0]["id"] in offers()._repr_html_().replace("<wbr>", "")


@pytest.mark.parametrize("document", [{}, [1], [{}], [{"id": "x", "free": {"resources": [{}]}}]])
def test_what_is_no_list_of_environments_is_none(document: Any) -> None:
    assert environments_of(document) is None


def test_access_lists_are_read_in_both_shapes() -> None:
    document = said()[:1]
    document[0]["free"]["access"] = {"addresses": [], "accessLists": [{"8996": ["0x1", "0x2"]}]}

    found = environments_of(document)

    assert found is not None
    assert found[0].access_lists == ("0x1", "0x2")
    assert not found[0].admits(nodes.CONSUMER)


def test_the_choice_is_free_and_admits_the_wallet() -> None:
    environment = chosen(offers(), {}, None, nodes.CONSUMER)

    assert environment.is_free
    assert environment.id == said()[0]["id"]
    assert not offers()[2].admits(nodes.CONSUMER)
    assert offers()[2].admits("0xF39FD6e51aad88F6F4ce6aB8827279cffFb92266")


def test_the_choice_has_room_and_the_shortest_queue() -> None:
    base = offers()[0]
    busy, queued, quiet = (
        Environment(name, True, base.resources, max_jobs=2, running=running, queued=waiting)
        for name, running, waiting in (("busy", 2, 0), ("queued", 0, 3), ("quiet", 1, 0))
    )

    assert chosen([busy, queued, quiet], {}, None, nodes.CONSUMER) is quiet
    assert chosen([busy, queued], {}, None, nodes.CONSUMER) is queued
    assert chosen([busy], {}, None, nodes.CONSUMER) is busy


@pytest.mark.parametrize(
    ("resources", "duration_s"), [({"cpu": 5}, None), ({"gpu": 1}, None), ({}, 601)]
)
def test_what_fits_nowhere_is_refused_before_anything_is_sent(
    resources: dict[str, float], duration_s: int | None
) -> None:
    with pytest.raises(EnvironmentUnavailable, match="Nothing was sent") as caught:
        chosen(offers(), resources, duration_s, nodes.CONSUMER)

    assert said()[0]["id"] in str(caught.value), "it says what there is"


def test_no_amount_of_a_resource_asks_for_nothing() -> None:
    assert chosen(offers(), {"gpu": 0, "cpu": 1}, 600, nodes.CONSUMER).is_free


def test_what_is_left_of_a_resource_counts_what_is_used() -> None:
    document = said()[:1]
    document[0]["resources"][0] |= {"inUse": 2}

    found = environments_of(document)

    assert found is not None
    assert found[1].resources["cpu"].free == 0
