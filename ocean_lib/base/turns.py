"""A lock for each key, gone when nobody holds it."""

from __future__ import annotations

import threading
from weakref import WeakValueDictionary

from ocean_lib.base.forks import renew_in_children


class Turn:
    """A lock that can be weakly referenced; keep it in a name of its own while it is held."""

    def __init__(self) -> None:
        self.held = threading.Lock()


class Turns:
    """Whose turn it is: threads that want the same key go one after the other."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()
        self._guard = threading.Lock()

    def of(self, key: str) -> Turn:
        """Return the lock of a key."""
        renew_in_children(self, Turns._renew)
        with self._guard:
            turn = self._turns.get(key)
            if turn is None:
                turn = self._turns[key] = Turn()
            return turn
