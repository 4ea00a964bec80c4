"""Polling many jobs: one request a round for each wallet and Provider."""

from __future__ import annotations

import contextvars
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeGuard

from ocean_lib.base.arguments import check_whole
from ocean_lib.exceptions import InvalidInput, JobNotFound, OceanError, ResponseTooLarge
from ocean_lib.jobs.progress import progress_bar
from ocean_lib.jobs.view import Job, JobStatus
from ocean_lib.jobs.waiting import OnUpdate, Wait, check_wait, wait

MAX_WORKERS = 8

ListedAt = tuple[int, str, str]
"""Which client, which back end, whose jobs: one request lists these."""


class Watched(Protocol):
    """A job that is waited for."""

    job_id: str
    owner: str

    def listed_at(self) -> ListedAt:
        """Return where the job is listed."""

    def siblings(self) -> Sequence[Job]:
        """Return all jobs that are listed there."""

    def status(self) -> JobStatus:
        """Ask for this job alone."""

    def saw(self, status: JobStatus) -> JobStatus:
        """Remember what was seen of it."""


Group = Sequence[Watched]
"""Jobs of one wallet at one back end: one request asks for them all."""

Failure = tuple[OceanError, Group]

Looked = tuple[dict[str, JobStatus], list[Failure]]
"""The statuses of a group's jobs, and the jobs that were seen before but are missing now."""

Answer = Future[Looked]

HELPER_AFTER_S = 0.1
"""A round gets one more thread each time this passes: if Providers answer at once, few threads are
enough for many wallets, and a slow one does not hold up the others for longer."""


class Rounds:
    """Polls jobs in rounds; a failure at one back end does not affect the others.

    Args:
        jobs: the jobs by their ids.
        plan: told of every status and failure.
        max_workers: how many back ends are polled at the same time; at least 1.
    """

    def __init__(self, jobs: Mapping[str, Watched], plan: Wait, max_workers: int) -> None:
        self._jobs = jobs
        self._plan = plan
        self._max_workers = max_workers
        self._listed_at: dict[str, ListedAt] = {}
        self._pool = ThreadPoolExecutor(max_workers, "ocean-wait")
        self._to_ask: deque[Group] = deque()

    def close(self) -> None:
        """Send no more requests; those on their way are not waited for."""
        self._to_ask.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def look(self) -> None:
        """Poll once for each wallet and back end with unfinished jobs.

        Raises:
            OceanError: a failure is permanent or lasts too long, says the plan.
        """
        groups = self._grouped()
        if len(groups) == 1:
            self._take([(groups[0], self._answer(groups[0]))])
            return
        # What was silent may be so again: the others do not wait behind it.
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
        """Yield each group's answer as it comes; add helpers while answers are slow."""
        # Each round has its own: a helper of the last one may still look for more.
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
        """Poll one group after the other until all are polled."""
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
                    if job.job_id not in self._listed_at:
                        self._listed_at[job.job_id] = job.listed_at()
        except OceanError as error:
            self._failed(error, [job for job in jobs if job.job_id not in self._listed_at])
        groups: dict[ListedAt, list[Watched]] = defaultdict(list)
        for job in jobs:
            if job.job_id in self._listed_at:
                groups[self._listed_at[job.job_id]].append(job)
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
            self._listed_at.pop(job.job_id, None)
        self._plan.failed(error, [job.job_id for job in group])


def statuses(jobs: Group) -> Looked:
    """Return the status of jobs of one wallet at one Provider, with one request.

    A job that is not in the Provider's list is polled by itself: its data set may have moved.

    Raises:
        JobNotFound: the Provider does not know a job.
    """
    listed: dict[str, Job] = {}
    if len(jobs) > 1:
        try:
            listed = {job.id: job for job in jobs[0].siblings()}
        except ResponseTooLarge:
            listed = {}  # an owner of very many jobs: poll each
    found: dict[str, JobStatus] = {}
    denied: list[Failure] = []
    for job in jobs:
        seen = listed.get(job.job_id)
        try:
            found[job.job_id] = job.status() if seen is None else seen.status
        except JobNotFound as error:
            if not error.was_seen:
                raise
            denied.append((error, [job]))
    return found, denied


def wait_all(
    jobs: Iterable[Watched],
    timeout: float | None,
    poll_interval: float | None,
    on_update: OnUpdate | None,
    progress: bool | None,
    max_workers: int,
    patience: float,
    poll_s: float,
) -> list[JobStatus]:
    """Wait until all these jobs have ended; see `OceanCompute.wait_all`.

    Args:
        jobs: handles.
        timeout: seconds to wait at most; None for as long as it takes.
        poll_interval: seconds between rounds; None for growing ones.
        on_update: called with each status that differs from the one before.
        progress: show a progress bar.
        max_workers: how many back ends are polled at the same time at most.
        patience: for how many seconds the polls of one job may fail in a row.
        poll_s: how long one poll may take.
    """
    check_wait(timeout, poll_interval, patience, on_update)
    max_workers = check_whole("max_workers", max_workers, least=1)
    handles = _all_of(jobs)
    by_id = _by_id(handles)
    if not handles:
        return []
    with progress_bar(progress, total=len(by_id), desc="Jobs", unit="job") as bar:

        def seen(status: JobStatus) -> None:
            for handle in by_id[status.job_id]:
                handle.saw(status)
            bar.update(int(status.is_finished))
            if on_update is not None:
                on_update(status)

        plan = Wait(list(by_id), timeout, poll_interval, patience, seen, _how_to_go_on, poll_s)
        rounds = Rounds({job_id: same[0] for job_id, same in by_id.items()}, plan, max_workers)
        with closing(rounds):

            def look() -> None:
                rounds.look()
                bar.refresh()

            wait(plan, look)
    return [plan.seen[job.job_id] for job in handles]


def _all_of(jobs: Iterable[Watched]) -> list[Watched]:
    try:
        each = iter(jobs)
    except TypeError:
        raise InvalidInput(
            f"wait_all takes a list of ComputeJobs, got {type(jobs).__name__}. "
            "Pass [job] for a single one, or call job.wait()."
        ) from None
    return list(each)


def _by_id(handles: Sequence[Watched]) -> dict[str, list[Watched]]:
    """Sort handles by their job; one job may have several."""
    by_id: dict[str, list[Watched]] = defaultdict(list)
    for job in handles:
        if not _is_watched(job):
            raise InvalidInput(
                f"wait_all takes ComputeJobs, got {type(job).__name__}. "
                "Make them with compute.job(did, job_id, wallet)."
            )
        same = by_id[job.job_id]
        if same and same[0].owner != job.owner:
            raise InvalidInput(
                f"Job {job.job_id} is given with two wallets, {same[0].owner} and {job.owner}. "
                "Use the wallet that started it."
            )
        same.append(job)
    return by_id


def _is_watched(job: Any) -> TypeGuard[Watched]:
    return all(hasattr(job, name) for name in ("job_id", "owner", "listed_at", "siblings", "saw"))


def _how_to_go_on(job_ids: Sequence[str]) -> str:
    return (
        f"{', '.join(job_ids)}. Call wait_all again with the same handles, or make new ones with "
        "compute.job(did, job_id, wallet); end a job with its stop()."
    )
