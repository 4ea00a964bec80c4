"""Whether a transaction on the chain is the order, or the transfer, that it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocean_lib.checks import check_address, check_service_index, check_tx_hash
from ocean_lib.exceptions import InvalidInput, VerifyTxFailed
from ocean_lib.models.amounts import Amount
from ocean_lib.models.metadata import data_token_of
from ocean_lib.ocean.util import from_base_18, to_base_18
from ocean_lib.web3_internal.contract_base import ContractBase
from ocean_lib.web3_internal.node_calls import chain_errors, find_transaction
from ocean_lib.web3_internal.transactions import wait_for_receipt

if TYPE_CHECKING:
    from web3 import Web3

OPF_FEE_PERCENTAGE = 0.001
MAX_MARKET_FEE_PERCENTAGE = 0.001

_BASE = 10**18
_ROUNDING_BASE = 5
"""How far (smallest unit) fees may be off: the contract rounds each of them down."""


def fee_base(amount_base: int, percentage: Amount) -> int:
    """Return a fee in the smallest unit, rounded down as the contract does.

    Args:
        amount_base: in the smallest unit.
        percentage: the fraction: 0.001 is a thousandth.
    """
    return amount_base * to_base_18(percentage) // _BASE


def verify_order(
    token: ContractBase,
    web3: Web3,
    tx_id: str,
    did: str,
    service_id: Any,
    amount_base: int,
    sender: str,
) -> tuple[Any, Any, Any]:
    """Check an order; see `DataToken.verify_order_tx`."""
    check = _Check(
        f"Transaction {check_tx_hash(tx_id)} is not the order", "order the service again"
    )
    check.equal("data token", token.address, data_token_of(did))
    index = check_service_index(service_id)
    if isinstance(amount_base, bool) or not isinstance(amount_base, int):
        kind = type(amount_base).__name__
        raise InvalidInput(f"amount_base must be a whole number (see to_base_18), got {kind}.")
    receipt = wait_for_receipt(web3, tx_id, operation="verify an order")
    check.that(receipt["status"] == 1, "it should have succeeded, but it was reverted")
    log = check.only(token._logs_in_receipt(web3, receipt, "OrderStarted"), "OrderStarted", token)
    args = log["args"]
    check.equal("service", str(args["serviceId"]), str(index))
    check.that(
        args["amount"] >= amount_base,
        f"amount: expected {from_base_18(amount_base)} tokens, it has "
        f"{from_base_18(int(args['amount']))}",
    )
    check.that(
        check_address(sender) in (args["consumer"], args["payer"]),
        f"account: expected {sender}, it has consumer {args['consumer']} and payer {args['payer']}",
    )
    transfer = _paid_to_minter(check, token, web3, receipt, args)
    return check.transaction(web3, tx_id), log, transfer


def verify_transfer(
    token: ContractBase, web3: Web3, tx_id: str, sender: str, receiver: str
) -> tuple[Any, Any]:
    """Check a transfer; see `DataToken.verify_transfer_tx`."""
    check = _Check(f"Transaction {check_tx_hash(tx_id)} is not the transfer", "send them again")
    receipt = wait_for_receipt(web3, tx_id, operation="verify a transfer")
    check.that(receipt["status"] == 1, "it should have succeeded, but it was reverted")
    log = check.only(token._logs_in_receipt(web3, receipt, "Transfer"), "Transfer", token)
    check.equal("sender", log["args"]["from"], check_address(sender))
    check.equal("receiver", log["args"]["to"], check_address(receiver))
    return check.transaction(web3, tx_id), log


def _paid_to_minter(check: _Check, token: ContractBase, web3: Web3, receipt: Any, args: Any) -> Any:
    amount = int(args["amount"])
    market_fee = int(args["marketFee"])
    most_market_fee = fee_base(amount, MAX_MARKET_FEE_PERCENTAGE)
    check.that(
        market_fee <= most_market_fee + _ROUNDING_BASE,
        f"market fee: expected at most {most_market_fee}, it has {market_fee} (smallest unit)",
    )
    minter = check_address(token._call("minter", web3=web3))
    transfers = [
        log
        for log in token._logs_in_receipt(web3, receipt, "Transfer")
        if log["args"]["to"] == minter
    ]
    total = sum(int(log["args"]["value"]) for log in transfers)
    expected = amount - fee_base(amount, OPF_FEE_PERCENTAGE) - market_fee
    check.that(
        bool(transfers) and total >= expected - _ROUNDING_BASE,
        f"payment: expected {from_base_18(expected)} tokens to the minter {minter}, it moves "
        f"{from_base_18(total)}",
    )
    return max(transfers, key=lambda log: int(log["args"]["value"]))


class _Check:
    """Raises `VerifyTxFailed`, always in the same words."""

    def __init__(self, what: str, next_step: str) -> None:
        self._what = what
        self._next_step = next_step

    def that(self, holds: bool, fault: str) -> None:
        if not holds:
            raise VerifyTxFailed(f"{self._what}: {fault}. To go on, {self._next_step}.")

    def equal(self, name: str, actual: str, expected: str) -> None:
        self.that(actual == expected, f"{name}: expected {expected}, it has {actual}")

    def transaction(self, web3: Web3, tx_id: str) -> Any:
        with chain_errors("look up a transaction"):
            found = find_transaction(web3, check_tx_hash(tx_id))
        self.that(found is not None, "the node has its receipt and not the transaction itself")
        return found

    def only(self, logs: list[Any], event: str, token: ContractBase) -> Any:
        self.that(len(logs) == 1, f"expected one {event} log of {token}, it has {len(logs)}")
        return logs[0]
