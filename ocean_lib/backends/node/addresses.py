"""Where the contracts of a node's generation are: of the configured file, or of this library's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocean_lib.backends.node.abis import ADDRESS_FILE
from ocean_lib.checks import check_address
from ocean_lib.exceptions import ConfigError
from ocean_lib.web3_internal.contract_utils import read_addresses
from ocean_lib.web3_internal.utils import get_network_id, get_network_name

if TYPE_CHECKING:
    from web3 import Web3


class AddressBook:
    """The contracts of one chain, by the names of ocean-contracts' address file.

    A file lists networks by name, each with its `chainId` and its contracts. What it says of this
    chain counts; for what it does not say, this library's file does.

    Args:
        address_file: the configured one, or the folder it is in; empty: this library's.
        web3: the chain; it is asked for its id.
    """

    def __init__(self, address_file: str | None, web3: Web3) -> None:
        self._chain_id = get_network_id(web3)
        name = get_network_name(self._chain_id)
        own = read_addresses(str(ADDRESS_FILE))
        networks = [_network(own, self._chain_id, "")]
        if address_file:
            networks.insert(0, _network(read_addresses(address_file), self._chain_id, name))
        self._networks = networks

    def find(self, name: str) -> str:
        """Return a contract's address, or ''.

        Args:
            name: such as `Escrow`, `ERC721Factory`, `Router`, `Dispenser`, `FixedPrice`.

        Raises:
            InvalidAddress: the file says something else.
        """
        for contracts in self._networks:
            if isinstance(contracts.get(name), str):
                return check_address(contracts[name], name=name)
        return ""

    def address_of(self, name: str) -> str:
        """Return a contract's address.

        Raises:
            ConfigError: none is known on this chain.
        """
        found = self.find(name)
        if not found:
            raise ConfigError(
                f"No {name} is known on the chain with id {self._chain_id}. Set address.file in "
                "the config (ADDRESS_FILE in the environment) to the one of your network."
            )
        return found


def _network(networks: dict[str, Any], chain_id: int, name: str) -> dict[str, Any]:
    """Return the contracts of a chain, found by its id; by its name where no id is said."""
    known = [one for one in networks.values() if isinstance(one, dict)]
    found = [one for one in known if one.get("chainId") == chain_id]
    for alias in (name, "development" if name == "ganache" else ""):
        named = networks.get(alias)
        if isinstance(named, dict) and "chainId" not in named and "ERC721Factory" in named:
            found.append(named)
    return found[0] if found else {}
