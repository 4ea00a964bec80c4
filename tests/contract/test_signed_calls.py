"""Signed calls come through, whoever else signs with the same wallet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Any

from ocean_lib.jobs.view import JobState
from ocean_lib.localnet.faults import MoveNonce
from tests.contract.worlds import FOREVER, Consumer, World

THREADS = 8


class CountingSigner:
    """A signer of the user's own that counts its signatures."""

    def __init__(self, wallet: Any) -> None:
        self._wallet = wallet
        self._lock = Lock()
        self.address: str = wallet.address
        self.count = 0

    def sign_message(self, message: Any) -> Any:
        with self._lock:
            self.count += 1
        return self._wallet.sign_message(message)


def test_a_start_comes_through_when_the_nonce_has_moved(world: World, consumer: Consumer) -> None:
    world.go_wrong(MoveNonce(times=1))

    job = consumer.submit()

    assert world.happened() == 1
    assert consumer.job_ids() == [job.job_id]


def test_every_call_comes_through_when_the_nonce_has_moved(
    world: World, consumer: Consumer
) -> None:
    for name, call in world.signed_calls.items():
        job = consumer.submit(FOREVER)
        world.go_wrong(MoveNonce(times=1))

        call(job)

        assert world.happened() == 1, name
        world.go_wrong()
        consumer.stop_all()
        assert job.wait(timeout=60).state is JobState.STOPPED


def test_two_clients_of_one_wallet_do_not_hinder_each_other(consumer: Consumer) -> None:
    one, two = consumer.compute(), consumer.compute()

    started = [consumer.submit(compute=compute) for compute in (one, two, one, two)]
    for job in (*started, *reversed(started)):
        job.wait(timeout=60)
        assert "summed" in job.logs()

    assert sorted(consumer.job_ids()) == sorted({job.job_id for job in started})


def test_many_threads_of_one_wallet_are_all_served(consumer: Consumer) -> None:
    compute = consumer.compute(**{"timeout.total": 60})

    def story(_: int) -> tuple[str, JobState]:
        job = consumer.submit(FOREVER, compute)
        job.stop()
        state = job.wait(timeout=60).state
        assert job.logs() is not None
        return job.job_id, state

    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(story, range(THREADS)))

    assert {state for _, state in told} == {JobState.STOPPED}
    assert sorted(job_id for job_id, _ in told) == sorted(set(consumer.job_ids()))


def test_any_object_that_signs_is_a_wallet(consumer: Consumer) -> None:
    signer = CountingSigner(consumer.wallet)

    job = replace(consumer, wallet=signer).finished()

    assert job.result_json() == {"sum": 3}
    assert signer.count >= 2


def test_an_auth_token_is_signed_once_for_many_calls(world: World, consumer: Consumer) -> None:
    signer = CountingSigner(consumer.wallet)
    compute = consumer.compute(auth_token="on")
    with_token = replace(consumer, wallet=signer)

    first, second = (with_token.submit(compute=compute) for _ in range(2))
    first.wait(timeout=60)
    logs = first.logs()
    world.count("nonce")
    second.wait(timeout=60)
    second.logs()

    assert "summed" in logs
    assert signer.count == 1
    assert world.happened() == 0
