"""What this library asks of anything that signs: an address and an EIP-191 signature."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ocean_lib.base.frames import forgets_locals
from ocean_lib.checks import check_address
from ocean_lib.exceptions import InvalidInput, SigningFailed
from ocean_lib.web3_internal.wallet import Wallet

if TYPE_CHECKING:
    from eth_account.messages import SignableMessage

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
    signer_address(obj)
    if not callable(getattr(obj, "sign_message", None)):
        raise InvalidInput(_not_a_signer(obj, "has no sign_message(signable_message) method"))
    signer: Signer = obj
    return signer


def signer_address(obj: Any) -> str:
    """Return a signer's address in its checksum spelling.

    The Provider compares addresses as text, so this spelling is the one to sign and to send.

    Args:
        obj: what the user gave as a wallet.

    Raises:
        InvalidInput: it has no `address` text.
        InvalidAddress: its address is no EVM address, or its mixed-case checksum is wrong.
    """
    address = getattr(obj, "address", None)
    if not isinstance(address, str):
        raise InvalidInput(_not_a_signer(obj, "has no address text"))
    return check_address(address)


@forgets_locals
def sign_text(signer: Signer, text: str) -> str:
    """Sign a text as an EIP-191 personal message over its UTF-8 bytes.

    Args:
        signer: a `Wallet`, a `LocalAccount`, or any other `Signer`.
        text: what to sign.

    Returns:
        `0x` and the hex of the 65 bytes r, s, v with v 27 or 28.

    Raises:
        InvalidInput: the object cannot sign, or the text has no UTF-8 form (lone surrogates).
        SigningFailed: the signer raised, or gave something that is no such signature.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            "Cannot sign this text: it holds lone surrogates and has no UTF-8 form. "
            "Check where the DID or job id comes from."
        ) from None
    return sign_bytes(signer, data)


@forgets_locals
def sign_bytes(signer: Signer, data: bytes) -> str:
    """Sign bytes, of any length, as an EIP-191 personal message.

    Args:
        signer: a `Wallet`, a `LocalAccount`, or any other `Signer`.
        data: what to sign; its length goes into the message.

    Returns:
        `0x` and the hex of the 65 bytes r, s, v with v 27 or 28.

    Raises:
        InvalidInput: the object cannot sign.
        SigningFailed: the signer raised, or gave something that is no such signature.
    """
    if type(signer) is Wallet:  # a subclass may have its own way of signing
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


def _not_a_signer(obj: Any, fault: str) -> str:
    return (
        f"A wallet is needed, but this {type(obj).__name__} {fault}. "
        "Give a Wallet, an eth-account LocalAccount, or an object with both."
    )
