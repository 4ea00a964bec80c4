"""What each runner of the embedded network costs a job, and what a kill of the network loses.

    python benchmarks/localnet_runners.py docker            # 20 jobs one by one, 200 with a kill -9
    python benchmarks/localnet_runners.py docker --jobs 30 --option engine=unix:///run/docker.sock

Without a name it measures the usual runner, whose jobs die with the network. The network runs in a
process of its own, on a state folder, and is killed when a half of the jobs has ended; another one
continues with the folder. Each job has to bring its own number as its result.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from localnet_load import memory_mb  # noqa: E402

from ocean_lib import ComputeInput, Ocean  # noqa: E402
from ocean_lib.exceptions import OceanError  # noqa: E402
from ocean_lib.localnet import LocalNetwork  # noqa: E402
from ocean_lib.localnet.__main__ import runner_options  # noqa: E402
from ocean_lib.testing.client import client_config, client_wallet  # noqa: E402
from tests.flows import order, publish_dataset, raw_code  # noqa: E402

CODE = "import os\nopen(os.environ['OUTPUTS'] + '/number.json', 'w').write('{}')\n"
MAX_S = 1800


class Network:
    """A network in a process of its own."""

    def __init__(self, state: str, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, *arguments, "--serve", state],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline())

    def end(self, number: int) -> float:
        """End it by a signal; return the most memory that it had, in MB."""
        most = memory_mb(self.process.pid, "VmHWM")
        self.process.send_signal(number)
        self.process.communicate()
        return most


def serve(state: str, runner: str | None, options: dict[str, str], at_once: int) -> None:
    """Be the network: tell what a client needs, and end at a signal."""
    with LocalNetwork(
        state, runner=runner, runner_options=options or None, jobs_at_once=at_once
    ) as network:
        ordered = None
        if not Path(state, "ordered.json").exists():
            ocean, publisher, consumer = (
                Ocean(network.config), network.wallet(0), network.wallet(1),
            )  # fmt: skip
            data = publish_dataset(ocean, network, publisher, "1,2", raw=True)
            ordered = vars(order(ocean, data, "compute", publisher, consumer))
            Path(state, "ordered.json").write_text(json.dumps(ordered))
        key = network.accounts[1].key.hex()
        text = Path(state, "ordered.json").read_text()
        told = {"options": network.options, "key": key, "ordered": json.loads(text),
                "isolation": network.isolation}  # fmt: skip
        print(json.dumps(told), flush=True)
        signal.sigwait({signal.SIGTERM})


def clients(told: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return the client, the wallet and the input."""
    ocean = Ocean(client_config(told["options"]))
    wallet = client_wallet(told["options"]["eth-network"]["network"], told["key"])
    return ocean.compute, wallet, ComputeInput(**told["ordered"])


def one_by_one(told: dict[str, Any], count: int) -> float:
    """Run jobs one after the other; return the median seconds from start to finished."""
    compute, wallet, data = clients(told)
    taken = []
    for number in range(count):
        began = time.perf_counter()
        job = compute.submit([data], wallet, algorithm_meta=raw_code(CODE.format(number)))
        job.wait(poll_interval=0.02, timeout=MAX_S)
        taken.append(time.perf_counter() - began)
        assert job.result_json() == number, job.logs()
    return median(taken)


def with_a_kill(state: str, network: Network, arguments: list[str], count: int) -> dict[str, Any]:
    """Queue jobs, kill the network when a half has ended, and see what comes of each."""
    compute, wallet, data = clients(network.told)
    earlier = {job.job_id for job in compute.jobs(wallet, data.did)}
    began = time.perf_counter()
    jobs = [
        compute.submit([data], wallet, algorithm_meta=raw_code(CODE.format(number)))
        for number in range(count)
    ]
    while len(ended(compute, wallet, data, earlier)) < count // 2:
        time.sleep(0.1)
    memory = network.end(signal.SIGKILL)
    killed = time.perf_counter()
    again = Network(state, arguments)
    away_s = time.perf_counter() - killed
    compute, wallet, data = clients(again.told)
    while len(ended(compute, wallet, data, earlier)) < count:
        time.sleep(0.1)
    taken = time.perf_counter() - began
    found: Counter[str] = Counter()
    for number, job in enumerate(jobs):
        found[outcome(compute, wallet, data, job.job_id, number)] += 1
    memory = max(memory, again.end(signal.SIGTERM))
    return {"seconds": taken, "away_s": away_s, "found": dict(found), "memory_mb": memory}


def ended(compute: Any, wallet: Any, data: Any, earlier: set[str]) -> list[Any]:
    """Return the jobs of this run that have ended."""
    return [
        job
        for job in compute.jobs(wallet, data.did)
        if job.job_id not in earlier and job.last_status.is_finished
    ]


def outcome(compute: Any, wallet: Any, data: Any, job_id: str, number: int) -> str:
    """Say what came of a job."""
    job = compute.job(data.did, job_id, wallet)
    try:
        return "its own result" if job.result_json() == number else "A WRONG RESULT"
    except OceanError:
        return job.logs().strip().splitlines()[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runner", nargs="?", help="its name; none for processes of this machine")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--one-by-one", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=os.cpu_count())
    parser.add_argument("--serve", help=argparse.SUPPRESS)  # what a child does: the state folder
    options = parser.parse_args()
    if options.serve:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        serve(options.serve, options.runner, runner_options(options.option), options.at_once)
        return
    arguments = [options.runner] if options.runner else []
    arguments += [f"--option={one}" for one in options.option] + [f"--at-once={options.at_once}"]
    with tempfile.TemporaryDirectory() as folder:
        state = f"{folder}/state"
        network = Network(state, arguments)
        found = {
            "runner": options.runner or "processes", "isolation": network.told["isolation"],
            "one_by_one_s": one_by_one(network.told, options.one_by_one), "jobs": options.jobs,
            **with_a_kill(state, network, arguments, options.jobs),
        }  # fmt: skip
    found["jobs_a_second"] = options.jobs / (found["seconds"] - found["away_s"])
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
