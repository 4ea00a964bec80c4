"""Calls about jobs, at whichever back end computes on their data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TypeVar

from ocean_lib.backends.backend import Backend, JobRef, JobResult, Listed
from ocean_lib.backends.environment import Environments
from ocean_lib.backends.select import Backends
from ocean_lib.backends.v3.rules import check_services
from ocean_lib.base.expiring import Expiring
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.exceptions import AssetNotConsumable, OceanError
from ocean_lib.http.deadline import Deadline, operation_limit, time_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.limits import Timeouts
from ocean_lib.jobs.outputs import FileList
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.seen import SeenJobs
from ocean_lib.jobs.starting import Attempt, Starts
from ocean_lib.jobs.view import Job
from ocean_lib.web3_internal.signer import Signer

T = TypeVar("T")

_SEARCH_SHARE = 0.25  # of a start's time, kept for finding a job whose answer was lost
_SEARCH_AT_MOST_S = 10.0


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
        self._times = times
        self._starts = Starts(self.seen)
        self._reachable: Expiring[str, bool] = Expiring(1024, lifetime_s)

    def start(self, plan: JobPlan, signer: Signer) -> Job:
        """Start a job with one request; if its answer is lost, look for it."""
        did, service_id, owner = plan.did, plan.service_id, plan.consumer
        with self.operation() as deadline, Attempt(plan, self._starts) as attempt:
            if did:
                check_services(plan, self.backends.asset)
                self._check_reachable(did, service_id)
            search_s = min(_SEARCH_AT_MOST_S, deadline.remaining() * _SEARCH_SHARE)
            route = self.backends.route(did, service_id)
            try:
                with time_limit(deadline.remaining() - search_s):
                    while True:
                        with route as backend:
                            job = backend.start(plan, signer, attempt)
                            self.backends.started(job.id, service_id)
                            return self.seen.saw(backend.root, owner, job)
            except OceanError as error:
                if not attempt.may_have_started:
                    raise
                failure = error
            backend = self.backends.of(did, service_id)
            candidates = backend.candidates(plan, attempt.is_anothers)

            def list_jobs() -> Listed:
                return self._at(did, lambda at: self._listed(at, owner, did), service_id)

            job = attempt.find(failure, candidates, list_jobs, deadline)
            self.backends.started(job.id, service_id)
            return job

    def job(self, ref: JobRef) -> Job:
        """Ask for one job: one unsigned request."""
        with self.seen.explaining(ref), self.operation():
            route = self.backends.route(ref.did, self.backends.service_of(ref))
            while True:
                with route as backend:
                    return self.seen.saw(backend.root, ref.owner, backend.job(ref))

    def listed(self, owner: str, did: str | None = None) -> list[Job]:
        """List all jobs of an owner at a data set's back ends; None: at the configured one."""
        with self.operation():
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
        with self.seen.explaining(ref), self.operation():
            return self._about(ref, lambda backend: backend.result(ref, signer))

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Ask for the files of a job's outcome: one request at most."""
        with self.seen.explaining(ref), self.operation():
            return self._about(ref, lambda backend: backend.outputs(ref, signer))

    def follow(self, ref: JobRef, signer: Signer) -> AbstractContextManager[Iterator[bytes]]:
        """Open the log of an algorithm that runs; see `Backend.follow`."""
        return self.backends.of(ref.did, self.backends.service_of(ref)).follow(ref, signer)

    def environments(self) -> Environments:
        """Ask where jobs can run at the configured back end."""
        with self.operation():
            return self.backends.configured().environments()

    def forget_token(self, address: str, signer: Signer) -> bool:
        """Make the auth token of an address worthless at the configured back end."""
        with self.operation():
            return self.backends.configured().forget_token(address, signer)

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before."""

        def stop(backend: Backend) -> Job:
            job = backend.stop(ref, signer)
            return self.seen.saw(backend.root, ref.owner, job, by_stop=True)

        try:
            with self.seen.explaining(ref), self.operation():
                return self._about(ref, stop)
        except OceanError:
            self.seen.asked_to_stop(ref.job_id)  # it may still have arrived
            raise

    def stop_all(self, did: str, owner: str, signer: Signer) -> list[Job]:
        """Ask to stop every job of an owner; lists them first, to know which have ended."""

        def stop(backend: Backend) -> list[Job]:
            jobs = backend.stop_all(did, owner, signer)
            return self.seen.saw_all(backend.root, owner, jobs, by_stop=True)

        with self.operation():
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

        with self.operation():
            return self._about(ref, delete)

    def root_of(self, ref: JobRef) -> str:
        """Return the base URL of the back end that has a job."""
        with self.operation():
            return self.backends.of(ref.did, self.backends.service_of(ref)).root

    def operation(self) -> AbstractContextManager[Deadline]:
        """Bound one operation by the config's times, whatever the session has."""
        times = self._times
        return operation_limit(times.total_s, connect_s=times.connect_s, read_s=times.read_s)

    def clear(self) -> None:
        """Forget assets, which data can be reached, and which jobs were seen."""
        self.backends.clear()
        self.seen.clear()
        self._reachable.clear()

    def forget_reachable(self, did: str) -> None:
        """Check at the next start whether this data can be reached."""
        self._reachable.forget(did)

    def _about(self, ref: JobRef, act: Callable[[Backend], T]) -> T:
        return self._at(ref.did, act, self.backends.service_of(ref))

    def _at(self, did: str, act: Callable[[Backend], T], service_id: int | str | None = None) -> T:
        """Act at the back end of a data set; retry once if that has moved."""
        route = self.backends.route(did, service_id)
        while True:
            with route as backend:
                return act(backend)

    def _listed(self, backend: Backend, owner: str, did: str) -> Listed:
        found = backend.listed(owner, did)
        return Listed(self.seen.saw_all(backend.root, owner, found.jobs), found.clock_s)

    def _check_reachable(self, did: str, service_id: int | str | None) -> None:
        if did in self._reachable:
            return
        reached = self._at(did, lambda backend: backend.files_reachable(did), service_id)
        if not reached or not all(reached):
            raise AssetNotConsumable(ConsumableCodes.CONNECTIVITY_FAIL, did)
        self._reachable.put(did, True)
