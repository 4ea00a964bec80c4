"""Killed at any moment while paid jobs start, a node loses no token and forgets no lock.

Two rounds by default; `OCEAN_KILLS=50` for the long run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from ocean_lib.localnet.chain import RpcError
from ocean_lib.localnet.dialects.node.contract_calls import events, topic
from tests.integration.localnet.node_client import WEI, NodeUser, number_of

ROUNDS = int(os.environ.get("OCEAN_KILLS", "2"))
DEPOSIT = 900
PAYERS = 2
_LOCKED = topic("Lock(address,address,uint256,uint256,uint256,address)")
_CLAIMED = topic("Claimed(address,uint256,address,address,uint256,bytes)")
_NETWORK = """
import sys
from ocean_lib.localnet import LocalNetwork, NodeOptions
options = NodeOptions(claim_first_s=1, claim_every_s=1)
network = LocalNetwork(sys.argv[1], generation="node", node=options, jobs_at_once=4)
with network:
    print("up", flush=True)
    sys.stdin.read()
"""


@contextmanager
def node(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a network in a process of its own that claims each second; in the end it is killed."""
    command = [sys.executable, "-c", _NETWORK, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


@dataclass
class Acknowledged:
    """The jobs that the node said it had started."""

    jobs: set[str] = field(default_factory=set)
    tried: int = 0


def start_jobs(user: NodeUser, known: Acknowledged, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(requests.RequestException):  # it is being killed
            known.tried += 1
            answered = user.start(queueMaxWaitTime=100)
            if answered.status_code == 200:
                known.jobs.add(answered.json()[0]["jobId"].partition("-")[2])


def kill_under_load(folder: Path, known: Acknowledged, *, after_a_claim: bool) -> None:
    with node(folder) as process:
        users = [NodeUser(folder, index) for index in range(PAYERS)]
        ended = threading.Event()
        before = len(known.jobs)
        loaders = [threading.Thread(target=start_jobs, args=(user, known, ended)) for user in users]
        for loader in loaders:
            loader.start()
        until(lambda: len(known.jobs) > before)
        if after_a_claim:
            claimed = count(users[0], _CLAIMED)
            until(lambda: count(users[0], _CLAIMED) > claimed)
        time.sleep(random.uniform(0.0, 1.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
        ended.set()
        for loader in loaders:
            loader.join()
        for user in users:
            user.close()


def count(user: NodeUser, kind: str) -> int:
    """Return how many events of a kind there are."""
    latest = int(user.chain.call("eth_blockNumber"), 16)
    return len(events(user.chain, [kind], 0, latest))


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_no_token_is_lost_and_no_lock_forgotten_when_a_node_is_killed(tmp_path: Path) -> None:
    known = Acknowledged()
    with node(tmp_path):
        users = [NodeUser(tmp_path, index) for index in range(PAYERS)]
        for user in users:
            user.fill_escrow(DEPOSIT, locks=10_000)
            user.close()
    for number in range(ROUNDS):
        kill_under_load(tmp_path, known, after_a_claim=number % 2 == 1)

    with node(tmp_path):
        users = [NodeUser(tmp_path, index) for index in range(PAYERS)]
        until(lambda: all(job["status"] == 70 for user in users for job in user.jobs()))
        jobs = {job["jobId"]: job for user in users for job in user.jobs()}
        chain, node_address = users[0].chain, users[0].environment()["consumerAddress"]
        latest = int(chain.call("eth_blockNumber"), 16)
        locked = [
            one.values("address,address,uint256,uint256,uint256,address")[2]
            for one in events(chain, [_LOCKED], 0, latest)
        ]
        # Every lock that was ever made has its job, and every job its one lock.
        assert sorted(locked) == sorted(map(number_of, jobs.values()))
        assert known.jobs <= set(jobs)
        assert users[0].locks() == {}
        assert all(job["payment"]["claimTx"].startswith("0x") for job in jobs.values())
        assert all(job["payment"]["lockTx"].startswith("0x") for job in jobs.values())
        # What was deposited is either there, or was earned by the node, to the last unit.
        spent = 0
        for user in users:
            available, still_locked = user.funds()
            cost = sum(job["payment"]["cost"] for job in user.jobs()) * WEI
            assert still_locked == 0
            assert available == DEPOSIT * WEI - cost
            assert user.balance() == (1000 - DEPOSIT) * WEI
            spent += cost
            user.close()
        collector = users[0].contracts["OPFCommunityFeeCollector"]
        earned = users[0].balance(node_address) + users[0].balance(collector)
        assert earned == spent > 0
    assert known.jobs
    with suppress(RpcError):
        print(  # noqa: T201
            f"{ROUNDS} kills, {known.tried} starts tried, {len(known.jobs)} acknowledged, "
            f"{len(jobs)} jobs made and paid, {spent // WEI} tokens"
        )
