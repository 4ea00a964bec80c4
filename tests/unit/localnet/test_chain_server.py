"""The JSON-RPC envelope and its HTTP face, over a call that only echoes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.localnet.chain import server as server
from ocean_lib.localnet.chain.errors import RpcError


def echo(method: str, params: Sequence[Any]) -> Any:
    if method == "refuse":
        raise RpcError(3, "execution reverted: no", "0xdata")
    if method == "crash":
        raise ZeroDivisionError("the secret inside")
    return [method, list(params)]


def post(body: bytes | str, **environ: Any) -> tuple[str, dict[str, str], Any]:
    content = body.encode() if isinstance(body, str) else body
    started: list[Any] = []
    request = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        **environ,
    }
    answer = b"".join(server.wsgi_app(echo)(request, lambda *given: started.extend(given)))
    status, headers = started
    return status, dict(headers), json.loads(answer) if answer else None


def rpc(method: Any, *params: Any, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params), **more}


def test_a_call_is_answered_with_its_id_and_result() -> None:
    status, headers, answer = post(json.dumps(rpc("eth_x", 1, "a")))

    assert status == "200 OK"
    assert headers["Content-Type"] == "application/json"
    assert answer == {"jsonrpc": "2.0", "id": 7, "result": ["eth_x", [1, "a"]]}


def test_an_error_carries_code_message_and_data() -> None:
    _, _, answer = post(json.dumps(rpc("refuse")))

    assert answer["error"] == {"code": 3, "message": "execution reverted: no", "data": "0xdata"}


def test_a_crash_is_an_internal_error_without_its_text_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        _, _, answer = post(json.dumps(rpc("crash")))

    assert answer["error"]["code"] == -32603
    assert "secret" not in answer["error"]["message"]
    assert "the secret inside" in caplog.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{nonsense", -32700),
        (b"\xff\xfe", -32700),
        ("", -32700),
        ("[" * 1_000_000, -32700),
        ('{"id":' * 100_000, -32700),
        ('{"id": NaN}', -32700),
        ("[]", -32600),
        ("3", -32600),
        ("{}", -32600),
        (json.dumps(rpc(5)), -32600),
        (json.dumps(rpc("x", id={})), -32600),
        (json.dumps({**rpc("x"), "params": {"by": "name"}}), -32602),
        (json.dumps([rpc("x")] * 1001), -32600),
    ],
)
def test_a_malformed_request_gets_the_code_the_standard_has_for_it(
    body: bytes | str, code: int
) -> None:
    status, _, answer = post(body)

    assert status == "200 OK"
    assert answer["error"]["code"] == code


def test_a_batch_is_answered_one_by_one_in_order() -> None:
    batch = [rpc("a", id=1), rpc("refuse", id=2), 5, rpc("b", id="three")]

    _, _, answers = post(json.dumps(batch))

    assert [answer["id"] for answer in answers] == [1, 2, None, "three"]
    assert ["error" in answer for answer in answers] == [False, True, True, False]


def test_a_notification_is_run_and_not_answered() -> None:
    notification = {"jsonrpc": "2.0", "method": "x"}

    status, _, answer = post(json.dumps(notification))
    _, _, answers = post(json.dumps([notification, rpc("a")]))

    assert (status, answer) == ("204 No Content", None)
    assert len(answers) == 1


def test_only_post_calls_and_options_are_answered() -> None:
    refused, headers, answer = post("", REQUEST_METHOD="GET")
    allowed, preflight, _ = post("", REQUEST_METHOD="OPTIONS")

    assert refused == "405 Method Not Allowed"
    assert headers["Allow"] == "POST, OPTIONS"
    assert answer["error"]["code"] == -32600
    assert allowed == "204 No Content"
    assert preflight["Content-Length"] == "0"


def test_a_request_that_is_too_long_is_refused_unread() -> None:
    status, _, answer = post("", CONTENT_LENGTH=str(server.MAX_BODY_BYTES + 1))

    assert status == "413 Content Too Large"
    assert "the limit is" in answer["error"]["message"]


@pytest.mark.parametrize("length", ["many", "-1"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    status, _, _ = post("", CONTENT_LENGTH=length)

    assert status == "400 Bad Request"


@given(st.binary(max_size=200))
def test_any_body_gets_an_answer_or_none_and_never_a_crash(body: bytes) -> None:
    answer = server.answer_body(echo, body)

    assert answer is None or json.dumps(answer)
