"""Print how many HTTP requests each call needs: this library's, counted on a local network.

The numbers of ocean-lib 0.5.25 are those of the recorded calls in tests/vectors.

    python benchmarks/requests_per_call.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.counting import BUDGET, counted_network, old_count


def main() -> None:
    """Count, and print the table."""
    print("| call   | cold | warm | ocean-lib 0.5.25, each time |")
    print("|--------|-----:|-----:|----------------------------:|")
    with counted_network() as network:
        for call in BUDGET:
            found = network.count(call)
            row = f"{len(found.cold):>4} | {len(found.warm):>4} | {old_count(call):>27}"
            print(f"| {call:<6} | {row} |")
    print()
    print("cold: a new client, nothing known. warm: the same client's next call.")


if __name__ == "__main__":
    main()
