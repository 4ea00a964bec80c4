"""What our session takes from the environment is what requests takes, looked at once a minute."""

from __future__ import annotations

import json

import pytest
import requests
import responses

from ocean_lib.http import connections
from ocean_lib.http.connections import get_requests_session
from ocean_lib.localnet.chain import RemoteChain
from ocean_lib.ocean.util import get_web3
from tests.wire import WireServer, as_json

URL = "http://provider.example:8030/api/v1/services/compute?jobId=1"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def settings(session, url=URL, **given):
    asked = {"proxies": {}, "stream": None, "verify": None, "cert": None} | given
    return session.merge_environment_settings(url, **asked)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HTTP_PROXY": "http://proxy.example:3128"},
        {"ALL_PROXY": "socks5h://proxy.example:1080"},
        {"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": "provider.example"},
        {"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": "other.example"},
        {"REQUESTS_CA_BUNDLE": "/etc/bundle.pem"},
        {"CURL_CA_BUNDLE": "/etc/bundle.pem"},
    ],
)
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"verify": False},
        {"verify": True},
        {"verify": "/mine.pem", "cert": "/me.pem", "stream": True},
        {"proxies": {"http": "http://mine.example"}},
    ],
)
@pytest.mark.parametrize("mine", [{}, {"proxies": {"http": "http://session.example"}}])
def test_the_settings_are_those_of_requests(monkeypatch, environment, given, mine):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    session, plain = get_requests_session(), requests.Session()
    for name, value in mine.items():
        setattr(session, name, value)
        setattr(plain, name, value)

    copies = [given | {"proxies": dict(given.get("proxies", {}))} for _ in range(2)]

    expected = settings(plain, **copies[0])
    assert dict(settings(session, **copies[1])) == dict(expected)


@responses.activate
def test_the_environment_is_looked_at_once_for_each_place(monkeypatch):
    looks = []
    monkeypatch.setattr(connections, "get_environ_proxies", lambda url: looks.append(url) or {})
    session = get_requests_session()
    urls = ["http://provider.example/a", "http://other.example/", "http://127.0.0.1:1/"]
    for url in urls:
        responses.get(url)

    for number in range(3):
        for url in urls:
            asked = {"params": {"jobId": str(number)}, "allow_redirects": False, "stream": True}
            session.request("GET", url, **asked)

    assert looks == urls[:2], "and never for this machine"


def test_a_session_that_does_not_trust_the_environment_ignores_it(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    session = get_requests_session()
    settings(session)

    session.trust_env = False

    assert settings(session)["proxies"] == {}


def test_what_the_user_sets_on_the_session_counts_at_once():
    session = get_requests_session()
    settings(session)

    session.proxies["http"] = "http://session.example"
    session.verify = False

    found = settings(session)
    assert (found["proxies"], found["verify"]) == ({"http": "http://session.example"}, False)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "a.localhost", "127.1", "0.0.0.0"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_this_machine_is_never_asked_through_a_proxy(monkeypatch, host, scheme, name):
    monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "other.example")

    found = settings(get_requests_session(), f"{scheme}://{host}:8030/api")

    assert found["proxies"] == {}


def test_nor_by_the_chains_client(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")

    def route(request):
        asked = json.loads(request.body)
        return as_json({"jsonrpc": "2.0", "id": asked["id"], "result": "0x7"})

    with WireServer(route) as node:
        assert get_web3(node.url).eth.block_number == 7
        chain = RemoteChain(node.url)
        assert chain.call("eth_blockNumber") == "0x7"
        chain.close()
