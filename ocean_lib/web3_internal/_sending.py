"""Signs a transaction and hands it to the node: under the next nonce, at a fee that it takes."""

from __future__ import annotations

import logging
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ocean_lib.base.frames import forgets_locals
from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.base.turns import Turns
from ocean_lib.exceptions import (
    ChainError,
    ConnectFailed,
    InvalidInput,
    NodeBusy,
    SigningFailed,
    TransactionFailed,
    TransportError,
    add_to_message,
)
from ocean_lib.web3_internal._tx_fields import complete_transaction, price_of
from ocean_lib.web3_internal.constants import (
    ENV_GAS_PRICE,
    ENV_MAX_GAS_PRICE,
    NONCE_ATTEMPTS,
    NONCE_PAUSE_S,
)
from ocean_lib.web3_internal.node_calls import chain_errors, find_transaction, is_busy, node_text
from ocean_lib.web3_internal.wallet import Wallet

if TYPE_CHECKING:
    from web3 import Web3

logger = logging.getLogger(__name__)

# The clients' words; the order counts, as a replacement is "underpriced" too.
_HAS_IT = re.compile(r"already ?known|\bknown transaction|already imported", re.I)
_NONCE_REFUSED = re.compile(
    r"nonce.{0,20}too low|too low.{0,20}nonce|invalid nonce|nonce too high|same nonce|"
    r"replace.{0,40}underpriced",
    re.I,
)
_FEE_REFUSED = re.compile(
    r"underpriced|fee.{0,10}too low|gas ?price.{0,40}(?:too low|below|less than)|"
    r"fee per gas less than block base fee|FeeTooLow",
    re.I,
)
_LEAST_TIP = re.compile(r"(?:minimum|tip) needed\D{0,3}(\d{1,24})")


_TURNS = Turns()
"""Nonces belong to an address: while one thread asks for the next one, signs and sends, others with
the same address wait."""


class Sending:
    """One transaction on its way, until the node has it or will not have it.

    Args:
        web3: the chain.
        signer: signs and pays.
        address: the signer's.
        operation: what it does, for messages.
        max_fee_wei: the most that its gas may cost.
    """

    def __init__(
        self, web3: Web3, signer: Any, address: str, operation: str, max_fee_wei: int
    ) -> None:
        self._web3, self._signer, self._address = web3, signer, address
        self._operation, self._max_fee_wei = operation, max_fee_wei
        self._tip = 0

    @forgets_locals
    def send(self, fields: dict[str, Any]) -> str:
        """Send it under the next nonce, and return its hash.

        A refusal is answered by what has changed: the nonce, or once the fee. The same
        transaction is never offered twice.
        """
        lock = _TURNS.of(self._address)  # a name of its own keeps it alive
        taken, refusal, pause_s = None, "", NONCE_PAUSE_S
        for _ in range(NONCE_ATTEMPTS):
            with lock.held:
                tx = self._completed(fields)
                if tx["nonce"] != taken:
                    tx_hash, refusal = self._offer(tx)
                    if not refusal:
                        return tx_hash
                    if not _NONCE_REFUSED.search(refusal):
                        self._raise_fee(fields, tx, refusal)
                        continue
                    taken = tx["nonce"]
            if "nonce" in fields:
                break  # the caller's nonce: not ours to change
            time.sleep(pause_s)  # one of several nodes behind a URL may lag behind the others
            pause_s = min(2 * pause_s, 1.0)
        raise self._failure(
            refusal,
            f"The nonce {taken} of {self._address} is another transaction's, perhaps another "
            "program's: try again, or replace it with a higher gas price "
            "(cancel_or_replace_transaction).",
        )

    def _completed(self, fields: dict[str, Any]) -> dict[str, Any]:
        try:
            return complete_transaction(
                self._web3, fields, self._address, tip=self._tip, max_fee_wei=self._max_fee_wei
            )
        except TransactionFailed as error:
            refusal = str(error)
        raise TransactionFailed(f"Cannot {self._operation}. {refusal}")

    def _offer(self, tx: dict[str, Any]) -> tuple[str, str]:
        """Sign and send; return the hash, and the node's refusal if it does not have it."""
        raw = _sign(self._signer, tx, self._address)
        tx_hash = "0x" + _keccak(raw).hex()
        with interrupted_saying(
            f"transaction {tx_hash} may have been sent, to {self._operation}: look its hash up "
            "before sending again"
        ):
            refusal = _send_raw(self._web3, raw, tx_hash, self._operation)
        if not refusal or _HAS_IT.search(refusal) or _has(self._web3, tx_hash, refusal):
            logger.debug("%s: sent transaction %s from %s", self._operation, tx_hash, self._address)
            return tx_hash, ""
        return tx_hash, refusal

    def _raise_fee(self, fields: dict[str, Any], tx: dict[str, Any], refusal: str) -> None:
        """Take the node's suggestion for the next attempt, if the fee was refused and is ours.

        Raises:
            TransactionFailed: it was refused for something else, or no better fee is known.
        """
        if not _FEE_REFUSED.search(refusal):
            raise self._failure(refusal, "Check the wallet's ether for gas, and the fees.")
        price = price_of(tx)
        if not self._tip and not price_of(fields):
            named = _LEAST_TIP.search(refusal)
            self._tip = int(named[1]) if named else _suggested_tip(self._web3)
            if self._tip and price_of(self._completed({**fields, "nonce": tx["nonce"]})) > price:
                return
        raise self._failure(
            refusal,
            f"The offer was {price} wei for each gas. Set a higher one: {ENV_GAS_PRICE} in the "
            f"environment, or gasPrice; and {ENV_MAX_GAS_PRICE} must not be below it.",
        )

    def _failure(self, refusal: str, next_step: str) -> TransactionFailed:
        return TransactionFailed(
            f"Cannot {self._operation}: the chain's node refuses the transaction: {refusal}. "
            f"Nothing was sent. {next_step}"
        )


