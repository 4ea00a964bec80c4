"""Every call can be awaited, at a Provider and at a node, and a cancelled start is not lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocean_lib import ComputeInput, JobState, Ocean, Wallet, in_thread
from ocean_lib.jobs.service_orders import ServiceOrders
from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.faults import Delay
from tests.fake_node import FakeNode, recorded
from tests.flows import publish_dataset, raw_code
from tests.integration.test_node_jobs import FRAMES, compute_at, submit

CODE = raw_code("import time\nprint('ran')\n")
LONG = raw_code("import time\nprint('begun', flush=True)\ntime.sleep(120)\n")


@pytest.fixture(scope="module")
def orders(network: LocalNetwork) -> ServiceOrders:
    ocean, buyer = Ocean(network.config), network.wallet(3)
    asset = publish_dataset(ocean, network, network.wallet(2), "1\n", raw=True, max_run_time=300)
    ocean.get_data_token(asset.data_token_address).mint_tokens(buyer.address, 1, network.wallet(2))
    return ocean.assets.buy(str(asset.did), buyer)


@pytest.fixture
def inputs(orders: ServiceOrders) -> list[ComputeInput]:
    return orders.inputs


@pytest.fixture
def buyer(network: LocalNetwork) -> Wallet:
    return network.wallet(3)


@pytest.fixture
def _no_faults(network: LocalNetwork) -> Iterator[None]:
    yield
    network.faults.clear()


def test_a_whole_job_is_awaited(ocean: Ocean, inputs, buyer, tmp_path: Path) -> None:
    async def run() -> None:
        job = await in_thread(ocean.compute.submit, inputs, buyer, algorithm_meta=CODE)
        assert (await in_thread(job.status)).job_id == job.job_id
        assert (await in_thread(job.wait, timeout=60, progress=False)).state is JobState.FINISHED
        assert "ran" in await in_thread(job.logs)
        assert await in_thread(job.download, tmp_path, progress=False)

    asyncio.run(run())

    assert "ran" in (tmp_path / "algorithm.log").read_text()


@pytest.mark.usefixtures("_no_faults")
def test_a_start_whose_await_is_cancelled_is_not_lost(
    network: LocalNetwork, ocean: Ocean, inputs, buyer, caplog
) -> None:
    caplog.set_level(logging.WARNING, "ocean_lib")
    before = {job.job_id for job in ocean.compute.jobs(buyer)}
    network.faults.set(Delay("start", seconds=1.0, times=1))

    async def run() -> None:
        call = in_thread(ocean.compute.submit, inputs, buyer, algorithm_meta=CODE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call, 0.5)

    asyncio.run(run())

    (started,) = {job.job_id for job in ocean.compute.jobs(buyer)} - before
    assert started in caplog.text


def test_a_wait_whose_await_is_cancelled_leaves_the_job(ocean: Ocean, inputs, buyer) -> None:
    job = ocean.compute.submit(inputs, buyer, algorithm_meta=LONG)

    async def run() -> None:
        call = in_thread(job.wait, poll_interval=100, progress=False)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call, 0.5)

    asyncio.run(run())

    assert not job.status().is_finished
    job.stop()


def test_a_nodes_log_is_followed_piece_by_piece() -> None:
    async def run(node: FakeNode) -> str:
        pieces = await in_thread(submit(compute_at(node)).logs, follow=True)
        told = ""
        while piece := await in_thread(next, pieces, None):
            told += piece
        return told

    with FakeNode(states=[recorded("10", 10), recorded("10", 40), recorded("10", 71)]) as node:
        node.log = FRAMES
        told = asyncio.run(run(node))

    assert told.splitlines()[:4] == ["tick 0", "tick 1", "tick 2", "to stderr"]


def test_what_a_node_runs_for_free_costs_nothing_and_is_started_the_same_way() -> None:
    from tests.integration.test_node_jobs import INPUTS, META, WALLET

    with FakeNode() as node:
        compute = compute_at(node)
        quote = compute.quote(INPUTS, WALLET, algorithm_meta=META)
        job = compute.submit(INPUTS, WALLET, algorithm_meta=META, pay=True)

    assert (quote.cost, quote.orders, quote.missing) == ({}, [], {})
    assert quote.environment
    assert quote.pay(WALLET) == []
    assert "nothing to pay" in repr(quote)
    assert job.job_id


def test_what_a_node_does_not_run_has_no_price() -> None:
    from ocean_lib.exceptions import EnvironmentUnavailable, NotOffered
    from tests.integration.test_node_jobs import INPUTS, META, WALLET

    with FakeNode() as node:
        compute = compute_at(node)
        with pytest.raises(NotOffered, match="runs no published assets of V3"):
            compute.quote(INPUTS, WALLET, algorithm_did="did:op:" + "1b" * 20)
        for wrong in ({"resources": {"cpu": 10_000}}, {"environment": "0xnone"}):
            with pytest.raises(EnvironmentUnavailable, match="Nothing was started"):
                compute.quote(INPUTS, WALLET, algorithm_meta=META, **wrong)
