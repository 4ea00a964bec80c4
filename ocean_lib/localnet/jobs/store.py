"""The jobs in the network's database."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePosixPath

from ocean_lib.localnet.jobs.records import (
    NEVER_RAN,
    JobRecord,
    JobRequest,
    JobStage,
    StopRequest,
    Termination,
    job_of,
    with_image,
)
from ocean_lib.localnet.state.database import Database

# Without the request, which may be megabytes of code and documents: only running a job needs it.
_LIGHT = (
    "job_id, owner, agreement_id, algorithm_did, input_dids, status, stop_request, removed, "
    "created, finished, result_paths, log_path, token, termination, details, run_began, run_ended, "
    "queue_until, '' AS request"
)


class JobStore:
    """Jobs in the network's database.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, request: JobRequest, job_id: str = "") -> JobRecord:
        """Add a job in its first state.

        Args:
            request: What it is to do.
            job_id: Hexadecimal digits, never used before; empty for 32 random ones.
        """
        job_id = job_id or uuid.uuid4().hex
        now = time.time()
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs (job_id, owner, agreement_id, algorithm_did, input_dids, "
                "status, created, token, request, details, queue_until) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job_id,
                    request.owner,
                    request.agreement_id,
                    request.algorithm.did,
                    json.dumps([item.did for item in request.inputs]),
                    JobStage.WARMING_UP,
                    now,
                    secrets.token_hex(32),
                    request.to_json(),
                    json.dumps(request.details),
                    None if request.queue_s is None else now + request.queue_s,
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
        return job_of(rows[0])

    def by_token(self, token: str) -> JobRecord | None:
        """Return the job whose results are served below `token`, or None."""
        rows = self._database.rows(f"SELECT {_LIGHT} FROM jobs WHERE token = ?", (token,))  # noqa: S608
        return job_of(rows[0]) if rows else None

    def select(self, owner: str, job_id: str = "", agreement_id: str = "") -> list[JobRecord]:
        """Return an owner's jobs, all or those with a job id or an order; '' for any owner."""
        asked = {"owner": owner, "job_id": job_id, "agreement_id": agreement_id}
        given = {column: value for column, value in asked.items() if value}
        where = " AND ".join(f"{column} = ?" for column in given) or "TRUE"
        rows = self._database.rows(
            f"SELECT {_LIGHT} FROM jobs WHERE {where} ORDER BY created",  # noqa: S608 (fixed)
            tuple(given.values()),
        )
        return [job_of(row) for row in rows]

    def unfinished(self) -> list[JobRecord]:
        """Return the jobs that have not ended, oldest first."""
        rows = self._database.rows(
            f"SELECT {_LIGHT} FROM jobs WHERE finished IS NULL ORDER BY created"  # noqa: S608
        )
        return [job_of(row) for row in rows]

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

    def note_run(self, job_id: str, *, ended: bool = False) -> None:
        """Note that a job's algorithm starts now, or has ended."""
        column = "run_ended" if ended else "run_began"
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE jobs SET {column} = ? WHERE job_id = ?",  # noqa: S608 (one of two)
                (time.time(), job_id),
            )

    def note_image(self, job_id: str, image: str) -> JobRecord:
        """Note the image that a job uses, with its digest, and return the job."""
        with self._database.transaction() as connection:
            (row,) = self._database.rows("SELECT details FROM jobs WHERE job_id = ?", (job_id,))
            connection.execute(
                "UPDATE jobs SET details = ? WHERE job_id = ?",
                (with_image(row["details"], image), job_id),
            )
            return self.get(job_id)

    def finish(
        self,
        job_id: str,
        status: JobStage,
        *,
        results: Sequence[PurePosixPath] = (),
        log_path: str | None = None,
        time_exceeded: bool = False,
        termination: Termination = NEVER_RAN,
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
