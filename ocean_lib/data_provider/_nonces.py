"""Signed calls of one wallet, in order: who signs next, and over which nonce.

The Provider takes a signature over exactly the nonce it has stored for an address, and moves it
with most signed calls (protocol: "Nonce"). So the calls of one address at one Provider take
turns, and after an accepted call the next nonce is known without asking.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from ocean_lib.common.http_requests.deadline import Deadline
from ocean_lib.common.http_requests.retrying import may_sign_again
from ocean_lib.common.utils.forks import renew_in_children
from ocean_lib.exceptions import (
    MovedToHttps,
    OceanError,
    RequestTimeout,
    ResultsWithheld,
    SignatureRejected,
)

T = TypeVar("T")

RENEWING: tuple[type[OceanError], ...] = (SignatureRejected, ResultsWithheld, MovedToHttps)
"""After these every signed call is made once more: it was not accepted, or not where it is now."""

KEPT = 4096
"""How many addresses a book remembers, besides those with calls under way."""


@dataclass
class _Account:
    turn: threading.Lock = field(default_factory=threading.Lock)
    next_nonce: int | None = None
    calls: int = 0


class NonceBook:
    """The next nonce of each (Provider, address as sent) this instance has signed for lately."""

    def __init__(self) -> None:
        self._renew()
        renew_in_children(self, NonceBook._renew)

    def _renew(self) -> None:
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._lock = threading.Lock()

    def forget(self, root: str, address: str) -> None:
        """Ask for the nonce before the next signed call of this address."""
        with self._lock:
            account = self._accounts.get((root, address))
        if account is not None:
            account.next_nonce = None

    def clear(self) -> None:
        """Ask for every nonce anew; calls under way finish undisturbed."""
        with self._lock:
            accounts = list(self._accounts.values())
        for account in accounts:
            account.next_nonce = None

    def signed(
        self,
        root: str,
        address: str,
        deadline: Deadline,
        *,
        fetch: Callable[[], int],
        sign: Callable[[int], str],
        send: Callable[[str], T],
        again_on: tuple[type[OceanError], ...] = (),
    ) -> T:
        """Sign and send one call when it is this address' turn.

        Args:
            root: the Provider.
            address: as it is sent.
            deadline: until when to wait for the turn.
            fetch: asks the Provider for the stored nonce.
            sign: makes the signature over a nonce.
            send: sends the call and returns its value; it raises `SignatureRejected` or
                `ResultsWithheld` when the signature was not accepted.
            again_on: further failures after which one new attempt, with a new nonce and
                signature, can do no harm.

        Returns:
            What `send` returned.

        Raises:
            RequestTimeout: other calls of this wallet took all the time.
            SignatureRejected, ResultsWithheld: not accepted with a renewed nonce either.
        """
        renewing = (*RENEWING, *again_on)
        with self._account(root, address) as account, _turn(account, root, deadline):
            nonce, signature = _next_signature(account, fetch, sign)
            try:
                return _used(account, send, nonce, signature)
            except renewing as error:
                if not may_sign_again(error, deadline):
                    raise
            # Once more, with the nonce that is stored now.
            nonce, signature = _next_signature(account, fetch, sign)
            return _used(account, send, nonce, signature)

    @contextmanager
    def _account(self, root: str, address: str) -> Iterator[_Account]:
        with self._lock:
            account = self._accounts.pop((root, address), None) or _Account()
            account.calls += 1
            self._accounts[root, address] = account  # at the end: used last
            if len(self._accounts) > KEPT:
                self._drop_idle()
        try:
            yield account
        finally:
            with self._lock:
                account.calls -= 1

    def _drop_idle(self) -> None:
        # Never one with a call under way: the next call would not wait for its turn.
        idle = next((key for key, account in self._accounts.items() if not account.calls), None)
        if idle is not None:
            del self._accounts[idle]


def _next_signature(
    account: _Account, fetch: Callable[[], int], sign: Callable[[int], str]
) -> tuple[int, str]:
    nonce = account.next_nonce
    if nonce is None:
        nonce = account.next_nonce = fetch()
    return nonce, sign(nonce)


def _used(account: _Account, send: Callable[[str], T], nonce: int, signature: str) -> T:
    # Until the call is known to be accepted, nobody knows whether the nonce has moved.
    account.next_nonce = None
    value = send(signature)
    account.next_nonce = nonce + 1
    return value


@contextmanager
def _turn(account: _Account, root: str, deadline: Deadline) -> Iterator[None]:
    left = deadline.remaining()
    if not account.turn.acquire(timeout=min(left, threading.TIMEOUT_MAX)):
        raise RequestTimeout(
            f"Other signed calls of this wallet at {root} took all of this call's time; nothing "
            "was sent. The Provider takes a wallet's signed calls one after the other: use fewer "
            "threads per wallet, allow more time (timeout.total), or the Provider's auth token.",
            may_have_arrived=False,
        )
    try:
        yield
    finally:
        account.turn.release()
