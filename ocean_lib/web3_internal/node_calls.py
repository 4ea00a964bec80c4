"""Calls to a chain's node: what fails becomes one of our errors, and answers are to the question.

The texts of web3, the node and the HTTP library below them may hold the RPC URL, whose path or
query is often an access key; the node's own words are kept, cut short and cleaned of control
characters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ocean_lib.exceptions import (
    ChainError,
    ConfigError,
    ConnectFailed,
    ConnectionBroken,
    ContractNotFound,
    NodeBusy,
    OceanError,
    RequestTimeout,
    TransactionFailed,
)
from ocean_lib.http.limits import TOO_MANY_REQUESTS
from ocean_lib.web3_internal._node_answers import is_rate_limit

if TYPE_CHECKING:
    from web3 import Web3

_MAX_TEXT = 300
_GATEWAY_FAULTS = 500


@contextmanager
def chain_errors(operation: str) -> Iterator[None]:
    """Turn any failure of the calls inside into one of our errors.

    Args:
        operation: what is being done, for the message ("mint data tokens").

    Raises:
        TransactionFailed: the contract refuses the call.
        ContractNotFound: no such contract answers.
        TransportError: the node gave no answer.
        NodeBusy: the node limits the number of requests.
        ChainError: the node answered with another error.
    """
    failure: OceanError | None = None
    try:
        yield
    except OceanError:
        raise
    except Exception as error:  # whatever lies below; programming errors come back as such
        failure = _mapped(error, operation)
        if failure is None:
            raise
    if failure is not None:  # outside the block above, so that no traceback shows the old text
        raise failure from None


def check_chain_id(expected: int | None, found: int) -> None:
    """Refuse a node of another chain than the configured one.

    Args:
        expected: the configured id; None for any.
        found: what the node tells.

    Raises:
        ConfigError: they differ.
    """
    if expected is not None and found != expected:
        raise ConfigError(
            f"The chain's node is of chain {found}, and chain_id in the config (CHAIN_ID in the "
            f"environment) is {expected}. Nothing was sent. Check the network URL, or chain_id."
        )


def find_receipt(web3: Web3, tx_hash: str) -> Any:
    """Return a transaction's receipt, None while it is in no block.

    Raises:
        ConnectionBroken: the node gave another transaction's.
    """
    return _found(web3.eth.get_transaction_receipt, tx_hash, "transactionHash")


def find_transaction(web3: Web3, tx_hash: str) -> Any:
    """Return a transaction, None if the node does not have it.

    Raises:
        ConnectionBroken: the node gave another one.
    """
    return _found(web3.eth.get_transaction, tx_hash, "hash")


def _found(ask: Callable[..., Any], tx_hash: str, name: str) -> Any:
    from web3.exceptions import TransactionNotFound

    try:
        found = ask(tx_hash)
    except TransactionNotFound:
        return None
    if int.from_bytes(found[name], "big") != int(tx_hash, 16):
        raise ConnectionBroken(
            f"The chain's node was asked for transaction {tx_hash} and gave another one's data. "
            "Check the network URL in the config, and any proxy before it."
        )
    return found


def node_text(error: BaseException) -> str:
    """Return the node's words in an RPC error, cut and cleaned; '' when there are none."""
    from web3.exceptions import Web3Exception

    if not isinstance(error, Web3Exception):
        return ""
    said = _rpc_error(error)
    if said is not None:
        return _clean(said.get("message", ""))
    return _clean(getattr(error, "message", None) or str(error))


def is_busy(error: BaseException) -> bool:
    """Tell whether the node refused because there were too many requests."""
    return is_rate_limit(_rpc_error(error))


def revert_reason(error: BaseException) -> str:
    """Return why a contract reverted, or a text that says that it gave no reason."""
    text = node_text(error)
    for prefix in ("execution reverted:", "VM Exception while processing transaction: revert"):
        if text.startswith(prefix):
            text = text[len(prefix) :].strip()
    return text if text and text != "execution reverted" else "the contract gave no reason"


def _rpc_error(error: BaseException) -> dict[str, Any] | None:
    response = getattr(error, "rpc_response", None)
    said = response.get("error") if isinstance(response, dict) else None
    return said if isinstance(said, dict) else None


def _mapped(error: Exception, operation: str) -> OceanError | None:
    import requests
    from web3 import exceptions

    if is_busy(error):
        return _busy(operation, node_text(error))
    if isinstance(error, exceptions.ContractLogicError):
        return TransactionFailed(
            f"Cannot {operation}: the contract refuses, {revert_reason(error)}. "
            "Nothing was sent. Check the arguments, the wallet and its balances."
        )
    if isinstance(error, exceptions.BadFunctionCallOutput):
        return ContractNotFound(
            f"Cannot {operation}: no such contract answers at this address. "
            "Check the address and the network."
        )
    if isinstance(
        error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
    ):
        return _no_connection(error, operation)
    if isinstance(error, (requests.exceptions.Timeout, TimeoutError)):
        return RequestTimeout(
            f"Cannot {operation}: the chain's node did not answer in time. Try again."
        )
    if isinstance(error, (json.JSONDecodeError, requests.exceptions.JSONDecodeError)):
        return ConnectionBroken(f"Cannot {operation}: the chain's node answered no JSON.")
    if isinstance(error, requests.exceptions.HTTPError):
        status = getattr(error.response, "status_code", 0)
        if status == TOO_MANY_REQUESTS:
            return _busy(operation, f"HTTP {status}")
        kind = ConnectionBroken if status >= _GATEWAY_FAULTS else ChainError
        return kind(
            f"Cannot {operation}: the chain's node answered HTTP {status}. "
            "Check the network URL in the config."
        )
    if isinstance(error, requests.exceptions.RequestException):
        return ChainError(
            f"Cannot {operation}: asking the chain's node failed ({type(error).__name__}). "
            "Check the network URL in the config."
        )
    if isinstance(error, exceptions.Web3Exception):
        text = node_text(error) or type(error).__name__
        return ChainError(f"Cannot {operation}: the chain's node says: {text}.")
    return None


def _busy(operation: str, words: str) -> NodeBusy:
    return NodeBusy(
        f"Cannot {operation}: the chain's node limits the number of requests ({words}). Wait "
        "before the next one, or use a node with a higher limit."
    )


def _no_connection(error: Exception, operation: str) -> OceanError:
    refused = "NewConnectionError" in repr(error) or "ConnectTimeout" in repr(error)
    kind = ConnectFailed if refused else ConnectionBroken
    what = "no connection to the chain's node" if refused else "the connection to the node broke"
    return kind(f"Cannot {operation}: {what}. Check that it runs, and the network URL.")


def _clean(text: Any) -> str:
    printable = "".join(c if c.isprintable() else " " for c in str(text))
    short = printable.strip().rstrip(".")
    return short if len(short) <= _MAX_TEXT else short[:_MAX_TEXT] + "…"
