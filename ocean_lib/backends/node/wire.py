"""How a node's signed calls are authorised and sent: nonce, signature or token, patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.discovery import Discovery
from ocean_lib.backends.node import calls
from ocean_lib.backends.node.pace import Pace, patiently
from ocean_lib.backends.signing import Credential, NonceRule, Signatures
from ocean_lib.config import Config
from ocean_lib.exceptions import OceanError
from ocean_lib.http.deadline import operation_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.web3_internal.signer import Signer, sign_text, signer_address

T = TypeVar("T")

TOKEN_LIFETIME_S = 24 * 3600


class NodeWire:
    """The calls of one node: each waits while the node says that it is asked too often.

    Args:
        root: the node's base URL.
        http: sends the requests.
        discovery: knows its services.
        signatures: of all calls of one client.
        config: names the back ends that may get signatures, and says how often to poll.
    """

    nonce_rule: NonceRule = "above"
    token_lifetime_s = TOKEN_LIFETIME_S - 3600.0
    """An hour less than the token's own, for clocks that differ and calls under way."""

    def __init__(
        self,
        root: str,
        http: HttpExchange,
        discovery: Discovery,
        signatures: Signatures,
        config: Config,
    ) -> None:
        self.root = root
        self.config: Config | None = config
        self.http = http
        self._discovery = discovery
        self._signatures = signatures
        self._pace = Pace(config.polls_per_minute)

    def url_of(self, service_name: str) -> str:
        """Return the URL of a service, by its name in the discovery document."""
        return self._discovery.endpoint(service_name, self.root)[1]

    def read(self, service_name: str, get: Callable[[HttpExchange, str], T]) -> T:
        """Make an unsigned call."""
        url = self.url_of(service_name)
        return patiently(self.http.timeouts.total_s, lambda: get(self.http, url))

    def poll(self, get: Callable[[HttpExchange, str], T]) -> T:
        """Ask for statuses, as often as the config allows."""
        with operation_limit(self.http.timeouts.total_s) as deadline:
            if not deadline.is_urgent:
                self._pace.wait(deadline)
            return self.read("computeStatus", get)

    def signed(
        self,
        ref: JobRef,
        signer: Signer,
        command: str,
        send: Callable[[Credential], T],
        again_on: tuple[type[OceanError], ...] = (),
    ) -> T:
        """Make a signed call about a job."""
        act = partial(
            self._signatures.call, self, signer, ref.owner, command, send, again_on, ref.did
        )
        return patiently(self.http.timeouts.total_s, act)

    def start(
        self, plan: JobPlan, signer: Signer, command: str, post: Callable[[Credential], T]
    ) -> T:
        """Make the signed call that starts a job; over the plan's own nonce if it has one."""
        if plan.nonce is None:
            return self.signed(JobRef(plan.did, "", plan.consumer), signer, command, post)
        self._signatures.check_trusted(self.root, plan.did, self.config)
        given = Credential(self.sign(signer, command, plan.nonce), plan.nonce)
        return patiently(self.http.timeouts.total_s, lambda: post(given))

    # --- what signing needs

    def nonce(self, address: str) -> int:
        """Ask for the nonce stored for an address."""
        method, url = self._discovery.endpoint("nonce", self.root)
        return calls.get_nonce(self.http, method, url, address)

    def sign(self, signer: Signer, text: str, nonce: int) -> str:
        """Sign a command and a nonce."""
        return sign_text(signer, calls.signed_bytes(signer_address(signer), nonce, text))

    def token(self, signer: Signer) -> str:
        """Make a token for a day: a master key of this node, for any account's jobs."""
        address, url = signer_address(signer), self.url_of("generateAuthToken")
        until_ms = int((time.time() + TOKEN_LIFETIME_S) * 1000)
        return self._signatures.call(
            self,
            signer,
            address,
            calls.CREATE_TOKEN,
            lambda given: calls.create_token(self.http, url, address, given, until_ms),
            may_use_token=False,
        )

    def forget_token(self, address: str, signer: Signer) -> bool:
        """Make the auth token of an address worthless; False where this client has none."""
        token = self._signatures.token_of(self.root, address)
        if not token:
            return False
        url = self.url_of("invalidateAuthToken")
        invalidate = partial(
            self._signatures.call,
            self,
            signer,
            address,
            calls.INVALIDATE_TOKEN,
            lambda given: calls.invalidate_token(self.http, url, address, token, given),
            may_use_token=False,
        )
        patiently(self.http.timeouts.total_s, invalidate)
        return True
