"""Signed calls of one wallet: whose turn it is, over which nonce, or with which token.

A V3 Provider accepts a signature over exactly the nonce it has stored for an address, later
generations over any number above it; both move it with the call. So the calls of one address at one
back end take turns, and after an accepted call the next nonce is known without a request.

Only those back ends get signatures that the user has chosen, whatever an asset names. A text signed
for V3 does not name the Provider, so whoever gets a signature can use it at every other one (see
docs/security.md).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeVar

from cachetools import LRUCache

from ocean_lib.base.forks import renew_in_children
from ocean_lib.base.frames import forget_locals, forgets_locals
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    MovedToHttps,
    OceanError,
    ProviderNotTrusted,
    RequestTimeout,
    ResultsWithheld,
    SignatureRejected,
)
from ocean_lib.http.deadline import Attempts, Deadline, may_sign_again, operation_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.origins import entries_of, origin_of
from ocean_lib.web3_internal.signer import Signer

T = TypeVar("T")

RENEWING: tuple[type[OceanError], ...] = (SignatureRejected, ResultsWithheld, MovedToHttps)
"""After these every signed call is retried once: it was not accepted, or the place has moved."""

MOST_USED_NONCES = 5
"""So often a call is signed again while other programs of the wallet use each nonce first."""

KEPT = 4096
"""How many addresses are remembered, besides those with calls under way."""

NonceRule = Literal["exact", "above"]
"""exact: the stored nonce itself is signed (V3). above: any higher one; we use the next."""


@dataclass(frozen=True)
class Credential:
    """What authorises one call: a signature over a nonce, or a token, which needs no nonce."""

    signature: str
    nonce: int | None = None


class Wire(Protocol):
    """What signing needs to know of one back end."""

    root: str
    config: Config | None
    http: HttpExchange
    nonce_rule: NonceRule
    token_lifetime_s: float

    def nonce(self, address: str) -> int:
        """Ask for the nonce stored for an address."""

    def sign(self, signer: Signer, text: str, nonce: int) -> str:
        """Sign a call's text and a nonce, as this generation does."""

    def token(self, signer: Signer) -> str:
        """Make a token that replaces signatures."""


@dataclass
class _Account:
    turn: threading.Lock = field(default_factory=threading.Lock)
    next_nonce: int | None = None
    calls: int = 0


def check_trusted(config: Any, url: str, did: str = "") -> None:
    """Check, before anything is signed, that a signature may go to this URL.

    Args:
        config: a `Config`.
        url: where the signed call will be sent.
        did: the asset that names the server, '' if none does.

    Raises:
        ProviderNotTrusted: the config does not name the server there.
    """
    provider_url, trusted = config.provider_url, config.trusted_providers
    if _is_trusted(url, provider_url, trusted):
        return
    origin = origin_of(url)
    chosen = origin_of(provider_url) if provider_url else None
    wanted = f"{trusted}, {origin}" if trusted else str(origin)
    named = ", ".join(filter(None, (chosen and str(chosen), trusted)))
    who = f"asset {did} names" if did else "the call is for"
    raise ProviderNotTrusted(
        f"Nothing was signed: {who} the Provider {origin}, and the config names "
        f"{f'only {named}' if named else 'none'}. Whoever gets a signature can use it at every "
        "Provider, to stop the wallet's jobs or to read their results. If you trust this one, put "
        f"into [resources] of the config: provider.trusted = {wanted}",
        origin=str(origin),
        did=did,
        trusted=wanted,
    )


@lru_cache(maxsize=256)
def _is_trusted(url: str, provider_url: str, trusted: str) -> bool:
    origin = origin_of(url)
    if provider_url:
        chosen = origin_of(provider_url)
        # On this machine, every server counts as the user's own.
        if chosen.covers(origin) or (chosen.is_loopback and origin.is_loopback):
            return True
    return any(entry.covers(origin) for entry in entries_of(trusted))


