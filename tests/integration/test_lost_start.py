"""A start whose answer is lost: the job is found, or the caller learns that it may have started."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from ocean_lib.exceptions import (
    ConnectFailed,
    InvalidInput,
    JobError,
    ProviderFault,
    RequestTimeout,
    SignatureRejected,
    StartUncertain,
    WorkflowRefused,
)
from ocean_lib.jobs import starting
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import (
    ALGORITHM_DID,
    ALGORITHM_ORDER,
    DID,
    ORDER,
    OTHER_ORDER,
    RAW,
    SERVICE_INDEX,
    Fault,
    World,
    dated,
    edited,
    new_wallet,
    not_your_signature,
    start,
    unsigned,
)
from tests.wire import Exchange, Reply, Request, as_json, html, reset, silence

FAST = {"timeout.read": 1, "timeout.total": 4}
LOST = [reset, html(500)]
ZONES = [-5 * 3600, 8 * 3600, 5.75 * 3600]
"""What a job store adds to its dates that keeps the time of New York, Singapore or Kathmandu."""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look as often as in earnest, with shorter waits; the fault matrix runs with the real ones."""
    monkeypatch.setattr(starting, "LOOK_PAUSES_S", (0.05, 0.1, 0.15, 0.2))


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def lost(world: World, *, acts: bool, reply: Reply = reset) -> None:
    world.provider.faults["start"] = Fault(reply, acts=acts)


def an_old_job(world: World, wallet: Any, **changes: Any) -> str:
    """Start a job with another client, and make it a minute old."""
    job_id = start(world.compute(), wallet)
    world.provider.jobs[-1].update({"dateCreated": time.time() - 60, **changes})
    world.forget_requests()
    return job_id


def listing(world: World, *jobs: dict[str, Any]) -> None:
    """Let the Provider list these jobs, whatever there is."""
    world.provider.faults["look"] = Fault(dated([unsigned(job) for job in jobs]))


def test_the_job_is_found_by_its_order(world: World) -> None:
    lost(world, acts=True)

    job_id = start(world.compute(**FAST), new_wallet())

    assert [job["jobId"] for job in world.provider.jobs] == [job_id]
    assert world.provider.count()["start"] == 1
    assert world.provider.count()["look"] == 1


def test_the_job_of_a_published_algorithm_is_found(world: World) -> None:
    lost(world, acts=True)
    token = "0x" + ALGORITHM_DID.removeprefix("did:op:")

    job_id = start(
        world.compute(**FAST),
        new_wallet(),
        algorithm_did=ALGORITHM_DID,
        algorithm_tx_id=ALGORITHM_ORDER,
        algorithm_data_token=token.lower(),
    )

    assert world.provider.jobs[0]["jobId"] == job_id
    assert world.provider.jobs[0]["algoDID"] == ALGORITHM_DID


def test_a_job_that_appears_late_is_found(world: World) -> None:
    lost(world, acts=True)
    nothing_yet = Fault(dated([]))
    world.provider.faults["look"] = nothing_yet
    appear = threading.Timer(0.2, world.provider.faults.pop, ["look"])
    appear.start()

    job_id = start(world.compute(**FAST), new_wallet())

    appear.join()
    assert world.provider.jobs[0]["jobId"] == job_id
    assert world.provider.count()["start"] == 1


def test_no_job_after_a_bounded_look_is_said_with_the_way_to_look_again(world: World) -> None:
    lost(world, acts=False)

    with pytest.raises(StartUncertain, match="no such job exists yet") as caught:
        start(world.compute(**FAST), new_wallet())

    error = caught.value
    assert isinstance(error, JobError)
    assert (error.did, error.order_tx, error.candidates) == (DID, ORDER, ())
    assert "may have started" in str(error)
    assert "compute.jobs(" in str(error)
    assert ORDER in str(error)
    assert world.provider.count()["start"] == 1
    assert 1 <= world.provider.count()["look"] <= len(starting.LOOK_PAUSES_S) + 1


