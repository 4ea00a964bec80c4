"""Looking after many jobs: one request a round for each wallet and Provider."""

from __future__ import annotations

import contextvars
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from ocean_lib.data_provider._responses import JobInfo
from ocean_lib.exceptions import OceanError, ResponseTooLarge
from ocean_lib.models.job_status import JobStatus
from ocean_lib.ocean._waiting import Wait
from ocean_lib.ocean.compute_job import ComputeJob, Place


class Rounds:
    """Asks for jobs in rounds; what fails in one place does not keep the others away.

    Args:
        jobs: the jobs by their ids.
        plan: told of every status and failure.
        max_workers: how many places are asked at the same time; 1 at least.
    """

    def __init__(self, jobs: Mapping[str, ComputeJob], plan: Wait, max_workers: int) -> None:
        self._jobs = jobs
        self._plan = plan
        self._places: dict[str, Place] = {}
        self._pool = ThreadPoolExecutor(max_workers, "ocean-wait")

    def close(self) -> None:
        """Ask nothing more; requests on their way are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def look(self) -> None:
        """Ask once for each place that has unfinished jobs.

        Raises:
            OceanError: the plan says that a failure does not pass.
        """
        groups = self._grouped()
        if len(groups) == 1:
            self._ask_here(groups[0])
            return
        asked: dict[Future[dict[str, JobStatus]], list[ComputeJob]] = {
            self._pool.submit(contextvars.copy_context().run, self._ask, group): group
            for group in groups
        }
        failures = []
        for answer in as_completed(asked):
            try:
                self._plan.saw(answer.result())
            except OceanError as error:
                failures.append((error, asked[answer]))
        for failure, group in failures:
            self._failed(failure, group)

    def _grouped(self) -> list[list[ComputeJob]]:
        jobs = [self._jobs[job_id] for job_id in self._plan.unfinished()]
        try:
            with self._plan.looking():
                for job in jobs:
                    if job.job_id not in self._places:
                        self._places[job.job_id] = job._place()
        except OceanError as error:
            self._failed(error, [job for job in jobs if job.job_id not in self._places])
        groups: dict[Place, list[ComputeJob]] = defaultdict(list)
        for job in jobs:
            if job.job_id in self._places:
                groups[self._places[job.job_id]].append(job)
        return list(groups.values())

    def _ask_here(self, group: Sequence[ComputeJob]) -> None:
        try:
            found = self._ask(group)
        except OceanError as error:
            self._failed(error, group)
        else:
            self._plan.saw(found)

    def _ask(self, group: Sequence[ComputeJob]) -> dict[str, JobStatus]:
        with self._plan.looking():
            return statuses(group)

    def _failed(self, error: OceanError, group: Sequence[ComputeJob]) -> None:
        for job in group:  # their data sets may have moved to another Provider
            self._places.pop(job.job_id, None)
        self._plan.failed(error, [job.job_id for job in group])


def statuses(jobs: Sequence[ComputeJob]) -> dict[str, JobStatus]:
    """Return the status of jobs of one wallet at one Provider, with one request.

    A job that is not in the Provider's list is asked for by itself: its data set may have moved.

    Raises:
        JobNotFound: the Provider knows no such job.
    """
    listed: dict[str, JobInfo] = {}
    if len(jobs) > 1:
        try:
            listed = {info["jobId"]: info for info in jobs[0].siblings()}
        except ResponseTooLarge:
            listed = {}  # an owner of very many jobs: each has to be asked for
    found = {}
    for job in jobs:
        info = listed.get(job.job_id)
        found[job.job_id] = JobStatus.from_job(info) if info is not None else job.status()
    return found
