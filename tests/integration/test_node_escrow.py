"""The escrow of a node's generation on its real contract: exact, verified, nothing sent twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ocean_lib.backends.node.escrow import Allowed, Funds
from ocean_lib.exceptions import InsufficientBalance, TransactionFailed, VerifyTxFailed
from ocean_lib.localnet import LocalNetwork
from tests.integration.node_chain import ONE, NodeChain


@pytest.fixture(scope="module")
def network() -> Iterator[LocalNetwork]:
    with LocalNetwork(generation="node", account_count=40) as running:
        yield running


@pytest.fixture
def chain(network: LocalNetwork, request: pytest.FixtureRequest) -> NodeChain:
    """The same chain for all, and a consumer that nobody else uses."""
    made = NodeChain(network)
    made.consumer = network.wallet(10 + request.session.items.index(request.node) % 30)
    return made


def nonce(chain: NodeChain) -> int:
    return int(chain.web3.eth.get_transaction_count(chain.consumer.address))


def terms(chain: NodeChain, **changed: int) -> Allowed:
    return replace(Allowed(chain.environment.address, 50 * ONE, 0, 7320, 20, 0), **changed)


def test_what_is_deposited_is_available_and_can_be_withdrawn(chain):
    payer, token, escrow = chain.consumer.address, chain.token.address, chain.escrow
    assert (escrow.tokens(payer), escrow.funds(payer, token)) == ([], Funds(0, 0))

    escrow.deposit(token, 100 * ONE + 1, chain.consumer)
    escrow.withdraw(token, 40 * ONE, chain.consumer)

    assert escrow.tokens(payer) == [token]
    assert escrow.funds(payer, token) == Funds(60 * ONE + 1, 0)
    assert chain.token.balanceOf(payer) == 1000 * ONE - 60 * ONE - 1
    assert chain.token.allowance(payer, escrow.address) == 0


def test_an_approval_that_is_there_already_is_not_sent_again(chain):
    chain.token.approve(chain.escrow.address, 7 * ONE, chain.consumer)
    before = nonce(chain)

    chain.escrow.deposit(chain.token.address, 7 * ONE, chain.consumer)

    assert nonce(chain) == before + 1


def test_more_than_there_is_is_neither_deposited_nor_withdrawn(chain):
    token, before = chain.token.address, nonce(chain)

    with pytest.raises(InsufficientBalance, match=r"has 1000 of token .* needs 1001\. Nothing"):
        chain.escrow.deposit(token, 1001 * ONE, chain.consumer)
    with pytest.raises(InsufficientBalance, match=r"has 0 of token .* and would withdraw 0\.0+1\."):
        chain.escrow.withdraw(token, 1, chain.consumer)

    assert nonce(chain) == before


def test_limits_are_set_once_and_replaced_when_they_change(chain):
    payer, token, payee = chain.consumer.address, chain.token.address, chain.environment.address

    assert chain.escrow.authorize(token, terms(chain), chain.consumer)
    before = nonce(chain)
    assert chain.escrow.authorize(token, terms(chain), chain.consumer) == ""
    assert nonce(chain) == before
    assert chain.escrow.authorize(token, terms(chain, max_locks=1), chain.consumer)
    other = terms(chain, payee=chain.stranger.address, max_amount=0)
    assert chain.escrow.authorize(token, other, chain.consumer)

    assert chain.escrow.allowed(payer, token) == [terms(chain, max_locks=1), other]
    assert chain.escrow.allowed(payer, token, payee) == [terms(chain, max_locks=1)]


def test_locks_are_seen_with_amount_and_end_and_go_when_they_are_claimed(chain):
    payer, token, payee = chain.consumer.address, chain.token.address, chain.environment.address
    chain.escrow.deposit(token, 10 * ONE, chain.consumer)
    chain.escrow.authorize(token, terms(chain), chain.consumer)
    assert list(chain.escrow.locks(payer, token, payee)) == []

    chain.lock(2**200 + 1, 3 * ONE, 3600)
    chain.lock(7, 1, 60)
    first, second = chain.escrow.locks(payer, token, payee)

    assert (first.job_number, first.amount, second.job_number) == (2**200 + 1, 3 * ONE, 7)
    assert (first.payer, first.payee, first.token) == (payer, payee, token)
    assert abs(first.expires_s - time.time() - 3600) < 120
    assert not first.is_expired(chain.escrow.now_s())
    assert chain.escrow.funds(payer, token) == Funds(7 * ONE - 1, 3 * ONE + 1)
    assert chain.escrow.allowed(payer, token)[0].locks == 2
    with pytest.raises(InsufficientBalance, match=r"and 3\.0+1 locked, and would withdraw 8\."):
        chain.escrow.withdraw(token, 8 * ONE, chain.consumer)

    chain.claim(2**200 + 1, 2 * ONE)

    assert [one.job_number for one in chain.escrow.locks(payer, token, payee)] == [7]
    assert chain.escrow.funds(payer, token) == Funds(8 * ONE - 1, 1)


def test_expired_locks_give_the_money_back_and_others_stay(chain):
    payer, token, payee = chain.consumer.address, chain.token.address, chain.environment.address
    chain.escrow.deposit(token, 10 * ONE, chain.consumer)
    chain.escrow.authorize(token, terms(chain), chain.consumer)
    chain.lock(1, ONE, 1)
    chain.lock(2, 2 * ONE, 1)
    chain.lock(3, 4 * ONE, 3600)
    locks = list(chain.escrow.locks(payer, token, payee))
    while not all(one.is_expired(chain.escrow.now_s()) for one in locks[:2]):
        chain.token.approve(payee, 0, chain.stranger)  # the chain's clock goes on with its blocks

    sent = chain.escrow.cancel_expired(locks[:2], chain.consumer)

    assert 1 <= len(sent) <= 2
    assert chain.escrow.funds(payer, token) == Funds(6 * ONE, 4 * ONE)
    assert [one.job_number for one in chain.escrow.locks(payer, token, payee)] == [3]


def test_what_a_node_locked_of_others_is_neither_shown_nor_in_the_way(chain, network):
    token, payee = chain.token.address, chain.environment.address
    mine, other = chain.consumer, network.wallet(4)
    for chain.consumer in (other, mine):
        chain.escrow.deposit(token, 10 * ONE, chain.consumer)
        chain.escrow.authorize(token, terms(chain), chain.consumer)
        if chain.consumer is other:
            chain.lock(77, ONE, 3600)
    for number in (1, 2, 3):
        chain.lock(number, ONE, 1)
    locks = chain.escrow.locks(mine.address, token, payee)
    assert [one.job_number for one in locks] == [1, 2, 3]
    while not all(one.is_expired(chain.escrow.now_s()) for one in locks):
        chain.token.approve(payee, 0, chain.stranger)

    chain.escrow.cancel_expired(locks, mine)

    assert chain.escrow.locks(mine.address, token, payee) == []
    assert chain.escrow.funds(mine.address, token) == Funds(10 * ONE, 0)
    assert chain.escrow.funds(other.address, token) == Funds(9 * ONE, ONE)


def test_an_escrow_that_is_none_is_no_escrow(chain):
    from ocean_lib.backends.node.escrow import EscrowContract

    with pytest.raises((TransactionFailed, VerifyTxFailed)):
        EscrowContract(chain.token.address, web3=chain.web3).authorize(
            chain.token.address, terms(chain), chain.consumer
        )
