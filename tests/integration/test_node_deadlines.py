"""Calls to the chain's node end in time, whatever the node does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ocean_lib.exceptions import ConnectFailed, RequestTimeout, TransactionTimeout
from ocean_lib.http.deadline import time_limit
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.util import get_web3
from ocean_lib.web3_internal.transactions import wait_for_receipt
from tests.wire import Reply, Request, WireServer, as_json, drip, reset, silence

ADDRESS = "0x" + "11" * 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
SLOW = {"silence": silence, "drip": drip(HEAD, b" "), "drip in the head": drip(b"HTTP/1.1 2", b"0")}


class Node:
    """A node that does one thing."""

    def __init__(self) -> None:
        self.reply: Callable[[Request], Reply] = lambda _: silence
        self.server = WireServer(lambda request: self.reply(request))

    def token(self) -> DataToken:
        return DataToken(ADDRESS, web3=get_web3(self.server.url))


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    with node.server:
        yield node


@pytest.mark.parametrize("how", SLOW)
def test_a_time_limit_holds_for_the_node_too(node: Node, how: str) -> None:
    node.reply = lambda _: SLOW[how]
    token = node.token()

    with pytest.raises(RequestTimeout), time_limit(0.4):
        token.balanceOf(ADDRESS)

    assert len(node.server.requests) == 1, "what took too long is not asked again"


def test_a_call_without_a_limit_has_one_of_its_own(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocean_lib.web3_internal.node.RPC_TOTAL_TIMEOUT_S", 0.4)
    node.reply = lambda _: drip(HEAD, b" ")

    with pytest.raises(RequestTimeout):
        node.token().balanceOf(ADDRESS)


def test_reads_are_tried_again_when_the_connection_breaks(node: Node) -> None:
    node.reply = lambda _: reset
    token = node.token()

    with pytest.raises(ConnectionError), time_limit(10):
        token.balanceOf(ADDRESS)

    assert len(node.server.requests) == 3


def test_what_there_is_no_time_for_is_not_sent(node: Node) -> None:
    token = node.token()

    with pytest.raises(ConnectFailed, match="nothing was sent"), time_limit(0.01) as deadline:
        deadline.pause(1)
        token.balanceOf(ADDRESS)

    assert node.server.requests == []


def test_waiting_for_a_transaction_ends_with_the_time_limit_and_names_it(node: Node) -> None:
    tx_hash = "0x" + "22" * 32
    node.reply = lambda request: as_json(
        {"jsonrpc": "2.0", "id": request.json()["id"], "result": None}
    )
    web3 = get_web3(node.server.url)

    with pytest.raises(TransactionTimeout, match=tx_hash), time_limit(0.3):
        wait_for_receipt(web3, tx_hash, operation="order", timeout_s=3600)
