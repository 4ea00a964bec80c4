"""The escrow of a node's generation: what is deposited there, allowed, and locked for jobs.

A payer deposits tokens and authorises a payee, a node's environment. When a paid job starts, the
node locks its price; when it has ended, the node takes what was used, and the rest comes back. A
lock that the node has not claimed when it expires can be cancelled by anybody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ocean_lib.backends.node.abis import FOLDER
from ocean_lib.backends.node.tokens import Token, allowing
from ocean_lib.checks import check_address
from ocean_lib.exceptions import (
    ChainError,
    InsufficientBalance,
    MalformedResponse,
    VerifyTxFailed,
)
from ocean_lib.jobs.prices import EscrowLock
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.signer import signer_address
from ocean_lib.web3_internal.transactions import wait_for_receipt

logger = logging.getLogger(__name__)

_WORD = 32
_LOCK_FIELDS = ("jobId", "payer", "amount", "expiry", "token")
"""Of ocean-contracts 2.7; from 2.8 on, fields follow (when the lock was made)."""
_ALL = "0x" + "00" * 20


@dataclass(frozen=True)
class Funds:
    """What a payer has of a token in the escrow, in the token's smallest unit.

    Attributes:
        available: can be locked or withdrawn.
        locked: belongs to jobs that have not been settled.
    """

    available: int
    locked: int


@dataclass(frozen=True)
class Allowed:
    """What a payee may lock of a payer's deposit; amounts in the token's smallest unit.

    Attributes:
        payee: the node's environment.
        max_amount: how much it may have locked in all.
        locked: how much it has locked now.
        max_lock_s: for how long it may lock.
        max_locks: how many locks it may have at the same time.
        locks: how many it has now.
    """

    payee: str
    max_amount: int
    locked: int
    max_lock_s: int
    max_locks: int
    locks: int


@dataclass(frozen=True)
class Locked:
    """What a payee has locked for one job.

    Attributes:
        job_number: the job's `jobIdHash`, as a number.
        payer: whose money.
        payee: who may take it.
        token: the address of the token.
        amount: in the token's smallest unit.
        expires_s: until when the payee can take it, in epoch seconds; then it can be cancelled.
    """

    job_number: int
    payer: str
    payee: str
    token: str
    amount: int
    expires_s: int

    def is_expired(self, now_s: float) -> bool:
        """Tell whether it can be cancelled at a time, in epoch seconds by the chain's clock."""
        return now_s > self.expires_s

    def told(self, amount: Decimal, now_s: float) -> EscrowLock:
        """Return it for users, with its amount in whole tokens."""
        expires_s, job_hash = self.expires_s, f"0x{self.job_number:064x}"
        is_expired = self.is_expired(now_s)
        return EscrowLock(self.token, self.payee, amount, job_hash, expires_s, is_expired)


