"""The command line `ocean-compute`; this module loads nothing until `main` is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what stands after the program's name; None for the process's own.

    Returns:
        The exit status, see `ocean_lib.cli.errors.ExitCode`.
    """
    try:
        from ocean_lib.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:  # while modules are loaded, or on the way out
        return 130
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
    sys.stderr.write("Error: ocean-compute needs click. Install it: pip install click\n")
    return 1
