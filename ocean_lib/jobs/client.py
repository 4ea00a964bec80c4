"""Calls about jobs, at whichever back end computes on their data set; what was seen of jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import TypeVar

from ocean_lib.backends.backend import Backend, JobRef, JobResult, Listed
from ocean_lib.backends.environment import Environments
from ocean_lib.backends.select import Backends, Known, Route
from ocean_lib.backends.v3.rules import check_input
from ocean_lib.base.expiring import Expiring
from ocean_lib.checks import is_token_did
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.exceptions import AssetNotConsumable, JobNotFound, OceanError
from ocean_lib.http.deadline import keeping_back, operation_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.limits import Timeouts
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.outputs import FileList
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.starting import Sight, Starts
from ocean_lib.jobs.view import Job, JobState, did_well
from ocean_lib.web3_internal.signer import Signer

T = TypeVar("T")

_SEARCH_SHARE = 0.25  # of a start's time, kept for finding a job whose answer was lost
_SEARCH_AT_MOST_S = 10.0

SEEN_JOBS = 4096
SEEN_FOR_S = 24 * 3600.0


class SeenJobs:
    """Remembers what was seen of jobs, for later answers that contradict it.

    operator-service 1.0.0 has two of them: while its database is away, it answers with an empty
    list; and a stop marks a job as stopped that had already ended.
    """

    def __init__(self) -> None:
        self.sights: Expiring[str, Sight] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._at: Expiring[tuple[str, str], str] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._stops: Expiring[str, bool] = Expiring(SEEN_JOBS, SEEN_FOR_S)
        self._failing: Expiring[str, bool] = Expiring(SEEN_JOBS, SEEN_FOR_S)

    def clear(self) -> None:
        """Forget all jobs."""
        for kept in (self.sights, self._at, self._stops, self._failing):
            kept.clear()

    def explained(self, error: JobNotFound, ref: JobRef) -> JobNotFound:
        """Return the error to raise for a job that was not found: another if it was seen there."""
        sight = self.sights.get(ref.job_id)
        if error.others or sight is None or sight.place != (error.root, ref.owner):
            return error
        return _denied(error.root, f"job {one_line(ref.job_id, 80)}")

    def saw_all(
        self, root: str, owner: str, jobs: Sequence[Job], *, by_stop: bool = False
    ) -> list[Job]:
        """Remember that all jobs of an owner were seen; returns them with their known ends.

        Raises:
            JobNotFound: the list is empty, and jobs were seen there before.
        """
        seen = self._at.get((root, owner))
        if not jobs and seen is not None:
            raise _denied(root, f"jobs of this wallet, {one_line(seen, 80)} among them,")
        return [self.saw(root, owner, job, by_stop=by_stop) for job in jobs]

    def saw(self, root: str, owner: str, job: Job, *, by_stop: bool = False) -> Job:
        """Remember that a job was seen, since when, and its end as it was first seen.

        Args:
            root: the back end.
            owner: whose jobs.
            job: its current description.
            by_stop: the description is the answer to a stop.

        Returns:
            The job, with the end that was seen before it was asked to stop.
        """
        status = job.status
        since, end = time.monotonic(), None
        if status.is_finished:
            end = status.state
            # The answer to a stop shows the state before it, with the stop request already made.
            if by_stop and end is JobState.STOPPED and status.job_id not in self._stops:
                is_known = status.exit_code is not None
                has_failed = is_known and not did_well(status.exit_code, status.oom_killed)
                end = JobState.FAILED if has_failed else JobState.FINISHED
        elif status.stop_requested:
            self.asked_to_stop(status.job_id)
        before = self.sights.get(status.job_id)
        if before is not None and before.created_s == status.created_s:
            since, end = before.since, before.end or end
        if job.is_failing:
            self._failing.put(status.job_id, True)
        elif end is JobState.FINISHED and self._failing.get(status.job_id):
            end = JobState.FAILED  # a node's claim pass overwrites the code that said so
        self.sights.put(status.job_id, Sight((root, owner), since, status.created_s, end))
        self._at.put((root, owner), status.job_id)
        if by_stop:
            self.asked_to_stop(status.job_id)
        # A stop, and a node's claim pass, give a job another end.
        is_changed = (status.state, end) == (JobState.FINISHED, JobState.FAILED) or (
            status.state is JobState.STOPPED and end not in (None, JobState.STOPPED)
        )
        if not is_changed or end is None:
            return job
        return replace(job, status=replace(status, state=end))

    def asked_to_stop(self, job_id: str) -> None:
        """Remember that a job was asked to stop before it had ended, as far as is known."""
        self._stops.put(job_id, True)

    def forget(self, root: str, ref: JobRef) -> None:
        """Forget a job that was deleted; it may have been the last one here."""
        self.sights.forget(ref.job_id)
        self._at.forget((root, ref.owner))


class JobClient:
    """Starts and polls jobs; every call ends within the config's times.

    Args:
        backends: which back end computes on which data set.
        http: downloads results.
        times: of each call, whatever the session has.
        lifetime_s: how long data that could be reached counts as reachable.
    """

    def __init__(
        self, backends: Backends, http: HttpExchange, times: Timeouts, lifetime_s: float
    ) -> None:
        self.backends = backends
        self.http = http
        self.seen = SeenJobs()
        self.times = times
        self._starts = Starts(self.seen.sights)
        self._reachable: Expiring[str, bool] = Expiring(1024, lifetime_s)
        self._admitted: Expiring[Hashable, Known] = Expiring(1024, lifetime_s)

    def start(self, plan: JobPlan, signer: Signer) -> Job:
        """Start a job with one request; if its answer is lost, look for it."""
        did, service_id, owner = plan.did, plan.service_id, plan.consumer
        with operation_limit(self.times) as deadline, self._starts.attempt(plan) as attempt:
            if did:
                self._check_inputs(plan)
            route = Route(self.backends, did, service_id)
            try:
                with keeping_back(deadline, _SEARCH_SHARE, _SEARCH_AT_MOST_S):
                    while True:
                        with route as backend:
                            job = backend.start(plan, signer, attempt)
                            break
            except OceanError as error:
                if not attempt.may_have_started:
                    raise
                failure = error
            else:
                if route.has_choice:
                    self.backends.started(job.status.job_id, service_id)
                return self.seen.saw(backend.root, owner, job)
            candidates = backend.candidates(plan, attempt.is_anothers)

            def list_jobs() -> Listed:
                return self._at(did, lambda at: self._listed(at, owner, did), service_id)

            found = attempt.find(failure, candidates, list_jobs, deadline)
            self.backends.started(found.id, service_id)
            return found

    def job(self, ref: JobRef) -> Job:
        """Ask for one job: one unsigned request."""
        route = Route(self.backends, ref.did, job=ref)
        try:
            with operation_limit(self.times):
                while True:
                    with route as backend:
                        return self.seen.saw(backend.root, ref.owner, backend.job(ref))
        except JobNotFound as error:
            denied = self.seen.explained(error, ref)
        raise denied

    def listed(self, owner: str, did: str | None = None) -> list[Job]:
        """List all jobs of an owner at a data set's back ends; None: at the configured one."""
        with operation_limit(self.times):
            if not did:
                return list(self._listed(self.backends.configured(), owner, "").jobs)
            return [
                job
                for service_id in self.backends.each(did)
                for job in self._at(
                    did, lambda backend: self._listed(backend, owner, did), service_id
                ).jobs
            ]

    def result(self, ref: JobRef, signer: Signer) -> JobResult:
        """Ask where results and logs of a job are: one signed request."""
        return self._about(ref, lambda backend: backend.result(ref, signer))

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Ask for the files of a job's outcome: one request at most."""
        return self._about(ref, lambda backend: backend.outputs(ref, signer))

    def follow(self, ref: JobRef, signer: Signer) -> AbstractContextManager[Iterator[bytes]]:
        """Open the log of an algorithm that runs; see `Backend.follow`."""
        return self.backends.at(self.backends.place_of(ref).root).follow(ref, signer)

    def environments(self) -> Environments:
        """Ask where jobs can run at the configured back end."""
        with operation_limit(self.times):
            return self.backends.configured().environments()

    def forget_token(self, address: str, signer: Signer) -> bool:
        """Make the auth token of an address worthless at the configured back end."""
        with operation_limit(self.times):
            return self.backends.configured().forget_token(address, signer)

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before."""

        def stop(backend: Backend) -> Job:
            job = backend.stop(ref, signer)
            return self.seen.saw(backend.root, ref.owner, job, by_stop=True)

        try:
            return self._about(ref, stop)
        except OceanError:
            self.seen.asked_to_stop(ref.job_id)  # it may still have arrived
            raise

    def stop_all(self, did: str, owner: str, signer: Signer) -> list[Job]:
        """Ask to stop every job of an owner; lists them first, to know which have ended."""

        def stop(backend: Backend) -> list[Job]:
            jobs = backend.stop_all(did, owner, signer)
            return self.seen.saw_all(backend.root, owner, jobs, by_stop=True)

        with operation_limit(self.times):
            listed: Sequence[Job] = []
            with suppress(OceanError):  # the stop matters more
                listed = self.listed(owner, did)
            try:
                each = self.backends.each(did)
                return [job for service_id in each for job in self._at(did, stop, service_id)]
            except OceanError:  # it may still have arrived
                for job in listed:
                    self.seen.asked_to_stop(job.id)
                raise

    def delete(self, ref: JobRef, signer: Signer) -> bool:
        """Ask to delete one job; True if the back end accepted the call."""

        def delete(backend: Backend) -> bool:
            is_taken = backend.delete(ref, signer)
            self.seen.forget(backend.root, ref)
            return is_taken

        return self._about(ref, delete)

    def root_of(self, ref: JobRef) -> str:
        """Return the base URL of the back end that has a job."""
        with operation_limit(self.times):
            return self.backends.place_of(ref).root

    def clear(self) -> None:
        """Forget assets, environments, which data can be reached, and which jobs were seen."""
        self.backends.clear()
        self.seen.clear()
        self._reachable.clear()

    def forget_reachable(self, did: str) -> None:
        """Check at the next start whether this data can be reached."""
        self._reachable.forget(did)

    def _about(self, ref: JobRef, act: Callable[[Backend], T]) -> T:
        """Act where a job is, in one operation."""
        try:
            with operation_limit(self.times):
                return self._along(Route(self.backends, ref.did, job=ref), act)
        except JobNotFound as error:
            denied = self.seen.explained(error, ref)
        raise denied

    def _at(self, did: str, act: Callable[[Backend], T], service_id: int | str | None = None) -> T:
        """Act where a data set is computed on."""
        return self._along(Route(self.backends, did, service_id), act)

    @staticmethod
    def _along(route: Route, act: Callable[[Backend], T]) -> T:
        while True:
            with route as backend:
                return act(backend)

    def _listed(self, backend: Backend, owner: str, did: str) -> Listed:
        found = backend.listed(owner, did)
        return Listed(self.seen.saw_all(backend.root, owner, found.jobs), found.clock_s)

    def _check_inputs(self, plan: JobPlan) -> None:
        """Check each input's asset, once while it is remembered, and that the data is there.

        Of later generations than V3 the node alone knows the rules, by its environment too.
        """
        for position, item in enumerate(plan.published):
            key = item.did, item.service_id, plan.consumer, position == 0
            known = self.backends.known.get(item.did)
            is_new = known is None or self._admitted.get(key) is not known
            if is_new and is_token_did(item.did):
                asset = self.backends.asset(item.did)
                check_input(asset, item, plan.consumer, is_main=position == 0)
                known = self.backends.known.get(item.did)
                if known is not None:
                    self._admitted.put(key, known)
        if self._reachable.get(plan.did) is None:
            self._check_reachable(plan.did, plan.service_id)

    def _check_reachable(self, did: str, service_id: int | str | None) -> None:
        reached = self._at(
            did, lambda backend: backend.files_reachable(did, service_id), service_id
        )
        if not reached or not all(reached):
            raise AssetNotConsumable(ConsumableCodes.CONNECTIVITY_FAIL, did)
        self._reachable.put(did, True)


def _denied(root: str, what: str) -> JobNotFound:
    return JobNotFound(
        f"The Provider at {root} answered with an empty list, but this client has seen {what} "
        "there. A Provider answers like this while its back end's database is away, so nothing "
        "may be lost: retry later. If the Provider was set up again, or the jobs were deleted "
        "elsewhere, clear_caches() makes this client forget them.",
        was_seen=True,
        root=root,
    )
