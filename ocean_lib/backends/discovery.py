"""Where a back end's services are: its root, its discovery document, and the paths in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from ocean_lib.backends.generation import Generation
from ocean_lib.backends.v3.answers import check_status
from ocean_lib.base.expiring import Expiring
from ocean_lib.checks import check_url
from ocean_lib.exceptions import ConfigError, EndpointNotFound, InvalidUrl, OceanError
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.redaction import one_line
from ocean_lib.ocean.env_constants import ENV_PROVIDER_API_VERSION

DEFAULT_API_VERSION = "/api/v1"


def api_version() -> str:
    """Return the API's path prefix without slashes at its ends ("api/v1")."""
    return os.getenv(ENV_PROVIDER_API_VERSION, DEFAULT_API_VERSION).strip("/")


def root_uri(service_endpoint: str) -> str:
    """Return a Provider's base URL, given that or the URL of one of its services.

    Raises:
        InvalidUrl: it is not an http(s) URL.
    """
    url = check_url(service_endpoint, name="service endpoint").split("?")[0].split("#")[0]
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    before, found, _ = (slash + path).partition(f"/{api_version()}")
    if not found:
        # An Ocean Node's are below /api/services, other Providers' below /services.
        before = re.split("/(?:api/)?services(?:/|$)", before, maxsplit=1)[0]
    root = f"{scheme}://{host}{before}".rstrip("/")
    if not host:
        raise InvalidUrl(f"{one_line(service_endpoint, 80)!r} has no host.")
    return root


def _is_method_and_path(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 2
        and found[0] in ("GET", "POST", "PUT", "DELETE")
        and isinstance(found[1], str)
    )


_V3_NAMES = frozenset(
    {
        *("computeDelete", "computeStart", "computeStatus", "computeStop"),
        *("download", "encrypt", "fileinfo", "initialize", "nonce"),
    }
)
_V4_KEYS = frozenset({"chainIds", "chainId", "providerAddresses"})


def known_generation(document: dict[str, Any]) -> Generation | None:
    """Return which of Ocean's back ends a discovery document is of; None for no known one."""
    if document.get("software") == "Ocean-Node":  # its version is a constant that tells nothing
        return Generation.NODE
    services = document["serviceEndpoints"]
    prefix = f"/{api_version()}/"
    has_v3_paths = any(prefix in str(found) for found in services.values())
    is_v4 = not _V4_KEYS.isdisjoint(document)
    is_v3 = has_v3_paths or (not is_v4 and not _V3_NAMES.isdisjoint(services))
    return Generation.V3 if is_v3 else None


def generation_of(document: dict[str, Any], root: str) -> Generation:
    """Return which of Ocean's back ends a discovery document is of.

    Args:
        document: what `GET /` answered.
        root: where.

    Raises:
        EndpointNotFound: none that this version speaks to; the message says what was seen.
    """
    found = known_generation(document)
    if found is not None:
        return found
    services = document["serviceEndpoints"]
    is_v4 = not _V4_KEYS.isdisjoint(document)
    kind = one_line(document.get("software") or ("a Provider of V4" if is_v4 else "no name"), 60)
    raise EndpointNotFound(
        f"The server at {root} is not a back end that this version speaks to: it calls itself "
        f"{kind}, version {one_line(document.get('version') or 'unknown', 30)}, with the services "
        f"{one_line(', '.join(map(str, services)), 200) or 'none'}. Check provider.url: it must be "
        "that of an Ocean Node or of a V3 Provider. If you know that it is one, say which in "
        "provider.generation (node or v3).",
        operation="tell which back end this is",
        url=root,
    )


