"""One SQLite file for what the network must not forget: nonces, assets, jobs, served files."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS nonces (address TEXT PRIMARY KEY, nonce INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sync (name TEXT PRIMARY KEY, block INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS assets (did TEXT PRIMARY KEY, ddo TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    agreement_id TEXT NOT NULL,
    algorithm_did TEXT NOT NULL,
    input_dids TEXT NOT NULL,
    status INTEGER NOT NULL,
    stop_request INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    finished REAL,
    result_paths TEXT,
    log_path TEXT,
    token TEXT NOT NULL,
    request TEXT NOT NULL,
    termination TEXT,
    details TEXT,
    run_began REAL,
    run_ended REAL,
    queue_until REAL
);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, created);
CREATE INDEX IF NOT EXISTS jobs_by_token ON jobs (token);
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (created) WHERE finished IS NULL;
"""

_NEW_COLUMNS = {
    "termination": "TEXT",
    "details": "TEXT",
    "run_began": "REAL",
    "run_ended": "REAL",
    "queue_until": "REAL",
}


class DatabaseUnusable(Exception):
    """The file is not a database, or cannot be opened."""


class Database:
    """A connection that several threads share, one transaction at a time.

    Write-ahead logging with `synchronous=NORMAL` keeps every committed transaction when the
    process is killed at any moment.

    Raises:
        DatabaseUnusable: If the file cannot be opened as what it is.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        # The jobs' requests name files that only the network may know.
        path.touch(mode=0o600)
        try:
            self._connection = _connected(path)
        except sqlite3.Error as error:
            raise DatabaseUnusable(
                f"{path} cannot be opened: {error}. Put a copy of it back, or choose another "
                "folder. Without it the chain is kept, and nonces, assets and jobs are not."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection for one transaction; nested uses join the outer one.

        Yields:
            The connection. Leaving normally commits, leaving with an exception rolls back.
        """
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                self._depth -= 1
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if outermost:
                self._connection.execute("COMMIT")

    def rows(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the connection; committed work stays in the file."""
        with self._lock:
            self._connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_SCHEMA)
        _add_what_is_new(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _add_what_is_new(connection: sqlite3.Connection) -> None:
    """Give the tables of an earlier network the columns that it did not have."""
    columns = {row["name"] for row in connection.execute("PRAGMA table_info(jobs)")}
    for name, kind in _NEW_COLUMNS.items():
        if name not in columns:
            connection.execute(f"ALTER TABLE jobs ADD COLUMN {name} {kind}")