def test_a_look_that_fails_is_said(world: World) -> None:
    lost(world, acts=True)
    world.provider.faults["look"] = Fault(html(500))

    with pytest.raises(StartUncertain, match="could not be listed either"):
        start(world.compute(**FAST), new_wallet())
    assert world.provider.count()["start"] == 1


@pytest.mark.parametrize("look", [html(500), html(503), reset, dated({"error": "away"}, 503)])
def test_a_fault_that_cannot_be_looked_into_is_no_refusal(world: World, look: Reply) -> None:
    """The operator made the job; then the Provider could not reach it any more."""
    lost(world, acts=True, reply=html(500))
    world.provider.faults["look"] = Fault(look)

    with pytest.raises(StartUncertain, match="HTTP 500"):
        start(world.compute(**{**FAST, "timeout.total": 8}), new_wallet())

    assert len(world.provider.jobs) == 1
    assert world.provider.count()["start"] == 1
    assert world.provider.count()["look"] >= len(starting.LOOK_PAUSES_S)


@pytest.mark.parametrize("looks", ["nnnn-", "-nnnn", "-n-nn", "n-n-n"])
def test_a_fault_is_no_refusal_after_one_readable_list(world: World, looks: str) -> None:
    """The job was made, and the lists do not have it: no two in a row can be read."""
    lost(world, acts=True, reply=html(500))
    left = list(looks)

    def look(exchange: Exchange) -> None:
        (html(500) if left.pop(0) == "n" else dated([]))(exchange)

    world.provider.faults["look"] = Fault(look)

    with pytest.raises(StartUncertain):
        start(world.compute(**FAST), new_wallet())
    assert left == []


def test_a_fault_is_looked_into_until_a_look_succeeds(world: World) -> None:
    lost(world, acts=True, reply=html(500))
    world.provider.faults["look"] = Fault(once(world, html(500)))

    assert start(world.compute(**FAST), new_wallet()) == world.provider.jobs[0]["jobId"]


def test_an_empty_list_where_jobs_were_seen_makes_no_refusal(world: World) -> None:
    wallet, compute = new_wallet(), world.compute(**FAST)
    start(compute, wallet)
    lost(world, acts=True, reply=html(500))
    world.provider.faults["look"] = Fault(dated([]))

    with pytest.raises(StartUncertain, match="could not be listed"):
        start(compute, wallet)
    assert len(world.provider.jobs) == 2


def test_several_candidates_are_listed_and_none_is_chosen(world: World) -> None:
    lost(world, acts=True)
    wallet = new_wallet()
    start(world.compute(), wallet, OTHER_ORDER)
    world.provider.faults.clear()
    start(world.compute(), wallet)  # another program's, in the same second
    lost(world, acts=True)

    with pytest.raises(StartUncertain, match="several jobs match") as caught:
        start(world.compute(**FAST), wallet)

    same_order = [job["jobId"] for job in world.provider.jobs if job["agreementId"] == ORDER]
    assert len(same_order) == 2
    assert set(caught.value.candidates) == set(same_order)


def test_an_old_job_of_the_same_order_is_not_taken_for_the_new_one(world: World) -> None:
    wallet = new_wallet()
    old = an_old_job(world, wallet)
    lost(world, acts=True)

    job_id = start(world.compute(**FAST), wallet)

    assert job_id != old
    assert job_id == world.provider.jobs[-1]["jobId"]


@pytest.mark.parametrize("reply", LOST)
def test_an_old_job_that_runs_is_named_and_not_taken(world: World, reply: Reply) -> None:
    wallet = new_wallet()
    old = an_old_job(world, wallet)
    lost(world, acts=False, reply=reply)

    with pytest.raises(StartUncertain) as caught:
        start(world.compute(**FAST), wallet)
    assert caught.value.candidates == (old,)


