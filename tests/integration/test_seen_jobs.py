"""Answers that deny what this client saw: an empty list, and a stop that came after the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocean_lib.exceptions import ConnectionBroken, JobNotFound
from ocean_lib.jobs.view import JobState
from tests.players import DID, Fault, World, dated, new_wallet, start, unsigned
from tests.wire import Exchange, Reply, reset

EMPTY = dated([])


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def ended(world: World, position: int = -1, **changes: Any) -> None:
    world.provider.jobs[position].update(
        {"status": 70, "statusText": "Job finished", "dateFinished": time.time(), **changes}
    )


def times(world: World, operation: str, count: int, reply: Reply) -> None:
    """Let an operation be answered like this so many times, and rightly from then on."""
    left = [count]

    def reply_once(exchange: Exchange) -> None:
        left[0] -= 1
        if not left[0]:
            world.provider.faults.pop(operation)
        reply(exchange)

    world.provider.faults[operation] = Fault(reply_once, acts=False)


# --- the operator's database is away


def test_a_wait_for_a_job_that_was_seen_outlasts_empty_lists(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute()
    job = compute.job(DID, start(world.compute(), wallet), wallet)
    job.status()
    ended(world)
    times(world, "status", 3, EMPTY)

    assert job.wait(poll_interval=0.01, timeout=20).state is JobState.FINISHED
    assert world.provider.count()["status"] == 5


def test_a_wait_for_a_job_that_was_started_here_outlasts_empty_lists(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job = compute.job(DID, start(compute, wallet), wallet)
    ended(world)
    times(world, "status", 2, EMPTY)

    assert job.wait(poll_interval=0.01, timeout=20).state is JobState.FINISHED


def test_its_patience_ends(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job = compute.job(DID, start(compute, wallet), wallet)
    world.provider.faults["status"] = Fault(EMPTY)

    with pytest.raises(JobNotFound) as caught:
        job.wait(poll_interval=0.01, patience=0.05)

    assert caught.value.was_seen
    assert world.provider.count()["status"] > 1


@pytest.mark.parametrize("answered", ["nothing", "another job"])
def test_what_was_never_seen_or_is_another_job_ends_a_wait_at_once(
    world: World, answered: str
) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute if answered == "another job" else world.compute(), wallet)
    other = unsigned({**world.provider.jobs[0], "jobId": "0e" * 16})
    world.provider.faults["status"] = Fault(dated([other] if answered == "another job" else []))

    with pytest.raises(JobNotFound) as caught:
        compute.job(DID, job_id, wallet).wait(poll_interval=0.01)

    assert not caught.value.was_seen
    assert world.provider.count()["status"] == 1


Calls = dict[str, tuple[str, Callable[[Any, str, Any], Any]]]
CALLS: Calls = {
    "status": ("status", lambda c, job_id, w: c.status(DID, job_id, w)),
    "result": ("result", lambda c, job_id, w: c.result(DID, job_id, w)),
    "stop": ("stop", lambda c, job_id, w: c.stop(DID, job_id, w)),
    "jobs": ("look", lambda c, _, w: c.jobs(w, DID)),
    "jobs of the configured Provider": ("look", lambda c, _, w: c.jobs(w)),
    "stop_all": ("stop", lambda c, _, w: c.stop_all(DID, w, confirm=True)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_says_that_the_job_was_seen(world: World, name: str) -> None:
    operation, call = CALLS[name]
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    world.provider.faults[operation] = Fault(EMPTY, acts=False)

    with pytest.raises(JobNotFound) as caught:
        call(compute, job_id, wallet)

    assert caught.value.was_seen
    assert job_id in str(caught.value)


def test_an_empty_list_is_believed_where_nothing_was_seen(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    start(compute, wallet)

    assert compute.jobs(new_wallet(), DID) == []
    assert world.compute().jobs(new_wallet()) == []


def test_an_empty_list_is_believed_after_the_last_job_was_deleted(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    compute.delete(DID, job_id, wallet)

    assert compute.jobs(wallet, DID) == []
    with pytest.raises(JobNotFound) as caught:
        compute.status(DID, job_id, wallet)
    assert not caught.value.was_seen


def test_an_empty_list_is_believed_after_the_caches_were_cleared(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    start(compute, wallet)
    world.provider.jobs.clear()
    compute.clear_caches()

    assert compute.jobs(wallet) == []


def test_one_job_that_is_denied_keeps_no_other_from_being_seen(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    jobs = [compute.job(DID, start(compute, wallet), wallet) for _ in range(3)]
    ended(world, 0)
    ended(world, 1)
    del world.provider.jobs[2]

    with pytest.raises(JobNotFound) as caught:
        compute.wait_all(jobs, poll_interval=0.01, patience=0.05)

    assert caught.value.was_seen
    assert [job.last_status is not None and job.last_status.is_finished for job in jobs] == [
        True,
        True,
        False,
    ]


def test_many_are_waited_for_while_the_database_is_away(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    jobs = [compute.job(DID, start(compute, wallet), wallet) for _ in range(3)]
    for position in range(3):
        ended(world, position)
    times(world, "look", 3, EMPTY)

    found = compute.wait_all(jobs, poll_interval=0.01)

    assert [status.state for status in found] == [JobState.FINISHED] * 3


# --- a stop after the end


def states(compute: Any, wallet: Any, job_ids: list[str]) -> list[JobState]:
    """Return what each way to ask says, which must be the same."""
    by_status = [compute.job_status(DID, job_id, wallet).state for job_id in job_ids]
    listed = {job.job_id: job.last_status.state for job in compute.jobs(wallet, DID)}
    waited = compute.wait_all([compute.job(DID, job_id, wallet) for job_id in job_ids])
    assert [listed[job_id] for job_id in job_ids] == by_status
    assert [status.state for status in waited] == by_status
    return by_status


def test_stop_all_leaves_what_had_ended_as_it_ended(world: World) -> None:
    wallet = new_wallet()
    job_ids = [start(world.compute(), wallet) for _ in range(4)]
    compute = world.compute()
    ended(world, 0)
    ended(world, 1, stopreq=2)
    ended(world, 2, stopreq=1)

    answered = compute.stop_all(DID, wallet, confirm=True)
    ended(world, 3)

    expected = [JobState.FINISHED, JobState.TIMED_OUT, JobState.STOPPED]
    assert [status.state for status in answered] == [*expected, JobState.RUNNING]
    assert states(compute, wallet, job_ids) == [*expected, JobState.STOPPED]
    assert answered[0].succeeded is None
    assert world.provider.jobs[0]["stopreq"] == 1


def test_stop_all_stops_even_when_the_jobs_cannot_be_listed(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    start(compute, wallet)
    world.provider.faults["look"] = Fault(reset)

    compute.stop_all(DID, wallet, confirm=True)

    assert world.provider.jobs[0]["stopreq"] == 1


def test_a_stop_of_a_job_that_had_ended_leaves_it_finished(world: World) -> None:
    wallet = new_wallet()
    job_id = start(world.compute(), wallet)
    ended(world)
    compute = world.compute()

    assert compute.stop_job(DID, job_id, wallet).state is JobState.FINISHED
    assert states(compute, wallet, [job_id]) == [JobState.FINISHED]


@pytest.mark.parametrize(("exit_code", "state"), [(0, JobState.FINISHED), (1, JobState.FAILED)])
def test_a_stop_of_a_job_whose_exit_code_is_told_leaves_it_as_it_ended(
    world: World, exit_code: int, state: JobState
) -> None:
    wallet = new_wallet()
    job_id = start(world.compute(), wallet)
    ended(world, terminationDetails={"exitCode": exit_code, "OOMKilled": False})
    compute = world.compute()

    assert compute.stop_job(DID, job_id, wallet).state is state
    assert states(compute, wallet, [job_id]) == [state]


def test_a_job_seen_finished_stays_so_whoever_stops_it(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    ended(world)
    compute.status(DID, job_id, wallet)
    world.compute().stop(DID, job_id, wallet)

    assert states(compute, wallet, [job_id]) == [JobState.FINISHED]


def test_a_job_that_a_stop_ended_is_stopped_also_when_it_is_stopped_again(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    compute.stop(DID, job_id, wallet)
    ended(world)

    assert compute.stop_job(DID, job_id, wallet).state is JobState.STOPPED
    assert states(compute, wallet, [job_id]) == [JobState.STOPPED]


@pytest.mark.parametrize("all_of_them", [False, True])
def test_a_stop_whose_answer_was_lost_counts_too(world: World, all_of_them: bool) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)

    def stop() -> None:
        if all_of_them:
            compute.stop_all(DID, wallet, confirm=True)
        else:
            compute.stop(DID, job_id, wallet)

    times(world, "stop", 1, reset)
    with pytest.raises(ConnectionBroken):
        stop()
    ended(world, stopreq=1)
    stop()

    assert states(compute, wallet, [job_id]) == [JobState.STOPPED]


def test_an_id_that_is_used_again_is_another_job(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    ended(world)
    compute.status(DID, job_id, wallet)
    ended(world, dateCreated=time.time() + 60, stopreq=1)

    assert states(compute, wallet, [job_id]) == [JobState.STOPPED]
