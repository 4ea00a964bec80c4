"""Publishing, paying and finding orders: what several commands do with assets."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ocean_lib.cli._exit_codes import CommandError, ExitCode
from ocean_lib.exceptions import NoComputeService

if TYPE_CHECKING:
    from ocean_lib.assets.asset import Asset
    from ocean_lib.cli._description import Description
    from ocean_lib.common.ddo.service import Service
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet


def publish_described(
    ocean: Ocean, description: Description, urls: list[str], wallet: Wallet
) -> Asset:
    """Publish an asset.

    Args:
        ocean: the client.
        description: of the asset.
        urls: of its files.
        wallet: the publisher's.
    """
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = description.token
    return ocean.assets.create(
        description.metadata(urls, created),
        wallet,
        description.services(ocean, wallet.address, created),
        data_token_address=token.address or None,
        dt_name=token.name or None,
        dt_symbol=token.symbol or None,
        dt_cap=token.cap or None,
    )


def buy(
    ocean: Ocean,
    did: str,
    wallet: Wallet,
    *,
    index: int | None = None,
    service_type: str | None = None,
) -> dict[str, Any]:
    """Order a service with data tokens that the wallet has.

    Args:
        ocean: the client.
        did: the asset.
        wallet: pays and consumes.
        index: which service; None: compute if there is one, else access.
        service_type: which service, in place of the index.

    Returns:
        The order, as the `order` command shows it.
    """
    asset = ocean.assets.resolve(did)
    service = service_of(asset, index, service_type)
    asked = ocean.assets.order(did, wallet.address, service_index=service.index)
    tx = ocean.assets.pay_for_service(
        asked.amount, asked.data_token_address, did, service.index, None, wallet
    )
    return {
        "did": did,
        "service_index": service.index,
        "service_type": service.type,
        "order_tx": tx,
        "amount": f"{asked.amount.normalize():f}",
        "data_token": asked.data_token_address,
        "consumer": wallet.address,
    }


def service_of(asset: Asset, index: int | None, service_type: str | None = None) -> Service:
    """Return the service that is meant: of this index or type; else compute, else access.

    Raises:
        NoComputeService: there is none.
    """
    if index is not None:
        found = asset.get_service_by_index(index)
    else:
        wanted = (service_type,) if service_type else ("compute", "access")
        found = next((s for kind in wanted if (s := asset.get_service(kind))), None)
    if found is None:
        offers = ", ".join(f"{service.index}: {service.type}" for service in asset.services)
        what = f"service {index}" if index is not None else f"{service_type or 'such'} service"
        raise NoComputeService(f"{asset.did} has no {what}; it has {offers or 'none'}.")
    return found


def index_of(asset: Asset, index: int | None, service_type: str | None = None) -> int:
    """Return the index of the service that is meant, see `service_of`."""
    return int(service_of(asset, index, service_type).index or 0)


def newest_order(ocean: Ocean, did: str, index: int, address: str) -> str:
    """Return the newest order of a service that this account may use.

    Raises:
        CommandError: there is none.
    """
    orders = ocean.get_user_orders(address, data_token_of(did), index)
    own = [order for order in orders if order.consumer.lower() == address.lower()]
    if not own:
        raise CommandError(
            f"{address} has no order of service {index} of {did}. "
            f"Order it: ocean-compute order {did} --service {index}",
            ExitCode.NOT_FOUND,
        )
    return str(own[-1].transactionId)


def data_token_of(did: str) -> str:
    """Return the address of an asset's data token, which is in its DID.

    Raises:
        InvalidDid: it is none.
    """
    from ocean_lib.checks import check_did
    from ocean_lib.models.metadata import data_token_of as address_of

    return str(address_of(check_did(did)))
