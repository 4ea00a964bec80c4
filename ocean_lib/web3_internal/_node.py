"""web3's way to a node, bounded in time like every other call. Imports web3: load it late."""

from __future__ import annotations

from typing import Any

import requests
from web3 import HTTPProvider
from web3.providers.rpc.utils import REQUEST_RETRY_ALLOWLIST, ExceptionRetryConfiguration

from ocean_lib.common.http_requests.exchange import operation_limit
from ocean_lib.common.http_requests.limits import Timeouts
from ocean_lib.common.http_requests.requests_session import get_requests_session
from ocean_lib.exceptions import ConnectFailed, ConnectionBroken
from ocean_lib.web3_internal._node_answers import is_answer
from ocean_lib.web3_internal.constants import (
    RPC_CONNECT_TIMEOUT_S,
    RPC_READ_RETRIES,
    RPC_READ_TIMEOUT_S,
    RPC_TOTAL_TIMEOUT_S,
)


class NodeProvider(HTTPProvider):
    """Gives each call one deadline over all its attempts: the operation's, if there is one.

    Reads are repeated when the connection fails; a transaction never is, nor is what took too long.

    Args:
        url: of the node's JSON-RPC.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            url,
            request_kwargs={"timeout": (RPC_CONNECT_TIMEOUT_S, RPC_READ_TIMEOUT_S)},
            session=get_requests_session(
                Timeouts(RPC_CONNECT_TIMEOUT_S, RPC_READ_TIMEOUT_S, RPC_TOTAL_TIMEOUT_S)
            ),
            exception_retry_configuration=ExceptionRetryConfiguration(
                errors=(ConnectionError, requests.ConnectionError, requests.HTTPError),
                retries=1 + RPC_READ_RETRIES,
                # web3's own list repeats this one too: its second answer says "nonce too low" for
                # a transaction that has arrived, which reads like a refusal.
                method_allowlist=[
                    m for m in REQUEST_RETRY_ALLOWLIST if m != "eth_sendRawTransaction"
                ],
            ),
        )

    def make_request(self, method: Any, params: Any) -> Any:
        """Ask the node.

        Raises:
            ConnectFailed: no time was left, and nothing was sent.
            ConnectionBroken: the answer is none to this call.
            requests.ReadTimeout: the time was over before the answer had come.
        """
        with operation_limit(RPC_TOTAL_TIMEOUT_S) as deadline:
            if deadline.is_over:
                raise ConnectFailed(
                    "The time was over before the chain's node was asked; nothing was sent. "
                    "Allow more time (time_limit)."
                )
            try:
                answer = super().make_request(method, params)
            except (requests.RequestException, OSError):
                if not deadline.is_over:
                    raise
            else:
                return _checked(method, answer)
        raise requests.ReadTimeout("the operation's deadline has passed")


def _checked(method: str, answer: Any) -> Any:
    is_result = isinstance(answer, dict) and "result" in answer and answer.get("error") is None
    if not is_result or is_answer(method, answer["result"]):
        return answer
    raise ConnectionBroken(
        f"The chain's node gave an answer to {method} that is none to this call. Check the network "
        "URL in the config: it must be that of an Ethereum node."
    )
