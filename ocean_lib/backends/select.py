"""Which back end computes on a data set, and what to do when it has moved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.backend import Backend, JobRef
from ocean_lib.backends.discovered import Discovered
from ocean_lib.backends.discovery import Discovery, check_v3_cache, configured_url
from ocean_lib.backends.generation import Generation
from ocean_lib.backends.v3.backend import V3Backend
from ocean_lib.backends.v3.wrapped import WrappedBackend, WrappedDiscovery
from ocean_lib.base.expiring import Expiring
from ocean_lib.checks import check_did, is_token_did
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.aquarius.aquarius import Aquarius
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    ConnectFailed,
    EndpointNotFound,
    JobNotFound,
    NoComputeService,
    NotOffered,
    OceanError,
    RequestTimeout,
)
from ocean_lib.http.deadline import current_deadline
from ocean_lib.http.exchange import HttpExchange

KNOWN_FOR_S = 24 * 3600.0
"""How long the client remembers at which of several services a job was started."""

_MAY_HAVE_MOVED = (EndpointNotFound, ConnectFailed, RequestTimeout, JobNotFound)


class Backends:
    """The back ends of one client: assets by DID, and which back end computes on them.

    Args:
        config: names the metadata cache and the configured back end.
        http: sends the requests.
        discovery: knows where services are.
        make: makes the back end at a base URL.
    """

    def __init__(
        self,
        config: Config,
        http: HttpExchange,
        discovery: Discovery | WrappedDiscovery,
        make: Callable[[str], Backend],
    ) -> None:
        self.http = http
        self.discovery = discovery
        self._config = config
        self._make = make
        self._aquarius = Aquarius(config.metadata_cache_uri, http)
        self._assets: Expiring[str, Asset] = Expiring(1024, config.cache_lifetime_s)
        self._services: Expiring[str, int | str] = Expiring(4096, KNOWN_FOR_S)
        self._made: dict[str, Backend] = {}

    def asset(self, did: str, *, fresh: bool = False) -> Asset:
        """Return the asset of a DID.

        Args:
            did: the asset's.
            fresh: ask for it even if it is remembered.

        Raises:
            InvalidDid: it is not a DID.
            AssetNotFound: the metadata cache does not have it.
            NotOffered: its document is of a later generation than V3.
        """
        check_did(did)
        known = self._assets.get(did)
        if known is not None and not fresh:
            return known
        self._check_readable(did)
        asset = Asset(dictionary=self._aquarius.get_asset_ddo(did).as_dictionary())
        self._assets.put(did, asset)
        return asset

    def _check_readable(self, did: str) -> None:
        """Check that the asset's document is one of V3, and not at a node."""
        if not is_token_did(did):
            raise NotOffered(
                f"This version reads the documents of V3 only, and {did} is a DID of a later "
                "generation. On an Ocean Node, pass files as FileInput(url=...) and your own code "
                "as algorithm_meta. Nothing was started."
            )
        check_v3_cache(self._config, self.discovery)

    def at(self, uri: str) -> Backend:
        """Return the back end at a URL: its own, or that of one of its services."""
        root = self.discovery.root_of(uri)
        found = self._made.get(root)
        if found is None:
            found = self._made.setdefault(root, self._make(root))
        return found

    def uri_of(self, did: str, service_id: int | str | None = None, *, fresh: bool = False) -> str:
        """Return where a data set is computed on; the configured place for ''."""
        if not did:
            return configured_url(self._config)
        return compute_endpoint(self.asset(did, fresh=fresh), service_id)

    def of(self, did: str, service_id: int | str | None = None) -> Backend:
        """Return the back end that computes on a data set, at one of its services.

        Args:
            did: the data set's; '' for a job without one, which the configured back end runs.
            service_id: the service's index or id; None for the first.
        """
        return self.at(self.uri_of(did, service_id))

    def each(self, did: str) -> list[int | None]:
        """Return one service of each back end that computes on a data set, mostly one."""
        return list(_places_of(self.asset(did)).values()) if did else [None]

    def started(self, job_id: str, service_id: int | str | None) -> None:
        """Remember the service that a job was started at."""
        if service_id is not None:
            self._services.put(job_id, service_id)

    def service_of(self, ref: JobRef) -> int | str | None:
        """Return the index or id of the service that has a job; None if there is no choice."""
        places = _places_of(self.asset(ref.did)) if ref.did else {}
        if len(places) < 2:
            return None
        known = self._services.get(ref.job_id)
        if known is not None:
            return known
        failure: OceanError | None = None
        for endpoint, index in places.items():
            try:
                self.at(endpoint).job(ref)
            except JobNotFound:
                continue
            except OceanError as error:
                failure = error  # another back end may still have it
            else:
                if index is not None:
                    self._services.put(ref.job_id, index)
                return index
        if failure is not None:
            raise failure
        return None

    def configured(self) -> Backend:
        """Return the configured back end.

        Raises:
            ConfigError: none is configured.
        """
        return self.at(configured_url(self._config))

    def route(self, did: str, service_id: int | str | None = None) -> Route:
        """Return the way to the back end that computes on a data set, at one of its services."""
        return Route(self, did, service_id)

    def remembers(self, did: str) -> bool:
        """Whether the asset is remembered from before."""
        return did in self._assets

    def clear(self) -> None:
        """Forget all assets."""
        self._assets.clear()


