"""Networks' names, and ocean.py's small helpers around signatures and keys."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ocean_lib.checks import check_address
from ocean_lib.models.amounts import from_base
from ocean_lib.web3_internal.constants import DEFAULT_NETWORK_NAME, NETWORK_NAME_MAP
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.web3_provider import Web3Provider

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
        ConfigError: neither is given, and `Web3Provider` has none.
    """
    if network_id is None:
        network_id = get_network_id(web3)
    return NETWORK_NAME_MAP.get(network_id, DEFAULT_NETWORK_NAME).lower()


def get_network_id(web3: Web3 | None = None) -> int:
    """Return the chain id.

    Args:
        web3: the chain.

    Raises:
        ConfigError: no chain is given, and `Web3Provider` has none.
    """
    with chain_errors("ask for the chain id"):
        return int(_given(web3).eth.chain_id)


def get_ether_balance(address: str, web3: Web3 | None = None) -> int:
    """Return an account's ether in wei.

    Args:
        address: the account.
        web3: the chain.

    Raises:
        InvalidAddress: it is no address.
        ConfigError: no chain is given, and `Web3Provider` has none.
    """
    where: Any = check_address(address)
    with chain_errors("ask for an ether balance"):
        return int(_given(web3).eth.get_balance(where))


def from_wei(wei_value: int) -> Decimal:
    """Return an amount of wei in ether.

    Args:
        wei_value: the amount.

    Raises:
        InvalidInput: it is not a whole number.
    """
    return from_base(wei_value, 18)


def _given(web3: Web3 | None) -> Web3:
    return web3 if web3 is not None else Web3Provider.get_web3()