@pytest.mark.parametrize("zone_s", ZONES)
def test_a_job_that_had_ended_before_blurs_no_refusal(world: World, zone_s: float) -> None:
    wallet = new_wallet()
    dates = {"dateCreated": time.time() - 60 + zone_s, "dateFinished": time.time() - 30 + zone_s}
    an_old_job(world, wallet, status=70, **dates)
    lost(world, acts=False, reply=html(500))

    with pytest.raises(ProviderFault):
        start(world.compute(**FAST), wallet)


def test_a_job_that_was_seen_before_blurs_no_refusal(world: World) -> None:
    wallet = new_wallet()
    an_old_job(world, wallet)
    compute = world.compute(**FAST)
    compute.jobs(wallet)
    lost(world, acts=False, reply=html(500))

    with pytest.raises(ProviderFault):
        start(compute, wallet)


def zoned(world: World, zone_s: float, reply: Reply, **changes: Any) -> Reply:
    """Let the job store keep local time, then reply."""

    def reply_zoned(exchange: Exchange) -> None:
        now_s = time.time() + zone_s
        ended = {"dateFinished": now_s + 0.01} if changes.get("status") == 70 else {}
        world.provider.jobs[-1].update({"dateCreated": now_s, **ended, **changes})
        reply(exchange)

    return reply_zoned


@pytest.mark.parametrize("reply", LOST)
@pytest.mark.parametrize("zone_s", ZONES)
def test_a_job_whose_date_is_in_another_time_zone_is_named(
    world: World, zone_s: float, reply: Reply
) -> None:
    lost(world, acts=True, reply=zoned(world, zone_s, reply))

    with pytest.raises(StartUncertain) as caught:
        start(world.compute(**FAST), new_wallet())

    assert caught.value.candidates == (world.provider.jobs[0]["jobId"],)
    assert "parameters" not in str(caught.value)
    assert world.provider.count()["start"] == 1


def test_a_short_job_that_ended_in_another_time_zone_is_named(world: World) -> None:
    lost(world, acts=True, reply=zoned(world, -5 * 3600, html(500), status=70))

    with pytest.raises(StartUncertain) as caught:
        start(world.compute(**FAST), new_wallet())
    assert caught.value.candidates == (world.provider.jobs[0]["jobId"],)


@pytest.mark.parametrize("order", ["", OTHER_ORDER])
@pytest.mark.parametrize("zone_s", ZONES)
def test_a_job_that_appears_between_two_looks_is_taken(
    world: World, zone_s: float, order: str
) -> None:
    wallet = new_wallet()
    jobs_there = [dict(world.provider.jobs[-1]) for _ in order[:1] if an_old_job(world, wallet)]
    lost(world, acts=True, reply=zoned(world, zone_s, html(500)))
    world.provider.faults["look"] = Fault(once(world, dated([unsigned(j) for j in jobs_there])))
    for job in [*world.provider.jobs, *jobs_there]:
        job["agreementId"] = OTHER_ORDER

    job_id = start(world.compute(**FAST), wallet)

    assert job_id == world.provider.jobs[-1]["jobId"]
    assert world.provider.count()["look"] == 2


@pytest.mark.parametrize("skew_s", [-3600 * 5, -30, 30])
def test_a_short_job_that_appears_with_any_date_is_taken(world: World, skew_s: float) -> None:
    wallet = new_wallet()
    an_old_job(world, wallet)
    before = [unsigned(job) for job in world.provider.jobs]
    lost(world, acts=True, reply=zoned(world, skew_s, html(500), status=70))
    world.provider.faults["look"] = Fault(once(world, dated(before)))

    job_id = start(world.compute(**FAST), wallet)

    assert job_id == world.provider.jobs[-1]["jobId"]


def once(world: World, reply: Reply) -> Reply:
    """Reply like this to one look; from then on, rightly."""

    def reply_once(exchange: Exchange) -> None:
        world.provider.faults.pop("look")
        reply(exchange)

    return reply_once


