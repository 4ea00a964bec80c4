"""What an Ocean Node takes besides datatokens: the price of the place to run, and its escrow."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ocean_lib.models.amounts import in_tokens

DISPENSER, FIXED_RATE = "dispenser", "fixed rate"
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class TokenSource:
    """Where a datatoken comes from that the wallet lacks.

    Attributes:
        kind: `dispenser`, which gives it away, or `fixed rate`, which sells it.
        contract: the address of that contract.
        exchange_id: of a fixed rate; '' for a dispenser.
        token: the address of the token to pay in; '' where it is given away.
        price: of one datatoken, in whole tokens.
    """

    kind: str
    contract: str
    exchange_id: str = ""
    token: str = ""
    price: Decimal = _NOTHING

    @property
    def words(self) -> str:
        """Where it comes from, in words."""
        if self.kind == DISPENSER:
            return f"a dispenser gives the datatoken away ({self.contract})"
        return f"the datatoken is sold for {in_tokens(self.price)} of {self.token}"


@dataclass(frozen=True)
class ComputePrice:
    """What a job's place to run costs: the node locks it in the escrow, and takes what was used.

    Attributes:
        token: the address of the token to pay in.
        amount: the most that the job costs, in whole tokens; what is not used comes back.
        duration_s: how long the job may run for that.
        chain_id: where it is paid.
        escrow: the address of the escrow.
        payee: who may lock and take the money: the node.
        lock_s: for how long it is locked at most.
        in_escrow: what the wallet has in the escrow, not locked, in whole tokens.
        max_amount: how much the payee may lock in all, in whole tokens; 0 where nothing is allowed.
        locked: how much of that it has locked now.
        max_lock_s: for how long it may lock.
        max_locks: how many locks it may have at the same time.
        locks: how many it has now.
    """

    token: str
    amount: Decimal
    duration_s: int
    chain_id: int
    escrow: str
    payee: str
    lock_s: int
    in_escrow: Decimal = _NOTHING
    max_amount: Decimal = _NOTHING
    locked: Decimal = _NOTHING
    max_lock_s: int = 0
    max_locks: int = 0
    locks: int = 0

    @property
    def to_deposit(self) -> Decimal:
        """What has to be deposited in the escrow, in whole tokens."""
        return max(_NOTHING, self.amount - self.in_escrow)

    @property
    def lacks(self) -> dict[str, Any]:
        """What the authorisation of the payee has too little of, with what is needed."""
        needed: dict[str, tuple[Any, Any]] = {
            "amount": (self.locked + self.amount, self.max_amount),
            "lock_seconds": (self.lock_s, self.max_lock_s),
            "lock_count": (self.locks + 1, self.max_locks),
        }
        return {name: needs for name, (needs, has) in needed.items() if needs > has}

    @property
    def is_ready(self) -> bool:
        """Whether the node can lock the price at once."""
        return not self.to_deposit and not self.lacks

    @property
    def words(self) -> str:
        """The price in one line."""
        state = [f"{in_tokens(self.in_escrow)} in the escrow {self.escrow}"]
        if self.to_deposit:
            state.append(f"{in_tokens(self.to_deposit)} to deposit")
        if self.lacks:
            state.append(f"{self.payee} to be authorised ({', '.join(self.lacks)})")
        return (
            f"computing: at most {in_tokens(self.amount)} of {self.token} for {self.duration_s} s; "
            f"{', '.join(state)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the price as a dict for JSON; amounts are texts, in whole tokens."""
        amounts = ("amount", "in_escrow", "max_amount", "locked")
        return {
            **{name: value for name, value in vars(self).items() if name not in amounts},
            **{name: in_tokens(getattr(self, name)) for name in amounts},
            "to_deposit": in_tokens(self.to_deposit),
            "lacks": {
                name: in_tokens(value) if isinstance(value, Decimal) else value
                for name, value in self.lacks.items()
            },
        }


@dataclass(frozen=True)
class EscrowLock:
    """What a node has locked for one job, and not settled yet.

    Attributes:
        token: the token's address.
        payee: the consumer address of the node's environment.
        amount: in whole tokens.
        job_hash: the job's `jobIdHash`, `0x` and 64 hex digits.
        expires_s: until when the node can take it, in epoch seconds.
        is_expired: whether it can be cancelled, by the chain's clock.
    """

    token: str
    payee: str
    amount: Decimal
    job_hash: str
    expires_s: int
    is_expired: bool
