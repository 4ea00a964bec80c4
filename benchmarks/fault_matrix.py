"""Run the fault matrix, and write its size and results into docs/reliability.md.

    python benchmarks/fault_matrix.py

What stands above the marker in that file is written by hand and kept. Ends with 1 if a cell is not
as promised.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fault_matrix import (
    CALLS,
    CONNECT_S,
    FAULTS,
    MAIN_CALL,
    OPERATIONS,
    READ_S,
    TOTAL_S,
    VALUE,
    Cell,
    Outcome,
    promised,
    run_all,
)

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
MARKER = "<!-- Below: written by benchmarks/fault_matrix.py. -->"


def is_as_promised(cell: Cell, outcome: Outcome) -> bool:
    """Tell whether a cell ended as it should, and worked again afterwards."""
    found = (outcome.result, outcome.requests)
    return outcome.is_ours and found == promised(cell) and outcome.again == VALUE


def report(outcomes: dict[Cell, Outcome]) -> str:
    """Return the generated part of the page."""
    wrong = [cell for cell, outcome in outcomes.items() if not is_as_promised(cell, outcome)]
    late = [cell for cell, outcome in outcomes.items() if outcome.seconds > TOTAL_S + 1]
    others = sum(
        cell.warm or MAIN_CALL.get(cell.operation, cell.call) != cell.call for cell in outcomes
    )
    slowest = max(outcome.seconds for outcome in outcomes.values())
    lines = [
        f"{len(outcomes)} cells: {len(OPERATIONS)} operations, {len(FAULTS)} faults; each "
        f"operation in the calls that need it ({', '.join(CALLS)}), with nothing remembered and "
        f"with everything. Time-outs: connect {CONNECT_S:g} s, read {READ_S:g} s, "
        f"total {TOTAL_S:g} s.",
        "",
        f"- as promised, and working again once the fault had gone: {len(outcomes) - len(wrong)} "
        f"of {len(outcomes)}",
        f"- ended with something else than a value or an `OceanError`: "
        f"{sum(not outcome.is_ours for outcome in outcomes.values())}",
        f"- later than a second after their deadline: {len(late)} (the longest call took "
        f"{slowest:.1f} s)",
        f"- most `start` requests in one call: "
        f"{max(outcome.counts.get('start', 0) for outcome in outcomes.values())}",
        "",
        "What comes of a fault, and how often the operation was asked for. The other "
        f"{others} cells (other calls, and warm ones) end the same way.",
        "",
        "| fault | " + " | ".join(OPERATIONS) + " |",
        "|---" * (len(OPERATIONS) + 1) + "|",
    ]
    for fault in FAULTS:
        cells = [_shown(outcomes, operation, fault.name) for operation in OPERATIONS]
        lines.append(f"| {fault.name.replace('|', chr(92) + '|')} | " + " | ".join(cells) + " |")
    lines += [f"- NOT AS PROMISED: {cell.name}: {outcomes[cell].result}" for cell in wrong]
    return "\n".join(lines) + "\n"


def _is_main(cell: Cell) -> bool:
    return not cell.warm and MAIN_CALL.get(cell.operation, cell.call) == cell.call


def _shown(outcomes: dict[Cell, Outcome], operation: str, fault: str) -> str:
    for cell, outcome in outcomes.items():
        if (cell.operation, cell.fault.name) == (operation, fault) and _is_main(cell):
            result = "found" if outcome.result == VALUE else outcome.result
            return f"{result} ({outcome.requests})"
    return ""


def main() -> int:
    """Run, write, and tell."""
    outcomes = run_all()
    text = report(outcomes)
    above = PAGE.read_text(encoding="utf-8").partition(MARKER)[0] if PAGE.exists() else ""
    PAGE.write_text(f"{above}{MARKER}\n\n{text}", encoding="utf-8")
    print(text.partition("\n\nWhat comes")[0])
    return int(not all(is_as_promised(cell, outcome) for cell, outcome in outcomes.items()))


if __name__ == "__main__":
    sys.exit(main())
