"""What a node locked in the escrow for a start that it then refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timezone

from ocean_lib.backends.node.ledger import Ledger
from ocean_lib.backends.node.terms import Terms
from ocean_lib.exceptions import OceanError, ProviderError, add_to_message
from ocean_lib.jobs.prices import EscrowLock
from ocean_lib.jobs.view import Job
from ocean_lib.models.amounts import in_tokens


def tell_lock(
    error: ProviderError,
    owner: str,
    ledger_of: Callable[[], Ledger],
    terms_of: Callable[[], Terms],
    jobs_of: Callable[[], Iterable[Job]],
) -> None:
    """Say with a refusal what is locked for it: a lock that belongs to none of the wallet's jobs.

    A node locks the price before it looks for the image (recorded in
    tests/vectors/ocean-node/48-paid-image-not-found-locks-money.json).

    Args:
        error: why the start was refused; gets the lock.
        owner: whose money.
        ledger_of: opens the chain.
        terms_of: asks the node what the job costs, and where.
        jobs_of: lists the wallet's jobs.
    """
    try:
        ledger = ledger_of()
        price = ledger.price(terms_of(), owner, 0)
        locks = [lock for lock in ledger.locks(price, owner) if not lock.is_expired]
        known = {_number(job.raw.get("jobIdHash")) for job in jobs_of()} if locks else set()
    except OceanError as failure:
        add_to_message(
            error,
            "The node may have locked the price in the escrow before, which gives it back when the "
            f"lock ends; whether it did could not be read: {failure.what}",
        )
        return
    lost = [lock for lock in locks if _number(lock.job_hash) not in known]
    if lost:
        error.lock = max(lost, key=lambda lock: lock.expires_s)
        add_to_message(error, _told(error.lock, price.escrow))


def _told(lock: EscrowLock, escrow: str) -> str:
    ends = datetime.fromtimestamp(lock.expires_s, timezone.utc)
    return (
        f"The node had locked the price before: {in_tokens(lock.amount)} of {lock.token} stay "
        f"locked in the escrow {escrow} until {ends:%Y-%m-%d %H:%M:%S} UTC; after that the "
        "escrow's cancelExpiredLocks gives them back."
    )


def _number(said: object) -> int | None:
    """Return the number of a job, as its hash says it."""
    try:
        return int(str(said), 16)
    except ValueError:
        return None
