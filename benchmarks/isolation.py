"""Let hostile algorithms loose on every tier of this machine, and write what happened.

    python benchmarks/isolation.py [--output docs/isolation.md]

Needs this project with its `localnet` and `test` extras. As root it also tries an ordinary user.
A run takes about two minutes. Nothing outside the jobs' folders is changed, and all traffic is
loopback.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ocean_lib.localnet.runners import landlock  # noqa: E402
from ocean_lib.localnet.runners.isolation import SEPARATING, usual_python, why_not  # noqa: E402
from tests import hostile_matrix  # noqa: E402
from tests.hostile import ATTEMPTS  # noqa: E402
from tests.hostile_run import NOTHING, OLD_LANDLOCK  # noqa: E402
from tests.hostile_sieges import SIEGES  # noqa: E402

MARK = "<!-- Below this line benchmarks/isolation.py writes. -->"
SEEN = {
    "key": "the key",
    "file": "a file of the home",
    "home": "the home's mode",
    "names": "names in the home",
    "input": "inputs",
}
Found = dict[str, dict[str, Any]]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def columns() -> dict[str, list[hostile_matrix.Ground]]:
    """One column for each tier; the users who tried share it."""
    found: dict[str, list[hostile_matrix.Ground]] = {}
    for ground in hostile_matrix.grounds():
        found.setdefault(ground.tier, []).append(ground)
    return found


def attempted() -> dict[str, list[hostile_matrix.Ground]]:
    """The columns, and one to show that the attempts are real."""
    control = hostile_matrix.control()
    return {**columns(), **({control.tier: [control]} if control else {})}


def joined(parts: dict[str, str]) -> str:
    """Say a thing once if it is the same for every user."""
    said = set(parts.values())
    if len(said) == 1:
        return said.pop()
    return ", ".join(f"{user}: {text}" for user, text in parts.items())


def attempts(found: Found) -> list[str]:
    rows: list[list[str]] = []
    area = ""
    for item in ATTEMPTS:
        if item.area != area:
            area = item.area
            rows.append([f"**{area}**", *[""] * len(attempted())])
        row = [item.what.replace("|", "\\|")]
        for grounds in attempted().values():
            parts = {}
            for ground in grounds:
                got = found[str(ground)]["attempts"][item.name]["got"]
                parts[ground.user] = "**succeeded**" if got else "-"
            row.append(joined(parts))
        rows.append(row)
    changed = ["**What had changed afterwards, seen from outside**"]
    for grounds in columns().values():
        parts = {}
        for ground in grounds:
            names = [SEEN.get(name, name) for name in found[str(ground)]["changed"]]
            parts[ground.user] = f"**{', '.join(names)}**" if names else "nothing"
        changed.append(joined(parts))
    if len(attempted()) > len(columns()):
        changed.append("(not looked at)")
    return table(["tried", *attempted()], [*rows, changed])


def sieges(found: Found) -> list[str]:
    tiers = columns()
    rows = []
    for siege in SIEGES:
        row = [siege.what]
        for grounds in tiers.values():
            parts = {}
            for ground in grounds:
                told = found[str(ground)]["sieges"][siege.name]
                held = told["held"] and not told["survivors"]
                parts[ground.user] = siege.outcome if held else f"**NOT HELD: {told['reason']}**"
            row.append(joined(parts))
        rows.append(row)
    for victim, what in (
        ("network", "outlive the network, killed with SIGKILL"),
        ("supervisor", "outlive its supervisor, killed with SIGKILL"),
    ):
        row = [what]
        for grounds in tiers.values():
            left = [found[str(ground)]["killed"][victim] for ground in grounds]
            row.append("**survived**" if any(left) else "all of it gone")
        rows.append(row)
    return table(["tried", *tiers], rows)


def report(found: Found) -> list[str]:
    missing = [
        f"- `{tier.name}` was not tried: {reason}"
        for tier in SEPARATING
        if (reason := why_not(tier, usual_python()))
    ]
    users = ", ".join(dict.fromkeys(ground.user for ground in hostile_matrix.grounds()))
    return [
        "",
        "## The table",
        "",
        f"{platform.system()} {platform.release()} ({platform.machine()}), Landlock "
        f"{landlock.abi()}, Python {platform.python_version()}, {os.cpu_count()} cores. "
        f"The network was run by: {users}. `-` is: it got nothing. `{OLD_LANDLOCK}` leaves unused "
        "what Landlock learnt later (signals, abstract sockets), as on Ubuntu 24.04. "
        f"`{NOTHING}` shows which attempts succeed for an ordinary user who runs the algorithm as "
        "any program.",
        *missing,
        "",
        "### What it tried to get",
        "",
        *attempts(found),
        "",
        "### What it tried to do",
        "",
        "No process was left of any, and every folder could be removed.",
        "",
        *sieges(found),
        "",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "isolation.md")
    output: Path = parser.parse_args().output
    before, mark, _ = output.read_text().partition(MARK)
    if not mark:
        print(f"{output} has no line {MARK}", file=sys.stderr)
        return 1
    found = hostile_matrix.run_all()
    control = hostile_matrix.control()
    if control:
        found[str(control)] = hostile_matrix.run(control)
    output.write_text(before + mark + "\n" + "\n".join(report(found)))
    lost = [
        f"{ground}: {name}"
        for ground, told in found.items()
        for name, siege in told.get("sieges", {}).items()
        if not siege["held"]
    ]
    lost += [
        f"{ground}: {name}"
        for ground, told in found.items()
        if not ground.startswith(("limits", NOTHING))
        for name, attempt in told["attempts"].items()
        if attempt["got"]
    ]
    print(f"written: {output}")
    print("\n".join(["not held:", *lost]) if lost else "everything was held")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
