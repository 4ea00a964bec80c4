"""Measure this library side by side with another client, and write benchmarks/results*.md.

    python benchmarks/compare.py [--generation node] [--quick] [--only NAME] [--fresh]

On V3 the other one is ocean-lib 0.5.25, on an Ocean Node ocean.js 8.6.2 (results-node.md). Both
clients do the same work against the same server process, in turn (A B A B), each in a process and
an environment of its own; ours is installed from this working tree as a wheel. The first run
installs them (about two minutes). ocean-lib 0.5.25 needs Python 3.8: named by OCEAN_PYTHON38, on
the PATH as python3.8, or one of pyenv's; ocean.js needs Node.js 18 with npm, and its server the
extra `localnet`. Without the other client only our side is measured. Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import _environments
import _node
from _calls import Bench, calls, polls, throughput
from _footprint import download, handles, imports, install, loaded_by_status, wait
from _processes import Server
from _table import Row, machine, rows_table, targets_table
from _targets import targets

HERE = Path(__file__).parent
OTHERS = {"v3": "ocean-lib 0.5.25", "node": "ocean.js 8.6.2"}
RESULTS = {"v3": HERE / "results.md", "node": HERE / "results-node.md"}
V3_PARTS = {
    "calls": ("One call", calls),
    "polls": ("Polling", polls),
    "threads": ("Many threads, 20 ms added round trip", throughput),
    "imports": ("Imports", imports),
    "install": ("Installation", install),
    "handles": ("Handles on jobs", handles),
    "wait": ("Waiting", wait),
    "download": ("Download", download),
}
NODE_PARTS = {
    "calls": ("One call", calls),
    "threads": ("16 threads, or promises, 20 ms added round trip", throughput),
    "first": ("A new process", _node.first_start),
    "install": ("Installation", _node.install),
    "wait": ("Waiting", _node.wait),
    "download": ("Download", _node.download),
}
PARTS = {"v3": V3_PARTS, "node": NODE_PARTS}
V3_NOTES = """\
Figures are medians over the rounds; "times better" is the ratio of the medians, above 1 where ours
is better. Both clients and the server share the machine. The added round trip is a delay of each
answer; a new connection, which costs a further round trip on a real network, is not delayed, which
favours the old client. "One call" is measured once a client knows its data set and Provider; the
old client remembers neither. Ours does for a minute (`cache.lifetime`), also that the Provider can
reach the data; a "first start" remembers nothing (one after that minute knows the nonce still, and
makes four requests). The server checks signatures and moves nonces as the real Provider does. A
call counts as failed when it raises, or gives an empty result for a job that has one.
"""
NODE_NOTES = """\
Figures are medians over the rounds; "times better" is the ratio of the medians, above 1 where ours
is better. Both clients and the server share the machine. The server is the embedded network's node
with its rate limit off, and with jobs that end when their code says so, without a process of their
own; ours polls without its own limit (`provider.polls_per_minute`). Between client and node stands
a door that counts, and holds each answer back by the added round trip; the download goes without
it. "environments" and "first start" are done by a new client, without a connection of its own; the
rest is measured once a client knows node and environment. ocean.js keeps nothing but what its
caller keeps, here the environment's id and the index of a result, and Node.js its connections.
"result" reads a log of one line, ours without the frames. A call counts as failed when it raises.
"""
NOTES = {"v3": V3_NOTES, "node": NODE_NOTES}


def main() -> None:
    """Measure what is asked for; write the results of a full run."""
    options = _options()
    generation, other = options.generation, OTHERS[options.generation]
    began = time.monotonic()
    facts = machine()
    cache = _cache_folder()
    if options.fresh:
        shutil.rmtree(cache, ignore_errors=True)
    print("Installing the clients, where that has not been done ...", flush=True)
    ours, old = _clients(generation, cache)
    shown: list[str] = []
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ocean-bench-") as folder:
        is_node = generation == "node"
        server = _node.NodeServer() if is_node else Server(ours.python, Path(folder))
        try:
            rounds, share = (1, 0.02) if options.quick else (options.rounds, 1.0)
            bench = Bench(server, ours, old, rounds, share)
            if is_node:
                bench = replace(bench, operations=_node.OPERATIONS, crowds=_node.CROWDS)
            for name in options.only or PARTS[generation]:
                title, measure = PARTS[generation][name]
                print(f"\n## {title}", flush=True)
                found = list(measure(bench))
                rows += found
                lines = rows_table(found, other)
                print("\n".join(lines), flush=True)
                shown += ["", f"## {title}", "", *lines]
        finally:
            server.close()
    reached = _node.targets(rows) if is_node else targets(rows, loaded_by_status(ours))
    goals = targets_table(list(reached))
    print("\n".join(["", "## Targets", *goals]))
    took = f"{(time.monotonic() - began) / 60:.1f} minutes"
    print(f"\nTook {took}.")
    if not (options.quick or options.only):
        text = _document(generation, facts, ours, old, goals, shown, took)
        RESULTS[generation].write_text(text, encoding="utf-8")
        print(f"Wrote {RESULTS[generation].relative_to(HERE.parent)}.")


def _clients(generation: str, cache: Path) -> tuple[_environments.Environment, Any]:
    """Install our client and the other one; None for the other where it cannot run."""
    ours = _environments.ours(cache)
    if generation == "node":
        return _node.at_node(ours), _node.ocean_js()
    old = _environments.old(cache)
    if old is None:
        print("No Python 3.8 found (OCEAN_PYTHON38, python3.8, pyenv): the old side is skipped.")
    return ours, old


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny counts: does it run at all?")
    parser.add_argument("--generation", choices=PARTS, default="v3", help="of the server")
    parser.add_argument("--only", action="append", help="only this part; repeatable")
    parser.add_argument("--fresh", action="store_true", help="install the clients anew")
    parser.add_argument("--rounds", type=int, default=5, help="how often A and B take turns")
    options = parser.parse_args()
    unknown = set(options.only or ()) - set(PARTS[options.generation])
    if unknown:
        parser.error(
            f"--only: expected {', '.join(PARTS[options.generation])}; got {unknown.pop()}"
        )
    return options


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "ocean-compute-bench")


def _document(
    generation: str,
    facts: list[str],
    ours: _environments.Environment,
    old: Any,
    goals: list[str],
    shown: list[str],
    took: str,
) -> str:
    other = OTHERS[generation]
    lines = [f"# ocean-compute and {other}, side by side", ""]
    command = " ".join(["python benchmarks/compare.py", *sys.argv[1:]])
    lines += [f"- Command: `{command}`"]
    lines += [f"- Run: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, {took}", *facts]
    lines += [f"- {one.name}: {one.facts()}" for one in filter(None, (ours, old))]
    if old is None:
        lines.append(f"- {other}: not measured, what it runs on is not here")
    lines += ["", NOTES[generation], "## Targets", "", *goals, *shown, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
