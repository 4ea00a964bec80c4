"""Whether ocean.py is installed beside us: both are imported as `ocean_lib`."""

from __future__ import annotations

import os
import re
import sys
import warnings
from functools import lru_cache

OTHER = "ocean-lib"
"""The distribution of ocean.py, which has its own files in the folder `ocean_lib`."""
_FOLDER = re.compile(r"ocean[-_.]lib-.*\.(dist|egg)-info", re.IGNORECASE)


class DistributionWarning(UserWarning):
    """Another distribution has files in the folder of this one."""


@lru_cache(maxsize=1)
def other_installed() -> str:
    """Return what to say of ocean.py's distribution beside us; '' if it is not there."""
    if not any(map(_holds_other, sys.path)):
        return ""
    from importlib import metadata  # slower to load than all that a Config needs

    try:
        version = metadata.version(OTHER)
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return ""
    return (
        f"{OTHER} {version} is installed beside ocean-compute, and both are imported as ocean_lib: "
        "the one that was installed last has overwritten files of the other. Uninstall both, then "
        "install ocean-compute again: pip uninstall ocean-lib ocean-compute && "
        "pip install ocean-compute"
    )


@lru_cache(maxsize=1)
def warn_of_other() -> None:
    """Warn of ocean.py's distribution beside us, once in a process."""
    if text := other_installed():
        warnings.warn(text, DistributionWarning, stacklevel=3)


def _holds_other(folder: str) -> bool:
    try:
        return any(map(_FOLDER.fullmatch, os.listdir(folder or ".")))  # noqa: PTH208
    except OSError:  # a zip file, or a folder that is not there
        return False
