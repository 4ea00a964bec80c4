"""Call Ocean's V4 contracts and read their events, by the signatures of their functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_abi.grammar import parse
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ocean_lib.localnet.chain import ChainClient, RpcError

ZERO = "0x" + 40 * "0"


@dataclass(frozen=True)
class Event:
    """One event of a contract, its data still encoded.

    Attributes:
        contract: Who emitted it; checksummed.
        topics: Its signature's hash and its indexed values.
        data: Its other values.
        block: The block's number.
        transaction: The transaction's hash.
    """

    contract: str
    topics: tuple[str, ...]
    data: bytes
    block: int
    transaction: str

    def address(self, index: int) -> str:
        """Return an indexed address; checksummed."""
        return str(to_checksum_address("0x" + self.topics[index][-40:]))

    def values(self, types: str) -> tuple[Any, ...]:
        """Decode the values that are not indexed.

        Raises:
            DecodingError: If they are of other types.
        """
        return tuple(decode(_types(types), self.data))


def topic(signature: str) -> str:
    """Return the first topic of an event."""
    return "0x" + keccak(text=signature).hex()


def call_data(signature: str, *arguments: Any) -> str:
    """Encode a call of a function, as `0x` and hexadecimal digits."""
    _, _, inside = signature.partition("(")
    encoded = encode(_types(inside.removesuffix(")")), arguments)
    return "0x" + (keccak(text=signature)[:4] + encoded).hex()


def read(
    chain: ChainClient, contract: str, signature: str, outputs: str, *arguments: Any
) -> tuple[Any, ...]:
    """Call a function that changes nothing.

    Args:
        chain: Where the contract is.
        contract: Its address.
        signature: The function's, as `balanceOf(address)`.
        outputs: The types of what it returns, separated by commas.
        arguments: Its arguments.

    Raises:
        RpcError: If the contract has no such function, or answers with something else.
    """
    request = {"to": contract, "data": call_data(signature, *arguments)}
    answer = chain.call("eth_call", request, "latest")
    # Anybody can publish for a contract of their own, which may answer anything.
    try:
        return tuple(decode(_types(outputs), bytes.fromhex(answer.removeprefix("0x"))))
    except (DecodingError, ValueError, AttributeError, OverflowError) as error:
        reason = f"{contract} does not answer {signature} with ({outputs})"
        raise RpcError(-32000, reason) from error


def events(chain: ChainClient, topics: Sequence[str], first: int, last: int) -> list[Event]:
    """Return the events of these kinds in the blocks `first` to `last`, in order."""
    wanted = {"fromBlock": hex(first), "toBlock": hex(last), "topics": [list(topics)]}
    return [_event(log) for log in chain.call("eth_getLogs", wanted)]


def events_in(receipt: dict[str, Any], kind: str) -> list[Event]:
    """Return the events of one kind in a transaction's receipt."""
    return [_event(log) for log in receipt["logs"] if log["topics"][:1] == [kind]]


def receipt_of(chain: ChainClient, transaction: object) -> dict[str, Any] | None:
    """Return a transaction's receipt; None if there is none, or this is no hash."""
    if not isinstance(transaction, str):
        return None
    try:
        found: dict[str, Any] | None = chain.call("eth_getTransactionReceipt", transaction)
    except RpcError:
        return None
    return found


def block_time(chain: ChainClient, number: int) -> int:
    """Return a block's timestamp in seconds."""
    block = chain.call("eth_getBlockByNumber", hex(number), False)
    return int(block["timestamp"], 16)


def _event(log: dict[str, Any]) -> Event:
    return Event(
        contract=str(to_checksum_address(log["address"])),
        topics=tuple(log["topics"]),
        data=bytes.fromhex(log["data"].removeprefix("0x")),
        block=int(log["blockNumber"], 16),
        transaction=log["transactionHash"],
    )


def _types(text: str) -> list[str]:
    if not text:
        return []
    return [one.to_type_str() for one in parse(f"({text})").components]
