"""How the embedded network bears a full queue: many jobs, several owners, many clients that poll.

    python benchmarks/localnet_load.py                 # 200 jobs, 64 clients
    python benchmarks/localnet_load.py --jobs 24 --clients 16 --json

The network runs in a process of its own. All jobs are queued first (a fault holds them back), one
owner with half of them before the others, each job with a quarter of a megabyte of code. Then they
may go, while the clients poll as fast as they can. Every job notes when it ran.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from ocean_lib import AlgorithmMetadata, ComputeInput, Ocean
from ocean_lib.exceptions import ProviderError
from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.faults import StuckJob
from ocean_lib.testing.publishing import AssetMaker
from ocean_lib.web3_internal.wallet import Wallet

SHARES = (0.5, 0.25, 0.15, 0.1)
CODE = """
import json, os, time
begun = time.time()
time.sleep(0.1)
with open(os.path.join(os.environ["OUTPUTS"], "times.json"), "w") as out:
    json.dump([begun, time.time()], out)
"""
PADDING_BYTES = 256 * 1024
MAX_S = 900


def serve(at_once: int, max_jobs: int) -> None:
    """Be the network: tell what a client needs, let the jobs go at the first line, end at EOF."""
    network = LocalNetwork(jobs_at_once=at_once, max_jobs=max_jobs, faults=[StuckJob(1)])
    with network:
        publisher = AssetMaker(network)
        wallets = [network.wallet(number) for number in range(1, 1 + len(SHARES))]
        inputs = []
        for wallet in wallets:
            dataset = publisher.dataset("1\n", raw=True, order=True, consumer=wallet)
            inputs.append(vars(dataset.compute_input))
        told = {
            "options": network.options,
            "inputs": inputs,
            "keys": [account.key.hex() for account in network.accounts[1 : 1 + len(SHARES)]],
            "isolation": network.isolation,
        }
        print(json.dumps(told), flush=True)
        sys.stdin.readline()
        network.faults.clear()
        sys.stdin.read()


def memory_mb(pid: int, name: str) -> float:
    """Read VmRSS or VmHWM of a process; 0 where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return round(int(found[0]) / 1024, 1) if found else 0.0


class Owner(threading.Thread):
    """Queues its share of the jobs, then waits to be asked for their results."""

    def __init__(self, told: dict[str, Any], number: int, jobs: int) -> None:
        super().__init__()
        self.ocean = Ocean(told["options"])
        self.wallet = Wallet(self.ocean.web3, private_key=told["keys"][number])
        self.input = ComputeInput(**told["inputs"][number])
        self.count = jobs
        self.handles: list[Any] = []

    def run(self) -> None:
        """Queue all of them."""
        for _ in range(self.count):
            self.handles.append(self.submit())

    def submit(self) -> Any:
        """Queue one job."""
        meta = AlgorithmMetadata(
            {
                "rawcode": CODE + "#" * PADDING_BYTES,
                "language": "python",
                "format": "docker-image",
                "version": "1",
                "container": {"image": "python", "tag": "3", "entrypoint": "python3 $ALGO"},
            }
        )
        return self.ocean.compute.submit([self.input], self.wallet, algorithm_meta=meta)


class Client(threading.Thread):
    """Polls jobs' states without a pause."""

    def __init__(self, url: str, queries: list[dict[str, str]], ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url, self.queries, self.ended = url, queries, ended
        self.seconds: list[float] = []
        self.faults = 0

    def run(self) -> None:
        """Poll until told to end."""
        with requests.Session() as session:
            while not self.ended.is_set():
                started = time.perf_counter()
                answer = session.get(self.url, params=random.choice(self.queries), timeout=60)
                self.seconds.append(time.perf_counter() - started)
                self.faults += answer.status_code != 200


def overlap(times: list[tuple[float, float]]) -> int:
    """Return how many intervals there were at the same moment, at most."""
    changes = sorted([(begun, 1) for begun, _ in times] + [(end, -1) for _, end in times])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def unfairness(begun: list[tuple[float, int]], counts: list[int]) -> int:
    """Return by how many jobs one owner was ahead of another while all of them had jobs waiting."""
    seen: Counter[int] = Counter(dict.fromkeys(range(len(counts)), 0))
    worst = 0
    for _, owner in sorted(begun):
        seen[owner] += 1
        if seen[owner] >= counts[owner]:
            break
        worst = max(worst, max(seen.values()) - min(seen.values()))
    return worst


def wait_for(pending: list[dict[str, str]], url: str) -> None:
    """Wait until every job has ended."""
    deadline = time.monotonic() + MAX_S
    with requests.Session() as session:
        while pending:
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(pending)} jobs did not end within {MAX_S} s")
            [job] = session.get(url, params=pending[-1], timeout=60).json()
            if job["dateFinished"] is None:
                time.sleep(0.05)
            else:
                pending.pop()