def test_an_old_job_that_comes_back_with_the_database_is_not_taken(world: World) -> None:
    wallet = new_wallet()
    old = an_old_job(world, wallet)
    lost(world, acts=False)
    world.provider.faults["look"] = Fault(once(world, dated([])))

    with pytest.raises(StartUncertain) as caught:
        start(world.compute(**FAST), wallet)
    assert caught.value.candidates == (old,)


def test_a_running_job_with_a_date_to_come_is_not_taken(world: World) -> None:
    wallet = new_wallet()
    old = an_old_job(world, wallet, dateCreated=time.time() + 3 * 3600)
    lost(world, acts=False)

    with pytest.raises(StartUncertain) as caught:
        start(world.compute(**FAST), wallet)
    assert caught.value.candidates == (old,)


def test_a_job_this_client_knows_is_not_taken(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**FAST)
    known = start(compute, wallet)
    lost(world, acts=False)

    with pytest.raises(StartUncertain, match="no such job exists yet"):
        start(compute, wallet)
    assert [job["jobId"] for job in world.provider.jobs] == [known]


@pytest.mark.parametrize("date", [None, "yesterday", [], {}])
def test_a_job_without_a_date_is_named_and_not_taken(world: World, date: Any) -> None:
    wallet = new_wallet()
    old = an_old_job(world, wallet, dateCreated=date)
    lost(world, acts=False)

    with pytest.raises(StartUncertain, match="but another start may have created it") as caught:
        start(world.compute(**FAST), wallet)
    assert caught.value.candidates == (old,)


def test_the_age_of_a_job_is_measured_by_the_providers_clock(world: World) -> None:
    wallet = new_wallet()
    ahead_s = 7200.0
    right = world.provider.route

    def route(request: Request) -> Reply:
        reply = right(request)
        return lambda exchange: edited(exchange, reply, with_another_clock)

    def with_another_clock(head: bytes) -> bytes:
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Date")]
        date = formatdate(time.time() + ahead_s, usegmt=True)
        return b"\r\n".join([*lines, b"Date: " + date.encode()])

    world.provider.server.route = route
    old = an_old_job(world, wallet, dateCreated=time.time() + ahead_s - 60)

    def made_reset(exchange: Exchange) -> None:
        world.provider.jobs[-1]["dateCreated"] = time.time() + ahead_s
        reset(exchange)

    lost(world, acts=True, reply=made_reset)
    job_id = start(world.compute(**FAST), wallet)

    assert job_id != old
    assert job_id == world.provider.jobs[-1]["jobId"]


def test_an_interrupted_start_says_so_and_its_job_is_given_to_no_other(world: World) -> None:
    wallet, compute = new_wallet(), world.compute(**FAST)

    def press_ctrl_c(exchange: Exchange) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        exchange.over.wait(0.5)

    lost(world, acts=True, reply=press_ctrl_c)
    with pytest.raises(KeyboardInterrupt, match="may have started"):
        start(compute, wallet)
    lost(world, acts=False)

    with pytest.raises(StartUncertain):
        start(compute, wallet)

    assert len(world.provider.jobs) == 1


@pytest.mark.parametrize(
    ("operation", "reply", "expected"),
    [
        pytest.param("nonce", reset, "ConnectionBroken", id="nonce, reset"),
        pytest.param("nonce", silence, "RequestTimeout", id="nonce, silent"),
        pytest.param("nonce", html(500), "ProviderFault", id="nonce, 500"),
        pytest.param("fileinfo", reset, "ConnectionBroken", id="fileinfo, reset"),
        pytest.param("endpoints", html(502), "ServiceUnavailable", id="endpoints, 502"),
    ],
)
def test_what_was_not_sent_is_the_plain_error_and_no_look(
    world: World, operation: str, reply: Reply, expected: str
) -> None:
    world.provider.faults[operation] = Fault(reply)

    with pytest.raises(Exception) as caught:
        start(world.compute(**FAST), new_wallet())

    assert type(caught.value).__name__ == expected
    assert world.provider.count()["start"] == 0
    assert world.provider.count()["look"] == 0


