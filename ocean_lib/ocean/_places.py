"""Where a data set is computed on: its asset, its Provider, and what to do when that moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.aquarius.aquarius import Aquarius
from ocean_lib.common.http_requests.deadline import current_deadline
from ocean_lib.common.utils.expiring import Expiring
from ocean_lib.common.validation import check_did
from ocean_lib.exceptions import (
    ConnectFailed,
    EndpointNotFound,
    JobNotFound,
    NoComputeService,
    OceanError,
    RequestTimeout,
)

T = TypeVar("T")


class Places:
    """Assets by DID and the compute endpoints they name, remembered for a lifetime.

    Args:
        aquarius: the metadata cache.
        data_provider: knows the Providers' endpoints.
        lifetime_s: how long an asset is believed.
    """

    def __init__(self, aquarius: Aquarius, data_provider: Any, lifetime_s: float) -> None:
        self._aquarius = aquarius
        self._data_provider = data_provider
        self._assets: Expiring[str, Asset] = Expiring(1024, lifetime_s)

    def asset(self, did: str, *, fresh: bool = False) -> Asset:
        """Return the asset of a DID.

        Args:
            did: the asset's.
            fresh: ask for it even if it is remembered.

        Raises:
            InvalidDid: it is no DID.
            AssetNotFound: the metadata cache holds none.
        """
        check_did(did)
        known = self._assets.get(did)
        if known is not None and not fresh:
            return known
        asset = Asset(dictionary=self._aquarius.get_asset_ddo(did).as_dictionary())
        self._assets.put(did, asset)
        return asset

    def provider_of(self, did: str) -> str:
        """Return where a data set is computed on."""
        return compute_endpoint(self.asset(did))

    def clear(self) -> None:
        """Forget all assets."""
        self._assets.clear()

    def at_provider(self, did: str, name: str, act: Callable[[str], T]) -> T:
        """Call the Provider of a data set's compute service.

        If the place was remembered and is stale, it is looked up again and called once more.

        Args:
            did: the data set's.
            name: of the service in the Provider's discovery document.
            act: makes the call, given the service's URL.

        Returns:
            What `act` returned.
        """
        is_remembered = check_did(did) in self._assets
        provider_uri = compute_endpoint(self.asset(did))
        is_remembered = is_remembered or self._data_provider.knows_provider(provider_uri)
        try:
            return act(self._data_provider.build_endpoint(name, provider_uri)[1])
        except (EndpointNotFound, ConnectFailed, RequestTimeout, JobNotFound) as error:
            moved_to = self._moved_to(error, did, provider_uri) if is_remembered else None
            if moved_to is None:
                raise
        return act(self._data_provider.build_endpoint(name, moved_to)[1])

    def _moved_to(self, error: OceanError, did: str, provider_uri: str) -> str | None:
        """Look the place up again; return it if asking there may help and can do no harm."""
        deadline = current_deadline()
        if (deadline and deadline.is_over) or getattr(error, "may_have_arrived", False):
            return None
        try:
            now: str = compute_endpoint(self.asset(did, fresh=True))
            if now != provider_uri:
                return now
            if isinstance(error, JobNotFound):
                return None
            return now if self._has_changed(error, provider_uri) else None
        except OceanError:
            return None  # what went wrong first says more

    def _has_changed(self, error: OceanError, provider_uri: str) -> bool:
        """Read the Provider's services again; tell whether another call may end otherwise."""
        if not self._data_provider.knows_provider(provider_uri):
            return isinstance(error, (ConnectFailed, RequestTimeout))
        before = self._data_provider.get_service_endpoints(provider_uri)
        self._data_provider.forget_provider(provider_uri)
        after = self._data_provider.get_service_endpoints(provider_uri)
        # A Provider that was away has restarted; one that says 404 still says so at this place.
        return bool(after != before) or not isinstance(error, EndpointNotFound)


def compute_endpoint(asset: Asset) -> str:
    """Return where the asset's compute service is.

    Raises:
        NoComputeService: it has none, or the service names no place.
    """
    service = asset.get_service(ServiceTypes.CLOUD_COMPUTE)
    endpoint = service.service_endpoint if service is not None else None
    if not isinstance(endpoint, str) or not endpoint:
        offered = ", ".join(str(other.type) for other in asset.services) or "none"
        raise NoComputeService(
            f"Asset {asset.did} has no compute service with a serviceEndpoint; its services are: "
            f"{offered}. Choose a data set that is offered for compute."
        )
    return endpoint
