"""Move jobs through their states: queue, provisioning, running, collecting."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ocean_lib.localnet.closing import close_all
from ocean_lib.localnet.faults import Faults
from ocean_lib.localnet.files.access import FileAccess
from ocean_lib.localnet.jobs.expiry import Expiry
from ocean_lib.localnet.jobs.provisioning import (
    FOLDERS,
    CannotProvision,
    JobLayout,
    Provisioner,
)
from ocean_lib.localnet.jobs.records import LOG_NAME, JobRecord, JobStage, Termination
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.jobs.turns import Turns
from ocean_lib.localnet.jobs.watch import Watch
from ocean_lib.localnet.runners import (
    CannotRun,
    JobRunner,
    Limits,
    OutlivesNetwork,
    PullsImages,
    QueuesJobs,
    RunnerJob,
    RunOutcome,
)
from ocean_lib.localnet.runners.folders import open_below
from ocean_lib.localnet.runners.outputs import remove_tree

_MOST_THREADS = 32
_QUEUED_AT_ONCE = 1000  # where the runner has a queue of its own, it says who is next
_JOIN_S = 30.0
_STOPPED_WITH_NETWORK = "the network stopped while this job was running"
_log = logging.getLogger(__name__)


class JobEngine:
    """Runs queued jobs, a fixed number at a time, with turns between owners.

    Threads lay jobs out and collect their results. While an algorithm runs, or waits in a queue of
    the runner's, no thread waits for it: one watches them all.

    Args:
        store: The jobs.
        runner: Where algorithms run.
        files: How inputs are read.
        folder: Where the jobs' folders are.
        at_once: How many jobs run at the same time.
        layout: What lies where in a job's folder.
        limits: What a job may use; a request can only shorten its time.
        results_lifetime_s: How long results and logs are kept after a job's end.
        faults: Which jobs get stuck.
    """

    def __init__(
        self,
        store: JobStore,
        runner: JobRunner,
        files: FileAccess,
        folder: Path,
        *,
        layout: JobLayout,
        at_once: int = 0,
        limits: Limits | None = None,
        results_lifetime_s: float = 7 * 24 * 3600.0,
        faults: Faults | None = None,
    ) -> None:
        self._store = store
        self._runner = runner
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._limits = limits or Limits()
        self._layout = layout
        self._provisioner = Provisioner(files, folder, self._limits, layout)
        self._expiry = Expiry(folder, results_lifetime_s)
        self._faults = faults or Faults()
        self._changed = threading.Condition()
        self._over: list[tuple[str, RunOutcome]] = []
        self._watch = Watch(runner, self._note_begun, self._note_over)
        self._closing = False
        self._queues = isinstance(runner, QueuesJobs)
        self.at_once = at_once or (_QUEUED_AT_ONCE if self._queues else os.cpu_count() or 1)
        self._turns = Turns(self.at_once)
        self._threads = [
            threading.Thread(target=self._work, name=f"localnet-job-{number}", daemon=True)
            for number in range(min(self.at_once, _MOST_THREADS))
        ]

    @property
    def _submitted_from(self) -> JobStage:
        """From which stage on the runner may have a job."""
        return JobStage.PROVISIONED if self._queues else JobStage.RUNNING

    @property
    def limits(self) -> Limits:
        """What any job may use."""
        return self._limits

    def start(self) -> None:
        """Take up what an earlier run left, and begin to work."""
        for job_id in self._store.removed():
            self._delete(job_id)
        self._expiry.start(self._store.ended())
        for job in self._store.unfinished():
            if job.status >= self._submitted_from and self._taken_up(job):
                continue
            if job.status >= JobStage.RUNNING:
                self._end(job, _STOPPED_WITH_NETWORK)
            elif job.stop_request:
                self._end_unstarted(job)
            else:
                self.enqueue(job)
        for thread in self._threads:
            thread.start()
        self._watch.start()

    def enqueue(self, job: JobRecord) -> None:
        """Queue a job that is in the store."""
        with self._changed:
            self._turns.add(job.job_id, job.owner, job.queue_until)
            self._changed.notify_all()

    def drop_overdue(self) -> None:
        """End the jobs that have waited for their turn as long as they may."""
        with self._changed:
            overdue = self._turns.overdue(time.time())
        for job_id in overdue:
            note = "the job's turn did not come in time"
            self._end(self._store.get(job_id), note, JobStage.EXPIRED)

    def stop_jobs(self, jobs: list[JobRecord]) -> None:
        """End jobs whose stop request is already in the store."""
        for job in jobs:
            with self._changed:
                queued = self._turns.withdraw(job.job_id)
                stop = self._turns.stop_of(job.job_id)
            if queued:
                self._end_unstarted(job)
            if stop is not None:
                stop.set()
                self._watch.look_soon()

    def forget(self, job: JobRecord) -> None:
        """Delete the files of a job that has ended."""
        self._delete(job.job_id)

    def open_result(self, job: JobRecord, path: str) -> int | None:
        """Open the file behind a result's name, or return None if there is none, or no longer.

        No link is followed, at no step: what lies there was written by an algorithm.
        """
        if job.finished is None or self._expiry.is_over(job.finished):
            return None
        if path == job.log_path:
            return self.open_log(job, LOG_NAME)
        if path in job.result_paths:
            names = (job.job_id, "data", "outputs", *PurePosixPath(path).parts)
            return open_below(self._folder, names)
        return None

    def keeps_files(self, job: JobRecord) -> bool:
        """Tell whether the lifetime of a job's files is not over."""
        return job.finished is None or not self._expiry.is_over(job.finished)

    def open_log(self, job: JobRecord, name: str) -> int | None:
        """Open a log, or another file of the network's about a job; None if there is none."""
        if not self.keeps_files(job):
            return None
        return open_below(self._folder, (job.job_id, "control", name))

    def close(self) -> None:
        """End the running jobs and the threads; queued jobs stay queued in the store.

        Jobs in a queue of the runner's go on, for the next start to take up.
        """
        with self._changed:
            self._closing = True
            for job_id in self._watch.let_go() if self._queues else ():
                self._turns.leave(job_id)
            self._turns.clear()
            self._changed.notify_all()
        self._watch.look_soon()
        deadline = time.monotonic() + _JOIN_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        close_all([self._watch.close, self._runner.close, self._expiry.close])

    def _work(self) -> None:
        while (task := self._next()) is not None:
            job_id, outcome = task
            is_handed_over = False
            try:
                job = self._store.get(job_id)
                if outcome is not None:
                    self._finish(job, outcome)
                else:
                    is_handed_over = self._run(job)
            except Exception:  # noqa: BLE001 (one job's fault must not end the others' worker)
                _log.exception("job %s broke the engine", job_id)
                self._give_up(job_id)
            finally:
                if not is_handed_over:
                    with self._changed:
                        self._turns.leave(job_id)
                        self._changed.notify_all()

    def _give_up(self, job_id: str) -> None:
        try:
            self._end(self._store.get(job_id), "the network failed while it ran this job")
        except Exception:  # noqa: BLE001 (the worker is needed; the next start ends the job)
            _log.exception("job %s cannot be ended", job_id)

    def _next(self) -> tuple[str, RunOutcome | None] | None:
        """Wait for a job to collect, or else to run; None at the end."""
        self.drop_overdue()
        with self._changed:
            while not self._over:
                job_id = None if self._closing else self._turns.next()
                if job_id is not None:
                    return job_id, None
                if self._closing and not self._turns.any_taken:
                    return None
                self._changed.wait()
            return self._over.pop(0)

    def _taken_up(self, job: JobRecord) -> bool:
        """Go on with a job of an earlier run, where its runner still has it."""
        runner = self._runner
        if not isinstance(runner, OutlivesNetwork) or not runner.take_up(
            self._provisioner.runner_job(self._store.get(job.job_id))
        ):
            return False
        with self._changed:
            stop = self._turns.take(job.job_id, job.owner)
        if job.stop_request:
            stop.set()
        self._watch.add(job.job_id, stop, begun=job.status >= JobStage.RUNNING)
        return True

    def _note_begun(self, job_id: str) -> None:
        job = self._store.get(job_id)
        self._tell(job, self._layout.stage_lines(job, JobStage.RUNNING))
        self._store.advance(job_id, JobStage.RUNNING)
        self._store.note_run(job_id)

    def _note_over(self, job_id: str, outcome: RunOutcome) -> None:
        with self._changed:
            self._over.append((job_id, outcome))
            self._changed.notify_all()

    def _finish(self, job: JobRecord, outcome: RunOutcome) -> None:
        if job.run_began is None and outcome.exit_code is not None:
            self._note_begun(job.job_id)
        self._store.note_run(job.job_id, ended=True)
        if outcome.reason == "refused":
            self._runner.collect(job.job_id)
            self._end(job, outcome.detail, JobStage.CANNOT_RUN)
        else:
            self._collect(job, outcome)

    def _run(self, job: JobRecord) -> bool:
        """Lay a job out and give it to the runner; return whether the runner has it."""
        stop = self._turns.stop_of(job.job_id) or threading.Event()
        if job.stop_request:
            stop.set()
        self._faults.hold(JobStage.WARMING_UP, stop)
        self._provisioner.clear(job)
        self._advance(job, JobStage.STARTED, stop)
        runner_job = self._provisioned(job, stop)
        if runner_job is None:
            return False
        self._advance(job, JobStage.PROVISIONED, stop)
        if not self._queues:
            # First the state, then the act: a job below RUNNING may be provisioned again.
            self._advance(job, JobStage.RUNNING, stop)
            self._store.note_run(job.job_id)
        try:
            self._runner.submit(runner_job)
        except CannotRun as error:
            self._store.note_run(job.job_id, ended=True)
            self._end(job, str(error), JobStage.CANNOT_RUN)
            return False
        with self._changed:
            if self._closing and self._queues:
                return False  # the next start takes it up
            self._watch.add(job.job_id, stop, begun=not self._queues)
        return True

    def _pulled(self, job: JobRecord, stop: threading.Event) -> JobRecord:
        """Have a job's image ready, where it is used, and note which one it is."""
        if not isinstance(self._runner, PullsImages):
            return job
        try:
            image = self._runner.pull(job.image, stop.is_set)
        except CannotRun as error:
            raise CannotProvision(JobStage.PULL_FAILED, str(error)) from error
        return self._store.note_image(job.job_id, image)

    def _provisioned(self, job: JobRecord, stop: threading.Event) -> RunnerJob | None:
        """Lay a job out; None if it has ended, or is left to the next start."""
        try:
            job = self._pulled(job, stop)
            self._advance(job, JobStage.CONFIGURING, stop)
            self._provisioner.check(job)
            self._advance(job, JobStage.PROVISIONING, stop)
            runner_job = self._provisioner.lay_out(job, given_up=stop.is_set)
        except CannotProvision as error:
            if stop.is_set():
                self._leave_or_end(job)
            else:
                self._end(job, str(error), error.status, error.target)
            return None
        if stop.is_set():
            self._leave_or_end(job)
            return None
        return runner_job

    def _advance(self, job: JobRecord, status: JobStage, stop: threading.Event) -> None:
        self._tell(job, self._layout.stage_lines(job, status))
        self._store.advance(job.job_id, status)
        self._faults.hold(status, stop)

    def _collect(self, job: JobRecord, outcome: RunOutcome) -> None:
        self._store.advance(job.job_id, JobStage.FILTERING)
        found: tuple[PurePosixPath, ...] = self._runner.collect(job.job_id)
        if outcome.reason == "stopped" and self._closing and not self._queues:
            # Not its owner's wish: the next start finds it unfinished and says so.
            self._store.advance(job.job_id, JobStage.RUNNING)
            return
        if outcome.reason == "stopped" and not self._store.get(job.job_id).stop_request:
            # The network before this one stopped it, and was killed before it could say so.
            self._end(job, _STOPPED_WITH_NETWORK)
            return
        self._tell(job, self._layout.end_lines(job, JobStage.FINISHED, outcome.describe(), ""))
        self._remove_inputs(job.job_id)
        self._store.advance(job.job_id, JobStage.PUBLISHING)
        whole = outcome.reason == "exited"
        results = self._layout.publish(self._folder / job.job_id, found, whole=whole)
        self._store.finish(
            job.job_id,
            JobStage.FINISHED,
            results=results,
            log_path=LOG_NAME,
            time_exceeded=outcome.reason == "wall_time",
            termination=Termination(outcome.exit_status, outcome.reason == "memory"),
        )
        self._leave_files(job.job_id)

    def _leave_or_end(self, job: JobRecord) -> None:
        # When the network closes, it is not its owner's wish: the next start takes it up again.
        if not self._closing:
            self._end_unstarted(job)

    def _end_unstarted(self, job: JobRecord) -> None:
        self._end(job, "the job was stopped before its algorithm ran")

    def _end(
        self,
        job: JobRecord,
        note: str,
        status: JobStage = JobStage.FINISHED,
        target: str = "",
    ) -> None:
        """End a job without results."""
        self._tell(job, self._layout.end_lines(job, status, note, target))
        self._remove_inputs(job.job_id)
        self._store.finish(job.job_id, status, log_path=LOG_NAME)
        self._leave_files(job.job_id)

    def _leave_files(self, job_id: str) -> None:
        """Keep an ended job's files for their time; those of a deleted one go at once."""
        # After its end is in the store: whoever deletes it from now on sees that it has ended.
        if self._store.is_removed(job_id):
            self._delete(job_id)
        else:
            self._expiry.add(job_id, time.time())

    def _delete(self, job_id: str) -> None:
        try:
            self._expiry.remove(job_id)
        except OSError:  # the next start tries again
            _log.exception("the files of job %s cannot be deleted", job_id)

    def _remove_inputs(self, job_id: str) -> None:
        # The data is not needed any more, and what is not kept cannot leave.
        for name in FOLDERS:
            if name != "outputs":
                remove_tree(self._folder / job_id / "data" / name)

    def _tell(self, job: JobRecord, lines: Mapping[str, str]) -> None:
        control = self._folder / job.job_id / "control"
        for name, text in lines.items():
            control.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (control / name).open("a", encoding="utf-8") as log:
                log.write(text)
