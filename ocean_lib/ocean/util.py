"""Amounts, the connection to the chain, and contract addresses (ocean.py's helper functions)."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ocean_lib.checks import check_url
from ocean_lib.exceptions import ConfigError, InvalidUrl
from ocean_lib.http.limits import MAX_ANSWER_BYTES
from ocean_lib.models.amounts import Amount, from_base, to_base
from ocean_lib.ocean.env_constants import ENV_INFURA_PROJECT_ID
from ocean_lib.web3_internal.contract_utils import (
    get_contracts_addresses as _addresses_of_network,
)
from ocean_lib.web3_internal.utils import get_network_name

if TYPE_CHECKING:
    from web3 import HTTPProvider, Web3

__all__ = [
    "GANACHE_URL",
    "POLYGON_URL",
    "SUPPORTED_NETWORK_NAMES",
    "Amount",
    "from_base",
    "from_base_18",
    "get_contracts_addresses",
    "get_dtfactory_address",
    "get_web3",
    "get_web3_connection_provider",
    "to_base",
    "to_base_18",
]

GANACHE_URL = "http://127.0.0.1:8545"
POLYGON_URL = "https://rpc.polygon.oceanprotocol.com"

SUPPORTED_NETWORK_NAMES = {"rinkeby", "kovan", "ganache", "mainnet", "ropsten", "polygon"}

_DECIMALS = 18


def to_base_18(amt: Amount) -> int:
    """Return an amount of tokens in its smallest unit (18 decimals).

    Args:
        amt: int, Decimal, decimal text, or a float, which is read as its shortest text.

    Raises:
        InvalidInput: it is not a number, not finite, negative, or has more than 18 decimals.
    """
    return to_base(amt, _DECIMALS)


def from_base_18(num_base: int) -> Decimal:
    """Return an amount in tokens, exactly (18 decimals).

    Args:
        num_base: the amount in its smallest unit.

    Raises:
        InvalidInput: it is not a whole number.
    """
    return from_base(num_base, _DECIMALS)


def get_web3_connection_provider(
    network_url: str,
    *,
    chain_id: int | None = None,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> HTTPProvider:
    """Return web3's provider for a node.

    Calls have time-outs, and a deadline over all their attempts (`time_limit`). Reads are retried
    on connection failures. If a node refuses a request because there are too many, it is retried
    after a pause. Only then is a transaction sent again too, byte for byte the same.

    Args:
        network_url: an http(s) URL, with `user:password@` if the node requires them, or the name
            of a network: `ganache` and `polygon` have a known URL, the others need your own Infura
            project id in INFURA_PROJECT_ID.
        chain_id: the id that the node must have; None for any.
        max_answer_bytes: longer answers are refused.

    Raises:
        ConfigError: it is neither, or the project id is missing.
    """
    from ocean_lib.web3_internal.node import NodeProvider

    return NodeProvider(
        _node_url(network_url), chain_id=chain_id, max_answer_bytes=max_answer_bytes
    )


def get_web3(
    network_url: str,
    *,
    chain_id: int | None = None,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> Web3:
    """Return a web3 connected to a node.

    Args:
        network_url: see `get_web3_connection_provider`.
        chain_id: likewise.
        max_answer_bytes: likewise.

    Raises:
        ConfigError: it is neither a URL nor a known name.
    """
    provider = get_web3_connection_provider(
        network_url, chain_id=chain_id, max_answer_bytes=max_answer_bytes
    )
    from web3 import Web3

    return Web3(provider)


def get_contracts_addresses(address_file: str | None, network: str) -> dict[str, str] | None:
    """Return the contracts' addresses on a network; None if the file does not list it.

    Args:
        address_file: see `ocean_lib.web3_internal.contract_utils.get_contracts_addresses`.
        network: its name.

    Raises:
        ConfigError: the file cannot be read.
    """
    return _addresses_of_network(network, address_file)


def get_dtfactory_address(
    address_file: str | None, network: str | None = None, web3: Web3 | None = None
) -> str | None:
    """Return the data token factory's address.

    Args:
        address_file: the file of addresses.
        network: its name; None: asked from `web3`.
        web3: the chain; needed when `network` is None.

    Raises:
        ConfigError: the file cannot be read, or neither network nor web3 is given.
    """
    addresses = get_contracts_addresses(address_file, network or get_network_name(web3=web3))
    return addresses.get("DTFactory") if addresses else None


def _node_url(network_url: Any) -> str:
    if network_url == "ganache":
        return GANACHE_URL
    if network_url == "polygon":
        return POLYGON_URL
    if network_url in SUPPORTED_NETWORK_NAMES:
        project = os.environ.get(ENV_INFURA_PROJECT_ID)
        if not project:
            raise ConfigError(
                f"The network name {network_url!r} needs your own Infura project id in "
                f"{ENV_INFURA_PROJECT_ID}; or give the URL of a node as network."
            )
        return f"https://{network_url}.infura.io/v3/{project}"
    if isinstance(network_url, str) and network_url.startswith(("ws:", "wss:")):
        raise ConfigError("The network must be an http(s) URL: WebSocket nodes are not supported.")
    reason = ""
    try:
        return check_url(network_url, name="network", may_have_login=True)
    except InvalidUrl as error:
        reason = str(error)
    raise ConfigError(
        f"{reason} Or give one of the names {', '.join(sorted(SUPPORTED_NETWORK_NAMES))}."
    )
