"""Sends transactions: estimated, signed with a chain id, sent once, waited for, checked."""

import logging
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Optional, Union

from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.checks import check_address, check_tx_hash
from ocean_lib.exceptions import (
    ChainError,
    TransactionFailed,
    TransactionTimeout,
    TransportError,
)
from ocean_lib.http.deadline import Deadline, current_deadline
from ocean_lib.web3_internal._sending import Sending
from ocean_lib.web3_internal._tx_fields import environment_max_fee, next_gas_price
from ocean_lib.web3_internal.constants import RECEIPT_POLL_S, RECEIPT_TIMEOUT_S
from ocean_lib.web3_internal.node_calls import chain_errors, find_receipt, revert_reason
from ocean_lib.web3_internal.signer import Signer, sign_signable, signer_address
from ocean_lib.web3_internal.wallet import Wallet
from ocean_lib.web3_internal.web3_provider import Web3Provider

if TYPE_CHECKING:
    from web3 import Web3
    from web3.types import TxReceipt

logger = logging.getLogger(__name__)


def sign_hash(msg_hash: object, wallet: Union[Wallet, Signer]) -> str:
    """Sign an EIP-191 message.

    Args:
        msg_hash: made by `eth_account.messages.encode_defunct`.
        wallet: a `Wallet` or any other `Signer`.

    Returns:
        The signature as `0x` hex.

    Raises:
        SigningFailed: the signer gave no signature.
    """
    message: Any = msg_hash
    return sign_signable(wallet, message)


def send_ether(
    from_wallet: Wallet,
    to_address: str,
    ether_amount: Union[int, str, Decimal, float],
    web3: Optional["Web3"] = None,
) -> "TxReceipt":
    """Send ether and wait until it has arrived.

    Args:
        from_wallet: pays.
        to_address: receives.
        ether_amount: in ether; at most 18 decimals.
        web3: the chain; None: the wallet's.

    Returns:
        The receipt.

    Raises:
        InvalidInput: an argument cannot work.
        ChainError: it was not sent, or failed (see `send_transaction`).
    """
    from ocean_lib.ocean.util import to_base_18

    tx = {"to": check_address(to_address, name="to_address"), "value": to_base_18(ether_amount)}
    return send_transaction(web3_of(from_wallet, web3), from_wallet, tx, operation="send ether")


def cancel_or_replace_transaction(
    from_wallet: Wallet,
    nonce_value: int,
    gas_price: Optional[int] = None,
    gas_limit: Optional[int] = None,
    web3: Optional["Web3"] = None,
) -> "TxReceipt":
    """Put an empty transaction in the place of one that is still pending.

    Args:
        from_wallet: who sent it.
        nonce_value: the pending transaction's nonce.
        gas_price: in wei; must be above the pending one's.
        gas_limit: gas to offer; None: as much as an empty transaction needs.
        web3: the chain; None: the wallet's.

    Returns:
        The receipt.

    Raises:
        TransactionFailed: the node refuses it, for example because the first one was mined.
        TransactionTimeout: sent, but not mined in time.
    """
    address = signer_address(from_wallet)
    tx: dict[str, Any] = {"to": address, "value": 0, "nonce": nonce_value}
    if gas_limit is not None:
        tx["gas"] = gas_limit
    if gas_price is not None:
        tx["gasPrice"] = gas_price
    chain = web3_of(from_wallet, web3)
    return send_transaction(chain, from_wallet, tx, operation="replace a transaction")


def web3_of(wallet: Any, web3: Optional["Web3"]) -> "Web3":
    """Return the chain to use: the one given, else the wallet's, else the program's.

    Args:
        wallet: may have a `web3`.
        web3: wins when given.

    Raises:
        ConfigError: there is neither, and `Web3Provider` has none.
    """
    chain = web3 if web3 is not None else getattr(wallet, "web3", None)
    return chain if chain is not None else Web3Provider.get_web3()


def send_transaction(
    web3: "Web3",
    signer: Union[Wallet, Signer],
    tx: dict[str, Any],
    *,
    operation: str,
    gas_limit: Optional[int] = None,
    max_fee_wei: Optional[int] = None,
    timeout_s: float = RECEIPT_TIMEOUT_S,
) -> "TxReceipt":
    """Send one transaction, wait for its receipt, and check that it succeeded.

    It is never sent under a second nonce once the node may have it.

    Args:
        web3: the chain.
        signer: signs and pays; needs `sign_tx` (Wallet) or `sign_transaction` (LocalAccount).
        tx: `to`, `value`, `data`; a `nonce`, `gas` or fee given here is kept.
        operation: what it does, for messages ("mint data tokens").
        gas_limit: the most gas to spend; None: whatever is needed.
        max_fee_wei: the most that its gas may cost; None: MAX_TRANSACTION_FEE in the environment,
            or 1 ether.
        timeout_s: how long to wait for the receipt.

    Returns:
        The receipt, of status 1.

    Raises:
        TransactionFailed: refused by the contract or the node, or for its fee, or reverted on
            chain.
        NodeBusy: the node limits the number of requests; the transaction was not sent.
        TransactionTimeout: sent, but no receipt in time; it names the hash.
        TransportError: the node cannot be reached; nothing was sent.
        InvalidInput: the signer cannot sign transactions.
    """
    address = signer_address(signer)
    fields = {**tx, "from": address}
    if fields.get("gas") is None:
        fields["gas"] = _estimate_gas(web3, fields, operation, gas_limit)
    cap_wei = environment_max_fee() if max_fee_wei is None else max_fee_wei
    tx_hash = Sending(web3, signer, address, operation, cap_wei).send(fields)
    with interrupted_saying(f"transaction {tx_hash} was sent, to {operation}, and goes on"):
        receipt = wait_for_receipt(web3, tx_hash, operation=operation, timeout_s=timeout_s)
    if receipt["status"] != 1:
        reason = _replayed_reason(web3, fields, int(receipt["blockNumber"]))
        raise TransactionFailed(
            f"Cannot {operation}: transaction {tx_hash} was reverted on chain, {reason}. "
            "Its gas is spent. Check the arguments, the wallet and its balances.",
            tx_hash=tx_hash,
        )
    return receipt


