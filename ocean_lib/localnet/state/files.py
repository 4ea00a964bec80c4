"""The network's small files: its keys, its ports, the addresses of its contracts; kept private."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from ocean_lib.localnet import safe_json

HIGHEST_PORT = 65535


class DamagedFile(Exception):
    """A file that is not as the network wrote it; the text says in what."""


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        DamagedFile: If it cannot be read, or is not JSON.
    """
    try:
        return safe_json.loads(path.read_bytes())
    except OSError as error:
        raise DamagedFile(f"it cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise DamagedFile("it is empty" if not path.stat().st_size else "it is not JSON") from error


def write_json(path: Path, document: object, *, mode: int = 0o666) -> None:
    """Write a JSON file, whole or not at all.

    Args:
        path: The file.
        document: What it holds then.
        mode: Who may read it, within what the process allows.
    """
    unfinished = path.with_name(f"{path.name}.part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    unfinished.replace(path)


def read_ports(path: Path) -> dict[str, int]:
    """Return the ports that an earlier start kept; {} if there was none.

    Raises:
        DamagedFile: If it holds anything else than ports.
    """
    if not path.exists():
        return {}
    document = read_json(path)
    if not isinstance(document, dict) or not all(map(_is_port, document.values())):
        raise DamagedFile(f"it holds other things than ports from 1 to {HIGHEST_PORT}")
    return document


def _is_port(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 1 <= value <= HIGHEST_PORT


_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, repr=False)
class NetworkKeys:
    """Private keys as 0x-prefixed hexadecimal.

    Attributes:
        deployer: Deploys the contracts and does nothing else.
        provider: The Provider's; opens the file lists.
        compute: Of the address that discovery names for compute.
        accounts: The funded accounts that users get.
    """

    deployer: str
    provider: str
    compute: str
    accounts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"NetworkKeys({len(self.accounts)} accounts)"


def make_keys(seed: str | int | None, account_count: int) -> NetworkKeys:
    """Make a network's keys.

    Args:
        seed: The same seed makes the same keys; None makes random ones.
        account_count: How many accounts users get.
    """

    def key(name: str) -> str:
        if seed is None:
            number = secrets.randbelow(_ORDER - 1) + 1
        else:
            digest = keccak(text=f"ocean-compute localnet {seed!s} {name}")
            number = int.from_bytes(digest, "big") % (_ORDER - 1) + 1
        return f"0x{number:064x}"

    return NetworkKeys(
        deployer=key("deployer"),
        provider=key("provider"),
        compute=key("compute"),
        accounts=tuple(key(f"account {number}") for number in range(account_count)),
    )


def kept_keys(path: Path, seed: str | int | None, account_count: int) -> NetworkKeys:
    """Return the keys in a file, or make them and keep them there, readable by the owner only.

    Args:
        path: The file.
        seed: For new keys.
        account_count: For new keys.

    Raises:
        DamagedFile: If the file holds anything else than a network's keys.
    """
    if path.exists():
        return read_keys(path)
    keys = make_keys(seed, account_count)
    write_json(path, asdict(keys), mode=0o600)
    return keys


def read_keys(path: Path) -> NetworkKeys:
    """Return the keys in a file.

    Raises:
        DamagedFile: If it holds anything else; the text shows no key.
    """
    document = read_json(path)
    if not isinstance(document, dict) or document.keys() != {f.name for f in fields(NetworkKeys)}:
        raise DamagedFile("it does not hold the keys deployer, provider, compute and accounts")
    accounts = document.pop("accounts")
    if not isinstance(accounts, list) or not all(map(_is_key, (*accounts, *document.values()))):
        raise DamagedFile("one of its keys is not a private key")
    return NetworkKeys(**document, accounts=tuple(accounts))


def _is_key(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch("0x[0-9a-fA-F]{64}", value):
        return False
    return 0 < int(value, 16) < _ORDER
