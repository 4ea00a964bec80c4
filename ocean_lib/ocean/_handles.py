"""Jobs as handles: make them, find them again, wait for many at once."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from ocean_lib.common.http_requests.exchange import HttpExchange
from ocean_lib.common.validation import check_did, check_tx_hash, printable
from ocean_lib.config import Config
from ocean_lib.data_provider._responses import JobInfo
from ocean_lib.exceptions import InvalidInput, MalformedResponse
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.job_status import JobState, JobStatus
from ocean_lib.ocean._arguments import check_whole
from ocean_lib.ocean._places import Places
from ocean_lib.ocean._progress import progress_bar
from ocean_lib.ocean._rounds import Rounds
from ocean_lib.ocean._seen_jobs import SeenJobs
from ocean_lib.ocean._waiting import DEFAULT_PATIENCE_S, OnUpdate, Wait, check_wait, wait
from ocean_lib.ocean.compute_job import ComputeJob, JobList
from ocean_lib.web3_internal.signer import Signer, signer_address

if TYPE_CHECKING:
    from ocean_lib.ocean.ocean_compute import OceanCompute

MAX_WORKERS = 8

logger = logging.getLogger(__name__)


class JobHandles:
    """The part of `OceanCompute` that deals in `ComputeJob`s."""

    http: HttpExchange
    _config: Config
    _data_provider: Any
    _places: Places
    _seen: SeenJobs

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
            did: only jobs on this data set, at its Provider (at each, if its compute services are
                at several); None for all jobs at the configured Provider.
            order_tx: only jobs of this order.
            state: only jobs in this state.

        A job that the Provider describes in a way that cannot be read is left out, and the log
        says so.

        Raises:
            InvalidInput: no such state, or `order_tx` is no transaction hash.
            JobNotFound: the Provider lists none, and this client saw jobs there before: a back end
                whose database is away answers like this.
        """
        wanted = _state(state)
        order = None if order_tx is None else _bare(check_tx_hash(order_tx, name="order_tx"))
        found = [
            job
            for job in self._readable(self.job_infos(did, wallet), wallet)
            if did is None or job.did == did
            if order is None or _bare(job.order_tx) == order
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
            max_workers: how many Providers and wallets are asked at the same time at most, where
                some are slow; 1 at least.
            patience: for how many seconds the looks at one job may fail, one after the other,
                before waiting gives up. A Provider that is away does not keep the others from
                being asked.

        Returns:
            The last status of each job, in the order given.

        Raises:
            JobTimeoutError: the time is used up; its `job_ids` still run.
            KeyboardInterrupt: with a text that says that the jobs go on.
            JobNotFound: a Provider knows no such job of its wallet; for one that this client has
                seen, only after `patience`.
            TransportError: no answer about a job for longer than `patience`.
            InvalidInput: what is no job, one job with two wallets, or an argument that cannot
                work; nothing was asked.

        When it raises, each handle's `last_status` still says what was seen last.
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
                    handle._saw(status)
                bar.update(int(status.is_finished))
                if on_update is not None:
                    on_update(status)

            look_s = self.http.timeouts.total_s
            plan = Wait(list(by_id), timeout, poll_interval, patience, seen, _how_to_go_on, look_s)
            rounds = Rounds({job_id: same[0] for job_id, same in by_id.items()}, plan, max_workers)
            with closing(rounds):

                def look() -> None:
                    rounds.look()
                    bar.refresh()

                wait(plan, look)
        return [plan.seen[job.job_id] for job in handles]

    def _readable(self, infos: Iterable[JobInfo], wallet: Signer) -> Iterator[ComputeJob]:
        for info in infos:
            try:
                yield ComputeJob.from_info(self._whole, info, wallet)
            except (InvalidInput, MalformedResponse) as error:
                logger.warning("A job is left out of the list: %s", error)

    def _provider_root(self, did: str, job_id: str = "", owner: str = "") -> str:
        """Return the base URL of the Provider that computes on a data set, or runs a job on it."""
        place = self._places.provider_of(did, job_id, owner)
        root: str = self._data_provider.get_root_uri(place)
        return root

    def job_infos(self, did: str | None, wallet: Signer) -> list[JobInfo]:
        """Return all jobs of a wallet at a Provider, as the Provider describes them.

        Args:
            did: names the Provider; None for the configured one.
            wallet: of the consumer.

        Raises:
            JobNotFound: the list is empty, and this client saw jobs there before.
        """
        address = signer_address(wallet)

        def ask(url: str) -> list[JobInfo]:
            place = self._whole._place(url, address)
            ask_all = self._data_provider.compute_jobs
            return self._seen.all(place, lambda: ask_all(did or "", url, address))

        with self._whole._operation():
            if did is not None:
                return self._places.at_each(check_did(did), "computeStatus", ask)
            provider_uri = self._data_provider.get_url(self._config)
            return ask(self._data_provider.build_compute_endpoint(provider_uri)[1])


def _all_of(jobs: Iterable[ComputeJob]) -> list[ComputeJob]:
    try:
        each = iter(jobs)
    except TypeError:
        raise InvalidInput(
            f"wait_all takes a list of ComputeJobs, got {type(jobs).__name__}. "
            "Give [job] for a single one; or wait for it with job.wait()."
        ) from None
    return list(each)


def _by_id(handles: Sequence[ComputeJob]) -> dict[str, list[ComputeJob]]:
    """Sort handles by their job; one job may have several."""
    by_id: dict[str, list[ComputeJob]] = defaultdict(list)
    for job in handles:
        if not isinstance(job, ComputeJob):
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


def _state(state: JobState | str | None) -> JobState | None:
    if state is None or isinstance(state, JobState):
        return state
    try:
        return JobState(state)
    except ValueError:
        names = ", ".join(repr(known.value) for known in JobState)
    raise InvalidInput(f"There is no job state {printable(state)}; the states are {names}.")


def _bare(tx_hash: str) -> str:
    return tx_hash.lower().removeprefix("0x")


def _created(job: ComputeJob) -> float:
    return (job.last_status and job.last_status.created_s) or 0.0


def _how_to_go_on(job_ids: Sequence[str]) -> str:
    return (
        f"{', '.join(job_ids)}. Call wait_all again with the same handles, or make new ones with "
        "compute.job(did, job_id, wallet); end a job with its stop()."
    )
