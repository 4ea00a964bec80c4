"""One list of what passes, for every read: a gateway's statuses, and 429 with its Retry-After."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from ocean_lib.exceptions import ConnectionBroken, SignatureRejected, TooManyRequests
from ocean_lib.http import deadline
from ocean_lib.http.deadline import Attempts, Deadline, may_sign_again, retry_after_s, time_limit
from ocean_lib.http.exchange import HttpExchange
from tests.wire import Reply, WireServer, answer, as_json, html

PASSING = [502, 503, 504, *range(520, 528), 529, 530, 598, 599, 429]


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 0.0)


def ask(*replies: Reply, retry: bool = True, seconds: float = 30.0) -> tuple[int, int]:
    """Return the last status, and how many requests it took."""
    left = list(replies)
    with (
        WireServer(lambda _: left.pop(0) if len(left) > 1 else left[0]) as server,
        time_limit(seconds),
    ):
        answer = HttpExchange().send("GET", server.url, operation="do it", retry=retry)
        return answer.status_code, len(server.requests)


@pytest.mark.parametrize("status", PASSING)
@pytest.mark.usefixtures("_no_pauses")
def test_a_read_is_tried_three_times(status: int) -> None:
    assert ask(html(status), html(status), as_json(1)) == (200, 3)
    assert ask(html(status)) == (status, 3)


@pytest.mark.parametrize("status", PASSING)
def test_what_is_no_read_is_sent_once(status: int) -> None:
    assert ask(html(status), as_json(1), retry=False) == (status, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 418, 500, 501, 505])
def test_what_the_server_itself_says_is_not_asked_twice(status: int) -> None:
    assert ask(html(status), as_json(1)) == (status, 1)


def test_a_server_is_not_asked_before_the_time_it_names() -> None:
    began = time.monotonic()

    assert ask(answer(429, "", Retry_After="1"), as_json(1)) == (200, 2)

    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_time_beyond_the_deadline_is_not_waited_for(status: int) -> None:
    began = time.monotonic()

    assert ask(answer(status, "", Retry_After="60"), as_json(1), seconds=5) == (status, 1)

    assert time.monotonic() - began < 2


def test_a_date_counts_by_the_clock_of_the_server() -> None:
    hour = 3600
    now = 1_700_000_000
    headers = {
        "date": formatdate(now, usegmt=True),
        "retry-after": formatdate(now + hour, usegmt=True),
    }

    assert retry_after_s(headers) == hour
    assert retry_after_s({**headers, "retry-after": formatdate(now - hour, usegmt=True)}) == 0


@pytest.mark.parametrize(
    "said", ["", "soon", "-5", "1.5", "1e9", "nan", "²", "9" * 40, "Thu, 99 Foo 2021"]
)
def test_a_time_that_is_none_counts_as_none(said: str) -> None:
    assert retry_after_s({"retry-after": said}) is None


def test_getting_on_gives_all_attempts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 0.0)
    attempts = Attempts(Deadline(None), 2)

    assert [attempts.again(), attempts.again()] == [True, False]
    attempts.renew()
    assert [attempts.again(), attempts.again()] == [True, False]


def test_a_refused_signature_is_renewed_at_once_and_a_busy_server_is_not() -> None:
    busy = TooManyRequests("busy")
    busy.retry_after_s = 60.0

    assert may_sign_again(SignatureRejected("no"), Deadline(0.1))
    assert not may_sign_again(busy, Deadline(0.1))
    assert may_sign_again(ConnectionBroken("gone"), Deadline(5))
