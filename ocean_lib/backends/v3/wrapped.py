"""A user's own `data_provider` behind the interface of every back end.

It has ocean.py's methods and may change any call, so every call goes through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ocean_lib.backends.backend import (
    Attempt,
    Candidates,
    JobRef,
    JobResult,
    Listed,
    Rules,
)
from ocean_lib.backends.v3.answers import job_of, listable, readable, result_of
from ocean_lib.backends.v3.backend import SIGNED
from ocean_lib.backends.v3.candidates import V3Candidates
from ocean_lib.backends.v3.offers import WithoutNodesCalls, rules_of_provider
from ocean_lib.checks import check_service_index
from ocean_lib.exceptions import NotOffered, OceanError
from ocean_lib.http.deadline import SIGNED_READ_AGAIN
from ocean_lib.jobs.outputs import FileList, files_of
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.view import Job
from ocean_lib.web3_internal.signer import Signer, sign_text

T = TypeVar("T")


class WrappedDiscovery:
    """Where services are, as far as a client needs it, from the user's object."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def root_of(self, uri: str) -> str:
        """Return a back end's base URL."""
        return str(self._provider.get_root_uri(uri))

    def is_known(self, root: str) -> bool:
        """Whether the services are remembered."""
        return bool(self._provider.knows_provider(root))

    def document(self, root: str) -> dict[str, Any]:
        """Return the services."""
        return dict(self._provider.get_service_endpoints(root))

    def forget(self, root: str) -> None:
        """Ask for the services again the next time."""
        self._provider.forget_provider(root)


class WrappedBackend(WithoutNodesCalls):
    """A V3 Provider that is asked through the user's object."""

    def __init__(self, root: str, provider: Any) -> None:
        self.root = root
        self._provider = provider

    def start(self, plan: JobPlan, signer: Signer, attempt: Attempt) -> Job:
        """Start a job: one request, sent once."""
        for what, mend in plan.only_at_nodes():
            raise NotOffered(f"{what} {mend} Nothing was started.")
        main, algorithm = plan.main, plan.algorithm
        url = self._url("computeStart")

        def post(signature: str) -> Job:
            with attempt.sending():
                info = self._provider.start_compute_job(
                    main.did,
                    url,
                    plan.consumer,
                    signature,
                    check_service_index(main.service_id),
                    main.transfer_tx_id,
                    algorithm.did or None,
                    algorithm.meta,
                    algorithm.tx_id or None,
                    algorithm.data_token or None,
                    dict(plan.output),
                    list(plan.inputs),
                    plan.resumed_job_id or None,
                )
                return attempt.answered(job_of(info, is_new=True))

        text = SIGNED.format(owner=plan.consumer, job_id=plan.resumed_job_id, did=main.did)
        if plan.nonce is not None:
            return post(sign_text(signer, f"{text}{plan.nonce}"))
        return self._signed(signer, text, url, main.did, post)

    def listed(self, owner: str, did: str = "") -> Listed:
        """List all jobs of an owner, unsigned, in no order."""
        infos, clock_s = self._provider.jobs_and_clock(did, self._url("computeStatus"), owner)
        return Listed(listable(infos), clock_s)

    def candidates(self, plan: JobPlan, is_anothers: Callable[[str], bool]) -> Candidates:
        """Return what finds the jobs that a lost start of this plan may have created."""
        return V3Candidates(plan, is_anothers)

    def job(self, ref: JobRef) -> Job:
        """Return one job, unsigned."""
        url = self._url("computeStatus")
        return job_of(self._provider.compute_job_status(ref.did, ref.job_id, url, ref.owner))

    def result(self, ref: JobRef, signer: Signer) -> JobResult:
        """Return where the results and logs of a job are."""
        ask = self._provider.compute_job_result
        again_on = SIGNED_READ_AGAIN
        return result_of(self._about(ref, signer, "computeStatus", ask, again_on))

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Return the files of a job's outcome, results first: one signed read."""
        found = self.result(ref, signer)
        return files_of(found["urls"], found["logs"])

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before."""
        stop = self._provider.stop_compute_job
        return job_of(self._about(ref, signer, "computeStop", stop))

    def stop_all(self, did: str, owner: str, signer: Signer) -> Sequence[Job]:
        """Ask to stop every job of an owner; returns them as they were before."""
        url = self._url("computeStop")
        text = SIGNED.format(owner=owner, job_id="", did=did)
        stop = self._provider.stop_all_compute_jobs
        infos = self._signed(
            signer, text, url, did, lambda signature: stop(did, url, owner, signature)
        )
        return list(readable(infos))

    def delete(self, ref: JobRef, signer: Signer) -> bool:
        """Ask to delete one job; True if the Provider took the call."""
        return bool(self._about(ref, signer, "computeDelete", self._provider.delete_compute_job))

    def files_reachable(self, did: str, _: int | str | None = None) -> Sequence[bool]:
        """Tell of each file of an asset whether the Provider reaches it."""
        found: list[bool] = self._provider.files_reachable(did, self.root)
        return found

    def url_reachable(self, url: str) -> bool:
        """Tell whether the Provider reaches a URL."""
        return bool(self._provider.check_single_file_info(url, self.root))

    def nonce(self, address: str) -> int:
        """Ask for the nonce stored for an address."""
        return int(self._provider.get_nonce(address, self.root))

    def rules(self) -> Rules:
        """Return by which rules it goes, as far as Providers differ."""
        return rules_of_provider(self._provider.get_provider_document(self.root))

    def _about(
        self,
        ref: JobRef,
        signer: Signer,
        service_name: str,
        call: Callable[..., T],
        again_on: tuple[type[OceanError], ...] = (),
    ) -> T:
        url = self._url(service_name)
        text = SIGNED.format_map(vars(ref))

        def send(signature: str) -> T:
            return call(ref.did, ref.job_id, url, ref.owner, signature)

        return self._signed(signer, text, url, ref.did, send, again_on)

    def _signed(
        self,
        signer: Signer,
        text: str,
        url: str,
        did: str,
        send: Callable[[str], T],
        again_on: tuple[type[OceanError], ...] = (),
    ) -> T:
        value: T = self._provider.sign_and_send(signer, text, url, send, again_on, did=did)
        return value

    def _url(self, service_name: str) -> str:
        return str(self._provider.build_endpoint(service_name, self.root)[1])
