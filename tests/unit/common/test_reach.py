"""Where a link may lead: never nearer to this machine than whoever named it is."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3.util.connection

from ocean_lib.exceptions import ConnectFailed, RedirectRefused
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.origins import MAX_REDIRECTS, Reach, addresses_of, is_loopback, reach_of
from tests.wire import Reply, Request, WireServer, answer

HOSTS = {
    "provider.example": "203.0.114.7",
    "store.example": "203.0.114.8",
    "inside.example": "10.1.2.3",
    "here.example": "127.0.0.1",
    "both.example": "203.0.114.9",
    "localhost": "127.0.0.1",
}
PRIVATE = ["http://10.0.0.5/", "http://192.168.1.1/", "http://inside.example/", "http://[fd00::1]/"]
LOCAL = [
    "http://127.0.0.1:8545/",
    "http://localhost/",
    "http://169.254.169.254/latest/meta-data/",
    "http://here.example/",
    "http://0.0.0.0/",
    "http://127.1/",
    "http://2130706433/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://127.0.0.1\\@store.example/",  # one host to urllib, another to urllib3
]


class Internet:
    """Resolver and connections, held: names have fixed addresses, and all lead to one server."""

    def __init__(self, server: WireServer) -> None:
        self.server = server
        self.connected: list[str] = []
        self.rebinds = False
        self._connect = urllib3.util.connection.create_connection
        self._resolve = socket.getaddrinfo

    def resolve(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        known = HOSTS.get(str(host))
        if known is None:
            return self._resolve(host, port, *args, **{**options, "flags": socket.AI_NUMERICHOST})
        if host == "both.example" and self.rebinds:
            known = "127.0.0.1"
        self.rebinds = True
        return self._resolve(known, port, *args, **options)

    def connect(self, address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
        self.connected.append(socket.getaddrinfo(address[0], 80)[0][4][0])
        return self._connect(("127.0.0.1", self.server.port), *args, **options)


@pytest.fixture
def route() -> dict[str, Reply]:
    return {"/file": answer(200, b"content")}


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch, route: dict[str, Reply]) -> Iterator[Internet]:
    def reply(request: Request) -> Reply:
        return route[request.path]

    with WireServer(reply) as server:
        held = Internet(server)
        monkeypatch.setattr(socket, "getaddrinfo", held.resolve)
        monkeypatch.setattr(urllib3.util.connection, "create_connection", held.connect)
        yield held


@pytest.fixture(params=[lambda: None, requests.Session], ids=["ours", "the user's"])
def client(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return request.param  # type: ignore[no-any-return]


def read(url: str, provider: str = "http://provider.example", client: Any = None) -> bytes:
    with HttpExchange(client).stream(url, operation="download x", given_by=lambda: provider) as (
        _,
        pieces,
    ):
        return b"".join(pieces)


def to(location: str) -> Reply:
    return answer(302, "", Location=location)


@pytest.mark.parametrize("url", PRIVATE + LOCAL)
@pytest.mark.parametrize("way", ["the link", "a redirect"])
def test_a_public_provider_leads_to_no_private_place(internet, route, client, url, way) -> None:
    route["/moved"] = to(url)

    with pytest.raises(RedirectRefused, match="private address"):
        read(url if way == "the link" else "http://store.example/moved", client=client())

    assert internet.connected == ([] if way == "the link" else ["203.0.114.8"])


@pytest.mark.parametrize("url", LOCAL)
def test_a_provider_inside_leads_to_nothing_on_this_machine(internet, url) -> None:
    with pytest.raises(RedirectRefused):
        read(url, "http://inside.example")

    assert internet.connected == []


@pytest.mark.parametrize(
    ("provider", "place"),
    [
        ("http://provider.example", "http://store.example"),
        ("http://inside.example", "http://store.example"),
        ("http://inside.example", "http://10.0.0.5"),
        ("http://here.example", "http://10.0.0.5"),
        ("http://127.0.0.1:8030", "http://localhost"),
    ],
)
def test_where_the_provider_is_others_may_be(internet, route, client, provider, place) -> None:
    route["/moved"] = to(f"{place}/file")

    assert read(f"{place}/file", provider, client()) == b"content"
    assert read("http://store.example/moved", provider, client()) == b"content"


def test_a_name_that_changes_its_mind_gains_nothing(internet) -> None:
    assert read("http://both.example/file") == b"content"

    assert internet.connected == ["203.0.114.9"], "where it was when it was looked at"


def test_an_unknown_name_is_a_connection_that_failed(internet) -> None:
    with pytest.raises(ConnectFailed):
        read("http://nobody.example/file")


def test_redirects_end_after_a_few(internet, route, client) -> None:
    route["/loop"] = to("/loop")

    with pytest.raises(RedirectRefused, match=f"more than {MAX_REDIRECTS} redirects"):
        read("http://store.example/loop", client=client())

    assert len(internet.server.requests) == MAX_REDIRECTS + 1


def test_a_few_redirects_are_followed_wherever_they_say_it_is(internet, route) -> None:
    route |= {
        "/a": to("/b"),
        "/b": to("http://provider.example/c"),
        "/c": to("//store.example/file"),
    }

    assert read("http://store.example/a") == b"content"


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "ftp://store.example/x", "gopher://x/"])
def test_a_redirect_to_another_scheme_is_refused(internet, route, scheme) -> None:
    route["/moved"] = to(scheme)

    with pytest.raises(ValueError, match="not a URL that can be asked"):
        read("http://store.example/moved")


def test_through_a_proxy_names_are_the_proxys_business(internet, route, monkeypatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://provider.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://provider.example:3128")

    for near in ("http://10.0.0.5/file", "http://[::1]/file"):
        with pytest.raises(RedirectRefused):
            read(near)
    assert read("http://nobody.example/file") == b"content"
    assert internet.connected == ["203.0.114.7"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", Reach.PUBLIC),
        ("2606:4700::1111", Reach.PUBLIC),
        ("10.0.0.1", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("fc00::1", Reach.PRIVATE),
        ("::ffff:10.0.0.1", Reach.PRIVATE),
        ("2002:0a00:0001::", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOCAL),
        ("fe80::1%eth0", Reach.LOCAL),
        ("0.0.0.0", Reach.LOCAL),
        ("224.0.0.1", Reach.LOCAL),
    ],
)
def test_the_reach_of_an_address(address, expected) -> None:
    assert reach_of([address]) is expected
    assert reach_of(["8.8.8.8", address]) is expected


def test_a_host_that_is_nowhere_reaches_nothing() -> None:
    assert reach_of([]) is Reach.PUBLIC
    assert addresses_of("http://[") is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("127.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("", False),
        ("localhost.example", False),
        ("10.0.0.1", False),
        ("128.0.0.1", False),
        ("provider.example", False),
        ("é.example", False),
    ],
)
def test_this_machine_is_known_without_asking(host, expected) -> None:
    assert is_loopback(host) is expected
