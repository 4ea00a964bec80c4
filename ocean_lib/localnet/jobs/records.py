"""What is kept of a job: its request, how far it is, how it ended."""

from __future__ import annotations

import enum
import json
import sqlite3
from dataclasses import asdict, dataclass, field
from typing import Any

LOG_NAME = "algorithm.log"
_IMAGE = "image"


class JobStage(enum.IntEnum):
    """How far a job is. The numbers are kept, and known to `StuckJob`; a dialect tells its own."""

    WARMING_UP = 1
    EXPIRED = 2
    STARTED = 10
    PULL_FAILED = 11
    CONFIGURING = 20
    CONTAINER_FAILED = 22
    PROVISIONING = 25
    PROVISIONED = 30
    DATA_FAILED = 31
    ALGORITHM_FAILED = 32
    RUNNING = 40
    CANNOT_RUN = 41
    FILTERING = 50
    PUBLISHING = 60
    FINISHED = 70


class StopRequest(enum.IntEnum):
    """Who asked a job to end: nobody, its owner, or the clock."""

    NONE = 0
    OWNER = 1
    TIME_EXCEEDED = 2


@dataclass(frozen=True)
class InputFiles:
    """One input of a job.

    Attributes:
        did: The asset's, if it is a published one.
        urls: Where its files are.
        ddo: The asset's document, if it is one.
        method: How its files are asked for.
        headers: What is sent along to ask for them.
    """

    did: str
    urls: tuple[str, ...]
    ddo: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AlgorithmSource:
    """Where the algorithm comes from, a URL or raw code, and how it is asked for and started."""

    did: str
    url: str
    raw_code: str
    entrypoint: str
    image: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobRequest:
    """A compute request that passed validation.

    Attributes:
        owner: The address whose job it is.
        agreement_id: The order's transaction; empty without one.
        inputs: The data.
        algorithm: The code.
        wall_s: How long it may run.
        allow_network: Whether it may use the network.
        memory_bytes: What it asked for; None for what the network allows.
        queue_s: How long it may wait for its turn; None for as long as it takes.
        private: What its dialect needs to lay it out; forgotten when it has ended.
        details: What its dialect tells about it; kept as long as the job.
    """

    owner: str
    agreement_id: str
    inputs: tuple[InputFiles, ...]
    algorithm: AlgorithmSource
    wall_s: float
    allow_network: bool
    memory_bytes: int | None = None
    queue_s: float | None = None
    private: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Spell the request for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> JobRequest:
        """Read a request from the database."""
        document = json.loads(text)
        inputs = tuple(
            InputFiles(**{**item, "urls": tuple(item["urls"])}) for item in document.pop("inputs")
        )
        algorithm = AlgorithmSource(**document.pop("algorithm"))
        return cls(inputs=inputs, algorithm=algorithm, **document)


@dataclass(frozen=True)
class Termination:
    """How an algorithm ended; of one that never ran nothing is known.

    Attributes:
        exit_code: As container engines tell it: 128 and the signal's number after a signal.
        out_of_memory: Whether it was ended because it used too much memory.
    """

    exit_code: int | None = None
    out_of_memory: bool | None = None


NEVER_RAN = Termination()


@dataclass(frozen=True)
class JobRecord:
    """A job as it stands in the database.

    `termination` is None of a job that ended before networks kept it. `run_began` and `run_ended`
    are when its algorithm started and ended; `queue_until` is when it gives up waiting.
    """

    job_id: str
    owner: str
    agreement_id: str
    algorithm_did: str
    input_dids: tuple[str, ...]
    status: JobStage
    stop_request: int
    removed: int
    created: float
    finished: float | None
    result_paths: tuple[str, ...]
    log_path: str | None
    token: str
    termination: Termination | None
    details: dict[str, Any]
    run_began: float | None
    run_ended: float | None
    queue_until: float | None
    request_json: str = field(repr=False, compare=False)

    @property
    def request(self) -> JobRequest:
        """What the job was asked to do; only of a job that `JobStore.get` returned."""
        return JobRequest.from_json(self.request_json)

    @property
    def image(self) -> str:
        """The algorithm's image: with its digest once it was pulled, else as it was asked for."""
        return str(self.details.get(_IMAGE) or self.request.algorithm.image)

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.finished is not None


def with_image(details: str | None, image: str) -> str:
    """Return a job's details, as they are kept, with the image that it uses."""
    return json.dumps({**json.loads(details or "{}"), _IMAGE: image})


def job_of(row: sqlite3.Row) -> JobRecord:
    """Read a job from its row."""
    kept = row["termination"]
    if row["finished"] is None:
        termination: Termination | None = NEVER_RAN
    else:
        termination = Termination(**json.loads(kept)) if kept else None
    return JobRecord(
        job_id=row["job_id"],
        owner=row["owner"],
        agreement_id=row["agreement_id"],
        algorithm_did=row["algorithm_did"],
        input_dids=tuple(json.loads(row["input_dids"])),
        status=JobStage(row["status"]),
        stop_request=row["stop_request"],
        removed=row["removed"],
        created=row["created"],
        finished=row["finished"],
        result_paths=tuple(json.loads(row["result_paths"] or "[]")),
        log_path=row["log_path"],
        token=row["token"],
        termination=termination,
        details=json.loads(row["details"] or "{}"),
        run_began=row["run_began"],
        run_ended=row["run_ended"],
        queue_until=row["queue_until"],
        request_json=row["request"],
    )