def estimated_fee_wei(web3: "Web3", call: dict[str, Any], *, operation: str) -> int:
    """Return what a transaction would cost now, in wei: the gas it needs at the price offered.

    Args:
        web3: the chain.
        call: `from`, `to`, `data` and `value`.
        operation: what it does, for messages.

    Raises:
        TransactionFailed: the contract would refuse it.
    """
    with chain_errors(operation):
        return int(web3.eth.estimate_gas(call)) * next_gas_price(web3)  # type: ignore[arg-type]


def wait_for_receipt(
    web3: "Web3", tx_hash: str, *, operation: str, timeout_s: float = RECEIPT_TIMEOUT_S
) -> "TxReceipt":
    """Wait until a transaction is in a block.

    A node that cannot be reached for a while does not end the wait.

    Args:
        web3: the chain.
        tx_hash: `0x` hex.
        operation: what the transaction does, for messages.
        timeout_s: how long to wait.

    Returns:
        The receipt, whatever its status.

    Raises:
        TransactionTimeout: no receipt in time.
    """
    wanted = check_tx_hash(tx_hash)
    began_s, deadline = time.monotonic(), Deadline(timeout_s)
    outer = current_deadline()
    if outer is not None and outer.remaining() < deadline.remaining():
        deadline = outer
    pause, trouble = RECEIPT_POLL_S, ""
    while True:
        try:
            with chain_errors(operation):
                receipt: Optional[TxReceipt] = find_receipt(web3, wanted)
            if receipt is not None:
                return receipt
            trouble = ""
        except (TransportError, ChainError) as error:
            trouble = f" Last answer: {error}"
        left = deadline.remaining()
        if left <= 0:
            waited_s = time.monotonic() - began_s
            raise TransactionTimeout(
                f"Cannot {operation}: transaction {wanted} is not in a block after {waited_s:.3g} "
                f"seconds; it may still come.{trouble} Look its hash up before sending again.",
                tx_hash=wanted,
            )
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 2.0)


def wait_for_pending(web3: "Web3", address: str, timeout_s: float = RECEIPT_TIMEOUT_S) -> None:
    """Wait until no transaction of an account is on its way to a block.

    Args:
        web3: the chain.
        address: the account.
        timeout_s: how long to wait.

    Raises:
        TransactionTimeout: one still is; nothing was sent here.
    """
    where: Any = check_address(address)
    deadline, pause_s = Deadline(timeout_s), RECEIPT_POLL_S
    while True:
        with chain_errors("count an account's transactions"):
            done = web3.eth.get_transaction_count(where, "latest")
            if web3.eth.get_transaction_count(where, "pending") <= done:
                return
        if deadline.is_over:
            raise TransactionTimeout(
                f"A transaction of {address}, under nonce {done}, is in no block after "
                f"{timeout_s:g} seconds, and may be an order. Nothing was sent. Wait for it, or "
                "replace it (cancel_or_replace_transaction)."
            )
        deadline.pause(pause_s)
        pause_s = min(pause_s * 1.5, 2.0)


def _estimate_gas(
    web3: "Web3", fields: dict[str, Any], operation: str, limit: Optional[int]
) -> int:
    call: Any = {k: v for k, v in fields.items() if k in ("from", "to", "value", "data")}
    with chain_errors(operation):
        needed = int(web3.eth.estimate_gas(call))
    if limit is not None and needed > limit:
        raise TransactionFailed(
            f"Cannot {operation}: it needs {needed} gas, the limit is {limit}. Nothing was sent. "
            "Raise gas_limit in the config (GAS_LIMIT in the environment)."
        )
    # What a call needs can grow between the estimate and its block; what is not used is not paid.
    roomy = needed * 6 // 5
    return roomy if limit is None else min(roomy, limit)


def _replayed_reason(web3: "Web3", fields: dict[str, Any], block_number: int) -> str:
    """Run the reverted call again to learn its reason; receipts do not hold one."""
    from web3.exceptions import Web3Exception

    call: Any = {k: v for k, v in fields.items() if k in ("from", "to", "value", "data", "gas")}
    try:
        with chain_errors("read the revert reason"):
            try:
                web3.eth.call(call, block_number - 1)
            except Web3Exception as error:
                return revert_reason(error)
    except (ChainError, TransportError):
        logger.debug("the reason of a revert could not be read")
    return "the contract gave no reason"
