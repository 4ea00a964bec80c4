"""What the chain does where no client usually comes: faults, limits, odd contracts."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account

from ocean_lib.localnet.chain import (
    ChainClient,
    EmbeddedChain,
    RpcError,
    calls,
    engine,
    filters,
    server,
)
from ocean_lib.localnet.chain.calls import revert_reason
from ocean_lib.localnet.chain.server import answer_body
from ocean_lib.localnet.chain.transactions import TransactionError, send_transaction

OWNER = Account.from_key(bytes([1]) * 32)
OTHER = "0x" + "22" * 20
ENDLESS = "5b5f56"  # JUMPDEST, and back to it
CALLS_ITSELF = "5f5f5f5f5f305af100"  # with all the gas it has, again and again
# Fails unless it is left with more than 65535 gas, of which it uses next to nothing.
WANTS_GAS_LEFT = "61ffff5a11600957fe5b00"


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    chain = EmbeddedChain(funded={OWNER.address: 10**20})
    yield chain
    chain.close()


def deploy(chain: EmbeddedChain, code: str) -> str:
    size = len(code) // 2
    # PUSH the length, copy what lies behind these 10 bytes, return it
    init = f"60{size:02x}80600a5f395ff3" + "00" + code
    receipt = send_transaction(chain, OWNER.key, None, "0x" + init)
    assert chain.call("eth_getCode", receipt["contractAddress"], "latest") == "0x" + code
    return str(receipt["contractAddress"])


@pytest.mark.slow
def test_a_contract_that_calls_itself_ends_without_ending_the_process(chain: EmbeddedChain) -> None:
    address = deploy(chain, CALLS_ITSELF)
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(chain.call("eth_call", {"to": address}))
        except RpcError as error:
            answers.append(str(error))

    # In a thread, as a server would: its stack is the smaller one.
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    # Python 3.12 counts what recurses in C by itself, and ends after about 490 of the 529 calls.
    end = "contracts call each other deeper" if sys.version_info[:2] == (3, 12) else "0x"
    assert [answer[: len(end)] for answer in answers] == [end]


def test_calls_deeper_than_the_interpreter_are_refused_and_nothing_is_mined(
    chain: EmbeddedChain,
) -> None:
    address = deploy(chain, CALLS_ITSELF)
    number = chain.call("eth_blockNumber")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(700)
    try:
        with pytest.raises(RpcError, match="deeper than this chain can follow"):
            chain.call("eth_call", {"to": address})
        with pytest.raises(RpcError, match="deeper than this chain can follow"):
            send_transaction(chain, OWNER.key, address, gas=1_000_000)
    finally:
        sys.setrecursionlimit(limit)

    assert chain.call("eth_blockNumber") == number
    assert send_transaction(chain, OWNER.key, OTHER, value=1)["status"] == "0x1"


@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
@pytest.mark.parametrize("data", [ENDLESS, CALLS_ITSELF])
def test_a_call_without_end_is_ended(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch, method: str, data: str
) -> None:
    monkeypatch.setattr(calls, "CALL_CPU_S", 0.02)
    to = {"to": deploy(chain, data)}
    began_s = time.thread_time()

    with pytest.raises(RpcError, match="execution aborted"):
        chain.call(method, {**to, "gas": "0xffffffff"})

    assert time.thread_time() - began_s < 1
    assert chain.call("eth_call", {"data": "0x5f5ff3"}) == "0x", "and the next one is answered"


def test_a_transaction_without_end_is_refused_and_nothing_is_mined(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = deploy(chain, ENDLESS)
    number = chain.call("eth_blockNumber")
    monkeypatch.setattr(engine, "TRANSACTION_CPU_S", 0.02)

    with pytest.raises(RpcError, match="execution aborted"):
        send_transaction(chain, OWNER.key, address, gas=30_000_000)

    assert chain.call("eth_blockNumber") == number
    assert send_transaction(chain, OWNER.key, OTHER, value=1)["status"] == "0x1"


def test_the_calls_of_a_batch_share_their_time(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BATCH_CPU_S", 0.02)
    endless = {"id": 1, "method": "eth_call", "params": [{"data": "0x" + ENDLESS}]}
    began_s = time.thread_time()

    body = json.dumps([endless] * 20).encode()

    answers = answer_body(lambda method, params: chain.call(method, *params), body)

    assert isinstance(answers, list)
    assert all("execution aborted" in answer["error"]["message"] for answer in answers)
    assert time.thread_time() - began_s < 1


def test_an_eth_call_has_a_bounded_gas(chain: EmbeddedChain) -> None:
    told = {"data": "0x5a5f5260205ff3", "gas": "0xffffffff"}  # GAS, returned

    assert 9_900_000 < int(chain.call("eth_call", told), 16) < 10_000_000


@pytest.mark.parametrize(
    ("contract", "data"),
    [("08", "00" * 192 * 4), ("09", (10_000).to_bytes(4, "big").hex() + "00" * 208 + "01")],
)
def test_what_cannot_be_interrupted_takes_a_bounded_input(
    chain: EmbeddedChain, contract: str, data: str
) -> None:
    to = "0x" + contract.rjust(40, "0")
    longer = {"08": data + "00" * 192, "09": "ffffffff" + data[8:]}[contract]

    assert len(chain.call("eth_call", {"to": to, "data": "0x" + data})) > 2
    with pytest.raises(RpcError, match="in one call"):
        chain.call("eth_call", {"to": to, "data": "0x" + longer})


def test_an_estimate_covers_a_contract_that_wants_gas_left_over(chain: EmbeddedChain) -> None:
    address = deploy(chain, WANTS_GAS_LEFT)

    receipt = send_transaction(chain, OWNER.key, address)

    estimate = int(chain.call("eth_estimateGas", {"to": address}), 16)
    assert receipt["status"] == "0x1"
    assert 21_000 + 0xFFFF < estimate < (21_000 + 0xFFFF) * 1.03


def test_an_estimate_takes_an_access_list_into_account(chain: EmbeddedChain) -> None:
    entry = {"address": OTHER, "storageKeys": ["0x" + "00" * 32]}

    estimate = chain.call("eth_estimateGas", {"to": OTHER, "accessList": [entry]})

    assert int(estimate, 16) == 21_000 + 2_400 + 1_900  # EIP-2930


def test_an_estimate_at_a_price_stays_within_what_the_sender_has(chain: EmbeddedChain) -> None:
    endless = {"from": OWNER.address, "data": "0x5b5f56", "gasPrice": hex(10**20 // 60_000)}

    with pytest.raises(RpcError, match=r"gas required exceeds allowance \(60000\)"):
        chain.call("eth_estimateGas", endless)


def test_an_old_block_is_seen_with_its_own_time(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    genesis = chain.call("eth_getBlockByNumber", "0x0", False)
    now = int(genesis["timestamp"], 16) + 1_000
    monkeypatch.setattr("ocean_lib.localnet.chain.engine.time.time", lambda: now + 0.5)
    chain.call("evm_mine")
    asks_time = {"data": "0x425f5260205ff3"}  # TIMESTAMP, returned

    answers = [int(chain.call("eth_call", asks_time, block), 16) for block in ("0x0", "latest")]

    assert answers == [int(genesis["timestamp"], 16), now]


def test_time_never_runs_backwards_even_if_the_clock_does(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    genesis = chain.call("eth_getBlockByNumber", "0x0", False)
    monkeypatch.setattr("ocean_lib.localnet.chain.engine.time.time", lambda: 1.0)

    chain.call("evm_mine")

    block = chain.call("eth_getBlockByNumber", "latest", True)
    assert block["timestamp"] == genesis["timestamp"]
    assert (block["number"], block["transactions"]) == ("0x1", [])
    assert chain.call("eth_getBlockReceipts", "0x1") == []
    assert chain.call("eth_getBlockReceipts", "0x2") is None
    with pytest.raises(RpcError, match="keeps the real time"):
        chain.call("evm_mine", 5)
    assert chain.call("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x0") is None
    assert chain.call("eth_feeHistory", "0x1", "latest", [50])["reward"] == [["0x0"]]


def test_a_block_that_cannot_be_kept_leaves_the_chain_as_it_was(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = chain.call("eth_getBlockByNumber", "latest", False)

    def disk_full(*_: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("ocean_lib.localnet.chain.store.ChainStore.write_block", disk_full)
        with pytest.raises(OSError, match="no space left"):
            send_transaction(chain, OWNER.key, OTHER, value=1)

    assert chain.call("eth_getBlockByNumber", "latest", False) == before
    assert chain.call("eth_getTransactionCount", OWNER.address, "pending") == "0x0"
    assert send_transaction(chain, OWNER.key, OTHER, value=1)["blockNumber"] == "0x1"


def test_a_filter_nobody_polls_is_forgotten_and_their_number_is_bounded(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "_MAX_FILTERS", 2)
    old, _ = chain.call("eth_newBlockFilter"), chain.call("eth_newBlockFilter")
    with pytest.raises(RpcError, match="too many filters"):
        chain.call("eth_newBlockFilter")

    monkeypatch.setattr(filters, "_IDLE_S", -1.0)
    new = chain.call("eth_newBlockFilter")

    assert chain.call("eth_getFilterChanges", new) == []
    with pytest.raises(RpcError, match="filter not found"):
        chain.call("eth_getFilterChanges", old)


def test_a_filter_keeps_to_the_blocks_it_was_made_for(chain: EmbeddedChain) -> None:
    emits = deploy(chain, "5f5fa000")  # LOG0 of nothing
    until_3 = chain.call("eth_newFilter", {"fromBlock": "0x3", "toBlock": "0x3"})

    for _ in range(3):
        send_transaction(chain, OWNER.key, emits)

    changes = chain.call("eth_getFilterChanges", until_3)
    assert [log["blockNumber"] for log in changes] == ["0x3"]
    assert chain.call("eth_getFilterLogs", until_3) == changes


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", ""),
        ("08c379a0" + "00" * 31 + "20" + "00" * 31 + "02" + "6869" + "00" * 30, "hi"),
        ("08c379a0" + "00" * 31 + "20" + "ff" * 32 + "6869", ""),
        ("08c379a0" + "ff" * 64, ""),
        ("08c379a0", ""),
        ("4e487b71" + "00" * 31 + "11", "panic code 0x11"),
        ("deadbeef" + "00" * 32, ""),
    ],
)
def test_a_revert_reason_is_read_where_there_is_one(output: str, reason: str) -> None:
    assert revert_reason(bytes.fromhex(output)) == reason


class Slow(ChainClient):
    """A chain that takes transactions but mines none, and knows no EIP-1559."""

    def call(self, method: str, *params: Any) -> Any:
        """Answer as such a chain."""
        answers = {"eth_getBlockByNumber": {}, "eth_getTransactionReceipt": None}
        return answers.get(method, "0x" + "11" * 32 if "send" in method else "0x1")


def test_waiting_for_a_transaction_ends_at_its_deadline() -> None:
    with pytest.raises(
        TransactionError, match=r"not mined within 0\.05 s.*before sending"
    ) as caught:
        send_transaction(Slow(), OWNER.key, OTHER, timeout_s=0.05)

    assert caught.value.tx_hash == "0x" + "11" * 32
