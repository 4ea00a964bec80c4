"""The Provider's own key: what is encrypted with it only this Provider can read."""

from __future__ import annotations

import binascii
import json
from typing import Any

from eth_account import Account
from eth_keys.datatypes import PrivateKey

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.dialects.v3.assets import asset_id


class ForeignDocument(Exception):
    """A document that this Provider did not encrypt, or that was damaged."""


class MisplacedDocument(ForeignDocument):
    """A document that this Provider encrypted for another asset than the one that shows it."""


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

    def encrypt(self, document: Any, document_id: str) -> str:
        """Encrypt a document for one asset; the answer is 0x-prefixed hexadecimal.

        What comes of it is public in the asset's DDO. The asset stands inside, so that nobody
        else can put the same text into an asset with rules of their own.

        Args:
            document: What is encrypted, a JSON value.
            document_id: The asset, as its DID or as the 0x address of its datatoken.
        """
        import ecies

        text = json.dumps({"asset": asset_id(document_id) or document_id, "document": document})
        return "0x" + ecies.encrypt(b"\x04" + self._public, text.encode("utf-8")).hex()

    def decrypt(self, encrypted: str) -> Any:
        """Read an encrypted document.

        Raises:
            ForeignDocument: If this key does not open it, or what is inside is not JSON.
        """
        import ecies

        try:
            data = ecies.decrypt(self._secret, binascii.unhexlify(encrypted.removeprefix("0x")))
            return safe_json.loads(data)
        except Exception as error:  # coincurve and pycryptodome each fail in ways of their own
            raise ForeignDocument("the file list was encrypted by another Provider") from error

    def decrypt_files(self, encrypted: str, did: str) -> list[dict[str, Any]]:
        """Read the file list of an asset.

        Args:
            encrypted: The asset's `encryptedFiles`.
            did: The asset.

        Raises:
            ForeignDocument: If this key does not open it, or no file list is inside.
            MisplacedDocument: If it was encrypted for another asset.
        """
        sealed = self.decrypt(encrypted)
        if not isinstance(sealed, dict) or sealed.get("asset") != asset_id(did):
            raise MisplacedDocument(f"the file list of {did} was encrypted for another asset")
        files = sealed.get("document")
        if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
            raise ForeignDocument("the decrypted document is not a list of files")
        return files
