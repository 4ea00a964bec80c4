"""A key's address, and its signature over a message: what signed calls need of a wallet.

libsecp256k1 does it, through coincurve: a signature in 0.03 ms, ready in 20 ms. eth-account, for
the same bytes, takes several times as long and half a second to import. Where coincurve has no
wheel, eth-keys stands in with pure Python.
"""

from __future__ import annotations

from collections.abc import Callable

from ocean_lib.checks import check_address

SignHash = Callable[[bytes], bytes]
"""From 32 bytes to the 65 bytes r, s and recovery id (0 or 1)."""


def open_key(key: bytes) -> tuple[str, SignHash]:
    """Return the address of a checked private key, and what signs hashes with it.

    The key stays in the function's closure, where `vars` and generic dumpers do not look.
    """
    try:
        from coincurve import PrivateKey
    except ImportError:
        return _open_in_python(key)
    private = PrivateKey(key)
    public = private.public_key.format(compressed=False)[1:]
    return _address(public), lambda digest: private.sign_recoverable(digest, hasher=None)


def _open_in_python(key: bytes) -> tuple[str, SignHash]:
    from eth_keys.datatypes import PrivateKey

    private = PrivateKey(key)
    public = private.public_key.to_bytes()
    return _address(public), lambda digest: private.sign_msg_hash(digest).to_bytes()


def sign_personal(sign_hash: SignHash, message: bytes) -> bytes:
    """Sign an EIP-191 personal message.

    Args:
        sign_hash: from `open_key`.
        message: the bytes after the prefix.

    Returns:
        65 bytes r, s, v with v 27 or 28.
    """
    prefix = b"\x19Ethereum Signed Message:\n" + str(len(message)).encode()
    signature = sign_hash(_keccak(prefix + message))
    return signature[:64] + bytes([27 + signature[64]])


def _address(public_key: bytes) -> str:
    return check_address("0x" + _keccak(public_key)[-20:].hex())


def _keccak(data: bytes) -> bytes:
    # As in validation: its import takes a tenth of eth_utils'.
    from Crypto.Hash import keccak

    return keccak.new(data=data, digest_bits=256).digest()
