"""What our session prepares is what requests prepares, also when it is made from memory."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from requests.cookies import cookiejar_from_dict

from ocean_lib.http.connections import get_requests_session
from tests.wire import WireServer, as_json

URL = "http://provider.example:8030/api/v1/services/compute"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.dictionaries(TEXTS, TEXTS, max_size=4)
OTHER = st.dictionaries(TEXTS, st.none() | st.integers() | st.lists(TEXTS, max_size=3), max_size=3)


class Wire(HTTPAdapter):
    """Keeps what it is given to send."""

    sent: requests.PreparedRequest

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.sent = request
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, str(request.url)
        response.raw = io.BytesIO()
        return response


def ours() -> requests.Session:
    session = get_requests_session()
    for prefix in ("http://", "https://"):
        session.mount(prefix, Wire())
    return session


def sent(session: requests.Session, method: str, url: str, **wanted: Any) -> Any:
    """Return what a session sends, as our exchanges ask it to."""
    response = session.request(method, url, **wanted, allow_redirects=False, stream=True)
    return response.request


def shown(prepared: requests.PreparedRequest) -> tuple[Any, ...]:
    return prepared.method, prepared.url, dict(prepared.headers), prepared.body


def plain_session(like: requests.Session) -> requests.Session:
    session = requests.Session()
    session.headers = like.headers.copy()
    session.cookies.set_policy(like.cookies.get_policy())
    return session


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    url=st.sampled_from(
        [URL, f"{URL}?a=b", f"{URL}#part", "HTTP://Provider.Example", "http://bücher.example/ü x"]
    ),
    queries=st.lists(PLAIN | OTHER | st.sampled_from(["a=b", b"a=b"]), min_size=2, max_size=3),
    body=st.none() | st.binary(max_size=9) | TEXTS,
    headers=st.sampled_from([{}, {"Content-Type": "application/json"}, {"Range": "bytes=5-"}]),
)
def test_a_request_is_what_requests_makes_of_it(method, url, queries, body, headers):
    session = ours()
    plain = plain_session(session)

    for query in queries:
        wanted = {"params": query, "data": body, "headers": headers}
        theirs = plain.prepare_request(requests.Request(method, url, **wanted))

        assert shown(sent(session, method, url, **wanted)) == shown(theirs)


@pytest.mark.parametrize(
    "wanted",
    [
        {"json": {"a": 1}},
        {"auth": ("me", "secret")},
        {"cookies": {"a": "b"}},
        {"files": {"file": b"content"}},
        {"data": {"a": "b"}},
    ],
    ids=str,
)
def test_what_is_not_plain_is_prepared_each_time(wanted):
    session = ours()
    sent(session, "POST", URL)

    made = sent(session, "POST", URL, **wanted)

    theirs = requests.Request("POST", URL, **wanted).prepare()
    assert made.headers.get("Authorization") == theirs.headers.get("Authorization")
    assert made.headers.get("Content-Length") == theirs.headers.get("Content-Length")
    assert made.headers.get("Cookie") == theirs.headers.get("Cookie")


def test_what_the_user_sets_on_the_session_counts_at_once():
    session = ours()
    sent(session, "GET", URL)
    seen = []

    session.headers["X-Mine"] = "1"
    with_header = sent(session, "GET", URL)
    session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
    sent(session, "GET", URL)
    session.cookies = cookiejar_from_dict({"mine": "1"})
    with_cookie = sent(session, "GET", URL)
    session.auth = ("me", "secret")
    with_login = sent(session, "GET", URL)
    session.params = {"mine": "1"}
    with_query = sent(session, "GET", URL)

    assert with_header.headers["X-Mine"] == "1"
    assert seen == [200] * 4
    assert with_cookie.headers["Cookie"] == "mine=1"
    assert with_login.headers["Authorization"].startswith("Basic ")
    assert with_query.url == f"{URL}?mine=1"


def test_requests_share_nothing_that_can_be_changed():
    session = ours()
    query = {"a": "1"}
    first = sent(session, "GET", URL, params=query)

    first.headers["Authorization"] = "mine"
    first.register_hook("response", print)
    second = sent(session, "GET", URL, params={"b": "2"})

    assert query == {"a": "1"}
    assert "Authorization" not in second.headers
    assert second.hooks == {"response": []}
    assert second.url == f"{URL}?b=2"


def test_a_login_of_netrc_is_sent_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine provider.example login me password secret\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    session = ours()

    made = [sent(session, "GET", URL) for _ in range(2)]

    assert [one.headers["Authorization"] for one in made] == ["Basic bWU6c2VjcmV0"] * 2


def test_a_pool_that_was_closed_is_replaced():
    with WireServer(lambda _: as_json([])) as server:
        session = get_requests_session()
        session.get(server.url, timeout=5)

        session.get_adapter(server.url).poolmanager.clear()

        assert session.get(server.url, timeout=5).json() == []


def test_pools_of_many_hosts_are_not_kept_for_ever():
    session = get_requests_session()
    adapter = session.get_adapter(URL)
    for port in range(1, 300):
        request = requests.Request("GET", f"http://127.0.0.1:{port}/x").prepare()

        pool = adapter.get_connection_with_tls_context(request, verify=True)

        assert (pool.host, pool.port) == ("127.0.0.1", port)
    assert len(adapter._pools) <= 64


def test_each_way_to_verify_has_a_pool_of_its_own():
    session = get_requests_session()
    adapter = session.get_adapter("https://provider.example/")
    request = requests.Request("GET", "https://provider.example/x").prepare()

    pools = [adapter.get_connection_with_tls_context(request, verify=v) for v in (True, False)]

    assert pools[0] is not pools[1]
