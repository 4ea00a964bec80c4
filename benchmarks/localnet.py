"""Measure the embedded network, and the same network on anvil where that is installed.

    python benchmarks/localnet.py [--quick]

Needs this project with its `localnet` extra. anvil (npm: @foundry-rs/anvil) is looked for on the
PATH and in OCEAN_ANVIL. A full run takes about two minutes and writes the first part of
results-localnet.md; what the other runners cost, localnet_runners.py tells.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from _table import figure, machine

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results-localnet.md")
TITLES = {
    "imported": "process start to LocalNetwork imported, s",
    "started": "LocalNetwork() to ready, s",
    "first_job": "LocalNetwork() to the first finished job, s",
    "transactions": "transactions a second, one after the other",
    "parallel": "transactions a second, 4 wallets at once",
    "job": "one job that does nothing, started to finished, s",
    "python": "of it: a bare `sh -c python` of the same code, s",
    "jobs": "jobs a second, 20 at once",
}


def main() -> None:
    """Measure on both chains and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, tiny counts")
    parser.add_argument("--measure", help=argparse.SUPPRESS)  # what a child does: a URL or "own"
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_measure(options.measure, 3 if options.quick else 40)))
        return
    rounds = 1 if options.quick else 3
    facts = machine()
    found: dict[str, list[dict[str, float]]] = {"embedded": [], "anvil": []}
    anvil = os.environ.get("OCEAN_ANVIL") or shutil.which("anvil")
    for _ in range(rounds):
        found["embedded"].append(_in_a_child("own", quick=options.quick))
        if anvil:
            with _anvil(anvil) as url:
                found["anvil"].append(_in_a_child(url, quick=options.quick))
    lines = ["| | embedded chain | anvil |", "|---|---:|---:|"]
    for key, title in TITLES.items():
        shown = [figure(median(one[key] for one in x)) if x else "—" for x in found.values()]
        lines.append(f"| {title} | {shown[0]} | {shown[1]} |")
    isolation = found["embedded"][0]["isolation"]
    print("\n".join(lines))
    if not options.quick:
        head = ["# The embedded network", "", "- Command: `python benchmarks/localnet.py`"]
        head += [*facts, f"- Python {sys.version.split()[0]}, isolation of jobs: {isolation}"]
        head += [
            f"- Medians of {rounds} rounds" + ("" if anvil else "; anvil is not installed"),
            "",
        ]
        # Other programs' sections come after ours.
        others = "".join(RESULTS.read_text(encoding="utf-8").partition("\n## ")[1:])
        RESULTS.write_text("\n".join([*head, *lines, ""]) + others, encoding="utf-8")
        print(f"Wrote {RESULTS.relative_to(ROOT)}.")


def _in_a_child(chain: str, *, quick: bool) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", chain, *(["--quick"] if quick else [])]
    environment = {**os.environ, "OCEAN_BENCH_BEGAN": str(time.time())}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"Measuring on {chain} failed:\n{done.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def _anvil(program: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--silent"]
    process = subprocess.Popen(command)
    try:
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _measure(chain: str, n: int) -> dict[str, Any]:
    from ocean_lib.localnet import LocalNetwork

    imported = time.time() - float(os.environ["OCEAN_BENCH_BEGAN"])
    began = time.perf_counter()
    network = LocalNetwork(chain_url=None if chain == "own" else chain)
    with network:
        started = time.perf_counter() - began

        sys.path.insert(0, str(ROOT))
        from ocean_lib.ocean.ocean import Ocean
        from tests.flows import order, publish_dataset, raw_code

        ocean = Ocean(network.config)
        publisher, consumer = network.wallet(0), network.wallet(1)
        data = publish_dataset(ocean, network, publisher, "1,2", raw=True)
        ordered = order(ocean, data, "compute", publisher, consumer)
        code = raw_code("print('done')")

        def submit() -> Any:
            return ocean.compute.submit([ordered], consumer, algorithm_meta=code)

        def one_job() -> float:
            waited = time.perf_counter()
            job = submit()
            job.wait(poll_interval=0.02)
            waited = time.perf_counter() - waited
            _check(job)
            return waited

        def many_jobs() -> list[Any]:
            jobs = [submit() for _ in range(20)]
            ocean.compute.wait_all(jobs, poll_interval=0.05)
            return jobs

        first = submit()
        first.wait(poll_interval=0.02)
        first_job = time.perf_counter() - began
        _check(first)
        jobs_began = time.perf_counter()
        jobs = many_jobs()
        jobs_s = time.perf_counter() - jobs_began
        for job in jobs:
            _check(job)
        token = ocean.get_data_token(data.data_token_address)
        return {
            "imported": imported,
            "started": started,
            "first_job": first_job,
            "transactions": n / _seconds(lambda: [_mint(token, publisher) for _ in range(n)]),
            "parallel": _parallel(ocean, network, n),
            "job": median(one_job() for _ in range(max(3, n // 4))),
            "python": median(_seconds(_bare_python) for _ in range(max(3, n // 4))),
            "jobs": len(jobs) / jobs_s,
            "isolation": network.isolation,
        }


def _check(job: Any) -> None:
    if "done" not in job.logs().splitlines():  # a job that failed is quickly over
        raise SystemExit(f"Job {job.job_id} did not run: {job.logs()}")


def _mint(token: Any, wallet: Any) -> None:
    token.mint_tokens(wallet.address, 1, wallet)


def _parallel(ocean: Any, network: Any, n: int) -> float:
    from concurrent.futures import ThreadPoolExecutor

    wallets = [network.wallet(number) for number in range(2, 6)]
    tokens = [
        ocean.create_data_token(f"Token {i}", f"T{i}", one, blob="")
        for i, one in enumerate(wallets)
    ]

    def work(pair: tuple[Any, Any]) -> None:
        for _ in range(max(1, n // 4)):
            _mint(*pair)

    with ThreadPoolExecutor(4) as pool:
        taken = _seconds(lambda: list(pool.map(work, zip(tokens, wallets, strict=True))))
    return 4 * max(1, n // 4) / taken


def _bare_python() -> None:
    subprocess.run(["sh", "-c", f"{sys.executable} -c pass"], check=True)


def _seconds(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
