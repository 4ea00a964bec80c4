"""A V3 Provider behind the interface of every back end, and its calls about jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import TypeVar

from ocean_lib.backends.backend import (
    Attempt,
    Candidates,
    JobRef,
    JobResult,
    Listed,
    Rules,
)
from ocean_lib.backends.discovery import Discovery
from ocean_lib.backends.signing import Credential, NonceRule, Signatures
from ocean_lib.backends.v3 import calls
from ocean_lib.backends.v3.answers import (
    JobInfo,
    check_not_withheld,
    check_status,
    job_of,
    jobs_of,
    listable,
    no_such_job,
    readable,
    result_of,
    started_job,
)
from ocean_lib.backends.v3.candidates import V3Candidates
from ocean_lib.backends.v3.offers import WithoutNodesCalls, rules_of_provider
from ocean_lib.config import Config
from ocean_lib.exceptions import NotOffered, OceanError
from ocean_lib.http.deadline import SIGNED_READ_AGAIN
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.jobs.outputs import FileList, files_of
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.view import Job
from ocean_lib.web3_internal.signer import Signer, sign_text

T = TypeVar("T")

SIGNED = "{owner}{job_id}{did}"
"""What a compute call signs, before its nonce (protocol: "What is signed")."""

_FIRST = "0"
"""How the service 0 is named: the Provider takes the number 0 for none."""


class V3Backend(WithoutNodesCalls):
    """A Provider 0.4.x.

    Args:
        root: its base URL.
        http: sends the requests.
        discovery: knows its services.
        signatures: of all calls of one client.
        config: names the Providers that may get signatures, in place of that of `signatures`.
    """

    nonce_rule: NonceRule = "exact"
    token_lifetime_s = 23 * 3600.0
    """An hour less than the Provider's, for clocks that differ and calls under way."""

    def __init__(
        self,
        root: str,
        http: HttpExchange,
        discovery: Discovery,
        signatures: Signatures,
        config: Config | None = None,
    ) -> None:
        self.root = root
        self.config = config
        self.http = http
        self._discovery = discovery
        self._signatures = signatures

    # --- the interface of every back end

    def start(self, plan: JobPlan, signer: Signer, attempt: Attempt) -> Job:
        """Start a job: one request, sent once."""
        for what, mend in plan.only_at_nodes():
            raise NotOffered(f"{what} {mend} Nothing was started.")
        did = plan.inputs[0].did
        _, url = self._discovery.services(self.root).calls["computeStart"]

        def post(credential: Credential) -> Job:
            with attempt.sending():
                info = start_job(self.http, url, plan, credential.signature)
                # Within this wallet's turn: no other start may claim this job.
                return attempt.answered(job_of(info, is_new=True))

        text = SIGNED.format(owner=plan.consumer, job_id=plan.resumed_job_id, did=did)
        if plan.nonce is None:
            return self._signatures.call(self, signer, plan.consumer, text, post, did=did)
        self._signatures.check_trusted(self.root, did, self.config)
        return post(Credential(self.sign(signer, text, plan.nonce), plan.nonce))

    def listed(self, owner: str, did: str = "") -> Listed:
        """List all jobs of an owner, unsigned; unreadable ones are logged and skipped."""
        _, url = self._discovery.endpoint("computeStatus", self.root)
        infos, clock_s = list_jobs(self.http, url, owner, did)
        return Listed(listable(infos), clock_s)

    def candidates(self, plan: JobPlan, is_anothers: Callable[[str], bool]) -> Candidates:
        """Return what finds the jobs that a lost start of this plan may have created."""
        return V3Candidates(plan, is_anothers)

    def job(self, ref: JobRef) -> Job:
        """Return one job, unsigned."""
        _, url = self._discovery.services(self.root).calls["computeStatus"]
        info = get_job(self.http, url, ref, "get the status of the job", self.root)
        return job_of(info)

    def result(self, ref: JobRef, signer: Signer) -> JobResult:
        """Return where the results and logs of a job are; a signed read."""

        def get(url: str, signature: str) -> JobInfo:
            operation = "get the results of the job"
            info = get_job(self.http, url, ref, operation, self.root, signature)
            return check_not_withheld(info)

        info = self._about(ref, signer, "computeStatus", get, SIGNED_READ_AGAIN)
        return result_of(info)

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Return the files of a job's outcome, results first: one signed read."""
        found = self.result(ref, signer)
        return files_of(found["urls"], found["logs"])

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before."""

        def put(url: str, signature: str) -> JobInfo:
            infos = put_stop(self.http, url, ref.owner, ref.did, ref.job_id, signature)
            if ref.job_id not in infos:
                raise no_such_job(infos, ref.job_id, "stop the job", self.root)
            return infos[ref.job_id]

        return job_of(self._about(ref, signer, "computeStop", put))

    def stop_all(self, did: str, owner: str, signer: Signer) -> Sequence[Job]:
        """Ask to stop every job of an owner; returns them as they were before."""

        def put(url: str, signature: str) -> dict[str, JobInfo]:
            return put_stop(self.http, url, owner, did, "", signature)

        infos = self._about(JobRef(did, "", owner), signer, "computeStop", put)
        return list(readable(infos.values()))

    def delete(self, ref: JobRef, signer: Signer) -> bool:
        """Ask to delete one job; True if the Provider accepted the call."""

        def delete(url: str, signature: str) -> bool:
            delete_job(self.http, url, ref.owner, ref.did, ref.job_id, signature)
            return True

        return self._about(ref, signer, "computeDelete", delete)

    def files_reachable(self, did: str, _: int | str | None = None) -> Sequence[bool]:
        """Tell for each file of an asset whether the Provider reaches it."""
        method, url = self._discovery.endpoint("fileinfo", self.root)
        return calls.file_info(self.http, method, url, {"did": did})

    def url_reachable(self, url: str) -> bool:
        """Tell whether the Provider reaches a URL."""
        method, service_url = self._discovery.endpoint("fileinfo", self.root)
        reached = calls.file_info(self.http, method, service_url, {"url": url})
        return bool(reached) and all(reached)

    def nonce(self, address: str) -> int:
        """Ask for the nonce stored for an address."""
        method, url = self._discovery.endpoint("nonce", self.root)
        return calls.get_nonce(self.http, method, url, address)

    def rules(self) -> Rules:
        """Return by which rules it goes, as far as Providers differ."""
        return rules_of_provider(self._discovery.document(self.root))

    # --- what signing needs of it

    def sign(self, signer: Signer, text: str, nonce: int) -> str:
        """Sign a call's text and a nonce."""
        return sign_text(signer, f"{text}{nonce}")

    def token(self, signer: Signer) -> str:
        """Make a token that replaces signatures for a day.

        By the Provider's published code: `0x<signature>-<unix seconds>`, with no nonce.
        """
        seconds = int(time.time())
        return f"{sign_text(signer, token_text(seconds))}-{seconds}"

    def _about(
        self,
        ref: JobRef,
        signer: Signer,
        service_name: str,
        send: Callable[[str, str], T],
        again_on: tuple[type[OceanError], ...] = (),
    ) -> T:
        url = self._discovery.endpoint(service_name, self.root)[1]
        text = SIGNED.format_map(vars(ref))
        return self._signatures.call(
            self,
            signer,
            ref.owner,
            text,
            lambda given: send(url, given.signature),
            again_on,
            ref.did,
        )


