"""A V3 Provider behind the interface of every back end."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ocean_lib.backends.backend import (
    ALL_RULES,
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
    job_by_id,
    job_of,
    listable,
    readable,
    result_of,
    started_job_of,
)
from ocean_lib.backends.v3.candidates import V3Candidates
from ocean_lib.backends.v3.not_offered import WithoutNodesCalls, check_v3_only
from ocean_lib.base.frames import forgets_locals
from ocean_lib.config import Config
from ocean_lib.exceptions import OceanError
from ocean_lib.http.deadline import SIGNED_READ_AGAIN
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.jobs.outputs import FileList, files_of
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.view import Job
from ocean_lib.web3_internal.signer import Signer, sign_text

T = TypeVar("T")

_PUBLISHERS_SINCE = (0, 4, 13)
_V4_SINCE = (1, 0, 0)


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
        check_v3_only(plan)
        url = self.url_of("computeStart")

        def post(credential: Credential) -> Job:
            with attempt.sending():
                info = calls.start_job(self.http, url, plan, credential.signature)
                # Within this wallet's turn: no other start may claim this job.
                return attempt.answered(started_job_of(info))

        text = calls.compute_text(plan.consumer, plan.resumed_job_id, plan.main.did)
        did = plan.main.did
        if plan.nonce is None:
            return self._signatures.call(self, signer, plan.consumer, text, post, did=did)
        self._signatures.check_trusted(self.root, did, self.config)
        return post(Credential(self.sign(signer, text, plan.nonce), plan.nonce))

    @forgets_locals
    def listed(self, owner: str, did: str = "") -> Listed:
        """List all jobs of an owner, unsigned; unreadable ones are logged and skipped."""
        url = self.url_of("computeStatus")
        infos, clock_s = calls.list_jobs(self.http, url, owner, did)
        return Listed(listable(infos), clock_s)

    def candidates(self, plan: JobPlan, is_anothers: Callable[[str], bool]) -> Candidates:
        """Return what finds the jobs that a lost start of this plan may have created."""
        return V3Candidates(plan, is_anothers)

    @forgets_locals
    def job(self, ref: JobRef) -> Job:
        """Return one job, unsigned."""
        url = self.url_of("computeStatus")
        infos = calls.get_jobs(self.http, url, ref.owner, did=ref.did, job_id=ref.job_id)
        return job_of(job_by_id(infos, ref.job_id, "get the status of the job", self.root))

    def result(self, ref: JobRef, signer: Signer) -> JobResult:
        """Return where the results and logs of a job are; a signed read."""

        def get(url: str, signature: str) -> JobInfo:
            infos = calls.get_jobs(
                self.http, url, ref.owner, did=ref.did, job_id=ref.job_id, signature=signature
            )
            return check_not_withheld(
                job_by_id(infos, ref.job_id, "get the results of the job", self.root)
            )

        info = self._about(ref, signer, "computeStatus", get, SIGNED_READ_AGAIN)
        return result_of(info)

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Return the files of a job's outcome, results first: one signed read."""
        found = self.result(ref, signer)
        return files_of(found["urls"], found["logs"])

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before."""

        def put(url: str, signature: str) -> JobInfo:
            infos = calls.put_stop(self.http, url, ref.owner, ref.did, ref.job_id, signature)
            return job_by_id(infos, ref.job_id, "stop the job", self.root)

        return job_of(self._about(ref, signer, "computeStop", put))

    def stop_all(self, did: str, owner: str, signer: Signer) -> Sequence[Job]:
        """Ask to stop every job of an owner; returns them as they were before."""

        def put(url: str, signature: str) -> list[JobInfo]:
            return calls.put_stop(self.http, url, owner, did, "", signature)

        infos = self._about(JobRef(did, "", owner), signer, "computeStop", put)
        return list(readable(infos))

    def delete(self, ref: JobRef, signer: Signer) -> bool:
        """Ask to delete one job; True if the Provider accepted the call."""

        def delete(url: str, signature: str) -> bool:
            calls.delete_job(self.http, url, ref.owner, ref.did, ref.job_id, signature)
            return True

        return self._about(ref, signer, "computeDelete", delete)

    def files_reachable(self, did: str) -> Sequence[bool]:
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
        return f"{sign_text(signer, calls.token_text(seconds))}-{seconds}"

    def url_of(self, service_name: str) -> str:
        """Return the URL of a service, by its name in the discovery document."""
        return self._discovery.endpoint(service_name, self.root)[1]

    def _about(
        self,
        ref: JobRef,
        signer: Signer,
        service_name: str,
        send: Callable[[str, str], T],
        again_on: tuple[type[OceanError], ...] = (),
    ) -> T:
        url = self.url_of(service_name)
        text = calls.compute_text(ref.owner, ref.job_id, ref.did)
        return self._signatures.call(
            self,
            signer,
            ref.owner,
            text,
            lambda given: send(url, given.signature),
            again_on,
            ref.did,
        )


def rules_of_provider(document: Mapping[str, Any]) -> Rules:
    """Return the rules of a Provider, by what it says of itself (`GET /`).

    Of one that is not the published V3 Provider nothing is known: it is taken to have all rules.
    """
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", str(document.get("version")))
    version = tuple(map(int, found.groups())) if found else _V4_SINCE
    is_published = document.get("software") == "Provider" and "embeddedNetwork" not in document
    if not is_published or version >= _V4_SINCE:
        return ALL_RULES
    return Rules(
        name=f"Provider {document['version']}",
        reads_publishers=version >= _PUBLISHERS_SINCE,
        reads_algorithm_access=False,
        compares_tokens=False,
    )
