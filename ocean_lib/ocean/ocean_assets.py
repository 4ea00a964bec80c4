"""Assets: publish and change them, find them, order them, pay for them, download them."""

import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from enforce_typing import enforce_types

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import Asset4
from ocean_lib.backends.discovery import is_at_node
from ocean_lib.backends.v3.orders import Orders, pay_for_service
from ocean_lib.backends.v3.purchases import Purchases
from ocean_lib.base.arguments import check_text
from ocean_lib.checks import is_did, is_token_did
from ocean_lib.data_provider.data_service_provider import OrderRequirements
from ocean_lib.documents.asset_change import AssetChange
from ocean_lib.documents.changing import Changing
from ocean_lib.documents.describing import DescribedAssets, ShownAsset
from ocean_lib.documents.dialects import V3Dialect
from ocean_lib.documents.publishable import access_attributes, token_choice
from ocean_lib.documents.publishing import CACHE_TIMEOUT_S, Publishing, Writing
from ocean_lib.documents.search import AssetSearch
from ocean_lib.documents.trust import TrustDoctor
from ocean_lib.jobs.service_orders import ServiceOrders
from ocean_lib.models.amounts import Amount
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.models.metadata import MetadataContract
from ocean_lib.preflight.findings import Findings
from ocean_lib.preflight.order import OrderPreflight
from ocean_lib.preflight.trust import TrustChange, TrustReport
from ocean_lib.web3_internal.signer import Signer
from ocean_lib.web3_internal.wallet import Wallet

if TYPE_CHECKING:
    from ocean_lib.documents.node_assets import NodeAssets

logger = logging.getLogger(__name__)

AnyWallet = Union[Wallet, Signer]
Described = Union[dict[str, Any], str, Path]
"""A description, or changes to one: a dict, a path of a YAML or JSON file, or its text."""


