"""What a forked child must not share with its parent: connections, and locks a thread there holds.

Two processes that read from one connection get each other's answers, and a lock that was held by
another thread at the fork is never released in the child. Servers that fork their workers
(`gunicorn --preload`, Celery) and `multiprocessing` do this with clients made before.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_renewals: WeakKeyDictionary[object, Callable[[object], None]] = WeakKeyDictionary()
_lock = threading.Lock()
_is_watching = False


def renew_in_children(thing: T, renew: Callable[[T], None]) -> None:
    """Call `renew(thing)` first of all in each child that this process forks while it lives.

    Args:
        thing: what holds connections or locks.
        renew: gives it new ones; it must not refer to `thing` itself, nor take a lock of it.
    """
    global _is_watching
    with _lock:
        _renewals[thing] = renew  # type: ignore[assignment]
        if not _is_watching and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_renew_all)
            _is_watching = True


def _renew_all() -> None:
    global _lock
    _lock = threading.Lock()
    for thing, renew in list(_renewals.items()):
        renew(thing)
