"""Who is to blame when no answer comes: server, proxy, file or scheme; and what had left."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3.exceptions

from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    OceanError,
    RequestTimeout,
    TransportError,
)
from ocean_lib.http.connections import get_requests_session, proxy_of
from ocean_lib.http.deadline import Deadline, time_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.failures import failure_of
from ocean_lib.http.limits import Timeouts
from tests.wire import WireServer, as_json, raw, silence

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
NOBODY = "127.0.0.1:1"
PASSWORD = "s3cret"
ELSEWHERE = "provider.example"
"""Asked through a proxy on loopback only: this machine is never asked through one."""


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer(lambda _: as_json(1)) as server:
        yield server


def failure(url: str, session: Any = None, connect_s: float = 2.0) -> TransportError:
    http = HttpExchange(session, timeouts=Timeouts(connect_s, 2.0, 5.0))
    with pytest.raises(TransportError) as caught:
        http.send("POST", url, operation="start the job", json_body={})
    return caught.value


def https(server: WireServer) -> str:
    return server.url.replace("http:", "https:")


@pytest.mark.parametrize("session", [None, requests.Session()], ids=["ours", "the user's"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named_without_its_password(monkeypatch, session, scheme) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://me:{PASSWORD}@{NOBODY}")

    error = failure(f"{scheme}://{ELSEWHERE}", session)

    assert isinstance(error, ConnectFailed)
    assert f"through the proxy http://{NOBODY} (Connection refused)" in str(error)
    assert "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY" in str(error)
    assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    ("proxy", "hint"),
    [
        ("http://", "HTTP_PROXY"),
        ("http://[", "HTTP_PROXY"),
        ("ftp://proxy.example", "HTTP_PROXY"),
        ("socks5://127.0.0.1:1", "requests[socks]"),
        ("socks5h://me:s3cret@127.0.0.1:1", "requests[socks]"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_blamed_and_not_the_url(monkeypatch, proxy, hint) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    if "socks" in hint:
        monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", _no_pysocks)

    error = failure(f"http://{ELSEWHERE}")

    assert isinstance(error, ConnectFailed)
    assert not error.may_have_arrived
    assert "cannot be used as a proxy" in str(error)
    assert hint in str(error)
    assert PASSWORD not in str(error)
    assert ELSEWHERE not in str(error)


def _no_pysocks(*_: object, **__: object) -> None:
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://me:pw@proxy.example:3128/x", "http://proxy.example:3128"),
        ("me:pw@proxy.example:3128", "proxy.example:3128"),
        ("http://me:p@w@proxy.example", "http://proxy.example"),
        ("http://me:p://w@proxy.example", "http://proxy.example"),
        ("me:p://w@proxy.example", "proxy.example"),
        ("proxy.example", "http://proxy.example"),
    ],
)
def test_no_spelling_of_a_proxy_shows_its_password(proxy: str, shown: str) -> None:
    session = get_requests_session()
    session.proxies["http"] = proxy

    said = proxy_of(session, "http://provider.example/")

    assert said in (shown, shown.partition("://")[2])


def test_a_proxy_that_says_nothing_has_not_sent_anything_on_over_tls(monkeypatch) -> None:
    with WireServer(lambda _: silence, on_connect=lambda: silence) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)

        error = failure(f"https://{ELSEWHERE}", connect_s=0.3)

    assert not error.may_have_arrived
    assert f"through the proxy {proxy.url}" in str(error)


def test_what_a_silent_proxy_did_with_a_plain_request_is_not_known(monkeypatch) -> None:
    with WireServer(lambda _: silence) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)

        with time_limit(5, read_s=0.3):
            error = failure(f"http://{ELSEWHERE}")

    assert error.may_have_arrived
    assert f"through the proxy {proxy.url} stopped answering" in str(error)


@pytest.mark.parametrize("session", [None, requests.Session()], ids=["ours", "the user's"])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_that_is_gone_is_named_and_nothing_was_sent(
    monkeypatch, server, name, session
) -> None:
    monkeypatch.setenv(name, "/nowhere/bundle.pem")

    error = failure(https(server), session)

    assert isinstance(error, ConnectFailed)
    assert "CA bundle '/nowhere/bundle.pem' is not there" in str(error)
    assert name in str(error)


@pytest.mark.parametrize(
    ("cert", "what"),
    [("/nowhere/me.pem", "client certificate file"), ((__file__, "/nowhere/me.pem"), "key file")],
)
def test_a_client_certificate_that_is_gone_is_named_and_nothing_was_sent(server, cert, what):
    session = get_requests_session()
    session.cert = cert

    error = failure(https(server), session)

    assert isinstance(error, ConnectFailed)
    assert f"the {what} '/nowhere/me.pem' is not there" in str(error)
    assert server.connections == 0


def test_a_ca_bundle_that_is_none_is_not_blamed_on_the_server_alone(monkeypatch, server, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate", encoding="ascii")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    error = failure(https(server))

    assert isinstance(error, ConnectFailed)
    assert "REQUESTS_CA_BUNDLE" in str(error)


def test_https_at_a_port_that_speaks_http_sends_nothing_and_says_so() -> None:
    with WireServer(lambda _: silence, on_connect=lambda: silence) as server:
        error = failure(https(server), connect_s=0.3)

    assert isinstance(error, RequestTimeout)
    assert not error.may_have_arrived
    assert "may speak http and not https" in str(error)
    assert "timeout.read" not in str(error)


def test_a_handshake_at_the_end_of_the_time_has_sent_nothing() -> None:
    with (
        WireServer(lambda _: silence, on_connect=lambda: silence) as server,
        time_limit(0.3),
    ):
        error = failure(https(server))

    assert isinstance(error, RequestTimeout)
    assert not error.may_have_arrived
    assert "0.3 s" in str(error)


@pytest.mark.parametrize("hello", [raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), raw(b"")])
def test_a_handshake_that_fails_has_sent_nothing(hello) -> None:
    with WireServer(lambda _: silence, on_connect=lambda: hello) as server:
        error = failure(https(server))

    assert isinstance(error, ConnectFailed)


@pytest.mark.parametrize("kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_a_tls_connection_that_ends_unseen_may_have_carried_the_request(kind) -> None:
    error = requests.exceptions.SSLError(urllib3.exceptions.SSLError(kind("EOF occurred")))

    found = failure_of(error, "https://provider.example/", "start the job", Deadline(5))

    assert isinstance(found, ConnectionBroken)


def test_a_tls_connection_that_breaks_after_the_request_may_have_carried_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_read_and_break, args=(listener, certificate))
    thread.start()

    error: OceanError = failure(f"https://127.0.0.1:{listener.getsockname()[1]}/")

    thread.join()
    listener.close()
    assert isinstance(error, ConnectionBroken)


def _certificate(folder: Path) -> Path:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs openssl to make a certificate")
    path = folder / "both.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(path)]
    subprocess.run([program, *made.split(), *named, *files], check=True, capture_output=True)
    with path.open("a", encoding="ascii") as file:
        file.write((folder / "key.pem").read_text(encoding="ascii"))
    return path


def _read_and_break(listener: socket.socket, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plain, _ = listener.accept()
    with context.wrap_socket(plain, server_side=True) as tls:
        tls.recv(65536)
        tls.recv(65536)
        with socket.socket(fileno=tls.detach()) as broken:
            broken.sendall(b"what is no record of TLS at all")