class _OnChain(staticmethod):  # type: ignore[type-arg]
    """A static method that, called on an instance, uses the instance's chain and assets."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        function = super().__get__(instance, owner)
        return function if instance is None else functools.partial(instance._orders.pay, function)


def _is_later(did: str) -> bool:
    """Tell whether a DID is of a later generation than V3."""
    return is_did(did) and not is_token_did(did)


def _node_assets(*parts: Any) -> "NodeAssets":
    from ocean_lib.documents.node_assets import NodeAssets  # not needed for V3

    return NodeAssets(*parts)


@enforce_types
class OceanAssets:
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
        chain = chain or ChainAccess(config)
        self._search = AssetSearch(config, data_provider, aquarius)
        self._publishing = Publishing(
            config, data_provider, self._search, chain, ddo_registry_address or None
        )
        dialect = V3Dialect()
        self._trust = TrustDoctor(self._search, self._publishing, dialect)
        self._described = DescribedAssets(
            config, data_provider, self._search, self._publishing, self._trust, dialect
        )
        self._changing = Changing(self._search, self._publishing, self._trust, self._described)
        self._orders = Orders(config, data_provider, self._search, chain)
        self._purchases = Purchases(config, self._orders, self._search.resolve, chain)
        self._preflight = OrderPreflight(config, data_provider, self._search, chain)
        self._config = config
        self._discovery = getattr(data_provider, "discovery", None)
        self._make_node_assets = functools.partial(
            _node_assets, config, data_provider, self._search, chain
        )

    @functools.cached_property
    def _node(self) -> "NodeAssets":
        return self._make_node_assets()

    def _trust_of(self, did: str) -> TrustDoctor:
        return self._node.trust if _is_later(did) else self._trust

    def ddo_registry(self) -> MetadataContract:
        """Return the contract that DDOs are published with.

        Raises:
            ConfigError: none is configured for this network.
        """
        return self._publishing.registry()

    def publish(
        self,
        description: Described,
        wallet: AnyWallet,
        *,
        type: Optional[str] = None,
        wait_for_cache_s: float = CACHE_TIMEOUT_S,
    ) -> Asset:
        """Publish a new data set or algorithm from its description.

        Args:
            description: a dict, the path of a YAML or JSON
                file, or its text (with a line break, or starting with `{`). Paths of local files
                are relative to the description's file; local files and `content` (text or bytes)
                are for the embedded network.
            wallet: signs and pays; becomes the data token's minter, who alone can change the asset.
            type: `dataset` or `algorithm`; None: as the description says.
            wait_for_cache_s: how long to wait until the metadata cache has the asset; see `create`.

        Returns:
            The asset: its `did`, `data_token_address`, and `transactions`.

        Raises:
            InvalidDescription: with every mistake in the description; nothing was sent.
            InvalidInput: it cannot be read, or the metadata cache or the Provider refuses it;
                nothing was published.
            ConfigError: there is a local file, and the config is of another network.
            AssetNotFound: an algorithm to trust is not published.
            ChainError, ProviderError, TransportError: see `create`.
        """
        at_node = is_at_node(self._config, self._discovery)
        described = self._node if at_node else self._described
        return described.publish(description, wallet, wait_for_cache_s, type)

    def change(
        self,
        did: str,
        changes: Described,
        wallet: AnyWallet,
        *,
        keep_files: bool = False,
        dry_run: bool = False,
        wait_for_cache_s: float = CACHE_TIMEOUT_S,
    ) -> AssetChange:
        """Change a published asset: all that its description says, but its type and data token.

        Names that `changes` leaves out stay as they are; a name without a value gets its default;
        a list replaces the list. Files are encrypted anew, all of them. Algorithms that a data
        set trusts already stay trusted as they were when they were added (see `refresh_trust`),
        new ones are trusted as they are now.

        If an algorithm's files or container change, the data sets that trust it refuse it. Those
        of this wallet are given the new checksums, in a transaction each; others are named.

        Args:
            did: the asset.
            changes: as `publish` takes a description.
            wallet: the publisher's: of the data token's minter.
            keep_files: leave the files as they are, whatever `changes` says of them: what is
                encrypted already cannot be compared.
            dry_run: only say what would change, what it costs and what it breaks.
            wait_for_cache_s: how long to wait until the metadata cache has the change.

        Returns:
            What changed. If nothing was different, nothing was sent.

        Raises:
            InvalidDescription: with every mistake in the changes; nothing was sent.
            NotYourAsset: the wallet is not the publisher's; the error says whose it is.
            AssetNotFound: the metadata cache does not have it, or an algorithm to trust.
            InvalidInput, ConfigError, ChainError, ProviderError, TransportError: see `update`.
        """
        return (self._node.changing if _is_later(did) else self._changing).change(
            did,
            changes,
            wallet,
            keep_files=keep_files,
            dry_run=dry_run,
            wait_s=wait_for_cache_s,
        )

    def change_credentials(
        self,
        did: str,
        wallet: AnyWallet,
        *,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        remove: Sequence[str] = (),
        dry_run: bool = False,
        wait_for_cache_s: float = CACHE_TIMEOUT_S,
    ) -> AssetChange:
        """Change who may use an asset, by address; each address is on one list at most.

        Where there is an allow list, it decides alone.

        Args:
            did: the asset.
            wallet: the publisher's.
            allow: addresses to put on the allow list.
            deny: addresses to put on the deny list.
            remove: addresses to take off both.
            dry_run: only say what would change, and what it costs.
            wait_for_cache_s: how long to wait until the metadata cache has the change.

        Returns:
            What changed. If nothing was different, nothing was sent.

        Raises:
            InvalidAddress: one of them is no address.
            InvalidInput: none is given, or one twice.
            NotYourAsset: the wallet is not the publisher's; the error says whose it is.
            AssetNotFound, ChainError, TransportError: see `change`.
        """
        changing = self._node.changing if _is_later(did) else self._changing
        return changing.change_credentials(
            did, wallet, allow, deny, remove, dry_run=dry_run, wait_s=wait_for_cache_s
        )

    def show(self, did: str) -> ShownAsset:
        """Describe an asset as it is published now, in the words of `publish`.

        Its text is a description that can be changed and given to `change`; with files, `publish`
        makes an asset of it that is the same.

        Args:
            did: the asset.

        Raises:
            AssetNotFound: the metadata cache does not have it.
            InvalidInput: its document cannot be read.
        """
        return (self._node if _is_later(did) else self._described).show(did)

    def find(
        self,
        text: str = "",
        *,
        type: Optional[str] = None,
        owner: Optional[str] = None,
        limit: int = 20,
    ) -> list[Asset]:
        """Find assets that have all these words anywhere in their documents.

        For the query language of the metadata cache see `search` and `query`.

        Args:
            text: words; '': all assets.
            type: `dataset` or `algorithm`; None: both.
            owner: the address of their publisher; None: anybody.
            limit: the most assets to return, 1 to 10,000.

        Raises:
            InvalidInput: an argument is none of these.
            AquariusError: the metadata cache answered with an error.
        """
        return self._search.find(text, type, owner, limit)

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
            metadata: as the metadata cache needs it, files with their URLs; it is not changed.
            publisher_wallet: signs and pays; becomes the data token's minter.
            service_descriptors: (service type, dict) each, see `ServiceDescriptor`; None: one
                access service that costs 1 token.
            owner_address: proposed as minter of a new data token.
            data_token_address: a data token of this publisher; None: a new one is made.
            provider_uri: the Provider's URL; None: the configured one.
            dt_name: a new data token's name; None: the asset's.
            dt_symbol: its symbol; None: its name.
            dt_blob: any text to keep with it.
            dt_cap: the most tokens ever; None: 1000.
            wait_for_cache_s: how long to wait until the metadata cache has the asset, so that it
                can be resolved and ordered; 0: not at all. If it does not have it in time, that is
                logged, and the asset is still returned: it is published.

        Returns:
            The asset.

        Raises:
            InvalidInput: an argument cannot work, the metadata is refused, or a file's URL
                cannot be reached; nothing was published.
            ContractNotFound: the data token is not the factory's.
            AquariusError: the data token is another asset's, or the cache answered with an error.
            ChainError: a transaction failed.
            ProviderError: the files could not be encrypted.
            TransportError: a server did not answer.

        An error after the data token was created names it, and says how to continue with it.
        """
        token = token_choice(data_token_address, owner_address, dt_name, dt_symbol, dt_blob, dt_cap)
        return self._publishing.create(
            metadata, publisher_wallet, service_descriptors, token, provider_uri, wait_for_cache_s
        )

    def update(
        self,
        asset: Asset,
        publisher_wallet: AnyWallet,
        *,
        wait_for_cache_s: float = CACHE_TIMEOUT_S,
    ) -> str:
        """Publish an asset's changed DDO.

        This is also the way to change an asset's files: set `asset.metadata["main"]["files"]` to a
        list of dicts with `url` (and `contentType`, ...) that names all files of the asset, and
        update it. They are checked and encrypted as in `create`, by the Provider of the asset's
        service, which the config must name; `asset` then has the encrypted list instead. If an
        algorithm's files change, the data sets that trust it must renew their trust
        (`refresh_trust`).

        The document goes on the chain in clear, so an asset whose document is encrypted there (flag
        2, which ocean.js can set) is refused. If the node cannot say, that is logged.

        Args:
            asset: the changed asset.
            publisher_wallet: the data token's minter.
            wait_for_cache_s: how long to wait until the metadata cache has the change; 0: not at
                all. If it does not have it in time, that is logged.

        Returns:
            The transaction's hash as `0x` hex.

        Raises:
            InvalidInput: it is not an asset, has values that are not JSON or a file's URL that
                would not be encrypted, or is encrypted on the chain; or a new file cannot be
                reached.
            InvalidDid: the asset has no DID.
            ProviderNotTrusted: there are new files, and the config does not name the asset's
                Provider; nothing was sent.
            ProviderError: the new files could not be encrypted.
            ChainError: the transaction failed, for example because the wallet is not the minter.
        """
        at_node = isinstance(asset, Asset4)
        publishing: Writing = self._node.publishing if at_node else self._publishing
        return publishing.update(asset, publisher_wallet, wait_for_cache_s)

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
            InvalidInput: neither index nor type is given, or there is no such service, or it cannot
                be ordered.
            AssetNotConsumable: the asset is disabled, unreachable, or not for this address.
            AssetNotFound: the metadata cache does not have it.
            ProviderError: the Provider refuses.
            TransportError: a server did not answer.
        """
        return self._orders.requirements(did, consumer_address, service_index, service_type)

    pay_for_service = _OnChain(pay_for_service)

    def buy(
        self,
        dids: Union[str, Sequence[str]],
        wallet: AnyWallet,
        *,
        again: bool = False,
        max_cost: Optional[Mapping[str, Amount]] = None,
    ) -> ServiceOrders:
        """Order assets: data sets for compute (or, without such a service, access), algorithms.

        An order that the wallet has is used, if the Provider takes it for the service at its price
        of today; V3's orders do not expire. Otherwise a new one is paid for, and checked on the
        chain. Everything is checked before the first transaction is sent.

        The orders fit `submit`: `compute.submit(orders.inputs, wallet, **orders.algorithm)`.

        Args:
            dids: an asset, or several.
            wallet: pays, and becomes the consumer.
            again: pay for new orders whatever the wallet has.
            max_cost: the most to pay of each token, in whole tokens by the token's address; None:
                what the assets cost.

        Returns:
            One order for each asset.

        Raises:
            InvalidInput: an argument cannot work; nothing was sent.
            CostAboveLimit: it would be more than `max_cost`; nothing was sent.
            InsufficientBalance: the wallet lacks datatokens, of which the message says where they
                come from; nothing was sent.
            AssetNotFound: the metadata cache does not have an asset; nothing was sent.
            AssetNotConsumable: an asset is disabled, unreachable, or not for this address.
            ChainError: the chain could not be asked, or an order was not placed.
            KeyboardInterrupt: its text says which orders were sent.
        """
        return self._purchases.buy(dids, wallet, again=again, max_cost=max_cost)

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
            destination: the folder in which the asset gets its own folder.
            index: which file; None: all.

        Returns:
            The asset's folder.

        Raises:
            InvalidInput: there is no such file, the service is not an access service, or an
                argument is invalid.
            AssetNotConsumable: the asset is disabled, unreachable, or not for this address.
            ProviderNotTrusted: the config does not name the asset's Provider.
            ProviderError: the Provider refuses.
            DownloadError: a file could not be downloaded, or the folder could not be created.
        """
        return self._orders.download(
            did, service_index, consumer_wallet, order_tx_id, destination, index
        )

    @staticmethod
    def build_access_service(
        date_created: str, cost: float, address: str, timeout: int = 3600
    ) -> dict[str, Any]:
        """Build the attributes of an access service.

        Args:
            date_created: such as `2021-06-24T10:00:00Z`.
            cost: in tokens.
            address: the publisher.
            timeout: how long an order is valid, in seconds.
        """
        return access_attributes(date_created, cost, address, timeout)

    def check_order(
        self,
        did: str,
        consumer: Union[str, Signer],
        service_index: Optional[int] = None,
        service_type: Optional[str] = None,
    ) -> Findings:
        """Predict whether an order would be refused, and why. Nothing is signed or paid.

        Looked at are asset, service, who may use it, whether the Provider reaches the files, the
        price (the asset's and the Provider's) and the consumer's balance.

        Args:
            did: the asset.
            consumer: who wants to order: an address, or a wallet.
            service_index: the service's index; ignored when `service_type` is given.
            service_type: `access` or `compute`.

        Returns:
            The findings; none when the order would work.

        Raises:
            InvalidInput: an argument is of the wrong type or form, or there is neither index nor
                type.
        """
        return self._preflight.check(did, consumer, service_index, service_type)

    def resolve(self, did: str) -> Asset:
        """Return an asset as the metadata cache has it now.

        Args:
            did: the asset.

        Raises:
            InvalidDid: it is no DID.
            AssetNotFound: the metadata cache does not have it.
        """
        return self._search.resolve(did)

    def search(
        self,
        text: str,
        sort: Optional[dict[str, int]] = None,
        offset: int = 100,
        page: int = 1,
        metadata_cache_uri: Optional[str] = None,
    ) -> list[Asset]:
        """Search assets by a text.

        Args:
            text: what to look for.
            sort: field name to 1 (ascending) or -1 (descending).
            offset: how many assets a page has, 1 to 10,000.
            page: which page, 1 to 10,000.
            metadata_cache_uri: another metadata cache than the configured one.

        Raises:
            InvalidInput: an argument is none of these.
            AquariusError: the metadata cache answered with an error.
        """
        query = {"query_string": {"query": check_text("text", text)}}
        return self.query(query, sort, offset, page, metadata_cache_uri)

    def query(
        self,
        query: dict[str, Any],
        sort: Optional[dict[str, int]] = None,
        offset: int = 100,
        page: int = 1,
        metadata_cache_uri: Optional[str] = None,
    ) -> list[Asset]:
        """Search assets by a query in the metadata cache's language (Elasticsearch).

        An asset whose document cannot be read is left out, and the log says so.

        Args:
            query: the query.
            sort: field name to 1 (ascending) or -1 (descending).
            offset: how many assets a page has, 1 to 10,000.
            page: which page, 1 to 10,000.
            metadata_cache_uri: another metadata cache than the configured one.

        Raises:
            InvalidInput: an argument is none of these.
            AquariusError: the metadata cache answered with an error.
        """
        return self._search.query(query, sort, offset, page, metadata_cache_uri)

    def validate(self, metadata: dict[str, Any]) -> tuple[bool, list[Any]]:
        """Ask the metadata cache whether it would take this metadata.

        Args:
            metadata: an asset's.

        Returns:
            Whether it would, and a list of what is wrong.

        Raises:
            InvalidInput: it is no dict of JSON values.
            AquariusError: the metadata cache answered with an error.
        """
        is_valid, faults = self._search.v3_cache().validate_metadata(metadata)
        return is_valid, faults

    def owner(self, did: str) -> str:
        """Return the address of an asset's publisher.

        Args:
            did: the asset.

        Raises:
            AssetNotFound: the metadata cache does not have it.
        """
        return str(self.resolve(did).publisher)

    def owner_assets(self, owner_address: str) -> list[str]:
        """Return the DIDs of the assets that an account has published.

        A metadata cache finds 10,000 at most; that there may be more is logged.

        Args:
            owner_address: the account.

        Raises:
            InvalidAddress: it is no address.
            AquariusError: the metadata cache answered with an error.
        """
        return self._search.owner_assets(owner_address)

    def explain_trust(self, dataset_did: str, algorithm_did: str) -> TrustReport:
        """Explain whether a data set lets an algorithm run, by the Provider's rules.

        Args:
            dataset_did: the data set.
            algorithm_did: the algorithm; one that is not published any more can be asked for.

        Returns:
            The verdict and why, both checksums recorded and now, and all rules.

        Raises:
            InvalidDid: one of them is no DID.
            AssetNotFound: the metadata cache does not hold the data set.
            NoComputeService: the data set has no compute service.
            InvalidInput: the data set's rules cannot be read.
        """
        return self._trust_of(dataset_did).explain(dataset_did, algorithm_did)

    def trust(self, dataset_did: str, algorithm_did: str, wallet: Signer) -> TrustChange:
        """Let an algorithm run on a data set, as the algorithm is now.

        If it is on the list already, its checksums are renewed.

        Args:
            dataset_did: the data set.
            algorithm_did: the algorithm.
            wallet: of the data set's publisher.

        Returns:
            What was done; nothing, and no transaction, if it was trusted as it is now.

        Raises:
            InvalidInput: the asset to trust is no algorithm, or the list cannot be read.
            AssetNotFound: the metadata cache does not hold one of them.
            NoComputeService: the data set has no compute service.
            NotYourAsset: the wallet is not the publisher's; the error says whose it is.
            ChainError: the change was not published.
        """
        return self._trust_of(dataset_did).trust(dataset_did, algorithm_did, wallet)

    def untrust(self, dataset_did: str, algorithm_did: str, wallet: Signer) -> TrustChange:
        """Take an algorithm off the list of trusted algorithms.

        Args:
            dataset_did: the data set.
            algorithm_did: the algorithm, which need not be published any more.
            wallet: of the data set's publisher.

        Returns:
            What was done; nothing, and no transaction, if it was not on the list.

        Raises:
            InvalidInput: the list cannot be read.
            AssetNotFound: the metadata cache does not hold the data set.
            NoComputeService: the data set has no compute service.
            NotYourAsset: the wallet is not the publisher's; the error says whose it is.
            ChainError: the change was not published.
        """
        return self._trust_of(dataset_did).untrust(dataset_did, algorithm_did, wallet)

    def refresh_trust(
        self, dataset_did: str, algorithm_did: Optional[str], wallet: Signer
    ) -> TrustChange:
        """Renew the checksums of trusted algorithms that have changed since.

        A checksum that an entry does not have is not added: such an algorithm is trusted in any
        version.

        Args:
            dataset_did: the data set.
            algorithm_did: the algorithm; None for all that are on the list.
            wallet: of the data set's publisher.

        Returns:
            What was done; nothing, and no transaction, if no checksum had changed. With
            `algorithm_did` None, entries of algorithms that are not published any more stay as
            they are and are named.

        Raises:
            InvalidInput: the algorithm is not on the list (`trust` puts it there), is no
                algorithm, or the list cannot be read.
            AssetNotFound: the metadata cache does not hold one of them.
            NoComputeService: the data set has no compute service.
            NotYourAsset: the wallet is not the publisher's; the error says whose it is.
            ChainError: the change was not published.
        """
        return self._trust_of(dataset_did).refresh(dataset_did, algorithm_did, wallet)
