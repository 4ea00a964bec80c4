"""What a node's answer to each call must look like, so that nobody reads another one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ocean_lib.checks import parse_json
from ocean_lib.exceptions import ConnectionBroken

_LIMIT_CODES = (429, -32005)
_LIMITED = re.compile(
    r"rate.?limit|too many request|request limit|requests? (?:count|rate) exceeded|"
    r"compute units|requests per second|credits limited|usage limit|\bRPS\b|throttl",
    re.IGNORECASE,
)
# Infura's -32005 also stands for logs that are too many, and a contract may use any words.
_NOT_LIMITED = re.compile(r"revert|query returned|results|block range", re.IGNORECASE)

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


def parse(content: bytes) -> Any:
    """Read the body of a node's reply.

    Raises:
        ConnectionBroken: it is no JSON, or gives one name of an object twice.
    """
    try:
        return parse_json(content, object_pairs_hook=_object)
    except ValueError:
        pass
    raise ConnectionBroken("The chain's node answered no JSON. Check the network URL.")


def answer_to(request_id: int, said: Any) -> dict[str, Any]:
    """Return what a node said, if it is the answer to this request.

    Args:
        request_id: the request's.
        said: the parsed body, or a part of a batch.

    Returns:
        The answer; an error in the form that web3 expects, whatever gateway it is from.

    Raises:
        ConnectionBroken: it is the answer to another request, more than one, or none.
    """
    found = said if isinstance(said, dict) else {}
    error, its_id = error_in(found), found.get("id")
    if error is not None and its_id is None:  # of a gateway that did not read the request
        its_id = request_id
    if type(its_id) is not int or its_id != request_id or not (error or "result" in found):
        raise ConnectionBroken(
            "The chain's node did not answer this request: expected one JSON-RPC answer with the "
            "request's own id. Check the network URL in the config, and any proxy before it."
        )
    if error is None:
        return found
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def error_in(said: Any) -> dict[str, Any] | None:
    """Return the error that a node or a gateway gave, in JSON-RPC's form; None if there is none.

    Args:
        said: the parsed body, or a part of a batch.
    """
    error = said.get("error") if isinstance(said, dict) else None
    if error is None or isinstance(error, dict):
        return error
    return {"code": -32000, "message": str(error)}


def is_rate_limit(error: Any) -> bool:
    """Tell whether a JSON-RPC error says that there were too many requests.

    Args:
        error: the `error` of an answer.
    """
    if not isinstance(error, dict):
        return False
    code, text = error.get("code"), str(error.get("message", ""))
    if code == 3 or _NOT_LIMITED.search(text):
        return False
    return code in _LIMIT_CODES or _LIMITED.search(text) is not None


def backoff_s(error: Any) -> float | None:
    """Return how long a node asks to be left alone, as Infura says it; None if it does not.

    Args:
        error: the `error` of an answer.
    """
    try:
        return float(error["data"]["rate"]["backoff_seconds"])
    except (KeyError, TypeError, ValueError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


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
    "eth_maxPriorityFeePerGas": _is_quantity,
    "eth_sendRawTransaction": _is_data,
}
