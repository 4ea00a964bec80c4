"""A V3 Provider's rules, applied to published assets: services, prices, and who may use them."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from ocean_lib.assets.asset import Asset
from ocean_lib.checks import check_service_index, printable
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import AssetNotConsumable, InvalidInput, NoComputeService
from ocean_lib.http.redaction import one_line
from ocean_lib.models.amounts import fits_contract, whole_base
from ocean_lib.models.compute_input import ComputeInput

DATA_NOT_READ = "status 31, Data provisioning failed"
ALGORITHM_NOT_READ = "status 32, Algorithm provisioning failed"
"""How a job ends whose files cannot be read when it runs."""

ORDERABLE = (ServiceTypes.ASSET_ACCESS, ServiceTypes.CLOUD_COMPUTE)

_DECIMALS = 18


def check_may_consume(asset: Asset, address: str) -> None:
    """Check the asset itself: it must not be disabled, and must allow the address.

    Raises:
        AssetNotConsumable: with the code.
    """
    code = asset.is_consumable({"type": "address", "value": address}, with_connectivity_check=False)
    if code != ConsumableCodes.OK:
        raise AssetNotConsumable(code, asset.did or "", address)


def service_at(asset: Asset, index: int | str, *, of_types: Collection[str]) -> Service:
    """Return the service of an asset at this index.

    Raises:
        InvalidInput: it is an id instead of an index.
        NoComputeService: there is none, or it is of another type.
    """
    index = check_service_index(index)
    service = asset.get_service_by_index(index)
    if service is None or service.type not in of_types:
        offered = ", ".join(f"{other.index}: {other.type}" for other in asset.services)
        is_what = "does not exist" if service is None else f"is of type {service.type}"
        raise NoComputeService(
            f"Service {index} of {asset.did} {is_what}; needed is one of type "
            f"{' or '.join(sorted(of_types))}. The asset offers {offered or 'no services'}."
        )
    return service


def check_input(asset: Asset, item: ComputeInput, consumer: str, *, is_main: bool) -> None:
    """Check the asset of an input: its service, and that the consumer may use it.

    The main input needs a compute service; the others may also be offered for access.

    Raises:
        NoComputeService, AssetNotConsumable: with the DID.
    """
    types = {ServiceTypes.CLOUD_COMPUTE}
    if not is_main:
        types.add(ServiceTypes.ASSET_ACCESS)
    service_at(asset, item.service_id, of_types=types)
    check_may_consume(asset, consumer)


def service_to_order(asset: Asset, index: int | None, service_type: str | None) -> Service:
    """Return the service of an asset that is to be ordered: of a type, or else at an index.

    Raises:
        InvalidInput: the asset has no such service, or it cannot be ordered.
    """
    found = (
        asset.get_service(service_type)
        if service_type is not None
        else asset.get_service_by_index(int(index or 0))
    )
    offers = ", ".join(f"{s.index} ({s.type})" for s in asset.services if s.type in ORDERABLE)
    hint = f"Services that can be ordered: {offers or 'none'}."
    wanted = (
        f"type {printable(service_type)}"
        if service_type is not None
        else f"index {printable(index)}"
    )
    if found is None:
        raise InvalidInput(f"Asset {asset.did} has no service of {wanted}. {hint}")
    if found.type not in ORDERABLE:
        raise InvalidInput(
            f"Service {found.index} of asset {asset.did} is its {one_line(found.type, 80)} and "
            f"cannot be ordered. {hint}"
        )
    return found


def service_meant(asset: Asset, index: int | None, types: Collection[str]) -> Service:
    """Return the service of an asset at an index or, without one, the first of these types.

    Args:
        asset: the asset.
        index: the service's index; None: the first type that the asset has.
        types: in the order of preference.

    Raises:
        NoComputeService: there is none.
    """
    found = (
        asset.get_service_by_index(index)
        if index is not None
        else next((s for kind in types if (s := asset.get_service(kind))), None)
    )
    if found is None:
        offers = ", ".join(f"{service.index}: {service.type}" for service in asset.services)
        what = f"service {index}" if index is not None else f"{' or '.join(types)} service"
        raise NoComputeService(f"{asset.did} has no {what}; it has {offers or 'none'}.")
    return found


def price_base(service: Service) -> int:
    """Return a service's price in the smallest unit, as the Provider computes it.

    Raises:
        InvalidInput: the service names none, or one that is no number from 0 on, or more than any
            token holds.
    """
    cost = service.main.get("cost")
    try:
        price = _base(Decimal(str(cost)))
    except (ArithmeticError, ValueError):  # no number, or more digits than Python writes
        price = None
    if price is None:
        raise InvalidInput(
            f"Service {service.index} ({service.type}) names no price that can be paid: its cost "
            f"is {printable(repr(cost) if isinstance(cost, float) else cost)}."
        )
    return price


def is_same_price(amount: Decimal, price: int) -> bool:
    """Tell whether an amount in tokens is a price in the smallest unit."""
    return _base(amount) == price


def _base(amount: Decimal) -> int | None:
    if amount.is_finite() and amount >= 0 and fits_contract(amount, _DECIMALS):
        return whole_base(amount, _DECIMALS)
    return None
