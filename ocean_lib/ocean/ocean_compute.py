"""Compute-to-data: describe a compute service; start, watch, stop jobs and get their results."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, Optional, TypeVar, Union

from enforce_typing import enforce_types

from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_factory import ServiceDescriptor
from ocean_lib.common.aquarius.aquarius import Aquarius
from ocean_lib.common.http_requests.deadline import Deadline, time_limit
from ocean_lib.common.http_requests.exchange import HttpExchange, operation_limit
from ocean_lib.common.http_requests.retrying import SIGNED_READ_AGAIN
from ocean_lib.common.utils.expiring import Expiring
from ocean_lib.common.utils.frames import forgets_locals
from ocean_lib.common.validation import check_did, check_job_id
from ocean_lib.config import Config
from ocean_lib.data_provider._connection import timeouts_of
from ocean_lib.data_provider._payloads import compute_text
from ocean_lib.data_provider._responses import JobInfo, JobResult, result_of
from ocean_lib.data_provider._trusted import check_trusted
from ocean_lib.exceptions import (
    AssetNotConsumable,
    InvalidInput,
    OceanError,
)
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.job_status import JobStatus
from ocean_lib.ocean import _start
from ocean_lib.ocean._descriptors import ComputeDescriptors
from ocean_lib.ocean._handles import JobHandles
from ocean_lib.ocean._places import Places
from ocean_lib.ocean._preflight import ComputePreflight
from ocean_lib.ocean._seen_jobs import Place, SeenJobs
from ocean_lib.web3_internal.signer import Signer, check_signer, sign_text, signer_address
from ocean_lib.web3_internal.wallet import Wallet

T = TypeVar("T")

_LOOK_SHARE = 0.25  # of a start's time, kept for finding a job whose answer was lost
_LOOK_AT_MOST_S = 10.0


@enforce_types
class OceanCompute(ComputeDescriptors, JobHandles, ComputePreflight):
    """The compute side of Ocean.

    One instance may be used from many threads and with many wallets. Wherever a wallet is taken,
    anything with an `address` and `sign_message` will do (see `Signer`).

    Args:
        config: a `Config`.
        data_provider: a `DataServiceProvider`, or that class itself.
    """

    def __init__(self, config: Config, data_provider: object) -> None:
        self._config = config
        self._data_provider: Any = data_provider
        self._times = timeouts_of(config)
        http = getattr(data_provider, "http", None)
        if not isinstance(http, HttpExchange):  # the class itself, or one of the user's own
            http = HttpExchange(timeouts=self._times)
        self.http = http
        self._places = Places(
            Aquarius(config.metadata_cache_uri, http), data_provider, config.cache_lifetime_s
        )
        self._seen = SeenJobs()
        self._starts = _start.Starts(self._seen)
        self._reachable: Expiring[str, bool] = Expiring(1024, config.cache_lifetime_s)

    def create_compute_service_descriptor(self, attributes: dict[str, Any]) -> tuple[str, Any]:
        """Pair the attributes with the configured Provider, for `OceanAssets.create`.

        Args:
            attributes: see `create_compute_service_attributes`.

        Returns:
            The service type and a dict with `attributes` and `serviceEndpoint`.
        """
        return ServiceDescriptor.compute_service_descriptor(
            attributes=attributes, service_endpoint=self._data_provider.get_url(self._config)
        )

    def start(
        self,
        input_datasets: list[ComputeInput],
        consumer_wallet: Union[Wallet, Signer],
        nonce: Optional[int] = None,
        algorithm_did: Optional[str] = None,
        algorithm_meta: Optional[AlgorithmMetadata] = None,
        algorithm_tx_id: Optional[str] = None,
        algorithm_data_token: Optional[str] = None,
        output: Optional[dict[str, Any]] = None,
        job_id: Optional[str] = None,
    ) -> str:
        """Start a job on ordered data.

        What cannot work is refused before the Provider is asked to start. Whether it can reach
        the data is asked at most once in the config's `cache.lifetime`: it fetches the data later
        anyway, and a job whose data is gone by then ends with status 31. The start is sent once;
        if its answer is lost, or a fault of the Provider, the job is looked for by its order.

        Args:
            input_datasets: the main input first; it needs a compute service and decides on the
                Provider. All are sent, also two with the same DID.
            consumer_wallet: of the consumer who ordered.
            nonce: sign over this one, as it is; the Provider's own if None.
            algorithm_did: a published algorithm; needs its order and datatoken.
            algorithm_meta: code of your own; ignored when `algorithm_did` is given.
            algorithm_tx_id: the transaction of the algorithm's order.
            algorithm_data_token: the algorithm's datatoken address.
            output: see `check_output_dict`.
            job_id: of a job stopped before, if the Provider's back end can go on with it.

        Returns:
            The id of the new job.

        Raises:
            InvalidInput: an argument cannot work.
            AssetNotFound: an input is not known to the metadata cache.
            AssetNotConsumable: an input is disabled, unreachable, or not for this address.
            ProviderNotTrusted: the data set's Provider is none that the config names.
            WorkflowRefused: the Provider refuses; the subclass says why.
            StartUncertain: the answer was lost, or it names another start's job or one that was
                not asked for; the job may have started.
            TransportError: no answer, and the job has certainly not started.
        """
        inputs = _start.check_inputs(input_datasets)
        algorithm = _start.check_algorithm(
            algorithm_did, algorithm_meta, algorithm_tx_id, algorithm_data_token
        )
        address = signer_address(check_signer(consumer_wallet))
        output = self.check_output_dict(output, address, self._data_provider, self._config)
        _start.check_resumption(nonce, job_id)
        main = inputs[0]

        lost = _start.LostAnswer(main, algorithm.did or "", self._starts)

        def post(url: str, signature: str) -> str:
            with lost.sending():
                job: JobInfo = self._data_provider.start_compute_job(
                    main.did,
                    url,
                    address,
                    signature,
                    main.service_id,
                    main.transfer_tx_id,
                    algorithm.did,
                    algorithm.meta,
                    algorithm.tx_id,
                    algorithm.data_token,
                    output,
                    inputs,
                    job_id,
                )
                # In the turn of this wallet: no other start may take this job for its own.
                started = lost.answered(job["jobId"], job_id)
            self._seen.saw(self._place(url, address), job)
            return started

        @forgets_locals
        def send(url: str) -> str:
            if nonce is None:
                started: str = self._signed(
                    consumer_wallet, main.did, job_id, url, lambda signed: post(url, signed)
                )
                return started
            check_trusted(self._config, url, main.did)
            text = compute_text(address, job_id, main.did)
            return post(url, sign_text(consumer_wallet, f"{text}{nonce}"))

        with self._operation() as deadline, lost:
            _start.check_services(inputs, self._places.asset, address)
            self._check_reachable(main.did, main.service_id)
            look_s = min(_LOOK_AT_MOST_S, deadline.remaining() * _LOOK_SHARE)
            try:
                with time_limit(deadline.remaining() - look_s):
                    started = self._places.at_provider(
                        main.did, "computeStart", send, service_id=main.service_id
                    )
                return self._places.started(started, main.service_id)
            except OceanError as error:
                if not lost.may_have_started:
                    raise
                failure = error
            found = lost.find(failure, lambda: self._jobs_and_clock(main, address), deadline)
            return self._places.started(found, main.service_id)

    def status(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> dict[str, Any]:
        """Return the status of a job. Unsigned: one request, once the Provider is known.

        Args:
            did: the data set the job runs on.
            job_id: as `start` returned it.
            wallet: of the consumer who started the job.

        Returns:
            `ok` (False when data or algorithm could not be provided, or the state is unknown),
            `status` (the Provider's code) and `statusText`.

        Raises:
            JobNotFound: the Provider knows no such job of this wallet; its `was_seen` tells whether
                this client saw it before.
        """
        return self.job_status(did, job_id, wallet).as_dict()

    def job_status(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> JobStatus:
        """Return the status of a job as a typed value; see `status`."""
        check_did(did)
        check_job_id(job_id)
        address = signer_address(wallet)

        def ask(url: str) -> JobInfo:
            call = self._data_provider.compute_job_status
            place = self._place(url, address)
            return self._seen.one(place, job_id, lambda: call(did, job_id, url, address))

        with self._operation():
            found = self._places.at_provider(
                did, "computeStatus", ask, job_id=job_id, owner=address
            )
            return self._seen.status(found)

    def result(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> JobResult:
        """Return where the results and logs of a job lie.

        Args:
            did: the data set the job ran on.
            job_id: as `start` returned it.
            wallet: of the consumer who started the job.

        Returns:
            `did`, `urls` and `logs`; empty lists mean that there is no output yet.

        Raises:
            ProviderNotTrusted: the data set's Provider is none that the config names.
            JobNotFound: the Provider knows no such job of this wallet.
            ResultsWithheld: the Provider did not accept the signature, with a renewed nonce
                either.
        """
        _check_call(did, job_id, wallet)
        call = self._about(self._data_provider.compute_job_result)
        again_on = SIGNED_READ_AGAIN
        return result_of(self._signed_call(wallet, did, job_id, "computeStatus", call, again_on))

    def stop(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> dict[str, Any]:
        """Ask to stop one job.

        A job that had ended before reads as it ended in this client. Elsewhere it reads as stopped
        from then on: the protocol does not say when a stop was asked for.

        Args:
            did: the data set the job runs on.
            job_id: as `start` returned it; one of fewer than 2 characters would stop all jobs.
            wallet: of the consumer who started the job.

        Returns:
            The status before the stop, as `status` returns it.

        Raises:
            InvalidInput: no job id; nothing was sent.
            ProviderNotTrusted: the data set's Provider is none that the config names.
            JobNotFound: the Provider knows no such job of this wallet.
        """
        return self.stop_job(did, job_id, wallet).as_dict()

    def stop_job(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> JobStatus:
        """Ask to stop one job; returns its status before the stop, typed. See `stop`."""
        _check_call(did, job_id, wallet)
        call = self._about(self._data_provider.stop_compute_job, by_stop=True)
        return self._seen.status(self._signed_call(wallet, did, job_id, "computeStop", call))

    def stop_all(
        self, did: str, wallet: Union[Wallet, Signer], *, confirm: bool = False
    ) -> list[JobStatus]:
        """Ask to stop every job of the wallet at a data set's Provider, of whichever data set.

        The jobs are listed first, so that those that have ended read as they ended in this client.
        Elsewhere they read as stopped from then on.

        Args:
            did: names the Provider, or all of them if its compute services are at several.
            wallet: of the consumer.
            confirm: must be True.

        Returns:
            The jobs, with their status before the stop.

        Raises:
            InvalidInput: not confirmed; nothing was sent.
            JobNotFound: the answer is an empty list, and this client saw jobs there before.
            ProviderNotTrusted: the data set's Provider is none that the config names.
        """
        if confirm is not True:
            raise InvalidInput(
                "stop_all stops every job of the wallet at this Provider, of every data set. "
                "Call it with confirm=True, or use stop for one job."
            )
        check_did(did)
        address = signer_address(check_signer(wallet))
        stop = self._data_provider.stop_all_compute_jobs

        def ask(url: str) -> list[JobInfo]:
            def send(signature: str) -> list[JobInfo]:
                place = self._place(url, address)
                return self._seen.all(
                    place, lambda: stop(did, url, address, signature), by_stop=True
                )

            found: list[JobInfo] = self._signed(wallet, did, "", url, send)
            return found

        with self._operation():
            listed = []
            with suppress(OceanError):  # the stop matters more
                listed = self.job_infos(did, wallet)
            try:
                jobs = self._places.at_each(did, "computeStop", ask)
            except OceanError:  # it may have arrived all the same
                for job in listed:
                    self._seen.asked_to_stop(job["jobId"])
                raise
        return [self._seen.status(job) for job in jobs]

    def delete(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> bool:
        """Ask to delete one job and what it left at the Provider.

        Nothing is deleted at a Provider whose back end is operator-service 1.0.0 or any later one
        of V3: it answers and does nothing, so job, results and logs stay until its operator
        removes them. The embedded network deletes.

        Returns:
            True: the Provider took the call, which says nothing of what became of the job.

        Raises:
            InvalidInput: no job id; nothing was sent.
            ProviderNotTrusted: the data set's Provider is none that the config names.
        """
        _check_call(did, job_id, wallet)
        delete = self._data_provider.delete_compute_job

        def call(did: str, job_id: str, url: str, address: str, signature: str) -> bool:
            is_done = bool(delete(did, job_id, url, address, signature))
            self._seen.forget(self._place(url, address), job_id)
            return is_done

        return self._signed_call(wallet, did, job_id, "computeDelete", call)

    def check_provider(self, did: str) -> str:
        """Check that signatures may go to the Provider that a data set is computed at.

        Every call that signs checks this itself; ask before, to ask the user in time.

        Args:
            did: the data set's.

        Returns:
            The Provider's URL.

        Raises:
            ProviderNotTrusted: the config does not name it (`provider.url`, `provider.trusted`).
            AssetNotFound, NoComputeService: the data set is computed nowhere.
        """
        with self._operation():
            url = self._provider_root(did)
        check_trusted(self._config, url, did)
        return url

    def clear_caches(self) -> None:
        """Forget assets, their reachability, endpoints, nonces and which jobs were seen."""
        self._places.clear()
        self._seen.clear()
        self._reachable.clear()
        self._data_provider.clear_caches()

    def _operation(self) -> AbstractContextManager[Deadline]:
        """Bound one operation by the config's times, whatever the Provider's session has."""
        times = self._times
        return operation_limit(times.total_s, connect_s=times.connect_s, read_s=times.read_s)

    def _signed_call(
        self,
        wallet: Union[Wallet, Signer],
        did: str,
        job_id: str,
        service_name: str,
        call: Callable[[str, str, str, str, str], T],
        again_on: tuple[type[OceanError], ...] = (),
    ) -> T:
        """Sign and make a call about a job, given DID, job id, URL, address and signature."""
        address = signer_address(wallet)

        def ask(url: str) -> T:
            def send(signature: str) -> T:
                return call(did, job_id, url, address, signature)

            found: T = self._signed(wallet, did, job_id, url, send, again_on)
            return found

        with self._operation():
            return self._places.at_provider(did, service_name, ask, job_id=job_id, owner=address)

    @forgets_locals
    def _signed(
        self,
        wallet: Any,
        did: str,
        job_id: Optional[str],
        url: str,
        send: Any,
        again_on: tuple[type[OceanError], ...] = (),
    ) -> Any:
        check_trusted(self._config, url, did)
        text = compute_text(signer_address(wallet), job_id, did)
        return self._data_provider.sign_and_send(wallet, text, url, send, again_on)

    def _check_reachable(self, did: str, service_id: int) -> None:
        def ask(url: str) -> bool:
            asset = self._places.asset(did)
            return bool(self._data_provider.check_asset_file_info(asset, url))

        if did in self._reachable:
            return
        if not self._places.at_provider(did, "fileinfo", ask, service_id=service_id):
            raise AssetNotConsumable(ConsumableCodes.CONNECTIVITY_FAIL, did)
        self._reachable.put(did, True)

    def _about(
        self, call: Callable[..., JobInfo], *, by_stop: bool = False
    ) -> Callable[[str, str, str, str, str], JobInfo]:
        """Wrap a signed call about a job, so that what it shows of the job is kept."""

        def ask(did: str, job_id: str, url: str, address: str, signature: str) -> JobInfo:
            def send() -> JobInfo:
                return call(did, job_id, url, address, signature)

            return self._seen.one(self._place(url, address), job_id, send, by_stop=by_stop)

        return ask

    def _jobs_and_clock(self, main: ComputeInput, address: str) -> tuple[list[JobInfo], float]:
        def ask(url: str) -> tuple[list[JobInfo], float]:
            jobs, now_s = self._data_provider.jobs_and_clock(main.did, url, address)
            return self._seen.all(self._place(url, address), lambda: jobs), now_s

        return self._places.at_provider(main.did, "computeStatus", ask, service_id=main.service_id)

    def _place(self, url: str, address: str) -> Place:
        return self._data_provider.get_root_uri(url), address


def _check_call(did: str, job_id: str, wallet: Any) -> None:
    """Refuse what cannot work before anything is asked."""
    check_did(did)
    check_job_id(job_id)
    check_signer(wallet)