def measure(jobs: int, clients: int, at_once: int) -> dict[str, Any]:
    """Run the load and return the figures."""
    command = [sys.executable, __file__, "--serve", str(at_once), "--jobs", str(jobs)]
    counts = [round(jobs * share) for share in SHARES]
    counts[0] += jobs - sum(counts)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            figures = under_load(told, counts, clients, process)
        finally:
            process.stdin.close()
            process.wait(60)
    return {"jobs": jobs, "clients": clients, "at_once": at_once, **figures}


def under_load(
    told: dict[str, Any], counts: list[int], clients: int, process: subprocess.Popen[str]
) -> dict[str, Any]:
    before_mb = memory_mb(process.pid, "VmRSS")
    owners = [Owner(told, number, count) for number, count in enumerate(counts)]
    started = time.perf_counter()
    owners[0].start()
    owners[0].join()
    for owner in owners[1:]:
        owner.start()
    for owner in owners[1:]:
        owner.join()
    queued_s = time.perf_counter() - started
    queued_mb = memory_mb(process.pid, "VmRSS")
    try:
        owners[0].submit()
        full = "one job more was taken"
    except ProviderError as error:
        full = f"{type(error).__name__}: {error}"
    url = f"{told['options']['resources']['provider.url']}/api/v1/services/compute"
    queries = [
        {"consumerAddress": owner.wallet.address, "jobId": job.job_id}
        for owner in owners
        for job in owner.handles
    ]
    ended = threading.Event()
    polling = [Client(url, queries, ended) for _ in range(clients)]
    for client in polling:
        client.start()
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    started = time.perf_counter()
    wait_for(list(queries), url)
    work_s = time.perf_counter() - started
    ended.set()
    for client in polling:
        client.join()
    times = [
        (number, *job.result_json("times.json"))
        for number, owner in enumerate(owners)
        for job in owner.handles
    ]
    seconds = sorted(second for client in polling for second in client.seconds) or [0.0]
    return {
        "isolation": told["isolation"],
        "queue_s": round(queued_s, 1),
        "queue_per_s": round(sum(counts) / queued_s, 1),
        "work_s": round(work_s, 1),
        "jobs_per_s": round(sum(counts) / work_s, 2),
        "ran": len(times),
        "most_at_once": overlap([(begun, end) for _, begun, end in times]),
        "ahead_at_most": unfairness([(begun, owner) for owner, begun, _ in times], counts),
        "polls": len(seconds),
        "polls_per_s": round(len(seconds) / work_s),
        "poll_median_ms": round(1000 * statistics.median(seconds), 1),
        "poll_p95_ms": round(1000 * seconds[int(0.95 * len(seconds))], 1),
        "poll_slowest_ms": round(1000 * seconds[-1], 1),
        "poll_faults": sum(client.faults for client in polling),
        "memory_before_mb": before_mb,
        "memory_queued_mb": queued_mb,
        "memory_most_mb": memory_mb(process.pid, "VmHWM"),
        "when_full": full,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Load the embedded network.")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--at-once", type=int, default=2, help="jobs that run at the same time")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.jobs)
        return
    figures = measure(options.jobs, options.clients, options.at_once)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<20}{value}")


if __name__ == "__main__":
    main()
