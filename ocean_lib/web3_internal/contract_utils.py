"""ABIs and addresses of the contracts, read as JSON files from the `artifacts` package."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.exceptions import ConfigError

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract import Contract

_NETWORK_ALIASES = {"ganache": "development"}
_ADDRESS_FILE_NAME = "address.json"


def get_contract_definition(contract_name: str, abi_path: str | None = None) -> dict[str, Any]:
    """Return a contract's artifact: `abi`, `bytecode` and what else its file holds.

    Args:
        contract_name: such as `DataTokenTemplate`.
        abi_path: folder of artifacts; None: the package `artifacts`.

    Raises:
        TypeError: there is no such artifact.
    """
    if not contract_name.isidentifier():
        raise TypeError(f"Contract name {contract_name!r} does not exist in artifacts.")
    return _definition(contract_name, abi_path or "")


def load_contract(
    web3: Web3, contract_name: str, address: str | None, abi_path: str | None = None
) -> Contract:
    """Return web3's contract object.

    Args:
        web3: the chain.
        contract_name: such as `DataTokenTemplate`.
        address: where it is; None for an object that knows no address.
        abi_path: folder of artifacts; None: the package `artifacts`.

    Raises:
        TypeError: there is no such artifact.
    """
    definition = get_contract_definition(contract_name, abi_path)
    make: Any = web3.eth.contract
    contract: Contract = (
        make(address=address, abi=definition["abi"])
        if address
        else make(abi=definition["abi"], bytecode=definition["bytecode"])
    )
    return contract


def get_contracts_addresses(network: str, address_file: str | None) -> dict[str, str] | None:
    """Return the contracts' addresses on a network, by contract name.

    Args:
        network: its name; `ganache` stands for `development`.
        address_file: a JSON file, network name to contract name to address, or the folder it is
            in; empty: the one of the package `artifacts`.

    Returns:
        The addresses; None if the file does not list the network.

    Raises:
        ConfigError: the file cannot be read, or has another form.
    """
    networks = _read_addresses(address_file)
    for name in (network, _NETWORK_ALIASES.get(network, network)):
        found = networks.get(name)
        if isinstance(found, dict):
            return {str(k): str(v) for k, v in found.items() if isinstance(v, str)}
    return None


@lru_cache(maxsize=32)
def _definition(contract_name: str, abi_path: str) -> dict[str, Any]:
    folder = Path(abi_path) if abi_path else resources.files("artifacts")
    text = ""
    try:
        text = folder.joinpath(f"{contract_name}.json").read_text("utf-8")
    except OSError:
        raise TypeError(f"Contract name {contract_name!r} does not exist in artifacts.") from None
    artifact = json.loads(text)
    # Kept for the life of the process, so only what is used: a whole artifact is half a megabyte.
    return {key: artifact[key] for key in ("contractName", "abi", "bytecode") if key in artifact}


def _read_addresses(address_file: str | None) -> dict[str, Any]:
    try:
        if address_file:
            path = Path(address_file).expanduser()
            path = path / _ADDRESS_FILE_NAME if path.is_dir() else path
            text = path.read_text("utf-8")
        else:
            text = resources.files("artifacts").joinpath(_ADDRESS_FILE_NAME).read_text("utf-8")
        networks = json.loads(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON text"
        raise ConfigError(
            f"The address file {address_file or 'of ocean-contracts'} cannot be read: {reason}. "
            "Check address.file in the config (ADDRESS_FILE in the environment)."
        ) from None
    if not isinstance(networks, dict):
        raise ConfigError(
            f"The address file {address_file} must hold an object of networks, each with the "
            "addresses of its contracts by name."
        )
    return networks
