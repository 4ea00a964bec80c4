"""The chain that contract objects ask when they were made without one, as in ocean.py."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from weakref import WeakSet

from ocean_lib.base.forks import renew_in_children
from ocean_lib.checks import check_url
from ocean_lib.exceptions import ConfigError

if TYPE_CHECKING:
    from web3 import Web3


class Chain(Protocol):
    """One configuration's chain."""

    @property
    def network_url(self) -> str:
        """Where its node is."""

    @property
    def web3(self) -> Web3:
        """Its web3."""


class Web3Provider:
    """Which web3 `DataToken(address)` reads through: the one that was set, or else `Ocean`'s.

    Where a program has `Ocean`s of several networks, and none was set, there is none: nothing is
    read from a chain that was not meant. Pass `web3=ocean.web3` there, as new code should.
    """

    _web3: ClassVar[Any] = None
    _offered: ClassVar[_Offered]

    @staticmethod
    def init_web3(network_url: str | None = None, provider: Any = None) -> None:
        """Set the web3, from a node's URL or one of web3's providers, which wins.

        Args:
            network_url: the node's URL.
            provider: such as `ocean.util.get_web3_connection_provider` makes.

        Raises:
            ConfigError: there is neither.
        """
        if provider is None:
            if not network_url:
                raise ConfigError("Give the URL of a chain's node, or a provider of web3's.")
            from ocean_lib.web3_internal.node import NodeProvider

            provider = NodeProvider(check_url(network_url, name="network", may_have_login=True))
        from web3 import Web3

        Web3Provider.set_web3(Web3(provider))

    @staticmethod
    def get_web3(network_url: str | None = None, provider: Any = None) -> Web3:
        """Return the web3 that is set or, with arguments, set one first if there is none.

        Args:
            network_url: as for `init_web3`.
            provider: as for `init_web3`.

        Raises:
            ConfigError: none is set, and there is not just one network that `Ocean`s were made for.
        """
        if Web3Provider._web3 is None and (network_url or provider is not None):
            Web3Provider.init_web3(network_url, provider)
        found: Web3 = Web3Provider._web3 or Web3Provider._offered.only()
        return found

    @staticmethod
    def set_web3(web3: Any) -> None:
        """Set the web3; None for none.

        Args:
            web3: the chain.
        """
        Web3Provider._web3 = web3

    @staticmethod
    def offer(chain: Chain) -> None:
        """Let an `Ocean`'s chain be used while it lives."""
        Web3Provider._offered.add(chain)


class _Offered:
    """The chains of all `Ocean`s that live."""

    def __init__(self) -> None:
        self._chains: WeakSet[Chain] = WeakSet()
        self._renew()
        renew_in_children(self, _Offered._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def add(self, chain: Chain) -> None:
        with self._lock:
            self._chains.add(chain)

    def only(self) -> Web3:
        with self._lock:
            by_url = {chain.network_url: chain for chain in list(self._chains)}
        if len(by_url) == 1:
            return next(iter(by_url.values())).web3
        there = "several networks" if by_url else "no network"
        raise ConfigError(
            f"No chain to ask: this program has Oceans of {there}. Give web3, for example "
            "DataToken(address, web3=ocean.web3), or a wallet made with Wallet(web3, ...); or set "
            "one for all with Web3Provider.set_web3(ocean.web3)."
        )


Web3Provider._offered = _Offered()
