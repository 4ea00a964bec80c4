"""web3's way to a node: bounded in time and size, patient with limits. Imports web3: load late."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.auth import HTTPBasicAuth
from web3 import HTTPProvider
from web3.providers.rpc.utils import REQUEST_RETRY_ALLOWLIST, check_if_retry_on_failure

from ocean_lib.exceptions import ChainError, ConnectFailed, ConnectionBroken
from ocean_lib.http.connections import get_requests_session
from ocean_lib.http.deadline import Deadline, operation_limit, retry_after_s
from ocean_lib.http.limits import MAX_ANSWER_BYTES, TOO_MANY_REQUESTS, Timeouts
from ocean_lib.http.origins import location_of, root_of
from ocean_lib.web3_internal._node_answers import (
    answer_to,
    backoff_s,
    error_in,
    is_answer,
    is_rate_limit,
    parse,
)
from ocean_lib.web3_internal.constants import (
    RPC_BACKOFF_S,
    RPC_CONNECT_TIMEOUT_S,
    RPC_LIMIT_RETRIES,
    RPC_READ_RETRIES,
    RPC_READ_TIMEOUT_S,
    RPC_TOTAL_TIMEOUT_S,
)
from ocean_lib.web3_internal.node_calls import check_chain_id

_CHUNK = 64 * 1024
_GATEWAY_FAULTS = 500
_SEND = "eth_sendRawTransaction"
# web3's own list has the transaction too: after a broken connection its second answer says "nonce
# too low" for one that has arrived, which reads like a refusal.
_READS = [method for method in REQUEST_RETRY_ALLOWLIST if method != _SEND]
_BROKEN = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True)
class _Reply:
    """What came back over HTTP, read to its end."""

    response: requests.Response
    content: bytes

    @property
    def status(self) -> int:
        return self.response.status_code

    def error(self) -> dict[str, Any] | None:
        """Return the JSON-RPC error in it; None if there is none."""
        if self.status == requests.codes.ok and b'"error"' not in self.content:
            return None
        try:
            return error_in(parse(self.content))
        except ConnectionBroken:
            return None

    def is_limited(self) -> bool:
        return self.status == TOO_MANY_REQUESTS or is_rate_limit(self.error())

    def wait_s(self) -> float | None:
        """Return how long it asks to wait; None if it does not say."""
        seconds = retry_after_s(self.response.headers)
        return backoff_s(self.error()) if seconds is None else seconds


class NodeProvider(HTTPProvider):
    """Gives each call one deadline over all its attempts: the operation's, if there is one.

    Reads are repeated when the connection fails or a gateway has trouble. A request that was
    refused because there were too many is sent again after a pause, byte for byte the same, and a
    transaction too. What took too long is not asked again. The chain id is asked once.

    Args:
        url: of the node's JSON-RPC. Its user and password go to the node, and into no URL that web3
            and requests log or put into their errors.
        chain_id: the one it has to have; None for any.
        max_answer_bytes: longer answers are not read to their end.
    """

    def __init__(
        self, url: str, *, chain_id: int | None = None, max_answer_bytes: int = MAX_ANSWER_BYTES
    ) -> None:
        self._http = get_requests_session(
            Timeouts(RPC_CONNECT_TIMEOUT_S, RPC_READ_TIMEOUT_S, RPC_TOTAL_TIMEOUT_S)
        )
        parts = urlsplit(url)
        login, at, host = parts.netloc.rpartition("@")
        if at:
            user, _, password = login.partition(":")
            self._http.auth = HTTPBasicAuth(unquote(user).encode(), unquote(password).encode())
        super().__init__(
            parts._replace(netloc=host).geturl() if at else url,
            request_kwargs={"timeout": (RPC_CONNECT_TIMEOUT_S, RPC_READ_TIMEOUT_S)},
            session=self._http,
            exception_retry_configuration=None,
        )
        self._expected_chain_id = chain_id
        self._max_answer_bytes = max_answer_bytes
        self._chain_id: dict[str, Any] | None = None

    def make_request(self, method: Any, params: Any) -> Any:
        """Ask the node.

        Raises:
            ConnectFailed: no time was left, and nothing was sent.
            ConnectionBroken: the answer is none to this call, or too long.
            ConfigError: the node is of another chain than expected.
        ChainError: it redirects the call.
            requests.ReadTimeout: the time was over before the answer had come.
        """
        if method == "eth_chainId":
            return self._ask_chain_id()
        unknown = self._chain_trouble()
        if unknown is not None:
            return unknown
        body = self.encode_rpc_request(method, params)
        reply = self._exchange([method], body)
        answer = _answer(method, json.loads(body)["id"], reply)
        if method == _SEND and "error" in answer:
            self._chain_id = None  # perhaps signed for a chain that this node no longer has
        return answer

    def make_batch_request(self, batch_requests: Any) -> Any:
        """Ask the node several things at once; see `make_request`."""
        unknown = self._chain_trouble()
        if unknown is not None:
            return unknown
        methods = [method for method, _ in batch_requests]
        body = self.encode_batch_rpc_request(batch_requests)
        ids = [request["id"] for request in json.loads(body)]
        reply = self._exchange(methods, body)
        said = parse(reply.content) if reply.status == requests.codes.ok else None
        if not isinstance(said, list):
            return _answer("", ids[0], reply)  # an error of all, or a fault
        if len(said) != len(ids):
            said = []
        by_id = {one.get("id"): one for one in said if isinstance(one, dict)}
        return [
            _fitting(method, answer_to(request_id, by_id.get(request_id)))
            for method, request_id in zip(methods, ids, strict=True)
        ]

    def _ask_chain_id(self) -> dict[str, Any]:
        if self._chain_id is None:
            body = self.encode_rpc_request("eth_chainId", [])  # type: ignore[arg-type]
            reply = self._exchange(["eth_chainId"], body)
            answer = _answer("eth_chainId", json.loads(body)["id"], reply)
            if "error" in answer:
                return answer
            check_chain_id(self._expected_chain_id, _number(answer["result"]))
            self._chain_id = answer
        return dict(self._chain_id)

    def _chain_trouble(self) -> dict[str, Any] | None:
        """Return the node's error if it does not say that its chain is the expected one."""
        answer = {} if self._expected_chain_id is None else self._ask_chain_id()
        return answer if "error" in answer else None

    def _exchange(self, methods: Sequence[str], body: bytes) -> _Reply:
        with operation_limit(RPC_TOTAL_TIMEOUT_S) as deadline:
            if deadline.is_over:
                raise ConnectFailed(
                    "The time was over before the chain's node was asked; nothing was sent. "
                    "Allow more time (time_limit)."
                )
            try:
                return self._attempts(methods, body, deadline)
            except (requests.RequestException, OSError):
                if not deadline.is_over:
                    raise
        raise requests.ReadTimeout("the operation's deadline has passed")

    def _attempts(self, methods: Sequence[str], body: bytes, deadline: Deadline) -> _Reply:
        reads = all(check_if_retry_on_failure(method, _READS) for method in methods)  # type: ignore[arg-type]
        attempt = 0
        while True:
            attempt += 1
            pause_s = RPC_BACKOFF_S * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311
            try:
                reply = self._post(body)
            except _BROKEN:
                if not reads or attempt > RPC_READ_RETRIES or deadline.is_over:
                    raise
            else:
                pause_s = reply.wait_s() or pause_s
                if reply.is_limited():
                    most = RPC_LIMIT_RETRIES if reads or methods == [_SEND] else 0
                else:
                    most = RPC_READ_RETRIES if reads and reply.status >= _GATEWAY_FAULTS else 0
                if attempt > most or pause_s >= deadline.remaining():
                    return reply
            deadline.pause(pause_s)

    def _post(self, body: bytes) -> _Reply:
        with self._http.request(
            "POST",
            str(self.endpoint_uri),
            data=body,
            stream=True,
            allow_redirects=False,  # elsewhere it would be another's node
            **self.get_request_kwargs(),
        ) as response:
            content = bytearray()
            for piece in response.iter_content(_CHUNK):
                content += piece
                if len(content) > self._max_answer_bytes:
                    raise ConnectionBroken(
                        f"The chain's node sent more than {self._max_answer_bytes} bytes, the "
                        "limit for an answer. Ask for less, or raise answer.max_bytes in the "
                        "config."
                    )
            return _Reply(response, bytes(content))


def _answer(method: str, request_id: int, reply: _Reply) -> dict[str, Any]:
    error = reply.error()
    if reply.is_limited():
        message = str((error or {}).get("message") or f"HTTP {reply.status}")
        return answer_to(request_id, {"error": {"code": TOO_MANY_REQUESTS, "message": message}})
    place = location_of(reply.response, str(reply.response.url))
    if place:
        raise ChainError(
            f"The chain's node sends its calls elsewhere, to {root_of(place)}, and they do not "
            "follow. If that is your node, put its URL into network in the config."
        )
    # What a gateway says with 5xx about a transaction is no word of the node's: it may have it.
    if error is None or (method == _SEND and reply.status >= _GATEWAY_FAULTS):
        reply.response.raise_for_status()
    return _fitting(method, answer_to(request_id, parse(reply.content)))


def _fitting(method: str, answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer or is_answer(method, answer["result"]):
        return answer
    raise ConnectionBroken(
        f"The chain's node gave an answer to {method} that is none to this call. Check the network "
        "URL in the config: it must be that of an Ethereum node."
    )


def _number(quantity: Any) -> int:
    return quantity if isinstance(quantity, int) else int(quantity, 16)
