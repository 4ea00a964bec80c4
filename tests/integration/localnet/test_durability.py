"""Killed at any moment under load, the network comes back with all that it acknowledged."""

from __future__ import annotations

import os
import random
import secrets
import signal
import threading
import time
from pathlib import Path

import requests

from tests.integration.localnet.conftest import World, make_world
from tests.integration.localnet.handmade import SERVICES, detaching, raw, running, until
from tests.integration.localnet.process import attached, command, described

ROUNDS = int(os.environ.get("OCEAN_KILL_ROUNDS", "3"))


def _load(world: World, token: str, acknowledged: list[str], ended: threading.Event) -> None:
    codes = ["print('short')", detaching(token)]
    while not ended.is_set():
        try:
            body = {"algorithmMeta": raw(random.choice(codes))}
            answer = world.consumer.start(world.dataset, world.dataset_order, **body)
        except requests.RequestException:
            return
        if answer.status_code == 200:
            acknowledged.append(answer.json()[0]["jobId"])


def test_nothing_acknowledged_is_lost_when_the_network_is_killed(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    dataset: dict[str, str] = {}
    token = secrets.token_hex(8)
    for _ in range(ROUNDS):
        with command("--state", str(tmp_path), "--jobs", "4") as process:
            described(process)
            world = make_world(attached(tmp_path))
            world.__dict__.update(dataset)
            dataset = {"dataset": world.dataset, "dataset_order": world.dataset_order}
            ended = threading.Event()
            loader = threading.Thread(target=_load, args=(world, token, acknowledged, ended))
            loader.start()
            moment = time.monotonic() + random.uniform(0.05, 0.8)
            until(lambda moment=moment: time.monotonic() > moment)
            os.kill(process.pid, signal.SIGKILL)
            process.wait(20)
            ended.set()
            loader.join()
            world.close()
        until(lambda: not running(token))
    with command("--state", str(tmp_path), "--jobs", "4") as process:
        described(process)
        world = make_world(attached(tmp_path))
        nonce = int(world.consumer.nonce())
        found = {job["jobId"]: job for job in _all_jobs(world)}
        asset = world.publisher.ddo(dataset["dataset"])
        for job_id in found:
            world.consumer.stop(job_id)
        until(lambda: all(job["dateFinished"] for job in _all_jobs(world)))
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        world.close()

    assert acknowledged
    assert set(acknowledged) <= set(found)
    # A start that was cut off may have been kept too, with its nonce: never one without it.
    assert nonce == len(found)
    assert asset["id"] == dataset["dataset"]
    assert not running(token)


def _all_jobs(world: World) -> list[dict[str, object]]:
    params = {"consumerAddress": world.consumer.address}
    return list(world.consumer.get(f"{SERVICES}/compute", **params).json())
