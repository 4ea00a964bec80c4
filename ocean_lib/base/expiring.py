"""A bounded dict whose entries are believed for a lifetime, safe to use from many threads."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from cachetools import TTLCache

from ocean_lib.base.forks import renew_in_children

K = TypeVar("K")
V = TypeVar("V")


class Expiring(Generic[K, V]):
    """Entries that vanish after their lifetime, or when there are too many.

    Args:
        size: how many entries are kept.
        lifetime_s: how long each is believed.
    """

    def __init__(self, size: int, lifetime_s: float) -> None:
        self._entries: TTLCache[K, V] = TTLCache(size, lifetime_s)
        self._lock = threading.Lock()
        renew_in_children(self, Expiring._renew)

    def _renew(self) -> None:
        # Another thread of the parent may have been at work on the entries.
        self._entries = TTLCache(self._entries.maxsize, self._entries.ttl)
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the entry, None once it has expired."""
        with self._lock:
            return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep an entry for the lifetime."""
        with self._lock:
            self._entries[key] = value

    def forget(self, key: K) -> None:
        """Drop an entry, if it is there."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._entries.clear()

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._entries