def _send_raw(web3: Web3, raw: bytes, tx_hash: str, operation: str) -> str:
    """Send; return '' when the node has it or may have it, else its refusal."""
    from web3.exceptions import ContractLogicError, Web3RPCError

    try:
        with chain_errors(operation):
            try:
                web3.eth.send_raw_transaction(raw)
            except (ContractLogicError, Web3RPCError) as error:
                if is_busy(error):
                    raise
                return node_text(error) or type(error).__name__
    except NodeBusy as error:
        add_to_message(error, f"The transaction {tx_hash} was not sent.")
        raise
    except ConnectFailed:
        raise
    except (TransportError, ChainError) as error:
        # The node may have it. Never sign again; the receipt will tell.
        logger.warning("%s: the answer for %s was lost (%s)", operation, tx_hash, error)
    return ""


def _has(web3: Web3, tx_hash: str, refusal: str) -> bool:
    try:
        with chain_errors("look up a transaction"):
            return find_transaction(web3, tx_hash) is not None
    except (TransportError, ChainError) as error:
        logger.warning("whether the node has %s is not known (%s)", tx_hash, error)
        return _NONCE_REFUSED.search(refusal) is not None  # so is one that has arrived


def _suggested_tip(web3: Any) -> int:
    """Return the node's suggestion for a tip, in wei per gas; 0 if it has none."""
    with chain_errors("ask for a tip"), suppress(TypeError, ValueError, KeyError):
        # By the provider: web3 warns and computes one where the node does not know the method.
        answer = web3.provider.make_request("eth_maxPriorityFeePerGas", [])
        return int(answer["result"], 16)
    return 0


def _sign(signer: Any, tx: dict[str, Any], address: str) -> bytes:
    own, foreign = getattr(signer, "sign_tx", None), getattr(signer, "sign_transaction", None)
    if own is None and foreign is None:
        raise InvalidInput(
            f"The signer of {address} cannot sign transactions: it has neither sign_tx(tx) nor "
            "sign_transaction(tx). Use a Wallet or an eth-account LocalAccount."
        )
    if isinstance(signer, Wallet):
        return signer.sign_tx(tx)
    reason, raw = "", None
    try:
        answer = own(dict(tx)) if own is not None else foreign(dict(tx))  # type: ignore[misc]
        raw = getattr(answer, "raw_transaction", answer)
    except Exception as error:  # noqa: BLE001  (a foreign signer may raise anything, key included)
        reason = f"it raised {type(error).__name__}"
    if not isinstance(raw, (bytes, bytearray)):
        raise SigningFailed(
            f"The signer of {address} gave no signed transaction: "
            f"{reason or 'it gave ' + type(raw).__name__}. Expected bytes, or an object with "
            "raw_transaction."
        )
    return bytes(raw)


def _keccak(data: bytes) -> bytes:
    from eth_utils.crypto import keccak

    return bytes(keccak(data))
