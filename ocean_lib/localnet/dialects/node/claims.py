"""When jobs are settled, and how: in a pass a minute after the node's start, and then each hour."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ocean_lib.localnet.dialects.node.environments import Environments, prices_of
from ocean_lib.localnet.dialects.node.escrow import Claim, Escrow, Lock
from ocean_lib.localnet.dialects.node.jobs import SETTLED_STAGES, job_document
from ocean_lib.localnet.dialects.node.node_key import compact
from ocean_lib.localnet.dialects.node.payments import CHAIN_FAULTS, Payments, cost_of
from ocean_lib.localnet.dialects.node.starting import number_of
from ocean_lib.localnet.dialects.node.wire import Refused
from ocean_lib.localnet.jobs.records import JobRecord
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.state.database import Database

_NAME = "claims"
_NO_LOCK = "nolock"
_POLL_S = 0.5
_JOIN_S = 30.0
_log = logging.getLogger(__name__)


class ClaimPasses:
    """Tells when the last pass was, also if that was before a restart.

    Args:
        database: Keeps it.
        clock: Tells the time in seconds since the epoch.
        first_s: How long after the start the first one is.
        every_s: How long after each one the next is.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.time,
        *,
        first_s: float = 60.0,
        every_s: float = 3600.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._first = clock() + first_s
        self._every_s = every_s

    def last(self) -> float:
        """Return when the last pass was; 0 if there was none."""
        rows = self._database.rows("SELECT block FROM sync WHERE name = ?", (_NAME,))
        kept = rows[0]["block"] / 1000 if rows else 0.0
        now = self._clock()
        if now < self._first:
            return float(kept)
        last = now - (now - self._first) % self._every_s
        if last > kept + min(1, self._every_s / 2):
            self._keep(last)
        return last

    def _keep(self, moment: float) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sync (name, block) VALUES (?, ?)",
                (_NAME, int(moment * 1000)),
            )


@dataclass(frozen=True)
class Due:
    """What is to be done about locks: claim them, or give them back."""

    claims: Sequence[Claim]
    expired: Sequence[Lock]


class Settlement:
    """Claims what ended jobs cost, and gives back what has expired.

    Args:
        jobs: The jobs.
        payments: Their locks.
        environments: Where they ran, and for how much.
        resume: Is given the jobs whose start was cut off, and whose money is locked.
    """

    def __init__(
        self,
        jobs: JobStore,
        payments: Payments,
        environments: Environments,
        resume: Callable[[JobRecord], None],
    ) -> None:
        self._jobs = jobs
        self._payments = payments
        self._environments = environments
        self._resume = resume

    @property
    def _escrow(self) -> Escrow:
        return self._payments.escrow

    def run(self) -> None:
        """Make one pass."""
        for job in self._payments.recover():
            self._resume(job)
        open_locks = self._payments.open()
        locks = self._escrow.locks()
        due = self._due(open_locks, locks)
        for claim, transaction in self._done(self._escrow.claim, due.claims):
            self._payments.note_end(open_locks[claim.lock.number], transaction, claim.amount)
        for lock, transaction in self._done(self._escrow.cancel, due.expired):
            if lock.number in open_locks:
                self._payments.note_end(open_locks[lock.number], transaction, None)
        self._find_ended({n: j for n, j in open_locks.items() if n not in locks})

    def _due(self, open_locks: dict[int, str], locks: dict[int, Lock]) -> Due:
        """Tell what to claim and what to give back; also locks of jobs that nobody knows."""
        now = int(time.time())
        expired = [lock for lock in locks.values() if now > lock.expiry]
        claims = []
        for number, job_id in open_locks.items():
            lock = locks.get(number)
            found = self._jobs.select("", job_id)
            if lock is None or lock in expired or not found:
                continue
            if found[0].ended and found[0].status in SETTLED_STAGES:
                claims += self._claims(found[0], lock)
        return Due(claims, expired)

    def _claims(self, job: JobRecord, lock: Lock) -> list[Claim]:
        """Tell what a job cost: how long it ran, with the least and the most that it may cost."""
        asked = {"chainId": self._environments.chain_id, "token": lock.token}
        try:
            environment = self._environments.named(str(job.details.get("environment")), [])
            prices = prices_of(environment, asked)
        except Refused:  # the node was started again with other environments
            _log.warning("job %s has no price any more: its money is given back", job.job_id)
            return []
        ran_s = 0.0
        if job.run_began is not None and job.run_ended is not None:
            ran_s = abs(job.run_ended - job.run_began)
        most = number_of(job.details.get("maxJobDuration")) or ran_s
        seconds = max(min(ran_s, most), environment["minJobDuration"])
        cost = cost_of(job.details["resources"], prices, seconds)
        amount = min(self._payments.in_units(cost, lock.token), lock.amount)
        paid = self._payments.documents([job.job_id])[job.job_id]
        proof = job_document(job, settled_before=0.0, results=None, payment=paid)
        return [Claim(lock, amount, compact(proof))]

    def _done(self, act: Callable[[Sequence[Any]], list[Any]], wanted: Sequence[Any]) -> list[Any]:
        """Do it for all at once; if that fails for each, so that one does not keep the others."""
        try:
            return act(wanted)
        except CHAIN_FAULTS:
            done = []
            for one in wanted:
                try:
                    done += act([one])
                except CHAIN_FAULTS as error:
                    _log.warning("a lock is left to the next pass: %s", error)
            return done

    def _find_ended(self, gone: dict[int, str]) -> None:
        """Note how locks ended that are no more: a kill came before that was noted."""
        if not gone:
            return
        ended = self._escrow.ended()
        for number, job_id in gone.items():
            found = self._jobs.select("", job_id)
            if number in ended:
                self._payments.note_end(job_id, ended[number].transaction, ended[number].amount)
            elif found and found[0].ended:
                self._payments.note(job_id, claim_tx=_NO_LOCK, cancel_tx=_NO_LOCK)


class Settling:
    """Makes the passes, in a thread of its own.

    Args:
        passes: Tells when.
        run: Makes one.
    """

    def __init__(self, passes: ClaimPasses, run: Callable[[], None]) -> None:
        self._passes = passes
        self._run = run
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="localnet-claims", daemon=True)

    def start(self) -> None:
        """Begin to make them."""
        self._thread.start()

    def close(self) -> None:
        """Let the pass that is being made come to its end, and make no more."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def _work(self) -> None:
        done = self._passes.last()
        while not self._closing.wait(_POLL_S):
            last = self._passes.last()
            if last <= done:
                continue
            done = last
            try:
                self._run()
            except Exception:  # noqa: BLE001 (the next pass tries again)
                _log.exception("a claim pass failed")
