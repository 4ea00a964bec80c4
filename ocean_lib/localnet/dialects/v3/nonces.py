"""The Provider's nonces: a signature has to bear the next number, exactly, and moves it on."""

from __future__ import annotations

from ocean_lib.localnet.state.database import Database


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
