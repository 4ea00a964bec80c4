"""What a node's answer to each call must look like, so that nobody reads another one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


def is_answer(method: str, result: Any) -> bool:
    """Tell whether a result is one that this call can have.

    Args:
        method: of the JSON-RPC; what the client never calls may have any answer.
        result: as the node gave it.
    """
    fits = _SHAPES.get(method)
    return fits is None or fits(result)


def _is_quantity(value: Any) -> bool:
    if isinstance(value, int):  # some development nodes
        return not isinstance(value, bool) and value >= 0
    return isinstance(value, str) and _QUANTITY.fullmatch(value) is not None


def _is_data(value: Any) -> bool:
    return isinstance(value, str) and _DATA.fullmatch(value) is not None


def _is_log(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and all(_is_data(value.get(key)) for key in ("address", "data"))
        and isinstance(value.get("topics"), list)
        and all(map(_is_data, value["topics"]))
    )


def _are_logs(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_log, value))


def _is_receipt(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict)
        and all(_is_quantity(value.get(key)) for key in ("status", "blockNumber"))
        and _is_data(value.get("transactionHash"))
        and _are_logs(value.get("logs"))
    )


def _is_transaction(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and _is_data(value.get("hash")))


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "eth_blockNumber": _is_quantity,
    "eth_call": _is_data,
    "eth_chainId": _is_quantity,
    "eth_estimateGas": _is_quantity,
    "eth_gasPrice": _is_quantity,
    "eth_getBalance": _is_quantity,
    "eth_getCode": _is_data,
    "eth_getLogs": _are_logs,
    "eth_getTransactionByHash": _is_transaction,
    "eth_getTransactionCount": _is_quantity,
    "eth_getTransactionReceipt": _is_receipt,
    "eth_sendRawTransaction": _is_data,
}
