"""Ocean V3's servers over one network: Provider and metadata cache behind one port."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.dialects.dialect import NetworkParts
from ocean_lib.localnet.dialects.v3.aquarius_api import AquariusApi
from ocean_lib.localnet.dialects.v3.compute_api import ComputeApi
from ocean_lib.localnet.dialects.v3.contracts import OceanContracts, deploy_contracts
from ocean_lib.localnet.dialects.v3.encryption import ProviderKey
from ocean_lib.localnet.dialects.v3.jobs import V3Layout
from ocean_lib.localnet.dialects.v3.provider_api import ProviderApi
from ocean_lib.localnet.dialects.v3.publications import Publications
from ocean_lib.localnet.dialects.v3.signatures import NonceCounters
from ocean_lib.localnet.dialects.v3.wire import HtmlError, InvalidRequest, invalid, page, parameters
from ocean_lib.localnet.dialects.v3.workflow import ProviderWorld
from ocean_lib.localnet.errors import LocalNetworkError
from ocean_lib.localnet.faults import Operation
from ocean_lib.localnet.http.routes import RoutedApp
from ocean_lib.localnet.metadata.store import MetadataStore
from ocean_lib.localnet.state.files import NetworkKeys

_log = logging.getLogger(__name__)


class V3Servers:
    """Provider and metadata cache.

    Args:
        parts: What they work with.
    """

    def __init__(self, parts: NetworkParts) -> None:
        chain = parts.chain
        if not isinstance(chain.contracts, OceanContracts):
            raise LocalNetworkError("V3's servers need a chain with V3's contracts")
        published = Publications(chain.client, chain.contracts.metadata)
        store = MetadataStore(
            parts.database, chain.client, published, first_block=chain.contracts.block_number
        )
        self._nonces = NonceCounters(parts.database)
        key = ProviderKey(parts.keys.provider)
        world = ProviderWorld(chain.client, key, parts.files, store.document)
        provider = ProviderApi(
            world,
            self._nonces,
            network_url=chain.url,
            compute_address=ProviderKey(parts.keys.compute).address,
        )
        compute = ComputeApi(world, self._nonces, parts)
        self._routed = RoutedApp(
            [*provider.routes(), *compute.routes(), *AquariusApi(store).routes()]
        )
        self.address = key.address
        self.app: Flask = self._routed.flask
        self.app.register_error_handler(InvalidRequest, _on_invalid)
        self.app.register_error_handler(HtmlError, _on_html)
        self.app.register_error_handler(Exception, _on_unexpected)

    def operation(self, request: Request) -> Operation | None:
        """Tell which operation a request is for: a signed GET of compute is `result`."""
        found = self._routed.operation(request)
        if found == "status" and _parameters(request).get("signature"):
            return "result"
        return found

    def unavailable(self) -> Response:
        """Answer as a server that is away."""
        return page(503)

    def move_nonce(self, request: Request) -> Callable[[], None] | None:
        """Return what moves the nonce of who signed a request; None if nobody did."""
        data = _parameters(request)
        if not data.get("signature"):
            return None
        return lambda: self._nonces.advance(str(data.get("consumerAddress")))


class V3Dialect:
    """The servers of Ocean V3: Provider 0.4, Aquarius 2.2."""

    generation = "v3"
    threads = 8
    layout = V3Layout()

    def deploy(self, chain: ChainClient, keys: NetworkKeys) -> OceanContracts:
        """Deploy V3's contracts, or find them again."""
        return deploy_contracts(chain, keys.deployer)

    def serve(self, parts: NetworkParts) -> V3Servers:
        """Build the servers over a network's parts."""
        return V3Servers(parts)


def _parameters(request: Request) -> dict[str, Any]:
    try:
        return parameters(request)
    except HtmlError:
        return {}


def _on_invalid(error: InvalidRequest) -> Response:
    return invalid(error.errors)


def _on_html(error: HtmlError) -> Response:
    return page(error.status, error.reason)


def _on_unexpected(error: Exception) -> Response:
    status = getattr(error, "code", None)
    if isinstance(status, int) and status < 500:
        return page(status, str(getattr(error, "description", "")))
    _log.exception("the request failed")
    return page(500, f"{type(error).__name__}, see the network's log.")
