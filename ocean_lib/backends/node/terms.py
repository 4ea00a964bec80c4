"""What a node answers to the question what a job costs (`initializeCompute`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocean_lib.backends.node.orders import ProviderFee
from ocean_lib.checks import check_address, check_tx_hash
from ocean_lib.exceptions import InvalidInput


@dataclass(frozen=True)
class OrderTerms:
    """What an order of one service takes.

    Attributes:
        did: the asset.
        service_id: the service's id.
        datatoken: the address of the token that it is ordered with.
        consumer: who the order has to be for: the environment.
        order_tx: the order that was asked about, if it is valid; else ''.
        fee: what is to be paid besides the datatoken, or for a valid order; None if nothing is.
    """

    did: str
    service_id: str
    datatoken: str
    consumer: str
    order_tx: str
    fee: ProviderFee | None


@dataclass(frozen=True)
class Terms:
    """What a job costs.

    Attributes:
        orders: one for each published data set, and for a published algorithm.
        escrow: the address of the contract that the price is paid through.
        payee: who locks and takes it.
        chain_id: where.
        lock_s: for how long it is locked at most.
        token: the address of the token to pay in.
        amount_base: the price, in the token's smallest unit.
    """

    orders: tuple[OrderTerms, ...]
    escrow: str
    payee: str
    chain_id: int
    lock_s: int
    token: str
    amount_base: int

    def of(self, did: str, service_id: str) -> OrderTerms | None:
        """Return the terms of one service's order; None if the node names none."""
        wanted = did, service_id
        return next((one for one in self.orders if (one.did, one.service_id) == wanted), None)


def terms_of(said: Any) -> Terms | None:
    """Read the node's answer; None if it is not such an answer."""
    try:
        payment, algorithm = said["payment"], said.get("algorithm") or {}
        orders = [*said["datasets"], *([algorithm] if algorithm.get("did") else [])]
        return Terms(
            orders=tuple(map(_order, orders)),
            escrow=check_address(payment["escrowAddress"]),
            payee=check_address(payment["payee"]),
            chain_id=_whole(payment["chainId"]),
            lock_s=_whole(payment["minLockSeconds"]),
            token=check_address(payment["token"]),
            amount_base=_whole(payment["amount"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInput):
        return None


def _order(said: Mapping[str, Any]) -> OrderTerms:
    order, fee = said.get("validOrder"), said.get("providerFee")
    return OrderTerms(
        did=str(said["did"]),
        service_id=str(said["serviceId"]),
        datatoken=check_address(said["datatoken"]),
        consumer=check_address(said["consumerAddress"]),
        order_tx=check_tx_hash(order) if order else "",
        fee=_fee(fee) if fee else None,
    )


def _fee(said: Mapping[str, Any]) -> ProviderFee:
    return ProviderFee(
        address=check_address(said["providerFeeAddress"]),
        token=check_address(said["providerFeeToken"]),
        amount_base=_whole(said["providerFeeAmount"]),
        v=_whole(said["v"]),
        r=_bytes(said["r"]),
        s=_bytes(said["s"]),
        valid_until=_whole(said["validUntil"]),
        data=_bytes(said["providerData"]),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _whole(value: Any) -> int:
    """Return a whole number from 0 on, also from its text."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError
    number = int(value)
    if number < 0:
        raise ValueError
    return number
