"""A purchase that is cut off, by a kill or Ctrl-C: the same call again pays nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocean_lib import Ocean, Wallet
from ocean_lib.exceptions import ChainError
from ocean_lib.localnet import LocalNetwork
from ocean_lib.web3_internal.node import NodeProvider
from tests.integration.test_buying import Shop, ran

SEND, RECEIPT = "eth_sendRawTransaction", "eth_getTransactionReceipt"


class Killed(BaseException):
    """The end of a program, which no `except Exception` sees."""


@contextmanager
def ending(
    kind: type[BaseException], at: int, *, after: bool = False, method: str = ""
) -> Iterator[None]:
    """End the program inside at a call of the chain's node.

    Args:
        kind: how it ends.
        at: at which call, counted from 1.
        after: the node has done it, and nobody hears of it; else it is not sent.
        method: counts only these calls.
    """
    ask, calls = NodeProvider.make_request, count(1)

    def asked(self: NodeProvider, called: Any, params: Any) -> Any:
        is_due = called == (method or called) and next(calls) == at
        if is_due and not after:
            raise kind
        answer = ask(self, called, params)
        if is_due:
            raise kind
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(NodeProvider, "make_request", asked)
        yield


class Gone:
    """A wallet whose program ends when a message is to be signed: at the start of the job."""

    def __init__(self, wallet: Wallet, kind: type[BaseException]) -> None:
        self.address, self.sign_tx, self._kind = wallet.address, wallet.sign_tx, kind

    def sign_message(self, _: Any) -> Any:
        raise self._kind


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with LocalNetwork(account_count=250) as network:
        yield Shop(network)


def submit(shop: Shop, ocean: Ocean, wallet: Any) -> Any:
    limits = dict.fromkeys((shop.data.data_token_address, shop.algorithm.data_token_address), 1)
    return ocean.compute.submit(consumer_wallet=wallet, pay=True, max_cost=limits, **shop.job)


def paid_once_each(shop: Shop, wallet: Wallet) -> bool:
    return sorted(shop.orders(wallet)) == sorted(
        [shop.data.data_token_address, shop.algorithm.data_token_address]
    )


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(1, 45), after=st.booleans())
def test_whenever_a_program_is_killed_it_pays_once(shop, at, after):
    buyer = shop.buyer(3, 3)
    with ending(Killed, at, after=after), suppress(Killed):
        submit(shop, Ocean(shop.network.config), buyer)

    submit(shop, Ocean(shop.network.config), buyer)

    assert paid_once_each(shop, buyer)


@pytest.mark.parametrize(
    ("method", "at", "after"),
    [(SEND, 1, False), (SEND, 1, True), (SEND, 2, False), (SEND, 2, True), (RECEIPT, 2, True)],
)
def test_killed_around_a_payment_it_pays_once(shop, method, at, after):
    buyer = shop.buyer(3, 3)

    with ending(Killed, at, after=after, method=method), pytest.raises(Killed):
        submit(shop, Ocean(shop.network.config), buyer)
    job = submit(shop, Ocean(shop.network.config), buyer)

    assert paid_once_each(shop, buyer)
    assert ran(job)


def test_killed_between_the_orders_and_the_start_it_pays_once(shop):
    buyer = shop.buyer(3, 3)

    with pytest.raises(Killed):
        submit(shop, Ocean(shop.network.config), Gone(buyer, Killed))
    assert paid_once_each(shop, buyer)
    job = submit(shop, Ocean(shop.network.config), buyer)

    assert paid_once_each(shop, buyer)
    assert ran(job)


def test_threads_that_buy_the_same_pay_once(shop):
    buyer, ocean = shop.buyer(8, 0), Ocean(shop.network.config)

    with ThreadPoolExecutor(4) as pool:
        bought = list(pool.map(lambda _: ocean.assets.buy(shop.data.did, buyer), range(4)))

    assert len({orders[0].order_tx for orders in bought}) == 1
    assert shop.sent(buyer) == 1


@pytest.mark.parametrize(
    ("method", "at", "after", "said"),
    [
        ("eth_estimateGas", 1, False, "^The order of {data} was not sent; not sent: {code}"),
        (SEND, 1, True, "^Transaction 0x[0-9a-f]{{64}} may have been sent.*; not sent: {code}"),
        (RECEIPT, 1, False, "^Transaction 0x[0-9a-f]{{64}} was sent.*; not sent: {code}"),
        (RECEIPT, 2, False, "^The order was paid in transaction 0x.*; not sent: {code}"),
        (SEND, 2, False, "^Transaction .*; ordered before: {data} .transaction 0x[0-9a-f]{{64}}"),
    ],
)
def test_ctrl_c_says_what_was_sent_and_what_not(shop, method, at, after, said):
    buyer = shop.buyer()

    with (
        ending(KeyboardInterrupt, at, after=after, method=method),
        pytest.raises(KeyboardInterrupt) as stopped,
    ):
        submit(shop, Ocean(shop.network.config), buyer)

    words = said.format(data=shop.data.did, code=shop.algorithm.did)
    assert re.match(words, str(stopped.value))
    assert "Do the same again: orders that exist are used." in str(stopped.value)


def test_ctrl_c_before_the_start_names_the_orders(shop):
    buyer = shop.buyer()

    with pytest.raises(
        KeyboardInterrupt, match=r"the job was not started.*uses the orders"
    ) as said:
        submit(shop, Ocean(shop.network.config), Gone(buyer, KeyboardInterrupt))

    orders = Ocean(shop.network.config).get_user_orders(buyer.address)
    assert all(order.transactionId in str(said.value) for order in orders)
    assert len(orders) == 2


def test_a_failed_payment_says_what_was_paid_before(shop):
    buyer = shop.buyer()

    class Spent(ChainError):
        """A fault of the chain."""

    with (
        ending(Spent, 2, method="eth_estimateGas"),
        pytest.raises(ChainError, match="Ordered before: did:op:"),
    ):
        submit(shop, Ocean(shop.network.config), buyer)
