"""Send transactions to a chain, and wait until they are mined."""

from __future__ import annotations

import time
from typing import Any

from ocean_lib.localnet.chain.client import ChainClient

_FIRST_POLL_S, _LONGEST_POLL_S = 0.01, 1.0


class TransactionError(RuntimeError):
    """A transaction was mined but failed, or was not mined in time.

    Attributes:
        tx_hash: The transaction's hash, to look for it later.
    """

    def __init__(self, message: str, tx_hash: str) -> None:
        super().__init__(message)
        self.tx_hash = tx_hash


def send_transaction(
    chain: ChainClient,
    key: bytes | str,
    to: str | None,
    data: bytes | str = b"",
    value: int = 0,
    *,
    gas: int | None = None,
    timeout_s: float = 60.0,
) -> dict[str, Any]:
    """Sign and send a transaction, and wait for its receipt.

    The key must not be used by another thread at the same time: both would take the same nonce.

    Args:
        chain: Where to send it.
        key: The sender's private key.
        to: The recipient; None creates a contract.
        data: The call data, as bytes or as hex.
        value: How much ether goes along, in wei.
        gas: The gas limit; estimated if None.
        timeout_s: How long to wait until it is mined.

    Returns:
        The receipt, as the chain's JSON.

    Raises:
        RpcError: The chain refuses it; a contract's reason is in the message.
        TransactionError: It was mined and failed, or was not mined in time.
    """
    from eth_account import Account

    account = Account.from_key(key)
    payload = data if isinstance(data, str) else "0x" + data.hex()
    request = {"from": account.address, "data": payload, "value": hex(value)}
    if to is not None:
        request["to"] = to
    limit = gas if gas is not None else int(chain.call("eth_estimateGas", request), 16)
    transaction = {
        **_fees(chain),
        "chainId": int(chain.call("eth_chainId"), 16),
        "nonce": int(chain.call("eth_getTransactionCount", account.address, "pending"), 16),
        "gas": limit,
        "to": bytes.fromhex(to[2:]) if to else b"",  # any spelling of an address will do
        "value": value,
        "data": payload,
    }
    signed = account.sign_transaction(transaction)
    tx_hash = chain.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
    receipt = _wait_for_receipt(chain, tx_hash, timeout_s)
    if int(receipt["status"], 16) != 1:
        target = to or "a new contract"
        raise TransactionError(
            f"Transaction {tx_hash} to {target} failed: it was mined in block"
            f" {int(receipt['blockNumber'], 16)} and reverted, using {int(receipt['gasUsed'], 16)}"
            f" of {limit} gas. Its state may have changed after the gas was estimated; try again.",
            tx_hash,
        )
    return receipt


def _fees(chain: ChainClient) -> dict[str, int]:
    base_fee = chain.call("eth_getBlockByNumber", "latest", False).get("baseFeePerGas")
    if base_fee is None:  # a chain without EIP-1559
        return {"gasPrice": int(chain.call("eth_gasPrice"), 16)}
    tip = int(chain.call("eth_maxPriorityFeePerGas"), 16)
    return {"maxPriorityFeePerGas": tip, "maxFeePerGas": 2 * int(base_fee, 16) + tip}


def _wait_for_receipt(chain: ChainClient, tx_hash: str, timeout_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_s
    pause = _FIRST_POLL_S
    while True:
        receipt: dict[str, Any] | None = chain.call("eth_getTransactionReceipt", tx_hash)
        if receipt is not None:
            return receipt
        left = deadline - time.monotonic()
        if left <= 0:
            raise TransactionError(
                f"Transaction {tx_hash} was sent, and not mined within {timeout_s:g} s. It may"
                " still be: look for its receipt before sending it again.",
                tx_hash,
            )
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_POLL_S)
