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

KNOWN_FOR_S = 24 * 3600.0
"""How long it is remembered at which of several services a job was started."""


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
        self._services: Expiring[str, int] = Expiring(4096, KNOWN_FOR_S)

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

    def provider_of(self, did: str, job_id: str = "", owner: str = "") -> str:
        """Return where a data set is computed on, or a job on it runs."""
        asset = self.asset(did)
        return compute_endpoint(asset, self._service_of(asset, job_id, owner))

    def clear(self) -> None:
        """Forget all assets."""
        self._assets.clear()

    def started(self, job_id: str, service_id: int) -> str:
        """Remember the service that a job was started at; return the job's id."""
        self._services.put(job_id, service_id)
        return job_id

    def at_each(self, did: str, name: str, act: Callable[[str], list[T]]) -> list[T]:
        """Call all Providers that compute on a data set, mostly one; return what they list."""
        is_remembered = check_did(did) in self._assets
        asset = self.asset(did)
        return [
            item
            for index in _places_of(asset).values()
            for item in self._act(asset, index, is_remembered, name, act)
        ]

    def at_provider(
        self,
        did: str,
        name: str,
        act: Callable[[str], T],
        *,
        service_id: int | None = None,
        job_id: str = "",
        owner: str = "",
    ) -> T:
        """Call the Provider of a data set's compute service.

        If the place was remembered and is stale, it is looked up again and called once more.

        Args:
            did: the data set's.
            name: of the service in the Provider's discovery document.
            act: makes the call, given the service's URL.
            service_id: which of the data set's compute services.
            job_id: the job that the call is about, if that tells the service.
            owner: of that job.

        Returns:
            What `act` returned.
        """
        is_remembered = check_did(did) in self._assets
        asset = self.asset(did)
        if service_id is None:
            service_id = self._service_of(asset, job_id, owner)
        return self._act(asset, service_id, is_remembered, name, act)

    def _service_of(self, asset: Asset, job_id: str, owner: str) -> int | None:
        """Return the index of the service that has a job; None where there is no choice."""
        places = _places_of(asset) if job_id else {}
        if len(places) < 2:
            return None
        known = self._services.get(job_id)
        if known is not None:
            return known
        failure: OceanError | None = None
        for endpoint, index in places.items():
            try:
                url = self._data_provider.build_endpoint("computeStatus", endpoint)[1]
                self._data_provider.compute_job_status(asset.did, job_id, url, owner)
            except JobNotFound:
                continue
            except OceanError as error:
                failure = error  # another Provider may have it all the same
            else:
                if index is not None:
                    self._services.put(job_id, index)
                return index
        if failure is not None:
            raise failure
        return None

    def _act(
        self,
        asset: Asset,
        service_id: int | None,
        is_remembered: bool,
        name: str,
        act: Callable[[str], T],
    ) -> T:
        provider_uri = compute_endpoint(asset, service_id)
        is_remembered = is_remembered or self._data_provider.knows_provider(provider_uri)
        try:
            return act(self._data_provider.build_endpoint(name, provider_uri)[1])
        except (EndpointNotFound, ConnectFailed, RequestTimeout, JobNotFound) as error:
            moved_to = None
            if is_remembered:
                moved_to = self._moved_to(error, str(asset.did), service_id, provider_uri)
            if moved_to is None:
                raise
        return act(self._data_provider.build_endpoint(name, moved_to)[1])

    def _moved_to(
        self, error: OceanError, did: str, service_id: int | None, provider_uri: str
    ) -> str | None:
        """Look the place up again; return it if asking there may help and can do no harm."""
        deadline = current_deadline()
        if (deadline and deadline.is_over) or getattr(error, "may_have_arrived", False):
            return None
        try:
            now: str = compute_endpoint(self.asset(did, fresh=True), service_id)
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


def compute_endpoint(asset: Asset, service_id: int | None = None) -> str:
    """Return where one of the asset's compute services is.

    Args:
        asset: a data set.
        service_id: the service's index; None for the first.

    Raises:
        NoComputeService: it has none, or the service names no place.
    """
    service = None if service_id is None else asset.get_service_by_index(service_id)
    if service is None or service.type != ServiceTypes.CLOUD_COMPUTE:
        service = asset.get_service(ServiceTypes.CLOUD_COMPUTE)
    endpoint = service.service_endpoint if service is not None else None
    if not isinstance(endpoint, str) or not endpoint:
        offered = ", ".join(str(other.type) for other in asset.services) or "none"
        raise NoComputeService(
            f"Asset {asset.did} has no compute service with a serviceEndpoint; its services are: "
            f"{offered}. Choose a data set that is offered for compute."
        )
    return endpoint


def _places_of(asset: Asset) -> dict[str, int | None]:
    """Return where the asset is computed on: each place, with the index of a service there."""
    places: dict[str, int | None] = {}
    for service in asset.services:
        if service.type == ServiceTypes.CLOUD_COMPUTE and service.service_endpoint:
            places.setdefault(compute_endpoint(asset, service.index), service.index)
    return places or {compute_endpoint(asset): None}