class EscrowContract(ContractBase):
    """The escrow; amounts are whole numbers, in the token's smallest unit."""

    CONTRACT_NAME = "Escrow"
    ABI_PATH = str(FOLDER)

    def funds(self, payer: str, token: str) -> Funds:
        """Return what a payer has of a token here."""
        available, locked = self._call("getUserFunds", check_address(payer), check_address(token))
        return Funds(int(available), int(locked))

    def tokens(self, payer: str) -> list[str]:
        """Return the addresses of the tokens that a payer has or had here.

        The contract's own list leaves a token out once all that is not locked was withdrawn. So the
        deposits are looked for, too; where the chain's node does not search so many blocks, that is
        logged, and the contract's list is all.
        """
        who = check_address(payer)
        found = [*self._call("getUserTokens", who)]
        try:
            deposits = self.get_event_logs("Deposit", {"payer": who})
            found += [log["args"]["token"] for log in deposits]
        except ChainError as error:
            logger.warning("%s may have locks in tokens that are not listed: %s", who, error)
        return [*dict.fromkeys(map(check_address, found))]

    def allowed(self, payer: str, token: str, payee: str = "") -> list[Allowed]:
        """Return what payees may lock of a payer's deposit.

        Args:
            payer: whose deposit.
            token: of which token.
            payee: only this one; '': all.
        """
        who = check_address(payee) if payee else _ALL
        found = self._call("getAuthorizations", check_address(token), check_address(payer), who)
        return [Allowed(check_address(one[0]), *map(int, one[1:])) for one in found]

    def locks(self, payer: str, token: str, payee: str) -> list[Locked]:
        """Return what a payee has locked of a payer's deposit, and not claimed yet.

        Raises:
            MalformedResponse: the contract answers something else.
        """
        arguments = (check_address(token), check_address(payer), check_address(payee))
        call: Any = {"to": self.address, "data": self._encode(self.web3, "getLocks", arguments)}
        with chain_errors(f"read getLocks of {self}"):
            answer = bytes(self.web3.eth.call(call))
        return [
            Locked(one["jobId"], one["payer"], arguments[2], one["token"], *_terms(one))
            for one in _read_locks(answer)
            # The contract also lists what the payee has locked of others.
            if (one["token"], one["payer"]) == arguments[:2]
        ]

    def deposit(self, token: str, amount: int, wallet: AnyWallet) -> str:
        """Put tokens of a wallet here: allows it first where that is needed.

        Returns:
            The transaction's hash.

        Raises:
            InsufficientBalance: the wallet has fewer tokens; nothing was sent.
            TransactionFailed: refused or reverted.
            VerifyTxFailed: it was sent, and something else was deposited.
        """
        at = check_address(token)
        with allowing(wallet, self.address, {at: amount}, self.web3, **self.limits):
            tx = self.send_transaction("deposit", (at, amount), wallet)
        self._verify(tx, "Deposit", signer_address(wallet), at, amount)
        return tx

    def withdraw(self, token: str, amount: int, wallet: AnyWallet) -> str:
        """Take tokens back that are not locked.

        Returns:
            The transaction's hash.

        Raises:
            InsufficientBalance: fewer are available; nothing was sent.
            TransactionFailed: refused or reverted.
            VerifyTxFailed: it was sent, and something else was withdrawn.
        """
        at, payer = check_address(token), signer_address(wallet)
        funds = self.funds(payer, at)
        if amount > funds.available:
            shown = Token(at, web3=self.web3).shown
            raise InsufficientBalance(
                f"{payer} has {shown(funds.available)} of token {at} available in {self}, and "
                f"{shown(funds.locked)} locked, and would withdraw {shown(amount)}. Nothing was "
                "sent. What is locked comes back when its job is settled, or its lock expires."
            )
        tx = self.send_transaction("withdraw", ([at], [amount]), wallet)
        self._verify(tx, "Withdraw", payer, at, amount)
        return tx

    def authorize(self, token: str, wanted: Allowed, wallet: AnyWallet) -> str:
        """Let a payee lock a wallet's deposit, within limits that take the place of earlier ones.

        Args:
            token: of which token.
            wanted: payee and limits; what is locked now does not count.
            wallet: whose deposit.

        Returns:
            The transaction's hash; '' if these are its limits already, and nothing was sent.

        Raises:
            TransactionFailed: refused or reverted.
            VerifyTxFailed: it was sent, and the limits are others.
        """
        payer, at = signer_address(wallet), check_address(token)
        if _limits(wanted) in map(_limits, self.allowed(payer, at, wanted.payee)):
            return ""
        payee = check_address(wanted.payee)
        tx = self.send_transaction("authorize", (at, payee, *_limits(wanted)), wallet)
        # Read, and not by its event: that has another argument from ocean-contracts 2.8 on.
        if _limits(wanted) not in map(_limits, self.allowed(payer, at, payee)):
            raise VerifyTxFailed(
                f"Transaction {tx} should have set what {payee} may lock of {payer}'s deposit in "
                f"{self}, and other limits are set. Another program may have changed them."
            )
        return tx

    def cancel_expired(self, locks: Sequence[Locked], wallet: AnyWallet) -> list[str]:
        """Give back to the payers what is locked and has expired.

        Args:
            locks: those to cancel; what the payee claims meanwhile is left alone.
            wallet: sends it; it need not be the payer.

        Returns:
            The transactions' hashes: one, or more where the contract overlooks some of several, as
            that of ocean-contracts 2.7.0 does.

        Raises:
            TransactionFailed: refused or reverted.
            VerifyTxFailed: it was sent, and nothing was cancelled.
        """
        sent: list[str] = []
        left = list(locks)
        while left:
            rows = ((one.job_number, one.token, one.payer, one.payee) for one in left)
            columns = [list(column) for column in zip(*rows, strict=True)]
            sent.append(self.send_transaction("cancelExpiredLocks", columns, wallet))
            before, left = len(left), self._still_there(left)
            if len(left) == before:
                raise VerifyTxFailed(
                    f"Transaction {sent[-1]} should have cancelled {before} expired locks in "
                    f"{self}, and all are there. They expire by the chain's clock: try again later."
                )
        return sent

    def _still_there(self, locks: Sequence[Locked]) -> list[Locked]:
        places = {(one.payer, one.token, one.payee) for one in locks}
        there = {one for place in places for one in self.locks(*place)}
        return [one for one in locks if one in there]

    def now_s(self) -> int:
        """Return the chain's clock, by which locks expire; its own block's, or this machine's."""
        with chain_errors("read the newest block"):
            block_s = int(self.web3.eth.get_block("latest")["timestamp"])
        # A chain without transactions may make no blocks; the next one has the time of then.
        return max(block_s, int(time.time()))

    def _verify(self, tx: str, event: str, payer: str, token: str, amount: int) -> None:
        receipt = wait_for_receipt(self.web3, tx, operation=f"verify the {event.lower()}")
        logs = self._logs_in_receipt(self.web3, receipt, event)
        found = [
            (log["args"]["payer"], log["args"]["token"], log["args"]["amount"]) for log in logs
        ]
        if (payer, token, amount) not in found:
            raise VerifyTxFailed(
                f"Transaction {tx} should have an event {event} of {self} for {amount} of {token} "
                f"by {payer}, and it has {found or 'none'}. Look at the escrow's balance."
            )


def _limits(one: Allowed) -> tuple[int, int, int]:
    return one.max_amount, one.max_lock_s, one.max_locks


def _terms(lock: dict[str, Any]) -> tuple[int, int]:
    return lock["amount"], lock["expiry"]


def _read_locks(answer: bytes) -> Iterable[dict[str, Any]]:
    """Read an array of locks, whose first fields are the same in every version of the contract."""
    words = [answer[start : start + _WORD] for start in range(0, len(answer), _WORD)]
    count = int.from_bytes(words[1], "big") if len(words) > 1 else -1
    width, rest = divmod(len(words) - 2, count) if count > 0 else (len(_LOCK_FIELDS), 0)
    whole = len(answer) % _WORD == 0 and rest == 0 and width >= len(_LOCK_FIELDS)
    if count < 0 or not whole or int.from_bytes(words[0], "big") != _WORD:
        raise MalformedResponse(
            "The escrow's getLocks answered no list of locks. Is it an Escrow of Ocean?",
            operation="read locks",
        )
    for place in range(2, 2 + count * width, width):
        fields = dict(zip(_LOCK_FIELDS, words[place : place + width], strict=False))
        yield {
            name: check_address("0x" + word[12:].hex())
            if name in ("payer", "token")
            else int.from_bytes(word, "big")
            for name, word in fields.items()
        }
