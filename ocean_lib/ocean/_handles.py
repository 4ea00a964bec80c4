"""Jobs as handles: make them, find them again, wait for many at once."""

from __future__ import annotations

import contextvars
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from ocean_lib.common.http_requests.exchange import HttpExchange, operation_limit
from ocean_lib.common.validation import check_did
from ocean_lib.config import Config
from ocean_lib.data_provider._responses import JobInfo, job_by_id
from ocean_lib.exceptions import InvalidInput, OceanError
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.job_status import JobState, JobStatus
from ocean_lib.ocean._places import Places
from ocean_lib.ocean._progress import progress_bar
from ocean_lib.ocean._waiting import DEFAULT_PATIENCE_S, OnUpdate, Wait, wait
from ocean_lib.ocean.compute_job import ComputeJob, JobList
from ocean_lib.web3_internal.signer import Signer, signer_address

if TYPE_CHECKING:
    from ocean_lib.ocean.ocean_compute import OceanCompute

MAX_WORKERS = 8


class JobHandles:
    """The part of `OceanCompute` that deals in `ComputeJob`s."""

    http: HttpExchange
    _config: Config
    _data_provider: Any
    _places: Places
    _total_s: float

    @property
    def _whole(self) -> OceanCompute:
        return cast("OceanCompute", self)

    def submit(
        self,
        input_datasets: list[ComputeInput],
        consumer_wallet: Signer,
        nonce: int | None = None,
        algorithm_did: str | None = None,
        algorithm_meta: AlgorithmMetadata | None = None,
        algorithm_tx_id: str | None = None,
        algorithm_data_token: str | None = None,
        output: dict[str, Any] | None = None,
        job_id: str | None = None,
    ) -> ComputeJob:
        """Start a job, with the arguments and errors of `start`.

        Returns:
            A handle on the job: `wait`, `download`, `stop`...
        """
        started = self._whole.start(
            input_datasets,
            consumer_wallet,
            nonce,
            algorithm_did,
            algorithm_meta,
            algorithm_tx_id,
            algorithm_data_token,
            output,
            job_id,
        )
        main = input_datasets[0]
        return ComputeJob(
            self._whole, main.did, started, consumer_wallet, order_tx=main.transfer_tx_id
        )

    def job(self, did: str, job_id: str, wallet: Signer) -> ComputeJob:
        """Take up a job that was started before, in this process or another. Asks nothing yet.

        Args:
            did: the data set the job runs on.
            job_id: as `start` returned it.
            wallet: of the consumer who started the job.

        Raises:
            InvalidInput: an argument cannot be what it should.
        """
        return ComputeJob(self._whole, did, job_id, wallet)

    def jobs(
        self,
        wallet: Signer,
        did: str | None = None,
        order_tx: str | None = None,
        state: JobState | str | None = None,
    ) -> JobList:
        """Return the jobs of a wallet at a Provider, newest first: one unsigned request.

        Args:
            wallet: of the consumer.
            did: only jobs on this data set, at its Provider; None for all jobs at the
                configured Provider.
            order_tx: only jobs of this order.
            state: only jobs in this state.

        Raises:
            InvalidInput: no such state.
        """
        wanted = _state(state)
        infos = self.job_infos(did, wallet)
        found = [
            job
            for job in (ComputeJob.from_info(self._whole, info, wallet) for info in infos)
            if did is None or job.did == did
            if order_tx is None or job.order_tx.lower() == order_tx.lower()
            if wanted is None or (job.last_status and job.last_status.state is wanted)
        ]
        return JobList(sorted(found, key=_created, reverse=True))

    def wait_all(
        self,
        jobs: Iterable[ComputeJob],
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_update: OnUpdate | None = None,
        progress: bool | None = None,
        max_workers: int = MAX_WORKERS,
        patience: float = DEFAULT_PATIENCE_S,
    ) -> list[JobStatus]:
        """Wait until all these jobs have ended, with one request a round per wallet and Provider.

        Args:
            jobs: handles, of any wallets and Providers.
            timeout: how long to wait at most, in seconds; None for as long as it takes.
            poll_interval: seconds between rounds; None for 0.2 s at first, growing to 30 s.
            on_update: called with each status that differs from the one before.
            progress: show a bar; None for where somebody looks.
            max_workers: how many Providers and wallets are asked at the same time.
            patience: for how many seconds rounds may fail before waiting gives up.

        Returns:
            The last status of each job, in the order given.

        Raises:
            JobTimeoutError: the time is used up; its `job_ids` still run.
            KeyboardInterrupt: with a text that says that the jobs go on.
            JobNotFound: a Provider knows no such job of its wallet.
        """
        handles = list(jobs)
        by_id = {job.job_id: job for job in handles}
        if not handles:
            return []
        with progress_bar(progress, total=len(by_id), desc="Jobs", unit="job") as bar:

            def seen(status: JobStatus) -> None:
                by_id[status.job_id].last_status = status
                bar.update(int(status.is_finished))
                if on_update is not None:
                    on_update(status)

            plan = Wait(list(by_id), timeout, poll_interval, patience, seen, _how_to_go_on)
            with ThreadPoolExecutor(max(1, max_workers), "ocean-wait") as pool:
                wait(plan, lambda ids: self._look([by_id[i] for i in ids], plan, pool))
        return [plan.seen[job.job_id] for job in handles]

    def _look(
        self, jobs: Sequence[ComputeJob], plan: Wait, pool: ThreadPoolExecutor
    ) -> dict[str, JobStatus]:
        """Ask once for each Provider and wallet; one that fails does not keep the others away."""
        groups: dict[tuple[str, str], list[ComputeJob]] = defaultdict(list)
        for job in jobs:
            groups[self._places.provider_of(job.did), job.owner].append(job)
        if len(groups) == 1:
            return _statuses(jobs)
        asked = [
            pool.submit(contextvars.copy_context().run, _statuses, group)
            for group in groups.values()
        ]
        found: dict[str, JobStatus] = {}
        failure: OceanError | None = None
        for answer in asked:
            try:
                found.update(answer.result())
            except OceanError as error:
                failure = failure or error
        if failure is not None:
            plan.saw(found)
            raise failure
        return found

    def job_infos(self, did: str | None, wallet: Signer) -> list[JobInfo]:
        """Return all jobs of a wallet at a Provider, as the Provider describes them.

        Args:
            did: names the Provider; None for the configured one.
            wallet: of the consumer.
        """
        address = signer_address(wallet)

        def ask(url: str) -> list[JobInfo]:
            found: list[JobInfo] = self._data_provider.compute_jobs(did or "", url, address)
            return found

        with operation_limit(self._total_s):
            if did is not None:
                return self._places.at_provider(check_did(did), "computeStatus", ask)
            provider_uri = self._data_provider.get_url(self._config)
            return ask(self._data_provider.build_compute_endpoint(provider_uri)[1])


def _statuses(jobs: Sequence[ComputeJob]) -> dict[str, JobStatus]:
    """Return the status of jobs of one wallet at one Provider, with one request."""
    first = jobs[0]
    if len(jobs) == 1:
        return {first.job_id: first.status()}
    infos = first.siblings()
    operation = "get the status of the job"
    return {job.job_id: JobStatus.from_job(job_by_id(infos, job.job_id, operation)) for job in jobs}


def _state(state: JobState | str | None) -> JobState | None:
    if state is None or isinstance(state, JobState):
        return state
    try:
        return JobState(state)
    except ValueError:
        names = ", ".join(repr(known.value) for known in JobState)
    raise InvalidInput(f"There is no job state {state!r}; the states are {names}.")


def _created(job: ComputeJob) -> float:
    return (job.last_status and job.last_status.created_s) or 0.0


def _how_to_go_on(job_ids: Sequence[str]) -> str:
    return f"{', '.join(job_ids)}. Call wait_all again, or stop them with their stop()."
