"""Transactions and receipts by their hash: what a node gives has to be of the very one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ocean_lib.exceptions import ConnectionBroken

if TYPE_CHECKING:
    from web3 import Web3


def find_receipt(web3: Web3, tx_hash: str) -> Any:
    """Return a transaction's receipt, None while it is in no block.

    Args:
        web3: the chain.
        tx_hash: `0x` hex.

    Raises:
        ConnectionBroken: the node gave another transaction's.
    """
    return _found(web3.eth.get_transaction_receipt, tx_hash, "transactionHash")


def find_transaction(web3: Web3, tx_hash: str) -> Any:
    """Return a transaction, None if the node does not have it.

    Args:
        web3: the chain.
        tx_hash: `0x` hex.

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
