"""Publishing an asset: checked first, then data token, encrypted files, DDO on the chain.

Everything that can be checked or can fail without a transaction comes before the first one.
"""

from __future__ import annotations

import copy
import json
import logging
import lzma
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.signing import check_trusted
from ocean_lib.backends.v3.rules import ORDERABLE
from ocean_lib.base.arguments import check_seconds
from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.checks import check_did, check_url, is_json, printable, shown_url
from ocean_lib.common.agreements.service_factory import ServiceDescriptor, ServiceFactory
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.ddo import PUBLIC_KEY_TYPE_RSA
from ocean_lib.common.ddo.service import Service
from ocean_lib.common.utils.utilities import checksum
from ocean_lib.documents.publishable import (
    TokenChoice,
    access_attributes,
    check_metadata,
    check_service,
    files_in,
    holds_url,
)
from ocean_lib.documents.search import AssetSearch
from ocean_lib.exceptions import (
    AquariusError,
    AssetNotFound,
    ChainError,
    ConnectionBroken,
    ContractNotFound,
    InvalidInput,
    NotYourAsset,
    OceanError,
    RequestTimeout,
    ResponseError,
    TransportError,
    add_to_message,
)
from ocean_lib.http.redaction import one_line
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.models.metadata import MetadataContract, data_token_of
from ocean_lib.web3_internal.signer import Signer, check_signer, sign_text, signer_address

logger = logging.getLogger(__name__)

LZMA_FLAG = bytes([1])
_ENCRYPTED_BIT = 2
_POLL_S, _LONGEST_POLL_S = 0.1, 2.0

CACHE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Access:
    """Who may use a new asset.

    Attributes:
        credentials: its allow and deny lists, as its document has them.
        disabled: whether nobody may for now.
    """

    credentials: dict[str, Any] = field(default_factory=dict)
    disabled: bool = False

    def put_into(self, asset: Asset) -> None:
        """Write it into an asset's document."""
        asset.credentials.update(copy.deepcopy(self.credentials))
        if self.disabled:
            asset.disable()


EVERYBODY = Access()


class Writing(Protocol):
    """Puts changed assets on the chain, whatever their generation."""

    def check_publisher(self, asset: Asset, address: str, /) -> None:
        """Check that an account can change an asset; `NotYourAsset` if not."""

    def publisher_of(self, asset: Asset, /) -> str:
        """Return who can change an asset."""

    def fee_wei(self, asset: Asset, address: str, /) -> int:
        """Return what it costs to put an asset's document on the chain."""

    def update(self, asset: Asset, wallet: Any, wait_s: float = CACHE_TIMEOUT_S, /) -> str:
        """Put an asset's changed document on the chain; returns the transaction's hash."""


