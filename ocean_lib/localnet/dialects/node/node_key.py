"""The node's own key: it encrypts documents, signs fees and validations, and pays for gas."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.eip191 import message_hash


class ForeignText(Exception):
    """A text that this node did not encrypt, or that was damaged."""


class NodeKey:
    """A secp256k1 key.

    Args:
        secret: The private key, 0x-prefixed hexadecimal.
    """

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._key = PrivateKey(bytes.fromhex(secret.removeprefix("0x")))
        self.public = self._key.public_key
        self.address: str = self.public.to_checksum_address()

    def __repr__(self) -> str:
        return f"NodeKey(address={self.address!r})"

    def encrypt(self, data: bytes) -> str:
        """Encrypt bytes with ECIES; the answer is 0x-prefixed hexadecimal."""
        import ecies

        return "0x" + ecies.encrypt(b"\x04" + self.public.to_bytes(), data).hex()

    def decrypt(self, encrypted: bytes) -> bytes:
        """Read what was encrypted.

        Raises:
            ForeignText: If this key does not open it.
        """
        import ecies

        try:
            return bytes(ecies.decrypt(self._key.to_bytes(), encrypted))
        except Exception as error:  # coincurve and pycryptodome each fail in ways of their own
            raise ForeignText("it was encrypted by another node") from error

    def files_of(self, service: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the file objects of a service.

        Raises:
            ForeignText: If this key does not open them, or there are none inside.
        """
        try:
            sealed = bytes.fromhex(str(service.get("files")).removeprefix("0x"))
            document = safe_json.loads(self.decrypt(sealed))
        except ValueError as error:
            raise ForeignText("it is not encrypted JSON") from error
        files = document.get("files") if isinstance(document, dict) else None
        if not isinstance(files, list) or not all(isinstance(one, dict) for one in files):
            raise ForeignText("there is no list of files inside")
        return files

    def sign(self, message: bytes) -> dict[str, Any]:
        """Sign a personal message; the answer has `v` (27 or 28), `r` and `s`."""
        made = self._key.sign_msg_hash(message_hash(message))
        return {"v": made.v + 27, "r": f"0x{made.r:064x}", "s": f"0x{made.s:064x}"}

    def validation(self, document: object) -> dict[str, Any]:
        """Sign a document that was found valid: its hash, and the node's signature of that."""
        digest = document_hash(compact(document))
        signed = self.sign(keccak(text=digest).lstrip(b"\0"))
        return {"hash": digest, "publicKey": self.address, **signed}


def compact(document: object) -> str:
    """Spell a document as JavaScript's `JSON.stringify` does."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def document_hash(text: str) -> str:
    """Return the hash by which a document stands on the chain: SHA-256 of its text."""
    return "0x" + hashlib.sha256(text.encode()).hexdigest()
