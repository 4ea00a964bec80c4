"""Networks' names, and ocean.py's small helpers around signatures and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocean_lib.checks import check_address
from ocean_lib.exceptions import ConfigError
from ocean_lib.web3_internal.constants import DEFAULT_NETWORK_NAME, NETWORK_NAME_MAP
from ocean_lib.web3_internal.node_calls import chain_errors

if TYPE_CHECKING:
    from web3 import Web3


def get_network_name(network_id: int | None = None, web3: Web3 | None = None) -> str:
    """Return a network's name in lower case.

    Args:
        network_id: its id; None: asked from `web3`.
        web3: the chain.

    Returns:
        The name; `ganache` for every id without one, as in ocean.py.

    Raises:
        ConfigError: neither is given.
    """
    if network_id is None:
        network_id = get_network_id(web3)
    return NETWORK_NAME_MAP.get(network_id, DEFAULT_NETWORK_NAME).lower()


def get_network_id(web3: Web3 | None = None) -> int:
    """Return the chain id.

    Args:
        web3: the chain.

    Raises:
        ConfigError: no chain is given; ocean.py had a global one.
    """
    with chain_errors("ask for the chain id"):
        return int(_given(web3).eth.chain_id)


def check_chain_id(expected: int | None, found: int) -> None:
    """Refuse a node of another chain than the configured one.

    Args:
        expected: the configured id; None for any.
        found: what the node tells.

    Raises:
        ConfigError: they differ.
    """
    if expected is not None and found != expected:
        raise ConfigError(
            f"The chain's node is of chain {found}, and chain_id in the config (CHAIN_ID in the "
            f"environment) is {expected}. Nothing was sent. Check the network URL, or chain_id."
        )


def get_ether_balance(address: str, web3: Web3 | None = None) -> int:
    """Return an account's ether in wei.

    Args:
        address: the account.
        web3: the chain.

    Raises:
        InvalidAddress: it is no address.
        ConfigError: no chain is given; ocean.py had a global one.
    """
    where: Any = check_address(address)
    with chain_errors("ask for an ether balance"):
        return int(_given(web3).eth.get_balance(where))


def _given(web3: Web3 | None) -> Web3:
    if web3 is None:
        raise ConfigError("No chain to ask: give web3, for example ocean.web3.")
    return web3
