"""What every compute back end offers, in our words, whatever its own are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypedDict

from ocean_lib.backends.environment import Environments
from ocean_lib.backends.generation import Generation
from ocean_lib.jobs.outputs import FileList
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.view import Job
from ocean_lib.web3_internal.signer import Signer


class JobResult(TypedDict):
    """Where the outcome of a job is.

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
        job_id: the job.
        is_new: whether it was made after the start was sent, as far as jobs tell.
    """

    job_id: str
    is_new: bool


class Candidates(Protocol):
    """What one start may have made, list by list."""

    def among(self, listed: Listed, sent_s: float) -> list[Candidate]:
        """Return those among the owner's jobs; the start was sent `sent_s` seconds ago."""


@dataclass(frozen=True)
class JobRef:
    """What finds a job again at its back end.

    Attributes:
        did: the data set the job runs on.
        job_id: as the start returned it.
        owner: address of the wallet that started it, in its checksum spelling.
    """

    did: str
    job_id: str
    owner: str


class Attempt(Protocol):
    """One start, told by the back end of the request that makes the job."""

    def sending(self) -> AbstractContextManager[None]:
        """Surround the request: from here on the back end may have acted."""

    def answered(self, job: Job) -> Job:
        """Take the job that the answer names, within the wallet's turn; returns it.

        Raises:
            StartUncertain: another start made this job.
        """


class Backend(Protocol):
    """One compute back end: asks it in its own words, and answers in ours.

    Every call raises `TransportError` where no answer came, and `ProviderError` where the answer
    says no; what else a call raises stands beside it.
    """

    root: str

    @property
    def generation(self) -> Generation:
        """Which of Ocean's back ends it is."""

    def start(self, plan: JobPlan, signer: Signer, attempt: Attempt) -> Job:
        """Start a job: one request, sent once.

        Raises:
            StartUncertain: the answer does not tell which job was started.
        """

    def listed(self, owner: str, did: str = "") -> Listed:
        """List all jobs of an owner, unsigned, in no order."""

    def candidates(self, plan: JobPlan, is_anothers: Callable[[str], bool]) -> Candidates:
        """Return what tells which listed jobs a lost start of this plan may have made."""

    def job(self, ref: JobRef) -> Job:
        """Return one job, unsigned.

        Raises:
            JobNotFound: the back end knows no such job of this owner.
        """

    def result(self, ref: JobRef, signer: Signer) -> JobResult:
        """Return where results and logs of a job are.

        Raises:
            ResultsWithheld: the signature was not accepted, with a renewed nonce either.
            NotOffered: this generation hands out files, not URLs.
        """

    def outputs(self, ref: JobRef, signer: Signer) -> FileList:
        """Return the files of a job's outcome, results first.

        Raises:
            ResultsWithheld: the signature was not accepted, with a renewed nonce either.
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
            JobNotFound: the back end knows no such job of this owner.
        """

    def stop_all(self, did: str, owner: str, signer: Signer) -> Sequence[Job]:
        """Ask to stop every job of an owner; returns them as they were before."""

    def delete(self, ref: JobRef, signer: Signer) -> bool:
        """Ask to delete one job; True if the back end took the call.

        Raises:
            NotOffered: this generation deletes no jobs.
        """

    def files_reachable(self, did: str) -> Sequence[bool]:
        """Tell of each file of an asset whether the back end reaches it."""
