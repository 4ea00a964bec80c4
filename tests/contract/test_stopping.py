"""A stop ends the job that it names, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from ocean_lib.exceptions import InvalidInput, JobError, JobNotFound, TransportError
from ocean_lib.jobs.view import JobState
from ocean_lib.localnet.faults import Drop
from tests.contract.worlds import FOREVER, Consumer, World


def test_one_job_is_stopped_and_no_other(world: World, consumer: Consumer) -> None:
    compute = consumer.compute()
    stays, goes = (consumer.submit(FOREVER, compute) for _ in range(2))
    world.count("stop")

    goes.stop()
    ended = goes.wait(timeout=60)
    other = stays.status()
    stays.stop()

    assert (ended.state, ended.succeeded) == (JobState.STOPPED, False)
    assert not other.is_finished
    assert stays.wait(timeout=60).state is JobState.STOPPED
    assert world.happened() == 2


@pytest.mark.parametrize("job_id", ["", " ", "\t", None])
def test_a_stop_without_a_job_id_is_refused_and_nothing_is_sent(
    world: World, consumer: Consumer, job_id: Any
) -> None:
    job = consumer.submit(FOREVER)
    world.count("any")

    with pytest.raises((InvalidInput, TypeError)):
        consumer.compute().stop(job.did, job_id, consumer.wallet)

    assert world.happened() == 0
    assert not job.status().is_finished
    consumer.stop_all()


def test_a_finished_job_is_not_stopped(world: World, consumer: Consumer) -> None:
    job = consumer.finished()
    world.count("stop")

    status = job.stop()

    assert status.state is job.status().state is JobState.FINISHED
    assert world.happened() == 0


def test_a_stranger_can_neither_stop_nor_read_a_job(world: World, consumer: Consumer) -> None:
    job = consumer.submit(FOREVER)
    stranger = world.consumer()
    taken = stranger.compute().job(job.did, job.job_id, stranger.wallet)

    with pytest.raises(JobNotFound):
        taken.stop()
    with pytest.raises(JobError):
        taken.logs()

    assert not job.status().is_finished
    consumer.stop_all()


def test_a_stop_whose_answer_is_lost_is_an_error_and_is_not_sent_again(
    world: World, consumer: Consumer
) -> None:
    job = consumer.submit(FOREVER)
    world.go_wrong(Drop("stop", after=True))

    with pytest.raises(TransportError) as caught:
        job.stop()

    assert caught.value.may_have_arrived
    assert world.happened() == 1
    assert job.wait(timeout=60).state is JobState.STOPPED
