"""Servers that are too busy: who asks again, who does not, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ocean_lib.cli.errors import ExitCode, exit_code_of
from ocean_lib.exceptions import (
    AquariusError,
    OceanError,
    RequestInvalid,
    ServiceUnavailable,
    TooManyRequests,
)
from ocean_lib.http import deadline
from tests.players import DID, Fault, World, new_wallet, start
from tests.wire import Reply, answer, as_json, html

CLOUDFLARE = [*range(520, 528), 529, 530, 598, 599]
BUSY = {
    "a page": answer(429, "<html>Slow down</html>", "text/html", Retry_After="0"),
    "json": as_json({"error": "rate limit exceeded"}, 429),
}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 0.0)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def refuse(world: World, operation: str, reply: Reply, *, acts: bool = False) -> None:
    world.provider.faults[operation] = Fault(reply, acts=acts)
    world.forget_requests()


@pytest.mark.parametrize("status", CLOUDFLARE)
def test_a_start_that_a_gateway_lost_is_found(world, status) -> None:
    compute, wallet = world.compute(), new_wallet()
    refuse(world, "start", html(status), acts=True)

    job_id = start(compute, wallet)

    assert job_id == world.provider.jobs[-1]["jobId"]
    assert world.provider.count()["start"] == 1


@pytest.mark.parametrize("status", CLOUDFLARE)
def test_a_gateway_that_stands_alone_is_told_from_a_refusal(world, status) -> None:
    compute, wallet = world.compute(), new_wallet()
    job_id = start(compute, wallet)
    for call, act, times in calls(compute, wallet, job_id):
        refuse(world, call, html(status))
        with pytest.raises(ServiceUnavailable):
            act()
        assert world.provider.count()[call] == times


@pytest.mark.parametrize("reply", BUSY.values(), ids=BUSY)
def test_a_server_that_is_asked_too_often_refuses(world, reply) -> None:
    compute, wallet = world.compute(), new_wallet()
    job_id = start(compute, wallet)
    acts = [*calls(compute, wallet, job_id), ("start", lambda: start(compute, wallet), 1)]
    for call, act, times in acts:
        refuse(world, call, reply)
        with pytest.raises(TooManyRequests) as caught:
            act()
        assert world.provider.count()[call] == times
        assert caught.value.status_code == 429
        assert "URL" not in str(caught.value)
        assert exit_code_of(caught.value) is ExitCode.UNREACHABLE
    assert len(world.provider.jobs) == 1, "a start that was refused was not made"


def calls(compute: Any, wallet: Any, job_id: str) -> list[tuple[str, Any, int]]:
    """Calls, and how often they are sent: a read three times, a signed one twice, others once."""
    return [
        ("status", lambda: compute.status(DID, job_id, wallet), 3),
        ("result", lambda: compute.result(DID, job_id, wallet), 2),
        ("stop", lambda: compute.stop(DID, job_id, wallet), 1),
        ("delete", lambda: compute.delete(DID, job_id, wallet), 1),
    ]


def test_a_signed_read_comes_with_another_nonce(world) -> None:
    compute, wallet = world.compute(), new_wallet()
    job_id = start(compute, wallet)
    replies = [BUSY["a page"]]
    right = world.provider._result
    world.provider._result = lambda request: replies.pop() if replies else right(request)
    world.forget_requests()

    assert compute.result(DID, job_id, wallet)["urls"]

    sent = [r.query["signature"] for r in world.provider.server.requests if "signature" in r.query]
    assert world.provider.refused_signatures == 0
    assert len(sent) == 2
    assert world.provider.count()["nonce"] == 1, "whether it had moved is not known"


@pytest.mark.parametrize("call", ["start", "stop"])
def test_a_request_that_is_too_large_says_how_large(world, call) -> None:
    compute, wallet = world.compute(), new_wallet()
    job_id = start(compute, wallet)
    refuse(world, call, html(413))

    with pytest.raises(RequestInvalid) as caught:
        start(compute, wallet) if call == "start" else compute.stop(DID, job_id, wallet)

    sent = [len(r.body) for r in world.provider.server.requests if r.method in ("POST", "PUT")]
    assert f"{sent[-1]} bytes" in str(caught.value)
    assert world.provider.count()[call] == 1
    assert exit_code_of(caught.value) is ExitCode.REFUSED


@pytest.mark.parametrize(
    ("reply", "times", "code"),
    [
        (html(522), 3, ExitCode.UNREACHABLE),
        (BUSY["json"], 3, ExitCode.UNREACHABLE),
        (html(413), 1, ExitCode.ERROR),
    ],
)
def test_a_metadata_cache_is_held_to_the_same_list(world, reply, times, code) -> None:
    world.aquarius.fault = Fault(reply)

    with pytest.raises(AquariusError) as caught:
        world.compute().status(DID, "1" * 32, new_wallet())

    assert len(world.aquarius.seen) == times
    assert exit_code_of(caught.value) is code
    assert isinstance(caught.value, OceanError)
