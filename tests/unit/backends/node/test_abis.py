"""The ABIs and addresses of a node's contracts, and the calls made with them, byte for byte."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from web3 import Web3

from ocean_lib.backends.node.abis import ADDRESS_FILE, FOLDER
from ocean_lib.backends.node.addresses import AddressBook
from ocean_lib.backends.node.escrow import EscrowContract
from ocean_lib.backends.node.orders import Datatoken, ProviderFee
from ocean_lib.backends.node.tokens import Token
from ocean_lib.exceptions import ConfigError, MalformedResponse
from ocean_lib.web3_internal.contract_base import ContractBase

VECTORS = Path(__file__).parents[3] / "vectors" / "ocean-node"
RECORDED = json.loads((VECTORS / "47-chain-calls.json").read_text("utf-8"))
CALLS = [call for call in RECORDED["calls"] if "function" in call]
SOURCES = {"ERC20": "MockERC20Decimals"}
NAMES = sorted(path.stem for path in FOLDER.glob("*.json") if path != ADDRESS_FILE)
KINDS: dict[str, type[ContractBase]] = {
    "mint": Datatoken,
    "startOrder": Datatoken,
    "approve": Token,
    "deposit": EscrowContract,
    "authorize": EscrowContract,
}
PAYER, TOKEN, PAYEE = ("0x" + digit * 40 for digit in "123")


def theirs(name: str) -> dict[str, Any]:
    text = resources.files("artifacts").joinpath(f"{SOURCES.get(name, name)}.json")
    return json.loads(text.read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_each_entry_is_that_of_ocean_contracts(name):
    own = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))

    assert own["abi"]
    assert own.keys() == {"contractName", "abi"}
    assert [entry for entry in own["abi"] if entry not in theirs(name)["abi"]] == []


def test_the_addresses_are_those_of_ocean_contracts():
    text = resources.files("addresses").joinpath("address.json").read_text("utf-8")

    assert json.loads(ADDRESS_FILE.read_text("utf-8")) == json.loads(text)


def as_argument(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(as_argument, value))
    if isinstance(value, str) and not value.startswith("0x"):
        return int(value)
    if isinstance(value, str) and len(value) != 42:
        return bytes.fromhex(value[2:])
    return value


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call["what"][:40])
def test_a_call_is_the_recorded_one_byte_for_byte(call):
    name = call["function"].removeprefix("function ").partition("(")[0]
    contract = KINDS[name](call["to"], web3=Web3())

    assert contract._encode(contract.web3, name, as_argument(call["args"])) == call["data"]


def test_every_recorded_function_is_compared():
    names = {call["function"].removeprefix("function ").partition("(")[0] for call in CALLS}

    assert names == KINDS.keys()


def test_a_fee_is_the_recorded_argument():
    (call,) = [one for one in CALLS if "orders data" in one["what"]]
    consumer, index, given, market = as_argument(call["args"])
    fee = ProviderFee(*given)

    data = Datatoken(call["to"], web3=Web3())._encode(
        Web3(), "startOrder", (consumer, index, fee.as_argument, market)
    )

    assert data == call["data"]


class Chain:
    """A web3 whose contract answers a call with these bytes."""

    def __init__(self, answer: bytes, chain_id: int = 8996) -> None:
        self.eth = Web3().eth
        self.eth.call = lambda _call: answer  # type: ignore[method-assign,assignment]
        self.chain_id = chain_id


LOCK = "(uint256,address,uint256,uint256,address{})[]"
ROWS = [(2**255 + 5, PAYER, 7, 1_800_000_000, TOKEN), (6, PAYER, 0, 1, TOKEN)]


@pytest.mark.parametrize("more", ["", ",uint256", ",uint256,uint256"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_locks_of_every_version_of_the_escrow_are_understood(more, count):
    rows = [(*row, *([1_700_000_000] * more.count(","))) for row in ROWS[:count]]
    answer = encode([LOCK.format(more)], [rows])
    escrow = EscrowContract(TOKEN, web3=Chain(answer))

    found = escrow.locks(PAYER, TOKEN, PAYEE)

    assert [(one.job_number, one.payer, one.amount, one.expires_s, one.token) for one in found] == (
        ROWS[:count]
    )
    assert all(one.payee == PAYEE for one in found)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\1" * 31,
        encode(["uint256"], [1]),
        encode([LOCK.format("")], [ROWS])[:-1],
        encode([LOCK.format("")], [ROWS])[:-32],
        encode(["uint256[]"], [[1, 2]]),
        encode(["uint256", "uint256"], [32, 2**200]),
    ],
)
def test_what_is_no_list_of_locks_is_an_error(answer):
    with pytest.raises(MalformedResponse, match="getLocks"):
        EscrowContract(TOKEN, web3=Chain(answer)).locks(PAYER, TOKEN, PAYEE)


class OfChain:
    """A web3 that knows its chain's id."""

    def __init__(self, chain_id: int) -> None:
        self.eth = self
        self.chain_id = chain_id


MAINNET_ESCROW = json.loads(ADDRESS_FILE.read_text("utf-8"))["mainnet"]["Escrow"]


@pytest.mark.parametrize(
    ("content", "chain_id", "found"),
    [
        (None, 1, MAINNET_ESCROW),
        (None, 8996, ""),
        ({"mine": {"chainId": 8996, "Escrow": PAYER}}, 8996, PAYER),
        ({"mine": {"chainId": 1, "Escrow": PAYER}}, 1, PAYER),
        ({"mine": {"chainId": 1}}, 1, MAINNET_ESCROW),
        ({"mine": {"chainId": 5, "Escrow": PAYER}}, 1, MAINNET_ESCROW),
        ({"development": {"ERC721Factory": PAYER, "Escrow": PAYER}}, 8996, PAYER),
        ({"development": {"DTFactory": PAYER}}, 8996, ""),
    ],
)
def test_an_address_is_of_the_configured_file_or_else_of_the_librarys(
    tmp_path, content, chain_id, found
):
    file = None
    if content is not None:
        file = tmp_path / "address.json"
        file.write_text(json.dumps(content))

    book = AddressBook(file and str(file), OfChain(chain_id))

    assert book.find("Escrow") == found
    if not found:
        with pytest.raises(
            ConfigError, match=f"No Escrow is known on the chain with id {chain_id}"
        ):
            book.address_of("Escrow")
