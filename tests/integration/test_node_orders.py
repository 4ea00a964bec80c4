"""Orders in a node's datatokens, on its real contracts: placed once, checked, found again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from ocean_lib.backends.node.sources import find_source, get_datatoken
from ocean_lib.exceptions import (
    CostAboveLimit,
    InsufficientBalance,
    TransactionFailed,
    VerifyTxFailed,
)
from ocean_lib.localnet import LocalNetwork
from tests.integration.node_chain import ONE, ZERO, NodeChain


@pytest.fixture(scope="module")
def chain() -> Iterator[NodeChain]:
    with LocalNetwork(generation="node") as network:
        yield NodeChain(network)


def nonce(chain: NodeChain) -> int:
    return int(chain.web3.eth.get_transaction_count(chain.consumer.address))


def test_an_order_takes_one_datatoken_and_is_found_again(chain):
    token = chain.datatoken()
    chain.mint(token, chain.consumer, 2 * ONE)
    environment, payer = chain.environment.address, chain.consumer.address
    assert token.newest_order(environment, payer, 0) is None

    first = token.start_order(environment, 0, chain.fee(), chain.consumer)
    other = token.start_order(environment, 1, chain.fee(), chain.consumer)

    assert token.balanceOf(payer) == 0
    assert token.newest_order(environment, payer, 0).tx_hash == first
    assert token.newest_order(environment, payer, 1).tx_hash == other
    assert token.newest_order(environment, chain.stranger.address, 0) is None
    assert token.newest_order(payer, payer, 0) is None
    block = chain.web3.eth.get_block("latest")
    assert abs(block["timestamp"] - token.newest_order(environment, payer, 0).timestamp_s) < 60


def test_an_order_that_is_paid_for_again_is_the_newest(chain):
    token = chain.datatoken()
    chain.mint(token, chain.consumer)
    environment, payer = chain.environment.address, chain.consumer.address
    fee = chain.fee(3 * ONE)
    before = chain.token.balanceOf(payer)
    order = token.start_order(environment, 0, chain.fee(), chain.consumer)

    again = token.reuse_order(order, fee, chain.consumer)

    assert token.newest_order(environment, payer, 0).tx_hash == again != order
    assert before - chain.token.balanceOf(payer) == 3 * ONE
    with pytest.raises(VerifyTxFailed, match=f"{again} is not the order: expected an OrderStarted"):
        token.verify_start(again, environment, 0, payer)


def test_fees_of_node_and_market_are_paid_and_no_more_is_allowed(chain):
    other = chain.new_token(6)
    token = chain.datatoken(fee=(other.address, 250_000))
    chain.mint(token, chain.consumer)
    fee = chain.fee(2 * ONE)
    payer = chain.consumer.address
    had = chain.token.balanceOf(payer), other.balanceOf(payer)
    assert token.fees(fee, is_new=True) == {chain.token.address: 2 * ONE, other.address: 250_000}
    assert token.fees(fee, is_new=False) == {chain.token.address: 2 * ONE}

    token.start_order(chain.environment.address, 0, fee, chain.consumer)

    assert had[0] - chain.token.balanceOf(payer) == 2 * ONE
    assert had[1] - other.balanceOf(payer) == 250_000
    assert chain.token.allowance(payer, token.address) == 0
    assert other.allowance(payer, token.address) == 0


def test_without_the_tokens_nothing_is_sent(chain):
    token = chain.datatoken()
    before = nonce(chain)
    order = token.start_order

    with pytest.raises(InsufficientBalance, match=r"less than 1 of datatoken .* Nothing was sent"):
        order(chain.environment.address, 0, chain.fee(), chain.consumer)
    chain.mint(token, chain.consumer)
    with pytest.raises(InsufficientBalance, match=r"needs 5000\. Nothing was sent"):
        order(chain.environment.address, 0, chain.fee(5000 * ONE), chain.consumer)

    assert nonce(chain) == before


def test_a_fee_that_the_node_did_not_sign_is_refused_before_it_costs_gas(chain):
    token = chain.datatoken()
    chain.mint(token, chain.consumer)

    with pytest.raises(TransactionFailed, match=r"Invalid (signature|provider fee)"):
        token.start_order(chain.environment.address, 0, chain.bad_fee(), chain.consumer)

    assert token.balanceOf(chain.consumer.address) == ONE


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"consumer": ZERO}, f"consumer {ZERO}"),
        ({"service_index": 1}, "serviceIndex 1"),
        ({"payer": ZERO}, f"payer {ZERO}"),
    ],
)
def test_another_order_is_not_taken_for_the_intended_one(chain, wrong, said):
    token = chain.datatoken()
    chain.mint(token, chain.consumer)
    tx = token.start_order(chain.environment.address, 0, chain.fee(), chain.consumer)
    right = {
        "consumer": chain.environment.address,
        "service_index": 0,
        "payer": chain.consumer.address,
    }
    token.verify_start(tx, **right)

    with pytest.raises(VerifyTxFailed, match=said):
        token.verify_start(tx, **{**right, **wrong})
    with pytest.raises(VerifyTxFailed, match="and it has none"):
        chain.datatoken().verify_start(tx, **right)


def test_a_dispenser_gives_a_datatoken_to_who_has_none(chain):
    token = chain.datatoken("WithDispenser")

    source = find_source(token, chain.consumer.address)

    assert source.contract == chain.contracts.dispenser
    assert (source.is_dispenser, source.token, source.price) == (True, "", 0)
    assert get_datatoken(token, source, chain.consumer)
    assert token.balanceOf(chain.consumer.address) == ONE
    before = nonce(chain)
    assert get_datatoken(token, source, chain.consumer) == ""
    assert nonce(chain) == before
    assert find_source(token, chain.consumer.address) is None  # it has as many as it may


def test_a_dispenser_for_somebody_else_is_no_source(chain):
    token = chain.datatoken("WithDispenser", swapper=chain.stranger.address)

    assert find_source(token, chain.consumer.address) is None
    assert find_source(token, chain.stranger.address) is not None


@pytest.mark.parametrize(("decimals", "rate", "price"), [(18, 5 * ONE // 2, "2.5"), (6, ONE, "1")])
def test_an_exchange_sells_a_datatoken_for_its_price_in_the_tokens_own_decimals(
    chain, decimals, rate, price
):
    base = chain.new_token(decimals)
    token = chain.datatoken("WithFixedRate", base=base.address, decimals=decimals, rate=rate)
    payer = chain.consumer.address
    had = base.token_balance(payer)

    source = find_source(token, payer)
    get_datatoken(token, source, chain.consumer)

    paid = had - base.token_balance(payer)
    assert (source.contract, source.token) == (chain.contracts.fixed_rate_exchange, base.address)
    assert paid == source.price == Decimal(source.price_base).scaleb(-decimals)
    assert Decimal(price) <= paid <= Decimal(price) * Decimal("1.01")
    assert base.allowance(payer, source.contract) == 0
    assert token.balanceOf(payer) == ONE


def test_a_price_that_rose_since_it_was_asked_is_not_paid(chain):
    base = chain.token
    token = chain.datatoken("WithFixedRate", base=base.address, rate=ONE)
    source = find_source(token, chain.consumer.address)
    before = nonce(chain)
    exchange = chain.fixed_rate_exchange()
    exchange.send_transaction("setRate", (source.exchange_id, 2 * ONE), chain.publisher)

    with pytest.raises(CostAboveLimit, match=r"costs 2\.0\d* of .* now, and was 1\.0\d*"):
        get_datatoken(token, source, chain.consumer)

    assert nonce(chain) == before


def test_a_datatoken_that_nobody_gives_or_sells_has_no_source(chain):
    assert find_source(chain.datatoken(), chain.consumer.address) is None
