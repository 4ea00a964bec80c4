"""What every compute back end offers, in our words, whatever its own words are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypedDict

from ocean_lib.backends.environment import Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.jobs.outputs import FileList
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.quote import Quote
from ocean_lib.jobs.view import Job
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.findings import Finding
from ocean_lib.web3_internal.signer import Signer


class JobResult(TypedDict):
    """Where a job's outcome is.

    `did` is '' unless the Provider published the results as an asset; `urls` are the result
    files, `logs` the algorithm's log. Empty lists mean: no output yet.
    """

    did: str
    urls: list[str]
    logs: list[str]


@dataclass(frozen=True)
class Listed:
    """An owner's jobs, and the back end's clock in epoch seconds."""

    jobs: Sequence[Job]
    clock_s: float


@dataclass(frozen=True)
class Candidate:
    """A job that a start may have made.

    Attributes:
        job: as it was listed.
        is_new: whether it was created after the start was sent, as far as the jobs show.
    """

    job: Job
    is_new: bool

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.job.id


class Candidates(Protocol):
    """Which jobs one start may have created, list by list."""

    def among(self, listed: Listed, sent_s: float) -> list[Candidate]:
        """Return those among the owner's jobs; the start was sent `sent_s` seconds ago."""


@dataclass(frozen=True)
class JobRef:
    """What identifies a job at its back end.

    Attributes:
        did: the data set the job runs on.
        job_id: as the start returned it.
        owner: address of the wallet that started it, in its checksum spelling.
    """

    did: str
    job_id: str
    owner: str


class Attempt(Protocol):
    """One start; the back end tells it about the request that creates the job."""

    def sending(self) -> AbstractContextManager[None]:
        """Surround the request: from here on the back end may have executed it."""

    def answered(self, job: Job) -> Job:
        """Accept the job that the answer names, within the wallet's turn; returns it.

        Raises:
            StartUncertain: another start created this job.
        """


@dataclass(frozen=True)
class Rules:
    """The rules that not every back end has; by default all of them.

    Attributes:
        name: the back end, in words.
        reads_publishers: the list of trusted publishers counts.
        reads_algorithm_access: status and lists of an ordered algorithm count at the start.
        compares_tokens: an order must be paid in the asset's own data token.
    """

    name: str = "The Provider"
    reads_publishers: bool = True
    reads_algorithm_access: bool = True
    compares_tokens: bool = True


ALL_RULES = Rules()


class Backend(Protocol):
    """One compute back end: called in its own words, answering in ours.

    Every call raises `TransportError` without an answer, and `ProviderError` for a refusal; each
    call lists what else it raises.
    """

    root: str

    @property
    def generation(self) -> Generation:
        """Which of Ocean's back ends it is."""

    def start(self, plan: JobPlan, signer: Signer, attempt: Attempt) -> Job:
        """Start a job: one request, sent once.

        Raises:
            StartUncertain: the answer does not say which job was started.
        """

    def listed(self, owner: str, did: str = "") -> Listed:
        """List all jobs of an owner, unsigned, in no order."""

    def candidates(self, plan: JobPlan, is_anothers: Callable[[str], bool]) -> Candidates:
        """Return what finds the jobs that a lost start of this plan may have created."""

    def job(self, ref: JobRef) -> Job:
        """Return one job, unsigned.

        Raises:
            JobNotFound: the back end does not know this job of this owner.
        """

    def result(self, ref: JobRef, signer: Signer) -> JobResult:
        """Return where results and logs of a job are.

        Raises:
            ResultsWithheld: the signature was not accepted, not even with a renewed nonce.
            NotOffered: this generation hands out files, not URLs.
        """

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Return the files of a job's outcome, results first.

        Raises:
            ResultsWithheld: the signature was not accepted, not even with a renewed nonce.
        """

    def follow(self, ref: JobRef, signer: Signer, /) -> AbstractContextManager[Iterator[bytes]]:
        """Open the log of an algorithm that runs: from its first line, on to its end.

        Raises:
            NotOffered: this generation shows no log before the end.
            JobNotFound: the algorithm does not run yet, or not any more.
        """

    def environments(self) -> Environments:
        """Return where jobs can run."""

    def forget_token(self, address: str, signer: Signer, /) -> bool:
        """Make the auth token of an address worthless; False where that is not possible."""

    def stop(self, ref: JobRef, signer: Signer) -> Job:
        """Ask to stop one job; returns it as it was before.

        Raises:
            JobNotFound: the back end does not know this job of this owner.
        """

    def stop_all(self, did: str, owner: str, signer: Signer) -> Sequence[Job]:
        """Ask to stop every job of an owner; returns them as they were before."""

    def delete(self, ref: JobRef, signer: Signer) -> bool:
        """Ask to delete one job; True if the back end accepted the call.

        Raises:
            NotOffered: this generation deletes no jobs.
        """

    def findings(self, plan: JobPlan) -> Iterable[Finding]:
        """Say what this back end has against a job, beside its published assets; unsigned."""

    def files_reachable(self, did: str, service_id: int | str | None = None, /) -> Sequence[bool]:
        """Tell for each file of an asset whether the back end reaches it.

        Args:
            did: the asset's.
            service_id: whose files, where services have files of their own; None for the first.
        """

    def url_reachable(self, url: str) -> bool:
        """Tell whether the back end reaches a URL."""

    def nonce(self, address: str) -> int:
        """Return the nonce that the back end has for an address."""

    def quote(
        self, plan: JobPlan, ordered: Callable[[JobPlan], Quote], reader: ChainReader, /
    ) -> Quote:
        """Say what a job costs, before anything is paid.

        Args:
            plan: the job; its orders may be missing.
            ordered: says what orders of V3 cost.
            reader: the chain that is paid on.
        """

    def rules(self) -> Rules:
        """Return by which rules it goes, as far as back ends differ."""
