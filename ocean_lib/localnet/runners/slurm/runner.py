"""Run algorithms on a cluster: one Slurm job for each, and one thread that looks after them all."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocean_lib.localnet.runners import RunnerJob, RunOutcome
from ocean_lib.localnet.runners.launch import program
from ocean_lib.localnet.runners.local import gather
from ocean_lib.localnet.runners.slurm import commands, endings, job_files
from ocean_lib.localnet.runners.slurm.commands import Seen, SlurmAway, SlurmRefuses
from ocean_lib.localnet.runners.slurm.options import SlurmOptions

_LOOK_S = 0.1
_LOOK_AT_ONE_S = 0.002
_CANCEL_S = 10.0
_LONGEST_PAUSE_S = 60.0
# For what another machine wrote to be seen here.
_GRACE_S = 5.0
_FORGOTTEN_S = 60.0
_CLOSE_S = 15.0
_SCRIPT = '#!/bin/sh\nexec "$@"\n'
_NO_RESULTS = ("refused", "lost", "node_failed")
_log = logging.getLogger(__name__)


@dataclass
class _Job:
    job: RunnerJob
    numbers: tuple[str, ...] = ()
    uncertain: bool = False
    """Whether it may have been submitted without our knowing its number."""
    submitted: float = 0.0
    seen: Seen | None = None
    over_since: float | None = None
    """Since when it has ended, or is unknown, for the scheduler."""
    stop: bool = False
    cancelled: float | None = None
    outcome: RunOutcome | None = None

    @property
    def is_new(self) -> bool:
        """Whether it is to be submitted."""
        return not self.numbers and not self.uncertain

    @property
    def control(self) -> Path:
        return self.job.folder / "control"


class SlurmRunner:
    """Submits each algorithm as a job of Slurm's, from a folder that the nodes share.

    A job's folder holds all that the node needs and all that it leaves; the scheduler is asked for
    the states of all jobs together. When it does not answer nothing is lost: jobs are submitted
    and looked at when it does again.

    Args:
        folder: The network's folder, on a file system that the nodes share.
        name: The network's own part of its jobs' names.
        options: Where jobs go.
        isolation: What separates algorithms on a node; None for the strongest that works there.
        keep: Whether jobs outlive `close`.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        options: SlurmOptions,
        *,
        isolation: str | None = None,
        keep: bool = True,
    ) -> None:
        self._state = folder
        self._prefix = f"ocean-{name}-"
        self._options = options
        self._isolation = isolation
        self._keep = keep
        self._script = folder / "slurm" / "job.sh"
        self._script.write_text(_SCRIPT, encoding="utf-8")
        self._jobs: dict[str, _Job] = {}
        self._changed = threading.Condition()
        self._asked = 0.0
        self._away_s = self._retry_at = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="localnet-slurm", daemon=True)
        self._thread.start()

    @property
    def isolation(self) -> str:
        """What separates algorithms from the nodes."""
        return f"slurm, {self._isolation or 'the strongest of the node'}"

    def submit(self, job: RunnerJob) -> None:
        """Leave a job to the thread; it is submitted as soon as the scheduler answers."""
        (job.folder / "control").mkdir(exist_ok=True)
        job_files.write_order(
            job_files.Order(job, self._state, self._isolation, self._options.python)
        )
        self._add(_Job(job))

    def take_up(self, job: RunnerJob) -> bool:
        """Look after a job of an earlier network; False if it was never to be submitted."""
        control = job.folder / "control"
        try:
            job = job_files.read_order(control).job
        except (OSError, ValueError, KeyError, TypeError):
            return False
        number = job_files.noted_number(control)
        self._add(_Job(job, (number,) if number else (), uncertain=not number))
        return True

    def has_begun(self, job_id: str) -> bool:
        """Tell whether a node has begun with a job."""
        seen = self._jobs[job_id].seen
        return seen is not None and not endings.is_waiting(seen) and not endings.has_ended(seen)

    def poll(self, job_id: str) -> RunOutcome | None:
        """Return None until the job has ended, then how."""
        return self._jobs[job_id].outcome

    def stop(self, job_id: str) -> None:
        """Cancel a job, in the queue or on its node."""
        with self._changed:
            self._jobs[job_id].stop = True
            self._retry_at = 0.0
            self._changed.notify()

    def collect(self, job_id: str) -> tuple[PurePosixPath, ...]:
        """List the results and forget the job; of one that may still run there are none."""
        with self._changed:
            ended = self._jobs.pop(job_id)
        if ended.outcome is None or ended.outcome.reason in _NO_RESULTS:
            return ()
        (ended.control / "algorithm.log").touch()  # it may have ended in the queue
        return gather(ended.job)

    def close(self) -> None:
        """Let jobs go on without us; those of a network that is not kept are cancelled."""
        if not self._keep:
            self._cancel_all()
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_CLOSE_S)

    def line(self, job: RunnerJob) -> list[str]:
        """Return the batch script, which is always the same, and what it is given."""
        interpreter = self._options.python or sys.executable
        control = str(job.folder / "control")
        return [str(self._script), *program("slurm.node", interpreter), control]

    def _cancel_all(self) -> None:
        with self._changed:
            for one in self._jobs.values():
                one.stop = True
            self._changed.notify()
        deadline = time.monotonic() + _CLOSE_S
        while any(one.outcome is None for one in list(self._jobs.values())):
            if time.monotonic() > deadline:
                _log.warning("some jobs could not be cancelled: look with squeue --me")
                return
            time.sleep(_LOOK_S)

    def _add(self, job: _Job) -> None:
        with self._changed:
            self._jobs[job.job.job_id] = job
            self._changed.notify()

    def _work(self) -> None:
        while (jobs := self._open_jobs()) is not None:
            try:
                _each(jobs, self._look)
                if time.monotonic() >= self._retry_at:
                    self._talk([one for one in jobs if one.outcome is None])
                    self._away_s = 0.0
            except SlurmAway as error:
                if not self._away_s:
                    _log.warning("Slurm does not answer, and is asked again: %s", error)
                self._pause()
            except Exception:  # noqa: BLE001 (one job's fault must not end the others' thread)
                _log.exception("the jobs on the cluster cannot be looked after")
                self._pause()

    def _open_jobs(self) -> list[_Job] | None:
        """Wait for the next look, and return the jobs that have not ended; None at the end."""
        with self._changed:
            while not self._closing:
                jobs = [one for one in self._jobs.values() if one.outcome is None]
                if any(one.is_new for one in jobs) and time.monotonic() >= self._retry_at:
                    return jobs
                self._changed.wait(max(_LOOK_S, len(jobs) * _LOOK_AT_ONE_S) if jobs else None)
                if jobs:
                    return jobs
            return None

    def _pause(self) -> None:
        self._away_s = min(2 * self._away_s + 1, _LONGEST_PAUSE_S)
        self._retry_at = time.monotonic() + self._away_s

    def _talk(self, jobs: list[_Job]) -> None:
        """Ask the scheduler if it is time, cancel and submit."""
        if any(one.uncertain for one in jobs) or self._is_time(jobs):
            self._ask(jobs)
        self._cancel(jobs)
        _each([one for one in jobs if one.is_new and one.outcome is None], self._submit)

    def _is_time(self, jobs: list[_Job]) -> bool:
        due = self._asked + self._options.poll_s <= time.monotonic()
        return due and any(one.numbers for one in jobs)

    def _look(self, one: _Job) -> None:
        """Take what a job's program left at its end, where that alone tells how it ended."""
        waits = not self._away_s and one.seen is not None and endings.is_waiting(one.seen)
        if one.numbers and not waits:
            left = job_files.left(one.control)
            if left is not None and left.is_certain:
                one.outcome = endings.outcome(left, None, stop_asked=one.stop)

    def _ask(self, jobs: list[_Job]) -> None:
        began = time.monotonic()
        found = commands.jobs(self._prefix)
        self._asked = time.monotonic()
        asked = [one for one in jobs if one.uncertain or (one.numbers and one.submitted < began)]
        _each(asked, lambda one: self._judge(one, found.get(one.job.job_id, [])))

    def _judge(self, one: _Job, found: list[Seen]) -> None:
        """Take what the scheduler says of one job; nothing if it does not know it."""
        one.uncertain = False
        if found:
            one.seen = endings.of_several(found)
            one.numbers = tuple(seen.slurm_id for seen in found)
            why = endings.hopeless(one.seen)
            if why:
                commands.cancel(one.numbers)
                one.outcome = RunOutcome("refused", None, why)
                return
            if not endings.has_ended(one.seen):
                one.over_since = None
                return
        elif not one.numbers and not job_files.is_claimed(one.control):
            return  # it never came there: it is submitted now
        now = time.monotonic()
        one.over_since = one.over_since or now
        self._end(one, now - one.over_since, is_known=bool(found))

    def _end(self, one: _Job, over_s: float, *, is_known: bool) -> None:
        left = job_files.all_left(one.control)
        seen = one.seen if is_known else None
        if not is_known and one.numbers:
            seen = commands.accounted(one.numbers[0])
        patience_s = _GRACE_S if seen is not None else _FORGOTTEN_S
        outcome = endings.outcome(left, seen, stop_asked=one.stop)
        if outcome.reason == "lost" and over_s < patience_s:
            return
        if outcome.reason == "lost" and seen is None and not job_files.is_claimed(one.control):
            one.numbers, one.over_since = (), None  # forgotten before it began: once more
            return
        one.outcome = outcome

    def _submit(self, one: _Job) -> None:
        if one.stop:
            one.outcome = RunOutcome("stopped", None)
            return
        name, log = self._prefix + one.job.job_id, one.control / job_files.LOG
        one.uncertain = True
        try:
            number = commands.submit(self._options, one.job.limits, name, log, self.line(one.job))
        except SlurmRefuses as error:
            one.outcome = RunOutcome("refused", None, f"the cluster does not take it: {error}")
            return
        finally:
            one.submitted = time.monotonic()
        job_files.note_number(one.control, number)
        one.numbers, one.uncertain = (number,), False
        with (one.control / one.job.notes_log).open("a", encoding="utf-8") as notes:
            notes.write(f"[localnet] Slurm job {number}\n")

    def _cancel(self, jobs: list[_Job]) -> None:
        now = time.monotonic()
        asked = [one for one in jobs if one.stop and one.numbers and one.outcome is None]
        asked = [one for one in asked if one.cancelled is None or now > one.cancelled + _CANCEL_S]
        if asked:
            commands.cancel(number for one in asked for number in one.numbers)
            for one in asked:
                one.cancelled = now
            self._asked = 0.0  # and see at once what became of them


def _each(jobs: list[_Job], act: Callable[[_Job], None]) -> None:
    """Do something with each job; one whose files cannot be read or written is tried again."""
    for one in jobs:
        try:
            act(one)
        except OSError:
            _log.exception("job %s cannot be looked after now", one.job.job_id)
