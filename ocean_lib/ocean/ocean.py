"""The entry point: one configuration's assets, compute service and chain."""

import logging
import threading
from typing import TYPE_CHECKING, Any, NoReturn, Optional, Union

from enforce_typing import enforce_types

from ocean_lib.base.forks import renew_in_children
from ocean_lib.base.gone import no_attribute
from ocean_lib.checks import check_address
from ocean_lib.config import Config
from ocean_lib.http.exchange import NOT_PICKLED
from ocean_lib.models.amounts import Amount
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.models.data_token import DataToken
from ocean_lib.models.dtfactory import DTFactory
from ocean_lib.models.order import Order
from ocean_lib.ocean.util import from_base_18, to_base_18
from ocean_lib.web3_internal.contract_base import AnyWallet
from ocean_lib.web3_internal.web3_provider import Web3Provider

if TYPE_CHECKING:
    from web3 import Web3

    from ocean_lib.ocean.ocean_assets import OceanAssets
    from ocean_lib.ocean.ocean_compute import OceanCompute
    from ocean_lib.ocean.ocean_escrow import OceanEscrow

logger = logging.getLogger(__name__)

_DEFAULT_PROVIDER_URL = "http://localhost:8030"


@enforce_types
class Ocean:
    """Everything for one configuration.

    Creating one sends no request and does not import web3 before its first use. One instance may be
    used from many threads and with many wallets. It keeps no state outside of itself, so several
    can exist side by side.

    Args:
        config: a `Config`, a dict of its sections, or a dict with ocean.py's keys `network`,
            `metadataCacheUri` (or `metadataStoreUri`) and `providerUri`.
        data_provider: a `DataServiceProvider`, or that class itself; None: a new one.

    Raises:
        ConfigError: an option has an invalid value.
    """

    def __init__(self, config: Union[Config, dict], data_provider: Optional[object] = None) -> None:  # type: ignore[type-arg]
        self._config = _config_of(config) if isinstance(config, dict) else config
        self._chain = ChainAccess(self._config)
        Web3Provider.offer(self._chain)
        self._data_provider: Any = data_provider
        self._parts: dict[str, Any] = {}
        self._renew()
        renew_in_children(self, Ocean._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    @property
    def config(self) -> Config:
        """The configuration."""
        return self._config

    @property
    def web3(self) -> "Web3":
        """The web3 of the configured network."""
        return self._chain.web3

    @property
    def data_provider(self) -> Any:
        """The Provider's client."""
        with self._lock:
            if self._data_provider is None:
                from ocean_lib.data_provider.data_service_provider import DataServiceProvider

                self._data_provider = DataServiceProvider(self._config)
            return self._data_provider

    @property
    def assets(self) -> "OceanAssets":
        """Publish, find, order and download assets."""
        from ocean_lib.ocean.ocean_assets import OceanAssets

        with self._lock:
            if "assets" not in self._parts:
                self._parts["assets"] = OceanAssets(
                    self._config, self.data_provider, None, chain=self._chain
                )
            found: OceanAssets = self._parts["assets"]
            return found

    @property
    def compute(self) -> "OceanCompute":
        """Start, poll and stop jobs."""
        from ocean_lib.ocean.ocean_compute import OceanCompute

        with self._lock:
            if "compute" not in self._parts:
                self._parts["compute"] = OceanCompute(self._config, self.data_provider)
            found: OceanCompute = self._parts["compute"]
            return found

    @property
    def escrow(self) -> "OceanEscrow":
        """Deposit what paid jobs at Ocean Nodes are paid from, and get it back."""
        from ocean_lib.ocean.ocean_escrow import OceanEscrow

        with self._lock:
            if "escrow" not in self._parts:
                self._parts["escrow"] = OceanEscrow(self._config, self._chain)
            found: OceanEscrow = self._parts["escrow"]
            return found

    def create_data_token(
        self,
        name: str,
        symbol: str,
        from_wallet: AnyWallet,
        cap: Amount = DataToken.DEFAULT_CAP,
        blob: str = "",
    ) -> DataToken:
        """Make a data token.

        Args:
            name: its name.
            symbol: its symbol.
            from_wallet: pays, and becomes its minter.
            cap: the most tokens ever.
            blob: any text to keep with it.

        Raises:
            InvalidInput: the cap is not an amount.
            ConfigError: no factory is configured for this network.
            ChainError: it was not created.
        """
        return self._chain.make_data_token(blob, name, symbol, to_base_18(cap), from_wallet)

    def get_data_token(self, token_address: str) -> DataToken:
        """Return the data token at an address.

        Args:
            token_address: where it is.

        Raises:
            InvalidAddress: it is not an address.
        """
        return self._chain.data_token(check_address(token_address))

    def get_dtfactory(self, dtfactory_address: str = "") -> DTFactory:
        """Return the data token factory.

        Args:
            dtfactory_address: where it is; empty: the configured one.

        Raises:
            ConfigError: none is configured for this network.
        """
        return self._chain.dtfactory(dtfactory_address or None)

    def get_user_orders(
        self, address: str, datatoken: Optional[str] = None, service_id: Optional[int] = None
    ) -> list[Order]:
        """Return the orders that an account consumes or has paid for, oldest first.

        Args:
            address: the account.
            datatoken: only of this data token.
            service_id: only of services with this index.

        Raises:
            ChainError: the node refuses, for example because there are too many blocks.
        """
        token = self._chain.data_token(datatoken)
        logs = token.get_start_order_logs(
            self.web3, check_address(address), from_all_tokens=not datatoken
        )
        orders = [_order_of(log) for log in logs]
        return [o for o in orders if service_id is None or o.serviceId == service_id]

    def __getattr__(self, name: str) -> NoReturn:
        no_attribute(self, name)

    def __repr__(self) -> str:
        return f"Ocean({self._config!r})"


def _order_of(log: Any) -> Order:
    args = log["args"]
    return Order(
        log["address"],
        from_base_18(int(args["amount"])),
        args["timestamp"],
        "0x" + bytes(log["transactionHash"]).hex(),
        f"did:op:{log['address'][2:]}",
        args["payer"],
        args["consumer"],
        args["serviceId"],
        None,
    )


def _config_of(options: dict[str, Any]) -> Config:
    if any(isinstance(value, dict) for value in options.values()):
        return Config(options_dict=options)
    cache = options.get(
        "metadataCacheUri",
        options.get("metadataStoreUri", options.get("metadata_cache_uri", "")),
    )
    return Config(
        options_dict={
            "eth-network": {"network": options.get("network", "")},
            "resources": {
                "metadata_cache_uri": cache,
                "provider.url": options.get("providerUri", _DEFAULT_PROVIDER_URL),
            },
        }
    )
