"""JSON-RPC's spelling of values: hex quantities, hex data, block tags.

Reading is strict about what is a mistake (a missing ``0x``, an odd number of digits, a wrong
length) and tolerant of what clients really send (upper case, leading zeros, plain JSON integers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union

from ocean_lib.localnet.chain.errors import invalid_params

_HEX = re.compile(r"0[xX]([0-9a-fA-F]*)\Z")
_MAX_QUANTITY = 2**256 - 1

BlockTag = Literal["earliest", "latest"]
# A block by number, by hash, or by tag.
BlockRef = Union[int, bytes, BlockTag]

_TAGS: Mapping[str, BlockTag] = {
    "earliest": "earliest",
    "latest": "latest",
    # A transaction is mined the moment it arrives, and never undone: these are all the same block.
    "pending": "latest",
    "safe": "latest",
    "finalized": "latest",
}


def quantity(value: int) -> str:
    """Spell a number as JSON-RPC does: hex without leading zeros."""
    return hex(value)


def data(value: bytes) -> str:
    """Spell bytes as JSON-RPC does: two hex digits a byte."""
    return "0x" + value.hex()


def read_quantity(value: Any, name: str) -> int:
    """Read a number.

    Raises:
        RpcError: (invalid params) it is not a number between 0 and 2**256 - 1.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        match = _HEX.match(value) if isinstance(value, str) else None
        if match is None or not match[1] or len(match[1]) > 64:
            raise invalid_params(f"{name} must be a hex quantity such as 0x1f, got {_show(value)}")
        number = int(match[1], 16)
    if not 0 <= number <= _MAX_QUANTITY:
        raise invalid_params(f"{name} must be between 0 and 2**256 - 1, got {_show(value)}")
    return number


def read_data(value: Any, name: str, *, length: int | None = None) -> bytes:
    """Read bytes, of exactly ``length`` if given.

    Raises:
        RpcError: (invalid params) it is not hex data, or of another length.
    """
    match = _HEX.match(value) if isinstance(value, str) else None
    if match is None or len(match[1]) % 2:
        raise invalid_params(
            f"{name} must be hex data: 0x and two digits a byte, got {_show(value)}"
        )
    found = bytes.fromhex(match[1])
    if length is not None and len(found) != length:
        raise invalid_params(f"{name} must be {length} bytes, got {len(found)}: {_show(value)}")
    return found


def read_address(value: Any, name: str) -> bytes:
    """Read an address; its capitals are not checked, as geth does not."""
    return read_data(value, name, length=20)


def read_hash(value: Any, name: str) -> bytes:
    """Read a 32-byte hash."""
    return read_data(value, name, length=32)


def read_word(value: Any, name: str) -> int:
    """Read a storage slot: a quantity, or data of up to 32 bytes."""
    return read_quantity(value, name)


def read_block(value: Any, name: str = "block") -> BlockRef:
    """Read a reference to a block: a number, a hash, a tag, or EIP-1898's object.

    Raises:
        RpcError: (invalid params) it is none of them.
    """
    if value is None:
        return "latest"
    if isinstance(value, str) and value in _TAGS:
        return _TAGS[value]
    if isinstance(value, dict):
        if "blockHash" in value:
            return read_hash(value["blockHash"], f"{name}.blockHash")
        if "blockNumber" in value:
            return read_block(value["blockNumber"], f"{name}.blockNumber")
        raise invalid_params(f"{name} must have blockHash or blockNumber, got {_show(value)}")
    if isinstance(value, str) and len(value) == 66:  # as geth tells a hash from a number
        return read_hash(value, name)
    if isinstance(value, str) and not _HEX.match(value):
        tags = ", ".join(_TAGS)
        raise invalid_params(f"{name} must be a number or one of {tags}, got {_show(value)}")
    return read_quantity(value, name)


@dataclass(frozen=True)
class CallRequest:
    """What ``eth_call`` and ``eth_estimateGas`` are asked to run."""

    sender: bytes
    to: bytes  # b"" creates a contract
    data: bytes
    value: int
    gas: int | None
    fee_cap: int  # wei per gas the sender would pay at most; 0: not said
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...]


def read_call(value: Any) -> CallRequest:
    """Read a transaction object.

    Raises:
        RpcError: (invalid params) it is not an object, or one of its fields is malformed.
    """
    if not isinstance(value, dict):
        raise invalid_params(f"transaction must be an object, got {_show(value)}")
    fields = {key: field for key, field in value.items() if field is not None}
    payload = _call_data(fields)
    return CallRequest(
        sender=read_address(fields.get("from", "0x" + "00" * 20), "from"),
        to=read_address(fields["to"], "to") if fields.get("to", "0x") != "0x" else b"",
        data=payload,
        value=read_quantity(fields.get("value", 0), "value"),
        gas=read_quantity(fields["gas"], "gas") if "gas" in fields else None,
        fee_cap=read_quantity(fields.get("maxFeePerGas", fields.get("gasPrice", 0)), "gasPrice"),
        access_list=_access_list(fields.get("accessList", [])),
    )


def _call_data(fields: Mapping[str, Any]) -> bytes:
    found = [read_data(fields[key], key) for key in ("input", "data") if key in fields]
    if len(found) == 2 and found[0] != found[1]:
        raise invalid_params("transaction has both input and data, and they differ: send one")
    return found[0] if found else b""


def _access_list(value: Any) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise invalid_params(f"accessList must be a list of objects, got {_show(value)}")
    entries = []
    for entry in value:
        keys = entry.get("storageKeys") or []
        if not isinstance(keys, list):
            raise invalid_params(f"storageKeys must be a list, got {_show(keys)}")
        slots = tuple(read_word(key, "storageKeys") for key in keys)
        entries.append((read_address(entry.get("address"), "accessList.address"), slots))
    return tuple(entries)


def contract_address(sender: bytes, nonce: int) -> bytes:
    """Compute the address of the contract that ``sender`` creates with this nonce."""
    import rlp
    from eth_utils.crypto import keccak

    return keccak(rlp.encode([sender, nonce]))[-20:]


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
