"""What jobs pay, and that no lock is forgotten: each is noted before it is made.

A kill between the note and the job loses nothing: the next start finds the lock on the chain by
the hash of the job's id, and the job begins then.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ocean_lib.localnet.chain import ChainUnreachableError, RpcError
from ocean_lib.localnet.chain.transactions import TransactionError
from ocean_lib.localnet.dialects.node.escrow import Escrow, lock_id
from ocean_lib.localnet.jobs.records import JobRecord, JobRequest
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.state.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS locks (
    job_id TEXT PRIMARY KEY, payer TEXT NOT NULL, token TEXT NOT NULL, amount TEXT NOT NULL,
    expires REAL NOT NULL, request TEXT, lock_tx TEXT, claim_tx TEXT, cancel_tx TEXT,
    cost TEXT NOT NULL DEFAULT '0'
)
"""
CLAIM_S = 3600
"""How much longer than a job may take its money is locked, so that the node can claim it."""
_MANY = 500
CHAIN_FAULTS = (RpcError, TransactionError, ChainUnreachableError)


class CannotPay(Exception):
    """A lock that the chain refused; the text is the chain's."""


@dataclass(frozen=True)
class Payment:
    """What a start wants to pay.

    Attributes:
        payer: Whose money it is.
        token: In which token.
        amount: The most that the job can cost, in the token's smallest unit.
        seconds: How long it is locked.
    """

    payer: str
    token: str
    amount: int
    seconds: int


def cost_of(
    resources: Sequence[dict[str, Any]], prices: Sequence[dict[str, Any]], seconds: float
) -> Decimal:
    """Return what resources cost for some seconds; a minute that was begun counts whole."""
    by_name = {one["id"]: Decimal(str(one["price"])) for one in reversed(prices)}
    each = (by_name.get(one["id"], Decimal(0)) * Decimal(str(one["amount"])) for one in resources)
    return sum(each, Decimal(0)) * math.ceil(seconds / 60)


class Payments:
    """The locks of this node's jobs, kept in the database.

    Args:
        database: Where.
        escrow: Holds the money.
        jobs: The jobs.
        chain_id: The chain of all payments.
    """

    def __init__(
        self, database: Database, escrow: Escrow, jobs: JobStore, *, chain_id: int
    ) -> None:
        self._database = database
        self.escrow = escrow
        self._jobs = jobs
        self._chain_id = chain_id
        self._lock = threading.Lock()
        self._starting: set[str] = set()
        with database.transaction() as connection:
            connection.execute(_TABLE)

    def in_units(self, cost: Decimal, token: str) -> int:
        """Return an amount in a token's smallest unit."""
        return int((cost * 10 ** self.escrow.decimals(token)).to_integral_value())

    def lock(self, job_id: str, request: JobRequest, payment: Payment) -> None:
        """Lock a job's money: first the note with all that the job needs, then the transaction.

        Raises:
            CannotPay: If the chain refuses. What came onto it all the same is given back when it
                has expired, as any lock that nobody knows.
        """
        with self._lock:
            self._starting.add(job_id)
        seconds = payment.seconds
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO locks (job_id, payer, token, amount, expires, request) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(job_id, payment.payer, payment.token, str(payment.amount)),
                    *(time.time() + seconds, request.to_json()),
                ),
            )
        try:
            number, amount = lock_id(job_id), payment.amount
            made = self.escrow.lock(number, payment.payer, payment.token, amount, seconds)
        except CHAIN_FAULTS as error:
            self._forget(job_id)
            self._started(job_id)
            raise CannotPay(str(error)) from error
        self.note(job_id, lock_tx=made)

    def create(self, job_id: str, request: JobRequest) -> JobRecord:
        """Make the job whose money is locked."""
        with self._database.transaction():
            job = self._jobs.create(request, job_id)
            self.note(job_id, request=None)
        self._started(job_id)
        return job

    def give_up(self, job_id: str) -> None:
        """Make no job of a lock: its money comes back when it has expired."""
        self.note(job_id, request=None)
        self._started(job_id)

    def recover(self) -> list[JobRecord]:
        """Make the jobs whose money was locked when a start was cut off, and return them."""
        rows = self._database.rows("SELECT * FROM locks WHERE request IS NOT NULL")
        with self._lock:
            rows = [row for row in rows if row["job_id"] not in self._starting]
        if not rows:
            return []
        locks, made = self.escrow.locks(), []
        for row in rows:
            number = lock_id(row["job_id"])
            if number in locks:
                self.note(row["job_id"], lock_tx=self.escrow.transactions()[number])
                made.append(self.create(row["job_id"], JobRequest.from_json(row["request"])))
            elif row["expires"] < time.time():  # it never came onto the chain
                self._forget(row["job_id"])
        return made

    def open(self) -> dict[int, str]:
        """Return the ids of the jobs whose lock has not ended, by their numbers on the chain.

        Without those that are being made: of all others the lock was on the chain before.
        """
        rows = self._rows("WHERE request IS NULL AND claim_tx IS NULL AND cancel_tx IS NULL")
        return {lock_id(row["job_id"]): row["job_id"] for row in rows}

    def note(self, job_id: str, **columns: str | None) -> None:
        """Note something of a lock."""
        names = ", ".join(f"{name} = ?" for name in columns)
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE locks SET {names} WHERE job_id = ?",  # noqa: S608 (our own names)
                (*columns.values(), job_id),
            )

    def note_end(self, job_id: str, transaction: str, amount: int | None) -> None:
        """Note how a lock ended: what was taken, or that it was given back."""
        if amount is None:
            self.note(job_id, cancel_tx=transaction)
            return
        token = str(self._rows("WHERE job_id = ?", job_id)[0]["token"])
        cost = Decimal(amount) / 10 ** self.escrow.decimals(token)
        self.note(job_id, claim_tx=transaction, cost=format(cost, "f"))

    def documents(self, job_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Build the `payment` of each paid one of these jobs, by their ids."""
        asked = set(job_ids)
        if len(asked) > _MANY:  # more than a statement takes
            rows = [row for row in self._rows("") if row["job_id"] in asked]
        else:
            marks = ", ".join("?" for _ in asked)
            rows = self._rows(f"WHERE job_id IN ({marks})", *asked)
        return {row["job_id"]: self._document(row) for row in rows}

    def _document(self, row: sqlite3.Row) -> dict[str, Any]:
        cost = Decimal(row["cost"])
        return {
            "chainId": self._chain_id,
            "token": row["token"],
            "lockTx": row["lock_tx"],
            "claimTx": row["claim_tx"],
            "cancelTx": row["cancel_tx"],
            "cost": int(cost) if cost == cost.to_integral_value() else float(cost),
        }

    def _rows(self, where: str, *values: object) -> list[sqlite3.Row]:
        return self._database.rows(f"SELECT * FROM locks {where}", values)  # noqa: S608

    def _forget(self, job_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM locks WHERE job_id = ?", (job_id,))

    def _started(self, job_id: str) -> None:
        with self._lock:
            self._starting.discard(job_id)
