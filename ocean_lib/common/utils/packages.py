"""Packages that only some of the work needs, and `ocean-compute-core` leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ocean_lib.exceptions import PackageMissing


@contextmanager
def needed_for(work: str) -> Iterator[None]:
    """Import within this block what only this work needs.

    Args:
        work: what the user wants, to begin a sentence with.

    Raises:
        PackageMissing: a package is not installed.
    """
    missing = None
    try:
        yield
    except ModuleNotFoundError as error:
        missing = error.name or str(error)
    if missing is not None:
        raise PackageMissing(
            f"{work} needs the package {missing}, which is not installed: pip install "
            "ocean-compute, in place of ocean-compute-core, which leaves it out.",
            name=missing,
        )
