"""A server under many connections and strange names, and stopping it while its threads are busy."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from ocean_lib.localnet.http.server import HttpServer

Threads = Callable[[], set[threading.Thread]]


def _ok(_: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.fixture
def threads() -> Threads:
    """What tells of the threads that the test has started and that still run."""
    before = set(threading.enumerate())
    return lambda: set(threading.enumerate()) - before


def test_a_worker_that_wakes_the_loop_just_before_the_stop_does_does_not_break_it(
    threads: Threads,
) -> None:
    server = HttpServer(_ok, name="stopping")
    server.start()
    trigger = server._server.trigger
    pull = trigger._physical_pull

    def another_is_quicker() -> None:
        pull()
        server._thread.join(5)
        pull()

    trigger._physical_pull = another_is_quicker
    server.stop()

    assert not threads()


def test_a_worker_that_outlasts_the_stop_wakes_nobody_and_writes_into_nobodys_file(
    tmp_path: Path,
) -> None:
    server = HttpServer(_ok, name="stopping")
    server.start()
    server.stop()
    paths = [tmp_path / str(number) for number in range(20)]
    with ExitStack() as files:
        for path in paths:  # they get the numbers of what the server had open
            files.callback(os.close, os.open(path, os.O_WRONLY | os.O_CREAT))
        server._server.pull_trigger()  # what each of waitress' workers does as it ends a request

    assert [path.read_bytes() for path in paths] == [b""] * len(paths)


def test_a_stop_closes_the_connections_and_the_port_and_a_second_does_nothing(
    threads: Threads,
) -> None:
    server = HttpServer(_ok, name="stopping")
    server.start()
    with requests.Session() as session:
        answer = session.get(server.url, timeout=10)
        server.stop()
        server.stop()

        assert answer.text == "ok"
        with pytest.raises(requests.ConnectionError):
            session.get(server.url, timeout=10)
    assert not threads()


@pytest.fixture
def server() -> Iterator[HttpServer]:
    server = HttpServer(_ok, name="answering", threads=2)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system allows, 4096 at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.usefixtures("many_files")
def test_half_open_connections_do_not_keep_others_out(server: HttpServer) -> None:
    with ExitStack() as connections:
        for _ in range(1100):
            connection = socket.create_connection(("127.0.0.1", server.port), 10)
            connections.enter_context(connection)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")

        assert requests.get(server.url, timeout=10).text == "ok"


@pytest.mark.slow
@pytest.mark.usefixtures("many_files")
def test_a_request_under_way_is_answered_however_many_connections_come(
    threads: Threads,
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        begun.set()
        go_on.wait(30)
        return _ok(environ, start_response)

    server = HttpServer(slowly, name="answering", threads=2)
    server.start()
    with ThreadPoolExecutor(1) as pool, ExitStack() as connections:
        answer = pool.submit(requests.get, server.url, timeout=60)
        begun.wait(10)
        for _ in range(1100):
            place = ("127.0.0.1", server.port)
            connections.enter_context(socket.create_connection(place, 10))
        go_on.set()

        assert answer.result().text == "ok"
    server.stop()

    assert not threads()


def test_clients_that_stop_reading_do_not_hold_the_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ocean_lib.localnet.http.server._STALLED_S", 0.2)

    def much(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/much":
            return _ok(environ, start_response)
        start_response("200 OK", [("Content-Length", str(2**26))])
        return (b"x" * 2**20 for _ in range(2**6))

    server = HttpServer(much, name="answering", threads=1)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(1)

        assert requests.get(server.url, timeout=20).text == "ok"
    server.stop()


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1:1", 200), ("[::1]:80", 200)]
    + [("app.localhost", 200), ("192.0.2.1:8030", 200), ("", 200)]
    + [("evil.example", 403), ("evil.example:80", 403), ("127.0.0.1.evil.example", 403)]
    + [("localhost.evil.example", 403), ("[", 403), ("localhost@evil.example", 403)],
)
def test_on_loopback_it_is_known_by_no_name_but_localhost(
    server: HttpServer, host: str, status: int
) -> None:
    assert requests.get(server.url, headers={"Host": host}, timeout=10).status_code == status


def test_where_others_reach_it_it_may_have_a_name() -> None:
    server = HttpServer(_ok, name="answering", host="0.0.0.0")
    server.start()
    answer = requests.get(server.url, headers={"Host": "ocean.example"}, timeout=10)
    server.stop()

    assert answer.text == "ok"


def test_a_server_that_never_started_can_be_stopped(threads: Threads) -> None:
    server = HttpServer(_ok, name="stopping")
    server.stop()

    assert not threads()
