"""Which back end computes on a data set, and what to do when it has moved."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import asset_of
from ocean_lib.backends.backend import Backend, JobRef
from ocean_lib.backends.discovery import (
    Discovery,
    configured_url,
    generation_of,
)
from ocean_lib.backends.generation import Generation
from ocean_lib.backends.v3.backend import V3Backend
from ocean_lib.backends.v3.wrapped import WrappedBackend, WrappedDiscovery
from ocean_lib.base.expiring import Expiring
from ocean_lib.base.frames import forget_locals
from ocean_lib.checks import check_did
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.documents.caches import cache_for
from ocean_lib.exceptions import (
    ConnectFailed,
    EndpointNotFound,
    JobNotFound,
    NoComputeService,
    OceanError,
    RequestTimeout,
)
from ocean_lib.http.deadline import current_deadline
from ocean_lib.http.exchange import HttpExchange

KNOWN_FOR_S = 24 * 3600.0
"""How long the client remembers at which of several services a job was started."""

_MAY_HAVE_MOVED = (EndpointNotFound, ConnectFailed, RequestTimeout, JobNotFound)


class Place(NamedTuple):
    """Where a data set is computed on: the service's own URL, and its back end's base URL."""

    uri: str
    root: str


@dataclass
class Known:
    """An asset that is remembered, and what was worked out of it.

    Attributes:
        asset: the asset.
        services: one service of each place that computes on it, by the place.
        places: where a service is, by its index or id; None for the first.
    """

    asset: Asset
    services: dict[str, int | None]
    places: dict[int | str | None, Place] = field(default_factory=dict)


class Backends:
    """The back ends of one client: assets by DID, and which back end computes on them.

    Args:
        config: names the metadata cache and the configured back end.
        http: sends the requests.
        discovery: knows where services are.
        make: makes the back end of a generation at a base URL.
        generation: of all back ends, or what tells it of each.
    """

    def __init__(
        self,
        config: Config,
        http: HttpExchange,
        discovery: Discovery | WrappedDiscovery,
        make: Callable[[str, Generation], Backend],
        generation: Generation | Discovery,
    ) -> None:
        self.http = http
        self.discovery = discovery
        self.known: Expiring[str, Known] = Expiring(1024, config.cache_lifetime_s)
        self._config = config
        self._make = make
        self._generation = generation
        self._services: Expiring[str, int | str] = Expiring(4096, KNOWN_FOR_S)
        self._made: dict[tuple[str, Generation], Backend] = {}

    def asset(self, did: str, *, fresh: bool = False) -> Asset:
        """Return the asset of a DID.

        Args:
            did: the asset's.
            fresh: ask for it even if it is remembered.

        Raises:
            InvalidDid: it is not a DID.
            AssetNotFound: the metadata cache does not have it.
            NotOffered: it is of a later generation than V3, and nobody who knows it is configured.
        """
        return self._look_up(did, fresh=fresh).asset

    def _look_up(self, did: str, *, fresh: bool = False) -> Known:
        known = None if fresh else self.known.get(did)
        if known is None:
            cache = cache_for(self._config, self.discovery, self.http, check_did(did))
            asset = asset_of(cache.get_asset_ddo(did).as_dictionary())
            known = Known(asset, _services_by_place(asset))
            self.known.put(did, known)
        return known

    def at(self, root: str) -> Backend:
        """Return the back end at a base URL, of the generation that it is now.

        Raises:
            EndpointNotFound: none that this version speaks to.
        """
        generation = self._generation
        if isinstance(generation, Discovery):
            services = generation.services(root)
            generation = services.generation or generation_of(services.document, root)
        found = self._made.get((root, generation))
        if found is None:
            found = self._made.setdefault((root, generation), self._make(root, generation))
        return found

    def place(self, did: str, service_id: int | str | None = None, *, fresh: bool = False) -> Place:
        """Return where a data set is computed on, at one of its services; nobody is asked there.

        Args:
            did: the data set's; '' for a job without one, which the configured back end runs.
            service_id: the service's index or id; None for the first.
            fresh: ask for the asset even if it is remembered.
        """
        if not did:
            uri = configured_url(self._config)
            return Place(uri, self.discovery.root_of(uri))
        known = self._look_up(did, fresh=fresh)
        found = known.places.get(service_id)
        if found is None:
            uri = compute_endpoint(known.asset, service_id)
            found = known.places[service_id] = Place(uri, self.discovery.root_of(uri))
        return found

    def place_of(self, ref: JobRef) -> Place:
        """Return where a job is; nobody is asked there if there is no choice."""
        return self.place(ref.did, self.service_of(ref))

    def configured(self) -> Backend:
        """Return the configured back end.

        Raises:
            ConfigError: none is configured.
        """
        return self.at(self.place("").root)

    def each(self, did: str) -> list[int | None]:
        """Return one service of each back end that computes on a data set, mostly one."""
        known = self._look_up(did) if did else None
        return list(known.services.values()) if known and known.services else [None]

    def started(self, job_id: str, service_id: int | str | None) -> None:
        """Remember the service that a job was started at."""
        if service_id is not None:
            self._services.put(job_id, service_id)

    def service_of(self, ref: JobRef) -> int | str | None:
        """Return the index or id of the service that has a job; None if there is no choice."""
        services = self._look_up(ref.did).services if ref.did else {}
        if len(services) < 2:
            return None
        known = self._services.get(ref.job_id)
        if known is not None:
            return known
        failure: OceanError | None = None
        for uri, index in services.items():
            try:
                self.at(self.discovery.root_of(uri)).job(ref)
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

    def clear(self) -> None:
        """Forget all assets, and what back ends offer."""
        self.known.clear()
        self._made.clear()


@dataclass
class Route:
    """The way to a data set's back end, looked up again once if that may have moved.

    An error that leaves it takes no signature along: see `forget_locals`.

    ```
    route = Route(backends, did)
    while True:
        with route as backend:
            return backend.files_reachable(did)
    ```

    Args:
        backends: of one client.
        did: the data set's; '' for the configured back end.
        service_id: the service's index or id; None for the first.
        job: leads to the service that has this job, in place of `service_id`.
        place: where it leads, once that is known.
        has_choice: whether the data set may be computed on at several places.
    """

    backends: Backends
    did: str
    service_id: int | str | None = None
    job: JobRef | None = None
    place: Place | None = None
    has_choice: bool = True
    _may_be_stale: bool = True
    _before: BaseException | None = None

    def __enter__(self) -> Backend:
        self._before = sys.exc_info()[1]
        backends, place = self.backends, self.place
        if place is None:
            known = backends.known.get(self.did)
            self.has_choice = known is None or len(known.services) > 1
            if self.job is not None and self.has_choice:
                self.service_id = backends.service_of(self.job)
            place = known.places.get(self.service_id) if known is not None else None
            if place is None:
                place = backends.place(self.did, self.service_id)
            self.place = place
            is_new = known is None and not (self.did and self.job is not None)
            self._may_be_stale = not is_new or backends.discovery.is_known(place.root)
        try:
            return backends.at(place.root)
        except OceanError as error:
            if not self.__exit__(type(error), error, None):
                raise
        return self.__enter__()

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        forget_locals(error, self._before)
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
            before = self.place
            self.place = self.backends.place(self.did, self.service_id, fresh=True)
            if before is not None and self.place.uri != before.uri:
                return True
            return not isinstance(error, JobNotFound) and self._has_changed(error, self.place.root)
        except OceanError:
            return False  # the first failure says more

    def _has_changed(self, error: OceanError, root: str) -> bool:
        """Read the services again; tell whether a retry may end differently."""
        discovery = self.backends.discovery
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


def _services_by_place(asset: Asset) -> dict[str, int | None]:
    """Return one compute service of the asset for each place that one is at."""
    found: dict[str, int | None] = {}
    for service in asset.services:
        if service.type == ServiceTypes.CLOUD_COMPUTE and service.service_endpoint:
            with suppress(NoComputeService):
                found.setdefault(compute_endpoint(asset, service.index), service.index)
    return found


def backends_of(config: Config, data_provider: Any) -> Backends:
    """Return the back ends that a client with this `data_provider` asks.

    Args:
        config: the client's.
        data_provider: a `DataServiceProvider`, that class, or the user's own object.
    """
    if data_provider is DataServiceProvider:
        data_provider = DataServiceProvider.shared()
    if type(data_provider) is not DataServiceProvider:  # a subclass may change any call
        return _wrapped(config, data_provider)
    ours: DataServiceProvider = data_provider
    parts = ours.http, ours.discovery, ours.signatures, config

    def make(root: str, generation: Generation) -> Backend:
        if generation is Generation.V3:
            return V3Backend(root, *parts)
        from ocean_lib.backends.node.backend import NodeBackend  # not needed for V3

        return NodeBackend(root, *parts, lambda did: found.asset(did).view)

    chosen = config.provider_generation
    generation = Generation(chosen) if chosen else ours.discovery
    found = Backends(config, ours.http, ours.discovery, make, generation)
    return found


def _wrapped(config: Config, data_provider: Any) -> Backends:
    http = getattr(data_provider, "http", None)
    if not isinstance(http, HttpExchange):
        http = HttpExchange(timeouts=config.timeouts)
    return Backends(
        config,
        http,
        WrappedDiscovery(data_provider),
        lambda root, _: WrappedBackend(root, data_provider),
        Generation.V3,
    )
