"""When jobs are settled: in a pass a minute after the node's start, and each hour from then on."""

from __future__ import annotations

import time
from collections.abc import Callable

from ocean_lib.localnet.state.database import Database

_FIRST_S, _EVERY_S = 60.0, 3600.0
_NAME = "claims"


class ClaimPasses:
    """Tells when the last pass was, also if that was before a restart.

    Args:
        database: Keeps it.
        clock: Tells the time in seconds since the epoch.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._first = clock() + _FIRST_S

    def last(self) -> float:
        """Return when the last pass was; 0 if there was none."""
        rows = self._database.rows("SELECT block FROM sync WHERE name = ?", (_NAME,))
        kept = rows[0]["block"] / 1000 if rows else 0.0
        now = self._clock()
        if now < self._first:
            return float(kept)
        last = now - (now - self._first) % _EVERY_S
        if last > kept + 1:
            self._keep(last)
        return last

    def _keep(self, moment: float) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sync (name, block) VALUES (?, ?)",
                (_NAME, int(moment * 1000)),
            )
