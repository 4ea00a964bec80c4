"""Stopping a server, at the moments at which its threads are busy with something else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from ocean_lib.localnet._http_server import HttpServer

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


def test_a_server_that_never_started_can_be_stopped(threads: Threads) -> None:
    server = HttpServer(_ok, name="stopping")
    server.stop()

    assert not threads()
