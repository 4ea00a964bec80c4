"""How many requests a call needs, counted at a server; caches that end, clear and heal."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    AssetNotConsumable,
    ConnectFailed,
    EndpointNotFound,
    JobNotFound,
)
from ocean_lib.http.limits import CACHE_LIFETIME_S
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.counting import BUDGET, CountedNetwork, counted_network, old_count
from tests.players import DID, Fault, Provider, World, dated, new_wallet, start
from tests.wire import html

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork

ROOT = Path(__file__).parents[2]
OLD = {"start": 7, "status": 5, "result": 5, "stop": 5}


@pytest.fixture(scope="module")
def counted(network: LocalNetwork) -> Iterator[CountedNetwork]:
    with counted_network(network) as counted:
        yield counted


@pytest.mark.parametrize("call", BUDGET)
def test_a_call_stays_in_its_budget_on_a_real_network(counted: CountedNetwork, call: str) -> None:
    found = counted.count(call)

    cold, warm = BUDGET[call]
    assert len(found.cold) <= cold, found.cold
    assert len(found.warm) <= warm, found.warm
    assert len(found.cold) < old_count(call)


@pytest.mark.parametrize("call", OLD)
def test_the_old_clients_numbers_are_those_recorded(call: str) -> None:
    assert old_count(call) == OLD[call]


def test_a_steady_client_sends_one_request_a_look(counted: CountedNetwork) -> None:
    ocean = counted.client()
    job_id = counted.start(ocean)
    did, wallet = counted.input.did, counted.wallet

    for _ in range(3):
        assert len(counted.sent(lambda: ocean.compute.status(did, job_id, wallet))) == 1
        assert len(counted.sent(lambda: ocean.compute.result(did, job_id, wallet))) == 1
    assert len(counted.sent(lambda: ocean.compute.stop(did, job_id, wallet))) == 1
    assert len(counted.sent(lambda: counted.start(ocean))) <= 3
    ocean.compute.stop_all(did, wallet, confirm=True)


def test_the_benchmark_prints_the_table() -> None:
    script = ROOT / "benchmarks" / "requests_per_call.py"

    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    for call, (cold, warm) in BUDGET.items():
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"| {call} ")]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert int(cells[1]) <= cold
        assert int(cells[2]) <= warm
        assert int(cells[3]) == OLD[call]


# --- caches


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def test_what_is_remembered_is_forgotten_after_its_lifetime(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**{"cache.lifetime": 0.05})
    job_id = start(compute, wallet)
    threading.Event().wait(0.1)
    world.forget_requests()

    compute.status(DID, job_id, wallet)

    assert world.provider.count() == {"endpoints": 1, "status": 1}
    assert len(world.aquarius.seen) == 1


def test_the_lifetime_is_an_option_with_a_default(world: World) -> None:
    assert world.config().cache_lifetime_s == CACHE_LIFETIME_S
    assert DataServiceProvider(world.config(**{"cache.lifetime": 7})).cache_lifetime_s == 7


def test_a_lifetime_of_0_remembers_nothing(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**{"cache.lifetime": 0})
    job_id = start(compute, wallet)
    world.forget_requests()

    compute.status(DID, job_id, wallet)

    assert world.provider.count()["endpoints"] >= 1
    assert len(world.aquarius.seen) >= 1


def test_starts_ask_once_whether_the_data_can_be_reached(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    start(compute, wallet)
    world.forget_requests()

    start(compute, wallet)
    start(compute, wallet)

    assert world.requests() == 2
    assert world.provider.count()["start"] == 2


def test_data_that_could_not_be_reached_is_asked_about_again(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    world.provider.faults["fileinfo"] = Fault(dated([{"index": 0, "valid": False}]))
    for _ in range(2):
        with pytest.raises(AssetNotConsumable):
            start(compute, wallet)
    world.provider.faults.clear()

    start(compute, wallet)

    assert world.provider.count()["fileinfo"] == 3


@pytest.mark.parametrize("forgets", ["clear_caches", "a lifetime of 0", "its time is over"])
def test_whether_data_can_be_reached_is_not_believed_for_ever(world: World, forgets: str) -> None:
    lifetime_s = {"a lifetime of 0": 0, "its time is over": 0.05}.get(forgets, 60)
    wallet, compute = new_wallet(), world.compute(**{"cache.lifetime": lifetime_s})
    start(compute, wallet)
    world.provider.faults["fileinfo"] = Fault(dated([{"index": 0, "valid": False}]))
    if forgets == "clear_caches":
        compute.clear_caches()
    if forgets == "its time is over":
        threading.Event().wait(0.1)

    with pytest.raises(AssetNotConsumable):
        start(compute, wallet)

    assert world.provider.count()["start"] == 1


def test_caches_are_of_one_instance(world: World) -> None:
    wallet = new_wallet()
    job_id = start(world.compute(), wallet)
    world.forget_requests()

    world.compute().status(DID, job_id, wallet)

    assert world.requests() == 3


def test_caches_can_be_cleared(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute()
    job_id = start(compute, wallet)
    world.forget_requests()

    compute.clear_caches()
    compute.status(DID, job_id, wallet)

    assert world.requests() == 3


def test_caches_may_be_cleared_while_threads_use_them(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**{"timeout.read": 30, "timeout.total": 60})
    job_id = start(compute, wallet)
    failures: list[BaseException] = []
    over = threading.Event()

    def work(act: Callable[[], Any]) -> None:
        try:
            while not over.is_set():
                act()
        except BaseException as error:
            failures.append(error)

    acts = [
        lambda: compute.status(DID, job_id, wallet),
        lambda: compute.result(DID, job_id, wallet),
    ]
    threads = [threading.Thread(target=work, args=(act,)) for act in acts * 4]
    for thread in threads:
        thread.start()
    for _ in range(50):
        compute.clear_caches()
        over.wait(0.01)
    over.set()
    for thread in threads:
        thread.join(30)

    assert failures == []


# --- a Provider that moved


CALLS: dict[str, Callable[[OceanCompute, str, Any], Any]] = {
    "status": lambda c, j, w: c.status(DID, j, w),
    "result": lambda c, j, w: c.result(DID, j, w),
    "stop": lambda c, j, w: c.stop(DID, j, w),
    "start": lambda c, _, w: start(c, w),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_provider_whose_paths_changed_heals_within_one_call(world: World, call: str) -> None:
    wallet = new_wallet()
    compute = world.compute()
    job_id = start(compute, wallet)
    world.provider.services = "/api/v1/moved"

    CALLS[call](compute, job_id, wallet)

    assert world.provider.count()["start"] == 1 + (call == "start")


@pytest.mark.parametrize("call", CALLS)
def test_a_provider_that_moved_elsewhere_heals_within_one_call(world: World, call: str) -> None:
    wallet = new_wallet()
    compute = world.compute()
    job_id = start(compute, wallet)
    old = world.provider
    old.server.go_down()
    with Provider() as moved:
        moved.jobs, moved.nonces = old.jobs, old.nonces
        world.aquarius.provider_url = moved.url

        CALLS[call](compute, job_id, wallet)

        assert moved.count()[call] == 1


def test_a_job_that_moved_with_its_provider_is_found(world: World) -> None:
    """The old place still answers, but its jobs are elsewhere."""
    wallet = new_wallet()
    compute = world.compute()
    job_id = start(compute, wallet)
    with Provider() as moved:
        moved.jobs, world.provider.jobs = world.provider.jobs, []
        world.aquarius.provider_url = moved.url

        assert compute.status(DID, job_id, wallet)["status"] == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_provider_that_restarts_heals_within_one_call(world: World, call: str) -> None:
    wallet = new_wallet()
    compute = world.compute(**{"timeout.total": 10})
    job_id = start(compute, wallet)
    world.provider.server.come_back()
    world.forget_requests()

    CALLS[call](compute, job_id, wallet)

    assert world.provider.count()  # it was the new server that answered


def test_what_is_nowhere_is_said_after_one_look(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute()
    job_id = start(compute, wallet)
    world.forget_requests()

    with pytest.raises(JobNotFound):
        compute.status(DID, "no such job", wallet)
    assert (world.provider.count(), len(world.aquarius.seen)) == ({"status": 1}, 1)

    world.provider.faults["status"] = Fault(html(404))
    world.forget_requests()
    with pytest.raises(EndpointNotFound):
        compute.status(DID, job_id, wallet)
    assert world.provider.count() == {"status": 1, "endpoints": 1}


def test_when_the_cache_is_away_too_the_first_fault_is_said(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute()
    job_id = start(compute, wallet)
    world.aquarius.fault = Fault(html(500))
    world.provider.server.go_down()

    with pytest.raises(ConnectFailed, match="get the job"):
        compute.status(DID, job_id, wallet)


def test_endpoints_stay_below_the_providers_own_url(world: World) -> None:
    """Whatever the document says: a signature never goes to another host."""
    for path in ("//evil.example/x", "http://evil.example/x", "@evil.example/", "\\\\evil"):
        said = {"serviceEndpoints": {"computeStatus": ["GET", path]}}
        world.provider.faults["endpoints"] = Fault(dated(said))

        _, url = DataServiceProvider().build_endpoint("computeStatus", world.provider.url)

        assert url.startswith(world.provider.url + "/")
