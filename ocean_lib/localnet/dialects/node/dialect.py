"""An Ocean Node over one network."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.dialects.dialect import NetworkParts
from ocean_lib.localnet.dialects.node.assets import Assets
from ocean_lib.localnet.dialects.node.claims import ClaimPasses, Settlement, Settling
from ocean_lib.localnet.dialects.node.compute_api import ComputeApi
from ocean_lib.localnet.dialects.node.contracts import NodeContracts, deploy_contracts
from ocean_lib.localnet.dialects.node.credentials import Credentials, nonce_of
from ocean_lib.localnet.dialects.node.documents_api import DocumentsApi
from ocean_lib.localnet.dialects.node.environments import Environments
from ocean_lib.localnet.dialects.node.escrow import Escrow
from ocean_lib.localnet.dialects.node.indexer import Indexer
from ocean_lib.localnet.dialects.node.jobs import NodeLayout
from ocean_lib.localnet.dialects.node.limits import RateLimits
from ocean_lib.localnet.dialects.node.node_api import NodeApi, peer_id
from ocean_lib.localnet.dialects.node.node_key import NodeKey
from ocean_lib.localnet.dialects.node.options import NodeOptions
from ocean_lib.localnet.dialects.node.payments import Payments
from ocean_lib.localnet.dialects.node.quote_api import QuoteApi
from ocean_lib.localnet.dialects.node.starting import Starts
from ocean_lib.localnet.dialects.node.wire import INTERNAL, BadBody, as_text, body_of, page
from ocean_lib.localnet.errors import LocalNetworkError
from ocean_lib.localnet.faults import Operation
from ocean_lib.localnet.http.routes import RoutedApp
from ocean_lib.localnet.metadata.store import MetadataStore
from ocean_lib.localnet.state.files import NetworkKeys

_log = logging.getLogger(__name__)


class NodeServers:
    """One node.

    Args:
        parts: What it works with.
        options: Its settings.
    """

    def __init__(self, parts: NetworkParts, options: NodeOptions) -> None:
        self._key = NodeKey(parts.keys.provider)
        self.address = self._key.address
        self._credentials = Credentials(parts.database, parts.keys.provider)
        self._limits = RateLimits(options)
        contracts, passes = _contracts_of(parts), _passes_of(parts, options)
        environments = Environments(
            options.environments,
            parts.engine,
            secret=parts.keys.compute,
            consumer=self.address,
            storage_s=parts.results_lifetime_s,
            chain_id=contracts.chain_id,
            token=contracts.ocean_token,
        )
        chain = parts.chain.client
        escrow = Escrow(chain, contracts.escrow, self._key, contracts.block_number)
        payments = Payments(parts.database, escrow, parts.jobs, chain_id=contracts.chain_id)
        self._payments = payments
        self.settle = Settlement(parts.jobs, payments, environments, parts.engine.enqueue).run
        self._settling = Settling(passes, self.settle)
        documents, assets = self._documents(parts, contracts)
        starts = Starts(environments, assets, payments)
        compute = ComputeApi(
            parts,
            self._credentials,
            environments,
            starts=starts,
            payments=payments,
            passes=passes,
        )
        node = NodeApi(self._key, self._credentials, contracts.chain_id)
        quotes = QuoteApi(environments, assets, payments, contracts.chain_id)
        self._routed = RoutedApp(
            [*node.routes(), *compute.routes(), *quotes.routes(), *documents.routes()]
        )
        self.app: Flask = self._routed.flask
        self.app.before_request(lambda: self._limits.refusal(request))
        self.app.register_error_handler(BadBody, _on_bad_body)
        self.app.register_error_handler(Exception, _on_unexpected)

    def _documents(
        self, parts: NetworkParts, contracts: NodeContracts
    ) -> tuple[DocumentsApi, Assets]:
        chain = parts.chain.client
        indexer = Indexer(chain, contracts, self._key)
        first = contracts.block_number
        store = MetadataStore(parts.database, chain, indexer, first_block=first)
        assets = Assets(store, chain, self._key, parts.files)
        name = peer_id(self._key.public.to_compressed_bytes())
        return DocumentsApi(assets, self._credentials, indexer, chain, name), assets

    def start(self) -> None:
        """Make the jobs whose start was cut off, and begin to settle what has ended."""
        self._payments.recover()
        self._settling.start()

    def close(self) -> None:
        """End the claim pass that is being made."""
        self._settling.close()

    def operation(self, request: Request) -> Operation | None:
        """Tell which operation a request is for."""
        return self._routed.operation(request)

    def unavailable(self) -> Response:
        """Answer as a proxy before a node that is away."""
        return as_text("Service Unavailable", 503)

    def move_nonce(self, request: Request) -> Callable[[], None] | None:
        """Return what uses up the nonce that a request was signed with; None if it was not."""
        data: dict[str, Any] = {**body_of(request), **request.args.to_dict()}
        names = ("consumerAddress", "address", "publisherAddress", "decrypterAddress")
        address = next((data[name] for name in names if data.get(name)), None)
        nonce = nonce_of(data.get("nonce"))
        if not data.get("signature") or not address or nonce is None:
            return None
        return lambda: self._credentials.move(str(address), nonce)


class NodeDialect:
    """An Ocean Node 3.2: published assets, free and paid jobs.

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


def _address_of(key: str) -> str:
    return NodeKey(key).address


def _contracts_of(parts: NetworkParts) -> NodeContracts:
    contracts = parts.chain.contracts
    if not isinstance(contracts, NodeContracts):
        raise LocalNetworkError("a node needs a chain with the contracts of its generation")
    return contracts


def _passes_of(parts: NetworkParts, options: NodeOptions) -> ClaimPasses:
    first_s, every_s = options.claim_first_s, options.claim_every_s
    return ClaimPasses(parts.database, first_s=first_s, every_s=every_s)


def _on_bad_body(error: BadBody) -> Response:
    return page(400, f"SyntaxError: {error}")


def _on_unexpected(error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.code in (404, 405):
        return page(404, f"Cannot {request.method} {request.path}")
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return page(error.code, error.name)
    _log.exception("the request failed")
    return as_text(INTERNAL, 500)
