"""What may be set on a session of requests may be set on ours, and ours may be copied as well."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import threading
from typing import Any

import pytest
import requests

from ocean_lib.exceptions import ConnectionBroken
from ocean_lib.http.connections import get_requests_session
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.limits import Timeouts
from tests.wire import WireServer, answer, as_json, silence

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda session: pickle.loads(pickle.dumps(session)),
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_a_copy_of_our_session_works_as_the_session_does(make):
    with WireServer(lambda _: as_json([1])) as server:
        session = get_requests_session()
        session.get(server.url, timeout=5)

        other = make(session)

        assert [other.get(server.url, timeout=5).json() for _ in range(2)] == [[1], [1]]
        assert session.get(server.url, timeout=5).json() == [1]
    assert other.headers["User-Agent"] == "ocean-compute"


@pytest.mark.parametrize("make", [COPIES["deepcopy"], COPIES["pickle"]], ids=["deepcopy", "pickle"])
def test_a_copy_has_connections_and_memory_of_its_own(make):
    with WireServer(lambda _: as_json([1])) as server:
        session = get_requests_session()
        session.get(server.url, timeout=5)

        other = make(session)
        other.get(server.url, timeout=5)

    assert server.connections == 2
    assert other._known is not session._known


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_a_copy_has_the_time_outs_of_the_session(make):
    other = make(get_requests_session(Timeouts(1.0, 0.2, 5.0)))

    with WireServer(lambda _: silence) as server, pytest.raises(requests.exceptions.ReadTimeout):
        other.get(server.url)


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_a_copy_takes_no_cookie_of_a_server(make):
    other = make(get_requests_session())

    with WireServer(lambda _: answer(200, "1", Set_Cookie="wallet=one")) as server:
        other.get(server.url, timeout=5)

    assert len(other.cookies) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hooks", {}),
        ("hooks", None),
        ("hooks", {"response": lambda *_, **__: None}),
        ("headers", None),
        ("headers", [("X-Mine", "1")]),
        ("headers", {"X-None": None}),
        ("params", None),
        ("params", [("a", "b")]),
        ("cert", None),
        ("cert", [__file__, __file__]),
        ("cert", (__file__, __file__)),
        ("proxies", {}),
        ("verify", None),
    ],
    ids=lambda part: part if isinstance(part, str) else type(part).__name__,
)
def test_what_requests_accepts_on_a_session_ours_accepts(name: str, value: Any):
    http = HttpExchange(session := get_requests_session())

    with WireServer(lambda _: as_json([1])) as server:
        setattr(session, name, value)
        answers = [http.send("GET", server.url, operation="ask").json() for _ in range(2)]

    assert answers == [[1], [1]]


def test_a_header_that_cannot_be_is_refused_by_requests():
    session = get_requests_session()
    session.headers["X-List"] = ["a"]  # type: ignore[assignment]

    with pytest.raises(requests.exceptions.InvalidHeader):
        session.get("http://127.0.0.1:1/", timeout=5)
    with pytest.raises(ConnectionBroken):
        HttpExchange(session).send("GET", "http://127.0.0.1:1/", operation="ask")


def test_hooks_of_the_user_are_called_for_each_answer():
    seen: list[int] = []
    session = get_requests_session()
    http = HttpExchange(session)

    with WireServer(lambda _: as_json([1])) as server:
        http.send("GET", server.url, operation="ask")
        session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
        for _ in range(2):
            http.send("GET", server.url, operation="ask")
        session.hooks["response"].clear()
        http.send("GET", server.url, operation="ask")

    assert seen == [200, 200]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_use_the_connections_of_a_copy():
    other = pickle.loads(pickle.dumps(get_requests_session()))

    with WireServer(lambda _: as_json([1])) as server:
        other.get(server.url, timeout=5)
        child = multiprocessing.get_context("fork").Process(target=_get, args=(other, server.url))
        child.start()
        child.join(10)

    assert child.exitcode == 0
    assert server.connections == 2


def _get(session: requests.Session, url: str) -> None:
    session.get(url, timeout=5)


def test_copies_of_one_session_can_be_used_by_many_threads():
    session = get_requests_session()
    answers: list[Any] = []

    with WireServer(lambda _: as_json([1])) as server:

        def work() -> None:
            other = copy.copy(session)
            answers.append(other.get(server.url, timeout=5).json())

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert answers == [[1]] * 8
