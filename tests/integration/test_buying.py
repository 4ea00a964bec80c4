"""Quotes and orders: what a job costs is said before it is paid, and nothing is paid twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from ocean_lib import ComputeInput, Ocean, Wallet
from ocean_lib.assets.asset import Asset
from ocean_lib.exceptions import (
    AssetNotConsumable,
    CostAboveLimit,
    InsufficientBalance,
    InvalidInput,
    WorkflowRefused,
)
from ocean_lib.localnet import LocalNetwork
from tests.flows import publish_algorithm, publish_dataset, raw_code

CODE = "print('ran')"


class Shop:
    """A data set, an algorithm that it trusts, and new buyers with the tokens that a test says."""

    def __init__(self, network: LocalNetwork) -> None:
        self.network = network
        self.ocean = Ocean(network.config)
        self.seller = network.wallet(0)
        self.algorithm = publish_algorithm(self.ocean, network, self.seller, CODE)
        self.data = publish_dataset(
            self.ocean, network, self.seller, "1\n", trusted=[str(self.algorithm.did)]
        )
        self._accounts = count(10)

    @property
    def job(self) -> dict[str, Any]:
        """The arguments of `quote` and `submit`."""
        return {"input_datasets": [self.data.did], "algorithm_did": self.algorithm.did}

    def buyer(self, data: Any = 1, algorithm: Any = 1) -> Wallet:
        wallet = self.network.wallet(next(self._accounts))
        for asset, amount in ((self.data, data), (self.algorithm, algorithm)):
            if amount:
                self.give(asset, wallet, amount)
        return wallet

    def give(self, asset: Asset, wallet: Wallet, amount: Any) -> None:
        token = self.ocean.get_data_token(asset.data_token_address)
        token.mint_tokens(wallet.address, amount, self.seller)

    def orders(self, wallet: Wallet) -> list[str]:
        """The tokens that a wallet has paid in, one for each order."""
        return [order.datatoken for order in self.ocean.get_user_orders(wallet.address)]

    def sent(self, wallet: Wallet) -> int:
        """How many transactions a wallet has sent."""
        return int(self.ocean.web3.eth.get_transaction_count(wallet.address))


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with LocalNetwork(account_count=250) as network:
        yield Shop(network)


@pytest.fixture
def ocean(shop: Shop) -> Ocean:
    """A client that knows nothing yet."""
    return Ocean(shop.network.config)


def ran(job: Any) -> bool:
    return bool(job.wait(timeout=60, progress=False).succeeded) and "ran" in job.logs()


# --- quote


def test_a_quote_says_what_is_to_be_paid_and_sends_nothing(shop, ocean):
    buyer = shop.buyer(data=3, algorithm="0.25")

    quote = ocean.compute.quote(consumer_wallet=buyer, **shop.job)

    data, code = shop.data.data_token_address, shop.algorithm.data_token_address
    assert quote.cost == {data: 1, code: 1}
    assert quote.balances == {data: 3, code: Decimal("0.25")}
    assert quote.missing == {code: Decimal("0.75")}
    assert [(o.did, o.service_index, o.is_paid) for o in quote.to_pay] == [
        (shop.data.did, 4, False),
        (shop.algorithm.did, 3, False),
    ]
    assert quote.has_gas is True
    assert shop.sent(buyer) == 0


def test_a_quote_is_told_as_text_json_and_html(shop, ocean):
    buyer = shop.buyer(data=3, algorithm="0.25")

    quote = ocean.compute.quote(consumer_wallet=buyer, **shop.job)

    code = shop.algorithm.data_token_address
    assert f"the wallet has 0.25 of {code}; 0.75 more needed" in repr(quote)
    told = json.loads(json.dumps(quote.to_dict()))
    assert told["missing"] == {code: "0.75"}
    assert [order["order_tx"] for order in told["orders"]] == ["", ""]
    page = quote._repr_html_().replace("<wbr>", "")
    assert all(part in page for part in (code, "0.25", "to order"))


def test_paying_a_quote_gives_what_submit_takes(shop, ocean):
    buyer = shop.buyer()
    quote = ocean.compute.quote(consumer_wallet=buyer, **shop.job)

    orders = quote.pay(buyer)

    assert ran(ocean.compute.submit(orders.inputs, buyer, **orders.algorithm))
    after = ocean.compute.quote(consumer_wallet=buyer, **shop.job)
    assert (after.cost, after.to_pay, after.has_gas) == ({}, [], None)
    assert after.orders.inputs == orders.inputs
    assert "nothing to pay" in repr(after)


def test_a_quote_that_is_paid_again_pays_nothing(shop, ocean):
    buyer = shop.buyer(2, 2)
    quote = ocean.compute.quote(consumer_wallet=buyer, **shop.job)

    first, second = quote.pay(buyer), quote.pay(buyer)

    assert first == second
    assert shop.sent(buyer) == 2


def test_only_the_missing_order_is_paid(shop, ocean):
    buyer = shop.buyer(2, 2)
    (bought,) = ocean.assets.buy(shop.data.did, buyer)

    quote = ocean.compute.quote(consumer_wallet=buyer, **shop.job)

    assert quote.cost == {shop.algorithm.data_token_address: 1}
    assert quote.pay(buyer).inputs == [bought.input]
    assert sorted(shop.orders(buyer)) == sorted(
        [shop.data.data_token_address, shop.algorithm.data_token_address]
    )


def test_an_order_that_is_given_is_checked_and_used(shop, ocean):
    buyer, other = shop.buyer(), shop.buyer()
    mine = ocean.assets.buy(shop.data.did, buyer).inputs
    others = ocean.assets.buy(shop.data.did, other).inputs

    assert ocean.compute.quote(mine, buyer, algorithm_meta=raw_code(CODE)).cost == {}
    with pytest.raises(InvalidInput, match=r"paid by .*Nothing was sent"):
        ocean.compute.quote(others, buyer, algorithm_meta=raw_code(CODE))


def test_two_inputs_of_one_service_are_one_order(shop, ocean):
    buyer = shop.buyer()

    quote = ocean.compute.quote([shop.data.did] * 2, buyer, algorithm_did=shop.algorithm.did)

    assert len(quote.orders) == 2
    assert quote.cost[shop.data.data_token_address] == 1


def test_a_quote_is_not_paid_by_another_wallet(shop, ocean):
    buyer, other = shop.buyer(), shop.buyer()
    quote = ocean.compute.quote(consumer_wallet=buyer, **shop.job)

    with pytest.raises(InvalidInput, match=f"is for {buyer.address}.*Nothing was sent"):
        quote.pay(other)

    assert shop.sent(other) == 0


def test_a_quote_needs_an_algorithm(shop, ocean):
    with pytest.raises(InvalidInput, match="needs an algorithm"):
        ocean.compute.quote([shop.data.did], shop.buyer())


# --- buy


def test_buying_twice_pays_once_unless_it_is_said(shop, ocean):
    buyer = shop.buyer(data=2)

    first = ocean.assets.buy(shop.data.did, buyer)
    again = ocean.assets.buy([shop.data.did], buyer)
    new = ocean.assets.buy(shop.data.did, buyer, again=True)

    assert first == again != new
    assert len(shop.orders(buyer)) == 2


def test_tokens_that_are_missing_are_asked_of_the_publisher(shop, ocean):
    buyer = shop.buyer(data=0)

    with pytest.raises(InsufficientBalance) as caught:
        ocean.assets.buy([shop.algorithm.did, shop.data.did], buyer)

    said = str(caught.value)
    assert f"has 0 of datatoken {shop.data.data_token_address} and needs 1" in said
    seller = shop.seller.address
    assert f"Ask {seller}, the asset's publisher, for 1 more for {buyer.address}:" in said
    assert shop.sent(buyer) == 0, "not even what could be paid"


def test_a_publisher_is_told_how_to_make_tokens(shop, ocean):
    asset = publish_dataset(ocean, shop.network, shop.seller, "2\n", raw=True)

    with pytest.raises(InsufficientBalance, match=r"make 1 more with .*mint_tokens\('0x"):
        ocean.assets.buy(asset.did, shop.seller)


@pytest.mark.parametrize("wrong", ["", [], "did:op:12", None, [7]])
def test_what_is_no_did_is_refused(shop, ocean, wrong):
    with pytest.raises((InvalidInput, TypeError)):
        ocean.assets.buy(wrong, shop.seller)


def test_an_order_below_todays_price_is_not_used(shop, ocean):
    asset = publish_dataset(ocean, shop.network, shop.seller, "3\n", raw=True)
    buyer = shop.buyer(0, 0)
    shop.give(asset, buyer, 3)
    ocean.assets.buy(asset.did, buyer)
    asset.get_service("compute").main["cost"] = 2
    ocean.assets.update(asset, shop.seller)

    (order,) = ocean.assets.buy(asset.did, buyer)

    assert order.amount == 2
    assert len(shop.orders(buyer)) == 2


def test_a_disabled_asset_is_not_paid(shop, ocean):
    asset = publish_dataset(ocean, shop.network, shop.seller, "4\n", raw=True)
    buyer = shop.buyer(1, 0)
    shop.give(asset, buyer, 1)
    asset.disable()
    ocean.assets.update(asset, shop.seller)

    with pytest.raises(AssetNotConsumable):
        ocean.assets.buy([shop.data.did, asset.did], buyer)

    assert shop.sent(buyer) == 0


# --- submit with pay


def test_submit_pays_what_is_missing_and_starts(shop, ocean):
    buyer = shop.buyer()
    allowed = ocean.compute.quote(consumer_wallet=buyer, **shop.job).cost

    job = ocean.compute.submit(consumer_wallet=buyer, pay=True, max_cost=allowed, **shop.job)
    assert ran(job)
    again = ocean.compute.submit(consumer_wallet=buyer, pay=True, **shop.job)

    assert again.order_tx == job.order_tx
    assert shop.sent(buyer) == 2, "an order each, and none for the second job"


@pytest.mark.parametrize("most", [None, {}, {"data": "0.999"}, {"data": 1}])
def test_nothing_above_max_cost_is_sent(shop, ocean, most):
    buyer = shop.buyer()
    limits = most and {shop.data.data_token_address: Decimal(most["data"])}

    with pytest.raises(CostAboveLimit, match="Nothing was sent") as caught:
        ocean.compute.submit(consumer_wallet=buyer, pay=True, max_cost=limits, **shop.job)

    assert shop.sent(buyer) == 0
    told = str(caught.value).partition("max_cost={")[2].partition("}")[0]
    enough = eval("{" + told + "}")  # what it says is what it takes
    assert enough.keys() == caught.value.cost.keys()
    assert ocean.compute.submit(consumer_wallet=buyer, pay=True, max_cost=enough, **shop.job)


def test_a_limit_without_paying_is_a_mistake(shop, ocean):
    with pytest.raises(InvalidInput, match="give both"):
        ocean.compute.submit(
            [ComputeInput(shop.data.did, "0x" + "1" * 64, 4)],
            shop.seller,
            algorithm_meta=raw_code(CODE),
            max_cost={},
        )


def test_without_paying_a_did_is_not_enough(shop, ocean):
    with pytest.raises(InvalidInput, match="pay=True"):
        ocean.compute.submit([shop.data.did], shop.seller, algorithm_meta=raw_code(CODE))


def test_a_job_that_would_be_refused_is_not_paid(shop, ocean):
    buyer = shop.buyer()

    with pytest.raises(WorkflowRefused, match=r"Nothing was paid.*published algorithms only"):
        ocean.compute.submit(
            [shop.data.did],
            buyer,
            algorithm_meta=raw_code(CODE),
            pay=True,
            max_cost={shop.data.data_token_address: 1},
        )

    assert shop.sent(buyer) == 0
