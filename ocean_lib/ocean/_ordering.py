"""What is ordered, and how it is paid for."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.common.validation import check_address, check_service_index, printable
from ocean_lib.exceptions import InsufficientBalance, InvalidInput, OceanError
from ocean_lib.models.data_token import DataToken
from ocean_lib.models.metadata import data_token_of
from ocean_lib.ocean._amounts import Amount
from ocean_lib.ocean.util import from_base_18, to_base_18
from ocean_lib.web3_internal._chain_errors import add_to_message
from ocean_lib.web3_internal.constants import RECEIPT_TIMEOUT_S
from ocean_lib.web3_internal.contract_base import AnyWallet
from ocean_lib.web3_internal.signer import check_signer, signer_address
from ocean_lib.web3_internal.transactions import web3_of

if TYPE_CHECKING:
    from web3 import Web3

_ORDERABLE = (ServiceTypes.ASSET_ACCESS, ServiceTypes.CLOUD_COMPUTE)


class OnChain(staticmethod):  # type: ignore[type-arg]
    """A static method that, called on an instance, uses the instance's chain.

    The instance has a method `_with_chain` that calls a function with `web3` and limits.
    """

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        function = super().__get__(instance, owner)
        if instance is None:
            return function
        return functools.partial(instance._with_chain, function)


def service_to_order(asset: Asset, index: int | None, service_type: str | None) -> Service:
    """Return the service of an asset that is to be ordered.

    Args:
        asset: the asset.
        index: the service's index; not looked at when there is a type.
        service_type: its type.

    Raises:
        InvalidInput: the asset has no such service, or it cannot be ordered.
    """
    found = (
        asset.get_service(service_type)
        if service_type is not None
        else asset.get_service_by_index(int(index or 0))
    )
    offers = ", ".join(f"{s.index} ({s.type})" for s in asset.services if s.type in _ORDERABLE)
    hint = f"Services that can be ordered: {offers or 'none'}."
    wanted = f"type {printable(service_type)}" if service_type is not None else f"index {index}"
    if found is None:
        raise InvalidInput(f"Asset {asset.did} has no service of {wanted}. {hint}")
    if found.type not in _ORDERABLE:
        raise InvalidInput(
            f"Service {found.index} of asset {asset.did} is its {found.type} and cannot be "
            f"ordered. {hint}"
        )
    return found


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
    timeout_s: float = RECEIPT_TIMEOUT_S,
) -> str:
    """Pay for a service with data tokens, and check the order on the chain.

    Called on the class, as in ocean.py, it uses the wallet's `web3`; on an instance, the
    instance's.

    Args:
        amount: in tokens, as `order` says.
        token_address: the asset's data token.
        did: the asset.
        service_id: the service's index.
        fee_receiver: gets the market's fee; None: no such fee.
        from_wallet: pays.
        consumer: who may use the service; None: the payer.
        web3: the chain; None: the wallet's.
        gas_limit: the most gas; None: whatever is needed.
        timeout_s: how long to wait for the receipt.

    Returns:
        The order: the transaction's hash as `0x` hex.

    Raises:
        InsufficientBalance: the payer has fewer tokens; nothing was sent.
        InvalidInput: an argument cannot work; nothing was sent.
        TransactionFailed: refused or reverted.
        TransactionTimeout: sent, but in no block in time; it names the hash.
        VerifyTxFailed: it was sent, but is not the order that was meant.
    """
    chain = web3_of(from_wallet, web3)
    token = DataToken(token_address, web3=chain, gas_limit=gas_limit, timeout_s=timeout_s)
    payer = signer_address(check_signer(from_wallet))
    index = check_service_index(service_id)
    amount_base = to_base_18(amount)
    if token.address != data_token_of(did):
        raise InvalidInput(
            f"{token.address} is not the data token of {did}. Nothing was sent. Take it from "
            "the asset, or from order()."
        )
    balance = token.balanceOf(payer)
    if balance < amount_base:
        raise InsufficientBalance(
            f"Cannot pay for service {index} of {printable(did)}: {payer} has "
            f"{from_base_18(balance)} of data token {token.address} and needs "
            f"{from_base_18(amount_base)}. Nothing was sent. Get tokens from the publisher."
        )
    receiver = check_address(consumer, name="consumer") if consumer else payer
    tx_hash = token.startOrder(receiver, amount_base, index, fee_receiver, from_wallet)
    try:
        token.verify_order_tx(chain, tx_hash, did, index, amount_base, payer)
    except OceanError as error:
        add_to_message(error, f"The tokens are paid: the order is transaction {tx_hash}.")
        raise
    return tx_hash
