"""The network's keys: made once per network, from a seed or at random, and kept private."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_utils.crypto import keccak

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
    """
    if path.exists():
        document = json.loads(path.read_text(encoding="utf-8"))
        document["accounts"] = tuple(document["accounts"])
        return NetworkKeys(**document)
    keys = make_keys(seed, account_count)
    unfinished = path.with_suffix(".part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(keys), file, indent=1)
    unfinished.replace(path)
    return keys
