"""Read the datatoken contracts: their names, minters, orders and published metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ocean_lib.localnet.chain import ChainClient, RpcError

_ORDER_STARTED = "OrderStarted(address,address,uint256,uint256,uint256,address,uint256)"
_METADATA_CREATED = "MetadataCreated(address,address,bytes,bytes)"
_METADATA_UPDATED = "MetadataUpdated(address,address,bytes,bytes)"


def topic(signature: str) -> str:
    """Return the first topic of an event."""
    return "0x" + keccak(text=signature).hex()


ORDER_STARTED = topic(_ORDER_STARTED)
METADATA_CREATED = topic(_METADATA_CREATED)
METADATA_UPDATED = topic(_METADATA_UPDATED)


@dataclass(frozen=True)
class OrderStarted:
    """One order event of a datatoken."""

    datatoken: str
    consumer: str
    payer: str
    amount: int
    service_index: int


@dataclass(frozen=True)
class MetadataEvent:
    """One event of the Metadata contract."""

    datatoken: str
    created: bool
    flags: bytes
    data: bytes
    block: int
    transaction: str


def _data(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


def _address_topic(value: str) -> str:
    return str(to_checksum_address("0x" + value[-40:]))


def orders_in(receipt: dict[str, Any]) -> list[OrderStarted]:
    """Return the order events in a transaction's receipt."""
    orders = []
    for log in receipt["logs"]:
        topics = log["topics"]
        if len(topics) != 4 or topics[0] != ORDER_STARTED:
            continue
        amount, service_index, _, _ = decode(["uint256"] * 4, _data(log["data"]))
        orders.append(
            OrderStarted(
                datatoken=str(to_checksum_address(log["address"])),
                consumer=_address_topic(topics[1]),
                payer=_address_topic(topics[2]),
                amount=amount,
                service_index=service_index,
            )
        )
    return orders


def metadata_events(
    chain: ChainClient, contract: str, first: int, last: int
) -> list[MetadataEvent]:
    """Return the Metadata contract's events from block `first` to `last`, in order."""
    logs = chain.call(
        "eth_getLogs",
        {
            "address": contract,
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "topics": [[METADATA_CREATED, METADATA_UPDATED]],
        },
    )
    events = []
    for log in logs:
        flags, data = decode(["bytes", "bytes"], _data(log["data"]))
        events.append(
            MetadataEvent(
                datatoken=_address_topic(log["topics"][1]),
                created=log["topics"][0] == METADATA_CREATED,
                flags=flags,
                data=data,
                block=int(log["blockNumber"], 16),
                transaction=log["transactionHash"],
            )
        )
    return events


def block_time(chain: ChainClient, number: int) -> int:
    """Return a block's timestamp in seconds."""
    block = chain.call("eth_getBlockByNumber", hex(number), False)
    return int(block["timestamp"], 16)


class Datatoken:
    """The reading functions of one datatoken.

    Args:
        chain: Where the contract is.
        address: The contract's address.
    """

    def __init__(self, chain: ChainClient, address: str) -> None:
        self._chain = chain
        self.address = address

    def minter(self) -> str:
        """Return the address that may mint, which is who is paid."""
        return str(to_checksum_address(self._read("minter()", "address")))

    def info(self) -> dict[str, Any]:
        """Return what the metadata cache tells about a datatoken."""
        minter = self.minter()
        balance = self._read("balanceOf(address)", "uint256", bytes(12) + _data(minter))
        return {
            "address": self.address,
            "name": self._read("name()", "string"),
            "symbol": self._read("symbol()", "string"),
            "decimals": self._read("decimals()", "uint8"),
            "totalSupply": self._read("totalSupply()", "uint256") / 10**18,
            "cap": self._read("cap()", "uint256") / 10**18,
            "minter": minter,
            "minterBalance": balance / 10**18,
        }

    def _read(self, signature: str, kind: str, arguments: bytes = b"") -> Any:
        data = keccak(text=signature)[:4] + arguments
        answer = self._chain.call(
            "eth_call", {"to": self.address, "data": "0x" + data.hex()}, "latest"
        )
        # Anybody can publish for a contract of their own, which may answer anything.
        try:
            return decode([kind], _data(answer))[0]
        except (DecodingError, ValueError, AttributeError) as error:
            reason = f"{self.address} is not a datatoken: its {signature} is not a {kind}"
            raise RpcError(-32000, reason) from error