def test_a_refused_connection_is_the_plain_error_and_no_look(world: World) -> None:
    world.provider.down_after = "nonce"

    with pytest.raises(ConnectFailed) as caught:
        start(world.compute(**FAST), new_wallet())

    assert not caught.value.may_have_arrived
    assert world.provider.count()["look"] == 0


@pytest.mark.parametrize(
    ("reply", "error", "posts"),
    [
        (as_json({"error": "Algorithm x is not trusted by y."}, 400), WorkflowRefused, 1),
        (not_your_signature(), SignatureRejected, 2),
    ],
)
def test_a_refusal_is_not_looked_for(
    world: World, reply: Reply, error: type[Exception], posts: int
) -> None:
    lost(world, acts=False, reply=reply)

    with pytest.raises(error):
        start(world.compute(**FAST), new_wallet())

    assert world.provider.count()["start"] == posts
    assert world.provider.count()["look"] == 0


CONTEXT = {"error": "HTTPConnectionPool(host='operator'): Read timed out.", "context": {}}


@pytest.mark.parametrize("reply", [html(500), as_json(CONTEXT, 503)])
def test_a_fault_after_the_job_was_made_gives_the_job(world: World, reply: Reply) -> None:
    """The real Provider answers so when its back end took the job and did not say so in time."""
    lost(world, acts=True, reply=reply)

    job_id = start(world.compute(**FAST), new_wallet())

    assert world.provider.jobs[0]["jobId"] == job_id
    assert world.provider.count()["start"] == 1


@pytest.mark.parametrize("reply", [html(500), as_json(CONTEXT, 503)])
def test_a_fault_without_a_job_is_the_providers_error_after_two_looks(
    world: World, reply: Reply
) -> None:
    lost(world, acts=False, reply=reply)

    with pytest.raises(ProviderFault):
        start(world.compute(**FAST), new_wallet())

    assert world.provider.count()["look"] == 2


def test_an_answer_of_several_jobs_is_looked_into(world: World) -> None:
    wallet = new_wallet()
    old = [world.provider.jobs[-1] for _ in range(2) if an_old_job(world, wallet)]
    lost(world, acts=True, reply=as_json(old))

    job_id = start(world.compute(**FAST), wallet)

    assert job_id == world.provider.jobs[-1]["jobId"]


WRONG = {
    "another order": {"agreementId": OTHER_ORDER},
    "another input": {"inputDID": [ALGORITHM_DID]},
    "an input too many": {"inputDID": [DID, ALGORITHM_DID]},
    "another algorithm": {"algoDID": ALGORITHM_DID},
    "another owner": {"owner": new_wallet().address},
}


@pytest.mark.parametrize("name", WRONG)
def test_an_answer_with_a_job_that_was_not_asked_for_is_uncertain(world: World, name: str) -> None:
    wallet = new_wallet()
    an_old_job(world, wallet)
    other = {**world.provider.jobs[0], "jobId": "7a" * 16, **WRONG[name]}
    lost(world, acts=True, reply=as_json([other]))

    with pytest.raises(StartUncertain) as caught:
        start(world.compute(**FAST), wallet)

    assert caught.value.candidates == ("7a" * 16,)
    assert (caught.value.did, caught.value.order_tx) == (DID, ORDER)
    assert world.provider.count()["start"] == 1
    assert world.provider.count()["look"] == 0


