"""The jobs: what is kept of each, and its stages."""

from __future__ import annotations

import enum
import json
import secrets
import sqlite3
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ocean_lib.localnet.state.database import Database


class JobStage(enum.IntEnum):
    """How far a job is; it ends at 31, 32 or 70. The numbers are kept, and known to `StuckJob`."""

    WARMING_UP = 1
    STARTED = 10
    CONFIGURING = 20
    PROVISIONED = 30
    DATA_FAILED = 31
    ALGORITHM_FAILED = 32
    RUNNING = 40
    FILTERING = 50
    PUBLISHING = 60
    FINISHED = 70


# Without the request, which may be megabytes of code and documents: only running a job needs it.
_LIGHT = (
    "job_id, owner, agreement_id, algorithm_did, input_dids, status, stop_request, removed, "
    "created, finished, result_paths, log_path, token, termination, '' AS request"
)


class StopRequest(enum.IntEnum):
    """Who asked a job to end: nobody, its owner, or the clock."""

    NONE = 0
    OWNER = 1
    TIME_EXCEEDED = 2


@dataclass(frozen=True)
class InputFiles:
    """One input asset of a job: its files' URLs and its DDO."""

    did: str
    urls: tuple[str, ...]
    ddo: dict[str, Any]


@dataclass(frozen=True)
class AlgorithmSource:
    """Where the algorithm comes from, a URL or raw code, and how it is started."""

    did: str
    url: str
    raw_code: str
    entrypoint: str
    image: str


@dataclass(frozen=True)
class JobRequest:
    """A compute request that passed validation."""

    owner: str
    agreement_id: str
    inputs: tuple[InputFiles, ...]
    algorithm: AlgorithmSource
    wall_s: float
    allow_network: bool

    def to_json(self) -> str:
        """Spell the request for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> JobRequest:
        """Read a request from the database."""
        document = json.loads(text)
        inputs = tuple(
            InputFiles(item["did"], tuple(item["urls"]), item["ddo"])
            for item in document.pop("inputs")
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


@dataclass(frozen=True)
class JobRecord:
    """A job as it stands in the database.

    `termination` is None of a job that ended before networks kept it.
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
    request_json: str = field(repr=False, compare=False)

    @property
    def request(self) -> JobRequest:
        """What the job was asked to do; only of a job that `JobStore.get` returned."""
        return JobRequest.from_json(self.request_json)

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.finished is not None


