"""What signs: anything with an address that gives EIP-191 signatures, or a key of our own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ocean_lib.base.frames import forgets_locals
from ocean_lib.checks import check_address, signer_address
from ocean_lib.exceptions import InvalidInput, SigningFailed

if TYPE_CHECKING:
    from eth_account.messages import SignableMessage

__all__ = ["OwnKey", "Signer", "check_signer", "sign_signable", "sign_text", "signer_address"]

_SIGNATURE_BYTES = 65
_HEX_SIGNATURE = re.compile(r"(?:0[xX])?([0-9a-fA-F]{130})")


@runtime_checkable
class Signer(Protocol):
    """Anything with an `address` that can sign an EIP-191 message.

    Our `Wallet`, an eth-account `LocalAccount`, or your own object (a remote signer, a hardware
    wallet) will do. `sign_message` returns an object with a `signature` of 65 bytes (eth-account's
    `SignedMessage`), or the 65 bytes themselves, or their hex text.
    """

    @property
    def address(self) -> str:
        """The account's address."""

    def sign_message(self, signable_message: SignableMessage) -> Any:
        """Sign the message.

        Args:
            signable_message: made by `eth_account.messages.encode_defunct`.
        """


SignHash = Callable[[bytes], bytes]
"""From 32 bytes to the 65 bytes r, s and recovery id (0 or 1)."""


class OwnKey:
    """An account whose key this process has: what `Wallet` signs messages with.

    libsecp256k1 signs, through coincurve: a signature in 0.03 ms, ready in 20 ms. eth-account, for
    the same bytes, takes several times as long and half a second to import. Where coincurve has no
    wheel, eth-keys stands in with pure Python.

    Args:
        key: the 32 bytes, checked.
    """

    is_ours = False
    """Whether this is a `Wallet` itself: a class made of it may have its own way of signing."""

    address = ""
    """The account's address, checksum spelling."""

    def __init_subclass__(cls) -> None:
        cls.is_ours = OwnKey in cls.__bases__

    def __init__(self, key: bytes) -> None:
        self.address, self._sign_hash = open_key(key)

    def sign_personal(self, message: bytes) -> bytes:
        """Sign an EIP-191 personal message, given its bytes, without loading eth-account.

        Args:
            message: what to sign; the prefix is put before it.

        Returns:
            65 bytes r, s, v with v 27 or 28: the signature that `sign_message` gives.
        """
        # As in checks: its import takes a tenth of eth_utils'.
        from Crypto.Hash import keccak

        prefix = b"\x19Ethereum Signed Message:\n" + str(len(message)).encode()
        digest = keccak.new(data=prefix + message, digest_bits=256).digest()
        signature = self._sign_hash(digest)
        return signature[:64] + bytes([27 + signature[64]])


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


def _address(public_key: bytes) -> str:
    from Crypto.Hash import keccak

    digest = keccak.new(data=public_key, digest_bits=256).digest()
    return check_address("0x" + digest[-20:].hex())


def check_signer(obj: Any) -> Signer:
    """Return the object if it can sign for us.

    Args:
        obj: what the user gave as a wallet.

    Returns:
        The same object.

    Raises:
        InvalidInput: it has no `address` text or no `sign_message` method.
        InvalidAddress: its address is no EVM address, or its mixed-case checksum is wrong.
    """
    signer_address(obj, signs=True)
    signer: Signer = obj
    return signer


def sign_text(signer: Signer, text: str | bytes) -> str:
    """Sign a text, or bytes of any length, as an EIP-191 personal message.

    Args:
        signer: a `Wallet`, a `LocalAccount`, or any other `Signer`.
        text: what to sign: a text by its UTF-8 bytes.

    Returns:
        `0x` and the hex of the 65 bytes r, s, v with v 27 or 28.

    Raises:
        InvalidInput: the object cannot sign, or the text has no UTF-8 form (lone surrogates).
        SigningFailed: the signer raised, or gave something that is no such signature.
    """
    try:
        data = text if isinstance(text, bytes) else text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            "Cannot sign this text: it holds lone surrogates and has no UTF-8 form. "
            "Check where the DID or job id comes from."
        ) from None
    if isinstance(signer, OwnKey) and signer.is_ours:
        return "0x" + signer.sign_personal(data).hex()
    from eth_account.messages import encode_defunct

    return sign_signable(signer, encode_defunct(primitive=data))


@forgets_locals
def sign_signable(signer: Signer, signable_message: SignableMessage) -> str:
    """Let the signer sign an already encoded message, and check the form of its answer.

    Args:
        signer: a `Wallet`, a `LocalAccount`, or any other `Signer`.
        signable_message: made by `eth_account.messages.encode_defunct`.

    Returns:
        `0x` and the hex of the 65 bytes r, s, v with v 27 or 28.

    Raises:
        InvalidInput: the object cannot sign.
        SigningFailed: the signer raised, or gave something that is no such signature.
    """
    address = signer_address(check_signer(signer))
    failure, answer = "", None
    try:
        answer = signer.sign_message(signable_message)
    except SigningFailed:
        raise
    except Exception as error:  # noqa: BLE001  (a foreign signer may raise anything)
        # Only the type's name: the text may hold what the signer keeps secret. Raised below,
        # outside this block, so that the new error does not carry the old one as its context.
        failure = f"it raised {type(error).__name__}"
    signature = None if failure else _signature_bytes(answer)
    if signature is None:
        raise SigningFailed(
            f"The signer of {address} gave no signature: "
            f"{failure or _describe(answer)}. Expected 65 bytes r, s, v (v 27 or 28), "
            "their hex text, or an object with such a `signature`."
        )
    return "0x" + signature.hex()


def _signature_bytes(answer: Any) -> bytes | None:
    value = getattr(answer, "signature", answer)
    if isinstance(value, str):
        match = _HEX_SIGNATURE.fullmatch(value)
        value = bytes.fromhex(match.group(1)) if match else None
    if not isinstance(value, (bytes, bytearray)) or len(value) != _SIGNATURE_BYTES:
        return None
    recovery = value[-1]
    if recovery in (0, 1):  # some hardware signers leave the 27 out; the Provider wants it
        recovery += 27
    return bytes(value[:-1]) + bytes([recovery]) if recovery in (27, 28) else None


def _describe(answer: Any) -> str:
    value = getattr(answer, "signature", answer)
    length = f" of length {len(value)}" if isinstance(value, (str, bytes, bytearray)) else ""
    return f"it gave {type(value).__name__}{length}, or a wrong recovery byte"
