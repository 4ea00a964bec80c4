"""Who asks: signed nonces, which only rise, and auth tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any

from eth_utils.crypto import keccak

from ocean_lib.localnet.dialects.node.wire import Refused
from ocean_lib.localnet.eip191 import UnreadableSignature, recover
from ocean_lib.localnet.state.database import Database

_TOKENS = """
CREATE TABLE IF NOT EXISTS auth_tokens (
    token TEXT PRIMARY KEY, valid_until INTEGER, is_valid INTEGER NOT NULL DEFAULT 1
)
"""
_NONCE = re.compile(r"\s*([0-9]+)")
_LARGEST = 2**53  # a number of the node's is exact up to here
_V = {0: "1b", 1: "1c", 27: "1b", 28: "1c"}
_MISMATCH = "consumer address and nonce signature mismatch"
_NEITHER = (
    "Invalid authentication, you need to provide either a token or an address, signature, message "
    "and nonce"
)


def has_signed(address: str, nonce: int, command: str, signature: str) -> bool:
    """Tell whether an address signed a command and a nonce.

    The signed message is the hash of all three as bytes without leading zeros, or its text.
    """
    digest = keccak(text=f"{address}{nonce}{command}")
    if not signature.startswith("0x") or len(signature) != 2 + 130:
        return False
    try:
        last = _V[int(signature[-2:], 16)]
        signers = [
            recover(message, signature[:-2] + last)
            for message in (digest.lstrip(b"\0"), f"0x{digest.hex()}")
        ]
    except (UnreadableSignature, KeyError, ValueError):
        return False
    return address.lower().removeprefix("0x") in [one.lower()[2:] for one in signers]


class Credentials:
    """Nonces and auth tokens, kept in the database.

    Args:
        database: Where they are kept.
        secret: Signs the tokens.
    """

    def __init__(self, database: Database, secret: str) -> None:
        self._database = database
        self._secret = hashlib.sha256(secret.encode()).digest()
        with database.transaction() as connection:
            connection.execute(_TOKENS)

    def nonce(self, address: str) -> int:
        """Return the highest nonce that this spelling of an address has used."""
        rows = self._database.rows("SELECT nonce FROM nonces WHERE address = ?", (address,))
        return int(rows[0]["nonce"]) if rows else 0

    def move(self, address: str, nonce: int) -> None:
        """Store a nonce, unless a higher one is stored."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO nonces (address, nonce) VALUES (?, ?) "
                "ON CONFLICT (address) DO UPDATE SET nonce = MAX(nonce, excluded.nonce)",
                (address, nonce),
            )

    def check(self, data: dict[str, Any], token: str | None, command: str) -> None:
        """Check a signature, and move its nonce; or a token.

        Raises:
            Refused: If neither is good.
        """
        address, nonce = data.get("consumerAddress"), data.get("nonce")
        if address and nonce and data.get("signature"):
            self.spend(address, nonce, data["signature"], command)
        elif not token:
            raise Refused(401, _NEITHER)
        elif not self._is_valid(token):
            raise Refused(401, "Invalid token")

    def spend(self, address: Any, nonce: Any, signature: Any, command: str) -> None:
        """Check a signature, and move its nonce.

        Raises:
            Refused: If it is not right, or the nonce is not above the stored one.
        """
        number = nonce_of(nonce)
        if number is None or not isinstance(address, str) or not isinstance(signature, str):
            raise Refused(401, _MISMATCH)
        with self._database.transaction():
            if number <= self.nonce(address):
                raise Refused(401, f"nonce: {number} is not a valid nonce")
            if not has_signed(address, number, command, signature):
                raise Refused(401, _MISMATCH)
            self.move(address, number)

    def make_token(self, address: str, nonce: object, valid_until_ms: object) -> str:
        """Make a token, good for ever unless it is told until when."""
        now = time.time()
        claims = {
            "address": address,
            "nonce": nonce,
            "createdAt": int(now * 1000),
            "iat": int(now),
        }
        signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
        digest = hmac.new(self._secret, signed.encode(), hashlib.sha256).digest()
        token = f"{signed}.{_base64(digest)}"
        until = int(valid_until_ms) if isinstance(valid_until_ms, (int, float)) else None
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO auth_tokens (token, valid_until) VALUES (?, ?)",
                (token, until),
            )
        return token

    def invalidate(self, token: object) -> None:
        """Make a token worthless; one that is not known is none anyway."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE auth_tokens SET is_valid = 0 WHERE token = ?", (str(token),))

    def _is_valid(self, token: str) -> bool:
        rows = self._database.rows(
            "SELECT 1 FROM auth_tokens WHERE token = ? AND is_valid "
            "AND (valid_until IS NULL OR valid_until > ?)",
            (token, int(time.time() * 1000)),
        )
        return bool(rows)


def nonce_of(value: object) -> int | None:
    """Read a nonce as JavaScript's `parseInt` does; None if it is not a number."""
    found = _NONCE.match(str(value))
    number = int(found[1]) if found is not None and len(found[1]) < 20 else None
    return number if number is not None and number <= _LARGEST else None


def _encoded(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
