"""A start makes one job, and its caller learns which, or that it cannot be known."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ocean_lib.exceptions import StartUncertain
from ocean_lib.localnet.faults import Delay, Drop, Fault, Unavailable
from tests.contract.worlds import FOREVER, Consumer, World

SHORT = {"timeout.read": 1, "timeout.total": 3}


def test_a_start_is_sent_once_and_makes_one_job(world: World, consumer: Consumer) -> None:
    world.count("start")

    job = consumer.submit()

    assert world.happened() == 1
    assert consumer.job_ids() == [job.job_id]


def test_two_equal_starts_are_two_jobs(consumer: Consumer) -> None:
    compute = consumer.compute()

    first, second = (consumer.submit(compute=compute) for _ in range(2))

    assert sorted(consumer.job_ids()) == sorted({first.job_id, second.job_id})


def test_a_job_whose_answer_is_lost_is_found(world: World, consumer: Consumer) -> None:
    world.go_wrong(Drop("start", after=True))

    job = consumer.submit()

    assert world.happened() == 1
    assert consumer.job_ids() == [job.job_id]


@pytest.mark.parametrize(
    "fault",
    [Drop("start"), Unavailable("start"), Delay("start", seconds=30)],
    ids=["dropped", "503", "no answer"],
)
def test_a_start_that_may_have_acted_is_said_to_be_uncertain(
    world: World, consumer: Consumer, fault: Fault
) -> None:
    compute = consumer.compute(**SHORT)
    world.go_wrong(fault)
    began = time.monotonic()

    with pytest.raises(StartUncertain) as caught:
        consumer.submit(compute=compute)

    assert world.happened() == 1
    assert caught.value.candidates == ()
    assert time.monotonic() - began < 2 * SHORT["timeout.total"]
    assert consumer.job_ids() == []


def test_a_lost_start_does_not_take_an_earlier_job(world: World, consumer: Consumer) -> None:
    compute = consumer.compute(**SHORT)
    earlier = consumer.submit(compute=compute)
    world.go_wrong(Drop("start"))

    with pytest.raises(StartUncertain) as caught:
        consumer.submit(compute=compute)

    assert earlier.job_id not in caught.value.candidates
    assert consumer.job_ids() == [earlier.job_id]


def test_no_job_is_given_to_two_of_many_starts(world: World, consumer: Consumer) -> None:
    compute = consumer.compute(**{"timeout.total": 30})
    world.go_wrong(Drop("start", after=True, times=2))

    def submit(_: int) -> str | StartUncertain:
        try:
            return consumer.submit(FOREVER, compute).job_id
        except StartUncertain as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(submit, range(8)))
    there = consumer.job_ids()
    consumer.stop_all()

    told = [outcome for outcome in got if isinstance(outcome, str)]
    candidates = {
        job_id for error in got if isinstance(error, StartUncertain) for job_id in error.candidates
    }
    assert len(there) == 8
    assert len(told) == len(set(told)) >= 6
    assert candidates <= set(there)


def test_a_refusal_is_told_as_one_and_is_sent_once(world: World) -> None:
    consumer = world.refused()
    world.count("start")

    with pytest.raises(world.refusal):
        consumer.submit()

    assert world.happened() == 1
    assert consumer.job_ids() == []
