"""What was to be reached, and whether it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from _table import Row, Target, at_least, at_most

ROUND_TRIP = "the round trip itself, which stands under 'limit'"
HELD_BACK_BY = {
    "result": f"{ROUND_TRIP}, and a signature",
    "stop": f"{ROUND_TRIP}, and a signature",
    "start": f"{ROUND_TRIP}, and a signature",
    "status": ROUND_TRIP,
}

WEB3_IS_LARGE = (
    "web3, which ordering and publishing need: it alone, with eth-account, requests and "
    "enforce-typing, takes about 70 MB (aiohttp and the rest of web3 23, cytoolz 15, pydantic 10, "
    "pycryptodome 9), 3.8 times less; ours is 3 MB"
)


def targets(rows: Sequence[Row], loaded: set[str]) -> Iterator[Target]:
    """Return every target whose rows were measured, with its figure.

    Args:
        rows: all that was measured.
        loaded: the modules that what a status needs has loaded.
    """
    by_work = {row.work: row for row in rows}
    yield from _of_calls(by_work)
    yield from _of_threads(by_work)
    yield from _of_footprint(by_work, loaded)
    yield from _of_long_work(by_work)


def _of_calls(rows: dict[str, Row]) -> Iterator[Target]:
    for op in ("result", "stop", "start", "status"):
        row = rows.get(f"client CPU of one {op}")
        if row:
            kind = "an unsigned call" if op == "status" else "a signed call"
            yield at_least(f"CPU of {op}, {kind}: 20 times less", row.ratio, 20, HELD_BACK_BY[op])
    for op, wanted in (("status", 4.5), ("result", 4.5), ("start", 2)):
        row = rows.get(f"{op}, 20 ms added round trip")
        if row:
            yield at_least(f"{op} at 20 ms: {wanted} times faster", row.ratio, wanted)


def _of_threads(rows: dict[str, Row]) -> Iterator[Target]:
    for work, row in rows.items():
        if work.startswith("result, 64") and work.endswith("one wallet: failed calls"):
            theirs = f" (old: {median(row.old):.0f} %)" if row.old else ""
            yield at_most(
                f"64 threads of one wallet: no failed call{theirs}", max(row.ours), 0, "%"
            )


def _of_footprint(rows: dict[str, Row], loaded: set[str]) -> Iterator[Target]:
    base, needed = rows.get("import requests"), rows.get("import what a status needs")
    if base and needed:
        ratio = median(needed.ours) / median(base.ours)
        yield at_most(
            "import of what a status needs: 1.5 times `import requests`", ratio, 1.5, "times"
        )
        heavy = sorted(loaded & {"web3", "eth_account"})
        yield Target(
            "neither web3 nor eth-account loaded for it", ", ".join(heavy) or "neither", not heavy
        )
    size = rows.get("installed size of ocean-compute")
    if size:
        text = "install: a quarter of the old one's size"
        yield at_least(text, size.ratio, 4, WEB3_IS_LARGE)
        alone = bool(median(rows["ocean-compute installs from wheels alone (1: yes)"].ours))
        yield Target("no compiler", "wheels alone" if alone else "builds", alone)


def _of_long_work(rows: dict[str, Row]) -> Iterator[Target]:
    for work, row in rows.items():
        name = work.partition(": ")[2]
        if work.startswith("waiting for 1,000 jobs:"):
            if name == "threads":
                yield at_most("1,000 jobs awaited: 2 threads", max(row.ours), 2, "threads")
            if name == "memory over the baseline":
                yield at_most(
                    "1,000 jobs awaited: 50 MB over the baseline", max(row.ours), 50, "MB"
                )
        if work.startswith("download of 1 GB"):
            if name in ("a job's result", "download_service"):
                curl = median(rows["download of 1 GB: curl"].ours)
                yield at_least(
                    f"1 GB, {name}: 0.9 of curl's speed",
                    median(row.ours) / curl,
                    0.9,
                    'writing from Python: see the bare socket under "limit"',
                )
            if name.endswith(", peak memory") and "curl" not in name:
                what = name.partition(",")[0]
                yield at_most(f"1 GB, {what}: 64 MB of memory", max(row.ours), 64, "MB")
