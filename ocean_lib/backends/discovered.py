"""A back end whose generation its discovery document tells, at the first call that needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from ocean_lib.backends.backend import (
    Attempt,
    Backend,
    Candidates,
    JobRef,
    JobResult,
    Listed,
    Rules,
)
from ocean_lib.backends.discovery import Discovery, generation_of
from ocean_lib.backends.environment import Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.jobs.outputs import FileList
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.quote import Quote
from ocean_lib.jobs.view import Job
from ocean_lib.web3_internal.signer import Signer


class Discovered:
    """The back end at a base URL.

    Asked only when a call needs its services anyway, so telling the generation costs no request.

    Args:
        root: the base URL.
        discovery: knows the document.
        make: makes the back end of a generation.
    """

    def __init__(
        self, root: str, discovery: Discovery, make: Callable[[Generation], Backend]
    ) -> None:
        self.root = root
        self._discovery = discovery
        self._make = make
        self._made: dict[Generation, Backend] = {}

    @property
    def generation(self) -> Generation:
        """Which of Ocean's back ends it is."""
        return generation_of(self._discovery.document(self.root), self.root)

    def _it(self) -> Backend:
        generation = self.generation
        found = self._made.get(generation)
        if found is None:
            found = self._made.setdefault(generation, self._make(generation))
        return found

    def start(self, plan: JobPlan, signer: Signer, attempt: Attempt) -> Job:
        """Start a job: one request, sent once."""
        return self._it().start(plan, signer, attempt)

    def listed(self, owner: str, did: str = "") -> Listed:
        """List all jobs of an owner, unsigned, in no order."""
        return self._it().listed(owner, did)

    def candidates(self, plan: JobPlan, is_anothers: Callable[[str], bool]) -> Candidates:
        """Return what tells which listed jobs a lost start of this plan may have made."""
        return self._it().candidates(plan, is_anothers)

    def job(self, ref: JobRef) -> Job:
        """Return one job, unsigned."""
        return self._it().job(ref)

    def result(self, ref: JobRef, signer: Signer) -> JobResult:
        """Return where results and logs of a job are."""
        return self._it().result(ref, signer)

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Return the files of a job's outcome, results first."""
        return self._it().outputs(ref, signer)

    def follow(self, ref: JobRef, signer: Signer) -> AbstractContextManager[Iterator[bytes]]:
        """Open the log of an algorithm that runs."""
        return self._it().follow(ref, signer)

    def quote(self, plan: JobPlan, ordered: Callable[[JobPlan], Quote]) -> Quote:
        """Say what a job costs, before anything is paid."""
        return self._it().quote(plan, ordered)

    def environments(self) -> Environments:
        """Return where jobs can run."""
        return self._it().environments()

    def forget_token(self, address: str, signer: Signer) -> bool:
        """Make the auth token of an address worthless; False where that is not possible."""
        return self._it().forget_token(address, signer)

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before."""
        return self._it().stop(ref, signer)

    def stop_all(self, did: str, owner: str, signer: Signer) -> Sequence[Job]:
        """Ask to stop every job of an owner; returns them as they were before."""
        return self._it().stop_all(did, owner, signer)

    def delete(self, ref: JobRef, signer: Signer) -> bool:
        """Ask to delete one job; True if the back end took the call."""
        return self._it().delete(ref, signer)

    def files_reachable(self, did: str) -> Sequence[bool]:
        """Tell of each file of an asset whether the back end reaches it."""
        return self._it().files_reachable(did)

    def url_reachable(self, url: str) -> bool:
        """Tell whether the back end reaches a URL."""
        return self._it().url_reachable(url)

    def nonce(self, address: str) -> int:
        """Return the nonce that the back end has for an address."""
        return self._it().nonce(address)

    def rules(self) -> Rules:
        """Return by which rules it goes, as far as back ends differ."""
        return self._it().rules()
