"""A transaction is sent once, and its fate is told."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.providers.base import JSONBaseProvider

from ocean_lib.exceptions import (
    ChainError,
    ConfigError,
    ConnectFailed,
    ConnectionBroken,
    ContractNotFound,
    InvalidInput,
    NodeBusy,
    RequestTimeout,
    SigningFailed,
    TransactionFailed,
    TransactionTimeout,
)
from ocean_lib.models.data_token import DataToken
from ocean_lib.web3_internal import _sending, transactions
from ocean_lib.web3_internal._node_answers import is_rate_limit
from ocean_lib.web3_internal.node_calls import chain_errors, find_transaction
from ocean_lib.web3_internal.transactions import (
    cancel_or_replace_transaction,
    send_ether,
    send_transaction,
    wait_for_receipt,
)
from ocean_lib.web3_internal.wallet import Wallet

KEY = "0x8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
ADDRESS = "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"
OTHER = "0xA78deb2Fa79463945C247991075E2a0e98Ba7A09"
GWEI = 10**9


class RpcError(Exception):
    """An error answer of the node."""


class Node(JSONBaseProvider):
    """A node in memory; every method can be replaced."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.asked: list[str] = []
        self.mines = True
        self.status = "0x1"
        self.nonce = 7
        self.lock = threading.Lock()
        self.methods = methods

    def make_request(self, method: str, params: Any) -> Any:
        self.asked.append(method)
        handler = self.methods.get(method) or getattr(self, method)
        try:
            return {"jsonrpc": "2.0", "id": 1, "result": handler(*params)}
        except RpcError as error:
            code, message = error.args
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}

    def eth_chainId(self) -> str:
        return hex(8996)

    def eth_gasPrice(self) -> str:
        return hex(10 * GWEI)

    def eth_getTransactionCount(self, *_: Any) -> str:
        return hex(self.nonce)

    def eth_estimateGas(self, *_: Any) -> str:
        return hex(100_000)

    def eth_getCode(self, *_: Any) -> str:
        return "0x60"

    def eth_sendRawTransaction(self, raw: str) -> str:
        data = bytes.fromhex(raw[2:])
        with self.lock:
            nonce = decoded(data)["nonce"]
            if nonce != self.nonce:
                raise RpcError(-32000, f"nonce too {'low' if nonce < self.nonce else 'high'}")
            self.nonce += 1
            self.sent.append(data)
        return "0x" + keccak(data).hex()

    def eth_getTransactionByHash(self, tx_hash: str) -> Any:
        known = any("0x" + keccak(data).hex() == tx_hash for data in self.sent)
        return {"hash": tx_hash, "blockNumber": "0x5"} if known else None

    def eth_getTransactionReceipt(self, tx_hash: str) -> Any:
        if not self.mines or not self.eth_getTransactionByHash(tx_hash):
            return None
        return {
            "transactionHash": tx_hash,
            "status": self.status,
            "blockNumber": "0x5",
            "logs": [],
            "to": OTHER,
        }


def decoded(raw: bytes) -> dict[str, Any]:
    import rlp

    nonce, gas_price, gas, to, value, data, v, *_ = rlp.decode(raw)
    number = lambda item: int.from_bytes(item, "big")  # noqa: E731
    return {
        "nonce": number(nonce),
        "gasPrice": number(gas_price),
        "gas": number(gas),
        "to": "0x" + to.hex(),
        "value": number(value),
        "data": data,
        "chainId": (number(v) - 35) // 2,
    }


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def web3(node: Node) -> Web3:
    return Web3(node)


@pytest.fixture
def wallet(web3: Web3) -> Wallet:
    return Wallet(web3, KEY)


def fail(error: Exception) -> Callable[..., Any]:
    def handler(*_: Any) -> Any:
        raise error

    return handler


def send(web3: Web3, signer: Any, **options: Any) -> Any:
    return send_transaction(web3, signer, {"to": OTHER}, operation="do a thing", **options)


def test_a_transaction_carries_chain_id_nonce_gas_and_fee(node, web3, wallet):
    receipt = send(web3, wallet)

    fields = decoded(node.sent[0])
    assert receipt["status"] == 1
    assert Account.recover_transaction(node.sent[0]) == ADDRESS
    assert (fields["chainId"], fields["nonce"]) == (8996, 7)
    assert (fields["gas"], fields["gasPrice"]) == (120_000, 11 * GWEI)


def test_a_local_account_can_send_too(node, web3):
    send(web3, Account.from_key(KEY))

    assert Account.recover_transaction(node.sent[0]) == ADDRESS


