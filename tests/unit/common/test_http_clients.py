"""A client of the user's own: refused where it cannot work, and never a stranger's exception."""

from __future__ import annotations

import builtins
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    InvalidInput,
    MalformedResponse,
    OceanError,
)
from ocean_lib.http import exchange
from ocean_lib.http.exchange import HttpExchange
from tests.wire import WireServer, as_json

SECRET = "the-secret-of-a-text"


class ReadTimeout(Exception):
    """No relative of requests' exceptions, as httpx's are not."""


class LikeHttpx:
    """Takes what `httpx.Client.request` takes."""

    def request(
        self,
        method: str,
        url: str,
        *,
        content: Any = None,
        data: Any = None,
        params: Any = None,
        headers: Any = None,
        timeout: Any = None,
        follow_redirects: Any = None,
    ) -> Any:
        raise NotImplementedError


class WithoutData:
    def get(self, url: str, params: Any = None, headers: Any = None, timeout: Any = None) -> Any:
        raise NotImplementedError


class Around:
    """A session's `request`, and nothing else."""

    def __init__(self, after: Any = None) -> None:
        self.session = requests.Session()
        self.after = after

    def request(self, method: str, url: str, **options: Any) -> Any:
        response = self.session.request(method, url, **{**options, "stream": False})
        return self.after(response) if self.after else response


def fail(error: BaseException) -> Any:
    def raising(_: object) -> Any:
        raise error

    return raising


def ask(http: HttpExchange, url: str) -> Any:
    return http.send("POST", url, operation="start the job", json_body={}).json()


USELESS = {
    "text": "x",
    "a number": 5,
    "any object": object(),
    "a dict, which has get": {},
    "the class of sessions": requests.Session,
    "a request that is no method": SimpleNamespace(request=5),
    "httpx": LikeHttpx(),
    "verbs without data": WithoutData(),
}


@pytest.mark.parametrize("client", USELESS.values(), ids=USELESS)
def test_a_client_that_cannot_be_called_as_a_session_is_refused_at_once(client):
    provider = DataServiceProvider()
    before = provider.get_http_client()

    for give in (provider.set_http_client, HttpExchange):
        with pytest.raises(InvalidInput, match=r"requests\.Session, .*request\(method, url, \*"):
            give(client)

    assert provider.get_http_client() is before


def test_the_class_of_a_session_is_told_from_a_session():
    with pytest.raises(InvalidInput, match="got the class Session itself"):
        HttpExchange(requests.Session)


@pytest.mark.parametrize(
    "client",
    [
        requests.Session(),
        requests,
        Around(),
        SimpleNamespace(post=requests.post),
        SimpleNamespace(request=builtins.dict),
    ],
    ids=["a session", "the module", "a request", "a verb", "one that does not say what it takes"],
)
def test_what_can_be_called_as_a_session_is_taken(client):
    assert HttpExchange(client).client is client


@pytest.mark.parametrize(
    "error",
    [ReadTimeout(SECRET), TypeError(SECRET), UnicodeDecodeError("ascii", b"\xff", 0, 1, SECRET)],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_of_a_foreign_client_is_a_broken_connection_that_names_it(error):
    http = HttpExchange(Around(fail(error)))

    with WireServer(lambda _: as_json(1)) as server, pytest.raises(ConnectionBroken) as caught:
        ask(http, server.url)

    assert caught.value.may_have_arrived
    assert f"(Around) raised {type(error).__name__}" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_an_exception_while_a_foreign_answer_is_read_is_ours_as_well():
    def at_once(response: Any) -> Any:
        response.iter_content = fail(ReadTimeout())
        return response

    def later(response: Any) -> Any:
        response.iter_content = lambda _: map(fail(ReadTimeout()), [1])
        return response

    with WireServer(lambda _: as_json(1)) as server:
        for when in (at_once, later):
            with pytest.raises(ConnectionBroken, match="raised ReadTimeout"):
                ask(HttpExchange(Around(when)), server.url)


@pytest.mark.parametrize(
    "returned",
    [None, SimpleNamespace(status_code=200, headers={}), SimpleNamespace(status_code="200")],
    ids=["nothing", "as httpx does", "no number"],
)
def test_a_foreign_answer_that_is_not_like_those_of_requests_says_what_is_needed(returned):
    http = HttpExchange(Around(lambda _: returned))

    with (
        WireServer(lambda _: as_json(1)) as server,
        pytest.raises(MalformedResponse, match=r"Around.* iter_content\(\) are needed"),
    ):
        ask(http, server.url)


def test_a_verb_that_a_client_does_not_have_is_said_before_anything_is_sent():
    http = HttpExchange(SimpleNamespace(get=requests.get))

    with pytest.raises(ConnectFailed, match="no method post") as caught:
        ask(http, "http://127.0.0.1:1/")
    assert not caught.value.may_have_arrived


def test_a_fault_of_our_own_session_is_seen_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        exchange, "get_requests_session", lambda _: Around(fail(KeyError("a fault of ours")))
    )

    with WireServer(lambda _: as_json(1)) as server, pytest.raises(KeyError) as caught:
        ask(HttpExchange(), server.url)

    assert not isinstance(caught.value, OceanError)
