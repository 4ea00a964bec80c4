"""What is ordered, and how it is paid for."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.v3.rules import price_base, service_to_order
from ocean_lib.checks import check_address, check_did, check_service_index
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import (
    AssetNotFound,
    InsufficientBalance,
    InvalidAddress,
    InvalidInput,
    OceanError,
    add_to_message,
)
from ocean_lib.http.deadline import current_deadline, time_limit
from ocean_lib.models.amounts import Amount
from ocean_lib.models.data_token import DataToken
from ocean_lib.models.metadata import data_token_of
from ocean_lib.ocean.util import from_base_18, to_base_18
from ocean_lib.web3_internal.constants import RECEIPT_TIMEOUT_S
from ocean_lib.web3_internal.contract_base import AnyWallet
from ocean_lib.web3_internal.signer import check_signer, signer_address
from ocean_lib.web3_internal.transactions import web3_of

if TYPE_CHECKING:
    from web3 import Web3

logger = logging.getLogger(__name__)

LOOK_UP_S = 10.0
"""So long at most an asset is looked up before it is paid for: to pay does not depend on it."""


class OnChain(staticmethod):  # type: ignore[type-arg]
    """A static method that, called on an instance, uses the instance's chain and assets.

    The instance has a method `_with_chain` that calls a function with them.
    """

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        function = super().__get__(instance, owner)
        if instance is None:
            return function
        return functools.partial(instance._with_chain, function)


def pay_for_service(
    amount: Amount,
    token_address: str,
    did: str,
    service_id: int,
    fee_receiver: str | None,
    from_wallet: AnyWallet,
    consumer: str | None = None,
    *,
    web3: Web3 | None = None,
    gas_limit: int | None = None,
    max_fee_wei: int | None = None,
    timeout_s: float = RECEIPT_TIMEOUT_S,
    asset_of: Callable[[str], Asset] | None = None,
) -> str:
    """Pay for a service with data tokens, and check the order on the chain.

    Called on an instance, it uses the instance's chain, and looks the asset up: what the Provider
    would not take as an order is not paid. When the metadata cache cannot be asked, a warning is
    logged, and it is paid all the same. Called on the class, as in ocean.py, it uses the wallet's
    `web3`, and looks nothing up.

    Args:
        amount: in tokens, as `order` says; more will do.
        token_address: the asset's data token.
        did: the asset; its id (the data token's address) will do.
        service_id: the service's index.
        fee_receiver: gets the market's fee; None: no such fee.
        from_wallet: pays.
        consumer: who may use the service; None: the payer.
        web3: the chain; None: the wallet's.
        gas_limit: the most gas; None: whatever is needed.
        max_fee_wei: the most that the gas may cost; None: MAX_TRANSACTION_FEE in the environment,
            or 1 ether.
        timeout_s: how long to wait for the receipt.
        asset_of: looks an asset up by its DID; None: service and price are not checked.

    Returns:
        The order: the transaction's hash as `0x` hex.

    Raises:
        InsufficientBalance: the payer has fewer tokens; nothing was sent.
        InvalidInput: an argument cannot work: the DID, or there is no such service, or it costs
            more; nothing was sent.
        AssetNotFound: the metadata cache does not have the asset; nothing was sent.
        TransactionFailed: refused or reverted.
        TransactionTimeout: sent, but in no block in time; it names the hash.
        VerifyTxFailed: it was sent, but is not the order that was meant.
    """
    did = _as_did(did)
    address = check_address(token_address, name="token_address")
    if address != data_token_of(did):
        raise InvalidInput(
            f"{address} is not the data token of {did}. Nothing was sent. Take it from "
            "the asset, or from order()."
        )
    payer = signer_address(check_signer(from_wallet))
    index = check_service_index(service_id)
    amount_base = to_base_18(amount)
    receiver = check_address(consumer, name="consumer") if consumer else payer
    if fee_receiver:
        check_address(fee_receiver, name="fee_receiver")
    chain = web3_of(from_wallet, web3)
    token = DataToken(
        address, web3=chain, gas_limit=gas_limit, max_fee_wei=max_fee_wei, timeout_s=timeout_s
    )
    if asset_of is not None:
        _check_service(asset_of, [did, _did_of(address)], index, amount_base)
    balance = token.balanceOf(payer)
    if balance < amount_base:
        raise InsufficientBalance(
            f"Cannot pay for service {index} of {did}: {payer} has "
            f"{from_base_18(balance)} of data token {token.address} and needs "
            f"{from_base_18(amount_base)}. Nothing was sent. Get tokens from the publisher."
        )
    tx_hash = token.startOrder(receiver, amount_base, index, fee_receiver, from_wallet)
    try:
        token.verify_order_tx(chain, tx_hash, did, index, amount_base, payer)
    except OceanError as error:
        add_to_message(error, f"The tokens are paid: the order is transaction {tx_hash}.")
        raise
    return tx_hash


def _as_did(did: object) -> str:
    """Return a DID; ocean.py took the data token's address as well, with `0x` or without."""
    if isinstance(did, str) and not did.startswith("did:"):
        with suppress(InvalidAddress):
            return _did_of(data_token_of(did))
    return check_did(did)


def _did_of(token_address: str) -> str:
    """Return the DID that ocean.py and ocean.js publish a data token's asset under."""
    return f"did:op:{token_address[2:]}"


def _check_service(
    asset_of: Callable[[str], Asset], dids: list[str], index: int, amount_base: int
) -> None:
    """Refuse to pay for what the Provider would not take as an order of the service.

    Nothing is refused because nobody could be asked.
    """
    try:
        asset = _looked_up(asset_of, dids)
        if asset is not None:
            _check_price(asset, service_to_order(asset, index, None), amount_base)
    except OceanError as error:
        add_to_message(error, "Nothing was sent.")
        raise


def _looked_up(asset_of: Callable[[str], Asset], dids: list[str]) -> Asset | None:
    """Return an asset by the first spelling that is known; None if nobody can be asked."""
    missing: AssetNotFound | None = None
    try:
        with time_limit(LOOK_UP_S):
            for did in dict.fromkeys(dids):
                try:
                    return asset_of(did)
                except AssetNotFound as error:
                    missing = missing or error
    except OceanError as error:
        limit = current_deadline()
        if limit is not None and limit.is_over:
            raise
        logger.warning("%s is paid for without a look at the asset: %s", dids[0], error)
        return None
    if missing is not None:
        raise missing
    return None


def _check_price(asset: Asset, service: Service, amount_base: int) -> None:
    try:
        price = price_base(service)
    except InvalidInput as error:
        add_to_message(error, "Ask the publisher to set it.")
        raise
    if amount_base < price:
        raise InvalidInput(
            f"Service {service.index} ({service.type}) of {asset.did} costs "
            f"{from_base_18(price)}, and the amount is {from_base_18(amount_base)}: the Provider "
            "would not take it as an order. Pay what order() says, or more."
        )
