"""Who signed a text, and with which nonce: EIP-191 messages, auth tokens, counters."""

from __future__ import annotations

import re
import time

from ocean_lib.localnet.eip191 import recover
from ocean_lib.localnet.state.database import Database

_TOKEN_LIFETIME_S = 24 * 60 * 60
_TOKEN = re.compile(r"(0x[^-]*)-([0-9]{1,20})")
_TOKEN_TEXT = "Ocean Protocol Authentication\n"  # noqa: S105 (a text that is signed, no secret)


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


class NonceCounters:
    """One counter for each spelling of an address.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def value(self, address: str) -> int:
        """Return the number the next signature of `address` has to bear."""
        rows = self._database.rows("SELECT nonce FROM nonces WHERE address = ?", (address,))
        return int(rows[0]["nonce"]) if rows else 0

    def wire(self, address: str) -> int | str:
        """Return the nonce as the Provider sends it: the integer 0 if unseen, else a string."""
        rows = self._database.rows("SELECT nonce FROM nonces WHERE address = ?", (address,))
        return str(rows[0]["nonce"]) if rows else 0

    def advance(self, address: str) -> None:
        """Move the nonce of `address` by one."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO nonces (address, nonce) VALUES (?, 1) "
                "ON CONFLICT (address) DO UPDATE SET nonce = nonce + 1",
                (address,),
            )

    def spend(self, address: str, expected: int) -> bool:
        """Move the nonce by one if it still is `expected`, so that one signature counts once.

        Returns:
            Whether it moved; False means another call used the same nonce meanwhile.
        """
        with self._database.transaction():
            if self.value(address) != expected:
                return False
            self.advance(address)
            return True
