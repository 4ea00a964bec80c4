"""The chain's disk: py-evm's key-value pairs and the logs, in one SQLite file.

A block is written by one call, in one SQLite transaction: after a ``kill -9`` the file holds
either all of it or nothing. WAL with ``synchronous=NORMAL`` keeps what was acknowledged through
the death of the process; a power failure may take the last blocks, never half of one.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA_VERSION = 1
_WAIT_FOR_FILE_S = 1.0
"""How long to wait for a process that is just ending."""
_SCHEMA = """
CREATE TABLE kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE logs (
    block_number INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    block_hash BLOB NOT NULL,
    tx_hash BLOB NOT NULL,
    address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX logs_by_block ON logs (block_number, log_index);
CREATE INDEX logs_by_address ON logs (address, block_number);
CREATE INDEX logs_by_topic0 ON logs (topic0, block_number);
"""
_LOG_COLUMNS = (
    "block_number, log_index, block_hash, tx_hash, address, topic0, topic1, topic2, topic3, data"
)
_INSERT_LOG = f"INSERT INTO logs ({_LOG_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (constants)


class StoreClosedError(Exception):
    """The store was used after it was closed."""


class ChainUnusableError(RuntimeError):
    """The file is not a chain, or another process has it open."""


@dataclass(frozen=True)
class StoredLog:
    """One event that a contract emitted."""

    block_number: int
    log_index: int
    block_hash: bytes
    tx_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes

    def as_row(self) -> tuple[Any, ...]:
        """Build the row of the logs table."""
        topics = (*self.topics, *(None,) * (4 - len(self.topics)))
        place = (self.block_number, self.log_index, self.block_hash, self.tx_hash)
        return (*place, self.address, *topics, self.data)


@dataclass(frozen=True)
class LogQuery:
    """Which logs to find; an empty ``addresses`` or topic position stands for any."""

    from_block: int
    to_block: int
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()


class ChainStore:
    """Key-value pairs as py-evm reads them, and logs; safe to share among threads.

    Args:
        path: The SQLite file, created if it is not there; None keeps everything in memory.

    Raises:
        ChainUnusableError: The file is not a chain's, or is open in another process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = _connect(path)

    def __getitem__(self, key: bytes) -> bytes:
        rows = self._read("SELECT value FROM kv WHERE key = ?", (key,))
        if not rows:
            raise KeyError(key)
        value: bytes = rows[0][0]
        return value

    def __contains__(self, key: bytes) -> bool:
        return bool(self._read("SELECT 1 FROM kv WHERE key = ?", (key,)))

    def write_block(
        self,
        items: Iterable[tuple[bytes, bytes]],
        deleted: Iterable[bytes] = (),
        logs: Iterable[StoredLog] = (),
    ) -> None:
        """Write a block, its state and its logs: all of it, or on any error nothing."""
        with self._lock:
            connection = self._open_connection()
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO kv VALUES (?, ?)", items)
                connection.executemany("DELETE FROM kv WHERE key = ?", ((key,) for key in deleted))
                connection.executemany(_INSERT_LOG, (log.as_row() for log in logs))

    def find_logs(self, query: LogQuery) -> list[StoredLog]:
        """Find logs, in the order in which they were emitted."""
        where, values = _conditions(query)
        rows = self._read(
            f"SELECT {_LOG_COLUMNS} FROM logs WHERE {where} ORDER BY block_number, log_index",  # noqa: S608 (placeholders)
            values,
        )
        return [_log_from_row(row) for row in rows]

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _read(self, sql: str, values: Sequence[Any]) -> list[Any]:
        with self._lock:
            return self._open_connection().execute(sql, values).fetchall()

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreClosedError("the chain is closed")
        return self._connection


def _connect(path: Path | None) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            ":memory:" if path is None else path,
            check_same_thread=False,  # our lock orders the calls
            isolation_level=None,  # transactions begin where we say so
            timeout=_WAIT_FOR_FILE_S,
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise ChainUnusableError(
            f"Opening the chain failed: {path}: {error}. Expected a file written by this network"
            " (or none, in a folder that exists), and open in no other process."
            " Stop that process, or choose another path."
        ) from error
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # One process owns the file until it ends, however it ends.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    _create_or_check_schema(connection)


def _create_or_check_schema(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    with connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version == 0 and tables == 0:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        elif version != _SCHEMA_VERSION:
            raise sqlite3.DatabaseError(
                f"its version is {version}, this network writes version {_SCHEMA_VERSION}"
            )


def _conditions(query: LogQuery) -> tuple[str, list[Any]]:
    conditions = ["block_number BETWEEN ? AND ?"]
    values: list[Any] = [query.from_block, query.to_block]
    columns = [("address", query.addresses)]
    columns += [(f"topic{place}", allowed) for place, allowed in enumerate(query.topics)]
    for column, allowed in columns:
        if allowed:
            conditions.append(f"{column} IN ({', '.join('?' * len(allowed))})")
            values += allowed
    if query.topics:  # a log with fewer topics than positions asked for does not match
        conditions.append(f"topic{len(query.topics) - 1} IS NOT NULL")
    return " AND ".join(conditions), values


def _log_from_row(row: Sequence[Any]) -> StoredLog:
    number, index, block_hash, tx_hash, address, *topics, data = row
    present = tuple(topic for topic in topics if topic is not None)
    return StoredLog(number, index, block_hash, tx_hash, address, present, data)
