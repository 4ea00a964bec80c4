"""What a node says that a job costs, read."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.backends.node.terms import terms_of
from tests.vectors import nodes

BEFORE, AFTER = (
    [e["response"]["body"]["json"] for e in nodes.load(n) if e["request"]["method"] == "POST"][-1]
    for n in ("40", "43")
)
DATA = "did:op:f1a7967be510a367ef142a8b6c290508335af0858b8754a91023a0f20f51666e"
SERVICE = "0d4fc4a78d3706edccafb665a8b2fdd9309e82c78625bb0f2b8e7bb9e1c4d21c"
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_missing_orders_come_with_the_fee_to_place_them_with() -> None:
    terms = terms_of(BEFORE)

    assert terms is not None
    assert (terms.amount_base, terms.lock_s, terms.chain_id) == (10**18, 3660, 8996)
    assert terms.escrow == "0x0DCd1Bf9A1b36cE34237eEaFef220932846BCD82"
    order = terms.of(DATA, SERVICE)
    assert order is not None
    assert order.order_tx == ""
    assert order.datatoken == "0x8796e5187fDAe37EFE827cd0a68cA73584011cE8"
    assert order.fee is not None
    assert (order.fee.amount_base, order.fee.v, order.fee.valid_until) == (0, 28, 86400)
    assert order.fee.data.startswith(b'{"dt":"0x8796')
    assert terms.of(DATA, "other") is None


def test_valid_orders_come_without_a_fee() -> None:
    terms = terms_of(AFTER)

    assert terms is not None
    assert [order.fee for order in terms.orders] == [None, None]
    assert terms.orders[0].order_tx.startswith("0x6670580e")


def test_own_code_has_no_order() -> None:
    first = next(e for e in nodes.load("40") if e["request"]["method"] == "POST")
    terms = terms_of(first["response"]["body"]["json"])

    assert terms is not None
    assert terms.orders == ()


@pytest.mark.parametrize("wrong", ["", -1, None, True, 1.5, [], "1e18"])
@pytest.mark.parametrize("name", ["amount", "minLockSeconds", "chainId", "escrowAddress", "token"])
def test_a_price_that_is_none_is_not_read(name: str, wrong: object) -> None:
    said = copy.deepcopy(BEFORE)
    said["payment"][name] = wrong

    assert terms_of(said) is None


@given(said=JSON, place=st.sampled_from(["payment", "datasets", "algorithm"]))
def test_any_answer_is_terms_or_none(said: Any, place: str) -> None:
    terms_of(said)
    terms_of(BEFORE | {place: said})
