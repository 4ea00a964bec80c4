"""The escrow of a wallet: what paid jobs at Ocean Nodes are paid from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Union

from ocean_lib.backends.generation import Generation
from ocean_lib.backends.node.addresses import AddressBook
from ocean_lib.backends.node.escrow import Allowed, EscrowContract, Locked
from ocean_lib.backends.node.tokens import Token
from ocean_lib.base.arguments import check_whole
from ocean_lib.checks import check_address
from ocean_lib.config import Config
from ocean_lib.exceptions import InvalidInput, NotOffered
from ocean_lib.jobs.prices import EscrowLock
from ocean_lib.models.amounts import Amount
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.web3_internal.contract_base import AnyWallet
from ocean_lib.web3_internal.signer import check_signer, signer_address
from ocean_lib.web3_internal.transactions import wait_for_pending

Account = Union[str, AnyWallet]
"""An account: its address, or a wallet."""


@dataclass(frozen=True)
class EscrowBalance:
    """What an account has of a token in the escrow, in whole tokens.

    Attributes:
        token: the token's address.
        symbol: the token's symbol.
        available: can be locked for jobs, or withdrawn.
        locked: belongs to jobs that have not been settled.
    """

    token: str
    symbol: str
    available: Decimal
    locked: Decimal


@dataclass(frozen=True)
class EscrowAuthorization:
    """What a node may lock of an account's deposit; amounts in whole tokens.

    Attributes:
        token: the token's address.
        payee: the consumer address of the node's environment.
        max_amount: how much it may have locked in all.
        locked: how much it has locked now.
        max_lock_s: for how long it may lock.
        max_locks: how many locks it may have at the same time.
        locks: how many it has now.
    """

    token: str
    payee: str
    max_amount: Decimal
    locked: Decimal
    max_lock_s: int
    max_locks: int
    locks: int


class OceanEscrow:
    """The escrow side of Ocean: paid jobs at Ocean Nodes are paid from what is deposited there.

    An account deposits tokens and lets a node's environment lock some of them. `compute.quote` says
    what a job needs, and paying for the quote does both; what is here is for doing it by hand, for
    looking, and for getting money back. Amounts are in whole tokens, exactly; whatever was sent is
    checked on the chain.

    Every call raises `NotOffered` where the chain has no escrow, `TransportError` if its node does
    not answer, and `ChainError` if it refuses.

    Args:
        config: says which chain, and where its contracts are (`address.file`).
        chain: the same chain.
    """

    def __init__(self, config: Config, chain: ChainAccess) -> None:
        self._config = config
        self._chain = chain
        self._contract: EscrowContract | None = None

    @property
    def address(self) -> str:
        """Where the escrow is: of the config's address file, or as ocean-contracts says it."""
        return self._escrow.address

    def balance(self, token: str, account: Account) -> EscrowBalance:
        """Return what an account has of a token in the escrow.

        Args:
            token: the token's address.
            account: a wallet, or an address.
        """
        kind, payer = self._token(token), _address(account)
        funds = self._escrow.funds(payer, kind.address)
        available, locked = kind.whole(funds.available), kind.whole(funds.locked)
        return EscrowBalance(kind.address, kind.symbol(), available, locked)

    def balances(self, account: Account) -> list[EscrowBalance]:
        """Return what an account has of every token that it has or had there.

        Args:
            account: a wallet, or an address.
        """
        return [self.balance(token, account) for token in self._escrow.tokens(_address(account))]

    def authorizations(self, account: Account, token: str = "") -> list[EscrowAuthorization]:
        """Return what nodes may lock of an account's deposits.

        Args:
            account: a wallet, or an address.
            token: only of this token; '': of every token that the account deposited.
        """
        payer = _address(account)
        return [
            EscrowAuthorization(
                kind.address,
                one.payee,
                kind.whole(one.max_amount),
                kind.whole(one.locked),
                one.max_lock_s,
                one.max_locks,
                one.locks,
            )
            for kind in self._tokens(payer, token)
            for one in self._escrow.allowed(payer, kind.address)
        ]

    def locks(self, account: Account, token: str = "") -> list[EscrowLock]:
        """Return what nodes have locked of an account's deposits, and not settled yet.

        Args:
            account: a wallet, or an address.
            token: only of this token; '': of every token that the account deposited.
        """
        now_s = self._escrow.now_s()
        found = self._locked(_address(account), token)
        return [lock.told(kind.whole(lock.amount), now_s) for kind, lock in found]

    def deposit(self, token: str, amount: Amount, wallet: AnyWallet, *, up_to: bool = False) -> str:
        """Put tokens of a wallet into the escrow; an approval is sent first where none is there.

        Args:
            token: the token's address.
            amount: how many whole tokens.
            wallet: whose tokens.
            up_to: deposit only what is missing until this amount is available: safe to repeat,
                whatever an earlier call that was interrupted has done.

        Returns:
            The transaction's hash; '' if nothing was missing, and nothing was sent.

        Raises:
            InvalidInput: it is not an amount above 0 in the token's decimals; nothing was sent.
            InsufficientBalance: the wallet has fewer tokens; nothing was sent.
            VerifyTxFailed: it was sent, and something else was deposited.
        """
        kind, payer = self._token(token), signer_address(check_signer(wallet))
        base = _above_0(kind, amount)
        self._settle(payer)
        if up_to:
            base -= self._escrow.funds(payer, kind.address).available
        return self._escrow.deposit(kind.address, base, wallet) if base > 0 else ""

    def withdraw(self, token: str, wallet: AnyWallet, amount: Amount | None = None) -> str:
        """Take tokens back that are not locked.

        Args:
            token: the token's address.
            wallet: whose tokens.
            amount: how many whole tokens; None: all that are available.

        Returns:
            The transaction's hash; '' if all is wanted and nothing is available: nothing was sent.

        Raises:
            InvalidInput: it is not an amount above 0 in the token's decimals; nothing was sent.
            InsufficientBalance: fewer are available; nothing was sent.
            VerifyTxFailed: it was sent, and something else was withdrawn.
        """
        kind, payer = self._token(token), signer_address(check_signer(wallet))
        base = None if amount is None else _above_0(kind, amount)
        self._settle(payer)
        if base is None:
            base = self._escrow.funds(payer, kind.address).available
        return self._escrow.withdraw(kind.address, base, wallet) if base else ""

    def authorize(
        self,
        token: str,
        payee: str,
        wallet: AnyWallet,
        *,
        max_amount: Amount,
        max_lock_s: int,
        max_locks: int = 1,
    ) -> str:
        """Let a node lock a wallet's deposit, within limits that take the place of earlier ones.

        Args:
            token: the token's address.
            payee: the consumer address of the node's environment.
            wallet: whose deposit.
            max_amount: how many whole tokens it may have locked in all; 0 ends the authorisation.
            max_lock_s: for how long it may lock: a job's duration, its time in the queue, and the
                time that the node takes to settle it (`compute.quote` says how much that is).
            max_locks: how many locks it may have at the same time: one for each job.

        Returns:
            The transaction's hash; '' if these are its limits already, and nothing was sent.

        Raises:
            InvalidInput: a limit is not a number from 0 on; nothing was sent.
            VerifyTxFailed: it was sent, and the limits are others.
        """
        kind, payer = self._token(token), signer_address(check_signer(wallet))
        wanted = Allowed(
            check_address(payee, name="payee"),
            kind.in_base(max_amount),
            0,
            check_whole("max_lock_s", max_lock_s, least=0),
            check_whole("max_locks", max_locks, least=0),
            0,
        )
        self._settle(payer)
        return self._escrow.authorize(kind.address, wanted, wallet)

    def cancel_expired(self, wallet: AnyWallet, token: str = "") -> list[EscrowLock]:
        """Get back what nodes locked for jobs and did not settle before the locks expired.

        Args:
            wallet: whose deposits; it pays for the transactions.
            token: only of this token; '': of every token that the wallet deposited.

        Returns:
            The locks that were cancelled; empty if none has expired, and nothing was sent.

        Raises:
            VerifyTxFailed: it was sent, and nothing was cancelled.
        """
        payer = signer_address(check_signer(wallet))
        self._settle(payer)
        now_s = self._escrow.now_s()
        found = [pair for pair in self._locked(payer, token) if pair[1].is_expired(now_s)]
        self._escrow.cancel_expired([lock for _, lock in found], wallet)
        return [lock.told(kind.whole(lock.amount), now_s) for kind, lock in found]

    @property
    def _escrow(self) -> EscrowContract:
        if self._contract is None:
            where = ""
            if self._config.provider_generation != Generation.V3.value:
                where = AddressBook(self._config.address_file, self._chain.web3).find("Escrow")
            if not where:
                raise NotOffered(
                    "There is no escrow here: only paid jobs at Ocean Nodes are paid through one, "
                    "on chains with the contracts of their generation. Nothing was sent. If yours "
                    "has one, set address.file in the config (ADDRESS_FILE in the environment)."
                )
            self._contract = self._chain.contract(EscrowContract, where)
        return self._contract

    def _token(self, address: str) -> Token:
        at = check_address(address, name="token")
        self._escrow  # noqa: B018 - says first that there is none
        return self._chain.contract(Token, at)

    def _tokens(self, payer: str, token: str) -> list[Token]:
        return [self._token(one) for one in ([token] if token else self._escrow.tokens(payer))]

    def _locked(self, payer: str, token: str) -> Iterator[tuple[Token, Locked]]:
        for kind in self._tokens(payer, token):
            for payee in {one.payee for one in self._escrow.allowed(payer, kind.address)}:
                for lock in self._escrow.locks(payer, kind.address, payee):
                    yield kind, lock

    def _settle(self, payer: str) -> None:
        """Wait for what a program of this account sent before it was killed."""
        wait_for_pending(self._chain.web3, payer, self._config.transaction_timeout_s)


def _address(account: Any) -> str:
    return (
        check_address(account, name="account")
        if isinstance(account, str)
        else signer_address(account)
    )


def _above_0(token: Token, amount: Amount) -> int:
    base = token.in_base(amount)
    if not base:
        raise InvalidInput("The amount must be more than 0. Nothing was sent.")
    return base
