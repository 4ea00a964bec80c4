"""Assets: publish and change them, find them, order them, pay for them, download them."""

from typing import Any, Optional, Union

from enforce_typing import enforce_types

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.trusted import check_trusted
from ocean_lib.backends.v3.orders import OnChain, pay_for_service
from ocean_lib.backends.v3.rules import service_to_order
from ocean_lib.base.arguments import check_folder, check_seconds
from ocean_lib.checks import (
    check_address,
    check_did,
    check_service_index,
    check_tx_hash,
    check_url,
    printable,
)
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.data_provider.data_service_provider import OrderRequirements
from ocean_lib.documents import publishing as _publishing
from ocean_lib.documents.search import AssetSearch
from ocean_lib.documents.token_choice import token_choice
from ocean_lib.documents.trust import TrustDoctor
from ocean_lib.exceptions import (
    AssetNotConsumable,
    DownloadError,
    InvalidInput,
    MalformedResponse,
)
from ocean_lib.models.amounts import Amount
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.models.metadata import MetadataContract
from ocean_lib.preflight.order import OrderPreflight
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address
from ocean_lib.web3_internal.wallet import Wallet

AnyWallet = Union[Wallet, Signer]

CACHE_TIMEOUT_S = 60.0


@enforce_types
class OceanAssets(AssetSearch, OrderPreflight, TrustDoctor):
    """The asset side of Ocean.

    One instance may be used from many threads and with many wallets. Wherever a wallet is taken,
    anything with an `address` and `sign_message` will do (see `Signer`); what sends a transaction
    needs `sign_transaction` too, as an eth-account `LocalAccount` has it.

    Args:
        config: a `Config`.
        data_provider: a `DataServiceProvider`, or that class itself.
        ddo_registry_address: of the Metadata contract; None: from the config's address file.
        chain: shares web3 and addresses with others; None: made from the config.
        aquarius: the metadata cache's client; None: made from the config.
    """

    def __init__(
        self,
        config: object,
        data_provider: object,
        ddo_registry_address: Optional[str] = None,
        *,
        chain: Optional[ChainAccess] = None,
        aquarius: Optional[object] = None,
    ) -> None:
        self._config: Any = config
        self._data_provider: Any = data_provider
        self._metadata_registry_address = ddo_registry_address or None
        self._chain = chain or ChainAccess(config)
        self._aquarius: Any = aquarius

    def ddo_registry(self) -> MetadataContract:
        """Return the contract that DDOs are published with.

        Raises:
            ConfigError: none is configured for this network.
        """
        return self._chain.metadata_contract(self._metadata_registry_address)

    def create(
        self,
        metadata: dict[str, Any],
        publisher_wallet: AnyWallet,
        service_descriptors: Optional[list[Any]] = None,
        owner_address: Optional[str] = None,
        data_token_address: Optional[str] = None,
        provider_uri: Optional[str] = None,
        dt_name: Optional[str] = None,
        dt_symbol: Optional[str] = None,
        dt_blob: Optional[str] = None,
        dt_cap: Optional[Amount] = None,
        *,
        wait_for_cache_s: float = CACHE_TIMEOUT_S,
    ) -> Asset:
        """Publish a new asset: data token, encrypted file list, DDO on the chain.

        Args:
            metadata: as the metadata cache wants it, files with their URLs; it is not changed.
            publisher_wallet: signs and pays; becomes the data token's minter.
            service_descriptors: (service type, dict) each, see `ServiceDescriptor`; None: one
                access service that costs 1 token.
            owner_address: is proposed as minter of a new data token.
            data_token_address: a data token of this publisher; None: a new one is made.
            provider_uri: the Provider's URL; None: the configured one.
            dt_name: a new data token's name; None: the asset's.
            dt_symbol: its symbol; None: its name.
            dt_blob: any text to keep with it.
            dt_cap: the most tokens ever; None: 1000.
            wait_for_cache_s: how long to wait until the metadata cache has the asset, so that it
                can be resolved and ordered; 0: not at all. When it does not come in time, that is
                logged, and the asset returned all the same: it is published.

        Returns:
            The asset.

        Raises:
            InvalidInput: an argument cannot work, the metadata is refused, or a file's URL
                cannot be reached; nothing was published.
            ContractNotFound: the data token is not the factory's.
            AquariusError: the data token is another asset's, or the cache answered an error.
            ChainError: a transaction failed.
            ProviderError: the files could not be encrypted.
            TransportError: somebody did not answer.

        An error after the data token was made names it, and how to go on with it.
        """
        check_seconds("wait_for_cache_s", wait_for_cache_s)
        if service_descriptors is not None and not isinstance(service_descriptors, list):
            raise InvalidInput(
                f"service_descriptors must be a list, got {type(service_descriptors).__name__}."
            )
        token = token_choice(data_token_address, owner_address, dt_name, dt_symbol, dt_blob, dt_cap)
        if provider_uri is not None:
            check_url(provider_uri, name="provider_uri")
        publisher = self._publisher(publisher_wallet, provider_uri)
        asset = publisher.publish(metadata, service_descriptors or [], token)
        _publishing.wait_for_cache(publisher.aquarius, asset, wait_for_cache_s)
        return asset

    def update(
        self,
        asset: Asset,
        publisher_wallet: AnyWallet,
        *,
        wait_for_cache_s: float = CACHE_TIMEOUT_S,
    ) -> str:
        """Publish an asset's changed DDO.

        This is also the way to change an asset's files: set `asset.metadata["main"]["files"]` to a
        list of dicts with `url` (and `contentType`, ...), all files of the asset, and update it.
        They are checked and encrypted as in `create`, by the Provider of the asset's service, and
        `asset` then has the encrypted list in their place. Where an algorithm's files change, the
        data sets that trust it must renew that (`refresh_trust`).

        The document goes on the chain in the clear, so an asset whose document is encrypted there
        (flag 2, as ocean.js can do) is refused; where the node does not tell, that is logged.

        Args:
            asset: the changed asset.
            publisher_wallet: the data token's minter.
            wait_for_cache_s: how long to wait until the metadata cache has the change; 0: not at
                all. When it does not come in time, that is logged.

        Returns:
            The transaction's hash as `0x` hex.

        Raises:
            InvalidInput: it is no asset, holds what is no JSON, or a file's URL that would not be
                encrypted, or is encrypted on the chain; or a new file cannot be reached.
            InvalidDid: the asset has no DID.
            ProviderError: the new files could not be encrypted.
            ChainError: the transaction failed, for example because the wallet is not the minter.
        """
        if not isinstance(asset, Asset):
            raise InvalidInput(
                f"asset must be an Asset, got {type(asset).__name__}. Get it with assets.resolve, "
                "and change it."
            )
        check_seconds("wait_for_cache_s", wait_for_cache_s)
        check_did(asset.did)
        publisher = self._publisher(publisher_wallet, _provider_of(asset))
        publisher.encrypt_new_files(asset)
        tx_hash = publisher.write("update", asset)
        _publishing.wait_for_cache(publisher.aquarius, asset, wait_for_cache_s)
        return tx_hash

    def order(
        self,
        did: str,
        consumer_address: str,
        service_index: Optional[int] = None,
        service_type: Optional[str] = None,
    ) -> OrderRequirements:
        """Ask what it takes to use a service of an asset. Nothing is paid.

        Args:
            did: the asset.
            consumer_address: who wants to use it.
            service_index: the service's index; ignored when `service_type` is given.
            service_type: `access` or `compute`.

        Returns:
            amount (in tokens), data_token_address, receiver_address, nonce, computeAddress.

        Raises:
            InvalidInput: neither index nor type, no such service, or one that cannot be ordered.
            AssetNotConsumable: the asset is disabled, unreachable, or not for this address.
            AssetNotFound: the metadata cache does not have it.
            ProviderError: the Provider refuses.
            TransportError: somebody did not answer.
        """
        consumer = check_address(consumer_address, name="consumer_address")
        if service_type is None and service_index is None:
            raise InvalidInput("Give service_index or service_type to say what to order.")
        if service_type is None:
            service_index = check_service_index(service_index, name="service_index")
        asset = self.resolve(did)
        service = service_to_order(asset, service_index, service_type)
        endpoint = str(service.service_endpoint)
        self._check_consumable(asset, consumer, endpoint)
        _, initialize_url = self._data_provider.build_initialize_endpoint(endpoint)
        token = check_address(asset.data_token_address)
        requirements: OrderRequirements = self._data_provider.get_order_requirements(
            str(asset.did), initialize_url, consumer, service.index, service.type, token
        )
        if requirements.data_token_address.lower() != token.lower():
            raise MalformedResponse(
                f"The Provider wants data token {requirements.data_token_address} for {did}, whose "
                f"own is {token}. Nothing was paid. Ask the publisher which is right.",
                operation="order a service",
            )
        return requirements

    pay_for_service = OnChain(pay_for_service)

    def download(
        self,
        did: str,
        service_index: int,
        consumer_wallet: AnyWallet,
        order_tx_id: str,
        destination: str,
        index: Optional[int] = None,
    ) -> str:
        """Download the files of an ordered asset.

        Args:
            did: the asset.
            service_index: of its access service.
            consumer_wallet: of the consumer who ordered.
            order_tx_id: the order.
            destination: the folder in which the asset gets a folder of its own.
            index: which file; None: all.

        Returns:
            The asset's folder.

        Raises:
            InvalidInput: no such file, the service is no access service, or an argument is none.
            AssetNotConsumable: the asset is disabled, unreachable, or not for this address.
            ProviderNotTrusted: the asset's Provider is none that the config names.
            ProviderError: the Provider refuses.
            DownloadError: a file could not be brought home, or the folder not be made.
        """
        address = signer_address(check_signer(consumer_wallet))
        wanted = check_service_index(service_index, name="service_index")
        check_tx_hash(order_tx_id, name="order_tx_id")
        place = check_folder("destination", destination)
        if index is not None:
            index = check_service_index(index, name="index")
        asset = self.resolve(did)
        service = service_to_order(asset, wanted, None)
        if service.type != ServiceTypes.ASSET_ACCESS:
            raise InvalidInput(
                f"Service {wanted} of {did} is of type {service.type}: only "
                f"{ServiceTypes.ASSET_ACCESS} services give files away."
            )
        check_trusted(self._config, str(service.service_endpoint), did)
        self._check_consumable(asset, address, str(service.service_endpoint))
        _, endpoint = self._data_provider.build_download_endpoint(service.service_endpoint)
        # Named after the DID that was asked for, which is checked: it cannot leave the folder.
        asset_id = "0x" + check_did(did)[len("did:op:") :]
        folder = place.resolve() / f"datafile.{asset_id}.{wanted}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DownloadError(
                f"The folder {printable(str(folder), limit=300)} cannot be made: {error.strerror}."
            ) from None
        self._data_provider.download_service(
            did,
            endpoint,
            consumer_wallet,
            (asset.metadata or {}).get("main", {}).get("files", []),
            str(folder),
            wanted,
            asset.data_token_address,
            order_tx_id,
            index,
        )
        return str(folder)

    @staticmethod
    def build_access_service(
        date_created: str, cost: float, address: str, timeout: int = 3600
    ) -> dict[str, Any]:
        """Build the attributes of an access service.

        Args:
            date_created: such as `2021-06-24T10:00:00Z`.
            cost: in tokens.
            address: the publisher.
            timeout: how long an order is good for, in seconds.
        """
        attributes: dict[str, Any] = _publishing.access_attributes(
            date_created, cost, address, timeout
        )
        return attributes

    def _publisher(self, wallet: AnyWallet, provider_uri: Optional[str]) -> _publishing.Publisher:
        if provider_uri is None:
            provider_uri = str(self._data_provider.get_url(self._config))
        return _publishing.Publisher(
            self._chain,
            self._data_provider,
            self._get_aquarius(),
            check_signer(wallet),
            provider_uri,
            self._metadata_registry_address,
        )

    def _check_consumable(self, asset: Asset, address: str, service_endpoint: str) -> None:
        credential = {"type": "address", "value": address}
        code = asset.is_consumable(credential, with_connectivity_check=False)
        # Asked here rather than by the asset, which knows no session but the shared one.
        if code != ConsumableCodes.ASSET_DISABLED and not self._data_provider.check_asset_file_info(
            asset, service_endpoint
        ):
            code = ConsumableCodes.CONNECTIVITY_FAIL
        if code != ConsumableCodes.OK:
            raise AssetNotConsumable(code, str(asset.did), address)

    def _with_chain(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        limits = {
            "web3": self._chain.web3,
            "gas_limit": self._config.gas_limit,
            "max_fee_wei": self._config.max_fee_wei,
            "timeout_s": self._config.transaction_timeout_s,
            "asset_of": self.resolve,
        }
        return function(*args, **{**limits, **kwargs})


def _provider_of(asset: Asset) -> str:
    """Return where an asset's files are read, '' if it does not say."""
    for service in asset.services:
        if service.type in (ServiceTypes.ASSET_ACCESS, ServiceTypes.CLOUD_COMPUTE):
            return service.service_endpoint or ""
    return ""
