"""What is ordered, and how it is paid for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.signing import check_trusted
from ocean_lib.backends.v3.calls import OrderRequirements
from ocean_lib.backends.v3.rules import price_base, service_to_order
from ocean_lib.base.arguments import check_folder
from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.checks import (
    check_address,
    check_did,
    check_service_index,
    check_token_did,
    check_tx_hash,
    printable,
)
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents.search import AssetSearch
from ocean_lib.exceptions import (
    AssetNotConsumable,
    AssetNotFound,
    DownloadError,
    InsufficientBalance,
    InvalidAddress,
    InvalidInput,
    MalformedResponse,
    OceanError,
    add_to_message,
)
from ocean_lib.http.deadline import current_deadline, time_limit
from ocean_lib.models.amounts import Amount
from ocean_lib.models.chain_access import ChainAccess
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
"""How long to look up an asset before paying for it: the payment does not depend on it."""


class Orders:
    """The part of `OceanAssets` that orders services, pays for them, and downloads files.

    Args:
        config: names the trusted Providers, and limits transactions.
        data_provider: asks the Provider.
        search: looks assets up.
        chain: where orders are paid.
    """

    def __init__(
        self, config: Any, data_provider: Any, search: AssetSearch, chain: ChainAccess
    ) -> None:
        self._config = config
        self._data_provider = data_provider
        self._search = search
        self._chain = chain

    def requirements(
        self,
        did: str,
        consumer_address: str,
        service_index: int | None,
        service_type: str | None,
    ) -> OrderRequirements:
        """Ask what it takes to use a service of an asset; see `OceanAssets.order`."""
        consumer = check_address(consumer_address, name="consumer_address")
        if service_type is None and service_index is None:
            raise InvalidInput("Give service_index or service_type to say what to order.")
        if service_type is None:
            service_index = check_service_index(service_index, name="service_index")
        asset = self._search.resolve(did)
        service = service_to_order(asset, service_index, service_type)
        endpoint = str(service.service_endpoint)
        self._check_consumable(asset, consumer, endpoint)
        _, initialize_url = self._data_provider.build_initialize_endpoint(endpoint)
        token = check_address(asset.data_token_address)
        requirements: OrderRequirements = self._data_provider.get_order_requirements(
            str(asset.did), initialize_url, consumer, service.index, service.type, token
        )
        if requirements.data_token_address.lower() != token.lower():
            raise MalformedResponse(
                f"The Provider wants data token {requirements.data_token_address} for {did}, whose "
                f"own is {token}. Nothing was paid. Ask the publisher which is right.",
                operation="order a service",
            )
        return requirements

    def pay(self, function: Callable[..., str], *args: Any, **kwargs: Any) -> str:
        """Call `pay_for_service` with this configuration's chain, limits and assets."""
        limits = {
            "web3": self._chain.web3,
            "gas_limit": self._config.gas_limit,
            "max_fee_wei": self._config.max_fee_wei,
            "timeout_s": self._config.transaction_timeout_s,
            "asset_of": self._search.resolve,
        }
        return function(*args, **{**limits, **kwargs})

    def download(
        self,
        did: str,
        service_index: int,
        consumer_wallet: Any,
        order_tx_id: str,
        destination: str,
        index: int | None,
    ) -> str:
        """Download the files of an ordered asset; see `OceanAssets.download`."""
        address = signer_address(check_signer(consumer_wallet))
        wanted = check_service_index(service_index, name="service_index")
        check_tx_hash(order_tx_id, name="order_tx_id")
        place = check_folder("destination", destination)
        if index is not None:
            index = check_service_index(index, name="index")
        asset = self._search.resolve(did)
        service = service_to_order(asset, wanted, None)
        if service.type != ServiceTypes.ASSET_ACCESS:
            raise InvalidInput(
                f"Service {wanted} of {did} is of type {service.type}: only "
                f"{ServiceTypes.ASSET_ACCESS} services give files away."
            )
        check_trusted(self._config, str(service.service_endpoint), did)
        self._check_consumable(asset, address, str(service.service_endpoint))
        _, endpoint = self._data_provider.build_download_endpoint(service.service_endpoint)
        # Named after the DID that was asked for, which is checked: it cannot leave the folder.
        asset_id = "0x" + check_did(did).rpartition(":")[2]
        folder = place.resolve() / f"datafile.{asset_id}.{wanted}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DownloadError(
                f"The folder {printable(str(folder), limit=300)} cannot be created: "
                f"{error.strerror}."
            ) from None
        self._data_provider.download_service(
            did,
            endpoint,
            consumer_wallet,
            (asset.metadata or {}).get("main", {}).get("files", []),
            str(folder),
            wanted,
            asset.data_token_address,
            order_tx_id,
            index,
        )
        return str(folder)

    def _check_consumable(self, asset: Asset, address: str, service_endpoint: str) -> None:
        credential = {"type": "address", "value": address}
        code = asset.is_consumable(credential, with_connectivity_check=False)
        # Asked here rather than by the asset, which knows no session but the shared one.
        if code != ConsumableCodes.ASSET_DISABLED and not self._data_provider.check_asset_file_info(
            asset, service_endpoint
        ):
            code = ConsumableCodes.CONNECTIVITY_FAIL
        if code != ConsumableCodes.OK:
            raise AssetNotConsumable(code, str(asset.did), address)


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

    Called on an instance, it uses the instance's chain and looks up the asset, and does not pay
    what the Provider would not accept as an order. If the metadata cache does not answer, it logs a
    warning and still pays. Called on the class, as in ocean.py, it uses the wallet's `web3` and
    looks up nothing.

    Args:
        amount: in tokens, as `order` says, or more.
        token_address: the asset's data token.
        did: the asset, or its id (the data token's address).
        service_id: the service's index.
        fee_receiver: gets the market's fee; None: there is no such fee.
        from_wallet: pays.
        consumer: who may use the service; None: the payer.
        web3: the chain; None: the wallet's.
        gas_limit: the most gas; None: whatever is needed.
        max_fee_wei: the most that the gas may cost; None: MAX_TRANSACTION_FEE in the environment,
            or 1 ether.
        timeout_s: how long to wait for the receipt.
        asset_of: looks up an asset by its DID; None: service and price are not checked.

    Returns:
        The order: the transaction's hash as `0x` hex.

    Raises:
        InsufficientBalance: the payer has fewer tokens; nothing was sent.
        InvalidInput: the DID is invalid, the service does not exist, or it costs more; nothing was
            sent.
        AssetNotFound: the metadata cache does not have the asset; nothing was sent.
        TransactionFailed: refused or reverted.
        TransactionTimeout: sent, but in no block in time; it names the hash.
        VerifyTxFailed: it was sent, but is not the intended order.
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
        with interrupted_saying(f"the order was paid in transaction {tx_hash}, and goes on"):
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
    return check_token_did(did)


def _did_of(token_address: str) -> str:
    """Return the DID that ocean.py and ocean.js publish a data token's asset under."""
    return f"did:op:{token_address[2:]}"


def _check_service(
    asset_of: Callable[[str], Asset], dids: list[str], index: int, amount_base: int
) -> None:
    """Refuse to pay for what the Provider would not accept as an order of the service."""
    try:
        asset = _looked_up(asset_of, dids)
        if asset is not None:
            _check_price(asset, service_to_order(asset, index, None), amount_base)
    except OceanError as error:
        add_to_message(error, "Nothing was sent.")
        raise


def _looked_up(asset_of: Callable[[str], Asset], dids: list[str]) -> Asset | None:
    """Return an asset by the first spelling that is known; None if the cache does not answer."""
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
        logger.warning("%s is paid for without checking the asset: %s", dids[0], error)
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
            "would not accept it as an order. Pay what order() says, or more."
        )
