"""Watch all running jobs in one thread: how far they are, how they end, who wants them stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ocean_lib.localnet.runners import JobRunner, QueuesJobs, RunOutcome

_FIRST_POLL_S = 0.005
_LONGEST_POLL_S = 0.1
_JOIN_S = 30.0
_log = logging.getLogger(__name__)


@dataclass
class _Watched:
    stop: threading.Event
    begun: bool
    stop_told: bool = False


class Watch:
    """Polls the jobs that a runner has.

    Args:
        runner: Where they run.
        on_begin: Told when the algorithm of a job that was added without has begun.
        on_end: Told once how each job ended.
    """

    def __init__(
        self,
        runner: JobRunner,
        on_begin: Callable[[str], None],
        on_end: Callable[[str, RunOutcome], None],
    ) -> None:
        self._runner = runner
        self._on_begin = on_begin
        self._on_end = on_end
        self._jobs: dict[str, _Watched] = {}
        self._changed = threading.Condition()
        self._pause_s = _FIRST_POLL_S
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="localnet-watch", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def add(self, job_id: str, stop: threading.Event, *, begun: bool) -> None:
        """Watch a job until it ends.

        Args:
            job_id: The job.
            stop: Is set when the job shall end; `look_soon` then tells it at once.
            begun: Whether its algorithm is known to have begun.
        """
        with self._changed:
            self._jobs[job_id] = _Watched(stop, begun)
        self.look_soon()

    def look_soon(self) -> None:
        """Look at the jobs at once, and often for a while: something has changed."""
        with self._changed:
            self._pause_s = _FIRST_POLL_S
            self._changed.notify()

    def let_go(self) -> list[str]:
        """Watch none of the jobs any more, and return which were."""
        with self._changed:
            job_ids = list(self._jobs)
            self._jobs.clear()
        return job_ids

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def _work(self) -> None:
        while (jobs := self._to_look_at()) is not None:
            for job_id, watched in jobs:
                outcome = self._look(job_id, watched)
                if outcome is None:
                    continue
                with self._changed:
                    is_ours = self._jobs.pop(job_id, None) is not None
                if is_ours:
                    self._on_end(job_id, outcome)

    def _to_look_at(self) -> list[tuple[str, _Watched]] | None:
        """Wait for the next look, and return the jobs; None at the end."""
        with self._changed:
            while not self._jobs and not self._closing:
                self._changed.wait()
            if self._closing:
                return None
            pause_s, self._pause_s = self._pause_s, min(self._pause_s * 1.5, _LONGEST_POLL_S)
            self._changed.wait(pause_s)
            return list(self._jobs.items())

    def _look(self, job_id: str, watched: _Watched) -> RunOutcome | None:
        try:
            if watched.stop.is_set() and not watched.stop_told:
                watched.stop_told = True
                self._runner.stop(job_id)
            if not watched.begun and self._has_begun(job_id):
                watched.begun = True
                self._on_begin(job_id)
            return self._runner.poll(job_id)
        except Exception as error:  # noqa: BLE001 (one job's fault must not end the others' watch)
            _log.exception("job %s cannot be watched", job_id)
            return RunOutcome("lost", None, f"the runner failed: {error!r}")

    def _has_begun(self, job_id: str) -> bool:
        return not isinstance(self._runner, QueuesJobs) or self._runner.has_begun(job_id)
