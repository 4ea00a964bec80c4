"""Measure this library side by side with ocean-lib 0.5.25, and write benchmarks/results.md.

    python benchmarks/compare.py [--quick] [--only NAME] [--fresh]

Both clients do the same work against the same server process, in turn (A B A B), each in a process
and an environment of its own; ours is installed from this working tree as a wheel. The first run
installs them (about two minutes). ocean-lib 0.5.25 needs Python 3.8: named by OCEAN_PYTHON38, on
the PATH as python3.8, or one of pyenv's. Without one only our side is measured. Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import _environments
from _calls import Bench, calls, polls, throughput
from _footprint import download, handles, imports, install, loaded_by_status, wait
from _processes import Server
from _table import Row, machine, rows_table, targets_table
from _targets import targets

HERE = Path(__file__).parent
RESULTS = HERE / "results.md"
PARTS = {
    "calls": ("One call", calls),
    "polls": ("Polling", polls),
    "threads": ("Many threads, 20 ms added round trip", throughput),
    "imports": ("Imports", imports),
    "install": ("Installation", install),
    "handles": ("Handles on jobs", handles),
    "wait": ("Waiting", wait),
    "download": ("Download", download),
}
NOTES = """\
Figures are medians over the rounds; "times better" is the ratio of the medians, above 1 where ours
is better. Both clients and the server share the machine. The added round trip is a delay of each
answer; a new connection, which costs a further round trip on a real network, is not delayed, which
favours the old client. "One call" is measured once a client knows its data set and Provider; the
old client remembers neither. Ours does for a minute (`cache.lifetime`), also that the Provider can
reach the data; a "first start" remembers nothing (one after that minute knows the nonce still, and
makes four requests). The server checks signatures and moves nonces as the real Provider does. A
call counts as failed when it raises, or gives an empty result for a job that has one.
"""


def main() -> None:
    """Measure what is asked for; write the results of a full run."""
    options = _options()
    began = time.monotonic()
    facts = machine()
    cache = _cache_folder()
    if options.fresh:
        shutil.rmtree(cache, ignore_errors=True)
    print("Installing the clients, where that has not been done ...", flush=True)
    ours = _environments.ours(cache)
    old = _environments.old(cache)
    if old is None:
        print("No Python 3.8 found (OCEAN_PYTHON38, python3.8, pyenv): the old side is skipped.")
    shown: list[str] = []
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ocean-bench-") as folder:
        server = Server(ours.python, Path(folder))
        try:
            rounds, share = (1, 0.02) if options.quick else (options.rounds, 1.0)
            bench = Bench(server, ours, old, rounds, share)
            for name in options.only or PARTS:
                title, measure = PARTS[name]
                print(f"\n## {title}", flush=True)
                found = list(measure(bench))
                rows += found
                lines = rows_table(found)
                print("\n".join(lines), flush=True)
                shown += ["", f"## {title}", "", *lines]
        finally:
            server.close()
    goals = targets_table(targets(rows, loaded_by_status(ours)))
    print("\n".join(["", "## Targets", *goals]))
    took = f"{(time.monotonic() - began) / 60:.1f} minutes"
    print(f"\nTook {took}.")
    if not (options.quick or options.only):
        RESULTS.write_text(_document(facts, ours, old, goals, shown, took), encoding="utf-8")
        print(f"Wrote {RESULTS.relative_to(HERE.parent)}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny counts: does it run at all?")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--fresh", action="store_true", help="install the clients anew")
    parser.add_argument("--rounds", type=int, default=5, help="how often A and B take turns")
    return parser.parse_args()


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "ocean-compute-bench")


def _document(
    facts: list[str],
    ours: _environments.Environment,
    old: _environments.Environment | None,
    goals: list[str],
    shown: list[str],
    took: str,
) -> str:
    lines = ["# ocean-compute and ocean-lib 0.5.25, side by side", ""]
    command = " ".join(["python benchmarks/compare.py", *sys.argv[1:]])
    lines += [f"- Command: `{command}`"]
    lines += [f"- Run: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, {took}", *facts]
    for one in filter(None, (ours, old)):
        wanted = ("requests", "urllib3", "web3", "eth_account", "eth_keys", "coincurve")
        packages = {name.lower().replace("-", "_"): v for name, v in one.packages().items()}
        found = ", ".join(f"{name} {packages[name]}" for name in wanted if name in packages)
        lines.append(f"- {one.name}: Python {one.version()}, {found}")
    if old is None:
        lines.append("- ocean-lib 0.5.25: not measured, no Python 3.8 here")
    lines += ["", NOTES, "## Targets", "", *goals, *shown, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
