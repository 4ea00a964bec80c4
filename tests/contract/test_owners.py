"""The jobs of an owner: all of them, nobody else's, each a handle."""

from __future__ import annotations

from ocean_lib.jobs.view import JobState
from ocean_lib.localnet.faults import StuckJob
from tests.contract.worlds import Consumer, World


def test_a_new_owner_has_no_jobs(consumer: Consumer) -> None:
    assert consumer.job_ids() == []


def test_an_owner_sees_the_own_jobs_newest_first(world: World, consumer: Consumer) -> None:
    first = consumer.finished()
    somebody_elses = world.consumer().submit()
    second = consumer.submit()

    listed = consumer.compute().jobs(consumer.wallet)

    assert [job.job_id for job in listed] == [second.job_id, first.job_id]
    assert {job.owner for job in listed} == {consumer.wallet.address} != {somebody_elses.owner}


def test_jobs_are_listed_by_state(world: World, consumer: Consumer) -> None:
    ended = consumer.finished()
    world.go_wrong(StuckJob())
    running = consumer.submit()

    def listed(state: JobState) -> list[str]:
        return [job.job_id for job in consumer.compute().jobs(consumer.wallet, state=state)]

    assert listed(JobState.FINISHED) == [ended.job_id]
    assert listed(JobState.RUNNING) == [running.job_id]
    assert listed(JobState.FAILED) == []
    consumer.stop_all()


def test_a_listed_job_is_a_handle(consumer: Consumer) -> None:
    job = consumer.finished()

    (listed,) = consumer.compute().jobs(consumer.wallet)

    assert listed.last_status == job.last_status
    assert listed.result_json() == {"sum": 3}
    assert listed.to_dict() == job.to_dict()
