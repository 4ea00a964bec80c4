"""A V3 Provider's rules, applied to published assets: services, and who may use them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import AssetNotConsumable, NoComputeService
from ocean_lib.jobs.plan import JobPlan


def check_may_consume(asset: Asset, address: str) -> None:
    """Check what the asset itself says: not disabled, and the address is let in.

    Raises:
        AssetNotConsumable: with the code.
    """
    code = asset.is_consumable({"type": "address", "value": address}, with_connectivity_check=False)
    if code != ConsumableCodes.OK:
        raise AssetNotConsumable(code, asset.did or "", address)


def service_at(asset: Asset, index: int, *, of_types: Collection[str]) -> Service:
    """Return the service of an asset at this index.

    Raises:
        NoComputeService: there is none, or it is of another type.
    """
    service = asset.get_service_by_index(index)
    if service is None or service.type not in of_types:
        offered = ", ".join(f"{other.index}: {other.type}" for other in asset.services)
        is_what = "does not exist" if service is None else f"is of type {service.type}"
        raise NoComputeService(
            f"Service {index} of {asset.did} {is_what}; needed is one of type "
            f"{' or '.join(sorted(of_types))}. The asset offers {offered or 'no services'}."
        )
    return service


def check_services(plan: JobPlan, asset_of: Callable[[str], Asset]) -> None:
    """Check each input's asset: its service, and that the consumer may use it.

    The main input needs a compute service; the others may also be offered for access.

    Raises:
        NoComputeService, AssetNotConsumable: with the DID.
    """
    for position, item in enumerate(plan.inputs):
        asset = asset_of(item.did)
        types = {ServiceTypes.CLOUD_COMPUTE}
        if position:
            types.add(ServiceTypes.ASSET_ACCESS)
        service_at(asset, item.service_id, of_types=types)
        check_may_consume(asset, plan.consumer)