class Route:
    """The way to a data set's back end, looked up again once if that may have moved.

    ```
    route = backends.route(did)
    while True:
        with route as backend:
            return backend.job(ref)
    ```
    """

    def __init__(self, backends: Backends, did: str, service_id: int | str | None) -> None:
        self._backends = backends
        self._did = did
        self._service_id = service_id
        self._uri = ""
        self._may_be_stale = True

    def __enter__(self) -> Backend:
        if not self._uri:
            was_known = self._backends.remembers(self._did)
            self._uri = self._backends.uri_of(self._did, self._service_id)
            backend = self._backends.at(self._uri)
            self._may_be_stale = was_known or self._backends.discovery.is_known(backend.root)
            return backend
        return self._backends.at(self._uri)

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if not (self._may_be_stale and isinstance(error, _MAY_HAVE_MOVED)):
            return False
        self._may_be_stale = False
        return self._has_moved(error)

    def _has_moved(self, error: OceanError) -> bool:
        """Look up the place again; tell whether a retry there may help and can do no harm."""
        deadline = current_deadline()
        if (deadline and deadline.is_over) or getattr(error, "may_have_arrived", False):
            return False
        try:
            before, self._uri = (
                self._uri,
                self._backends.uri_of(self._did, self._service_id, fresh=True),
            )
            if self._uri != before:
                return True
            return not isinstance(error, JobNotFound) and self._has_changed(error)
        except OceanError:
            return False  # the first failure says more

    def _has_changed(self, error: OceanError) -> bool:
        """Read the services again; tell whether a retry may end differently."""
        discovery = self._backends.discovery
        root = discovery.root_of(self._uri)
        if not discovery.is_known(root):
            return isinstance(error, (ConnectFailed, RequestTimeout))
        before = discovery.document(root)
        discovery.forget(root)
        # One that was away has restarted; one that answered 404 still does so at this place.
        return bool(discovery.document(root) != before) or not isinstance(error, EndpointNotFound)


def compute_endpoint(asset: Asset, service_id: int | str | None = None) -> str:
    """Return where one of the asset's compute services is.

    Args:
        asset: a data set.
        service_id: the service's index or id; None for the first.

    Raises:
        NoComputeService: it has none, or the service has no endpoint.
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
    """Return each place that computes on the asset, with the index of a service there."""
    places: dict[str, int | None] = {}
    for service in asset.services:
        if service.type == ServiceTypes.CLOUD_COMPUTE and service.service_endpoint:
            places.setdefault(compute_endpoint(asset, service.index), service.index)
    return places or {compute_endpoint(asset): None}


def backends_of(config: Config, data_provider: Any) -> Backends:
    """Return the back ends that a client with this `data_provider` asks.

    Args:
        config: the client's.
        data_provider: a `DataServiceProvider`, that class, or the user's own object.
    """
    if data_provider is DataServiceProvider:
        data_provider = DataServiceProvider.shared()
    if type(data_provider) is DataServiceProvider:  # a subclass may change any call
        ours: DataServiceProvider = data_provider
        return Backends(config, ours.http, ours.discovery, _maker(config, ours))
    http = getattr(data_provider, "http", None)
    if not isinstance(http, HttpExchange):
        http = HttpExchange(timeouts=config.timeouts)
    return Backends(
        config,
        http,
        WrappedDiscovery(data_provider),
        lambda root: WrappedBackend(root, data_provider),
    )


def _maker(config: Config, ours: DataServiceProvider) -> Callable[[str], Backend]:
    """Return what makes the back end at a base URL, of the generation that is there."""

    def of_generation(root: str, generation: Generation) -> Backend:
        if generation is Generation.V3:
            return V3Backend(root, ours.http, ours.discovery, ours.signatures, config)
        from ocean_lib.backends.node.backend import NodeBackend  # not needed for V3

        return NodeBackend(root, ours.http, ours.discovery, ours.signatures, config)

    def make(root: str) -> Backend:
        if config.provider_generation:
            return of_generation(root, Generation(config.provider_generation))
        return Discovered(root, ours.discovery, partial(of_generation, root))

    return make
