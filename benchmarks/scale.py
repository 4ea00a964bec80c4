"""Simulate what one back end process can drive: thousands of wallets on a hundred Ocean Nodes.

    python benchmarks/scale.py [--minutes 10] [--jobs-a-day 100000 ...] [--wallets 5000 ...]
        [--tokens]

Each row is one process with this library: a client for each node, a thread for each job that runs
(submit, wait, read the log), jobs that come evenly and last three minutes, the wallets in turn. The
nodes are a hundred ports of one server of ours: nonces, the rate limit of 30 requests a minute and
address, and jobs that only take time. Neither algorithms nor signatures are checked there.

The clock runs faster, for the library by `time.monotonic` and `time.sleep`, as far as one core can
follow (`--load`). CPU time is real: its share is told of a core on a clock that runs as usual.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.vectors import nodes  # noqa: E402

NODES = 100
LIMIT = 30
JOB_S = 180.0
PREFIX = "/api/services/"
FRAMED = bytes([1, 0, 0, 0, 0, 0, 0, 7]) + b"a line\n"


class Clock:
    """A clock that runs faster; while it is used, `time` shows it to everybody."""

    def __init__(self, faster: float) -> None:
        self.faster = faster
        self._monotonic, self._sleep = time.monotonic, time.sleep

    def now(self) -> float:
        """Return seconds that have passed on it."""
        return self._monotonic() * self.faster

    def __enter__(self) -> Clock:
        time.monotonic = self.now
        time.sleep = lambda seconds: self._sleep(seconds / self.faster)
        return self

    def __exit__(self, *_: object) -> None:
        time.monotonic, time.sleep = self._monotonic, self._sleep


# --- the nodes: one process, a port for each


@dataclass
class Node:
    """One node's state."""

    clock: Clock
    environments: list[dict[str, Any]]
    pattern: dict[str, Any]
    nonces: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    moments: collections.deque[float] = field(default_factory=collections.deque)
    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    busiest: int = 0

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, str, bytes]:
        """Answer one request."""
        now = self.clock.now()
        while self.moments and now - self.moments[0] > 60:
            self.moments.popleft()
        if len(self.moments) >= LIMIT:
            self.counts["refused"] += 1
            left = 60 - (now - self.moments[0])
            words = f"Rate limit exceeded. Try again in {left:.0f} seconds."
            return 429, "text/plain", words.encode()
        self.moments.append(now)
        self.busiest = max(self.busiest, len(self.moments))
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        name = f"{method} {path.removeprefix(PREFIX).strip('/')}".strip()
        self.counts[name] += 1
        said = self._said(name, query, body, now)
        if isinstance(said, bytes):
            return 200, "application/octet-stream", said
        return (
            (401 if isinstance(said, str) else 200),
            "application/json",
            json.dumps(said).encode(),
        )

    def _said(self, name: str, query: dict[str, str], body: bytes, now: float) -> Any:
        if name == "GET":
            return nodes.load("00")[0]["response"]["body"]["json"]
        if name == "GET computeEnvironments":
            return self.environments
        if name == "GET nonce":
            return {"nonce": str(self.nonces.get(query["userAddress"], 0))}
        if name == "GET compute":
            number, owner = query.get("jobId", "").rpartition("-")[2], query["consumerAddress"]
            asked_for = [self.jobs.get(number)] if number else self.jobs.values()
            return [self._shown(job, now) for job in asked_for if job and job["owner"] == owner]
        if name == "GET computeResult":
            return FRAMED if self._moved(query["consumerAddress"], query) else "nonce"
        asked = json.loads(body)
        if name == "POST auth/token":
            return {"token": "a.b.c"} if self._moved(asked["address"], asked) else "nonce"
        if not self._moved(asked["consumerAddress"], asked):
            return f"nonce: {asked['nonce']} is not a valid nonce"
        return [self._started(asked, now)]

    def _moved(self, address: str, asked: dict[str, Any]) -> bool:
        if "nonce" not in asked:  # a token stands for it
            return True
        nonce = int(asked["nonce"])
        if nonce <= self.nonces.get(address, 0):
            return False
        self.nonces[address] = nonce
        return True

    def _started(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        number = os.urandom(32).hex()
        job = {"asked": asked, "began": now, "number": number, "owner": asked["consumerAddress"]}
        self.jobs[number] = job
        cluster = asked["environment"].partition("-")[0]
        return self._shown(job, now) | {"jobId": f"{cluster}-{number}"}

    def _shown(self, job: dict[str, Any], now: float) -> dict[str, Any]:
        has_ended = now - job["began"] > JOB_S
        files = [dict(one, filesize=len(FRAMED)) for one in self.pattern["results"]]
        pattern = self.pattern | {"results": files}
        if not has_ended:
            pattern |= {"status": 40, "statusText": "Running algorithm ", "dateFinished": None}
            pattern |= {"results": [], "terminationDetails": {"exitCode": None, "OOMKilled": None}}
        asked = job["asked"]
        return pattern | {
            "jobId": job["number"],
            "owner": job["owner"],
            "environment": asked["environment"],
            "metadata": asked.get("metadata"),
            "dateCreated": str(time.time()),
        }


async def _serve(node: Node, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *headers = head.decode("latin-1").split("\r\n")
            length = next((h[15:] for h in headers if h.lower().startswith("content-length:")), "0")
            method, target, _ = first.split(" ")
            status, kind, body = node.answer(method, target, await reader.readexactly(int(length)))
            writer.write(
                f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
    writer.close()


async def serve(faster: float) -> None:
    """Serve all nodes until standard input ends; then tell what they were asked."""
    recorded = [
        job
        for one in nodes.load("10")
        for job in nodes.jobs_in(one)
        if one["request"]["method"] == "GET" and job["status"] == 71
    ]
    environments = nodes.load("05")[0]["response"]["body"]["json"]
    clock = Clock(faster)
    all_nodes = [Node(clock, environments, recorded[-1]) for _ in range(NODES)]
    servers = [
        await asyncio.start_server(lambda r, w, node=node: _serve(node, r, w), "127.0.0.1", 0)
        for node in all_nodes
    ]
    print(json.dumps([one.sockets[0].getsockname()[1] for one in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    counts = sum((node.counts for node in all_nodes), collections.Counter())
    print(json.dumps({"counts": counts, "busiest": max(node.busiest for node in all_nodes)}))


# --- the back end process


@dataclass
class Told:
    """What one run showed."""

    done: int = 0
    failed: collections.Counter[str] = field(default_factory=collections.Counter)
    start_s: list[float] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    """How long after its end a job's log was there."""


def drive(
    ports: list[int], jobs: int, every_s: float, wallets: int, tokens: bool
) -> dict[str, Any]:
    """Run so many jobs, one each `every_s` seconds of the fast clock, and measure this process."""
    from ocean_lib import AlgorithmMetadata, Config, FileInput, Ocean, Wallet

    meta = AlgorithmMetadata(
        {"rawcode": "1", "container": {"image": "a", "tag": "b", "entrypoint": "c $ALGO"}}
    )
    files = [FileInput("http://127.0.0.1/data.csv")]
    auth_token = "on" if tokens else "off"
    options = [
        {"provider.url": f"http://127.0.0.1:{port}", "auth_token": auth_token} for port in ports
    ]
    clients = [Ocean(Config(options_dict={"resources": each})) for each in options]
    owners = [Wallet(None, private_key=f"0x{number + 1:064x}") for number in range(wallets)]
    told, lock = Told(), threading.Lock()

    def one(number: int) -> None:
        compute, wallet = clients[number % len(clients)].compute, owners[number % len(owners)]
        due = began + number * every_s
        try:
            job = compute.submit(files, wallet, algorithm_meta=meta)
            started = time.monotonic()
            job.wait()
            job.logs()
        except Exception as error:  # noqa: BLE001  (counted by its name)
            with lock:
                told.failed[type(error).__name__] += 1
            return
        with lock:
            told.done += 1
            told.start_s.append(started - due)
            told.late_s.append(time.monotonic() - started - JOB_S)

    before = usage()
    began = time.monotonic()
    with ThreadPoolExecutor(4096) as pool:
        for number in range(jobs):
            time.sleep(max(0.0, began + number * every_s - time.monotonic()))
            pool.submit(one, number)
    took = time.monotonic() - began
    cpu_s, rss = usage()
    return {
        "done": told.done,
        "failed": dict(told.failed),
        "start": quantiles(told.start_s),
        "late": quantiles(told.late_s),
        "cores": (cpu_s - before[0]) / (jobs * every_s),
        "rss_mb": (before[1] / 1e6, rss / 1e6),
        "simulated_s": took,
    }


def usage() -> tuple[float, int]:
    """Return the CPU seconds and the resident bytes of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return used.ru_utime + used.ru_stime, pages * resource.getpagesize()


def quantiles(values: list[float]) -> list[float]:
    """Return the median and what 99 of 100 stay below."""
    ordered = sorted(values) or [0.0]
    return [ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]]


def run(jobs_a_day: int, wallets: int, minutes: float, faster: float, *, tokens: bool) -> None:
    """Measure one row and print it."""
    this = [sys.executable, str(Path(__file__)), "--faster", str(faster)]
    every_s = 86400 / jobs_a_day
    jobs = int(minutes * 60 / every_s)
    server = subprocess.Popen(
        [*this, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        ports = server.stdout.readline()
        plan = json.dumps({"jobs": jobs, "every_s": every_s, "wallets": wallets, "tokens": tokens})
        done = subprocess.run(
            [*this, "--drive", plan], input=ports, stdout=subprocess.PIPE, text=True, check=True
        )
        asked = json.loads(server.communicate("")[0])
    told = json.loads(done.stdout.splitlines()[-1])
    counts = asked["counts"]
    refused = counts.pop("refused", 0)
    print(
        f"| {jobs_a_day:,} | {wallets:,} | {told['done']:,} of {jobs:,} "
        f"| {sum(counts.values()) / jobs:.1f} | {asked['busiest']} | {refused:,} "
        f"| {told['start'][0]:.1f} / {told['start'][1]:.1f} "
        f"| {told['late'][0]:.0f} / {told['late'][1]:.0f} "
        f"| {100 * told['cores']:.0f} % | {told['rss_mb'][0]:.0f} to {told['rss_mb'][1]:.0f} "
        f"| {told['failed'] or ''} |",
        flush=True,
    )


def main() -> None:
    """Read the arguments and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--load", type=int, default=600_000, help="jobs a real day at most")
    parser.add_argument("--faster", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--jobs-a-day", type=int, nargs="*", default=[100_000, 200_000, 400_000])
    parser.add_argument("--wallets", type=int, nargs="*", default=[5000])
    parser.add_argument("--tokens", action="store_true", help="sign once a wallet and node")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.faster))
    elif given.drive:
        with Clock(given.faster):
            print(json.dumps(drive(json.loads(input()), **json.loads(given.drive))))
    else:
        print("| jobs a day | wallets | done | requests a job | busiest node's minute | refused "
              "| s to the start | s from end to log | of a core | MB | failed |")  # fmt: skip
        print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|")
        for wallets in given.wallets:
            for jobs_a_day in given.jobs_a_day:
                run(
                    jobs_a_day,
                    wallets,
                    given.minutes,
                    max(1.0, given.load / jobs_a_day),
                    tokens=given.tokens,
                )


if __name__ == "__main__":
    main()
