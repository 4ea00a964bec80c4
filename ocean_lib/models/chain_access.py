"""The chain of one configuration: its web3, its contracts' addresses, its limits."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from ocean_lib.base.forks import renew_in_children
from ocean_lib.checks import check_address
from ocean_lib.exceptions import ConfigError, OceanError, add_to_message
from ocean_lib.models.data_token import DataToken
from ocean_lib.models.dtfactory import DTFactory
from ocean_lib.models.metadata import MetadataContract
from ocean_lib.ocean.util import get_web3
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase
from ocean_lib.web3_internal.contract_utils import get_contracts_addresses
from ocean_lib.web3_internal.node_calls import check_chain_id
from ocean_lib.web3_internal.utils import get_network_id, get_network_name

if TYPE_CHECKING:
    from web3 import Web3

logger = logging.getLogger(__name__)

Contract = TypeVar("Contract", bound=ContractBase)

_CONFIGURED_ADDRESS = {DTFactory.CONTRACT_NAME: "dtfactory.address"}


class ChainAccess:
    """Makes contract objects that share a web3 and the configured limits.

    The node is not asked, and web3 not imported, before something needs it.

    Args:
        config: a `Config`.
        web3: used in place of a new one for the configured network.
    """

    def __init__(self, config: Any, web3: Web3 | None = None) -> None:
        self._config = config
        self._web3 = web3
        self._is_checked = False
        self._addresses: dict[str, str] | None = None
        self._renew()
        renew_in_children(self, ChainAccess._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    @property
    def network_url(self) -> str:
        """Where the configured chain's node is."""
        return str(self._config.network_url)

    @property
    def web3(self) -> Web3:
        """The web3 of the configured network.

        Raises:
            ConfigError: no network is configured; or it is neither a URL nor a known name; or this
                object was made with a web3 that is not of the configured chain.
        """
        with self._lock:
            if self._web3 is None:
                if not self._config.network_url:
                    raise ConfigError(
                        "This needs a chain, and no network is configured: set network in "
                        "[eth-network] of the config, or the environment variable NETWORK_URL, to "
                        "the URL of a node's JSON-RPC."
                    )
                self._web3 = get_web3(
                    self._config.network_url,
                    chain_id=self._config.chain_id,
                    max_answer_bytes=self._config.max_answer_bytes,
                )
            elif not self._is_checked and self._config.chain_id is not None:
                check_chain_id(self._config.chain_id, get_network_id(self._web3))
            self._is_checked = True
            return self._web3

    def data_token(self, address: str | None) -> DataToken:
        """Return the data token at an address; None: one that only searches logs.

        Raises:
            InvalidAddress: it is no address.
        """
        return DataToken(address, web3=self.web3, **self._limits())

    def contract(self, kind: type[Contract], address: str) -> Contract:
        """Return the contract of a kind at an address.

        Raises:
            InvalidAddress: it is no address.
        """
        return kind(address, web3=self.web3, **self._limits())

    def make_data_token(
        self, blob: str, name: str, symbol: str, cap_base: int, wallet: AnyWallet
    ) -> DataToken:
        """Make a data token with the configured factory.

        Raises:
            ConfigError: none is configured for this network.
            ChainError: it was not made; or it was, and its address could not be read: then the
                message names the transaction.
        """
        factory = self.dtfactory()
        tx_hash = factory.createToken(blob, name, symbol, cap_base, wallet)
        try:
            address = factory.get_token_address(tx_hash)
        except OceanError as error:
            add_to_message(
                error,
                f"The data token was made in transaction {tx_hash}: its address is what "
                "DTFactory.get_token_address gives for it.",
            )
            raise
        logger.info("Made data token %s in transaction %s", address, tx_hash)
        token = self.data_token(address)
        token.made_in = tx_hash
        return token

    def dtfactory(self, address: str | None = None) -> DTFactory:
        """Return the data token factory; None: the configured one.

        Raises:
            ConfigError: none is configured for this network.
        """
        where = address or self.address_of(DTFactory.CONTRACT_NAME)
        return self.contract(DTFactory, where)

    def metadata_contract(self, address: str | None = None) -> MetadataContract:
        """Return the registry of DDOs; None: the configured one.

        Raises:
            ConfigError: none is configured for this network.
        """
        where = address or self.address_of(MetadataContract.CONTRACT_NAME)
        return self.contract(MetadataContract, where)

    def address_of(self, contract_name: str) -> str:
        """Return a contract's configured address.

        Raises:
            ConfigError: none is configured for this network.
        """
        option = _CONFIGURED_ADDRESS.get(contract_name)
        configured = option and self._config.get("eth-network", option, fallback=None)
        found = configured or self.find_address(contract_name)
        if not found:
            raise ConfigError(
                f"The address file {self._config.address_file} has no {contract_name} for this "
                f"network ({get_network_name(web3=self.web3)}). Set address.file in the config "
                "(ADDRESS_FILE in the environment) to the one of your network."
            )
        return check_address(found, name=contract_name)

    def find_address(self, contract_name: str) -> str | None:
        """Return a contract's address in the address file, or None.

        Raises:
            ConfigError: the file cannot be read.
        """
        if self._addresses is None:
            network = get_network_name(web3=self.web3)
            self._addresses = get_contracts_addresses(network, self._config.address_file) or {}
        return self._addresses.get(contract_name)

    def _limits(self) -> dict[str, Any]:
        return {
            "gas_limit": self._config.gas_limit,
            "max_fee_wei": self._config.max_fee_wei,
            "timeout_s": self._config.transaction_timeout_s,
        }