class Publishing:
    """The part of `OceanAssets` that puts documents on the chain.

    Args:
        config: names the Provider where a call does not.
        data_provider: encrypts the files.
        search: knows the metadata cache.
        chain: where to.
        registry_address: of the Metadata contract; None: the configured one.
    """

    def __init__(
        self,
        config: Any,
        data_provider: Any,
        search: AssetSearch,
        chain: ChainAccess,
        registry_address: str | None,
    ) -> None:
        self._config = config
        self._data_provider = data_provider
        self._search = search
        self._chain = chain
        self._registry_address = registry_address

    def registry(self) -> MetadataContract:
        """Return the contract that DDOs are published with."""
        return self._chain.metadata_contract(self._registry_address)

    def create(
        self,
        metadata: dict[str, Any],
        wallet: Any,
        descriptors: list[Any] | None,
        token: TokenChoice,
        provider_uri: str | None,
        wait_s: float,
        access: Access = EVERYBODY,
    ) -> Asset:
        """Publish a new asset; see `OceanAssets.create`."""
        check_seconds("wait_for_cache_s", wait_s)
        if descriptors is not None and not isinstance(descriptors, list):
            raise InvalidInput(
                f"service_descriptors must be a list, got {type(descriptors).__name__}."
            )
        if provider_uri is None:
            provider_uri = str(self._data_provider.get_url(self._config))
        else:
            check_url(provider_uri, name="provider_uri")
        publisher = self._publisher(wallet, provider_uri)
        asset = publisher.publish(metadata, descriptors or [], token, access)
        with interrupted_saying(f"{asset.did} is published, in {asset.transactions[-1]}."):
            wait_for_cache(publisher.aquarius, asset, wait_s)
        return asset

    def update(self, asset: Asset, wallet: Any, wait_s: float = CACHE_TIMEOUT_S) -> str:
        """Publish an asset's changed DDO; see `OceanAssets.update`."""
        if not isinstance(asset, Asset):
            raise InvalidInput(
                f"asset must be an Asset, got {type(asset).__name__}. Get it with assets.resolve, "
                "and change it."
            )
        check_seconds("wait_for_cache_s", wait_s)
        check_did(asset.did)
        publisher = self._publisher(wallet, _provider_of(asset))
        if _has_new_files(asset):
            # The asset names who will read the URLs, and get a signature.
            check_trusted(self._config, publisher.provider_uri, str(asset.did))
            publisher.encrypt_new_files(asset)
        tx_hash = publisher.write("update", asset)
        with interrupted_saying(f"{asset.did} is changed, in transaction {tx_hash}."):
            wait_for_cache(publisher.aquarius, asset, wait_s)
        return tx_hash

    def check_publisher(self, asset: Asset, address: str) -> None:
        """Check that this account can change an asset.

        Raises:
            NotYourAsset: it cannot; the error says who can.
        """
        minter = self.publisher_of(asset)
        if minter.lower() != address.lower():
            raise NotYourAsset(str(asset.did), minter, address)

    def publisher_of(self, asset: Asset) -> str:
        """Return who can change an asset: its data token's minter."""
        return str(self._chain.data_token(asset.data_token_address).minter())

    def fee_wei(self, asset: Asset, address: str) -> int:
        """Return what it costs to put an asset's document on the chain, at today's gas price."""
        data = _on_chain(asset)
        arguments = (data_token_of(str(asset.did)), LZMA_FLAG, data)
        return self.registry().fee_wei("update", arguments, address)

    def _publisher(self, wallet: Any, provider_uri: str) -> Publisher:
        return Publisher(
            self._chain,
            self._data_provider,
            self._search.v3_cache(),
            check_signer(wallet),
            provider_uri,
            self._registry_address,
        )


