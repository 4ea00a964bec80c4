"""Looking after many jobs: one request a round for each wallet and Provider."""

from __future__ import annotations

import contextvars
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue

from ocean_lib.data_provider._responses import JobInfo
from ocean_lib.exceptions import JobNotFound, OceanError, ResponseTooLarge
from ocean_lib.models.job_status import JobStatus
from ocean_lib.ocean._waiting import Wait
from ocean_lib.ocean.compute_job import ComputeJob, Place

Group = Sequence[ComputeJob]
"""Jobs of one wallet at one Provider: one request asks for them all."""

Failure = tuple[OceanError, Group]

Looked = tuple[dict[str, JobStatus], list[Failure]]
"""The statuses of a group's jobs, and jobs that were seen before and are denied now."""

Answer = Future[Looked]

HELPER_AFTER_S = 0.1
"""A round that lasts so long gets one thread more, and so on: where Providers answer at once, few
are enough for many wallets, and a slow one does not hold the others up for longer."""


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
        self._max_workers = max_workers
        self._places: dict[str, Place] = {}
        self._pool = ThreadPoolExecutor(max_workers, "ocean-wait")
        self._to_ask: deque[Group] = deque()

    def close(self) -> None:
        """Ask nothing more; requests on their way are not waited for."""
        self._to_ask.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def look(self) -> None:
        """Ask once for each place that has unfinished jobs.

        Raises:
            OceanError: the plan says that a failure does not pass.
        """
        groups = self._grouped()
        if len(groups) == 1:
            self._take([(groups[0], self._answer(groups[0]))])
            return
        # What was silent before may be again: it does not keep the others waiting for a helper.
        groups.sort(key=lambda group: self._plan.is_failing(group[0].job_id))
        self._take(self._answers(groups))

    def _take(self, answers: Iterable[tuple[Group, Answer]]) -> None:
        """Tell the plan what was seen as it comes, and what failed when all have answered."""
        failures: list[Failure] = []
        for group, answer in answers:
            try:
                found, denied = answer.result()
            except OceanError as error:
                failures.append((error, group))
            else:
                self._plan.saw(found)
                failures += denied
        for failure, group in failures:
            self._failed(failure, group)

    def _answers(self, groups: Sequence[Group]) -> Iterator[tuple[Group, Answer]]:
        """Yield what each group was answered, as it comes; take on helpers while it is slow."""
        # Each round has its own: a helper of the last one may still be about to look for more.
        to_ask = self._to_ask = deque(groups)
        answers: SimpleQueue[tuple[Group, Answer]] = SimpleQueue()
        helpers, next_at, awaited = 0, 0.0, len(groups)
        while awaited:
            wait_s = None
            if to_ask and helpers < self._max_workers:
                now = time.monotonic()
                if now >= next_at:
                    self._pool.submit(contextvars.copy_context().run, self._help, to_ask, answers)
                    helpers, next_at = helpers + 1, now + HELPER_AFTER_S
                wait_s = next_at - now
            try:
                answer = answers.get(timeout=wait_s)
            except Empty:
                continue
            awaited -= 1
            yield answer

    def _help(self, to_ask: deque[Group], answers: SimpleQueue[tuple[Group, Answer]]) -> None:
        """Ask for one group after the other until all are asked for."""
        while True:
            try:
                group = to_ask.popleft()
            except IndexError:
                return
            answers.put((group, self._answer(group)))

    def _grouped(self) -> list[Group]:
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

    def _answer(self, group: Group) -> Answer:
        answer: Answer = Future()
        try:
            with self._plan.looking():
                answer.set_result(statuses(group))
        except BaseException as error:  # noqa: BLE001  (raised where the answer is read)
            answer.set_exception(error)
        return answer

    def _failed(self, error: OceanError, group: Group) -> None:
        for job in group:  # their data sets may have moved to another Provider
            self._places.pop(job.job_id, None)
        self._plan.failed(error, [job.job_id for job in group])


def statuses(jobs: Group) -> Looked:
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
    found: dict[str, JobStatus] = {}
    denied: list[Failure] = []
    for job in jobs:
        info = listed.get(job.job_id)
        try:
            found[job.job_id] = job.status() if info is None else job._status_in(info)
        except JobNotFound as error:
            if not error.was_seen:
                raise
            denied.append((error, [job]))
    return found, denied
