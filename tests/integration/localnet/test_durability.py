"""Killed at any moment under load, the network comes back with all that it acknowledged.

Three rounds by default; `OCEAN_KILLS=50` for the long run.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from ocean_lib.localnet.chain import ChainUnreachableError
from tests.integration.localnet.conftest import World, make_world
from tests.integration.localnet.handmade import SERVICES, detaching, raw, running, until
from tests.integration.localnet.process import attached, command, described

ROUNDS = int(os.environ.get("OCEAN_KILLS", "3"))
ANSWER = "the result"
RESULT = f"""
import os, time
with open(os.path.join(os.environ["OUTPUTS"], "result.txt"), "w") as out:
    out.write({ANSWER!r})
"""
GONE = (requests.RequestException, ChainUnreachableError)


@dataclass
class Acknowledged:
    """What the network said it had: it must have it for good."""

    jobs: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    results: dict[str, str] = field(default_factory=dict)
    signed_reads: list[int] = field(default_factory=lambda: [0, 0])  # tried, answered
    transactions: dict[str, str] = field(default_factory=dict)
    assets: set[str] = field(default_factory=set)
    nonces: int = 0
    running: set[str] = field(default_factory=set)

    def shown(self) -> str:
        return (
            f"{len(self.jobs)} jobs, {len(self.results)} results and logs, "
            f"{len(self.assets)} assets, "
            f"{len(self.transactions)} transactions, {self.nonces} nonces of the encrypting user"
        )


def _start_jobs(world: World, token: str, known: Acknowledged) -> None:
    """Start a job, then read the results of one that has finished."""
    codes = [RESULT, RESULT, detaching(token)]
    body = {"algorithmMeta": raw(random.choice(codes))}
    answer = world.consumer.start(world.dataset, world.dataset_order, **body)
    if answer.status_code == 200:
        known.jobs.add(answer.json()[0]["jobId"])
    if known.finished:
        known.signed_reads[0] += 1
        job = world.consumer.result(known.finished.pop())
        known.signed_reads[1] += 1
        for url in [*(job["resultsUrl"] or []), job["algorithmLogUrl"]]:
            known.results[url] = world.consumer.read(url)


def _watch(world: World, token: str, known: Acknowledged) -> None:
    for job in _jobs(world, world.consumer.address):
        if job["status"] == 40:
            known.running.add(job["jobId"])
        if job["dateFinished"] is not None:
            known.finished.add(job["jobId"])


def _publish(world: World, token: str, known: Acknowledged) -> None:
    publisher = type(world.publisher)(world.network, world.network.accounts[3])
    url = world.network.publish_file(b"1\n", "one.txt")
    did = publisher.publish("one", [url], [])
    if publisher.get(f"/api/v1/aquarius/assets/ddo/{did}").status_code == 200:
        known.assets.add(did)
    publisher.close()


def _transact(world: World, token: str, known: Acknowledged) -> None:
    user = type(world.publisher)(world.network, world.network.accounts[4])
    receipt = user.transact(
        world.network.contracts.dt_factory,
        "createToken(string,string,string,uint256)",
        *("", "token", "TOK", 10**21),
    )
    known.transactions[receipt["transactionHash"]] = receipt["blockHash"]
    user.close()


def _encrypt(world: World, token: str, known: Acknowledged) -> None:
    user = type(world.publisher)(world.network, world.network.accounts[5])
    user.encrypt("did:op:" + "0" * 40, [{"url": "http://x"}])
    known.nonces += 1
    user.close()


LOADERS = (_start_jobs, _watch, _publish, _transact, _encrypt)


def _repeat(
    act: Callable[[World, str, Acknowledged], None],
    network: Any,
    assets: dict[str, str],
    token: str,
    known: Acknowledged,
    ended: threading.Event,
) -> None:
    world = make_world(network)
    world.__dict__.update(assets)
    while not ended.is_set():
        try:
            act(world, token, known)
        except GONE:
            break
    world.close()


def _jobs(world: World, owner: str) -> list[dict[str, Any]]:
    answer = world.stranger.get(f"{SERVICES}/compute", consumerAddress=owner)
    return list(answer.json())


def _kill_while_starting(folder: Path) -> None:
    with command("--state", str(folder), "--jobs", "4") as process:
        moment = time.monotonic() + random.uniform(0.2, 3.0)
        until(lambda: time.monotonic() > moment)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)


def _kill_under_load(
    folder: Path,
    assets: dict[str, str],
    token: str,
    known: Acknowledged,
    *,
    after_a_result: bool = False,
) -> dict[str, str]:
    with command("--state", str(folder), "--jobs", "4") as process:
        described(process)
        network = attached(folder)
        world = make_world(network)
        world.__dict__.update(assets)
        assets = {"dataset": world.dataset, "dataset_order": world.dataset_order}
        _check_jobs(world, known)
        ended = threading.Event()
        loaders = [
            threading.Thread(target=_repeat, args=(act, network, assets, token, known, ended))
            for act in LOADERS
        ]
        for loader in loaders:
            loader.start()
        if after_a_result:
            until(lambda: ANSWER in list(known.results.values()), seconds=60)
        moment = time.monotonic() + random.uniform(0.05, 2.0)
        until(lambda: time.monotonic() > moment)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
        ended.set()
        for loader in loaders:
            loader.join()
        world.close()
    until(lambda: not running(token))
    return assets


def _check_jobs(world: World, known: Acknowledged) -> None:
    """What ran when the network was killed has ended now, and says so as the protocol can."""
    found = {job["jobId"]: job for job in _jobs(world, world.consumer.address)}
    assert known.jobs <= set(found)
    for job_id in known.running:
        assert (found[job_id]["status"], found[job_id]["stopreq"]) == (70, 0)
        assert found[job_id]["dateFinished"] is not None
    known.running.clear()


def _check_everything(world: World, known: Acknowledged) -> None:
    jobs = {job["jobId"]: job for job in _jobs(world, world.consumer.address)}
    # A call that was cut off may have been kept too, with its nonce: never one without it.
    moved_by_reads = int(world.consumer.nonce()) - len(jobs)
    assert known.signed_reads[1] <= moved_by_reads <= known.signed_reads[0]
    assert int(world.consumer.nonce(world.network.accounts[5].address)) >= known.nonces
    for tx_hash, block_hash in known.transactions.items():
        receipt = world.consumer.chain.call("eth_getTransactionReceipt", tx_hash)
        assert receipt is not None
        assert receipt["blockHash"] == block_hash
    found = set(world.consumer.get("/api/v1/aquarius/assets").json())
    assert known.assets <= found
    for job_id in jobs:
        if jobs[job_id]["dateFinished"] is None:
            world.consumer.stop(job_id)
    until(lambda: all(j["dateFinished"] for j in _jobs(world, world.consumer.address)), seconds=60)
    for url, content in known.results.items():
        assert world.consumer.read(url) == content


def test_nothing_acknowledged_is_lost_when_the_network_is_killed(tmp_path: Path) -> None:
    known = Acknowledged()
    assets: dict[str, str] = {}
    token = secrets.token_hex(8)
    _kill_while_starting(tmp_path)
    for number in range(ROUNDS):
        is_last = number == ROUNDS - 1  # a busy machine may have killed all jobs before
        assets = _kill_under_load(tmp_path, assets, token, known, after_a_result=is_last)
        if number % 10 == 9:
            _kill_while_starting(tmp_path)
    with command("--state", str(tmp_path), "--jobs", "4") as process:
        described(process)
        world = make_world(attached(tmp_path))
        world.__dict__.update(assets)
        _check_jobs(world, known)
        _check_everything(world, known)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        world.close()
    # Whatever happened to a job, its data is not left behind.
    assert not list((tmp_path / "jobs").glob("*/data/inputs/*"))
    print(f"{ROUNDS} kills; acknowledged and found again: {known.shown()}")  # noqa: T201

    assert known.jobs
    assert known.transactions
    assert ANSWER in known.results.values()
    assert not running(token)
