"""What differs on an Ocean Node: ocean.js 8.6.2 beside us, and the parts of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from _calls import Bench, Turns
from _environments import ROOT, Environment
from _footprint import MIB
from _processes import HERE, Client, ended
from _table import Row, Target, at_least, at_most

sys.path.insert(0, str(ROOT / "interop"))

from installing import CannotRunError, install_ocean_js_for_nodes, output_of

OPERATIONS = ("environments", "start", "first start", "status", "result", "stop")
CROWDS = tuple((op, "one wallet", 16, 4) for op in ("start", "result", "status"))

LISTS = (
    "each answer lists all jobs: ours checks how deep the JSON nests and makes a status of each "
    "job, in Python; ocean.js hands out what JSON.parse gives"
)
NEW = (
    "each time with a new client (config, session, connection), since one that has asked "
    "remembers; ocean.js has no client to make"
)
HOLDS_BACK = {"waiting": LISTS, "environments": NEW, "first start": NEW}


@dataclass(frozen=True)
class OceanJs:
    """ocean.js with what it needs, as npm installs it; the like of an `Environment`.

    Attributes:
        folder: holds its node_modules.
        name: of the client.
    """

    folder: Path
    name: str = "ocean.js 8.6.2"

    @property
    def command(self) -> Sequence[str | Path]:
        """What runs its driver."""
        shutil.copy(HERE / "_ocean_js_driver.mjs", self.folder)  # modules are looked for beside it
        return ["node", self.folder / "_ocean_js_driver.mjs"]

    def size_bytes(self) -> int:
        """Return what the client and its dependencies take on disk."""
        files = (self.folder / "node_modules").rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())

    def packages(self) -> dict[str, str]:
        """Return the installed packages and their versions."""
        lock = json.loads((self.folder / "package-lock.json").read_text(encoding="utf-8"))
        return {name: one["version"] for name, one in lock["packages"].items() if name}

    def facts(self) -> str:
        """Return the versions that its figures depend on."""
        packages = self.packages()
        wanted = ("@oceanprotocol/lib", "@oceanprotocol/ddo-js", "ethers")
        found = [f"{name} {packages[f'node_modules/{name}']}" for name in wanted]
        return ", ".join([f"Node.js {output_of(['node', '--version'])}", *found])


class NodeServer:
    """The embedded node, and the door that counts; see `_node_server`.

    Attributes:
        url: the door's.
        node_url: the node's own.
        did: the URL of an input: what jobs run on.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / "_node_server.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        told = self._answer()
        self.url, self.node_url, self.did = told["url"], told["node_url"], told["input_url"]

    def tell(self, **order: Any) -> dict[str, Any]:
        """Steer the server; see `_steering`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def jobs_of(self, client: Client) -> list[str]:
        """Have a client run one job to its end; returns its id."""
        jobs: list[str] = client.do("jobs", n=1, seconds=0, size=1000)["jobs"]
        return jobs

    def close(self) -> None:
        """End it."""
        ended(self._process)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def at_node(ours: Environment) -> Environment:
    """Return our environment with the driver for nodes."""
    return replace(ours, driver="_node_driver.py")


def ocean_js() -> OceanJs | None:
    """Install ocean.js as scripts/interop does; None where that cannot be."""
    try:
        return OceanJs(Path(install_ocean_js_for_nodes()[1]).parent)
    except CannotRunError as error:
        print(f"The other side is skipped: {error}")
        return None


def install(bench: Bench) -> Iterator[Row]:
    """Weigh what is installed."""
    both = Turns([bench.ours], [bench.old] if bench.old else [])
    note = "files of client and dependencies; ours with Python's compiled modules"
    yield Row("installed size", "MB", **both.figures(lambda one: one.size_bytes() / 1e6), note=note)
    yield Row("packages", "", **both.figures(lambda one: len(one.packages())))


def first_start(bench: Bench) -> Iterator[Row]:
    """Time the way of a new process to its first started job."""
    turns = bench.in_turn(lambda one: bench.until_first(one, "start"), bench.count(5, 1))
    yield Row("process start to the first started job", "ms", **turns.figures(lambda s: s * 1e3))


def wait(bench: Bench) -> Iterator[Row]:
    """Wait for a thousand jobs of one wallet, which begin to end after three seconds."""
    n = bench.count(1000, 20)

    def act(one: Environment) -> dict[str, Any]:
        with bench.client(one) as client:
            jobs = client.do("jobs", n=n, seconds=3600, size=1)["jobs"]
            bench.server.tell(reset=True, release=n)
            done = client.do("wait", jobs=jobs)
            return {**done, **bench.server.tell(reset=True)}

    turns = bench.in_turn(act, 1)
    of = f"waiting for {n:,} jobs"
    note = (
        "ocean.js has no wait: it lists the wallet's jobs once a second until all have ended; the "
        "pauses between ours double from 0.2 s, so that it may see the last end seconds later"
    )
    yield Row(f"{of}: until done", "s", **turns.figures(lambda one: one["seconds"]), note=note)
    yield Row(f"{of}: requests", "", **turns.figures(lambda one: one["requests"]))
    yield Row(f"{of}: CPU", "s", **turns.figures(lambda one: one["cpu"]))
    yield Row(f"{of}: threads", "", **turns.figures(lambda one: one["threads"]))
    yield Row(
        f"{of}: memory over the baseline", "MB", **turns.figures(lambda one: one["bytes"] / MIB)
    )


def download(bench: Bench) -> Iterator[Row]:
    """Download the outputs of jobs, a small one and one of a gigabyte, each by a new process."""
    big = bench.count(10**9, 10**7)
    for size in (big // 10, big):
        turns = bench.in_turn(lambda one, size=size: _downloaded(bench, one, size), 2)
        of = f"outputs.tar of {size / 1e9:g} GB"
        yield Row(
            of,
            "MB/s",
            **turns.figures(lambda one, size=size: size / one["seconds"] / 1e6),
            more_is_better=True,
            note="ours unpacks it, ocean.js's is written as it comes",
        )
        yield Row(f"{of}: CPU", "s", **turns.figures(lambda one: one["cpu"]))
        yield Row(f"{of}: peak memory", "MB", **turns.figures(lambda one: one["peak"] / MIB))
        yield Row(
            f"{of}: memory over the baseline", "MB", **turns.figures(lambda one: one["above"] / MIB)
        )


def _downloaded(bench: Bench, one: Environment, size: int) -> dict[str, Any]:
    with bench.client(one) as client, tempfile.TemporaryDirectory(prefix="ocean-bench-") as folder:
        job = client.do("jobs", n=1, seconds=0, size=size)["jobs"][0]
        done = client.do("download", how=bench.server.node_url, folder=folder, job_id=job)
        if done["written"] < size:
            raise SystemExit(f"{one.name} wrote {done['written']} bytes of {size}.")
        return done


def targets(rows: Sequence[Row]) -> Iterator[Target]:
    """Return every target whose rows were measured, with its figure."""
    for row in rows:
        if row.old and "requests" in row.work:
            most = median(row.old)
            text = f"{row.work}: no more than ocean.js's {most:g}"
            yield at_most(text, median(row.ours), most, "requests")
        if "CPU" in row.work:
            why = next((text for work, text in HOLDS_BACK.items() if work in row.work), "")
            yield at_least(f"{row.work}: less than ocean.js", row.ratio, 1, why)
    above = {row.work: median(row.ours) for row in rows if row.work.startswith("outputs.tar")}
    of_both = [value for work, value in above.items() if work.endswith("over the baseline")]
    if of_both:
        text = "outputs.tar: ten times the size takes no more than 16 MB more of memory"
        yield at_most(text, of_both[-1] - of_both[0], 16, "MB more")