def token_text(seconds: int) -> str:
    """Return what an auth token signs, at this moment in epoch seconds."""
    return f"Ocean Protocol Authentication\n{seconds}"


def start_job(http: HttpExchange, url: str, plan: JobPlan, signature: str) -> JobInfo:
    """Start a job. Sent once: a repeated request would start a second job."""
    main, algorithm = plan.published[0], plan.algorithm
    others = []
    for item in plan.published[1:]:
        others.append({**item.as_dictionary(), "serviceId": item.service_id or _FIRST})
    body = {
        "signature": signature,
        "documentId": main.did,
        "consumerAddress": plan.consumer,
        "output": dict(plan.output),
        "jobId": plan.resumed_job_id,
        "serviceId": main.service_id or _FIRST,
        "transferTxId": main.transfer_tx_id,
        "additionalInputs": others,
    }
    if algorithm.meta is not None:
        body["algorithmMeta"] = algorithm.meta.as_dictionary()
    else:
        body["algorithmDid"] = algorithm.did
        body["algorithmDataToken"] = algorithm.data_token
        body["algorithmTransferTxId"] = algorithm.tx_id
    answer = http.send("POST", url, operation="start the job", json_body=body)
    return started_job(answer, plan)


def get_job(
    http: HttpExchange,
    url: str,
    ref: JobRef,
    operation: str,
    root: str,
    signature: str = "",
) -> JobInfo:
    """Return one job; signed, with its results' URLs.

    Raises:
        JobNotFound: the Provider does not know it; the message names the operation and the root.
    """
    query = {"documentId": ref.did, "consumerAddress": ref.owner, "jobId": ref.job_id}
    if signature:
        query = {"signature": signature, **query}
    answer = http.send("GET", url, operation="get the job", params=query, retry=not signature)
    jobs = jobs_of(answer, ref.owner)
    if ref.job_id not in jobs:
        raise no_such_job(jobs, ref.job_id, operation, root)
    return jobs[ref.job_id]


def get_jobs(
    http: HttpExchange, url: str, owner: str, did: str, signature: str = ""
) -> list[JobInfo]:
    """Return all jobs of an owner; signed, with their results' URLs."""
    query = _query(owner, did, "", signature)
    answer = http.send("GET", url, operation="get the job", params=query, retry=not signature)
    return list(jobs_of(answer, owner).values())


def list_jobs(http: HttpExchange, url: str, owner: str, did: str) -> tuple[list[JobInfo], float]:
    """Return all jobs of an owner, unsigned, and the Provider's clock in epoch seconds."""
    answer = http.send(
        "GET", url, operation="list the jobs", params=_query(owner, did, "", ""), retry=True
    )
    return list(jobs_of(answer, owner).values()), _server_time(answer.date)


def put_stop(
    http: HttpExchange, url: str, owner: str, did: str, job_id: str, signature: str
) -> dict[str, JobInfo]:
    """Ask to stop one job; with '' all of the owner. Returns them as they were before."""
    answer = http.send(
        "PUT", url, operation="stop the job", params=_query(owner, did, job_id, signature)
    )
    return jobs_of(answer, owner)


def delete_job(
    http: HttpExchange, url: str, owner: str, did: str, job_id: str, signature: str
) -> None:
    """Ask to delete one job."""
    answer = http.send(
        "DELETE", url, operation="delete the job", params=_query(owner, did, job_id, signature)
    )
    if isinstance(check_status(answer).json(), dict):  # an error, whatever the status says
        raise answer.malformed("an empty text", answer.text())


def _query(owner: str, did: str, job_id: str, signature: str) -> dict[str, str]:
    """Return the parameters of all compute calls but the start.

    `jobId` is always there, if empty: the Provider reads an absent one as the word `None`.
    """
    query = {"documentId": did, "consumerAddress": owner, "jobId": job_id}
    return {"signature": signature, **query} if signature else query


def _server_time(date: str) -> float:
    """Return the server's clock in epoch seconds (its Date header has whole seconds)."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, LookupError, ArithmeticError, OSError):
        return time.time()