@dataclass(frozen=True)
class Publisher:
    """Publishes with one wallet.

    Attributes:
        chain: where to.
        data_provider: encrypts the files.
        aquarius: validates the metadata.
        wallet: signs, and pays for gas.
        provider_uri: the Provider's URL.
        registry_address: of the Metadata contract; None: the configured one.
    """

    chain: ChainAccess
    data_provider: Any
    aquarius: Any
    wallet: Signer
    provider_uri: str
    registry_address: str | None

    def publish(
        self, metadata: dict[str, Any], descriptors: list[Any], token: TokenChoice, access: Access
    ) -> Asset:
        """Publish a new asset; see `OceanAssets.create`."""
        own_metadata = copy.deepcopy(metadata)
        files = check_metadata(own_metadata)
        self._validate(metadata)
        self._check_files(files)
        services = self._services(own_metadata, copy.deepcopy(descriptors))
        token_address, made_in = self._data_token(token, str(own_metadata["main"]["name"]))
        go_on = _how_to_go_on(token_address)
        try:
            with interrupted_saying(f"the asset was not published. {go_on}"):
                asset = self._describe(services, token_address)
                access.put_into(asset)
                self._encrypt_files(asset, own_metadata, files)
                written_in = self.write("create", asset)
        except OceanError as error:
            add_to_message(error, go_on)
            raise
        asset.transactions = (made_in, written_in) if made_in else (written_in,)
        return asset

    def encrypt_new_files(self, asset: Asset) -> None:
        """Encrypt the new files of a changed asset; see `OceanAssets.update`."""
        metadata = asset.metadata or {}
        try:
            files = check_metadata(metadata)
            self._check_files(files)
        except InvalidInput as error:
            add_to_message(
                error,
                "To change the files, give all of them with their URLs: what is encrypted already "
                "cannot be read. Nothing was sent to the chain.",
            )
            raise
        self._encrypt_files(asset, metadata, files)

    def write(self, function: str, asset: Asset) -> str:
        """Put the DDO on the chain with the registry's `create` or `update`."""
        if any(holds_url(files_in(service.attributes)) for service in asset.services):
            raise InvalidInput(
                f"The document of {asset.did} has a file's URL in the clear, where it would stay "
                "for everybody to read. Nothing was sent. Give each file as a dict with its URL "
                "as `url`, and all of them, so that they are encrypted."
            )
        if not is_json(asset.as_dictionary()):
            raise InvalidInput(
                f"The document of {asset.did} must hold JSON values only: text, int, finite float, "
                "list, dict. Nothing was sent."
            )
        registry = self.chain.metadata_contract(self.registry_address)
        if function == "update":
            _check_in_the_clear(registry, str(asset.did))
        data = _on_chain(asset)
        send = registry.create if function == "create" else registry.update
        tx_hash = send(data_token_of(str(asset.did)), LZMA_FLAG, data, self.wallet)
        logger.info("Asset %s: %sd on chain in transaction %s", asset.did, function, tx_hash)
        return tx_hash

    def _validate(self, metadata: dict[str, Any]) -> None:
        is_valid, faults = self.aquarius.validate_metadata(metadata)
        if not is_valid:
            raise InvalidInput(
                "The metadata cache refuses the metadata: "
                f"{printable(str(faults), limit=1000)}. Nothing was published."
            )

    def _check_files(self, files: list[dict[str, Any]]) -> None:
        for index, file in enumerate(files):
            if not self.data_provider.check_single_file_info(file["url"], self.provider_uri):
                raise InvalidInput(
                    f"The Provider cannot reach file {index} of the metadata, "
                    f"{shown_url(file['url'])}. Nothing was published."
                )

    def _services(self, metadata: dict[str, Any], descriptors: list[Any]) -> list[Service]:
        by_type = {}
        for descriptor in descriptors:
            is_pair = isinstance(descriptor, (tuple, list)) and len(descriptor) == 2
            if not (is_pair and isinstance(descriptor[0], str)):
                raise InvalidInput(
                    "A service descriptor is a tuple of a service type and a dict; make it with "
                    f"ServiceDescriptor, got {printable(descriptor)}."
                )
            by_type[descriptor[0]] = tuple(descriptor)
        if len(by_type) != len(descriptors):
            raise InvalidInput("Two service descriptors are of one type; give one of each.")
        given = by_type.pop(ServiceTypes.METADATA, None)
        cache_url = given[1].get("serviceEndpoint") if given else None
        ordered = [
            # Always of the metadata given, whose file URLs will be taken out.
            ServiceDescriptor.metadata_service_descriptor(
                metadata, cache_url or self.aquarius.get_service_endpoint()
            )
        ]
        access = by_type.pop(ServiceTypes.ASSET_ACCESS, None)
        compute = by_type.pop(ServiceTypes.CLOUD_COMPUTE, None)
        if access is None and compute is None:
            access = self._default_access(metadata)
        ordered += [found for found in (access, compute, *by_type.values()) if found]
        services = ServiceFactory.build_services(ordered)
        try:
            for service in services:
                check_service(service)
        except InvalidInput as error:
            add_to_message(error, "Nothing was published.")
            raise
        return services

    def _default_access(self, metadata: dict[str, Any]) -> Any:
        attributes = access_attributes(
            metadata["main"].get("dateCreated"), 1.0, signer_address(self.wallet)
        )
        _, endpoint = self.data_provider.build_download_endpoint(self.provider_uri)
        return ServiceDescriptor.access_service_descriptor(attributes, endpoint)

    def _data_token(self, choice: TokenChoice, asset_name: str) -> tuple[str, str]:
        """Return the address of the data token to use, and the transaction that made a new one."""
        if choice.address:
            return self._given_data_token(choice.address), ""
        name = choice.name or asset_name
        token = self.chain.make_data_token(
            choice.blob, name, choice.symbol or name, choice.cap_base, self.wallet
        )
        if choice.owner_address:
            try:
                token.proposeMinter(choice.owner_address, self.wallet)
            except OceanError as error:
                add_to_message(error, _how_to_go_on(token.address))
                raise
        return token.address, token.made_in

    def _given_data_token(self, address: str) -> str:
        if not self.chain.dtfactory().verify_data_token(address):
            raise ContractNotFound(
                f"{address} is no data token of this network's factory. Nothing was published. "
                "Check the address, or leave it out to make a new data token."
            )
        minter = self.chain.data_token(address).minter()
        if minter.lower() != self.wallet.address.lower():
            raise InvalidInput(
                f"The minter of data token {address} is {minter}, not the publisher "
                f"{self.wallet.address}. Nothing was published. Use the minter's wallet."
            )
        did = _did_of(address)
        try:
            self.aquarius.get_asset_ddo(did)
        except AssetNotFound:
            return address
        raise AquariusError(
            f"Asset id {did} is already registered to another asset. Nothing was published. "
            "Use OceanAssets.update to change it, or another data token."
        )

    def _describe(self, services: list[Service], token_address: str) -> Asset:
        did = _did_of(token_address)
        asset = Asset()
        asset.add_proof({str(s.index): checksum(s.main) for s in services}, self.wallet)
        asset.assign_did(did)
        for service in services:
            service.set_service_endpoint((service.service_endpoint or "").replace("{did}", did))
            asset.add_service(service)
        if asset.proof is not None:
            asset.proof["signatureValue"] = sign_text(self.wallet, str(asset.asset_id))
        asset.add_public_key(did, signer_address(self.wallet))
        asset.add_authentication(did, PUBLIC_KEY_TYPE_RSA)
        asset.data_token_address = token_address
        return asset

    def _encrypt_files(
        self, asset: Asset, metadata: dict[str, Any], files: list[dict[str, Any]]
    ) -> None:
        encrypted = self.data_provider.encrypt_files(
            files, str(asset.asset_id), self.wallet, self.provider_uri
        )
        for index, file in enumerate(files):
            file["index"] = index
            del file["url"]
        metadata["encryptedFiles"] = encrypted


