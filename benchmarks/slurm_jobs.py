"""Measure jobs on a real Slurm of one node, and what a kill -9 in the middle of many costs.

    python benchmarks/slurm_jobs.py [--quick]

Needs root, Debian's munge, slurmctld, slurmd and slurm-client, and this project with its `localnet`
extra. It replaces the part about Slurm in results-localnet.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from _table import figure, machine

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results-localnet.md")
HEAD = "## Jobs on Slurm"
CODE = "print('done')"


def main() -> None:
    """Measure, print the table, and keep it unless it was a quick run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny counts, nothing is written")
    parser.add_argument("--jobs", type=int, default=200, help="how many jobs for the kill")
    options = parser.parse_args()
    facts = machine()
    sys.path.insert(0, str(ROOT))
    from tests.slurm_cluster import cluster

    with tempfile.TemporaryDirectory() as name, cluster(Path(name) / "cluster") as slurm:
        os.environ["SLURM_CONF"] = str(slurm.config)
        rows = _single(Path(name), 3 if options.quick else 10)
        rows |= _killed(Path(name), 8 if options.quick else options.jobs)
    lines = ["| | |", "|---|---:|"]
    lines += [f"| {title} | {_shown(value)} |" for title, value in rows.items()]
    print("\n".join(lines))
    if not options.quick:
        before, _, others = RESULTS.read_text(encoding="utf-8").partition(f"\n{HEAD}")
        others = "".join(others.partition("\n## ")[1:])
        head = [HEAD, "", "- Command: `python benchmarks/slurm_jobs.py`", *facts]
        head += ["- Slurm 22.05, one node with 8 CPUs by its config, on the same 2 cores", ""]
        text = "\n".join([before.rstrip(), "", *head, *lines, ""])
        RESULTS.write_text(text + others, encoding="utf-8")


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else figure(value)


def _single(folder: Path, count: int) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for runner in (None, "slurm"):
        from ocean_lib.localnet import LocalNetwork

        place = folder / f"single-{runner}"
        with LocalNetwork(place, generation="node", runner=runner) as network:
            user = _user(place, network.provider_url)
            taken = median(_seconds(lambda user=user: _one(user)) for _ in range(count))
        where = "on Slurm" if runner else "in the local sandbox"
        found[f"one job that does nothing, {where}, started to finished, s"] = taken
    return found


def _one(user: Any) -> None:
    job = user.submit(CODE)
    job.wait(poll_interval=0.02)
    if "done" not in job.logs():
        raise SystemExit(f"Job {job.job_id} did not run: {job.logs()}")


def _killed(folder: Path, count: int) -> dict[str, float | str]:
    from tests.integration.localnet.process import command, described

    state = folder / "killed"
    options = ("--generation", "node", "--state", str(state), "--runner", "slurm")
    options += ("--rate-limit", "100000")
    with command(*options) as process:
        user = _user(state, described(process)["provider_url"])
        began = time.perf_counter()
        jobs = [user.submit(CODE) for _ in range(count)]
        submitted = time.perf_counter() - began
        _until(lambda: len(list(state.glob("jobs/*/control/slurm.done"))) >= count // 4)
        memory, threads = _memory_and_threads(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with command(*options) as process:
        user = _user(state, described(process)["provider_url"])
        found = [user.compute.job(job.did, job.job_id, user.wallet) for job in jobs]
        ended = user.compute.wait_all(found, poll_interval=1)
        taken = time.perf_counter() - began
    outcomes = Counter(status.succeeded for status in ended)
    runs = len(list(state.glob("jobs/*/control/slurm.claim")))
    return {
        f"{count} jobs at once: all accepted, s": submitted,
        f"{count} jobs with a kill -9 after a quarter: all finished, s": taken,
        "of that, jobs a second": count / taken,
        "jobs that succeeded": f"{outcomes[True]}",
        "jobs that a node ran": f"{runs}",
        "memory of the network before the kill, MB": memory,
        "threads of the network then": f"{threads}",
    }


def _user(state: Path, url: str) -> Any:
    from tests.integration.slurm.test_slurm_network import User

    return User(state, {"provider_url": url})


def _memory_and_threads(pid: int) -> tuple[float, int]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"])


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.1)


if __name__ == "__main__":
    main()
