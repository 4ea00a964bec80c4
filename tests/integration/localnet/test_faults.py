"""What the client does when the network's Provider does wrong, each fault over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ocean_lib.exceptions import (
    JobTimeoutError,
    RequestTimeout,
    ResultsWithheld,
    StartUncertain,
)
from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.faults import (
    Delay,
    Drop,
    Fault,
    MoveNonce,
    StuckJob,
    Unavailable,
    WithholdResults,
)
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.testing.publishing import AssetMaker, PublishedDataset
from ocean_lib.web3_internal.wallet import Wallet
from tests.integration.localnet.handmade import raw, until


@dataclass
class User:
    """A consumer of one dataset."""

    network: LocalNetwork
    dataset: PublishedDataset

    @property
    def ocean(self) -> Ocean:
        options = self.network.options
        options["resources"]["timeout.total"] = "2"
        return Ocean(options)

    @property
    def wallet(self) -> Wallet:
        return self.network.wallet(1)

    def submit(self, ocean: Ocean | None = None, code: str = "print('done')") -> ComputeJob:
        meta = AlgorithmMetadata(raw(code))
        ocean = ocean or self.ocean
        assert self.dataset.compute_input is not None
        return ocean.compute.submit([self.dataset.compute_input], self.wallet, algorithm_meta=meta)

    def with_an_order_of_its_own(self) -> User:
        """Make a user whose order no other job has, so that a lost start finds nothing."""
        dataset = AssetMaker(self.network).dataset("1\n", raw=True, order=True)
        return User(self.network, dataset)

    def jobs(self) -> int:
        return len(self.ocean.compute.jobs(self.wallet, self.dataset.did))


@pytest.fixture(scope="module")
def shared() -> Iterator[User]:
    with LocalNetwork(jobs_at_once=4) as network:
        yield User(network, AssetMaker(network).dataset("1\n", raw=True, order=True))


@pytest.fixture
def user(shared: User) -> Iterator[User]:
    yield shared
    shared.network.faults.clear()


def test_a_dropped_start_is_found_again_by_its_order(user: User) -> None:
    before = user.jobs()
    user.network.faults.set(Drop("start", after=True, times=1))
    job = user.submit()
    status = job.wait(timeout=60, progress=False)

    assert user.network.faults.happened == (Drop("start", after=True, times=1),)
    assert status.succeeded is not False
    assert user.jobs() == before + 1


def test_a_start_dropped_before_it_acted_started_nothing(user: User) -> None:
    fresh = user.with_an_order_of_its_own()
    fresh.network.faults.set(Drop("start", times=1))
    with pytest.raises(StartUncertain, match="no such job exists yet"):
        fresh.submit()

    assert fresh.jobs() == 0


def test_a_dropped_status_is_asked_for_again(user: User) -> None:
    job = user.submit()
    user.network.faults.set(Drop("status", times=1))
    status = job.status()

    assert status.code >= 1
    assert len(user.network.faults.happened) == 1


@pytest.mark.parametrize("fault", [Unavailable("status", times=1), Unavailable(times=1)])
def test_one_503_does_not_end_a_wait(user: User, fault: Fault) -> None:
    job = user.submit()
    user.network.faults.set(fault)
    job.wait(timeout=60, progress=False)

    assert user.network.faults.happened == (fault,)


def test_a_start_answered_with_503_says_so(user: User) -> None:
    fresh = user.with_an_order_of_its_own()
    fresh.network.faults.set(Unavailable("start"))
    with pytest.raises(StartUncertain, match="HTTP 503"):
        fresh.submit()

    assert fresh.jobs() == 0


def test_a_late_answer_runs_into_the_clients_time_limit(user: User) -> None:
    options = user.network.options
    options["resources"]["timeout.read"] = "0.3"
    ocean = Ocean(options)
    job = user.submit(ocean)
    user.network.faults.set(Delay("stop", seconds=30))
    with pytest.raises(RequestTimeout):
        ocean.compute.stop(user.dataset.did, job.job_id, user.wallet)

    assert len(user.network.faults.happened) == 1


def test_a_moved_nonce_costs_one_more_attempt(user: User) -> None:
    ocean = user.ocean
    user.network.faults.set(MoveNonce("start", times=1))
    job = user.submit(ocean)
    job.wait(timeout=60, progress=False)
    started = user.network.faults.happened
    user.network.faults.set(MoveNonce("result", times=1))
    log = job.logs()
    read = user.network.faults.happened
    user.network.faults.set(MoveNonce("stop", times=1))
    ocean.compute.stop(user.dataset.did, job.job_id, user.wallet)
    stopped = user.network.faults.happened

    assert [len(happened) for happened in (started, read, stopped)] == [1, 1, 1]
    assert "done" in log


def test_withheld_results_are_an_error_and_never_empty(user: User) -> None:
    job = user.submit()
    job.wait(timeout=60, progress=False)
    user.network.faults.set(WithholdResults())
    with pytest.raises(ResultsWithheld):
        job.result()
    user.network.faults.set(WithholdResults(times=1))

    assert "done" in job.logs()


@pytest.mark.parametrize("state", [1, 10, 20, 30, 40])
def test_a_stuck_job_stays_in_its_state_until_it_is_stopped(user: User, state: int) -> None:
    user.network.faults.set(StuckJob(state, times=1))
    stuck = user.submit()
    until(lambda: user.network.faults.happened)
    until(lambda: stuck.status().code == state)
    other = user.submit()
    other.wait(timeout=60, progress=False)
    still = stuck.status().code
    stuck.stop()

    assert still == state
    assert stuck.wait(timeout=60, progress=False).code == 70


def test_a_stuck_job_goes_on_when_the_fault_is_gone(user: User) -> None:
    user.network.faults.set(StuckJob())
    job = user.submit()
    until(lambda: job.status().code == 40)
    with pytest.raises(JobTimeoutError):
        job.wait(timeout=0.2, progress=False)
    user.network.faults.clear()
    job.wait(timeout=60, progress=False)

    assert "done" in job.logs()


def test_the_metadata_cache_can_fail_too(user: User) -> None:
    ocean = user.ocean
    user.network.faults.set(Unavailable("metadata", times=1))
    asset = ocean.assets.resolve(user.dataset.did)

    assert asset.did == user.dataset.did
    assert len(user.network.faults.happened) == 1


def test_faults_can_be_there_from_the_start_and_stopping_waits_for_none() -> None:
    with LocalNetwork(faults=[StuckJob(1), Delay("delete", seconds=600)]) as network:
        user = User(network, AssetMaker(network).dataset("1\n", raw=True, order=True))
        active = network.faults.active
        network.faults.set(StuckJob(1))
        job = user.submit()
        until(lambda: network.faults.happened)
        network.faults.set(StuckJob(1), Delay("status", seconds=600))

    assert active == (StuckJob(1), Delay("delete", seconds=600))
    assert job.job_id
