"""Who signed a text: EIP-191 personal messages and the Provider's auth tokens."""

from __future__ import annotations

import binascii
import re
import time

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError as KeyValidationError

_TOKEN_LIFETIME_S = 24 * 60 * 60
_TOKEN = re.compile(r"(0x[^-]*)-([0-9]{1,20})")
_TOKEN_TEXT = "Ocean Protocol Authentication\n"  # noqa: S105 (a text that is signed, no secret)


class UnreadableSignature(ValueError):
    """A signature from which no address can be recovered."""


def message_hash(text: str) -> bytes:
    """Hash a text as a personal message; the prefix counts bytes, not characters."""
    data = text.encode("utf-8")
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data)


def recover(text: str, signature: str) -> str:
    """Return the checksum address that signed `text`.

    Args:
        text: The text as the signer had it.
        signature: 65 bytes r, s, v in hexadecimal, with or without `0x`; v is 27 or 28; of
            any other v only the last bit counts.

    Raises:
        UnreadableSignature: If no address can be recovered; the texts are the real Provider's.
    """
    try:
        data = binascii.unhexlify(signature.removeprefix("0x"))
    except (binascii.Error, ValueError) as error:
        raise UnreadableSignature(str(error)) from error
    if len(data) != 65:
        raise UnreadableSignature(
            f"invalid signature, expecting bytes of length 65, got {len(data)}"
        )
    v = data[64] - 27 if data[64] in (27, 28) else data[64] % 2
    try:
        key = Signature(data[:64] + bytes([v])).recover_public_key_from_msg_hash(message_hash(text))
    except (BadSignature, KeyValidationError, ValueError) as error:
        raise UnreadableSignature(str(error)) from error
    return str(key.to_checksum_address())


def is_auth_token(value: str) -> bool:
    """Return whether `value` has the form `0x<signature>-<unix seconds>`."""
    return _TOKEN.fullmatch(value) is not None


def signed_by(address: str, text: str, nonce: int | None, signature: str) -> bool:
    """Tell whether `address` signed `text` followed by `nonce`, or holds a good auth token.

    Args:
        address: The address in the spelling of the request.
        text: The text without the nonce.
        nonce: The nonce that must follow it; None for none.
        signature: A signature or an auth token.

    Raises:
        UnreadableSignature: If the signature is malformed.
    """
    token = _TOKEN.fullmatch(signature)
    if token is not None:
        # One of the future is good too, as with the real Provider: its owner has signed that.
        if time.time() > int(token[2]) + _TOKEN_LIFETIME_S:
            return False
        return recover(f"{_TOKEN_TEXT}{token[2]}", token[1]).lower() == address.lower()
    whole = text if nonce is None else f"{text}{nonce}"
    return recover(whole, signature).lower() == address.lower()