def test_the_gas_limit_is_not_passed(node, web3, wallet):
    send(web3, wallet, gas_limit=110_000)
    with pytest.raises(TransactionFailed, match="needs 100000 gas, the limit is 90000"):
        send(web3, wallet, gas_limit=90_000)

    assert [decoded(raw)["gas"] for raw in node.sent] == [110_000]


def test_the_environment_bounds_the_fee(node, web3, wallet, monkeypatch):
    monkeypatch.setenv("MAX_GAS_PRICE", str(2 * GWEI))
    send(web3, wallet)
    monkeypatch.setenv("GAS_PRICE", "5")
    send(web3, wallet)
    monkeypatch.setenv("GAS_PRICE", "cheap")
    with pytest.raises(ConfigError, match="GAS_PRICE"):
        send(web3, wallet)

    assert [decoded(raw)["gasPrice"] for raw in node.sent] == [2 * GWEI, 5]


@pytest.mark.parametrize("figure", ["eth_gasPrice", "eth_estimateGas"])
def test_a_fee_above_the_limit_is_refused_with_the_amounts(node, web3, wallet, figure):
    node.methods[figure] = lambda *_: hex(8 * 10**14)

    with pytest.raises(TransactionFailed, match=r"ether in fees .* limit is 1 ether") as caught:
        send(web3, wallet)
    with pytest.raises(TransactionFailed, match="limit is 1 ether"):
        wallet.sign_tx({"to": OTHER})
    with pytest.raises(TransactionFailed, match="limit is 1 ether"):
        send_ether(wallet, OTHER, 1)

    fee = {"eth_gasPrice": "105.6 ether", "eth_estimateGas": "10560000 ether"}[figure]
    assert fee in str(caught.value)
    assert node.sent == []


def test_the_limit_of_the_fee_is_an_option_and_holds_exactly(node, web3, wallet, monkeypatch):
    fee_wei = 120_000 * 11 * GWEI
    with pytest.raises(TransactionFailed, match="Nothing was sent"):
        send(web3, wallet, max_fee_wei=fee_wei - 1)
    send(web3, wallet, max_fee_wei=fee_wei)
    monkeypatch.setenv("MAX_TRANSACTION_FEE", "0.00131")
    with pytest.raises(TransactionFailed, match=r"limit is 0\.00131 ether"):
        send(web3, wallet)
    monkeypatch.setenv("MAX_TRANSACTION_FEE", "lots")
    with pytest.raises(ConfigError, match="MAX_TRANSACTION_FEE"):
        send(web3, wallet)

    assert len(node.sent) == 1


def test_fees_of_the_callers_own_are_limited_too(node, web3, wallet):
    with pytest.raises(TransactionFailed, match="limit is 1 ether"):
        cancel_or_replace_transaction(wallet, 7, gas_price=10**15, gas_limit=21_000)

    assert node.sent == []


def test_a_refusal_by_the_contract_says_why_and_sends_nothing(node, web3, wallet):
    node.methods["eth_estimateGas"] = fail(RpcError(3, "execution reverted: invalid minter"))

    with pytest.raises(TransactionFailed, match=r"invalid minter\. Nothing was sent") as caught:
        send(web3, wallet)

    assert caught.value.tx_hash == ""
    assert node.sent == []


def test_a_revert_on_chain_says_why_and_names_the_hash(node, web3, wallet):
    node.status = "0x0"
    node.methods["eth_call"] = fail(RpcError(3, "execution reverted: cap exceeded"))

    with pytest.raises(ValueError, match="cap exceeded") as caught:
        send(web3, wallet)

    assert caught.value.tx_hash == "0x" + keccak(node.sent[0]).hex()


def test_a_revert_without_a_reason_is_told_all_the_same(node, web3, wallet):
    node.status = "0x0"
    node.methods["eth_call"] = fail(requests.ConnectionError())

    with pytest.raises(TransactionFailed, match="gave no reason"):
        send(web3, wallet)


def test_no_receipt_in_time_names_the_hash(node, web3, wallet):
    node.mines = False

    with pytest.raises(TimeoutError, match="may still come") as caught:
        send(web3, wallet, timeout_s=0.05)

    assert caught.value.tx_hash == "0x" + keccak(node.sent[0]).hex()


