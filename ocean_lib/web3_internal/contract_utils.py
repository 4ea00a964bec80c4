"""ABIs and addresses of the contracts, read as JSON files.

They are this library's own, or those of a folder that the user names. This library's have no
bytecode: only deploying needs it, so it is read from the contracts that the build packs (setup.py),
and only when asked for.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.base.text_files import read_text
from ocean_lib.checks import printable
from ocean_lib.exceptions import ConfigError
from ocean_lib.web3_internal.artifacts import ADDRESS_FILE, FOLDER

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract import Contract

_NETWORK_ALIASES = {"ganache": "development"}
_PACKED = Path(__file__).resolve().parents[1] / "v3_contracts.json"


def get_contract_definition(contract_name: str, abi_path: str | None = None) -> dict[str, Any]:
    """Return a contract's artifact: `contractName`, `abi` and `bytecode`.

    `["bytecode"]`, and V3's contracts that only a network of its own needs, are read from what the
    build packs of ocean-contracts 0.6.3.

    Args:
        contract_name: such as `DataTokenTemplate`.
        abi_path: folder of artifacts, with or without bytecode; None: this library's.

    Raises:
        TypeError: there is no such artifact.
        ConfigError: from `["bytecode"]`, when there is none.
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
        address: where it is; None for an object that knows no address: it reads logs, and its
            `constructor` deploys.
        abi_path: folder of artifacts, with or without bytecode; None: this library's.

    Raises:
        TypeError: there is no such artifact.
        ConfigError: from `constructor`, when there is no bytecode.
    """
    definition = get_contract_definition(contract_name, abi_path)
    make: Any = web3.eth.contract
    contract: Contract = (
        make(address=address, abi=definition["abi"])
        if address
        else _without_address(make, definition)
    )
    return contract


def get_contracts_addresses(network: str, address_file: str | None) -> dict[str, str] | None:
    """Return the contracts' addresses on a network, by contract name.

    Args:
        network: its name; `ganache` stands for `development`.
        address_file: a JSON file, network name to contract name to address, or the folder it is
            in; empty: this library's.

    Returns:
        The addresses; None if the file does not list the network.

    Raises:
        ConfigError: the file cannot be read, or has another form.
    """
    networks = read_addresses(address_file)
    for name in (network, _NETWORK_ALIASES.get(network, network)):
        found = networks.get(name)
        if isinstance(found, dict):
            return {str(k): str(v) for k, v in found.items() if isinstance(v, str)}
    return None


class _Definition(dict[str, Any]):
    """An artifact whose bytecode, if its file has none, is looked for when it is asked for.

    Args:
        name: the contract's.
        folder: where its file is.
        artifact: what the file holds.
    """

    def __init__(self, name: str, folder: Path, artifact: dict[str, Any]) -> None:
        # Kept for the life of the process, so only what is used: a compiler's whole artifact is
        # half a megabyte.
        used = ("contractName", "abi", "bytecode")
        super().__init__({key: artifact[key] for key in used if key in artifact})
        self._name, self._folder = name, folder

    def __missing__(self, key: str) -> Any:
        if key != "bytecode":
            raise KeyError(key)
        if self._folder != FOLDER:  # the user's own: its contract may be another one
            raise ConfigError(
                f"The bytecode of {self._name} is needed to deploy it, and {self._name}.json in "
                f"{_shown(self._folder)} has none. Give a folder whose artifacts have it."
            )
        packed = _packed(self._name)
        if packed is None:
            raise ConfigError(
                f"The bytecode of {self._name} is needed to deploy it, and {_PACKED.name} of this "
                "library does not have it. Install ocean-compute again: that writes the file."
            )
        return packed["bytecode"]


@lru_cache(maxsize=32)
def _definition(contract_name: str, abi_path: str) -> _Definition:
    folder = Path(abi_path) if abi_path else FOLDER
    text = _text(folder / f"{contract_name}.json")
    packed = _packed(contract_name) if text is None and folder == FOLDER else None
    if text is None and packed is None:
        raise TypeError(f"Contract name {contract_name!r} does not exist in artifacts.")
    try:
        return _Definition(contract_name, folder, packed or json.loads(text or ""))
    except (ValueError, TypeError):
        raise ConfigError(
            f"{contract_name}.json in {_shown(folder)} is no JSON object with a contract."
        ) from None


def _packed(contract_name: str) -> dict[str, Any] | None:
    """Return one of V3's contracts as the build packs them; None if it is not among them."""
    try:
        contracts: dict[str, dict[str, Any]] = json.loads(_PACKED.read_bytes())["contracts"]
    except FileNotFoundError:
        return None
    return contracts.get(contract_name)


def _text(path: Path) -> str | None:
    try:
        return read_text(path)
    except OSError:
        return None
    except UnicodeError:
        return ""  # there is one, and it is no JSON


def _without_address(make: Any, definition: dict[str, Any]) -> Any:
    def constructor(*args: Any, **kwargs: Any) -> Any:
        whole = make(abi=definition["abi"], bytecode=definition["bytecode"])
        return whole.constructor(*args, **kwargs)

    contract = make(abi=definition["abi"])
    contract.constructor = staticmethod(constructor)  # logs are read without any bytecode
    return contract


def read_addresses(address_file: str | None) -> dict[str, Any]:
    """Return what an address file holds, by the network's name.

    Args:
        address_file: see `get_contracts_addresses`.

    Raises:
        ConfigError: the file cannot be read, or has another form.
    """
    named = f"The address file {_shown(address_file) if address_file else 'of this library'}"
    try:
        if address_file:
            path = Path(address_file).expanduser()
            path = path / ADDRESS_FILE.name if path.is_dir() else path
        else:
            path = ADDRESS_FILE
        networks = json.loads(read_text(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON text"
        raise ConfigError(
            f"{named} cannot be read: {reason}. "
            "Check address.file in the config (ADDRESS_FILE in the environment)."
        ) from None
    if not isinstance(networks, dict):
        raise ConfigError(
            f"{named} must hold an object of networks, each with the addresses of its contracts "
            "by name."
        )
    return networks


def _shown(path: object) -> str:
    """Describe a path as it is on the disk, blanks included."""
    return printable(str(path), limit=300)
