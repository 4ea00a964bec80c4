"""The Provider's auth token: one signature for a day, in place of one for each call.

By the Provider's published code: `0x<signature>-<unix seconds>`, signed over a fixed text with
that time, taken in place of a signature for 24 hours, with no nonce.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cachetools import LRUCache

from ocean_lib.common.utils.forks import renew_in_children

LIFETIME_S = 23 * 3600
"""An hour less than the Provider's, for clocks that differ and calls under way."""

KEPT = 4096
"""How many addresses' tokens are remembered."""


class AuthTokens:
    """Tokens by address, made when first needed and kept for their lifetime."""

    def __init__(self) -> None:
        self._renew()
        renew_in_children(self, AuthTokens._renew)

    def _renew(self) -> None:
        self._tokens: LRUCache[str, tuple[float, str]] = LRUCache(KEPT)
        self._lock = threading.Lock()

    def token(self, address: str, sign: Callable[[str], str]) -> str:
        """Return a valid token for the address.

        Args:
            address: the signer's.
            sign: makes the `0x` signature over a text.
        """
        now = time.time()
        with self._lock:
            made, token = self._tokens.get(address, (0.0, ""))
            if token and 0 <= now - made < LIFETIME_S:
                return token
        seconds = int(now)
        token = f"{sign(f'Ocean Protocol Authentication{chr(10)}{seconds}')}-{seconds}"
        with self._lock:
            self._tokens[address] = (now, token)
        return token

    def forget(self, address: str) -> None:
        """Make a new token the next time."""
        with self._lock:
            self._tokens.pop(address, None)

    def clear(self) -> None:
        """Forget all tokens."""
        with self._lock:
            self._tokens.clear()
