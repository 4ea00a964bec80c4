"""What is told of a job: its state, its end, and that there is no such job."""

from __future__ import annotations

import pytest

from ocean_lib.exceptions import JobNotFound, JobTimeoutError, ServiceUnavailable
from ocean_lib.jobs.view import JobState, JobStatus
from ocean_lib.localnet.faults import Drop, Fault, StuckJob, Unavailable
from ocean_lib.ocean.compute_job import ComputeJob
from tests.contract.worlds import FOREVER, REPORT, Consumer, World
from tests.wire import WireServer, raw


def test_a_job_is_waited_for_to_its_end(consumer: Consumer) -> None:
    seen: list[JobStatus] = []
    job = consumer.submit()

    status = job.wait(timeout=60, on_update=seen.append)

    assert (status.state, status.is_finished) == (JobState.FINISHED, True)
    assert (status.succeeded, status.exit_code) == (True, 0)
    assert status.created_s is not None
    assert status.finished_s is not None
    assert 0 <= status.finished_s - status.created_s < 60
    assert seen[-1] == status == job.status() == job.last_status
    assert [one.is_finished for one in seen] == [False] * (len(seen) - 1) + [True]


def test_a_wait_ends_at_its_deadline_and_the_job_goes_on(world: World, consumer: Consumer) -> None:
    world.go_wrong(StuckJob())
    job = consumer.submit()

    with pytest.raises(JobTimeoutError) as caught:
        job.wait(timeout=0.3)
    before = job.status()
    world.go_wrong()
    after = job.wait(timeout=60)

    assert caught.value.job_ids == (job.job_id,)
    assert (before.state, after.state) == (JobState.RUNNING, JobState.FINISHED)


@pytest.mark.parametrize(
    "fault", [Drop("status", times=1), Unavailable("status", times=1)], ids=["dropped", "503"]
)
def test_a_poll_that_fails_does_not_end_a_wait(
    world: World, consumer: Consumer, fault: Fault
) -> None:
    job = consumer.submit()
    world.go_wrong(fault)

    status = job.wait(timeout=60)

    assert world.happened() == 1
    assert status.state is JobState.FINISHED


def test_a_back_end_that_stays_away_ends_a_wait_after_the_patience(
    world: World, consumer: Consumer
) -> None:
    job = consumer.submit()
    world.go_wrong(Unavailable("status"))

    with pytest.raises(ServiceUnavailable):
        job.wait(timeout=60, patience=0.3)
    world.go_wrong()

    assert job.wait(timeout=60).state is JobState.FINISHED


def test_many_jobs_of_two_owners_are_waited_for_at_once(world: World, consumer: Consumer) -> None:
    compute, other = consumer.compute(), world.consumer()
    jobs = [one.submit(compute=compute) for one in (consumer, other, consumer)]

    statuses = compute.wait_all(jobs, timeout=60)

    assert [status.job_id for status in statuses] == [job.job_id for job in jobs]
    assert {status.state for status in statuses} == {JobState.FINISHED}


def test_a_job_is_taken_up_by_another_client(consumer: Consumer) -> None:
    job = consumer.submit()
    kept = job.to_dict()

    again = ComputeJob.from_dict(kept, consumer.compute(), consumer.wallet)
    named = consumer.compute().job(job.did, job.job_id, consumer.wallet)

    assert again.wait(timeout=60) == named.wait(timeout=60)
    assert again.result_json() == named.result_json() == {"sum": 3}


def test_an_unknown_job_is_an_error_of_every_call(world: World, consumer: Consumer) -> None:
    job = consumer.finished()
    unknown = consumer.compute().job(job.did, other_id(job.job_id), consumer.wallet)

    calls = [ComputeJob.status, ComputeJob.wait, ComputeJob.logs, *world.signed_calls.values()]
    for call in calls:
        with pytest.raises(JobNotFound):
            call(unknown)


def test_a_job_that_runs_too_long_is_told_of(world: World) -> None:
    consumer = world.consumer(max_run_time_s=1)

    status = consumer.submit(FOREVER).wait(timeout=60)

    assert (status.state, status.succeeded) == (JobState.TIMED_OUT, False)


def test_a_job_whose_data_cannot_be_had_has_failed(world: World) -> None:
    # The length can be asked for; the content breaks off.
    broken = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    with WireServer(lambda _: broken) as server:
        consumer = world.consumer(url=f"{server.url}/data.csv")

        status = consumer.submit(REPORT).wait(timeout=60)

    assert (status.state, status.succeeded) == (JobState.FAILED, False)


def test_a_failed_algorithm_is_told_and_its_log_says_why(consumer: Consumer) -> None:
    job = consumer.submit("print('it broke')\nraise SystemExit(3)")

    status = job.wait(timeout=60)

    assert (status.state, status.succeeded) == (JobState.FAILED, False)
    assert (status.exit_code, status.oom_killed) == (3, False)
    assert "it broke" in job.logs()


def other_id(job_id: str) -> str:
    """Return the id of a job that does not exist, of the same form."""
    return job_id[:-6] + ("abcdef" if not job_id.endswith("abcdef") else "fedcba")
