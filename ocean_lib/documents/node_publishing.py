"""Publishing at an Ocean Node: NFT and datatoken, encrypted files and document, `setMetaData`."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import Asset4
from ocean_lib.backends.discovery import Discovery, configured_url
from ocean_lib.backends.node.addresses import AddressBook
from ocean_lib.backends.node.backend import NodeBackend
from ocean_lib.backends.node.nfts import (
    MadeAsset,
    NewAsset,
    Nft,
    NftFactory,
    document_arguments,
)
from ocean_lib.backends.node.orders import Datatoken
from ocean_lib.backends.node.publisher import NodePublisher, as_text
from ocean_lib.backends.node.tokens import Token
from ocean_lib.backends.select import Backends
from ocean_lib.base.arguments import check_seconds
from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.checks import check_address, shown_url
from ocean_lib.common.utils.utilities import get_timestamp
from ocean_lib.documents import ddo4_values
from ocean_lib.documents.description import Description
from ocean_lib.documents.publishing import CACHE_TIMEOUT_S
from ocean_lib.documents.search import AssetSearch
from ocean_lib.exceptions import (
    ConfigError,
    ContractNotFound,
    InvalidInput,
    NotOffered,
    NotYourAsset,
    OceanError,
    ResponseError,
    TransportError,
    add_to_message,
)
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.ocean.util import to_base_18
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address
from ocean_lib.web3_internal.utils import get_network_id

logger = logging.getLogger(__name__)

_SEALED_BYTES = 97
"""What encryption adds to a text: a key, a nonce and a tag."""
_POLL_S, _LONGEST_POLL_S = 1.0, 4.0
_DRAFT = "0x" + "1" * 40


class NodePublishing:
    """The part of `OceanAssets` that publishes at Ocean Nodes.

    Args:
        config: names the node and the contracts.
        backends: the nodes.
        search: looks for what was published.
        chain: where to.
    """

    def __init__(
        self, config: Any, backends: Backends, search: AssetSearch, chain: ChainAccess
    ) -> None:
        self._config = config
        self._backends = backends
        self._search = search
        self._chain = chain

    # --- the node

    def node_for(self, asset: Asset | None = None) -> NodePublisher:
        """Return the node that serves an asset; without one, the configured node.

        Raises:
            NotOffered: what serves it is not an Ocean Node.
        """
        view = asset.view if asset is not None else None
        url = view.services[0].endpoint if view and view.services else ""
        root = self._backends.discovery.root_of(url or configured_url(self._config))
        backend = self._backends.at(root)
        if isinstance(backend, NodeBackend):
            return backend.publisher
        raise NotOffered(f"What serves this asset, {shown_url(root)}, is not an Ocean Node.")

    def _chain_id(self, root: str) -> int:
        """Return the configured chain's id, which the node must serve."""
        chain_id = get_network_id(self._chain.web3)
        discovery = self._backends.discovery
        served = discovery.document(root).get("chainIds") if isinstance(discovery, Discovery) else 0
        if isinstance(served, list) and str(chain_id) not in map(str, served):
            raise ConfigError(
                f"The config's network is chain {chain_id}, and the node at {shown_url(root)} "
                f"serves {', '.join(map(str, served)) or 'none'}. Nothing was sent. Set network "
                "in [eth-network] to the node's chain."
            )
        return chain_id

    # --- who may change an asset

    def check_publisher(self, asset: Asset, address: str) -> None:
        """Check that this account can change an asset.

        Raises:
            NotYourAsset: it cannot; the error says who can.
        """
        owner = self.publisher_of(asset)
        if owner.lower() != address.lower():
            raise NotYourAsset(str(asset.did), owner, address)

    def publisher_of(self, asset: Asset) -> str:
        """Return who can change an asset: the owner of its NFT."""
        return self._nft(asset).owner()

    def fee_wei(self, asset: Asset, address: str) -> int:
        """Return what it costs about to put an asset's document on the chain now."""
        length = len(as_text(ddo4_values.published_part(asset.as_dictionary()))) + _SEALED_BYTES
        sealed, digest = secrets.token_hex(length), secrets.token_hex(32)
        url = str(asset.services[0].service_endpoint or "")
        arguments = document_arguments(asset.view.state or 0, url, sealed, digest)
        return self._nft(asset).fee_wei("setMetaData", arguments, address)

    def _nft(self, asset: Asset) -> Nft:
        return self._chain.contract(Nft, asset.view.nft_address)

    # --- changing

    def update(self, asset: Asset, wallet: Any, wait_s: float = CACHE_TIMEOUT_S) -> str:
        """Publish an asset's changed document; returns the transaction's hash."""
        check_seconds("wait_for_cache_s", wait_s)
        signer, node = check_signer(wallet), self.node_for(asset)
        document = ddo4_values.published_part(asset.as_dictionary())
        document["metadata"]["updated"] = get_timestamp()
        chain_id = self._chain_id(node.root)
        urls = asset.new_files if isinstance(asset, Asset4) else ()
        if urls:
            _check_files(node, urls)
            for service in document["services"]:
                token = str(service["datatokenAddress"])
                service["files"] = node.encrypt(
                    file_list(token, asset.view.nft_address, urls), chain_id, signer
                )
        state = asset.view.state or 0
        tx_hash = self._write(node, document, state, chain_id, signer)
        with interrupted_saying(f"{asset.did} is changed, in transaction {tx_hash}."):
            self._wait(document, state, wait_s)
        return tx_hash

    def _write(
        self, node: NodePublisher, document: dict[str, Any], state: int, chain_id: int, signer: Any
    ) -> str:
        """Encrypt and validate a document, and put it on the chain."""
        encrypted = node.encrypt(document, chain_id, signer)
        digest = node.validated(document, signer)
        nft = self._chain.contract(Nft, document["nftAddress"])
        tx_hash = nft.set_document(document_arguments(state, node.root, encrypted, digest), signer)
        logger.info("Asset %s: written in transaction %s", document["id"], tx_hash)
        return tx_hash

    # --- publishing

    def create(
        self, description: Description, values: Mapping[str, Any], urls: Sequence[str], wallet: Any
    ) -> Asset4:
        """Publish a new asset.

        Args:
            description: of it.
            values: the description's, trusted algorithms as entries of the list.
            urls: of its files.
            wallet: signs and pays, and owns the NFT.
        """
        signer, node = check_signer(wallet), self.node_for()
        chain_id, created = self._chain_id(node.root), get_timestamp()
        _check_files(node, urls)

        def document(made: MadeAsset, files: str) -> dict[str, Any]:
            services = [
                ddo4_values.new_service(
                    kind, values["name"], made.datatoken, node.root, files, values["timeout"]
                )
                for kind in ddo4_values.services_of(values)
            ]
            kind = description.asset_type
            return ddo4_values.new_document(kind, values, made.nft, chain_id, created, services)

        node.check(document(MadeAsset(_DRAFT, _DRAFT), "0x00"))
        made = self._made(values, signer)
        go_on = (
            f"NFT {made.nft} and data token {made.datatoken} are on the chain already. To go on "
            f'with them, publish again with `token: {{address: "{made.datatoken}"}}`.'
        )
        state = ddo4_values.DISABLED_STATE if values["disabled"] else 0
        try:
            with interrupted_saying(f"the asset was not published. {go_on}"):
                listed = file_list(made.datatoken, made.nft, urls)
                whole = document(made, node.encrypt(listed, chain_id, signer))
                written = self._write(node, whole, state, chain_id, signer)
        except OceanError as error:
            add_to_message(error, go_on)
            raise
        indexed = {"nft": {"state": state, "owner": signer_address(signer)}}
        asset = Asset4({**whole, "indexedMetadata": indexed})
        asset.transactions = tuple(filter(None, (made.tx_hash, written)))
        return asset

    def wait(self, asset: Asset, wait_s: float) -> None:
        """Wait until the node serves an asset as it is on the chain; 0 does not ask."""
        document = ddo4_values.published_part(asset.as_dictionary())
        with interrupted_saying(f"{asset.did} is published, in {asset.transactions[-1]}."):
            self._wait(document, asset.view.state or 0, wait_s)

    def _made(self, values: Mapping[str, Any], signer: Signer) -> MadeAsset:
        """Return the NFT and datatoken to use, made if the description names none."""
        book = AddressBook(self._config.address_file, self._chain.web3)
        where = book.address_of("ERC721Factory")
        factory = self._chain.contract(NftFactory, where, NftFactory.GAS)
        owner = signer_address(signer)
        if values["token.address"]:
            return self._given(factory, values["token.address"], owner)
        name = values["token.name"] or values["name"]
        new = NewAsset(
            values["name"],
            name,
            values["token.symbol"] or name,
            to_base_18(values["token.cap"]),
            **self._sale(values, book),
        )
        return factory.make(new, owner, signer)

    def _sale(self, values: Mapping[str, Any], book: AddressBook) -> dict[str, Any]:
        """Return who gives the datatokens away, or sells them, as fields of a `NewAsset`."""
        if values["token.sold_for"]:
            base = check_address(values["token.sold_for"])
            return {
                "exchange": book.address_of("FixedPrice"),
                "base_token": base,
                "base_decimals": self._chain.contract(Token, base).decimals(),
                "rate_base": to_base_18(values["price"]),
            }
        return {"dispenser": book.address_of("Dispenser")} if not values["price"] else {}

    def _given(self, factory: NftFactory, address: str, owner: str) -> MadeAsset:
        token = self._chain.contract(Datatoken, address)
        nft = token.nft()
        if not factory.knows(nft):
            raise ContractNotFound(
                f"{address} is no data token of this network's factory. Nothing was published. "
                "Check the address, or leave it out to make a new one."
            )
        of = self._chain.contract(Nft, nft).owner()
        if of.lower() != owner.lower():
            raise InvalidInput(
                f"The NFT of data token {address} is owned by {of}, not by {owner}. Nothing was "
                "published. Use the owner's wallet."
            )
        return MadeAsset(nft, check_address(address))

    # --- waiting

    def _wait(self, document: Mapping[str, Any], state: int, timeout_s: float) -> None:
        """Wait until the node's indexer has a document as it is on the chain."""
        did = str(document["id"])
        deadline, pause = time.monotonic() + timeout_s, _POLL_S
        while timeout_s > 0:
            try:
                found = self._search.resolve(did)
                is_same = ddo4_values.published_part(found.as_dictionary()) == document
                if (is_same or state) and (found.view.state or 0) == state:
                    return
            except (ResponseError, TransportError, InvalidInput) as error:
                logger.debug("Asset %s is not indexed yet: %s", did, error)
            left = deadline - time.monotonic()
            if left <= 0:
                logger.warning(
                    "Asset %s is on the chain, but the node does not have it after %g seconds. It "
                    "will appear there; resolve it before it is ordered.",
                    did,
                    timeout_s,
                )
                return
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_POLL_S)


def file_list(datatoken: str, nft: str, urls: Sequence[str]) -> dict[str, Any]:
    """Return a list of files as it is encrypted, for this asset only."""
    files = [{"type": "url", "url": url, "method": "GET"} for url in urls]
    return {"datatokenAddress": datatoken, "nftAddress": nft, "files": files}


def _check_files(node: NodePublisher, urls: Sequence[str]) -> None:
    """Refuse files that the node reads nothing of; one request each."""
    for index, url in enumerate(urls):
        if not node.reaches(url):
            raise InvalidInput(
                f"The node cannot read file {index}, {shown_url(url)}. Nothing was published."
            )
