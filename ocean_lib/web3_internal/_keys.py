"""Keys: from text, keystore or mnemonic to its bytes, without ever quoting a secret.

Errors of the libraries below may quote the key or the mnemonic. So nothing is raised inside an
`except` block here: a new error would carry the old one as its context.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from ocean_lib.base.frames import forgets_locals
from ocean_lib.base.text_files import read_text, why_unreadable, without_mark
from ocean_lib.checks import parse_json, printable
from ocean_lib.exceptions import InvalidInput, WalletError, WrongPassword

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

_HEX_KEY = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@forgets_locals
def parse_key(private_key: Any) -> bytes:
    """Return the 32 bytes of a private key.

    Args:
        private_key: 64 hex digits with or without `0x`, or the 32 bytes.

    Raises:
        WalletError: it is no private key.
    """
    key = b""
    if isinstance(private_key, str):
        match = _HEX_KEY.fullmatch(private_key.strip())
        key = bytes.fromhex(match.group(1)) if match else b""
    elif isinstance(private_key, (bytes, bytearray)):
        key = bytes(private_key)
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < _SECP256K1_ORDER:
        raise WalletError(
            "The private key cannot be used: expected 64 hex digits (with or without 0x) or 32 "
            f"bytes within the curve's range, got {_shape(private_key)}."
        )
    return key


@forgets_locals
def account_from_key(key: bytes) -> LocalAccount:
    """Return eth-account's account of a checked key."""
    from eth_account import Account

    account: LocalAccount = Account.from_key(key)
    return account


@forgets_locals
def read_keystore(source: Any) -> dict[str, Any]:
    """Return the keystore's content.

    Args:
        source: a dict, its JSON text, or the path of a file with that text.

    Raises:
        WalletError: the file cannot be read, or its text is no JSON object.
    """
    if isinstance(source, dict):
        return source
    where = "the text"
    text = source
    if isinstance(source, str):
        text = source = without_mark(source)
    if isinstance(source, os.PathLike) or (isinstance(source, str) and source.lstrip()[:1] != "{"):
        where = f"the file {printable(os.fspath(source), limit=200)}"
        text = _read(source)
    if not isinstance(text, (str, bytes)):
        raise WalletError(
            "A keystore is a dict, its JSON text or the path of its file; "
            f"got {type(source).__name__}."
        )
    content = None
    try:
        content = parse_json(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise WalletError(f"No keystore: {where} is no JSON object.")
    return content


@forgets_locals
def decrypt_keystore(keystore: dict[str, Any], password: str | bytes) -> bytes:
    """Return the private key in a keystore.

    Args:
        keystore: an Ethereum keystore (version 3).
        password: what it was encrypted with.

    Raises:
        InvalidInput: the password is neither text nor bytes.
        WrongPassword: the password does not open it.
        WalletError: it is no keystore, or of a kind that eth-account cannot open.
    """
    if not isinstance(password, (str, bytes)):
        raise InvalidInput(f"The password must be text or bytes, got {type(password).__name__}.")
    from eth_account import Account

    key, wrong, reason = b"", False, ""
    try:
        key = bytes(Account.decrypt(keystore, password))  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001  (a broken keystore fails in many ways)
        wrong = "MAC mismatch" in str(error)
        reason = type(error).__name__
    if wrong:
        raise WrongPassword(
            "The password does not open this keystore. Check the password, or the file."
        )
    if reason:
        raise WalletError(
            f"The keystore cannot be read ({reason}): expected a version 3 Ethereum keystore."
        )
    return parse_key(key)


@forgets_locals
def encrypt_keystore(key: bytes, password: str | bytes) -> dict[str, Any]:
    """Return a version 3 keystore of the key (scrypt; takes about a second).

    Args:
        key: the 32 bytes.
        password: what will open it; not empty.

    Raises:
        InvalidInput: the password is empty, or neither text nor bytes.
    """
    if not isinstance(password, (str, bytes)) or not password:
        raise InvalidInput("A keystore needs a password that is not empty.")
    from eth_account import Account

    return dict(Account.encrypt(key, password))  # type: ignore[arg-type]


@forgets_locals
def key_from_mnemonic(mnemonic: str, passphrase: str, account_path: str) -> bytes:
    """Return the private key that a BIP-39 mnemonic gives at a BIP-44 path.

    Args:
        mnemonic: the words.
        passphrase: the optional BIP-39 passphrase.
        account_path: such as `m/44'/60'/0'/0/0`.

    Raises:
        WalletError: the words are no mnemonic, or the path is no path.
    """
    from eth_account import Account

    class _HdAccount(Account):  # the switch below is class-wide: flip it on our class only
        """Account with eth-account's unaudited HD features."""

    key, reason = b"", ""
    try:
        _HdAccount.enable_unaudited_hdwallet_features()
        key = bytes(_HdAccount.from_mnemonic(mnemonic, passphrase, account_path).key)
    except Exception as error:  # noqa: BLE001  (its errors quote the words)
        reason = type(error).__name__
    if reason:
        raise WalletError(
            f"No key comes from this mnemonic ({reason}): expected 12 to 24 BIP-39 words with a "
            "right checksum, and an account path like m/44'/60'/0'/0/0."
        )
    return key


def _read(path: str | os.PathLike[str]) -> str:
    reason, text = "", ""
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        reason = why_unreadable(error)
    if reason:
        raise WalletError(
            f"The keystore file {printable(os.fspath(path), limit=200)} cannot be read: {reason}."
        )
    return text


def _shape(value: Any) -> str:
    kind = type(value).__name__
    return f"{kind} of length {len(value)}" if isinstance(value, (str, bytes, bytearray)) else kind