def _on_chain(asset: Asset) -> bytes:
    """Return an asset's document as it goes on the chain."""
    return lzma.compress(asset.as_text().encode("utf-8"))


def _has_new_files(asset: Asset) -> bool:
    files = files_in(asset.metadata or {})
    return any("url" in file for file in files if isinstance(file, dict))


def _provider_of(asset: Asset) -> str:
    """Return where an asset's files are read, '' if it does not say."""
    for service in asset.services:
        if service.type in ORDERABLE:
            return service.service_endpoint or ""
    return ""


def wait_for_cache(aquarius: Any, asset: Asset, timeout_s: float) -> bool:
    """Wait until the metadata cache has the asset as it is on the chain; 0 does not ask."""
    deadline = time.monotonic() + timeout_s
    pause = _POLL_S
    wanted = _comparable(json.loads(asset.as_text()))  # as it was sent: a tuple is a list there
    while timeout_s > 0:
        try:
            if _comparable(aquarius.get_asset_ddo(asset.did).as_dictionary()) == wanted:
                return True
        except (ResponseError, TransportError) as error:
            logger.debug("Asset %s is not in the metadata cache yet: %s", asset.did, error)
        left = deadline - time.monotonic()
        if left <= 0:
            logger.warning(
                "Asset %s is on the chain, but the metadata cache does not have it after %g "
                "seconds. It will appear there; resolve it before it is ordered.",
                asset.did,
                timeout_s,
            )
            break
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_POLL_S)
    return False


def _comparable(document: dict[str, Any]) -> Any:
    """Return what the metadata cache leaves as it was; it adds the rest itself."""
    services = copy.deepcopy(document.get("service") or [])
    for service in services:
        attributes = service.get("attributes")
        if service.get("type") == ServiceTypes.METADATA and isinstance(attributes, dict):
            attributes.pop("curation", None)
            if isinstance(attributes.get("main"), dict):
                attributes["main"].pop("datePublished", None)
    return services, document.get("credentials") or {}


def _check_in_the_clear(registry: MetadataContract, did: str) -> None:
    """Check that the asset's newest document on the chain is not encrypted for a metadata cache.

    A cache serves it decrypted, so the event's flags are the only sign of it. Many public nodes
    refuse to look through so many blocks, or give up on it; few assets are encrypted, so that is a
    warning.

    Raises:
        InvalidInput: it is.
        ConnectFailed: there is no connection to the node, or no time is left.
    """
    wanted = {"dataToken": data_token_of(did)}
    try:
        logs = [
            log
            for name in (
                MetadataContract.EVENT_METADATA_CREATED,
                MetadataContract.EVENT_METADATA_UPDATED,
            )
            for log in registry.get_event_logs(name, wanted)
        ]
    except (ChainError, ConnectionBroken, RequestTimeout) as error:
        logger.warning(
            "%s is updated in the clear, without knowing that it was so before: %s",
            did,
            one_line(error, 300),
        )
        return
    newest = max(logs, key=lambda log: (log["blockNumber"], log["logIndex"]), default=None)
    flags = bytes(newest["args"]["flags"]) if newest is not None else b""
    if flags and flags[0] & _ENCRYPTED_BIT:
        raise InvalidInput(
            f"The document of {did} is encrypted on the chain (flags 0x{flags.hex()}), and this "
            "library would write it in the clear, where it stays for everybody to read. Nothing "
            "was sent. Update it with what published it."
        )


def _did_of(token_address: str) -> str:
    return f"did:op:{token_address[2:]}"


def _how_to_go_on(token_address: str) -> str:
    return (
        f"The data token {token_address} is on the chain already. To go on with it, call create "
        f"again with data_token_address='{token_address}', or publish a description again with "
        f'`token: {{address: "{token_address}"}}`.'
    )