@pytest.mark.parametrize("how", ["started", "seen"])
def test_an_answer_with_the_job_of_an_earlier_start_is_uncertain(world: World, how: str) -> None:
    wallet, compute = new_wallet(), world.compute(**FAST)
    first = start(compute if how == "started" else world.compute(), wallet)
    compute.jobs(wallet)
    lost(world, acts=True, reply=as_json(world.provider.jobs[:1]))

    with pytest.raises(StartUncertain) as caught:
        start(compute, wallet)

    assert caught.value.candidates == (first,)
    assert world.provider.count()["look"] == 1, "the list asked for above"


def test_an_answer_with_the_job_that_was_to_go_on_is_that_job(world: World) -> None:
    wallet, compute = new_wallet(), world.compute(**FAST)
    first = start(compute, wallet)
    lost(world, acts=False, reply=as_json(world.provider.jobs[:1]))

    assert start(compute, wallet, algorithm_meta=RAW, job_id=first) == first


@pytest.mark.parametrize("job_id", ["7", " 7", "a\nb"])
def test_a_job_with_an_id_that_no_call_could_name_is_named_and_not_returned(
    world: World, job_id: str
) -> None:
    world.provider.new_job_id = lambda: job_id

    with pytest.raises(StartUncertain) as caught:
        start(world.compute(**FAST), new_wallet())
    assert caught.value.candidates == (job_id,)


@pytest.mark.parametrize("acts", [(True, False), (False, True)])
def test_a_lost_start_never_gets_the_job_of_another_one(
    world: World, acts: tuple[bool, bool]
) -> None:
    """Of two starts of one order, lost one after the other, only one made a job."""
    wallet = new_wallet()
    compute = world.compute(**{"timeout.read": 0.5, "timeout.total": 8})
    start(compute, wallet)
    world.forget_requests()
    right = world.provider.route
    makes_a_job = iter(acts)
    makers: list[str] = []

    def route(request: Request) -> Reply:
        if request.method == "POST" and request.path.endswith("/compute"):
            does = next(makes_a_job)
            world.provider.faults["start"] = Fault(silence, acts=does)
            makers.extend([request.json()["algorithmMeta"]["rawcode"]] * does)
        return right(request)

    def code(number: int) -> AlgorithmMetadata:
        return AlgorithmMetadata({**RAW.as_dictionary(), "rawcode": str(number)})

    world.provider.server.route = route
    got = in_threads(2, lambda number: start(compute, wallet, algorithm_meta=code(number)))

    assert world.provider.count()["start"] == 2
    job_id = world.provider.jobs[-1]["jobId"]
    (maker,) = makers
    for number, outcome in enumerate(got):
        if isinstance(outcome, StartUncertain):
            assert set(outcome.candidates) <= {job_id}
        else:
            assert (str(number), outcome) == (maker, job_id)


def test_a_lost_start_among_many_that_are_answered_finds_its_own_job(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**{"timeout.read": 2, "timeout.total": 30})
    start(compute, wallet)
    right = world.provider.route
    number = iter(range(1000))

    def route(request: Request) -> Reply:
        if request.method == "POST" and request.path.endswith("/compute"):
            broken = next(number) % 4 == 0
            world.provider.faults = {"start": Fault(reset)} if broken else {}
        return right(request)

    world.provider.server.route = route
    got = in_threads(8, lambda _: start(compute, wallet))

    found = [outcome for outcome in got if isinstance(outcome, str)]
    assert all(isinstance(o, (str, StartUncertain)) for o in got), got
    assert len(set(found)) == len(found), "no job is given to two callers"
    assert world.provider.count()["start"] == 1 + 8


def in_threads(count: int, act: Any) -> list[Any]:
    """Return what each thread got: a value or an exception."""
    got: list[Any] = [None] * count

    def work(number: int) -> None:
        try:
            got[number] = act(number)
        except Exception as error:
            got[number] = error

    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return got