class JobStore:
    """Jobs in the network's database.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, request: JobRequest) -> JobRecord:
        """Add a job in its first state."""
        job_id = uuid.uuid4().hex
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs (job_id, owner, agreement_id, algorithm_did, input_dids, "
                "status, created, token, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job_id,
                    request.owner,
                    request.agreement_id,
                    request.algorithm.did,
                    json.dumps([item.did for item in request.inputs]),
                    JobStage.WARMING_UP,
                    time.time(),
                    secrets.token_hex(32),
                    request.to_json(),
                ),
            )
        return self.get(job_id)

    def get(self, job_id: str) -> JobRecord:
        """Return one job.

        Raises:
            KeyError: If there is no such job.
        """
        rows = self._database.rows("SELECT * FROM jobs WHERE job_id = ?", (job_id,))
        if not rows:
            raise KeyError(job_id)
        return _job(rows[0])

    def by_token(self, token: str) -> JobRecord | None:
        """Return the job whose results are served below `token`, or None."""
        rows = self._database.rows(f"SELECT {_LIGHT} FROM jobs WHERE token = ?", (token,))  # noqa: S608
        return _job(rows[0]) if rows else None

    def select(self, owner: str, job_id: str = "", agreement_id: str = "") -> list[JobRecord]:
        """Return an owner's jobs, all or those with a job id or an order."""
        where, values = "owner = ?", [owner]
        for column, value in (("job_id", job_id), ("agreement_id", agreement_id)):
            if value:
                where += f" AND {column} = ?"
                values.append(value)
        rows = self._database.rows(
            f"SELECT {_LIGHT} FROM jobs WHERE {where} ORDER BY created",  # noqa: S608 (fixed)
            tuple(values),
        )
        return [_job(row) for row in rows]

    def unfinished(self) -> list[JobRecord]:
        """Return the jobs that have not ended, oldest first."""
        rows = self._database.rows(
            f"SELECT {_LIGHT} FROM jobs WHERE finished IS NULL ORDER BY created"  # noqa: S608
        )
        return [_job(row) for row in rows]

    def ended(self) -> list[tuple[str, float]]:
        """Return the ids of the jobs that have ended, and when they did."""
        rows = self._database.rows("SELECT job_id, finished FROM jobs WHERE finished IS NOT NULL")
        return [(row["job_id"], row["finished"]) for row in rows]

    def removed(self) -> list[str]:
        """Return the ids of the jobs that have ended and that their owner deleted."""
        rows = self._database.rows(
            "SELECT job_id FROM jobs WHERE removed = 1 AND finished IS NOT NULL"
        )
        return [row["job_id"] for row in rows]

    def is_removed(self, job_id: str) -> bool:
        """Tell whether its owner deleted a job."""
        rows = self._database.rows("SELECT 1 FROM jobs WHERE job_id = ? AND removed = 1", (job_id,))
        return bool(rows)

    def count_unfinished(self) -> int:
        """Return how many jobs have not ended."""
        rows = self._database.rows("SELECT COUNT(*) AS n FROM jobs WHERE finished IS NULL")
        return int(rows[0]["n"])

    def advance(self, job_id: str, status: JobStage) -> None:
        """Move a job to another state, unless it has ended."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = ? WHERE job_id = ? AND finished IS NULL",
                (status, job_id),
            )

    def finish(
        self,
        job_id: str,
        status: JobStage,
        *,
        results: Sequence[PurePosixPath] = (),
        log_path: str | None = None,
        time_exceeded: bool = False,
        termination: Termination = Termination(),
    ) -> None:
        """End a job, once: with its results, its log, its algorithm's end, and if time was up.

        Its request is forgotten: nobody runs it again. Results of a deleted job are not named.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = ?, finished = ?, log_path = ?, request = '', "
                "termination = ?, "
                "result_paths = CASE WHEN removed THEN NULL ELSE ? END, "
                "stop_request = CASE WHEN ? AND stop_request = 0 THEN ? ELSE stop_request END "
                "WHERE job_id = ? AND finished IS NULL",
                (
                    status,
                    time.time(),
                    log_path,
                    json.dumps(asdict(termination)),
                    json.dumps([str(path) for path in results]),
                    time_exceeded,
                    StopRequest.TIME_EXCEEDED,
                    job_id,
                ),
            )

    def request_stop(self, jobs: Sequence[JobRecord]) -> list[JobRecord]:
        """Note that the owner wants these jobs to end, even ended ones, and return them.

        The returned jobs still have the stage from before.
        """
        with self._database.transaction() as connection:
            for job in jobs:
                connection.execute(
                    "UPDATE jobs SET stop_request = ? WHERE job_id = ?",
                    (StopRequest.OWNER, job.job_id),
                )
            return [found for job in jobs for found in self.select(job.owner, job.job_id)]

    def mark_removed(self, jobs: Sequence[JobRecord]) -> None:
        """Note that the owner deleted these jobs; their results are no longer named."""
        with self._database.transaction() as connection:
            for job in jobs:
                connection.execute(
                    "UPDATE jobs SET removed = 1, result_paths = NULL WHERE job_id = ?",
                    (job.job_id,),
                )


def _job(row: sqlite3.Row) -> JobRecord:
    kept = row["termination"]
    if row["finished"] is None:
        termination: Termination | None = Termination()
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
        request_json=row["request"],
    )
