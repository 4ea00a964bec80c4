"""An asset with two compute services: the one that the input names decides on the Provider."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from ocean_lib.exceptions import ConnectFailed, JobNotFound, ServiceUnavailable
from ocean_lib.models.compute_input import ComputeInput
from tests.players import DID, ORDER, RAW, SERVICE_INDEX, Fault, Provider, World, new_wallet
from tests.wire import html

FIRST, SECOND = SERVICE_INDEX, SERVICE_INDEX + 1


@pytest.fixture
def second() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def world(second: Provider) -> Iterator[World]:
    with World() as world:
        document = world.aquarius.document

        def with_two() -> dict[str, Any]:
            ddo = copy.deepcopy(document())
            other = copy.deepcopy(next(s for s in ddo["service"] if s["type"] == "compute"))
            ddo["service"].append({**other, "index": SECOND, "serviceEndpoint": second.url})
            return ddo

        world.aquarius.document = with_two  # type: ignore[method-assign]
        yield world


def submit(compute: Any, wallet: Any, service: int) -> Any:
    return compute.submit([ComputeInput(DID, ORDER, service)], wallet, algorithm_meta=RAW)


def test_a_job_starts_at_the_service_that_is_named(world, second) -> None:
    compute, wallet = world.compute(), new_wallet()

    job = submit(compute, wallet, SECOND)
    assert job.status().code == 1
    assert job.result()["urls"]
    job.stop()
    job.delete()

    assert [job["jobId"] for job in second.jobs] == []
    assert second.count()["start"] == second.count()["delete"] == 1
    assert world.provider.seen == []


def test_a_job_at_the_first_asks_nothing_of_the_second(world, second) -> None:
    compute, wallet = world.compute(), new_wallet()

    submit(compute, wallet, FIRST).stop()

    assert second.seen == []


def test_a_lost_answer_is_looked_for_where_it_was_sent(world, second) -> None:
    compute, wallet = world.compute(), new_wallet()
    second.faults["start"] = Fault(html(502))

    job = submit(compute, wallet, SECOND)

    assert job.job_id == second.jobs[0]["jobId"]
    assert job.status().code == 1


@pytest.mark.parametrize("service", [FIRST, SECOND])
@pytest.mark.parametrize("call", ["status", "result", "stop", "delete"])
def test_a_job_of_another_process_is_found(world, second, service, call) -> None:
    wallet = new_wallet()
    job_id = submit(world.compute(), wallet, service).job_id
    world.forget_requests()
    second.forget_requests()

    act = getattr(world.compute(), call)
    assert act(DID, job_id, wallet)

    here, other = (world.provider, second) if service == FIRST else (second, world.provider)
    assert here.count()[call] >= 1
    signed = [r for r in other.server.requests if "signature" in r.query]
    assert signed == [], "only whom it concerns is given a signature"


def test_all_jobs_are_listed_awaited_and_stopped(world, second) -> None:
    compute, wallet = world.compute(), new_wallet()
    started = [submit(compute, wallet, service) for service in (FIRST, SECOND)]

    assert {job.job_id for job in compute.jobs(wallet, DID)} == {job.job_id for job in started}
    for provider in (world.provider, second):
        provider.jobs[0].update(status=70, statusText="Job finished")
    fresh = world.compute()
    handles = [fresh.job(DID, job.job_id, wallet) for job in started]
    assert all(status.is_finished for status in fresh.wait_all(handles))
    assert len(compute.stop_all(DID, wallet, confirm=True)) == 2
    assert [p.jobs[0]["stopreq"] for p in (world.provider, second)] == [1, 1]


def test_a_job_that_nobody_knows_is_unknown(world) -> None:
    with pytest.raises(JobNotFound):
        world.compute().status(DID, "1" * 32, new_wallet())


def test_a_provider_that_is_away_may_have_it(world, second) -> None:
    second.faults["status"] = Fault(html(503))
    with pytest.raises(ServiceUnavailable):
        world.compute().status(DID, "1" * 32, new_wallet())

    second.server.go_down()
    with pytest.raises(ConnectFailed):
        world.compute().delete(DID, "1" * 32, new_wallet())
    assert world.provider.count()["delete"] == 0
