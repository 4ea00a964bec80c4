"""Who gets ether on a chain that is not the network's own, from whom, and what if there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from ocean_lib.localnet.chain import RemoteChain, funding
from ocean_lib.localnet.chain.funding import CannotFund, fund

URL = "http://127.0.0.1:8545"
ETHER = 10**18
FEE = 21_000 * 2 * 10**9


class Node:
    """A development node: some of the accounts are its own, and it mines when asked so often."""

    def __init__(self, own: dict[str, int], others: dict[str, int], *, mines_at: int = 1) -> None:
        self.own = list(own)
        self.balances = {who: ether * ETHER for who, ether in {**others, **own}.items()}
        self.payers: list[str] = []
        self.asked: set[str] = set()
        self.receipts = 0
        self._mines_at = mines_at

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        call = json.loads(request.body or "")
        self.asked.add(call["method"])
        result = getattr(self, call["method"])(*call["params"])
        return 200, {}, json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result})

    def eth_accounts(self) -> list[str]:
        return self.own

    def eth_getBalance(self, who: str, block: str) -> str:
        return hex(self.balances[who])

    def eth_sendTransaction(self, transaction: dict[str, str]) -> str:
        sender, wei = transaction["from"], int(transaction["value"], 16)
        assert self.balances[sender] >= wei + FEE
        self.balances[sender] -= wei + FEE
        self.balances[transaction["to"]] += wei
        self.payers.append(sender)
        return f"0x{len(self.payers)}"

    def eth_getTransactionReceipt(self, tx_hash: str) -> dict[str, Any] | None:
        self.receipts += 1
        return {"transactionHash": tx_hash} if self.receipts >= self._mines_at else None


@pytest.fixture
def chain() -> Iterator[RemoteChain]:
    chain = RemoteChain(URL)
    with responses.mock:
        yield chain
    chain.close()


def serve(node: Node) -> Node:
    responses.add_callback(responses.POST, URL, node.answer)
    return node


def test_who_has_little_is_filled_up_and_who_has_enough_is_left_alone(chain: RemoteChain) -> None:
    node = serve(Node({"rich": 1000}, {"empty": 0, "enough": 1}))
    node.balances["little"] = ETHER // 4
    fund(chain, ["empty", "enough", "little"], 100 * ETHER)

    assert {who: node.balances[who] for who in ("empty", "enough", "little")} == {
        "empty": 100 * ETHER,
        "enough": ETHER,
        "little": 100 * ETHER,
    }
    assert len(node.payers) == 2


def test_where_all_have_enough_nobody_is_asked_to_pay(chain: RemoteChain) -> None:
    node = serve(Node({"rich": 1000}, {"one": 1, "two": 5}))
    fund(chain, ["one", "two"], 100 * ETHER)

    assert node.asked == {"eth_getBalance"}


def test_several_accounts_pay_together_what_one_has_not(chain: RemoteChain) -> None:
    node = serve(Node({"a": 120, "b": 250, "c": 130}, dict.fromkeys("vwxy", 0)))
    fund(chain, list("vwxy"), 100 * ETHER)

    assert node.payers == ["b", "b", "c", "a"]
    assert [node.balances[who] for who in "vwxy"] == [100 * ETHER] * 4


def test_too_little_is_told_in_figures_and_nothing_is_sent(chain: RemoteChain) -> None:
    node = serve(Node({"a": 150, "b": 12}, {"x": 0, "y": 0}))
    node.balances["a"] += ETHER // 2
    with pytest.raises(CannotFund) as caught:
        fund(chain, ["x", "y"], 100 * ETHER)

    assert node.payers == []
    assert "200.02 ether is needed, up to 100 ether for each of 2 addresses" in str(caught.value)
    assert "The richest, a, has 150.5 ether, all 2 together 162.5 ether." in str(caught.value)
    assert "send ether to x, y, at least 1 ether each" in str(caught.value)


def test_what_a_transfer_costs_is_reckoned_with(chain: RemoteChain) -> None:
    serve(Node({"only": 100}, {"x": 0}))

    with pytest.raises(CannotFund, match=r"100\.01 ether is needed.* only, has 100 ether\. Give"):
        fund(chain, ["x"], 100 * ETHER)


def test_a_chain_without_accounts_of_its_own_says_who_needs_ether(chain: RemoteChain) -> None:
    serve(Node({}, {"x": 0, "y": 3}))

    with pytest.raises(CannotFund, match=r"no account of its own .* send ether to x, at least 1"):
        fund(chain, ["x", "y"], 100 * ETHER)


def test_it_waits_until_the_transfers_are_mined(chain: RemoteChain) -> None:
    node = serve(Node({"rich": 1000}, {"x": 0}, mines_at=3))
    fund(chain, ["x"], 100 * ETHER)

    assert node.receipts == 3


def test_a_chain_that_does_not_mine_is_named(
    chain: RemoteChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(funding, "_DEADLINE_S", 0.0)
    serve(Node({"rich": 1000}, {"x": 0}, mines_at=9))

    with pytest.raises(CannotFund, match="did not mine a transfer within 0 seconds"):
        fund(chain, ["x"], 100 * ETHER)
