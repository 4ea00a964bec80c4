"""Whose job is next, how many may run, and which of them shall stop."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class _Queued:
    job_id: str
    owner: str
    until: float | None


@dataclass(frozen=True)
class _Place:
    owner: str
    stop: threading.Event


class Turns:
    """A fair queue before a number of places. It has no lock: its user has one.

    It does not hold the jobs themselves: each may have megabytes of code and documents.

    Args:
        at_once: How many places there are.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._queue: list[_Queued] = []
        self._places: dict[str, _Place] = {}
        self._owners: Counter[str] = Counter()
        self._last: dict[str, int] = {}
        self._numbers = itertools.count(1)

    @property
    def any_taken(self) -> bool:
        """Whether a job has a place."""
        return bool(self._places)

    def add(self, job_id: str, owner: str, until: float | None) -> None:
        """Queue a job, which waits no longer than until then."""
        self._queue.append(_Queued(job_id, owner, until))

    def withdraw(self, job_id: str) -> bool:
        """Take a job out of the queue; tell whether it was there."""
        before = len(self._queue)
        self._queue = [item for item in self._queue if item.job_id != job_id]
        return len(self._queue) < before

    def overdue(self, now: float) -> list[str]:
        """Take those out that have waited too long, and return them."""
        late = [one.job_id for one in self._queue if one.until is not None and one.until < now]
        self._queue = [item for item in self._queue if item.job_id not in late]
        return late

    def clear(self) -> None:
        """Empty the queue, and let every job that has a place stop."""
        self._queue.clear()
        for place in self._places.values():
            place.stop.set()

    def next(self) -> str | None:
        """Give the next job a place; None if there is no place, or no job."""
        if not self._queue or len(self._places) >= self._at_once:
            return None
        # Fair between owners: fewest running, then longest without a turn, then the oldest.
        job = min(
            self._queue,
            key=lambda item: (self._owners[item.owner], self._last.get(item.owner, 0)),
        )
        self._queue.remove(job)
        self._last[job.owner] = next(self._numbers)
        self.take(job.job_id, job.owner)
        return job.job_id

    def take(self, job_id: str, owner: str) -> threading.Event:
        """Give a job a place, whether there is one or not; return what stops it."""
        self._places[job_id] = _Place(owner, threading.Event())
        self._owners[owner] += 1
        return self._places[job_id].stop

    def leave(self, job_id: str) -> None:
        """Free a job's place."""
        self._owners[self._places.pop(job_id).owner] -= 1

    def stop_of(self, job_id: str) -> threading.Event | None:
        """Return what stops a job that has a place."""
        place = self._places.get(job_id)
        return place.stop if place is not None else None
