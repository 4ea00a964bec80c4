"""Make DIDs, and take them apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.common.utils.utilities import checksum
from ocean_lib.exceptions import InvalidDid

OCEAN_PREFIX = "did:op:"

_PARTS = re.compile(r"did:([a-z0-9]+):([a-zA-Z0-9\-.]+)")
_NO_DID = re.compile(r"[0x]?[0-9A-Za-z]+")


class DID:
    """Makes DIDs from checksums, as assets without a datatoken once had."""

    @staticmethod
    def did(seed: Mapping[str, Any]) -> str:
        """Return `did:op:` and 64 hex digits.

        Args:
            seed: the checksums in the DDO's proof.
        """
        return OCEAN_PREFIX + _without_0x(checksum(seed))


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


def id_to_did(did_id: str | bytes, method: str = "op") -> str:
    """Return the DID of an id.

    Args:
        did_id: hex text with or without `0x`, or bytes.
        method: the DID method.

    Raises:
        TypeError: it is neither text nor bytes.
        InvalidDid: it is text, but not hex.
    """
    if isinstance(did_id, bytes):
        did_id = bytes(did_id).hex()
    if not isinstance(did_id, str):
        raise TypeError(f"did_id must be hex text or bytes, got {printable(did_id)}.")
    digits = _without_0x(did_id)
    if not re.fullmatch(r"[0-9a-fA-F]*", digits):
        raise InvalidDid(f"did_id must be hex digits, got {printable(did_id)}.")
    return f"did:{method}:{digits or '0'}"


def did_to_id(did: str) -> str:
    """Return the id in a DID, without `0x`.

    Args:
        did: the asset's DID.

    Raises:
        TypeError: it is no text.
        InvalidDid: it is no DID.
    """
    return did_parse(did)["id"]


def did_to_id_bytes(did: str | bytes) -> bytes:
    """Return the id in a DID as bytes.

    Args:
        did: the asset's DID; bytes are taken for an id and returned as they are.

    Raises:
        TypeError: it is neither text nor bytes.
        InvalidDid: it is no DID, or its id is not hex.
    """
    if isinstance(did, bytes):
        return did
    if not isinstance(did, str):
        raise TypeError(f"did must be text or bytes, got {printable(did)}.")
    if _NO_DID.fullmatch(did):
        raise InvalidDid(f"did must be a DID, got the bare id {printable(did)}.")
    digits = did_to_id(did)
    try:
        return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
    except ValueError:
        raise InvalidDid(f"the id of a DID must be hex, got {printable(did)}.") from None


def _without_0x(text: str) -> str:
    return text[2:] if text[:2] in ("0x", "0X") else text
