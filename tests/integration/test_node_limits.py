"""Nodes as there are: with limits on requests, behind gateways that answer for others."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from web3 import Web3

from ocean_lib.assets.asset import Asset
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    ChainError,
    ConfigError,
    ConnectionBroken,
    NodeBusy,
    TransactionFailed,
)
from ocean_lib.http.deadline import time_limit
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.util import get_web3
from ocean_lib.web3_internal.node import NodeProvider
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.wallet import Wallet
from tests.flows import publish_dataset
from tests.wire import Reply, Request, WireServer, answer, as_json, html

SEND = "eth_sendRawTransaction"
ADDRESS = "0x" + "11" * 20
COMPUTE = 4


class Gateway:
    """Stands before the network's node; `reply` may answer in its place."""

    def __init__(self, rpc_url: str) -> None:
        self.rpc_url = rpc_url
        self.reply: Callable[[Any], Reply | None] = lambda asked: None
        self.server = WireServer(self._route)

    def _route(self, request: Request) -> Reply:
        return self.reply(request.json()) or self.forwarded(request.body)

    def forwarded(self, body: bytes) -> Reply:
        forwarded = urllib.request.Request(self.rpc_url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(forwarded, timeout=20) as reply:
            return as_json(json.load(reply))

    def asked(self) -> Counter[str]:
        return Counter(request.json()["method"] for request in self.server.requests)

    def bodies(self, method: str) -> list[bytes]:
        return [r.body for r in self.server.requests if r.json()["method"] == method]

    def options(self, network: LocalNetwork) -> dict[str, dict[str, Any]]:
        options = {section: dict(values) for section, values in network.options.items()}
        options["eth-network"]["network"] = self.server.url
        return options


@pytest.fixture
def gateway(network: LocalNetwork, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr("ocean_lib.web3_internal.node.RPC_BACKOFF_S", 0.001)
    gateway = Gateway(network.rpc_url)
    with gateway.server:
        yield gateway


@pytest.fixture(scope="module")
def asset(network: LocalNetwork) -> Asset:
    return publish_dataset(Ocean(network.config), network, network.wallet(0), "1\n", raw=True)


def an_error(code: int, message: str, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message, **more}}


INFURA = {"rate": {"allowed_rps": 10, "backoff_seconds": 0.001, "current_rps": 16}}
LIMITED: dict[str, Callable[[Any], Reply]] = {
    "HTTP 429": lambda _: html(429),
    "HTTP 429 with Retry-After": lambda _: answer(429, "slow down", Retry_After="0"),
    "HTTP 429 with an error": lambda asked: as_json(
        {**an_error(-32005, "project ID request rate exceeded", data=INFURA), "id": asked["id"]},
        429,
    ),
    "-32005": lambda asked: as_json({**an_error(-32005, "limit exceeded"), "id": asked["id"]}),
    "429 without an id": lambda _: as_json(
        an_error(429, "Your app has exceeded its compute units per second capacity.")
    ),
    "no JSON-RPC": lambda _: as_json({"error": "Too Many Requests"}),
}


def first(times: int, method: str, reply: Callable[[Any], Reply]) -> Callable[[Any], Reply | None]:
    left = [times]

    def replies(asked: Any) -> Reply | None:
        if asked["method"] != method or not left[0]:
            return None
        left[0] -= 1
        return reply(asked)

    return replies


@pytest.mark.parametrize("how", LIMITED)
def test_a_read_that_came_too_soon_is_asked_again(
    gateway: Gateway, network: LocalNetwork, asset: Asset, how: str
) -> None:
    gateway.reply = first(2, "eth_call", LIMITED[how])
    token = DataToken(asset.data_token_address, web3=get_web3(gateway.server.url))

    assert token.balanceOf(ADDRESS) == 0

    assert len(gateway.bodies("eth_call")) == 3
    assert len(set(gateway.bodies("eth_call"))) == 1


@pytest.mark.parametrize("how", LIMITED)
def test_a_transaction_that_came_too_soon_is_sent_again_byte_for_byte(
    gateway: Gateway, network: LocalNetwork, asset: Asset, how: str
) -> None:
    gateway.reply = first(3, SEND, LIMITED[how])
    token = DataToken(asset.data_token_address, web3=get_web3(gateway.server.url))
    minter = network.wallet(0)
    before = token.balanceOf(ADDRESS), token.web3.eth.get_transaction_count(minter.address)  # type: ignore[arg-type]

    token.mint(ADDRESS, 5, minter)

    assert len(gateway.bodies(SEND)) == 4
    assert len(set(gateway.bodies(SEND))) == 1
    after = token.balanceOf(ADDRESS), token.web3.eth.get_transaction_count(minter.address)  # type: ignore[arg-type]
    assert after == (before[0] + 5, before[1] + 1)


@pytest.mark.parametrize("how", LIMITED)
@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas", SEND])
def test_a_node_that_stays_busy_is_told_as_such(
    gateway: Gateway, network: LocalNetwork, asset: Asset, how: str, method: str
) -> None:
    gateway.reply = first(100, method, LIMITED[how])
    token = DataToken(asset.data_token_address, web3=get_web3(gateway.server.url))
    count = token.web3.eth.get_transaction_count

    before = count(network.wallet(0).address)  # type: ignore[arg-type]
    with pytest.raises(NodeBusy, match="limits the number of requests") as caught:
        token.balanceOf(ADDRESS) if method == "eth_call" else token.mint(
            ADDRESS, 5, network.wallet(0)
        )

    assert gateway.asked()[method] == 6
    assert "ether" not in str(caught.value)
    assert count(network.wallet(0).address) == before  # type: ignore[arg-type]


NOON = "Wed, 21 Oct 2026 12:00:00 GMT"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("later", ["3600", "Wed, 21 Oct 2026 13:00:00 GMT"])
def test_a_node_that_wants_more_time_than_there_is_is_not_waited_for(
    gateway: Gateway, status: int, later: str
) -> None:
    gateway.reply = lambda _: answer(status, "later", Retry_After=later, Date=NOON)
    began_s = time.monotonic()

    expected = NodeBusy if status == 429 else ConnectionBroken
    with pytest.raises(expected), time_limit(30):
        DataToken(ADDRESS, web3=get_web3(gateway.server.url)).balanceOf(ADDRESS)

    assert len(gateway.server.requests) == 1
    assert time.monotonic() - began_s < 15


def test_logs_that_are_too_many_are_not_asked_for_again(gateway: Gateway, asset: Asset) -> None:
    words = "query returned more than 10000 results. Try with this block range [0x1, 0x2]."
    gateway.reply = first(9, "eth_getLogs", lambda _: as_json(an_error(-32005, words)))
    token = DataToken(asset.data_token_address, web3=get_web3(gateway.server.url))

    with pytest.raises(ChainError, match="10000 results") as caught:
        token.get_event_logs("Transfer")

    assert not isinstance(caught.value, NodeBusy)
    assert gateway.asked()["eth_getLogs"] == 1


def test_what_a_contract_says_of_limits_is_its_own(gateway: Gateway, asset: Asset) -> None:
    words = "execution reverted: rate limit exceeded"
    gateway.reply = first(9, "eth_call", lambda _: as_json(an_error(3, words, data="0x")))

    with pytest.raises(TransactionFailed, match="rate limit exceeded"):
        DataToken(asset.data_token_address, web3=get_web3(gateway.server.url)).balanceOf(ADDRESS)

    assert gateway.asked()["eth_call"] == 1


def test_the_nodes_words_are_told_whatever_the_http_status(gateway: Gateway, asset: Asset) -> None:
    gateway.reply = first(
        9, "eth_call", lambda asked: as_json({**an_error(-32000, "no such method here")}, 400)
    )

    with pytest.raises(ChainError, match="no such method here"):
        DataToken(asset.data_token_address, web3=get_web3(gateway.server.url)).balanceOf(ADDRESS)


def test_what_a_gateway_says_of_a_transaction_is_no_refusal(
    gateway: Gateway, network: LocalNetwork, asset: Asset
) -> None:
    def deliver_and_lose(asked: Any) -> Reply:
        gateway.forwarded(json.dumps(asked).encode())
        return as_json(an_error(-32603, "upstream is away"), 502)

    gateway.reply = first(1, SEND, deliver_and_lose)
    token = DataToken(asset.data_token_address, web3=get_web3(gateway.server.url))
    before = token.balanceOf(ADDRESS)

    token.mint(ADDRESS, 5, network.wallet(0))

    assert token.balanceOf(ADDRESS) == before + 5
    assert gateway.asked()[SEND] == 1


# --- the chain's id


def test_paying_asks_for_the_chain_id_once(
    gateway: Gateway, network: LocalNetwork, asset: Asset
) -> None:
    token = Ocean(network.config).get_data_token(asset.data_token_address)
    token.mint_tokens(network.wallet(6).address, 1, network.wallet(0))
    ocean = Ocean(Config(options_dict=gateway.options(network)))

    ocean.assets.pay_for_service(
        1, asset.data_token_address, str(asset.did), COMPUTE, None, network.wallet(6)
    )

    assert gateway.asked()["eth_chainId"] == 1
    assert gateway.asked()[SEND] == 1


@pytest.mark.parametrize("own_web3", [False, True])
def test_a_node_of_another_chain_is_refused_before_anything_else_is_asked(
    gateway: Gateway, network: LocalNetwork, asset: Asset, own_web3: bool
) -> None:
    options = gateway.options(network)
    options["eth-network"]["chain_id"] = 137
    web3 = Web3(Web3.HTTPProvider(gateway.server.url)) if own_web3 else None
    ocean = Ocean(Config(options_dict=options), web3)

    for act in (
        lambda: ocean.get_data_token(asset.data_token_address).totalSupply(),
        lambda: ocean.create_data_token("n", "s", network.wallet(0)),
        lambda: ocean.assets.pay_for_service(
            1, asset.data_token_address, str(asset.did), COMPUTE, None, network.wallet(6)
        ),
    ):
        with pytest.raises(ConfigError, match=r"of chain 8996.*is 137"):
            act()

    assert set(gateway.asked()) == {"eth_chainId"}


def test_a_node_of_the_configured_chain_is_used(gateway: Gateway, network: LocalNetwork) -> None:
    options = gateway.options(network)
    options["eth-network"]["chain_id"] = 8996

    assert Ocean(Config(options_dict=options)).web3.eth.block_number > 0
    assert gateway.asked()["eth_chainId"] == 1


def test_a_node_that_does_not_tell_its_chain_is_not_used(
    gateway: Gateway, network: LocalNetwork
) -> None:
    web3 = get_web3(gateway.server.url, chain_id=8996)
    gateway.reply = first(9, "eth_chainId", lambda _: as_json(an_error(-32601, "no such method")))

    with pytest.raises(ChainError, match="no such method"), chain_errors("look"):
        assert web3.eth.block_number

    assert set(gateway.asked()) == {"eth_chainId"}


# --- answers to something else


def said(request_id: Any, result: str = "0x7") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


OTHERS: dict[str, Callable[[Any], Any]] = {
    "another id": lambda n: said(n + 1),
    "the id as text": lambda n: said(str(n)),
    "the id as a fraction": lambda n: said(n + 0.5),
    "no id": lambda n: {"jsonrpc": "2.0", "result": "0x7"},
    "null": lambda n: said(None),
    "true": lambda n: said(True),
    "another's error": lambda n: {**an_error(-32000, "no"), "id": n + 1},
    "two answers": lambda n: [said(n), said(n, "0x8")],
    "one in a list": lambda n: [said(n)],
    "neither": lambda n: {"jsonrpc": "2.0", "id": n},
}


@pytest.mark.parametrize("how", OTHERS)
def test_an_answer_carries_the_requests_own_id_and_is_alone(gateway: Gateway, how: str) -> None:
    gateway.reply = lambda asked: as_json(OTHERS[how](asked["id"]))

    with pytest.raises(ConnectionBroken, match="one JSON-RPC answer"), chain_errors("look"):
        get_web3(gateway.server.url).eth.get_balance(ADDRESS)  # type: ignore[arg-type]


def test_an_answer_with_two_results_is_none(gateway: Gateway) -> None:
    gateway.reply = lambda asked: answer(
        200, f'{{"jsonrpc":"2.0","id":{asked["id"]},"result":"0x7","result":"0x8"}}'
    )

    with pytest.raises(ConnectionBroken, match="no JSON"), chain_errors("look"):
        get_web3(gateway.server.url).eth.get_balance(ADDRESS)  # type: ignore[arg-type]


BATCHES: dict[str, Callable[[list[int]], Any]] = {
    "one id twice": lambda ids: [said(ids[0], "0x1"), said(ids[0], "0x2")],
    "one too many": lambda ids: [said(i, "0x1") for i in [*ids, ids[0]]],
    "one missing": lambda ids: [said(ids[0], "0x1")],
    "others' ids": lambda ids: [said(i + 9, "0x1") for i in ids],
    "no answers": lambda ids: ["0x1", "0x2"],
    "nonsense": lambda ids: [said(ids[0], "0x1"), said(ids[1], "x")],
}


def ask_two(gateway: Gateway) -> Any:
    provider = NodeProvider(gateway.server.url)
    return provider.make_batch_request(
        [("eth_blockNumber", []), ("eth_getBalance", [ADDRESS, "latest"])]
    )


@pytest.mark.parametrize("how", BATCHES)
def test_the_answers_of_a_batch_are_those_asked_for(gateway: Gateway, how: str) -> None:
    gateway.reply = lambda asked: as_json(BATCHES[how]([one["id"] for one in asked]))

    with pytest.raises(ConnectionBroken):
        ask_two(gateway)


def test_the_answers_of_a_batch_are_put_in_order(gateway: Gateway) -> None:
    gateway.reply = lambda asked: as_json(
        [said(one["id"], hex(number)) for number, one in enumerate(asked)][::-1]
    )

    assert [one["result"] for one in ask_two(gateway)] == ["0x0", "0x1"]


def test_a_batch_that_came_too_soon_is_asked_again(gateway: Gateway) -> None:
    replies = [html(429), as_json(an_error(-32005, "limit exceeded"))]
    gateway.reply = lambda asked: replies.pop() if replies else None

    assert len(ask_two(gateway)) == 2
    assert len(gateway.server.requests) == 3


# --- answers without end


@pytest.mark.parametrize("body", [b'{"jsonrpc":"2.0","id":0,"result":"', b"[" * 10**6])
def test_an_answer_without_end_is_not_read_to_its_end(gateway: Gateway, body: bytes) -> None:
    sent = [0]

    def endless(exchange: Any) -> None:
        exchange.keep_alive = False
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
        while not exchange.over.is_set() and sent[0] < 10**9:
            exchange.send(b"0" * 65536)
            sent[0] += 65536

    gateway.reply = lambda _: endless
    web3 = get_web3(gateway.server.url, max_answer_bytes=10**6)

    with pytest.raises(ConnectionBroken, match="more than 1000000 bytes"), chain_errors("look"):
        assert web3.eth.block_number

    assert len(gateway.server.requests) == 1


def test_the_configured_size_of_an_answer_holds_for_the_node(
    gateway: Gateway, network: LocalNetwork
) -> None:
    options = gateway.options(network)
    options["resources"]["answer.max_bytes"] = 1000
    gateway.reply = lambda asked: as_json(said(asked["id"], "0x" + "00" * 600))

    with pytest.raises(ConnectionBroken, match=r"more than 1000 bytes.*answer\.max_bytes"):
        Ocean(Config(options_dict=options)).get_data_token(ADDRESS).totalSupply()


def test_a_transaction_whose_answer_has_no_end_is_not_sent_again(
    gateway: Gateway, network: LocalNetwork, asset: Asset
) -> None:
    web3 = get_web3(gateway.server.url, max_answer_bytes=10**5)
    gateway.reply = first(9, SEND, lambda asked: _delivered(gateway, asked))
    token = DataToken(asset.data_token_address, web3=web3)
    before = token.balanceOf(ADDRESS)

    token.mint(ADDRESS, 5, Wallet(web3, network.wallet(0).unsafe_private_key()))

    assert token.balanceOf(ADDRESS) == before + 5
    assert gateway.asked()[SEND] == 1


def _delivered(gateway: Gateway, asked: Any) -> Reply:
    gateway.forwarded(json.dumps(asked).encode())
    return answer(200, b" " * 10**6)
