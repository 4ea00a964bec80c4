"""Delete the files of ended jobs when their lifetime is over."""

from __future__ import annotations

import heapq
import logging
import math
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from ocean_lib.localnet.runners.outputs import remove_tree

_LONGEST_PAUSE_S = 3600.0  # a machine that slept, or whose clock was set, is noticed after that
_JOIN_S = 30.0
_log = logging.getLogger(__name__)


class Expiry:
    """Deletes jobs' folders in a thread of its own, each some time after its job's end.

    Nothing is written down: what is still there at a start, whole or in part because a kill came
    in the middle, is found by its name.

    Args:
        folder: Where the jobs' folders are, each named as its job.
        lifetime_s: How long files are kept after a job's end.
    """

    def __init__(self, folder: Path, lifetime_s: float) -> None:
        self._folder = folder
        self._lifetime_s = lifetime_s
        self._ends: list[tuple[float, str]] = []  # a heap: the first to expire is the first
        self._changed = threading.Condition()
        self._removing = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="localnet-expiry", daemon=True)

    def is_over(self, finished: float) -> bool:
        """Tell whether the lifetime of a job's files is over.

        Args:
            finished: When the job ended, in seconds since the epoch.
        """
        return self._left_s(finished) < 0

    def start(self, ended: Iterable[tuple[str, float]]) -> None:
        """Take up what an earlier run left, and begin to work.

        Args:
            ended: Every job that has ended: its id, and when.
        """
        with os.scandir(self._folder) as entries:
            there = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
        for job_id, finished in ended:
            if job_id in there:
                self.add(job_id, finished)
        self._thread.start()

    def add(self, job_id: str, finished: float) -> None:
        """Delete a job's files when their lifetime is over.

        Args:
            job_id: The job.
            finished: When it ended, or a little later.
        """
        with self._changed:
            heapq.heappush(self._ends, (finished, job_id))
            self._changed.notify()

    def remove(self, job_id: str) -> None:
        """Delete a job's files now."""
        with self._removing:
            remove_tree(self._folder / job_id)

    def close(self) -> None:
        """End the thread; what has not expired stays for the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def _left_s(self, finished: float) -> float:
        return self._lifetime_s - (time.time() - finished)

    def _work(self) -> None:
        while (job_id := self._next()) is not None:
            try:
                self.remove(job_id)
            except OSError:  # one job's files must not keep the others'
                _log.exception("the files of job %s cannot be deleted", job_id)

    def _next(self) -> str | None:
        with self._changed:
            while not self._closing:
                left_s = self._left_s(self._ends[0][0]) if self._ends else math.inf
                if left_s < 0:
                    return heapq.heappop(self._ends)[1]
                self._changed.wait(min(left_s, _LONGEST_PAUSE_S))
            return None
