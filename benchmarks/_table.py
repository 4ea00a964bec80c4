"""Rows of figures, targets, and the document they end up in."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure of both clients, and where the limit lies.

    Attributes:
        work: what was done.
        unit: of all figures.
        ours: one figure for each round.
        old: the old client's, none where it has no such thing or there is no Python 3.8.
        limit: what no client can go below (or above).
        limit_is: what that is.
        more_is_better: as for calls a second.
        note: what else there is to say.
    """

    work: str
    unit: str
    ours: Sequence[float]
    old: Sequence[float] = ()
    limit: float | None = None
    limit_is: str = ""
    more_is_better: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better ours is; None without the old client."""
        if not (self.ours and self.old):
            return None
        ours, old = median(self.ours), median(self.old)
        better, worse = (old, ours) if self.more_is_better else (ours, old)
        return worse / better if better else None


@dataclass(frozen=True)
class Target:
    """What was to be reached.

    Attributes:
        text: what.
        figure: what was measured.
        reached: whether that is enough; None if it could not be measured.
        held_back_by: what stands in the way.
    """

    text: str
    figure: str
    reached: bool | None
    held_back_by: str = ""


def at_least(text: str, value: float | None, wanted: float, held_back_by: str = "") -> Target:
    """Make a target for a figure that has to be this large."""
    if value is None:
        return Target(text, "not measured", None)
    return Target(text, f"{figure(value)} times", value >= wanted, held_back_by)


def at_most(
    text: str, value: float | None, wanted: float, unit: str, held_back_by: str = ""
) -> Target:
    """Make a target for a figure that may be no larger."""
    if value is None:
        return Target(text, "not measured", None)
    return Target(text, f"{figure(value)} {unit}", value <= wanted, held_back_by)


def figure(value: float) -> str:
    """Return a number with three digits that count."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def rows_table(rows: Sequence[Row], other: str) -> list[str]:
    """Return the lines of a table of rows, beside another client of that name."""
    lines = [f"| work | ocean-compute | {other} | times better | limit | |"]
    lines += ["|---|---:|---:|---:|---:|---|"]
    for row in rows:
        old = f"{figure(median(row.old))} {row.unit}" if row.old else "—"
        ratio = "—" if row.ratio is None else figure(row.ratio)
        limit = "" if row.limit is None else f"{figure(row.limit)} {row.unit}"
        note = "; ".join(filter(None, (row.limit_is and f"limit: {row.limit_is}", row.note)))
        ours = f"{figure(median(row.ours))} {row.unit}"
        lines.append(f"| {row.work} | {ours} | {old} | {ratio} | {limit} | {note} |")
    return lines


def targets_table(targets: Sequence[Target]) -> list[str]:
    """Return the lines of the table of targets."""
    lines = ["| to reach | measured | | what holds it back |", "|---|---:|---|---|"]
    for target in targets:
        words = {True: "reached", False: "**not reached**", None: "not measured"}[target.reached]
        why = "" if target.reached else target.held_back_by
        lines.append(f"| {target.text} | {target.figure} | {words} | {why} |")
    return lines


def machine() -> list[str]:
    """Return what the figures depend on, in lines."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or "unknown",
    )
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return [
        f"- Machine: {os.cpu_count()} cores ({cpu}), {platform.system()} {platform.machine()}",
        f"- Load before the run (1, 5, 15 minutes): {load}",
    ]
