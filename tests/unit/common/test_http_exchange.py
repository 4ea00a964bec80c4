"""HttpExchange over real sockets: every call ends in time, with a value or one of our errors."""

from __future__ import annotations

import logging
import threading
import time
import traceback

import pytest

from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    InvalidUrl,
    MalformedResponse,
    RedirectRefused,
    RequestTimeout,
    ResponseTooLarge,
)
from ocean_lib.http.deadline import current_deadline, time_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.limits import Timeouts
from tests.wire import WireServer, answer, as_json, drip, html, raw, reset, silence

SECRET = "0x" + "ab" * 65


def exchange(total_s: float = 5.0, read_s: float = 5.0, **options: int) -> HttpExchange:
    return HttpExchange(timeouts=Timeouts(2.0, read_s, total_s), **options)


def get(http: HttpExchange, url: str, **options: object):
    return http.send("GET", url, operation="do it", **options)  # type: ignore[arg-type]


def test_an_answer_comes_back_whatever_its_status() -> None:
    with WireServer(lambda _: html(418)) as server:
        answer = get(exchange(), server.url)

    assert answer.status_code == 418
    assert answer.text() == "X It went wrong."


def test_parameters_are_encoded_and_arrive_whole() -> None:
    value = "a&b=c#d é %41"

    with WireServer(lambda _: as_json(1)) as server:
        get(exchange(), server.url, params={"did": value, "empty": ""})

    assert server.requests[0].query == {"did": value, "empty": ""}


def test_connections_are_kept_alive() -> None:
    http = exchange()

    with WireServer(lambda _: as_json([1])) as server:
        for _ in range(5):
            get(http, server.url)

    assert server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(drip(b"", b"H"), id="status line"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.05), id="headers"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b"x"), id="body"),
        pytest.param(
            drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            id="chunks",
        ),
        pytest.param(silence, id="silence"),
    ],
)
def test_no_call_outlives_its_deadline(reply) -> None:
    started = time.monotonic()

    with WireServer(lambda _: reply) as server, pytest.raises(RequestTimeout, match=r"0\.4 s"):
        get(exchange(total_s=0.4), server.url)

    assert time.monotonic() - started < 4


def test_a_time_limit_around_a_call_tightens_it() -> None:
    with (
        WireServer(lambda _: silence) as server,
        time_limit(0.2),
        pytest.raises(RequestTimeout, match=r"0\.2 s"),
    ):
        get(exchange(total_s=60), server.url)


def test_a_server_that_stops_answering_is_told_from_a_used_up_deadline() -> None:
    with (
        WireServer(lambda _: silence) as server,
        pytest.raises(RequestTimeout, match="stopped answering") as caught,
    ):
        get(exchange(read_s=0.2), server.url)

    assert caught.value.may_have_arrived


def test_an_endless_body_is_cut_off() -> None:
    endless = drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000, 0)

    with WireServer(lambda _: endless) as server, pytest.raises(ResponseTooLarge, match="50000"):
        get(exchange(max_answer_bytes=50_000), server.url)


def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    with WireServer(lambda _: as_json(1)) as server:
        url = server.url

    with pytest.raises(ConnectFailed, match="Check that the server runs") as caught:
        get(exchange(), url)
    assert not caught.value.may_have_arrived
    assert isinstance(caught.value, ConnectionError)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(reset, id="reset"),
        pytest.param(raw(b""), id="closed"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"), id="cut short"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12"), id="cut chunk"
        ),
        pytest.param(raw(b"nonsense\r\n\r\n"), id="not HTTP"),
    ],
)
def test_a_broken_answer_says_that_the_request_may_have_arrived(reply) -> None:
    with WireServer(lambda _: reply) as server, pytest.raises(ConnectionBroken) as caught:
        get(exchange(), server.url)

    assert caught.value.may_have_arrived
    assert len(server.requests) == 1


def test_reads_are_tried_again_when_the_connection_breaks() -> None:
    replies = iter([reset, html(503), as_json({"ok": 1})])

    with WireServer(lambda _: next(replies)) as server:
        answer = get(exchange(), server.url, retry=True)

    assert answer.json() == {"ok": 1}
    assert len(server.requests) == 3


def test_a_refusal_in_json_is_not_tried_again() -> None:
    with WireServer(lambda _: as_json({"error": "no"}, 503)) as server:
        answer = get(exchange(), server.url, retry=True)

    assert answer.status_code == 503
    assert len(server.requests) == 1


def test_only_reads_are_tried_again() -> None:
    with WireServer(lambda _: reset) as server, pytest.raises(ConnectionBroken):
        exchange().send("POST", server.url, operation="do it", json_body={})

    assert len(server.requests) == 1


def test_a_redirect_is_not_followed() -> None:
    with WireServer(lambda _: as_json("stolen")) as thief:
        elsewhere = answer(302, "", Location=f"{thief.url}/?signature={SECRET}")
        with WireServer(lambda _: elsewhere) as server, pytest.raises(RedirectRefused) as caught:
            get(exchange(), server.url, params={"signature": SECRET})

    assert thief.requests == []
    assert thief.url in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://x/y", "http://", "http://a b/", "http://[x"]
)
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    with pytest.raises(InvalidUrl):
        get(exchange(), url)


def test_a_body_that_is_not_json_is_malformed() -> None:
    with WireServer(lambda _: answer(200, "<html><p>Welcome</p></html>", "text/html")) as server:
        got = get(exchange(), server.url)

    with pytest.raises(MalformedResponse, match=r"expected JSON .* got a web page \(Welcome\)"):
        got.json()


@pytest.mark.parametrize("reply", [as_json(1), reset, silence, html(500)])
def test_a_query_never_shows(reply, caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG)
    http = exchange(total_s=0.5)
    said = ""

    with WireServer(lambda _: reply) as server:
        try:
            got = get(http, server.url + "/path", params={"signature": SECRET}, retry=True)
            said = repr(got) + got.text()
        except Exception as error:
            said = "".join(traceback.format_exception(error)) + repr(error)
            said += str(error.__context__)
    assert server.requests[0].query["signature"] == SECRET

    logged = "".join(record.getMessage() + str(vars(record)) for record in caplog.records)
    assert "urllib3" in logged, "urllib3 logs its work; if not, this test shows nothing"
    out = "".join(capfd.readouterr())
    assert SECRET not in logged + said + out


def test_64_threads_share_one_session() -> None:
    http = exchange(total_s=30)
    failures: list[BaseException] = []

    with WireServer(lambda _: as_json(1)) as server:

        def work() -> None:
            try:
                for _ in range(5):
                    get(http, server.url)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failures == []
    assert len(server.requests) == 320
    assert server.connections <= 64


def test_a_client_of_the_users_own_is_used() -> None:
    class Client:
        calls: list[str] = []  # noqa: RUF012

        def get(self, url: str, **_: object) -> object:
            self.calls.append(url)
            raise OSError("no network here")

    http = HttpExchange(Client())

    with pytest.raises(ConnectionBroken):
        get(http, "http://example.org/")
    assert Client.calls == ["http://example.org/"]


def test_a_time_limit_can_set_the_times_of_each_request() -> None:
    with (
        WireServer(lambda _: silence) as server,
        time_limit(30, read_s=0.2),
        pytest.raises(RequestTimeout, match="stopped answering"),
    ):
        get(exchange(), server.url)


def test_times_set_outside_hold_inside_unless_set_again() -> None:
    with time_limit(30, connect_s=1, read_s=2), time_limit(20, read_s=3) as inner:
        assert (inner.connect_s, inner.read_s) == (1, 3)
    assert current_deadline() is None
