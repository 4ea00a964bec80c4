"""Compute-to-data: describe a compute service; start, watch, stop jobs and get their results."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Optional, Union

from enforce_typing import enforce_types

from ocean_lib.backends.backend import JobRef, JobResult
from ocean_lib.backends.environment import Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.backends.select import Backends, backends_of
from ocean_lib.backends.signing import check_trusted
from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.base.turns import Turns
from ocean_lib.checks import (
    check_did,
    check_place,
    check_tx_hash,
    is_json,
    is_token_did,
    without_query,
)
from ocean_lib.common.agreements.service_factory import ServiceDescriptor
from ocean_lib.config import Config
from ocean_lib.documents import descriptors
from ocean_lib.exceptions import InvalidInput, OceanError
from ocean_lib.http.deadline import operation_limit
from ocean_lib.http.origins import origin_of
from ocean_lib.jobs.client import JobClient
from ocean_lib.jobs.plan import Algorithm, JobPlan
from ocean_lib.jobs.quote import Quote
from ocean_lib.jobs.rounds import MAX_WORKERS, wait_all
from ocean_lib.jobs.view import JobState, JobStatus, state_named
from ocean_lib.jobs.waiting import DEFAULT_PATIENCE_S, OnUpdate
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.amounts import Amount
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.file_input import FileInput
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.ocean.compute_job import ComputeJob, JobList
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address
from ocean_lib.web3_internal.wallet import Wallet

if TYPE_CHECKING:
    from ocean_lib.backends.v3.purchases import Purchases
    from ocean_lib.models.chain_access import ChainAccess
    from ocean_lib.preflight.findings import Finding, Findings

logger = logging.getLogger(__name__)

_STARTS = Turns()
"""Of each wallet's paid starts at nodes."""


