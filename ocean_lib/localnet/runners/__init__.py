"""Where an algorithm runs: the small interface that every runner implements."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol, runtime_checkable

EndReason = Literal[
    "exited",
    "stopped",
    "wall_time",
    "cpu_time",
    "memory",
    "processes",
    "output_size",
    "orphaned",
    "lost",
    "preempted",
    "node_failed",
    "cancelled",
    "refused",
]
_ENDINGS: dict[EndReason, str] = {
    "stopped": "the job was stopped",
    "wall_time": "the job's time was up",
    "cpu_time": "the job used too much CPU time",
    "memory": "the job used too much memory",
    "processes": "the job had too many processes",
    "output_size": "the job's output was too large",
    "orphaned": "the network went away while the job was running",
    "lost": "the job was lost",
    "preempted": "the cluster took the job's place for another one",
    "node_failed": "the machine that ran the job failed",
    "cancelled": "the job was cancelled on the cluster",
    "refused": "the job could not be run",
}

_SIGNALLED = 128  # and the signal's number
_KILLED = _SIGNALLED + 9


def _default_cpu_s() -> int:
    return 3600 * (os.cpu_count() or 1)


@dataclass(frozen=True)
class Limits:
    """What one job may use.

    Attributes:
        wall_s: Seconds from start to end.
        cpu_s: CPU seconds of the whole process tree; by default an hour of every core.
        memory_bytes: Resident memory of the whole process tree.
        processes: Processes and children alive at the same time.
        threads: Threads of all of them together.
        file_size_bytes: Size of any one file written.
        output_bytes: Size of everything below the writable folders, deleted files that are still
            open included.
        output_files: Number of result files that are published. A hundred times as many names
            below the writable folders end the job.
        log_bytes: Size of the algorithm's log; the rest of its output is dropped.
    """

    wall_s: float = 3600.0
    cpu_s: int = field(default_factory=_default_cpu_s)
    memory_bytes: int = 2 * 1024**3
    processes: int = 256
    threads: int = 2048
    file_size_bytes: int = 1024**3
    output_bytes: int = 1024**3
    output_files: int = 1000
    log_bytes: int = 10 * 1024**2

    def as_dict(self) -> dict[str, float | int]:
        """Return the limits as plain values, for a document that another process reads."""
        return asdict(self)


@dataclass(frozen=True)
class RunnerJob:
    """One algorithm with its folders, ready to run.

    Attributes:
        job_id: 32 hexadecimal digits.
        folder: Holds `data/` with inputs, transformations, ddos, outputs and logs already laid
            out, and `control/` for the runner's own files.
        entrypoint: The container's entry point; `$ALGO` stands for the algorithm's path.
        image: The container image asked for, as `image:tag`.
        limits: What the job may use.
        allow_network: Whether the dataset allows network access.
        algorithm: Where the algorithm's file is, below `data/`.
        variables: Environment variables of the algorithm.
        folder_variables: Variables that name folders below `data/`; '' stands for `data/` itself.
        like_docker: Start it as a container engine would: the entry point is split at blanks and
            no shell reads it, it begins in the folder that holds `data/`, and its log is in the
            engine's frames, which tell standard output and error apart. Variables that name
            folders are set only where these are not below `/data`.
        notes_log: The log, in `control/`, for what the runner says itself.
    """

    job_id: str
    folder: Path
    entrypoint: str
    image: str
    limits: Limits
    allow_network: bool = False
    algorithm: str = "transformations/algorithm"
    variables: Mapping[str, str] = field(default_factory=dict)
    folder_variables: Mapping[str, str] = field(default_factory=dict)
    like_docker: bool = False
    notes_log: str = "algorithm.log"


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        reason: `exited` if the algorithm ended by itself, otherwise what ended it.
        exit_code: The exit status, negative for a signal; None if it never ran.
        detail: The figures behind the reason, for people.
    """

    reason: EndReason
    exit_code: int | None
    detail: str = ""

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> RunOutcome:
        """Read an outcome from the document that a supervisor left."""
        return cls(document["reason"], document["exit_code"], document.get("detail", ""))

    @property
    def exit_status(self) -> int | None:
        """The exit code as container engines tell it; None if it is not known or never ran."""
        if self.exit_code is None:
            return None
        if self.reason != "exited":
            return _KILLED
        return self.exit_code if self.exit_code >= 0 else _SIGNALLED - self.exit_code

    def describe(self) -> str:
        """Say in a few words how the run ended."""
        if self.reason != "exited":
            text = _ENDINGS[self.reason]
            return f"{text}: {self.detail}" if self.detail else text
        if self.exit_code == 0:
            return "the algorithm ended well"
        if self.exit_code is not None and self.exit_code < 0:
            return f"the algorithm was ended by signal {-self.exit_code}"
        return f"the algorithm failed with exit status {self.exit_code}"


class CannotRun(Exception):
    """A job that this runner does not run; the text says why and what to do."""


class JobRunner(Protocol):
    """Runs algorithms. Calls for one job come one after the other; jobs run side by side.

    One thread polls and stops all jobs, so `poll` and `stop` must return at once.
    """

    @property
    def isolation(self) -> str:
        """Name what separates the algorithm from the machine."""

    def submit(self, job: RunnerJob) -> None:
        """Start the algorithm and return at once.

        Raises:
            CannotRun: If the runner cannot give the job what it must have.
        """

    def poll(self, job_id: str) -> RunOutcome | None:
        """Return None while the algorithm runs, then how it ended."""

    def stop(self, job_id: str) -> None:
        """End the algorithm and everything it started; `poll` tells when it is done."""

    def collect(self, job_id: str) -> tuple[PurePosixPath, ...]:
        """Bring outputs and log into the job's folder and forget the job.

        Returns:
            The result files, as paths below `data/outputs`.
        """

    def close(self) -> None:
        """End everything that still runs."""


@runtime_checkable
class PullsImages(Protocol):
    """A runner that really uses a job's image."""

    def pull(self, image: str, given_up: Callable[[], bool]) -> str:
        """Have an image ready.

        Args:
            image: What was asked for: `image:tag` or `image@digest`.
            given_up: Tells that the job is not wanted any more; pulling then breaks off.

        Returns:
            The image with its digest, which means the same whatever becomes of the tag.

        Raises:
            CannotRun: If there is no such image, or it cannot be had.
        """


@runtime_checkable
class OutlivesNetwork(Protocol):
    """A runner whose algorithms go on for a while when the network is killed."""

    def take_up(self, job: RunnerJob) -> bool:
        """Take up a job that an earlier network submitted; `poll` then tells of it.

        Args:
            job: As it was submitted, but for what is random in its variables.

        Returns:
            Whether the runner has found it, running or ended.
        """


@runtime_checkable
class QueuesJobs(OutlivesNetwork, Protocol):
    """A runner whose jobs wait in a queue of its own, and are nobody's children.

    `submit` returns before the algorithm starts. `close` ends nothing of a network that is kept:
    its next start takes the jobs up, waiting or running.
    """

    def has_begun(self, job_id: str) -> bool:
        """Tell whether the algorithm is known to have started."""
