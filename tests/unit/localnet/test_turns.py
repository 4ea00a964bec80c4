"""Whose turn it is, and one thread that watches every job there is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ocean_lib.localnet.jobs.turns import Turns
from ocean_lib.localnet.jobs.watch import Watch
from ocean_lib.localnet.runners import RunOutcome
from tests.wire import wait_until

ENDED = RunOutcome("exited", 0)


def turns(at_once: int, *jobs: str) -> Turns:
    """Queue jobs, each named by its owner and a number."""
    made = Turns(at_once)
    for job in jobs:
        made.add(job, job[0], None)
    return made


def test_owners_take_turns_and_no_more_run_than_there_are_places() -> None:
    made = turns(3, "a1", "a2", "a3", "b1", "c1")

    assert [made.next() for _ in range(4)] == ["a1", "b1", "c1", None]
    made.leave("b1")
    assert made.next() == "a2"


def test_the_owner_with_the_fewest_running_jobs_is_next() -> None:
    made = turns(4, "a1", "a2", "b1", "a3", "b2")
    taken = [made.next() for _ in range(3)]
    made.leave("b1")

    assert (taken, made.next()) == (["a1", "b1", "a2"], "b2")


def test_a_job_that_is_withdrawn_or_overdue_has_no_turn() -> None:
    made = turns(9, "a1", "a2")
    made.add("a3", "a", 10.0)

    assert (made.withdraw("a1"), made.withdraw("a1")) == (True, False)
    assert (made.overdue(9.0), made.overdue(11.0)) == ([], ["a3"])
    assert (made.next(), made.next()) == ("a2", None)


def test_a_job_that_is_taken_up_has_a_place_beyond_the_last() -> None:
    made = turns(1, "a1")
    stop = made.take("z1", "z")

    assert made.next() is None
    assert made.stop_of("z1") is stop
    assert made.stop_of("a1") is None
    made.clear()
    assert stop.is_set()
    made.leave("z1")
    assert not made.any_taken


class Runner:
    """Ends jobs when the test says so, and queues them like a cluster."""

    isolation = "none"

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.outcomes: dict[str, Any] = {}

    def take_up(self, _job: object) -> bool:
        return False

    def has_begun(self, job_id: str) -> bool:
        return job_id in self.begun

    def poll(self, job_id: str) -> RunOutcome | None:
        outcome: RunOutcome | None = self.outcomes.get(job_id)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def stop(self, job_id: str) -> None:
        self.outcomes[job_id] = RunOutcome("stopped", None)


@contextmanager
def watching(runner: Any) -> Iterator[tuple[Watch, list[Any]]]:
    seen: list[Any] = []
    watch = Watch(runner, seen.append, lambda job_id, outcome: seen.append((job_id, outcome)))
    watch.start()
    yield watch, seen
    watch.close()


def test_a_thousand_jobs_are_watched_by_one_thread() -> None:
    runner = Runner()
    with watching(runner) as (watch, seen):
        before = threading.active_count()
        stops = {f"j{number}": threading.Event() for number in range(1000)}
        for job_id, stop in stops.items():
            watch.add(job_id, stop, begun=False)
        runner.begun.add("j7")
        wait_until(lambda: seen == ["j7"])
        stops["j9"].set()
        watch.look_soon()
        wait_until(lambda: len(seen) == 2)
        runner.outcomes["j7"] = ENDED
        wait_until(lambda: len(seen) == 3)
        threads = threading.active_count() - before

    assert seen == ["j7", ("j9", RunOutcome("stopped", None)), ("j7", ENDED)]
    assert threads == 0


def test_a_job_that_the_runner_cannot_tell_of_is_lost_and_the_others_are_not() -> None:
    runner = Runner()
    runner.outcomes = {"bad": RuntimeError("no disk"), "good": ENDED}
    with watching(runner) as (watch, seen):
        for job_id in ("bad", "good"):
            watch.add(job_id, threading.Event(), begun=True)
        wait_until(lambda: len(seen) == 2)

    (bad,) = [outcome for job_id, outcome in seen if job_id == "bad"]
    assert (bad.reason, bad.detail) == ("lost", "the runner failed: RuntimeError('no disk')")
    assert ("good", ENDED) in seen
