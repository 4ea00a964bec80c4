"""JSON-RPC 2.0 over HTTP: the envelope, batches, and a WSGI application around them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    RpcError,
)
from ocean_lib.localnet.chain.limits import BATCH_CPU_S, cpu_limit

MAX_BODY_BYTES = 8 * 1024 * 1024
"""The longest request. A block's worth of gas pays for less than 2 MB of transaction data."""
MAX_BATCH = 1_000

_LOGGER = logging.getLogger(__name__)

RpcCall = Callable[[str, Sequence[Any]], Any]
RpcAnswer = dict[str, Any]


def wsgi_app(call: RpcCall) -> Callable[..., Iterable[bytes]]:
    """Build a WSGI application that serves ``call`` over POST, on any path."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, body = _respond(call, environ)
        headers = [("Content-Length", str(len(body)))]
        if body:
            headers.append(("Content-Type", "application/json"))
        if status.startswith("405"):
            headers.append(("Allow", "POST, OPTIONS"))
        start_response(status, headers)
        return [body]

    return app


def _respond(call: RpcCall, environ: dict[str, Any]) -> tuple[str, bytes]:
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        return "204 No Content", b""
    if method != "POST":
        refusal = RpcError(INVALID_REQUEST, f"JSON-RPC is sent by POST, got {method}")
        return "405 Method Not Allowed", _encode(_failure(None, refusal))
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = -1
    if length < 0:
        refusal = RpcError(INVALID_REQUEST, "Content-Length is not a number")
        return "400 Bad Request", _encode(_failure(None, refusal))
    if length > MAX_BODY_BYTES:
        refusal = RpcError(
            INVALID_REQUEST, f"the request is {length} bytes long, the limit is {MAX_BODY_BYTES}"
        )
        return "413 Content Too Large", _encode(_failure(None, refusal))
    answer = answer_body(call, environ["wsgi.input"].read(length))
    if answer is None:
        return "204 No Content", b""
    return "200 OK", _encode(answer)


def answer_body(call: RpcCall, body: bytes) -> RpcAnswer | list[RpcAnswer] | None:
    """Answer the body of a request: one call or a batch; None if nobody waits for an answer."""
    try:
        message = safe_json.loads(body)
    except ValueError as error:
        return _failure(None, RpcError(PARSE_ERROR, f"parse error: {error}"))
    if not isinstance(message, list):
        return _answer_one(call, message)
    if not message or len(message) > MAX_BATCH:
        reason = f"a batch has 1 to {MAX_BATCH} calls, got {len(message)}"
        return _failure(None, RpcError(INVALID_REQUEST, reason))
    with cpu_limit(BATCH_CPU_S):
        answers = [answer for answer in (_answer_one(call, one) for one in message) if answer]
    return answers or None


def _answer_one(call: RpcCall, message: Any) -> RpcAnswer | None:
    if not isinstance(message, dict):
        refusal = f"a request is an object, got {type(message).__name__}"
        return _failure(None, RpcError(INVALID_REQUEST, refusal))
    request_id = message.get("id")
    if isinstance(request_id, (dict, list, bool)):
        refusal = "id must be a string, a number or null"
        return _failure(None, RpcError(INVALID_REQUEST, refusal))
    method = message.get("method")
    if not isinstance(method, str):
        return _failure(request_id, RpcError(INVALID_REQUEST, "method must be a string"))
    answer = _run(call, method, message.get("params") or [], request_id)
    return answer if "id" in message else None  # without an id it is a notification


def _run(call: RpcCall, method: str, params: Any, request_id: Any) -> RpcAnswer:
    try:
        if not isinstance(params, list):
            raise RpcError(INVALID_PARAMS, "non-array args: parameters are sent by position")
        return {"jsonrpc": "2.0", "id": request_id, "result": call(method, params)}
    except RpcError as error:
        return _failure(request_id, error)
    except Exception as error:  # one faulty call must not take its batch along
        _LOGGER.exception("JSON-RPC method %.80r failed", method)
        reason = f"internal error: {type(error).__name__}; the network's log has the traceback"
        return _failure(request_id, RpcError(INTERNAL_ERROR, reason))


def _failure(request_id: Any, error: RpcError) -> RpcAnswer:
    return {"jsonrpc": "2.0", "id": request_id, "error": error.as_json()}


def _encode(answer: Any) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