class Signatures:
    """The next nonce and the token of each (back end, address as sent) used lately.

    Args:
        config: names the back ends that may get signatures; None: all may, since the caller chooses
            the URL of each call.
        use_token: sign once for a token instead of once for each call.
    """

    def __init__(self, config: Config | None = None, use_token: bool = False) -> None:
        self._config = config
        self.use_token = use_token
        self._renew()
        renew_in_children(self, Signatures._renew)

    def _renew(self) -> None:
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._tokens: LRUCache[tuple[str, str], tuple[float, str]] = LRUCache(KEPT)
        self._lock = threading.Lock()

    def forget_nonce(self, root: str, address: str) -> None:
        """Ask for the nonce before the next signed call of this address."""
        with self._lock:
            account = self._accounts.get((root, address))
        if account is not None:
            account.next_nonce = None

    def clear(self) -> None:
        """Forget every nonce and token; calls under way finish undisturbed."""
        with self._lock:
            accounts = list(self._accounts.values())
            self._tokens.clear()
        for account in accounts:
            account.next_nonce = None

    def check_trusted(self, url: str, did: str = "", config: Config | None = None) -> None:
        """Check that a signature may go to this URL; see the function `check_trusted`."""
        config = config or self._config
        if config is not None:
            check_trusted(config, url, did)

    def call(
        self,
        wire: Wire,
        signer: Signer,
        address: str,
        text: str,
        send: Callable[[Credential], T],
        again_on: tuple[type[OceanError], ...] = (),
        did: str = "",
        *,
        may_use_token: bool = True,
        is_worthless: bool = False,
    ) -> T:
        """Sign and send one call when it is this address' turn; retry once if it is refused.

        An error takes no signature along: see `forget_locals`.

        Args:
            wire: the back end.
            signer: who signs.
            address: the signer's, as it is sent.
            text: what is signed, without the nonce.
            send: sends the call and returns its value; it raises `SignatureRejected` or
                `ResultsWithheld` when the signature was not accepted.
            again_on: further failures after which one new attempt, with a new nonce and
                signature, can do no harm: for reads.
            did: the asset that names the back end, for the message if it is not trusted.
            may_use_token: whether a token will do, where tokens are used.
            is_worthless: the signature is of no use to anybody: trusted or not, the back end gets
                it, and over a nonce.

        Returns:
            What `send` returned.

        Raises:
            ProviderNotTrusted: the config does not name this back end; nothing was signed.
            RequestTimeout: other calls of this wallet took all the time.
            SignatureRejected, ResultsWithheld: not accepted, not even with a renewed nonce.
        """
        config = wire.config or self._config
        if not is_worthless:
            if config is not None:
                check_trusted(config, wire.root, did)
            if self.use_token and may_use_token:
                return self._call_with_token(wire, signer, address, send, again_on)
        retried: tuple[type[OceanError], ...] = (*RENEWING, *again_on)
        given, before = None, sys.exc_info()[1]
        renewals: Attempts | None = None
        try:
            with self._turn(wire, address) as (account, deadline):
                while True:
                    nonce = account.next_nonce
                    if nonce is None:
                        nonce = wire.nonce(address) + (wire.nonce_rule == "above")
                        account.next_nonce = nonce
                    given = Credential(wire.sign(signer, text, nonce), nonce)
                    # Until the call is known to be accepted, the nonce may have moved or not. Where
                    # any higher one will do, the next one does in either case.
                    account.next_nonce = nonce + 1 if wire.nonce_rule == "above" else None
                    try:
                        value = send(given)
                    except OceanError as error:
                        if isinstance(error, SignatureRejected):
                            account.next_nonce = None
                        # Once more, with the nonce that is stored now. Other programs may take that
                        # one as well; a back end that says so has not acted.
                        if renewals is not None and getattr(error, "is_of_used_nonce", False):
                            is_renewed = renewals.again()
                        else:
                            is_renewed = isinstance(error, retried)
                            is_renewed = is_renewed and may_sign_again(error, deadline)
                        if not is_renewed:
                            raise
                        retried, renewals = (), renewals or Attempts(deadline, MOST_USED_NONCES)
                    else:
                        account.next_nonce = nonce + 1
                        return value
        except BaseException as error:
            given = None
            forget_locals(error, before)
            raise

    @forgets_locals
    def _call_with_token(
        self,
        wire: Wire,
        signer: Signer,
        address: str,
        send: Callable[[Credential], T],
        again_on: tuple[type[OceanError], ...],
    ) -> T:
        with operation_limit(wire.http.timeouts.total_s) as deadline:
            try:
                return send(Credential(self._token(wire, signer, address)))
            except (*RENEWING, *again_on) as error:
                if isinstance(error, (SignatureRejected, ResultsWithheld)):
                    self._forget_token(wire.root, address)
                if not may_sign_again(error, deadline):
                    raise
            return send(Credential(self._token(wire, signer, address)))

    def token_of(self, root: str, address: str) -> str:
        """Return the token of an address at a back end and forget it; '' if there is none."""
        with self._lock:
            return self._tokens.pop((root, address), (0.0, ""))[1]

    @contextmanager
    def _turn(self, wire: Wire, address: str) -> Iterator[tuple[_Account, Deadline]]:
        """Wait for this address' turn at this back end; hold it for the block."""
        key = wire.root, address
        with self._lock:
            account = self._accounts.pop(key, None) or _Account()
            account.calls += 1
            self._accounts[key] = account  # at the end: used last
            if len(self._accounts) > KEPT:
                self._drop_idle()
        try:
            with operation_limit(wire.http.timeouts.total_s) as deadline:
                wait_s = min(deadline.remaining(), threading.TIMEOUT_MAX)
                if not account.turn.acquire(timeout=wait_s):
                    raise _no_turn(wire.root)
                try:
                    yield account, deadline
                finally:
                    account.turn.release()
        finally:
            with self._lock:
                account.calls -= 1

    def _drop_idle(self) -> None:
        # Never one with a call under way: the next call would not wait for its turn.
        idle = next((key for key, account in self._accounts.items() if not account.calls), None)
        if idle is not None:
            del self._accounts[idle]

    def _token(self, wire: Wire, signer: Signer, address: str) -> str:
        now = time.time()
        with self._lock:
            made, token = self._tokens.get((wire.root, address), (0.0, ""))
        if not token or not 0 <= now - made < wire.token_lifetime_s:
            token = wire.token(signer)
            with self._lock:
                self._tokens[wire.root, address] = (now, token)
        return token

    def _forget_token(self, root: str, address: str) -> None:
        with self._lock:
            self._tokens.pop((root, address), None)


def _no_turn(root: str) -> RequestTimeout:
    return RequestTimeout(
        f"Other signed calls of this wallet at {root} took all of this call's time; nothing was "
        "sent. A wallet's signed calls take turns: use fewer threads per wallet, "
        "allow more time (timeout.total), or auth tokens (auth_token).",
        may_have_arrived=False,
    )
