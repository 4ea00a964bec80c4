"""Make DIDs, and take them apart."""

from __future__ import annotations

import re

from ocean_lib.checks import printable
from ocean_lib.exceptions import InvalidDid

OCEAN_PREFIX = "did:op:"

_PARTS = re.compile(r"did:([a-z0-9]+):([a-zA-Z0-9\-.]+)")


def did_parse(did: str) -> dict[str, str]:
    """Take a DID apart.

    Args:
        did: the asset's DID. What follows its id (a path, a fragment) is ignored.

    Returns:
        A dict of `method` and `id`.

    Raises:
        TypeError: it is no text.
        InvalidDid: it is no DID.
    """
    if not isinstance(did, str):
        raise TypeError(f"did must be text, got {printable(did)}.")
    match = _PARTS.match(did)
    if not match:
        raise InvalidDid(f"did must look like 'did:op:…', got {printable(did)}.")
    return {"method": match.group(1), "id": match.group(2)}


def did_to_id(did: str) -> str:
    """Return the id in a DID, without `0x`.

    Args:
        did: the asset's DID.

    Raises:
        TypeError: it is no text.
        InvalidDid: it is no DID.
    """
    return did_parse(did)["id"]