@enforce_types
class OceanCompute:
    """The compute side of Ocean.

    One instance may be used from many threads and with many wallets. Wherever a wallet is taken,
    anything with an `address` and `sign_message` will do (see `Signer`).

    Args:
        config: a `Config`.
        data_provider: a `DataServiceProvider`, or that class itself.
    """

    NOT_ORDERED = NOT_ORDERED
    """In place of an order's transaction in a `ComputeInput`, for `check` before ordering."""

    build_cluster_attributes = staticmethod(descriptors.build_cluster_attributes)
    build_container_attributes = staticmethod(descriptors.build_container_attributes)
    build_server_attributes = staticmethod(descriptors.build_server_attributes)
    build_service_provider_attributes = staticmethod(descriptors.build_service_provider_attributes)
    build_service_privacy_attributes = staticmethod(descriptors.build_service_privacy_attributes)
    create_compute_service_attributes = staticmethod(descriptors.create_compute_service_attributes)

    def __init__(self, config: Config, data_provider: object) -> None:
        self._config = config
        self._data_provider: Any = data_provider
        self._backends: Backends = backends_of(config, data_provider)
        self.http = self._backends.http
        self.client = JobClient(self._backends, self.http, config.timeouts, config.cache_lifetime_s)

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

    @staticmethod
    def check_output_dict(
        output_def: Optional[dict[str, Any]],
        consumer_address: str,
        data_provider: Any,
        config: Config,
    ) -> dict[str, Any]:
        """Fill what is missing in an output definition.

        The Provider gets it: of the node only the origin is named, since the rest of its URL may
        be a key.

        Args:
            output_def: what to use instead of the defaults, by key.
            consumer_address: who owns the output.
            data_provider: a `DataServiceProvider`, or anything with its `get_url`.
            config: names node, Provider and metadata cache.

        Raises:
            InvalidInput: `output_def` is no dict of JSON values.
        """
        given = {} if output_def is None else output_def
        if not isinstance(given, dict):
            raise InvalidInput(f"output must be a dict or None, got {type(output_def).__name__}.")
        if given and not is_json(given):
            raise InvalidInput("output must hold JSON values only: text, numbers, lists, dicts.")
        node, cache = _named(config.network_url, config.metadata_cache_uri)
        return {
            "nodeUri": node,
            "brizoUri": data_provider.get_url(config) if config.provider_url else "",
            "brizoAddress": config.provider_address,
            "metadata": {},
            "metadataUri": cache,
            "owner": consumer_address,
            "publishOutput": 0,
            "publishAlgorithmLog": 0,
            "whitelist": [],
            **given,
        }

    def start(
        self,
        input_datasets: Sequence[Union[ComputeInput, FileInput]],
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

        What cannot work is refused before the start is sent. The client asks the Provider whether
        it reaches the data at most once per `cache.lifetime` of the config; the Provider fetches
        the data later, and if it is gone by then, the job ends with status 31. The start is sent
        once. If its answer is lost, or the Provider fails, the client looks for the job by its
        order.

        Args:
            input_datasets: the main input first; it needs a compute service and decides on the
                Provider. All are sent, even two with the same DID. Files of any place
                (`FileInput`) are run on by the configured Ocean Node.
            consumer_wallet: of the consumer who ordered.
            nonce: sign over this nonce; None for the Provider's.
            algorithm_did: a published algorithm; needs algorithm_tx_id and algorithm_data_token.
            algorithm_meta: your own code; ignored when `algorithm_did` is given.
            algorithm_tx_id: the transaction of the algorithm's order.
            algorithm_data_token: the algorithm's datatoken address.
            output: see `check_output_dict`.
            job_id: of a stopped job, if the Provider's back end can resume it.

        Returns:
            The id of the new job.

        Raises:
            InvalidInput: an argument cannot work.
            AssetNotFound: the metadata cache does not know an input.
            AssetNotConsumable: an input is disabled, unreachable, or not for this address.
            ProviderNotTrusted: the config does not name the data set's Provider.
            WorkflowRefused: the Provider refuses; the subclass says why.
            StartUncertain: the answer was lost, or it names another start's job or one that does
                not fit; the job may have started.
            TransportError: no answer, and the job certainly did not start.
        """
        algorithm = Algorithm.given(
            algorithm_did, algorithm_meta, algorithm_tx_id, algorithm_data_token
        )
        algorithm.check_complete()
        plan = JobPlan.given(
            input_datasets, consumer_wallet, algorithm, nonce=nonce, resumed_job_id=job_id
        )
        filled = self.check_output_dict(output, plan.consumer, self._data_provider, self._config)
        return self.client.start(replace(plan, output=filled), consumer_wallet).status.job_id

    def submit(
        self,
        input_datasets: Sequence[Union[ComputeInput, FileInput, str]],
        consumer_wallet: Signer,
        nonce: Optional[int] = None,
        algorithm_did: Optional[str] = None,
        algorithm_meta: Optional[AlgorithmMetadata] = None,
        algorithm_tx_id: Optional[str] = None,
        algorithm_data_token: Optional[str] = None,
        output: Optional[dict[str, Any]] = None,
        job_id: Optional[str] = None,
        *,
        environment: Optional[str] = None,
        resources: Optional[dict[str, Any]] = None,
        max_duration: Optional[int] = None,
        metadata: Optional[dict[str, Any]] = None,
        envs: Optional[dict[str, str]] = None,
        algocustomdata: Optional[dict[str, Any]] = None,
        algorithm_service_id: Union[int, str, None] = None,
        payment_token: Optional[str] = None,
        pay: bool = False,
        max_cost: Optional[Mapping[str, Amount]] = None,
    ) -> ComputeJob:
        """Start a job and return a handle on it.

        With `pay`, orders that are missing are paid for first, as `quote` tells: those that the
        wallet has are used, so that after a crash the same call pays nothing twice. Nothing is paid
        for a job that the Provider would refuse.

        Args:
            input_datasets: what the job reads: a `ComputeInput` (data set, order, service) each,
                or for an Ocean Node a `FileInput`; with `pay`, and for a free job at a node, a data
                set's DID will do. The first decides where the job runs.
            consumer_wallet: of the consumer: anything with an `address` and `sign_message`; with
                `pay` also `sign_transaction`.
            nonce: sign over this nonce; None for the Provider's.
            algorithm_did: a published algorithm; one of V3 needs algorithm_tx_id and
                algorithm_data_token, or `pay`.
            algorithm_meta: your own code, sent along; ignored when `algorithm_did` is given.
            algorithm_tx_id: the transaction of the algorithm's order.
            algorithm_data_token: the algorithm's datatoken address.
            output: V3's definition of the output; see `check_output_dict`.
            job_id: of a stopped job, if the Provider's back end can resume it.
            environment: for Ocean Nodes, as all that follows up to `payment_token`: where to run,
                by its id; None for a free one that fits the resources and admits the wallet, with
                the shortest queue. A paid one is used if it is named, or with `pay` if no free one
                fits. One that is offered both ways is paid for with `pay`, or if orders are given.
                With it, `input_datasets` may be empty.
            resources: how much of each, such as `{"cpu": 1, "ram": 2, "disk": 1}` (ram and disk in
                GB); None for the environment's least.
            max_duration: how many seconds the job may run; None for the environment's limit.
            metadata: kept with the job, for whoever lists it.
            envs: environment variables of the algorithm.
            algocustomdata: values of the algorithm's own parameters, by their names.
            algorithm_service_id: the published algorithm's service, by its index or id; None for
                the first that is offered for access.
            payment_token: the token to pay the environment in; None for the first that it takes.
            pay: place the orders that are missing, and fill the node's escrow.
            max_cost: the most to pay of each token, in whole tokens (Decimal) by the token's
                address, such as `quote(...).cost`; None: nothing. On V3 the token is the datatoken;
                at a node the price of running the job counts, wherever it lies. Gas has a limit of
                its own, `transaction.max_fee` of the config.

        Returns:
            A handle on the job: `wait`, `download`, `stop`...

        Raises:
            InvalidInput: an argument cannot work.
            AssetNotFound: the metadata cache does not know an input.
            AssetNotConsumable: an input is disabled, unreachable, or not for this address.
            ProviderNotTrusted: the config does not name the data set's Provider.
            WorkflowRefused: the Provider refuses, or would; the subclass says why.
            CostAboveLimit: the orders cost more than `max_cost`; nothing was sent.
            InsufficientBalance: the wallet lacks tokens; nothing was sent.
            ChainError: an order was not placed.
            StartUncertain: the answer was lost, or it names another start's job or one that does
                not fit; the job may have started.
            TransportError: no answer, and the job certainly did not start.
            NotOffered: a V3 Provider was asked for what only Ocean Nodes have; nothing was started.
            EnvironmentUnavailable: no environment of the node fits.
            KeyboardInterrupt: its text says what was sent.
        """
        algorithm = Algorithm.given(
            algorithm_did,
            algorithm_meta,
            algorithm_tx_id,
            algorithm_data_token,
            algorithm_service_id,
        )
        input_datasets = self._as_inputs(input_datasets, pays=pay)
        if not pay:
            if max_cost is not None:
                raise InvalidInput("max_cost limits what `pay=True` pays: give both, or none.")
            algorithm.check_complete()
        plan = self._plan(
            input_datasets,
            consumer_wallet,
            algorithm,
            nonce,
            output,
            job_id,
            environment=environment,
            resources=resources,
            max_duration=max_duration,
            metadata=metadata,
            envs=envs,
            algocustomdata=algocustomdata,
            payment_token=payment_token,
        )
        if pay:
            return self._paid_and_submitted(plan, consumer_wallet, max_cost or {})
        return self._submitted(plan, consumer_wallet)

    def quote(
        self,
        input_datasets: Sequence[Union[ComputeInput, FileInput, str]],
        consumer_wallet: Signer,
        nonce: Optional[int] = None,
        algorithm_did: Optional[str] = None,
        algorithm_meta: Optional[AlgorithmMetadata] = None,
        algorithm_tx_id: Optional[str] = None,
        algorithm_data_token: Optional[str] = None,
        output: Optional[dict[str, Any]] = None,
        job_id: Optional[str] = None,
        *,
        environment: Optional[str] = None,
        resources: Optional[dict[str, Any]] = None,
        max_duration: Optional[int] = None,
        metadata: Optional[dict[str, Any]] = None,
        envs: Optional[dict[str, str]] = None,
        algocustomdata: Optional[dict[str, Any]] = None,
        algorithm_service_id: Union[int, str, None] = None,
        payment_token: Optional[str] = None,
    ) -> Quote:
        """Say what a job costs, before anything is paid: the orders it needs, and what they cost.

        Orders that the wallet has are found on the chain and cost nothing. In a free environment of
        an Ocean Node there is nothing to pay; in another, `quote.compute` says what running the job
        costs, and what its escrow lacks. `quote.pay(wallet)` sends what is missing, and gives the
        inputs that `submit` takes.

        Args:
            input_datasets: as for `submit`; a DID, or `ComputeInput(did, compute.NOT_ORDERED,
                index)`, where the order is to be looked for.
            consumer_wallet: who would pay; it signs nothing here.
            nonce: as for `submit`.
            algorithm_did: as for `submit`.
            algorithm_meta: as for `submit`.
            algorithm_tx_id: as for `submit`; None to look for it.
            algorithm_data_token: as for `submit`; not needed.
            output: as for `submit`.
            job_id: as for `submit`.
            environment: as for `submit`, as all that follows.
            resources: as for `submit`.
            max_duration: as for `submit`.
            metadata: as for `submit`.
            envs: as for `submit`.
            algocustomdata: as for `submit`.
            algorithm_service_id: as for `submit`.
            payment_token: as for `submit`.

        Raises:
            InvalidInput: an argument cannot work, or an order that was given is another service's.
            AssetNotFound: the metadata cache does not know an asset.
            ChainError: the chain could not be asked.
            NotOffered: the back end does not have what was asked for.
            EnvironmentUnavailable: no free environment of the node fits.
        """
        algorithm = Algorithm.given(
            algorithm_did,
            algorithm_meta,
            algorithm_tx_id,
            algorithm_data_token,
            algorithm_service_id,
        )
        plan = self._plan(
            self._as_inputs(input_datasets, pays=True),
            consumer_wallet,
            algorithm,
            nonce,
            output,
            job_id,
            environment=environment,
            resources=resources,
            max_duration=max_duration,
            metadata=metadata,
            envs=envs,
            algocustomdata=algocustomdata,
            payment_token=payment_token,
        )
        return self.quote_plan(plan, consumer_wallet)

    def quote_plan(self, plan: JobPlan, consumer_wallet: Signer) -> Quote:
        """Say what the job of a plan costs; see `quote`."""
        return self._quoted(replace(plan, pays=True), consumer_wallet)

    def _quoted(self, plan: JobPlan, consumer_wallet: Signer) -> Quote:
        from ocean_lib.preflight.chain import ChainReader

        if not plan.algorithm.did:
            plan.algorithm.check_complete()
        web3 = getattr(consumer_wallet, "web3", None)
        with operation_limit(self.client.times):
            backend = self._backends.at(self._backends.place(plan.did, plan.service_id).root)
            reader = ChainReader(self._chain, web3)
            return backend.quote(plan, lambda each: self._purchases.quote(each, web3), reader)

    def _paid_and_submitted(
        self, plan: JobPlan, wallet: Signer, max_cost: Mapping[str, Amount]
    ) -> ComputeJob:
        """Place the orders that a plan lacks, if the job would start with them; then start it."""
        quote = self.quote_plan(plan, wallet)
        if quote.cost or quote.to_pay:
            quote.check_limits(max_cost)
        if not quote.is_ready:
            if plan.did:
                self.check_provider(plan.did)
            self._checked(replace(plan, pays=True), wallet).check_worth_paying()
        turn = _STARTS.of(plan.consumer)
        # What one start put into the escrow, another must not use before it; V3 has no escrow.
        with turn.held if quote.compute is not None else nullcontext():
            orders = quote.pay(wallet, max_cost=max_cost)
            with interrupted_saying(f"the job was not started; {orders.how_to_go_on}"):
                return self.submit_plan(quote.in_plan(plan, orders), wallet)

    def submit_plan(
        self,
        plan: JobPlan,
        consumer_wallet: Signer,
        *,
        max_cost: Optional[Mapping[str, Amount]] = None,
    ) -> ComputeJob:
        """Start the job of a plan; see `submit`. With `max_cost`, what is missing is paid first."""
        if max_cost is not None:
            plan = self._filled(plan, None) if not plan.output else plan
            return self._paid_and_submitted(plan, consumer_wallet, max_cost)
        plan.algorithm.check_complete()
        if not plan.output:
            plan = self._filled(plan, None)
        return self._submitted(plan, consumer_wallet)

    def _submitted(self, plan: JobPlan, consumer_wallet: Signer) -> ComputeJob:
        job = self.client.start(plan, consumer_wallet)
        did, order_tx = plan.did, plan.order_tx if plan.order_tx != NOT_ORDERED else ""
        return ComputeJob.of(self.client, job, consumer_wallet, did=did, order_tx=order_tx)

    def check(
        self,
        input_datasets: Sequence[Union[ComputeInput, FileInput]],
        consumer_wallet: Signer,
        nonce: Optional[int] = None,
        algorithm_did: Optional[str] = None,
        algorithm_meta: Optional[AlgorithmMetadata] = None,
        algorithm_tx_id: Optional[str] = None,
        algorithm_data_token: Optional[str] = None,
        output: Optional[dict[str, Any]] = None,
        job_id: Optional[str] = None,
        *,
        environment: Optional[str] = None,
        resources: Optional[dict[str, Any]] = None,
        max_duration: Optional[int] = None,
        metadata: Optional[dict[str, Any]] = None,
        envs: Optional[dict[str, str]] = None,
        algocustomdata: Optional[dict[str, Any]] = None,
        algorithm_service_id: Union[int, str, None] = None,
        payment_token: Optional[str] = None,
        pay: bool = False,
    ) -> "Findings":
        """Predict whether `start` would be refused, and why. Nothing is started, signed or paid.

        All assets are fetched again. Orders and balances are read from the chain that the config's
        network names, or else through the wallet's `web3`. Without either, what needs the chain is
        a finding of severity `unknown`, as is everything else that cannot be checked. A job on
        files at an Ocean Node needs no chain: the node is asked for its environments, and whether
        it reads the files.

        Before ordering, pass `ComputeInput(did, compute.NOT_ORDERED, index)` and no
        `algorithm_tx_id`: the missing order is a finding (`not-ordered`), the wallet's balances are
        checked, and the result's `can_order` is True if only orders are missing.

        Args:
            input_datasets: as for `start`.
            consumer_wallet: as for `start`; it signs nothing here.
            nonce: as for `start`; compared with the Provider's.
            algorithm_did: as for `start`.
            algorithm_meta: as for `start`.
            algorithm_tx_id: as for `start`; None if the algorithm is not ordered yet.
            algorithm_data_token: as for `start`.
            output: as for `start`.
            job_id: as for `start`; whether the Provider knows that job is not checked.
            environment: as for `submit`, as all that follows.
            resources: as for `submit`.
            max_duration: as for `submit`.
            metadata: as for `submit`.
            envs: as for `submit`.
            algocustomdata: as for `submit`.
            algorithm_service_id: as for `submit`.
            payment_token: as for `submit`.
            pay: check a job that is to be paid for, as `submit` with `pay`.

        Returns:
            The findings; none when the Provider would start the job.

        Raises:
            InvalidInput: an argument is of the wrong type or form.
        """
        algorithm = Algorithm.given(
            algorithm_did,
            algorithm_meta,
            algorithm_tx_id,
            algorithm_data_token,
            algorithm_service_id,
        )
        plan = self._plan(
            input_datasets,
            consumer_wallet,
            algorithm,
            nonce,
            output,
            job_id,
            environment=environment,
            resources=resources,
            max_duration=max_duration,
            metadata=metadata,
            envs=envs,
            algocustomdata=algocustomdata,
            payment_token=payment_token,
        )
        return self.check_plan(replace(plan, pays=pay), consumer_wallet)

    def check_plan(self, plan: JobPlan, consumer_wallet: Signer) -> "Findings":
        """Predict whether the job of a plan would be refused; see `check`."""
        from ocean_lib.preflight.findings import collected
        from ocean_lib.preflight.paid_job import payment_findings

        found, meta = self._checked(plan, consumer_wallet), plan.algorithm.meta
        is_nothing = plan.algorithm == Algorithm() or (meta is not None and meta.faults())
        if is_nothing or not self._is_at_node(plan):
            return found
        paying = payment_findings(lambda: self._quoted(plan, consumer_wallet))
        return collected([*found, *(one for one in paying if _says_more(one, found))])

    def _is_at_node(self, plan: JobPlan) -> bool:
        try:
            with operation_limit(self.client.times):
                root = self._backends.place(plan.did, plan.service_id).root
                return self._backends.at(root).generation is Generation.NODE
        except OceanError:
            return False  # what is wrong there is said by the findings

    def _checked(self, plan: JobPlan, consumer_wallet: Signer) -> "Findings":
        # Loaded here: a status needs none of it, nor the contracts behind it.
        from ocean_lib.preflight.job import check_job

        return check_job(
            plan,
            self.client,
            self._chain,
            getattr(consumer_wallet, "web3", None),
            self.check_provider,
        )

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
            JobNotFound: the Provider does not know this job of this wallet; `was_seen` says whether
                this client saw it before.
        """
        ref = JobRef(*check_place(did, job_id), signer_address(wallet))
        return self.client.job(ref).status.as_dict()

    def job_status(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> JobStatus:
        """Return the status of a job as a typed value; see `status`."""
        ref = JobRef(*check_place(did, job_id), signer_address(wallet))
        return self.client.job(ref).status

    def result(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> JobResult:
        """Return where the results and logs of a job are.

        Args:
            did: the data set the job ran on.
            job_id: as `start` returned it.
            wallet: of the consumer who started the job.

        Returns:
            `did`, `urls` and `logs`; empty lists mean that there is no output yet.

        Raises:
            ProviderNotTrusted: the config does not name the data set's Provider.
            JobNotFound: the Provider does not know this job of this wallet.
            ResultsWithheld: the Provider did not accept the signature, not even with a renewed
                nonce.
        """
        return self.client.result(_signed_ref(did, job_id, wallet), wallet)

    def stop(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> dict[str, Any]:
        """Ask to stop one job.

        In this client a job that had already ended keeps its end. Elsewhere it reads as stopped
        from then on, since the protocol does not say when a stop was requested.

        Args:
            did: the data set the job runs on.
            job_id: as `start` returned it; one of fewer than 2 characters would stop all jobs.
            wallet: of the consumer who started the job.

        Returns:
            The status before the stop, as `status` returns it.

        Raises:
            InvalidInput: `job_id` is not a job id; nothing was sent.
            ProviderNotTrusted: the config does not name the data set's Provider.
            JobNotFound: the Provider does not know this job of this wallet.
        """
        return self.stop_job(did, job_id, wallet).as_dict()

    def stop_job(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> JobStatus:
        """Ask to stop one job; returns its status before the stop, typed. See `stop`."""
        return self.client.stop(_signed_ref(did, job_id, wallet), wallet).status

    def stop_all(
        self, did: str, wallet: Union[Wallet, Signer], *, confirm: bool = False
    ) -> list[JobStatus]:
        """Ask to stop every job of the wallet at a data set's Provider, of whichever data set.

        The jobs are listed first, so that in this client those that have ended keep their end.
        Elsewhere they read as stopped from then on.

        Args:
            did: names the Provider, or all of them if its compute services are at several. Jobs on
                files at an Ocean Node have none: stop each that `jobs(wallet)` lists.
            wallet: of the consumer.
            confirm: must be True.

        Returns:
            The jobs, with their status before the stop.

        Raises:
            InvalidInput: not confirmed; nothing was sent.
            JobNotFound: the answer is an empty list, and this client saw jobs there before.
            ProviderNotTrusted: the config does not name the data set's Provider.
        """
        if confirm is not True:
            raise InvalidInput(
                "stop_all stops every job of the wallet at this Provider, of every data set. "
                "Call it with confirm=True, or use stop for one job."
            )
        check_did(did)
        owner = signer_address(check_signer(wallet))
        return [job.status for job in self.client.stop_all(did, owner, wallet)]

    def delete(self, did: str, job_id: str, wallet: Union[Wallet, Signer]) -> bool:
        """Ask to delete one job and what it left at the Provider.

        A Provider whose back end is V3's operator-service 1.0.0 or later deletes nothing: it
        answers and does nothing, so job, results and logs stay until its operator removes them. The
        embedded network deletes.

        Returns:
            True: the Provider accepted the call, which does not mean that the job is deleted.

        Raises:
            InvalidInput: `job_id` is not a job id; nothing was sent.
            ProviderNotTrusted: the config does not name the data set's Provider.
        """
        return self.client.delete(_signed_ref(did, job_id, wallet), wallet)

    def job(self, did: str, job_id: str, wallet: Signer) -> ComputeJob:
        """Re-attach to a job that was started before, in this process or another; no request yet.

        Args:
            did: the data set the job runs on.
            job_id: as `start` returned it.
            wallet: of the consumer who started the job.

        Raises:
            InvalidInput: an argument cannot be what it should.
        """
        ref = JobRef(*check_place(did, job_id), signer_address(wallet))
        return ComputeJob(self.client, ref, wallet)

    def jobs(
        self,
        wallet: Signer,
        did: Optional[str] = None,
        order_tx: Optional[str] = None,
        state: Union[JobState, str, None] = None,
    ) -> JobList:
        """Return the jobs of a wallet at a Provider, newest first: one unsigned request.

        Args:
            wallet: of the consumer.
            did: only jobs on this data set, at its Provider (at each, if its compute services are
                at several); None for all jobs at the configured Provider.
            order_tx: only jobs of this order.
            state: only jobs in this state.

        A job whose description cannot be read is skipped, with a warning in the log.

        Raises:
            InvalidInput: there is no such state, or `order_tx` is not a transaction hash.
            JobNotFound: the list is empty, and this client saw jobs there before: a back end whose
                database is away answers like this.
        """
        wanted = None if state is None else state_named(state)
        order = None if order_tx is None else _bare(check_tx_hash(order_tx, name="order_tx"))
        found = [
            ComputeJob.of(self.client, job, wallet)
            for job in self.client.listed(signer_address(wallet), did and check_did(did))
            if did is None or job.did == did
            if order is None or _bare(job.status.order_tx) == order
            if wanted is None or job.status.state is wanted
        ]
        return JobList(sorted(found, key=_created, reverse=True))

    def wait_all(
        self,
        jobs: Iterable[ComputeJob],
        timeout: Optional[float] = None,
        poll_interval: Optional[float] = None,
        on_update: Optional[OnUpdate] = None,
        progress: Optional[bool] = None,
        max_workers: int = MAX_WORKERS,
        patience: float = DEFAULT_PATIENCE_S,
    ) -> list[JobStatus]:
        """Wait until all these jobs have ended, with one request a round per wallet and Provider.

        Args:
            jobs: handles, of any wallets and Providers.
            timeout: how long to wait at most, in seconds; None for as long as it takes.
            poll_interval: seconds between rounds; None for 0.2 s at first, growing to 30 s.
            on_update: called with each status that differs from the one before.
            progress: show a progress bar; None: only on a terminal or in a notebook.
            max_workers: how many Providers and wallets are polled at the same time at most, if some
                are slow; at least 1.
            patience: for how many seconds the polls of one job may fail in a row before the wait
                gives up. A Provider that is away does not hold up the others.

        Returns:
            The last status of each job, in the order given.

        Raises:
            JobTimeoutError: the time is used up; its `job_ids` still run.
            KeyboardInterrupt: its text says that the jobs go on.
            JobNotFound: a Provider does not know a job of its wallet; if this client has seen the
                job, only after `patience`.
            TransportError: no answer about a job for longer than `patience`.
            InvalidInput: something is not a job, a job has two wallets, or an argument cannot work;
                nothing was sent.

        When it raises, each handle's `last_status` still has what was seen last.
        """
        return wait_all(
            jobs,
            timeout,
            poll_interval,
            on_update,
            progress,
            max_workers,
            patience,
            self.http.timeouts.total_s,
        )

    def check_provider(self, did: str) -> str:
        """Check that signatures may go to the Provider that a data set is computed at.

        Every call that signs checks this itself. Use it to ask the user in advance.

        Args:
            did: the data set's.

        Returns:
            The Provider's URL.

        Raises:
            ProviderNotTrusted: the config does not name it (`provider.url`, `provider.trusted`).
            AssetNotFound, NoComputeService: the data set is computed nowhere.
        """
        with operation_limit(self.client.times):
            url = self.client.backends.place(check_did(did)).root
        check_trusted(self._config, url, did)
        return url

    def environments(self) -> Environments:
        """Return where jobs can run at the configured back end, with resources and prices.

        A V3 Provider has one environment, of which it tells nothing.

        Raises:
            ConfigError: no back end is configured.
        """
        return self.client.environments()

    def forget_auth_token(self, wallet: Signer) -> bool:
        """Make the auth token that this client has of a wallet worthless (`auth_token = on`).

        Returns:
            Whether there was one; always False at a V3 Provider, whose tokens only expire.
        """
        return self.client.forget_token(signer_address(check_signer(wallet)), wallet)

    def clear_caches(self) -> None:
        """Forget assets, what can be reached, endpoints, environments, nonces and jobs seen."""
        self.client.clear()
        self._data_provider.clear_caches()

    def _as_inputs(self, datasets: Any, *, pays: bool) -> Any:
        """Return inputs with each DID as one that is not ordered; without any, load nothing.

        V3's DIDs need orders, so that without paying they are not enough.
        """
        if not isinstance(datasets, (list, tuple)):
            return datasets
        texts = [item for item in datasets if isinstance(item, str)]
        if texts and pays and all(map(is_token_did, texts)):
            return self._purchases.inputs_of(datasets)
        return [
            self._as_input(item) if isinstance(item, str) and not is_token_did(item) else item
            for item in datasets
        ]

    def _as_input(self, did: str) -> ComputeInput:
        service = self._backends.asset(check_did(did)).view.first()
        return ComputeInput(did, NOT_ORDERED, service.id)

    @cached_property
    def _chain(self) -> "ChainAccess":
        from ocean_lib.models.chain_access import ChainAccess

        return ChainAccess(self._config)

    @cached_property
    def _purchases(self) -> "Purchases":
        from ocean_lib.backends.v3.orders import Orders
        from ocean_lib.backends.v3.purchases import Purchases
        from ocean_lib.documents.search import AssetSearch

        search = AssetSearch(self._config, self._data_provider, None)
        orders = Orders(self._config, self._data_provider, search, self._chain)
        asset_of = partial(self._backends.asset, fresh=True)
        return Purchases(self._config, orders, asset_of, self._chain)

    def _plan(
        self,
        inputs: Any,
        wallet: Any,
        algorithm: Algorithm,
        nonce: Any,
        output: Any,
        job_id: Any,
        **of_nodes: Any,
    ) -> JobPlan:
        plan = JobPlan.given(
            inputs, wallet, algorithm, nonce=nonce, resumed_job_id=job_id, **of_nodes
        )
        return self._filled(plan, output)

    def _filled(self, plan: JobPlan, output: Any) -> JobPlan:
        return replace(
            plan,
            output=self.check_output_dict(output, plan.consumer, self._data_provider, self._config),
        )


def _signed_ref(did: str, job_id: str, wallet: Any) -> JobRef:
    """Refuse what cannot work before anything is sent."""
    return JobRef(*check_place(did, job_id), signer_address(check_signer(wallet)))


@lru_cache(maxsize=64)
def _named(network_url: str, cache_url: str) -> tuple[str, str]:
    """Say which node, or network by its name, and cache are used, without what may be a key."""
    node = str(origin_of(network_url)) if "://" in network_url else network_url
    return node, without_query(cache_url)


def _says_more(finding: "Finding", found: "Findings") -> bool:
    """Whether a finding about paying is no repetition of what was found without asking."""
    return finding.code != "node-refuses" or not found.errors


def _bare(tx_hash: str) -> str:
    return tx_hash.lower().removeprefix("0x")


def _created(job: ComputeJob) -> float:
    return (job.last_status and job.last_status.created_s) or 0.0
