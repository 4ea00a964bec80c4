"""The Provider's own key: what is encrypted with it only this Provider can read."""

from __future__ import annotations

import binascii
from typing import Any

from eth_account import Account
from eth_keys.datatypes import PrivateKey

from ocean_lib.localnet import _safe_json


class ForeignDocument(Exception):
    """A document that this Provider did not encrypt, or that was damaged."""


class ProviderKey:
    """A secp256k1 key with ECIES for documents.

    Args:
        secret: The private key, 0x-prefixed hexadecimal.
    """

    def __init__(self, secret: str) -> None:
        self._secret = binascii.unhexlify(secret.removeprefix("0x"))
        self._public = PrivateKey(self._secret).public_key.to_bytes()
        self.address: str = Account.from_key(secret).address

    def __repr__(self) -> str:
        return f"ProviderKey(address={self.address!r})"

    def encrypt(self, document: str) -> str:
        """Encrypt a text; the answer is 0x-prefixed hexadecimal."""
        import ecies

        return "0x" + ecies.encrypt(b"\x04" + self._public, document.encode("utf-8")).hex()

    def decrypt_files(self, encrypted: str) -> list[dict[str, Any]]:
        """Read the file list of an asset.

        Args:
            encrypted: An asset's `encryptedFiles`.

        Raises:
            ForeignDocument: If this key does not open it, or no file list is inside.
        """
        import ecies

        try:
            data = ecies.decrypt(self._secret, binascii.unhexlify(encrypted.removeprefix("0x")))
            files = _safe_json.loads(data)
        except Exception as error:  # coincurve and pycryptodome each fail in ways of their own
            raise ForeignDocument("the file list was encrypted by another Provider") from error
        if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
            raise ForeignDocument("the decrypted document is not a list of files")
        return files
