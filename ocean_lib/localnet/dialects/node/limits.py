"""How often a node lets itself be asked: by one address, and by how many of them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from flask import Request, Response

from ocean_lib.localnet.dialects.node.options import NodeOptions
from ocean_lib.localnet.dialects.node.wire import as_text

_WINDOW_S = 60.0
_REMEMBERED = 10_000


class RateLimits:
    """Counts the requests of each address in a minute that begins with its first one.

    Args:
        options: The limits.
        clock: Tells the time in seconds.
    """

    def __init__(self, options: NodeOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[float, int]] = {}

    def refusal(self, request: Request) -> Response | None:
        """Count a request; return the answer that refuses it, None if it may be answered."""
        if self._options.rate_limit is None and self._options.max_connections is None:
            return None
        address = request.headers.get("X-Forwarded-For") or request.remote_addr or ""
        with self._lock:
            now = self._clock()
            return self._too_often(address, now) or self._too_many(now)

    def _too_often(self, address: str, now: float) -> Response | None:
        began, count = self._counted.get(address, (now, 0))
        passed = now - began
        if passed > _WINDOW_S:
            began, count, passed = now, 0, 0.0
        limit = self._options.rate_limit
        if limit is not None and count >= limit:
            seconds = math.ceil(_WINDOW_S - passed)
            return as_text(f"Rate limit exceeded. Try again in {seconds} seconds.", 429)
        self._counted[address] = (began, count + 1)
        return None

    def _too_many(self, now: float) -> Response | None:
        if len(self._counted) > _REMEMBERED:
            self._counted = {
                address: counted
                for address, counted in self._counted.items()
                if now - counted[0] <= _WINDOW_S
            }
        most = self._options.max_connections
        active = sum(now - began <= _WINDOW_S for began, _ in self._counted.values())
        if most is None or active <= most:
            return None
        text = f"Too many active connections ({active}/{most}) in the last minute."
        return as_text(text, 403)
