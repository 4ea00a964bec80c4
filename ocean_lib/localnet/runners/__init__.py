"""Where an algorithm runs: the small interface that every runner implements."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

EndReason = Literal[
    "exited", "stopped", "wall_time", "memory", "processes", "output_size", "orphaned", "lost"
]


@dataclass(frozen=True)
class Limits:
    """What one job may use.

    Attributes:
        wall_s: Seconds from start to end.
        cpu_s: CPU seconds of any one process.
        memory_bytes: Resident memory of the whole process tree.
        processes: Processes and children alive at the same time.
        file_size_bytes: Size of any one file written.
        output_bytes: Size of everything below the outputs folder.
        output_files: Number of result files that are published.
        log_bytes: Size of the algorithm's log; the rest of its output is dropped.
    """

    wall_s: float = 3600.0
    cpu_s: int = 3600
    memory_bytes: int = 2 * 1024**3
    processes: int = 256
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
        dids: Input assets without the prefix `did:op:`.
        algorithm_did: The algorithm's DID, empty for raw code.
        secret: A random value of this job.
        limits: What the job may use.
        allow_network: Whether the dataset allows network access.
    """

    job_id: str
    folder: Path
    entrypoint: str
    image: str
    dids: tuple[str, ...]
    algorithm_did: str
    secret: str
    limits: Limits
    allow_network: bool = False


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        reason: `exited` if the algorithm ended by itself, otherwise what ended it.
        exit_code: The exit status, negative for a signal; None if it never ran.
    """

    reason: EndReason
    exit_code: int | None

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> RunOutcome:
        """Read an outcome from the document that a supervisor left."""
        return cls(reason=document["reason"], exit_code=document["exit_code"])


class JobRunner(Protocol):
    """Runs algorithms. Calls for one job come from one thread; jobs run side by side."""

    @property
    def isolation(self) -> str:
        """Name what separates the algorithm from the machine."""

    def submit(self, job: RunnerJob) -> None:
        """Start the algorithm and return at once."""

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