def test_waiting_outlives_a_node_that_fails_for_a_while(node, web3, wallet, monkeypatch):
    monkeypatch.setattr(transactions, "RECEIPT_POLL_S", 0.001)
    answers = [fail(requests.ConnectionError()), fail(RpcError(-32000, "busy"))]

    def receipt(tx_hash: str) -> Any:
        return answers.pop()() if answers else Node.eth_getTransactionReceipt(node, tx_hash)

    node.methods["eth_getTransactionReceipt"] = receipt

    assert send(web3, wallet)["status"] == 1


def test_a_node_that_never_answers_is_told_at_the_deadline(node, web3):
    node.methods["eth_getTransactionReceipt"] = fail(RpcError(-32000, "busy today"))

    with pytest.raises(TransactionTimeout, match="busy today"):
        wait_for_receipt(web3, "0x" + "ab" * 32, operation="look", timeout_s=0.05)


@pytest.mark.parametrize(
    "lost", [requests.ReadTimeout(), requests.ConnectionError(), requests.HTTPError()]
)
def test_when_the_answer_is_lost_the_transaction_is_looked_for_and_not_sent_again(
    node, web3, wallet, lost, caplog
):
    if isinstance(lost, requests.HTTPError):
        lost.response = requests.Response()
        lost.response.status_code = 502

    def deliver_and_lose(raw: str) -> str:
        Node.eth_sendRawTransaction(node, raw)
        raise lost

    node.methods["eth_sendRawTransaction"] = deliver_and_lose

    receipt = send(web3, wallet)

    assert receipt["status"] == 1
    assert len(node.sent) == 1
    assert node.asked.count("eth_sendRawTransaction") == 1


def test_a_second_answer_about_the_same_transaction_is_not_a_refusal(node, web3, wallet):
    def deliver_and_refuse(raw: str) -> str:
        Node.eth_sendRawTransaction(node, raw)
        raise RpcError(-32000, "already known")

    node.methods["eth_sendRawTransaction"] = deliver_and_refuse

    assert send(web3, wallet)["status"] == 1
    assert len(node.sent) == 1


def test_when_nothing_could_be_sent_that_is_said(node, web3, wallet):
    error = requests.exceptions.ConnectTimeout()
    node.methods["eth_sendRawTransaction"] = fail(error)

    with pytest.raises(ConnectFailed, match="do a thing"):
        send(web3, wallet)


def test_a_nonce_taken_by_another_program_is_renewed(node, web3, wallet):
    counts = [5, 6]
    node.methods["eth_getTransactionCount"] = lambda *_: hex(counts.pop(0) if counts else 7)

    send(web3, wallet)

    assert decoded(node.sent[0])["nonce"] == 7


def test_a_node_that_lags_behind_is_asked_for_the_nonce_again(node, web3, wallet, monkeypatch):
    monkeypatch.setattr(_sending, "NONCE_PAUSE_S", 0.001)
    counts = [6, 6, 6]
    node.methods["eth_getTransactionCount"] = lambda *_: hex(counts.pop() if counts else 7)

    send(web3, wallet)

    assert node.asked.count("eth_sendRawTransaction") == 2
    assert decoded(node.sent[0])["nonce"] == 7


@pytest.mark.parametrize("words", ["replacement transaction underpriced", "nonce too low"])
def test_what_was_refused_is_not_sent_again_unchanged(node, web3, wallet, monkeypatch, words):
    monkeypatch.setattr(_sending, "NONCE_PAUSE_S", 0.0)
    node.methods["eth_sendRawTransaction"] = fail(RpcError(-32000, words))

    with pytest.raises(TransactionFailed, match=f"{words}.*Nothing was sent"):
        send(web3, wallet)

    assert node.asked.count("eth_sendRawTransaction") == 1


class Dear(Node):
    """A node that takes no tip below its minimum, whatever its gas price is."""

    words = "transaction underpriced: gas tip cap {offer}, minimum needed {least}"
    least = 30 * GWEI

    def eth_sendRawTransaction(self, raw: str) -> str:
        offer = decoded(bytes.fromhex(raw[2:]))["gasPrice"]
        if offer < self.least:
            raise RpcError(-32000, self.words.format(offer=offer, least=self.least))
        return super().eth_sendRawTransaction(raw)

    def eth_maxPriorityFeePerGas(self) -> str:
        return hex(self.least)


@pytest.mark.parametrize(
    "words", [Dear.words, "transaction underpriced", "FeeTooLow", "gas price too low"]
)
def test_a_tip_below_the_nodes_minimum_is_raised_to_its_suggestion(words):
    node = Dear()
    node.words = words
    web3 = Web3(node)

    send(web3, Wallet(web3, KEY))

    assert decoded(node.sent[0])["gasPrice"] == 11 * GWEI + Dear.least
    assert node.asked.count("eth_sendRawTransaction") == 2


