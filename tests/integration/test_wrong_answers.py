"""Answers that look right and are not: each is an error, or gives the safe value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ocean_lib.exceptions import MalformedResponse, OceanError
from ocean_lib.jobs.view import JobState
from tests.players import DID, Fault, World, dated, new_wallet, start, unsigned


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


Call = Callable[[Any, str, Any], Any]
CALLS: dict[str, tuple[str, Call]] = {
    "status": ("status", lambda c, job_id, w: c.status(DID, job_id, w)),
    "result": ("result", lambda c, job_id, w: c.result(DID, job_id, w)),
    "stop": ("stop", lambda c, job_id, w: c.stop(DID, job_id, w)),
    "stop_all": ("stop", lambda c, _, w: c.stop_all(DID, w, confirm=True)),
    "jobs": ("look", lambda c, _, w: c.jobs(w, DID)),
}


def answered(world: World, name: str, *changes: dict[str, Any]) -> Any:
    """Make a call that is answered with a job, changed like this, once for each change."""
    operation, call = CALLS[name]
    wallet = new_wallet()
    job_id = start(world.compute(), wallet)
    (job,) = world.provider.jobs
    jobs = [{**job, **change} for change in changes]
    if operation in ("status", "look"):
        jobs = [{**unsigned(job), **change} for change in changes]
    world.provider.faults[operation] = Fault(dated(jobs), acts=False)
    return call(world.compute(), job_id, wallet)


@pytest.mark.parametrize("name", CALLS)
def test_one_job_in_two_states_is_no_answer(world: World, name: str) -> None:
    with pytest.raises(MalformedResponse):
        answered(world, name, {"status": 40}, {"status": 70})


@pytest.mark.parametrize("name", CALLS)
def test_one_job_told_twice_in_the_same_words_is_one_job(world: World, name: str) -> None:
    value = answered(world, name, {}, {})

    assert name not in ("jobs", "stop_all") or len(value) == 1


@pytest.mark.parametrize("owner", ["0x" + "5A" * 20, "0x0", 7, ["nobody"]])
@pytest.mark.parametrize("name", CALLS)
def test_a_job_of_somebody_else_is_no_answer(world: World, name: str, owner: Any) -> None:
    with pytest.raises(MalformedResponse):
        answered(world, name, {"owner": owner})


@pytest.mark.parametrize("name", CALLS)
def test_an_owner_that_is_not_told_is_no_fault(world: World, name: str) -> None:
    assert answered(world, name, {"owner": ""})


@pytest.mark.parametrize("code", [99, 0, -1, 71, 45])
def test_an_unknown_code_is_not_ok(world: World, code: int) -> None:
    assert answered(world, "status", {"status": code})["ok"] is False


def test_a_job_that_ended_with_the_code_of_one_that_runs_is_not_ok(world: World) -> None:
    """The real operator leaves such a code where the algorithm was never run."""
    wallet = new_wallet()
    job_id = start(world.compute(), wallet)
    world.provider.jobs[0].update({"status": 50, "dateFinished": 1795346538.9})

    status = world.compute().job_status(DID, job_id, wallet)

    assert (status.state, status.is_finished, status["ok"]) == (JobState.UNKNOWN, True, False)


def test_a_delete_that_answers_with_an_error_has_not_deleted(world: World) -> None:
    wallet = new_wallet()
    job_id = start(world.compute(), wallet)
    world.provider.faults["delete"] = Fault(dated({"error": "no"}), acts=False)

    with pytest.raises(OceanError):
        world.compute().delete(DID, job_id, wallet)