def test_a_start_that_is_never_answered_ends_in_time(world: World) -> None:
    lost(world, acts=False, reply=silence)
    began = time.monotonic()

    with pytest.raises(StartUncertain):
        start(world.compute(**{"timeout.read": 30, "timeout.total": 1.5}), new_wallet())

    assert time.monotonic() - began < 6


def test_a_turn_that_never_comes_is_said_and_nothing_was_sent(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**{"timeout.read": 30, "timeout.total": 1})
    job_id = start(compute, wallet)
    world.provider.faults["result"] = Fault(silence)
    holder = threading.Thread(target=lambda: _ignore(compute, job_id, wallet))
    holder.start()
    while not world.provider.count()["result"]:
        threading.Event().wait(0.01)
    world.provider.faults["result"] = Fault(dated([]))

    with pytest.raises(RequestTimeout, match="Other signed calls of this wallet") as caught:
        world_stop(compute, job_id, wallet)
    holder.join(10)

    assert not caught.value.may_have_arrived
    assert world.provider.count()["stop"] == 0


def _ignore(compute: OceanCompute, job_id: str, wallet: Any) -> None:
    try:
        compute.result(DID, job_id, wallet)
    except Exception:
        return


def world_stop(compute: OceanCompute, job_id: str, wallet: Any) -> None:
    from ocean_lib.http.deadline import time_limit

    with time_limit(0.3):
        compute.stop(DID, job_id, wallet)


REFUSED_AT_ONCE = {
    "no inputs": ({"inputs": []}, "at least one ComputeInput"),
    "inputs that are none": ({"inputs": [DID]}, "must be a ComputeInput, got str"),
    "no list": ({"inputs": None}, "must be a list"),
    "no algorithm": ({"algorithm_meta": None}, "needs an algorithm"),
    "an algorithm of another type": ({"algorithm_meta": {"rawcode": "1"}}, "AlgorithmMetadata"),
    "a DID without order": ({"algorithm_did": ALGORITHM_DID}, "needs algorithm_tx_id"),
    "a DID without datatoken": (
        {"algorithm_did": ALGORITHM_DID, "algorithm_tx_id": ORDER},
        "needs algorithm_data_token",
    ),
    "a nonce that is text": ({"nonce": "7"}, "nonce must be"),
    "a nonce below 0": ({"nonce": -1}, "nonce must be"),
    "an output that is no dict": ({"output": [1]}, "output must be a dict"),
    "an output that is no JSON": ({"output": {"a": object()}}, "JSON values only"),
    "an output with NaN": ({"output": {"a": float("nan")}}, "JSON values only"),
    "a job id with a line break": ({"job_id": "a\nb"}, "job_id must be"),
    "no wallet": ({"wallet": object()}, "wallet is needed"),
}


@pytest.mark.parametrize("name", REFUSED_AT_ONCE)
def test_what_cannot_work_is_refused_before_any_request(world: World, name: str) -> None:
    changes, words = REFUSED_AT_ONCE[name]
    arguments: dict[str, Any] = {
        "inputs": [ComputeInput(DID, ORDER, SERVICE_INDEX)],
        "wallet": new_wallet(),
        "algorithm_meta": RAW,
        **changes,
    }

    with pytest.raises(InvalidInput, match=words):
        world.compute().start(arguments.pop("inputs"), arguments.pop("wallet"), **arguments)

    assert world.requests() == 0


def test_an_algorithm_spoilt_after_it_was_made_is_refused_and_the_start_is_not_in_doubt(
    world: World,
) -> None:
    compute, wallet = world.compute(), new_wallet()
    spoilt = AlgorithmMetadata(RAW.as_dictionary())
    spoilt.rawcode = b"print(1)"  # type: ignore[assignment]

    with pytest.raises(InvalidInput, match=r"Could not start the job.*JSON values only"):
        compute.start([ComputeInput(DID, ORDER, SERVICE_INDEX)], wallet, algorithm_meta=spoilt)

    assert world.provider.count()["start"] == 0
    assert start(compute, wallet)
