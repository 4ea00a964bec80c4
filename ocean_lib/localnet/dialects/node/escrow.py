"""The escrow on the chain, as the node uses it: it locks what a job may cost, and claims it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.localnet.dialects.node.contract_calls import (
    ZERO,
    Event,
    call_data,
    events,
    read,
    topic,
)
from ocean_lib.localnet.dialects.node.node_key import NodeKey, document_hash

_LOCK = "(uint256,address,uint256,uint256,address)[]"
_AUTHORIZATION = "(address,uint256,uint256,uint256,uint256,uint256)[]"
_CLAIM = "claimLocksAndWithdraw(uint256[],address[],address[],uint256[],bytes[])"
_CANCEL = "cancelExpiredLocks(uint256[],address[],address[],address[])"
_CLAIMED = topic("Claimed(address,uint256,address,address,uint256,bytes)")
_LOCKED = topic("Lock(address,address,uint256,uint256,uint256,address)")
_LOCKED_FIELDS = "address,address,uint256,uint256,uint256,address"
_CANCELED = topic("Canceled(address,uint256,address,address,uint256)")
_AT_ONCE = 20
"""Claims in one transaction: a chain gives the estimate of one only so much processor time."""


class CannotLock(Exception):
    """A payment that the escrow does not allow; the text is the node's refusal."""


def lock_id(job_id: str) -> int:
    """Return the number by which a job's lock is known on the chain: the hash of its id."""
    return int(document_hash(job_id), 16)


@dataclass(frozen=True)
class Lock:
    """What is locked for a job.

    Attributes:
        number: The hash of the job's id, as a number.
        payer: Whose money it is; checksummed.
        amount: How much, in the token's smallest unit.
        expiry: When it ends, in seconds since the epoch.
        token: In which token; checksummed.
    """

    number: int
    payer: str
    amount: int
    expiry: int
    token: str


@dataclass(frozen=True)
class Claim:
    """What a job's end takes of its lock."""

    lock: Lock
    amount: int
    proof: str


@dataclass(frozen=True)
class Ended:
    """How a lock ended: the transaction, and how much was taken; nothing of one given back."""

    transaction: str
    amount: int | None


class Escrow:
    """One escrow contract and the node's wallet.

    Args:
        chain: Where it is.
        address: The contract's.
        key: The node's; nobody else sends transactions with it.
        first_block: Nothing of it happened before this block.
    """

    def __init__(self, chain: ChainClient, address: str, key: NodeKey, first_block: int) -> None:
        self._chain = chain
        self.address = address
        self._key = key
        self._first_block = first_block
        self._sending = threading.Lock()
        self._decimals: dict[str, int] = {}

    def decimals(self, token: str) -> int:
        """Return how many decimals a token has."""
        if token not in self._decimals:
            (self._decimals[token],) = read(self._chain, token, "decimals()", "uint8")
        return self._decimals[token]

    def check(self, payer: str, token: str, amount: int, seconds: int) -> None:
        """Check that so much can be locked for so long.

        Raises:
            CannotLock: If it cannot.
        """
        funds = "getUserFunds(address,address)", "(uint256,uint256)"
        ((available, _),) = read(self._chain, self.address, *funds, payer, token)
        if available < amount:
            raise CannotLock(f"User {payer} does not have enough funds")
        node = self._key.address
        given = "getAuthorizations(address,address,address)", _AUTHORIZATION
        (found,) = read(self._chain, self.address, *given, token, payer, node)
        if len(found) != 1:
            chain_id = int(self._chain.call("eth_chainId"), 16)
            raise CannotLock(
                f"No escrow auths found for: chain={chain_id}, token={token}, payer={payer}, "
                f"nodeAddress={node}. Found {len(found)} authorizations."
            )
        _, most, locked, longest, count, locks = found[0]
        if locked + amount > most:
            raise CannotLock("No valid escrow auths found(will go over limit)")
        if longest < seconds:
            raise CannotLock("No valid escrow auths found(maxLockSeconds too low)")
        if locks + 1 > count:
            raise CannotLock("No valid escrow auths found(too many active locks)")

    def lock(self, number: int, payer: str, token: str, amount: int, seconds: int) -> str:
        """Lock an amount; return the transaction's hash.

        Raises:
            RpcError: If the contract refuses.
            TransactionError: If it was not mined, or failed.
        """
        signature = "createLock(uint256,address,address,uint256,uint256)"
        return self._send(signature, number, token, payer, amount, seconds)

    def locks(self) -> dict[int, Lock]:
        """Return what is locked for this node, by its number."""
        open_ones = "getLocks(address,address,address)", _LOCK
        (found,) = read(self._chain, self.address, *open_ones, ZERO, ZERO, self._key.address)
        return {one[0]: _lock(one) for one in found}

    def transactions(self) -> dict[int, str]:
        """Return the transaction of each lock that there ever was, by its number."""
        locked = self._events(_LOCKED)
        return {one.values(_LOCKED_FIELDS)[2]: one.transaction for one in locked}

    def claim(self, claims: Sequence[Claim]) -> list[tuple[Claim, str]]:
        """Take what jobs cost, and give back the rest; return the transaction of each."""
        done = []
        for part in _parts(claims):
            transaction = self._send(
                _CLAIM,
                [one.lock.number for one in part],
                [one.lock.token for one in part],
                [one.lock.payer for one in part],
                [one.amount for one in part],
                [one.proof.encode() for one in part],
            )
            done += [(one, transaction) for one in part]
        return done

    def cancel(self, locks: Sequence[Lock]) -> list[tuple[Lock, str]]:
        """Give back what has expired; return the transaction of each."""
        done = []
        for part in _parts(locks):
            transaction = self._send(
                _CANCEL,
                [one.number for one in part],
                [one.token for one in part],
                [one.payer for one in part],
                [self._key.address for _ in part],
            )
            done += [(one, transaction) for one in part]
        return done

    def ended(self) -> dict[int, Ended]:
        """Return how this node's locks ended that are no more, by their numbers."""
        found: dict[int, Ended] = {}
        for event in self._events(_CLAIMED, _CANCELED):
            if event.address(1) != self._key.address:
                continue
            is_claimed = event.topics[0] == _CLAIMED
            fields = "uint256,address,uint256" + (",bytes" if is_claimed else "")
            number, _, amount, *_ = event.values(fields)
            found[number] = Ended(event.transaction, amount if is_claimed else None)
        return found

    def _events(self, *kinds: str) -> list[Event]:
        latest = int(self._chain.call("eth_blockNumber"), 16)
        found = events(self._chain, kinds, self._first_block, latest)
        return [event for event in found if event.contract == self.address]

    def _send(self, signature: str, *arguments: Any) -> str:
        # One transaction of this wallet after the other: two at once would take the same nonce.
        with self._sending:
            data = call_data(signature, *arguments)
            receipt = send_transaction(self._chain, self._key.secret, self.address, data)
        transaction: str = receipt["transactionHash"]
        return transaction


def _lock(found: Sequence[Any]) -> Lock:
    number, payer, amount, expiry, token = found
    return Lock(number, _checksummed(payer), amount, expiry, _checksummed(token))


def _checksummed(address: str) -> str:
    return str(to_checksum_address(address))


def _parts(all_of_them: Sequence[Any]) -> list[Sequence[Any]]:
    return [all_of_them[at : at + _AT_ONCE] for at in range(0, len(all_of_them), _AT_ONCE)]
