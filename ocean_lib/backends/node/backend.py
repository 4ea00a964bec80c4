"""An Ocean Node behind the interface of every back end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ocean_lib.backends.backend import (
    Attempt,
    Candidates,
    JobRef,
    JobResult,
    Listed,
    Rules,
)
from ocean_lib.backends.discovery import Discovery
from ocean_lib.backends.environment import Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.backends.node import calls, reading
from ocean_lib.backends.node.answers import (
    ALGORITHM_LOG,
    OUTPUTS,
    NodeJob,
    ResultFile,
    awaits_log,
    find_job,
    job_of,
    readable,
    result_files,
)
from ocean_lib.backends.node.asset_findings import AssetCheck
from ocean_lib.backends.node.bodies import price_body
from ocean_lib.backends.node.candidates import NodeCandidates, check_started
from ocean_lib.backends.node.placement import Placement, placed
from ocean_lib.backends.node.publisher import NodePublisher
from ocean_lib.backends.node.resolving import ViewOf, resolved
from ocean_lib.backends.node.rules import (
    check_offered,
    environment_findings,
    file_findings,
    findings_without_asking,
)
from ocean_lib.backends.node.terms import Terms
from ocean_lib.backends.node.wire import NodeWire
from ocean_lib.backends.signing import Credential, Signatures
from ocean_lib.base.expiring import Expiring
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    EnvironmentUnavailable,
    ImageNotFound,
    InvalidInput,
    JobNotFound,
    NotOffered,
    OceanError,
    ProviderError,
    ProviderFault,
    RequestInvalid,
    TooManyRequests,
)
from ocean_lib.http.deadline import operation_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.files import safe_file_name
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.outputs import FileList, JobFile
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.quote import Quote
from ocean_lib.jobs.service_orders import ServiceOrders
from ocean_lib.jobs.view import Job
from ocean_lib.models.file_input import FileInput
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.findings import Finding, refused
from ocean_lib.web3_internal.signer import Signer

if TYPE_CHECKING:
    from ocean_lib.backends.node.ledger import Ledger
    from ocean_lib.backends.node.purchases import Purchases

logger = logging.getLogger(__name__)

KNOWN_JOBS = 1024
LOG_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
"""Pauses between looks for the algorithm's log, which a node lists after a job's end."""

_CODE_S = 5.0
_CHOSEN_S = 3600.0
_QUEUED, _RUNNING = 1, 40


class NodeBackend:
    """An Ocean Node 3.x.

    Args:
        root: its base URL.
        http: sends the requests.
        discovery: knows its services.
        signatures: of all calls of one client.
        config: names the back ends that may get signatures, and tells how long environments, and
            the files of an ended job, are believed.
        view_of: looks published assets up.
    """

    generation = Generation.NODE

    def __init__(
        self,
        root: str,
        http: HttpExchange,
        discovery: Discovery,
        signatures: Signatures,
        config: Config,
        view_of: ViewOf,
    ) -> None:
        lifetime_s = config.cache_lifetime_s
        self.root = root
        self._config = config
        self._view_of = view_of
        self._wire = NodeWire(root, http, discovery, signatures, config)
        self._offers: Expiring[str, Environments] = Expiring(1, lifetime_s)
        self._chosen: Expiring[str, str] = Expiring(KNOWN_JOBS, _CHOSEN_S)
        self._codes: Expiring[str, int] = Expiring(KNOWN_JOBS, _CODE_S)
        self._files: Expiring[str, list[ResultFile]] = Expiring(KNOWN_JOBS, max(lifetime_s, 1.0))

    def start(self, plan: JobPlan, signer: Signer, attempt: Attempt) -> Job:
        """Start a job, free or paid: one request, sent once.

        Raises:
            NotOffered: a node does not run such a job.
            EnvironmentUnavailable: no environment fits.
            EscrowNotReady: the price of a paid job is not in the escrow, or may not be locked.
        """
        check_offered(plan)
        was_known, first = self.root in self._offers, ""
        try:
            place = self.placement(plan)
            first = place.environment
            return self._start(place, signer, attempt)
        except EnvironmentUnavailable:
            self._offers.clear()
            if plan.environment or not was_known:
                raise
            other = self.placement(plan)
            if other.environment == first:  # it is busy, and nothing better is there
                raise
        return self._start(other, signer, attempt)

    def placement(self, plan: JobPlan) -> Placement:
        """Return where a job would run, with its services as their documents have them."""
        place = placed(plan, self.environments(), self._config.chain_id)
        ready = resolved(place.plan, self._view_of, describes=place.payment is None)
        return replace(place, plan=ready)

    def _start(self, place: Placement, signer: Signer, attempt: Attempt) -> Job:
        plan, environment, payment = place.plan, place.environment, place.payment
        url = self._wire.url_of("freeCompute" if payment is None else "computeStart")
        command = calls.START_FREE if payment is None else calls.START_PAID
        self._chosen.put(plan.marker, environment)

        def post(credential: Credential) -> Job:
            with attempt.sending():
                info = calls.start_job(self._wire.http, url, plan, environment, credential, payment)
                job = self._known(job_of(info))
                check_started(job, plan, environment)
                # In the turn of this wallet: no other start may take this job for its own.
                return attempt.answered(job)

        try:
            return self._wire.start(plan, signer, command, post)
        except (ImageNotFound, RequestInvalid) as error:
            if payment is not None:
                self._tell_lock(error, place, signer)
            raise

    def _tell_lock(self, error: ProviderError, place: Placement, signer: Signer) -> None:
        """Say what the node locked for a start that it refused: of these it refuses some later."""
        from ocean_lib.backends.node.locked import tell_lock
        from ocean_lib.models.chain_access import ChainAccess

        owner = place.plan.consumer
        reader = ChainReader(ChainAccess(self._config), getattr(signer, "web3", None))
        tell_lock(
            error,
            owner,
            partial(self._ledger, reader),
            partial(self.terms, place),
            lambda: self.listed(owner).jobs,
        )

    def listed(self, owner: str, did: str = "") -> Listed:  # noqa: ARG002
        """List all jobs of an owner, unsigned; what cannot be read is logged and left out."""
        infos, clock_s = self._poll(owner)
        return Listed([self._known(job) for job in readable(infos)], clock_s)

    def candidates(self, plan: JobPlan, is_anothers: Callable[[str], bool]) -> Candidates:
        """Return what tells which listed jobs a lost start of this plan may have made."""
        environment = self._chosen.get(plan.marker) or plan.environment
        return NodeCandidates(plan, environment, is_anothers)

    def job(self, ref: JobRef) -> Job:
        """Return one job, unsigned."""
        operation = "get the status of the job"
        try:
            infos, _ = self._poll(ref.owner, ref.job_id)
        except ProviderFault as error:
            if error.provider_text != "Internal Server Error":
                raise
            # So a node says that the id's cluster is not its own; a list tells that from a fault.
            infos, _ = self._poll(ref.owner)
        return self._known(job_of(find_job(infos, ref.job_id, operation, self.root)))

    def result(self, ref: JobRef, signer: Signer) -> JobResult:  # noqa: ARG002
        """Refuse: a node hands out files, not URLs."""
        raise NotOffered(
            f"An Ocean Node has no URLs of the results of job {one_line(ref.job_id, 160)}: each "
            "file is asked for with a signature of its own. Use job.files(), job.open(name) or "
            "job.download(folder)."
        )

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Return the files of a job's outcome; asks nothing where the job was seen to end."""
        found = self._files.get(ref.job_id)
        if found is None:
            found = self._listed_files(ref)
        return FileList(
            JobFile(
                safe_file_name(file.name, f"result-{file.index}"),
                "",
                is_log=file.kind != OUTPUTS,
                index=file.index,
                is_algorithms=file.kind == ALGORITHM_LOG,
                is_archive=file.kind == OUTPUTS,
                fetch=partial(reading.result, self._wire, ref, signer, file),
            )
            for file in sorted(found, key=lambda file: file.kind != OUTPUTS)
        )

    def _listed_files(self, ref: JobRef) -> list[ResultFile]:
        """Ask for the files of a job's outcome, and again while the algorithm's log is to come."""
        with operation_limit(self._wire.http.timeouts.total_s) as deadline:
            job = self.job(ref)
            for pause_s in LOG_PAUSES_S:
                if not awaits_log(job.raw) or deadline.remaining() <= pause_s:
                    break
                deadline.pause(pause_s)
                with suppress(TooManyRequests):
                    job = self.job(ref)
            else:
                self._files.put(ref.job_id, result_files(job.raw))  # then there is no log
        found = result_files(job.raw)
        # Until the end a node writes the archive that it lists.
        return found if job.status.is_finished else [one for one in found if one.kind != OUTPUTS]

    def follow(self, ref: JobRef, signer: Signer) -> AbstractContextManager[Iterator[bytes]]:
        """Open the log of an algorithm that runs."""
        if self._codes.get(ref.job_id) not in (None, _RUNNING):
            raise JobNotFound(
                f"The algorithm of job {one_line(ref.job_id, 160)} does not run yet, or not any "
                "more: there is no log to follow. Look at job.status(), or read job.logs()."
            )
        return reading.running_log(self._wire, ref, signer)

    def environments(self) -> Environments:
        """Return where jobs can run, as remembered for a while."""
        found = self._offers.get(self.root)
        if found is None:
            found = self._wire.read("computeEnvironments", calls.get_environments)
            self._offers.put(self.root, found)
        return found

    def quote(self, plan: JobPlan, _: Callable[[JobPlan], Quote], reader: ChainReader) -> Quote:
        """Say where the job would run, and what that costs."""
        check_offered(plan)
        for found in environment_findings(plan, self.environments()):
            if found.severity == "refused":
                said = f"{found.what} {found.how_to_mend} Nothing was started."
                raise EnvironmentUnavailable(said, operation="choose an environment")
        place = self.placement(plan)
        if place.payment is None:
            return Quote(plan.consumer, ServiceOrders(), environment=place.environment)
        return self._purchases(reader).quote(place)

    def terms(self, place: Placement) -> Terms:
        """Ask what a paid job costs, and which of its orders are valid; unsigned."""
        if place.payment is None:
            raise InvalidInput("A job in a free environment has no price.")
        body = price_body(place.plan, place.environment, place.payment)
        return self._wire.read(
            "initializeCompute", lambda http, url: calls.get_terms(http, url, body)
        )

    def _purchases(self, reader: ChainReader) -> Purchases:
        from ocean_lib.backends.node.purchases import Purchases

        timeout_s = self._config.transaction_timeout_s
        return Purchases(self._ledger(reader), self.terms, self._view_of, timeout_s)

    def _ledger(self, reader: ChainReader) -> Ledger:
        from ocean_lib.backends.node.ledger import Ledger  # few pay, and it needs web3

        return Ledger(reader.web3, self._config)

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before."""
        url = self._wire.url_of("computeStop")

        def put(given: Credential) -> Job:
            infos = calls.put_stop(self._wire.http, url, ref.owner, ref.job_id, given)
            return job_of(find_job(infos, ref.job_id, "stop the job", self.root))

        job = self._wire.signed(ref, signer, calls.STOP, put)
        if job.status.code == _QUEUED:
            logger.warning(
                "Job %s waits in the node's queue; an Ocean Node takes a stop of such a job, and "
                "runs it all the same when its turn comes. Stop it again then.",
                one_line(job.id, 160),
            )
        return job

    def stop_all(self, did: str, owner: str, signer: Signer) -> Sequence[Job]:
        """Ask to stop every job of an owner that has not ended, one by one."""
        return [
            self.stop(JobRef(did, job.id, owner), signer)
            for job in self.listed(owner).jobs
            if not job.status.is_finished
        ]

    def delete(self, ref: JobRef, signer: Signer) -> bool:  # noqa: ARG002
        """Refuse: a node keeps jobs until their storage time is over."""
        raise NotOffered(
            "An Ocean Node does not offer that: it deletes no jobs before their storage time is "
            f"over. To end job {one_line(ref.job_id, 160)}, stop it."
        )

    def findings(self, plan: JobPlan) -> Iterator[Finding]:
        """Say what is in the way of a job here, as far as unsigned calls tell."""
        yield from findings_without_asking(plan)
        yield from environment_findings(plan, self.environments())
        if plan.nonce is not None and plan.nonce <= (stored := self.nonce(plan.consumer)):
            what = f"The nonce {plan.nonce} was given, and the node has {stored} for this wallet"
            yield refused("stale-nonce", f"{what}.", "Leave nonce out; it is asked for.")
        yield from file_findings(plan, self._reaches)
        is_free = not (plan.pays or plan.has_orders)
        with suppress(OceanError):  # what is wrong with the environment is said above
            is_free = placed(plan, self.environments(), self._config.chain_id).payment is None
        yield from AssetCheck(
            plan,
            self._view_of,
            self.publisher.files,
            is_free=is_free,
            is_member=partial(self._is_member, plan.consumer),
        ).findings()

    def _is_member(self, consumer: str, access_list: str) -> bool | None:
        from ocean_lib.backends.node.access_lists import is_member  # few have one: needs web3

        return is_member(self._config, consumer, access_list)

    @property
    def publisher(self) -> NodePublisher:
        """What it does for publishers."""
        return NodePublisher(self._wire)

    def _reaches(self, file: FileInput) -> bool:
        return self._wire.read("fileInfo", lambda http, url: calls.file_reaches(http, url, file))

    def files_reachable(self, did: str, service_id: int | str | None = None) -> Sequence[bool]:
        """Tell for each file of a published asset whether the node reads anything of it."""
        asset = self._view_of(did)
        service = asset.first() if service_id is None else asset.service(service_id)
        where = {"did": did, "serviceId": service.id}
        return self._wire.read("fileInfo", lambda http, url: calls.files_reach(http, url, where))

    def url_reachable(self, url: str) -> bool:
        """Tell whether the node reads anything at a URL."""
        return self._reaches(FileInput(url))

    def rules(self) -> Rules:
        """Return by which rules it goes, as far as back ends differ."""
        return Rules(name="The Ocean Node")

    def nonce(self, address: str) -> int:
        """Ask for the nonce stored for an address."""
        return self._wire.nonce(address)

    def forget_token(self, address: str, signer: Signer) -> bool:
        """Make the auth token of an address worthless; False where this client has none."""
        return self._wire.forget_token(address, signer)

    def _poll(self, owner: str, job_id: str = "") -> tuple[list[NodeJob], float]:
        return self._wire.poll(lambda http, url: calls.get_jobs(http, url, owner, job_id))

    def _known(self, job: Job) -> Job:
        """Remember what a job's later calls would have to ask for; returns the job."""
        self._codes.put(job.id, job.status.code)
        is_complete = job.status.finished_s is not None and not awaits_log(job.raw)
        if is_complete and job.raw.get("results"):
            self._files.put(job.id, result_files(job.raw))
        return job
