"""Orders in the datatokens of a node's generation (ERC20Template): placing and finding them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocean_lib.backends.node.tokens import Token, allowing
from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.checks import check_address, check_service_index, check_tx_hash
from ocean_lib.exceptions import InsufficientBalance, OceanError, VerifyTxFailed, add_to_message
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.contract_base import AnyWallet
from ocean_lib.web3_internal.signer import signer_address
from ocean_lib.web3_internal.transactions import wait_for_receipt

ORDER_BASE = 10**18
"""What an order takes: one datatoken, in its smallest unit."""

_NO_MARKET = (ZERO_ADDRESS, ZERO_ADDRESS, 0)
_STARTED, _REUSED = "OrderStarted", "OrderReused"


@dataclass(frozen=True)
class ProviderFee:
    """What a node takes for an order, and signs; the datatoken's contract checks the signature.

    Attributes:
        address: who gets it.
        token: the address of the token that it is paid in.
        amount_base: how much, in that token's smallest unit.
        v, r, s: the signature.
        valid_until: as the node says it: 0, or the service's timeout in seconds.
        data: what the fee is for.
    """

    address: str
    token: str
    amount_base: int
    v: int
    r: bytes
    s: bytes
    valid_until: int
    data: bytes

    @property
    def as_argument(self) -> tuple[Any, ...]:
        """The fee as the contract takes it."""
        token, amount = check_address(self.token), self.amount_base
        signature = (self.v, self.r, self.s)
        return (check_address(self.address), token, amount, *signature, self.valid_until, self.data)


@dataclass(frozen=True)
class FoundOrder:
    """An order that is on the chain.

    Attributes:
        tx_hash: the transaction that started it, or paid for it again: what a node is told.
        timestamp_s: when, in epoch seconds by the chain's clock.
    """

    tx_hash: str
    timestamp_s: int


class Datatoken(Token):
    """A datatoken of a node's generation; an order takes one of it."""

    CONTRACT_NAME = "ERC20Template"

    def fees(self, fee: ProviderFee, *, is_new: bool) -> dict[str, int]:
        """Return what an order costs besides the datatoken, by the token's address.

        Args:
            fee: the node's.
            is_new: whether it is a new order, for which the market takes its fee too.

        Returns:
            Amounts above 0, in the smallest unit of their token.
        """
        parts = [(fee.token, fee.amount_base)]
        if is_new:
            _, token, amount = self._call("getPublishingMarketFee")
            parts.append((token, int(amount)))
        found: dict[str, int] = {}
        for token, amount in parts:
            if amount:
                found[check_address(token)] = found.get(check_address(token), 0) + amount
        return found

    def dispensers(self) -> list[str]:
        """Return the addresses of the contracts that give it away."""
        return [check_address(one) for one in self._call("getDispensers")]

    def exchanges(self) -> list[tuple[str, bytes]]:
        """Return where it is sold: the exchange's address, and the id there."""
        found = self._call("getFixedRates")
        return [(check_address(address), bytes(exchange_id)) for address, exchange_id in found]

    def start_order(
        self, consumer: str, service_index: int, fee: ProviderFee, wallet: AnyWallet
    ) -> str:
        """Order a service, and check the order by its receipt.

        It is sent whether or not there is one: ask `newest_order` first.

        Args:
            consumer: who may use it: the environment's consumer address.
            service_index: the service's index.
            fee: the node's.
            wallet: pays one datatoken and the fees.

        Returns:
            The transaction's hash.

        Raises:
            InsufficientBalance: the wallet has no datatoken, or too little for a fee; nothing was
                sent.
            TransactionFailed: refused or reverted.
            TransactionTimeout: sent, but in no block in time; it names the hash.
            VerifyTxFailed: it was sent, but is not the intended order.
        """
        payer, receiver = signer_address(wallet), check_address(consumer, name="consumer")
        if self.balanceOf(payer) < ORDER_BASE:
            raise InsufficientBalance(
                f"{payer} has less than 1 of datatoken {self.address}, which an order takes. "
                "Nothing was sent. Get it from its dispenser or exchange, or from the publisher."
            )
        arguments = (receiver, check_service_index(service_index), fee.as_argument, _NO_MARKET)
        tx = self._paid("startOrder", arguments, self.fees(fee, is_new=True), wallet)
        self._checked(tx, lambda: self.verify_start(tx, receiver, service_index, payer))
        return tx

    def reuse_order(self, order_tx: str, fee: ProviderFee, wallet: AnyWallet) -> str:
        """Pay the node's fee for an order that is valid, again, and check it by its receipt.

        Args:
            order_tx: the order.
            fee: the node's.
            wallet: pays.

        Returns:
            The new transaction's hash, which takes the order's place.

        Raises:
            ChainError: as `start_order`.
        """
        order, payer = check_tx_hash(order_tx), signer_address(wallet)
        arguments = (bytes.fromhex(order[2:]), fee.as_argument)
        tx = self._paid("reuseOrder", arguments, self.fees(fee, is_new=False), wallet)
        self._checked(tx, lambda: self.verify_reuse(tx, order, payer))
        return tx

    def verify_start(self, tx_hash: str, consumer: str, service_index: int, payer: str) -> None:
        """Check that a transaction is an order of a service.

        Raises:
            VerifyTxFailed: it is another order, or none.
            TransactionTimeout: it is in no block in time.
        """
        expected = {
            "consumer": check_address(consumer),
            "payer": check_address(payer),
            "serviceIndex": check_service_index(service_index),
            "amount": ORDER_BASE,
        }
        self._verify(tx_hash, _STARTED, expected)

    def verify_reuse(self, tx_hash: str, order_tx: str, payer: str) -> None:
        """Check that a transaction pays for an order again.

        Raises:
            VerifyTxFailed: it does something else.
            TransactionTimeout: it is in no block in time.
        """
        order = bytes.fromhex(check_tx_hash(order_tx)[2:])
        self._verify(tx_hash, _REUSED, {"orderTxId": order, "caller": check_address(payer)})

    def newest_order(self, consumer: str, payer: str, service_index: int) -> FoundOrder | None:
        """Find the order of a service that was started or paid for again last.

        Args:
            consumer: who may use it.
            payer: who paid for it.
            service_index: the service's index.

        Raises:
            ChainError: the chain could not be asked, or does not search so many blocks.
        """
        wanted = check_address(payer), check_service_index(service_index)
        started = [
            log
            for log in self.get_event_logs(_STARTED, {"consumer": check_address(consumer)})
            if (log["args"]["payer"], log["args"]["serviceIndex"]) == wanted
        ]
        if not started:
            return None
        known = {bytes(log["transactionHash"]) for log in started}
        reused = [
            log
            for log in self.get_event_logs(_REUSED)
            if bytes(log["args"]["orderTxId"]) in known and log["args"]["caller"] == wanted[0]
        ]
        last = max([*started, *reused], key=lambda log: (log["blockNumber"], log["logIndex"]))
        return FoundOrder(
            "0x" + bytes(last["transactionHash"]).hex(), int(last["args"]["timestamp"])
        )

    def _paid(
        self, function: str, arguments: tuple[Any, ...], fees: Mapping[str, int], wallet: AnyWallet
    ) -> str:
        with allowing(wallet, self.address, fees, self.web3, **self.limits):
            return self.send_transaction(function, arguments, wallet)

    def _checked(self, tx: str, verify: Any) -> None:
        try:
            with interrupted_saying(f"the order was paid in transaction {tx}, and goes on"):
                verify()
        except OceanError as error:
            add_to_message(error, f"It is paid: the order is transaction {tx}.")
            raise

    def _verify(self, tx_hash: str, event: str, expected: Mapping[str, Any]) -> None:
        receipt = wait_for_receipt(
            self.web3,
            check_tx_hash(tx_hash),
            operation="verify an order",
            timeout_s=self._timeout_s,
        )
        logs = self._logs_in_receipt(self.web3, receipt, event) if receipt["status"] == 1 else []
        found = [{name: log["args"][name] for name in expected} for log in logs]
        if expected not in found:
            what = ", ".join(f"{name} {_shown(value)}" for name, value in expected.items())
            raise VerifyTxFailed(
                f"Transaction {tx_hash} is not the order: expected an {event} of {self} with "
                f"{what}, and it has {_described(found)}. To go on, order the service again."
            )


def _described(found: list[dict[str, Any]]) -> str:
    return "; ".join(", ".join(map(_shown, one.values())) for one in found) or "none"


def _shown(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
