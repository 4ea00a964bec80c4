"""What a client takes: imports, memory, disk, and what a long wait or a large download needs."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _calls import Bench, Turns
from _environments import Environment
from _table import Row

MIB = 1024 * 1024
STATUS_NEEDS = (
    "from ocean_lib.config import Config\n"
    "from ocean_lib.data_provider.data_service_provider import DataServiceProvider\n"
    "from ocean_lib.ocean.ocean_compute import OceanCompute\n"
)


def imports(bench: Bench) -> Iterator[Row]:
    """Time imports in fresh processes, and the way to a first signed call."""
    wanted = {
        "import requests": "import requests",
        "import ocean_lib": "import ocean_lib",
        "import what a status needs": STATUS_NEEDS,
    }
    # In turn, and in CPU time: both are compared with `import requests`, whoever else is at work.
    found = bench.in_turn(
        lambda one: {what: _seconds_of(one, code) for what, code in wanted.items()},
        bench.count(9, 2),
    )
    for what in wanted:
        yield Row(what, "ms", **found.figures(lambda one, what=what: one[what] * 1e3), note="CPU")
    turns = bench.in_turn(lambda one: bench.until_first(one, "result"), bench.count(5, 1))
    yield Row("process start to the first signed answer", "ms", **turns.figures(lambda s: s * 1e3))


def _seconds_of(environment: Environment, code: str) -> float:
    timed = f"import time\nbegan = time.process_time()\n{code}\nprint(time.process_time() - began)"
    done = subprocess.run(
        [environment.python, "-I", "-c", timed], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def loaded_by_status(environment: Environment) -> set[str]:
    """Return the modules that what a status needs has loaded."""
    code = f"{STATUS_NEEDS}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [environment.python, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def install(bench: Bench) -> Iterator[Row]:
    """Weigh what is installed."""
    old, one = bench.old, bench.ours
    yield Row(
        f"installed size of {one.name}",
        "MB",
        [one.size_bytes() / 1e6],
        [old.size_bytes() / 1e6] if old else [],
        note="files of client and dependencies, compiled modules included",
    )
    yield Row(
        f"installed size of {one.name}, as the packages hold it",
        "MB",
        [one.size_bytes(with_bytecode=False) / 1e6],
        [old.size_bytes(with_bytecode=False) / 1e6] if old else [],
        note="without Python's compiled modules, which it makes itself",
    )
    yield Row(
        f"packages of {one.name}",
        "",
        [len(one.packages())],
        [len(old.packages())] if old else [],
    )
    yield Row(
        f"{one.name} installs from wheels alone (1: yes)",
        "",
        [float(one.wheels_only)],
        [float(old.wheels_only)] if old else [],
        more_is_better=True,
    )


def handles(bench: Bench) -> Iterator[Row]:
    """Keep ten thousand handles on jobs; the old client has none."""
    n = bench.count(10_000, 100)

    def act(_: object) -> dict[str, Any]:
        with bench.client(bench.ours) as client:
            return client.do("handles", n=n)

    found = [act(None) for _ in range(bench.rounds)]
    yield Row(f"memory of {n:,} job handles", "MB", [one["bytes"] / 1e6 for one in found])
    yield Row(f"making {n:,} job handles", "ms", [one["seconds"] * 1e3 for one in found])


def wait(bench: Bench) -> Iterator[Row]:
    """Wait for a thousand jobs that end after three seconds."""
    n = bench.count(1000, 20)
    ends_in_s = 3.0 if bench.share >= 1 else 0.5

    def act(one: Environment, wallets: int = 1) -> dict[str, Any]:
        with bench.client(one, wallets) as client:
            owners = [client.addresses[number % wallets] for number in range(n)]
            first = bench.server.jobs(client.addresses[:1])[0]
            client.do("calls", op="status", n=1, job_id=first)
            jobs = bench.server.jobs(owners, ends_in_s)
            bench.server.tell(reset=True)
            done = client.do("wait", jobs=jobs)
            return {**done, **bench.server.tell(reset=True)}

    turns = bench.in_turn(act, 1)
    of = f"waiting for {n:,} jobs"
    note = f"the jobs end after {ends_in_s:g} s; the old client has no wait, so each is polled"
    yield Row(f"{of}: until done", "s", **turns.figures(lambda one: one["seconds"]), note=note)
    yield Row(f"{of}: requests", "", **turns.figures(lambda one: one["requests"]))
    yield Row(f"{of}: CPU", "s", **turns.figures(lambda one: one["cpu"]))
    yield Row(f"{of}: threads", "", **turns.figures(lambda one: one["threads"]))
    yield Row(
        f"{of}: memory over the baseline", "MB", **turns.figures(lambda one: one["bytes"] / 1e6)
    )
    many = act(bench.ours, bench.count(100, 4))
    of = f"{of} of {bench.count(100, 4)} wallets"
    yield Row(f"{of}: until done", "s", [many["seconds"]])
    yield Row(f"{of}: requests", "", [many["requests"]])
    yield Row(f"{of}: threads", "", [many["threads"]], note="wait_all's max_workers is 8")
    yield Row(f"{of}: memory over the baseline", "MB", [many["bytes"] / 1e6])


def download(bench: Bench) -> Iterator[Row]:
    """Download one gigabyte, each time by a new process."""
    size = bench.count(10**9, 10**7)
    bench.server.tell(file_bytes=size)
    of = f"download of {size / 1e9:g} GB"
    limit: list[dict[str, Any]] = []
    curl: list[dict[str, float]] = []
    results: list[dict[str, Any]] = []
    turns: Turns[dict[str, Any]] = Turns([], [])
    for _ in range(min(3, bench.rounds)):  # all in turn: the machine is not the same all the time
        limit.append(_by(bench, bench.ours, "socket", size))
        curl.append(_by_curl(f"{bench.server.url}/files/{size}"))
        results.append(_by(bench, bench.ours, "result", size))
        turns.ours.append(_by(bench, bench.ours, "service", size))
        if bench.old:
            turns.old.append(_by(bench, bench.old, "service", size))
    fastest = max(size / one["seconds"] for one in limit) / 1e6
    speeds = {"unit": "MB/s", "more_is_better": True, "limit": fastest, "limit_is": "bare socket"}
    by_curl = "curl has no place among the clients: this row is its own"
    yield Row(
        f"{of}: curl", ours=[size / one["seconds"] / 1e6 for one in curl], **speeds, note=by_curl
    )
    yield Row(
        f"{of}: a job's result", ours=[size / one["seconds"] / 1e6 for one in results], **speeds
    )
    yield Row(
        f"{of}: download_service",
        **turns.figures(lambda one: size / one["seconds"] / 1e6),
        **speeds,
    )
    yield Row(f"{of}: curl, peak memory", "MB", [one["peak"] / MIB for one in curl])
    yield Row(f"{of}: a job's result, peak memory", "MB", [one["peak"] / MIB for one in results])
    yield Row(
        f"{of}: download_service, peak memory",
        "MB",
        **turns.figures(lambda one: one["peak"] / MIB),
        note="of the whole process",
    )
    yield Row(
        f"{of}: download_service, memory over the baseline",
        "MB",
        **turns.figures(lambda one: one["above"] / MIB),
    )


def _by(bench: Bench, one: Environment, how: str, size: int) -> dict[str, Any]:
    with bench.client(one) as client, tempfile.TemporaryDirectory(prefix="ocean-bench-") as folder:
        url = f"{bench.server.url}/files/{size}"
        job = bench.server.jobs(client.addresses, urls=[url])[0]
        client.do("size", size=size)
        if how == "result":  # the way to the job is not what is measured
            client.do("calls", op="status", n=1, job_id=job)
        done = client.do("download", how=how, folder=folder, job_id=job)
        if done["written"] != size:
            raise SystemExit(f"{one.name} wrote {done['written']} bytes of {size}.")
        return done


def _by_curl(url: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="ocean-bench-") as folder:
        command = ["curl", "--silent", "--fail", "--output", str(Path(folder, "file")), url]
        began = time.perf_counter()
        process = os.posix_spawnp(command[0], command, os.environ)
        _, status, usage = os.wait4(process, 0)
        if status:
            raise SystemExit(f"curl failed with {os.waitstatus_to_exitcode(status)}.")
        return {"seconds": time.perf_counter() - began, "peak": usage.ru_maxrss * 1024}
