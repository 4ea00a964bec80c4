"""A node that answers nonsense gives one of our errors, and no order is lost by it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.config import Config
from ocean_lib.exceptions import ConnectionBroken, OceanError, TransactionTimeout
from ocean_lib.http.deadline import time_limit
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.util import get_web3
from ocean_lib.web3_internal._node_answers import is_answer
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.transactions import wait_for_receipt
from ocean_lib.web3_internal.wallet import Wallet
from tests.flows import publish_dataset
from tests.wire import Reply, Request, WireServer, as_json

ADDRESS = "0x" + "11" * 20
TX_HASH = "0x" + "22" * 32
COMPUTE = 4
NONSENSE: list[Any] = [None, True, 5.5, "", "x", "0xzz", "0x1" * 9, [], [1], {}, {"status": "0x1"}]


class Between:
    """Stands between a client and its node, and garbles what a test wants garbled."""

    def __init__(self, rpc_url: str = "") -> None:
        self.rpc_url = rpc_url
        self.garble: Callable[[str], bool] = lambda method: True
        self.result: Any = None
        self.server = WireServer(self._reply)

    def _reply(self, request: Request) -> Reply:
        asked = request.json()
        if self.garble(asked["method"]):
            return as_json({"jsonrpc": "2.0", "id": asked["id"], "result": self.result})
        headers = {"Content-Type": "application/json"}
        forwarded = urllib.request.Request(self.rpc_url, request.body, headers)
        with urllib.request.urlopen(forwarded, timeout=20) as answer:
            return as_json(json.load(answer))


@pytest.fixture
def between(network: LocalNetwork) -> Iterator[Between]:
    between = Between(network.rpc_url)
    with between.server:
        yield between


@pytest.mark.parametrize("result", NONSENSE, ids=str)
def test_nonsense_is_no_balance(between: Between, result: Any) -> None:
    between.result = result
    web3 = get_web3(between.server.url)

    with pytest.raises(ConnectionBroken, match=r"answer to eth_\w+ that is none"):
        DataToken(ADDRESS, web3=web3).balanceOf(ADDRESS)
    with pytest.raises(ConnectionBroken), chain_errors("read a balance"):
        web3.eth.get_balance(ADDRESS)  # type: ignore[arg-type]


@pytest.mark.parametrize("result", NONSENSE, ids=str)
def test_a_receipt_of_nonsense_is_waited_for_as_long_as_allowed(
    between: Between, result: Any
) -> None:
    between.result = result
    web3 = get_web3(between.server.url)

    with pytest.raises(TransactionTimeout, match=TX_HASH):
        wait_for_receipt(web3, TX_HASH, operation="order", timeout_s=0.1)


@pytest.fixture(scope="module")
def asset(network: LocalNetwork) -> Asset:
    return publish_dataset(Ocean(network.config), network, network.wallet(0), "1\n", raw=True)


@pytest.mark.parametrize("result", [None, {}], ids=str)
@pytest.mark.parametrize("lies_from", range(11))
def test_whenever_a_node_begins_to_talk_nonsense_an_order_that_was_paid_is_named(
    network: LocalNetwork, between: Between, asset: Asset, lies_from: int, result: Any
) -> None:
    truth = Ocean(network.config).get_data_token(asset.data_token_address)
    truth.mint_tokens(network.wallet(6).address, 1, network.wallet(0))
    before = truth.balanceOf(network.wallet(6).address)
    options = {section: dict(values) for section, values in network.options.items()}
    options["eth-network"]["network"] = between.server.url
    ocean = Ocean(Config(options_dict=options))
    wallet = Wallet(ocean.web3, private_key=network.wallet(6).unsafe_private_key())
    between.result = result
    between.garble = lambda _: len(between.server.requests) > lies_from

    with pytest.raises(OceanError) as caught, time_limit(1):
        ocean.assets.pay_for_service(
            1, asset.data_token_address, str(asset.did), COMPUTE, None, wallet
        )

    is_paid = truth.balanceOf(wallet.address) < before
    is_named = any(len(word) > 64 for word in str(caught.value).replace(".", " ").split())
    assert is_named or not is_paid


def test_what_the_client_never_asks_may_be_answered_in_any_way() -> None:
    assert is_answer("anvil_nodeInfo", 5)