def test_a_raised_tip_stays_within_the_limit_of_the_fee():
    node = Dear()
    node.least = 10**13
    web3 = Web3(node)

    with pytest.raises(TransactionFailed, match="limit is 1 ether"):
        send(web3, Wallet(web3, KEY))

    assert node.sent == []


@pytest.mark.parametrize("fixed", ["GAS_PRICE", "MAX_GAS_PRICE", "no suggestion", "gasPrice"])
def test_where_no_better_tip_is_known_the_error_says_what_to_set(fixed, monkeypatch):
    node = Dear()
    node.words = "transaction underpriced"
    web3 = Web3(node)
    tx = {"to": OTHER}
    if fixed == "gasPrice":
        tx[fixed] = GWEI
    elif fixed == "no suggestion":
        node.methods["eth_maxPriorityFeePerGas"] = fail(RpcError(-32601, "no such method"))
    else:
        monkeypatch.setenv(fixed, str(GWEI))

    with pytest.raises(TransactionFailed, match=r"Nothing was sent.*GAS_PRICE"):
        send_transaction(web3, Wallet(web3, KEY), tx, operation="do a thing")

    assert node.asked.count("eth_sendRawTransaction") == 1


def test_what_the_node_has_already_is_not_signed_anew_where_another_node_does_not_know_it(
    node, web3, wallet
):
    def deliver_and_refuse(raw: str) -> str:
        Node.eth_sendRawTransaction(node, raw)
        raise RpcError(-32000, "already known")

    node.methods["eth_sendRawTransaction"] = deliver_and_refuse
    node.methods["eth_getTransactionByHash"] = lambda _: None

    assert send(web3, wallet)["status"] == 1
    assert len(node.sent) == 1


def test_where_it_cannot_be_looked_up_a_refused_nonce_is_waited_for(node, web3, wallet):
    def deliver_and_refuse(raw: str) -> str:
        Node.eth_sendRawTransaction(node, raw)
        raise RpcError(-32000, "nonce too low")

    node.methods["eth_sendRawTransaction"] = deliver_and_refuse
    node.methods["eth_getTransactionByHash"] = fail(RpcError(429, "Too Many Requests"))

    assert send(web3, wallet)["status"] == 1
    assert len(node.sent) == 1


def test_a_receipt_of_another_transaction_is_none(node, web3):
    another = {"transactionHash": "0x" + "cd" * 32, "status": "0x1", "blockNumber": "0x5"}
    node.methods["eth_getTransactionReceipt"] = lambda _: {**another, "logs": []}

    with pytest.raises(TransactionTimeout, match="gave another one's"):
        wait_for_receipt(web3, "0x" + "ab" * 32, operation="look", timeout_s=0.05)


def test_another_transaction_is_none(node, web3):
    node.methods["eth_getTransactionByHash"] = lambda _: {"hash": "0x" + "cd" * 32}

    with pytest.raises(ConnectionBroken, match="gave another one's"):
        find_transaction(web3, "0x" + "ab" * 32)


@pytest.mark.parametrize("error", [RpcError(-32005, "rate limited"), RpcError(429, "slow down")])
def test_a_busy_node_is_not_told_as_a_lack_of_ether(node, web3, wallet, error):
    node.methods["eth_sendRawTransaction"] = fail(error)

    with pytest.raises(NodeBusy, match=r"limits the number of requests.*was not sent") as caught:
        send(web3, wallet)

    assert "ether" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words", "limited"),
    [
        (429, "Your app has exceeded its compute units per second capacity", True),
        (-32005, "daily request count exceeded, request rate limited", True),
        (-32007, "15/second request limit reached - reduce calls per second", True),
        (-32012, "credits limited to 6000/sec", True),
        (-32000, '429 Too Many Requests: {"error":{"message":"over rate limit"}}', True),
        (-32005, "query returned more than 10000 results", False),
        (3, "execution reverted: rate limit exceeded", False),
        (-32000, "insufficient funds for gas * price + value", False),
        (-32000, "exceeds block gas limit", False),
    ],
)
def test_limits_are_told_from_other_refusals(code, words, limited):
    assert is_rate_limit({"code": code, "message": words}) is limited


