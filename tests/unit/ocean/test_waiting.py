"""Waiting for one job and for many: when to look, what to survive, and what to say at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.v3.answers import job_of
from ocean_lib.checks import check_address
from ocean_lib.exceptions import (
    AquariusError,
    AssetNotFound,
    ConnectFailed,
    EndpointNotFound,
    InvalidInput,
    JobNotFound,
    JobTimeoutError,
    MalformedResponse,
    OceanError,
    ProviderError,
    ProviderFault,
    RequestInvalid,
    RequestTimeout,
    ResponseTooLarge,
    ServiceUnavailable,
)
from ocean_lib.http import deadline
from ocean_lib.http.deadline import current_deadline, time_limit
from ocean_lib.http.limits import Timeouts
from ocean_lib.jobs import awaiting, rounds, waiting
from ocean_lib.jobs.rounds import MAX_WORKERS
from ocean_lib.jobs.view import Job, JobState, JobStatus
from ocean_lib.jobs.waiting import Wait, intervals
from ocean_lib.ocean.compute_job import ComputeJob

DID = "did:op:" + "1b" * 20
JOB_ID = "7a" * 16
ALICE = SimpleNamespace(address="0x02354A1F160A3fd7ac8b02ee91F04104440B28E7")
BOB = SimpleNamespace(address="0xe2DD09d719Da89e5a3D0F2549c7E24566e947260")

RUNNING, FINISHED = (40, 0), (70, 0)
Look = tuple[int, int] | OceanError


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []
        self.at_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        self.at_sleep()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    monkeypatch.setattr(awaiting, "time", clock)
    monkeypatch.setattr(deadline, "time", clock)
    monkeypatch.setattr(rounds, "HELPER_AFTER_S", 0.05)
    return clock


class Client:
    """Stands in for `JobClient`: what each poll of a job finds is written down beforehand.

    The last entry of a job holds for ever. `asked` keeps every request.
    """

    def __init__(self, **looks: Sequence[Look]) -> None:
        self.looks = {job_id: list(found) for job_id, found in looks.items()}
        self.asked: list[Any] = []
        self.providers: dict[str, str | OceanError] = {}
        self.http = SimpleNamespace(timeouts=Timeouts())
        self.while_looking: Callable[[], None] = lambda: None

    def look(self, job_id: str) -> Job:
        self.while_looking()
        if job_id not in self.looks:
            raise JobNotFound(f"no job {job_id}")
        found = self.looks[job_id]
        look = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(look, OceanError):
            raise look
        code, stopreq = look
        info = {"jobId": job_id, "status": code, "statusText": f"s{code}", "stopreq": stopreq}
        return job_of(info)

    def job(self, ref: JobRef) -> Job:
        self.asked.append(ref.job_id)
        return self.look(ref.job_id)

    def listed(self, owner: str, did: str | None = None) -> list[Job]:
        self.asked.append((did, owner))
        return [self.look(job_id) for job_id in list(self.looks)]

    def root_of(self, ref: JobRef) -> str:
        root = self.providers.get(ref.did, "http://provider")
        if isinstance(root, OceanError):
            raise root
        return root

    def handle(self, job_id: str = JOB_ID, did: str = DID, wallet: Any = ALICE) -> ComputeJob:
        ref = JobRef(did, job_id, wallet.address)
        return ComputeJob(self, ref, wallet)  # type: ignore[arg-type]

    def wait_all(
        self,
        jobs: Any,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_update: Any = None,
        max_workers: int = MAX_WORKERS,
        patience: float = 120.0,
    ) -> list[JobStatus]:
        poll_s = self.http.timeouts.total_s
        return rounds.wait_all(
            jobs, timeout, poll_interval, on_update, False, max_workers, patience, poll_s
        )


def a_job(*looks: Look) -> ComputeJob:
    return Client(**{JOB_ID: looks}).handle()


def asked(job: ComputeJob) -> list[Any]:
    found: list[Any] = job._client.asked  # type: ignore[attr-defined]
    return found


# --- when to look


def test_looks_come_fast_at_first_and_then_ever_more_slowly(clock):
    job = a_job(*[RUNNING] * 40, FINISHED)

    job.wait()

    waits = clock.sleeps
    assert len(waits) == 40
    assert [round(wait / 0.2) for wait in waits[:4]] == pytest.approx([1, 2, 4, 8], abs=1)
    assert sum(waits[:4]) < 4
    assert waits[0] < waits[2] < waits[8] < waits[16]
    assert max(waits) <= 30 * 1.1
    assert all(wait >= 27 for wait in waits[25:])


def test_many_waiters_do_not_look_in_step():
    assert len({next(intervals(None)) for _ in range(20)}) > 10


def test_a_poll_interval_is_kept(clock):
    a_job(*[RUNNING] * 20, FINISHED).wait(poll_interval=7)

    assert clock.sleeps == [7] * 20


def test_a_job_that_has_ended_is_looked_at_once(clock):
    job = a_job(FINISHED)

    assert job.wait(timeout=0) == job.last_status
    assert (len(asked(job)), clock.sleeps) == (1, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"poll_interval": 0},
        {"poll_interval": -1},
        {"poll_interval": float("nan")},
        {"poll_interval": float("inf")},
        {"poll_interval": "5"},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": "60"},
        {"timeout": True},
        {"patience": -1},
        {"patience": None},
    ],
)
def test_numbers_that_cannot_work_are_refused_before_anything_is_asked(clock, wrong):
    job = a_job(FINISHED)

    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        job.wait(**wrong)
    with pytest.raises(InvalidInput):
        asyncio.run(job.wait_async(**wrong))

    assert asked(job) == []


# --- how it ends


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ((70, 0), JobState.FINISHED),
        ((31, 0), JobState.FAILED),
        ((32, 0), JobState.FAILED),
        ((70, 1), JobState.STOPPED),
        ((70, 2), JobState.TIMED_OUT),
    ],
)
def test_waiting_ends_however_the_job_ends(clock, end, state):
    job = a_job((1, 0), RUNNING, (99, 0), end)

    assert job.wait().state is state
    assert len(asked(job)) == 4


def test_on_update_hears_of_changes_only(clock):
    heard: list[int] = []

    a_job((1, 0), (1, 0), RUNNING, RUNNING, FINISHED).wait(
        on_update=lambda status: heard.append(status.code)
    )

    assert heard == [1, 40, 70]


def test_an_error_of_on_update_is_not_taken_for_a_failed_look(clock):
    def broken(_: JobStatus) -> None:
        raise ConnectFailed("of the user's own")

    with pytest.raises(ConnectFailed, match=r"^of the user's own$"):
        a_job(RUNNING).wait(on_update=broken)

    assert clock.sleeps == []


def test_when_the_time_is_used_up_the_error_says_how_to_go_on(clock):
    job = a_job(RUNNING)

    with pytest.raises(JobTimeoutError) as caught:
        job.wait(timeout=60)

    assert str(caught.value) == (
        f"Waited 60 s, and 1 of 1 job(s) still run: job {JOB_ID} on {DID}. Re-attach with "
        f"compute.job('{DID}', '{JOB_ID}', wallet), end it with its stop()."
    )
    assert caught.value.job_ids == (JOB_ID,)
    assert isinstance(caught.value, TimeoutError)
    assert sum(clock.sleeps) == pytest.approx(60)
    assert job.last_status is not None


def test_a_time_limit_around_the_wait_holds(clock):
    with time_limit(10), pytest.raises(JobTimeoutError):
        a_job(RUNNING).wait(timeout=3600)

    assert sum(clock.sleeps) == pytest.approx(10)


@pytest.mark.parametrize(
    ("timeout", "longest"), [(None, 60), (3600, 60), (20, 20), (0, waiting.LAST_LOOK_S)]
)
def test_a_look_takes_no_longer_than_the_time_left(clock, timeout, longest):
    limits: list[float] = []
    compute = Client(**{JOB_ID: [FINISHED]})
    compute.while_looking = lambda: limits.append(current_deadline().remaining())

    compute.handle().wait(timeout=timeout)

    assert limits == [longest]
    assert current_deadline() is None


def test_ctrl_c_leaves_the_job_alone_and_says_so(clock):
    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.at_sleep = interrupt
    job = a_job(RUNNING)

    with pytest.raises(KeyboardInterrupt) as caught:
        job.wait()

    said = str(caught.value)
    assert "stopped waiting; the jobs go on" in said
    assert f"compute.job('{DID}', '{JOB_ID}', wallet)" in said
    assert caught.value.__context__ is None
    assert asked(job) == [JOB_ID]


# --- what a wait survives


def response_error(kind: type[Any], status_code: int) -> OceanError:
    error: OceanError = kind("no", status_code=status_code)
    return error


PASSING = [
    ConnectFailed("away"),
    RequestTimeout("slow"),
    response_error(ServiceUnavailable, 503),
    response_error(ProviderFault, 500),
    response_error(AquariusError, 502),
    response_error(ProviderError, 429),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_a_failure_that_passes_is_survived(clock, error):
    assert a_job(error, error, RUNNING, error, FINISHED).wait().code == 70


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_after_the_patience_the_failure_is_raised_and_says_how_to_go_on(clock, error):
    job = a_job(RUNNING, type(error)("away"))
    if isinstance(error, (AquariusError, ProviderError)):
        job = a_job(RUNNING, response_error(type(error), error.status_code))

    with pytest.raises(type(error)) as caught:
        job.wait(poll_interval=10, patience=60)

    assert sum(clock.sleeps) == 10 + 60
    assert "There was no answer for 60 s" in str(caught.value)
    assert f"compute.job('{DID}', '{JOB_ID}', wallet)" in str(caught.value)


def test_the_patience_begins_anew_with_every_answer(clock):
    away = ConnectFailed("away")

    status = a_job(*([away] * 5 + [RUNNING]) * 10, FINISHED).wait(poll_interval=10, patience=60)

    assert status.code == 70


def test_a_provider_that_is_away_is_told_of_once_each_time(clock, caplog):
    away = ConnectFailed("away")

    a_job(away, RUNNING, away, away, away, RUNNING, away, away, FINISHED).wait(patience=60)

    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["No answer about 1 job(s); retrying for up to 60 s: away"] * 2


def test_each_provider_that_is_away_is_told_of(clock, caplog):
    plan = Wait(["a", "b", "c"], patience_s=60)
    for _ in range(3):
        plan.failed(ConnectFailed("first away"), ["a", "b"])
        clock.sleep(1)
    for _ in range(3):
        plan.failed(ConnectFailed("second away"), ["c"])
        clock.sleep(1)

    assert [record.getMessage() for record in caplog.records] == [
        "No answer about 2 job(s); retrying for up to 60 s: first away",
        "No answer about 1 job(s); retrying for up to 60 s: second away",
    ]


def test_without_patience_the_first_failure_is_raised(clock):
    with pytest.raises(ConnectFailed):
        a_job(ConnectFailed("away")).wait(patience=0)

    assert clock.sleeps == []


@pytest.mark.parametrize(
    "error",
    [
        JobNotFound("no job"),
        response_error(AssetNotFound, 404),
        response_error(RequestInvalid, 400),
        InvalidInput("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_definite_failure_is_raised_at_once(clock, error):
    job = a_job(RUNNING, error)

    with pytest.raises(type(error)):
        job.wait()

    assert len(asked(job)) == 2


@pytest.mark.parametrize("kind", [MalformedResponse, EndpointNotFound])
def test_a_wrong_place_is_an_error_at_first_and_a_restart_later(clock, kind):
    job = a_job(response_error(kind, 404), FINISHED)
    with pytest.raises(kind):
        job.wait()
    assert clock.sleeps == []

    assert a_job(RUNNING, response_error(kind, 404), FINISHED).wait().code == 70


def test_a_time_out_in_the_dark_says_why_nothing_is_known(clock):
    with pytest.raises(JobTimeoutError, match=r"not known of 1.*The last poll failed: away"):
        a_job(ConnectFailed("away")).wait(timeout=30)


# --- many jobs


def names(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def test_jobs_of_one_place_are_asked_for_together(clock):
    ids = names(300)
    compute = Client(
        **{job_id: [RUNNING] * (number % 7) + [FINISHED] for number, job_id in enumerate(ids)}
    )
    jobs = [compute.handle(job_id) for job_id in ids]

    statuses = compute.wait_all(jobs, poll_interval=1)

    assert [status.job_id for status in statuses] == ids
    assert all(job.last_status == status for job, status in zip(jobs, statuses, strict=True))
    assert compute.asked == [(DID, ALICE.address)] * 7


def test_each_wallet_and_provider_is_asked_once_a_round(clock):
    there = "did:op:" + "2c" * 20
    compute = Client(**{job_id: [RUNNING, RUNNING, RUNNING, FINISHED] for job_id in names(8)})
    compute.providers[there] = "http://there"
    jobs = [
        compute.handle(job_id, did, wallet)
        for job_id, did, wallet in zip(
            names(8), [DID, DID, there, there] * 2, [ALICE] * 4 + [BOB] * 4, strict=True
        )
    ]
    rounds: list[int] = []
    clock.at_sleep = lambda: rounds.append(len(compute.asked))

    compute.wait_all(jobs)

    assert rounds[0] == 4
    assert set(compute.asked) == {
        (did, wallet.address) for did in (DID, there) for wallet in (ALICE, BOB)
    }


def test_no_jobs_are_no_wait(clock):
    assert Client().wait_all([]) == []


def test_two_handles_on_one_job_are_both_served(clock):
    compute = Client(**{JOB_ID: [RUNNING, FINISHED]})
    first, second = compute.handle(), compute.handle()

    statuses = compute.wait_all([first, second, first])

    assert [status.code for status in statuses] == [70, 70, 70]
    assert first.last_status == second.last_status == statuses[0]
    assert compute.asked == [JOB_ID, JOB_ID]


def test_one_job_with_two_wallets_is_refused(clock):
    compute = Client(**{JOB_ID: [FINISHED]})

    with pytest.raises(InvalidInput, match="two wallets"):
        compute.wait_all([compute.handle(), compute.handle(wallet=BOB)])
    with pytest.raises(InvalidInput, match="takes ComputeJobs, got str"):
        compute.wait_all([JOB_ID])  # type: ignore[list-item]

    assert compute.asked == []


def test_a_provider_that_is_away_does_not_keep_the_others_away(clock):
    """Nor does the patience with it begin anew whenever the others answer."""
    here, there = Client(**{names(1)[0]: [RUNNING] * 4 + [FINISHED]}), Client()
    there.looks[JOB_ID] = [ConnectFailed("away")]
    jobs = [here.handle(names(1)[0]), there.handle()]

    with pytest.raises(ConnectFailed, match="There was no answer for 60 s"):
        here.wait_all(jobs, poll_interval=10, patience=60)

    assert sum(clock.sleeps) == 60
    assert jobs[0].last_status is not None
    assert jobs[0].last_status.is_finished


def test_what_the_others_answered_is_kept_when_one_failure_is_definite(clock):
    here, there = Client(**{names(1)[0]: [FINISHED]}), Client()
    asked_there = threading.Event()
    there.while_looking = asked_there.set
    here.while_looking = lambda: asked_there.wait(10) and None
    jobs = [here.handle(names(1)[0]), there.handle()]

    with pytest.raises(JobNotFound):
        here.wait_all(jobs)

    assert jobs[0].last_status is not None


def test_a_provider_that_comes_back_is_waited_for(clock):
    here, there = Client(**{names(1)[0]: [FINISHED]}), Client()
    there.looks[JOB_ID] = [ConnectFailed("away"), RUNNING, ConnectFailed("away"), FINISHED]

    statuses = here.wait_all([there.handle(), here.handle(names(1)[0])])

    assert [status.code for status in statuses] == [70, 70]


def test_a_data_set_that_cannot_be_looked_up_does_not_keep_the_others_away(clock):
    lost = "did:op:" + "3d" * 20
    compute = Client(**{job_id: [RUNNING, RUNNING, FINISHED] for job_id in names(2)})
    compute.providers[lost] = ConnectFailed("the metadata cache is away")
    first, second = compute.handle(names(2)[0]), compute.handle(names(2)[1], lost)

    with pytest.raises(ConnectFailed, match="metadata cache"):
        compute.wait_all([first, second], patience=30)

    assert first.last_status is not None
    assert first.last_status.is_finished


def test_a_job_that_is_not_in_the_list_is_asked_for_by_itself(clock):
    compute = Client(**{job_id: [FINISHED] for job_id in names(2)})

    with pytest.raises(JobNotFound, match=JOB_ID):
        compute.wait_all([compute.handle(job_id) for job_id in [*names(2), JOB_ID]])

    assert compute.asked == [(DID, ALICE.address), JOB_ID]


def test_an_owner_of_too_many_jobs_is_asked_job_by_job(clock, monkeypatch):
    compute = Client(**{job_id: [FINISHED] for job_id in names(3)})

    def too_many(*_: Any) -> list[dict[str, Any]]:
        raise response_error(ResponseTooLarge, 200)

    monkeypatch.setattr(compute, "listed", too_many)

    statuses = compute.wait_all([compute.handle(job_id) for job_id in names(3)])

    assert len(statuses) == 3
    assert compute.asked == names(3)


def test_a_time_out_names_some_of_the_jobs_and_knows_all(clock):
    compute = Client(**{job_id: [RUNNING] for job_id in names(300)})

    with pytest.raises(JobTimeoutError) as caught:
        compute.wait_all([compute.handle(job_id) for job_id in names(300)], timeout=60)

    assert "300 of 300 job(s) still run" in str(caught.value)
    assert "295 more" in str(caught.value)
    assert "compute.job(did, job_id, wallet)" in str(caught.value)
    assert list(caught.value.job_ids) == names(300)


def test_ctrl_c_in_wait_all_leaves_the_jobs_alone_and_says_so(clock):
    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.at_sleep = interrupt
    compute = Client(**{job_id: [RUNNING] for job_id in names(9)})

    with pytest.raises(KeyboardInterrupt, match=r"the jobs go on: 0.*\(4 more"):
        compute.wait_all([compute.handle(job_id) for job_id in names(9)])


def test_no_more_places_are_asked_at_once_than_workers(clock):
    lock, three, at_once, most = threading.Lock(), threading.Barrier(3), [0], [0]
    compute = Client(**{job_id: [FINISHED] for job_id in names(12)})

    def busy() -> None:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        three.wait(10)  # breaks if fewer than three are asked at once
        with lock:
            at_once[0] -= 1

    compute.while_looking = busy
    dids = [f"did:op:{number:040x}" for number in range(12)]
    compute.providers = {did: f"http://{did[-3:]}" for did in dids}

    compute.wait_all(
        [compute.handle(i, did) for i, did in zip(names(12), dids, strict=True)], max_workers=3
    )

    assert most[0] == 3
    assert len(compute.asked) == 12


def of_many_wallets(compute: Client, count: int) -> list[ComputeJob]:
    wallets = [SimpleNamespace(address=check_address(f"0x{n:040x}")) for n in range(count)]
    return [compute.handle(i, wallet=w) for i, w in zip(names(count), wallets, strict=True)]


def test_jobs_of_many_wallets_take_one_thread_where_providers_answer_in_time(clock, monkeypatch):
    monkeypatch.setattr(rounds, "HELPER_AFTER_S", 60)
    compute = Client(**{job_id: [RUNNING, RUNNING, FINISHED] for job_id in names(100)})
    askers: set[str] = set()
    compute.while_looking = lambda: askers.add(threading.current_thread().name)

    compute.wait_all(of_many_wallets(compute, 100))

    assert len(askers) == 1
    assert len(compute.asked) == 300


def test_a_slow_answer_does_not_hold_the_others_up(clock):
    compute = Client(**{job_id: [FINISHED] for job_id in names(20)})
    first, others_asked = threading.Lock(), threading.Event()

    def busy() -> None:
        if first.acquire(blocking=False):
            assert others_asked.wait(10)
        if len(compute.asked) == 20:
            others_asked.set()

    compute.while_looking = busy

    assert len(compute.wait_all(of_many_wallets(compute, 20))) == 20


def test_a_helper_that_is_late_leaves_the_next_round_alone(clock, monkeypatch):
    class Late(rounds.SimpleQueue[Any]):
        def put(self, item: Any, *args: Any) -> None:
            super().put(item, *args)
            ended.wait(0.1)  # the machine is busy: others go first

    ended = threading.Event()
    monkeypatch.setattr(rounds, "SimpleQueue", Late)
    compute = Client(**{job_id: [RUNNING, RUNNING, FINISHED] for job_id in names(2)})

    def wait() -> None:
        compute.wait_all(of_many_wallets(compute, 2), max_workers=1)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()

    assert ended.wait(10)
    assert len(compute.asked) == 6


def test_all_helpers_are_there_before_a_second_is_over():
    assert rounds.HELPER_AFTER_S * MAX_WORKERS < 1


def test_who_was_silent_is_asked_after_the_others(clock):
    here, there = Client(**{names(1)[0]: [RUNNING, RUNNING, FINISHED]}), Client()
    there.looks[JOB_ID] = [ConnectFailed("away"), ConnectFailed("away"), FINISHED]
    asked: list[str] = []
    here.while_looking = lambda: asked.append("here")
    there.while_looking = lambda: asked.append("there")

    here.wait_all([there.handle(), here.handle(names(1)[0])], max_workers=1)

    assert asked == ["there", "here"] + ["here", "there"] * 2


# --- without blocking


def test_waiting_without_blocking_ends_as_waiting_does():
    statuses = asyncio.run(a_job(RUNNING, FINISHED).wait_async(poll_interval=0.001))

    assert statuses.code == 70


def test_hundreds_wait_on_one_loop():
    compute = Client(**{job_id: [RUNNING, RUNNING, FINISHED] for job_id in names(300)})

    async def all_of_them() -> list[JobStatus]:
        return await asyncio.gather(
            *(compute.handle(i).wait_async(poll_interval=0.001) for i in names(300))
        )

    statuses = asyncio.run(all_of_them())

    assert [status.job_id for status in statuses] == names(300)
    assert len(compute.asked) == 900


def test_waiting_without_blocking_fails_as_waiting_does():
    with pytest.raises(JobTimeoutError, match=r"compute\.job\("):
        asyncio.run(a_job(RUNNING).wait_async(timeout=0.01, poll_interval=0.001))
    with pytest.raises(ConnectFailed):
        asyncio.run(a_job(ConnectFailed("away")).wait_async(patience=0))
    with pytest.raises(JobNotFound):
        asyncio.run(a_job(JobNotFound("no")).wait_async())


def test_a_cancelled_wait_asks_nothing_more():
    job = a_job(RUNNING)

    async def cancel() -> None:
        looked = asyncio.Event()
        task = asyncio.create_task(job.wait_async(on_update=lambda _: looked.set()))
        await looked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert set(asked(job)) == {JOB_ID}  # looks, and nothing else
