"""Whether ocean.py is installed beside us: both are imported as `ocean_lib`."""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib import metadata

OTHER = "ocean-lib"
"""The distribution of ocean.py, which has its own files in the folder `ocean_lib`."""


class DistributionWarning(UserWarning):
    """Another distribution has files in the folder of this one."""


@lru_cache(maxsize=1)
def other_installed() -> str:
    """Return what to say of ocean.py's distribution beside us; '' if it is not there."""
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
        warnings.warn(text, DistributionWarning, stacklevel=4)