class Calls(dict[str, tuple[str, str]]):
    """HTTP method and URL of each service at one back end, by its name."""

    def __init__(self, document: dict[str, Any], root: str) -> None:
        services = document["serviceEndpoints"]
        # Always a path below the Provider's own URL, whatever the document says.
        super().__init__(
            (name, (found[0], f"{root}/{found[1].lstrip('/')}"))
            for name, found in services.items()
            if _is_method_and_path(found)
        )
        self._names = ", ".join(map(str, services))
        self._root = root

    def __missing__(self, name: str) -> tuple[str, str]:
        if f"/{name}" in self:  # a node's names may have a slash
            return self[f"/{name}"]
        raise EndpointNotFound(
            f"The Provider at {self._root} offers no service {name!r}, only: "
            f"{one_line(self._names, 200) or 'none'}. "
            "Check the provider URL and the Provider's version.",
            operation=f"find the service {name!r}",
            url=self._root,
        )


@dataclass(frozen=True)
class Services:
    """A discovery document, taken apart once.

    Attributes:
        document: as it came.
        generation: whose it is; None for none that this version speaks to.
        calls: HTTP method and URL of each service, by its name; another name is an
            `EndpointNotFound`.
    """

    document: dict[str, Any]
    generation: Generation | None
    calls: Calls


class Discovery:
    """Discovery documents by back end, remembered for a lifetime.

    Args:
        http: sends the requests.
        lifetime_s: how long a document is remembered.
    """

    def __init__(self, http: HttpExchange, lifetime_s: float) -> None:
        self._http = http
        self._services: Expiring[str, Services] = Expiring(256, lifetime_s)
        self._roots: Expiring[str, str] = Expiring(4096, 24 * 3600)

    def root_of(self, uri: str) -> str:
        """Return a Provider's base URL, given that or the URL of one of its services.

        URLs that this instance read or was asked for are known; from others the usual path is
        removed.
        """
        root = self._roots.get(uri) if isinstance(uri, str) else None
        if root is None:
            root = root_uri(uri)
            self._roots.put(uri, root)
        return root

    def services(self, root: str) -> Services:
        """Return what a back end offers, by what `GET /` answers.

        Raises:
            ProviderError: the Provider refuses.
            MalformedResponse: this is not a Provider.
            TransportError: no answer.
        """
        known = self._services.get(root)
        if known is not None:
            return known
        answer = self._http.send("GET", root, operation="read the Provider's services", retry=True)
        document = check_status(answer).json()
        if not (isinstance(document, dict) and isinstance(document.get("serviceEndpoints"), dict)):
            raise answer.malformed("a Provider's description of its services", answer.text())
        calls = Calls(document, root)
        for _, url in calls.values():
            self._roots.put(url, root)
        services = Services(document, known_generation(document), calls)
        self._services.put(root, services)
        return services

    def document(self, root: str) -> dict[str, Any]:
        """Return what `GET /` answers; raises as `services` does."""
        return self.services(root).document

    def is_known(self, root: str) -> bool:
        """Whether this Provider's document is remembered."""
        return root in self._services

    def forget(self, root: str) -> None:
        """Forget a document, for a Provider that seems to have moved."""
        self._services.forget(root)

    def clear(self) -> None:
        """Forget all Providers."""
        self._services.clear()

    def endpoint(self, name: str, root: str) -> tuple[str, str]:
        """Return the HTTP method and URL of one service.

        Raises:
            EndpointNotFound: the Provider has no service of this name.
        """
        return self.services(root).calls[name]


def configured_url(config: Any) -> str:
    """Return the configured Provider's URL, without a slash at its end.

    Raises:
        ConfigError: none is configured.
    """
    # Calls leave out a query too, and this URL is published and sent.
    url = str(config.provider_url or "").partition("#")[0].partition("?")[0].rstrip("/")
    if not url:
        raise ConfigError(
            "No Provider is configured: set provider.url in [resources] of the config, or "
            "the environment variable PROVIDER_URL."
        )
    return url


def is_at_node(config: Any, discovery: object) -> bool:
    """Tell whether the configured back end is an Ocean Node; no, if it cannot be asked."""
    if not config.provider_url:
        return False
    root, generation = configured_url(config), config.provider_generation
    if not generation and isinstance(discovery, Discovery):
        try:
            generation = generation_of(discovery.document(root), root).value
        except OceanError:
            return False  # whoever asks it for more says why
    return bool(generation == Generation.NODE.value)