def test_a_nonce_that_is_never_right_ends_with_an_error(node, web3, wallet, monkeypatch):
    monkeypatch.setattr(_sending, "NONCE_PAUSE_S", 0.0)
    node.methods["eth_getTransactionCount"] = lambda *_: hex(5)

    with pytest.raises(TransactionFailed, match="nonce too low"):
        send(web3, wallet)

    assert node.sent == []


def test_another_refusal_of_the_node_is_told_in_its_words_cut_and_cleaned(node, web3, wallet):
    text = "insufficient funds\x1b[31m\n" + "x" * 1000
    node.methods["eth_sendRawTransaction"] = fail(RpcError(-32000, text))

    with pytest.raises(TransactionFailed, match="insufficient funds") as caught:
        send(web3, wallet)

    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_sixteen_threads_with_one_key_use_each_nonce_once(node, web3):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: send(web3, Wallet(web3, KEY)), range(48)))

    assert [decoded(raw)["nonce"] for raw in node.sent] == list(range(7, 55))


def test_a_pending_transaction_is_replaced_under_its_own_nonce(node, wallet):
    cancel_or_replace_transaction(wallet, 7, gas_price=20 * GWEI, gas_limit=21_000)

    fields = decoded(node.sent[0])
    assert (fields["nonce"], fields["gas"], fields["gasPrice"]) == (7, 21_000, 20 * GWEI)
    with pytest.raises(TransactionFailed, match="nonce too low"):
        cancel_or_replace_transaction(wallet, 7)
    assert len(node.sent) == 1


def test_ether_is_sent_exactly(node, wallet):
    send_ether(wallet, OTHER.lower(), Decimal("0.1"))

    assert decoded(node.sent[0])["value"] == 10**17
    assert decoded(node.sent[0])["to"] == OTHER.lower()


class Remote:
    """A signer of the user's own."""

    address = ADDRESS

    def sign_message(self, signable_message: Any) -> Any:
        raise NotImplementedError


def test_a_signer_that_cannot_sign_transactions_is_told_so(web3):
    with pytest.raises(InvalidInput, match="sign_transaction"):
        send(web3, Remote())


@pytest.mark.parametrize("answer", [None, "0x00", fail(RuntimeError(KEY))])
def test_a_signer_that_fails_is_told_without_its_words(web3, answer):
    signer = Remote()
    signer.sign_transaction = answer if callable(answer) else lambda tx: answer

    with pytest.raises(SigningFailed) as caught:
        send(web3, signer)

    assert KEY not in str(caught.value)


@pytest.mark.usefixtures("no_chain")
def test_without_any_chain_a_write_says_so():
    with pytest.raises(ConfigError, match=r"Wallet\(web3"):
        DataToken(OTHER).mint(OTHER, 1, Wallet(None, KEY))


def test_a_contract_without_a_chain_uses_the_wallets(node, wallet):
    tx_hash = DataToken(OTHER).mint(ADDRESS, 1, wallet)

    assert tx_hash == "0x" + keccak(node.sent[0]).hex()
    assert decoded(node.sent[0])["to"] == OTHER.lower()


def test_nothing_is_sent_to_an_address_without_code(node, wallet):
    node.methods["eth_getCode"] = lambda *_: "0x"

    with pytest.raises(ContractNotFound, match="no contract at"):
        DataToken(OTHER).mint(ADDRESS, 1, wallet)

    assert node.sent == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (requests.exceptions.ConnectTimeout("http://node/SECRET"), ConnectFailed),
        (requests.exceptions.ConnectionError("http://node/SECRET reset"), ConnectionBroken),
        (requests.exceptions.ReadTimeout("http://node/SECRET"), RequestTimeout),
        (requests.exceptions.InvalidURL("http://node/SECRET"), ChainError),
        (TimeoutError("SECRET"), RequestTimeout),
        (requests.exceptions.JSONDecodeError("SECRET", "", 0), ConnectionBroken),
    ],
)
def test_failures_below_are_mapped_without_their_words(raised, expected):
    with pytest.raises(expected) as caught, chain_errors("ask"):
        raise raised

    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_programming_errors_are_not_disguised():
    with pytest.raises(KeyError), chain_errors("ask"):
        raise KeyError("x")
    with pytest.raises(ValueError, match="mine"), chain_errors("ask"):
        raise ValueError("mine")


def test_nothing_secret_is_logged_while_sending(node, web3, wallet, caplog):
    caplog.set_level(logging.DEBUG)

    send(web3, wallet)

    assert KEY[2:] not in caplog.text
    assert HexBytes(node.sent[0]).hex() not in "".join(
        r.getMessage() for r in caplog.records if r.name.startswith("ocean_lib")
    )
