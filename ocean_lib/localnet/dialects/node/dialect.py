"""An Ocean Node over one network."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from eth_keys.datatypes import PrivateKey
from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.dialects.dialect import NetworkParts
from ocean_lib.localnet.dialects.node.compute_api import ComputeApi
from ocean_lib.localnet.dialects.node.contracts import NodeContracts, deploy_contracts
from ocean_lib.localnet.dialects.node.credentials import Credentials, nonce_of
from ocean_lib.localnet.dialects.node.environments import Environments
from ocean_lib.localnet.dialects.node.jobs import NodeLayout
from ocean_lib.localnet.dialects.node.limits import RateLimits
from ocean_lib.localnet.dialects.node.node_api import NodeApi
from ocean_lib.localnet.dialects.node.options import NodeOptions
from ocean_lib.localnet.dialects.node.wire import INTERNAL, BadBody, as_text, body_of, page
from ocean_lib.localnet.faults import Operation
from ocean_lib.localnet.http.routes import RoutedApp
from ocean_lib.localnet.state.files import NetworkKeys

_log = logging.getLogger(__name__)


class NodeServers:
    """One node.

    Args:
        parts: What it works with.
        options: Its settings.
    """

    def __init__(self, parts: NetworkParts, options: NodeOptions) -> None:
        key = _key_of(parts.keys.provider)
        self.address = _address_of(parts.keys.provider)
        self._credentials = Credentials(parts.database, parts.keys.provider)
        self._limits = RateLimits(options)
        environments = Environments(
            options.environments,
            parts.engine,
            secret=parts.keys.compute,
            consumer=self.address,
            storage_s=parts.results_lifetime_s,
        )
        compute = ComputeApi(parts, self._credentials, environments)
        node = NodeApi(key, self._credentials, environments, parts.files)
        self._routed = RoutedApp([*node.routes(), *compute.routes()])
        self.app: Flask = self._routed.flask
        self.app.before_request(lambda: self._limits.refusal(request))
        self.app.register_error_handler(BadBody, _on_bad_body)
        self.app.register_error_handler(Exception, _on_unexpected)

    def operation(self, request: Request) -> Operation | None:
        """Tell which operation a request is for."""
        return self._routed.operation(request)

    def unavailable(self) -> Response:
        """Answer as a proxy before a node that is away."""
        return as_text("Service Unavailable", 503)

    def move_nonce(self, request: Request) -> Callable[[], None] | None:
        """Return what uses up the nonce that a request was signed with; None if it was not."""
        data: dict[str, Any] = {**body_of(request), **request.args.to_dict()}
        address = data.get("consumerAddress") or data.get("address")
        nonce = nonce_of(data.get("nonce"))
        if not data.get("signature") or not address or nonce is None:
            return None
        return lambda: self._credentials.move(str(address), nonce)


class NodeDialect:
    """An Ocean Node 3.2 with free environments.

    Args:
        options: Its settings.
    """

    generation = "node"
    threads = 32  # a log that is followed holds one
    layout = NodeLayout()

    def __init__(self, options: NodeOptions | None = None) -> None:
        self._options = options or NodeOptions()

    def deploy(self, chain: ChainClient, keys: NetworkKeys) -> NodeContracts:
        """Deploy the contracts, or find them again."""
        return deploy_contracts(
            chain, keys.deployer, _address_of(keys.provider), [*map(_address_of, keys.accounts)]
        )

    def serve(self, parts: NetworkParts) -> NodeServers:
        """Build the server over a network's parts."""
        return NodeServers(parts, self._options)


def _key_of(text: str) -> PrivateKey:
    return PrivateKey(bytes.fromhex(text.removeprefix("0x")))


def _address_of(key: str) -> str:
    return str(_key_of(key).public_key.to_checksum_address())


def _on_bad_body(error: BadBody) -> Response:
    return page(400, f"SyntaxError: {error}")


def _on_unexpected(error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.code in (404, 405):
        return page(404, f"Cannot {request.method} {request.path}")
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return page(error.code, error.name)
    _log.exception("the request failed")
    return as_text(INTERNAL, 500)
