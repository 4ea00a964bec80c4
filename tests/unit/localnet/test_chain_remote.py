"""What a chain behind a URL may answer, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from ocean_lib.localnet.chain import ChainUnreachableError, RemoteChain, RpcError

URL = "https://node.example/v3/secret-key"


@pytest.fixture
def remote() -> Iterator[RemoteChain]:
    remote = RemoteChain(URL)
    yield remote
    remote.close()


@responses.activate
def test_a_call_is_sent_by_position_and_its_result_returned(remote: RemoteChain) -> None:
    exchange = responses.post(URL, json={"jsonrpc": "2.0", "id": 1, "result": None})

    result = remote.call("eth_getBlockByNumber", "latest", False)

    sent = json.loads(exchange.calls[0].request.body)
    assert result is None
    assert sent == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "eth_getBlockByNumber",
        "params": ["latest", False],
    }


@pytest.mark.parametrize(
    ("error", "code", "message", "data"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x"}, 3, "execution reverted", "0x"),
        ({"code": "high", "message": None}, -32000, "None", None),
        ("out of order", -32000, "out of order", None),
    ],
)
@responses.activate
def test_an_error_of_any_shape_is_an_rpc_error(
    remote: RemoteChain, error: Any, code: int, message: str, data: Any
) -> None:
    # Some nodes answer errors with HTTP 400 or 500: the body says what it is.
    responses.post(URL, status=400, json={"jsonrpc": "2.0", "id": 1, "error": error})

    with pytest.raises(RpcError) as caught:
        remote.call("eth_call")

    assert (caught.value.code, caught.value.message, caught.value.data) == (code, message, data)


@pytest.mark.parametrize(
    "answer",
    [
        {"body": "<html>not found</html>", "status": 404},
        {"json": ["a", "list"]},
        {"json": {"status": "fine"}},
        {"json": {"jsonrpc": "2.0", "id": 2, "result": "0x1"}},
        {"json": {"jsonrpc": "2.0", "id": "1", "result": "0x1"}},
        {"json": {"jsonrpc": "2.0", "id": 2, "error": {"code": 3, "message": "no"}}},
        {"json": [{"jsonrpc": "2.0", "id": 1, "result": "0x1"}]},
        {"body": b'{"jsonrpc": "2.0", "id": 1, "result": "0x1"}' + b" " * 65 * 1024**2},
        {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
        {"body": requests.ConnectTimeout("/v3/secret-key")},
    ],
)
@responses.activate
def test_what_is_no_json_rpc_is_unreachable_and_the_url_stays_secret(
    remote: RemoteChain, answer: dict[str, Any]
) -> None:
    responses.post(URL, **answer)

    with pytest.raises(
        ChainUnreachableError, match=r"eth_chainId failed: .*node\.example"
    ) as caught:
        remote.call("eth_chainId")

    assert "secret-key" not in str(caught.value)
    assert caught.value.__cause__ is None
