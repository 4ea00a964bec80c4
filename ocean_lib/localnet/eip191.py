"""Personal messages (EIP-191): their hash, and who signed one."""

from __future__ import annotations

import binascii

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError as KeyValidationError


class UnreadableSignature(ValueError):
    """A signature from which no address can be recovered."""


def message_hash(message: str | bytes) -> bytes:
    """Hash a personal message, a text as UTF-8; the prefix counts bytes, not characters."""
    data = message.encode("utf-8") if isinstance(message, str) else message
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data)


def recover(message: str | bytes, signature: str) -> str:
    """Return the checksum address that signed a personal message.

    Args:
        message: The message as the signer had it.
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
        given = Signature(data[:64] + bytes([v]))
        key = given.recover_public_key_from_msg_hash(message_hash(message))
    except (BadSignature, KeyValidationError, ValueError) as error:
        raise UnreadableSignature(str(error)) from error
    return str(key.to_checksum_address())
