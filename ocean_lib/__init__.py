"""Compute-to-data on Ocean Protocol.

Names are loaded when first used, so `import ocean_lib` costs next to nothing. The modules they
come from are ocean.py's, and can be imported by those paths as well.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocean_lib.config import Config as Config
    from ocean_lib.data_provider.data_service_provider import (
        DataServiceProvider as DataServiceProvider,
    )
    from ocean_lib.exceptions import OceanError as OceanError
    from ocean_lib.http.deadline import time_limit as time_limit
    from ocean_lib.jobs.awaiting import in_thread as in_thread
    from ocean_lib.jobs.view import JobState as JobState
    from ocean_lib.jobs.view import JobStatus as JobStatus
    from ocean_lib.models.algorithm_metadata import AlgorithmMetadata as AlgorithmMetadata
    from ocean_lib.models.compute_input import ComputeInput as ComputeInput
    from ocean_lib.models.data_token import DataToken as DataToken
    from ocean_lib.models.file_input import FileInput as FileInput
    from ocean_lib.ocean.compute_job import ComputeJob as ComputeJob
    from ocean_lib.ocean.ocean import Ocean as Ocean
    from ocean_lib.ocean.ocean_assets import OceanAssets as OceanAssets
    from ocean_lib.ocean.ocean_compute import OceanCompute as OceanCompute
    from ocean_lib.web3_internal.wallet import Wallet as Wallet

__version__ = "0.1.0"

_HOME = {
    "AlgorithmMetadata": "ocean_lib.models.algorithm_metadata",
    "ComputeInput": "ocean_lib.models.compute_input",
    "ComputeJob": "ocean_lib.ocean.compute_job",
    "Config": "ocean_lib.config",
    "DataServiceProvider": "ocean_lib.data_provider.data_service_provider",
    "DataToken": "ocean_lib.models.data_token",
    "FileInput": "ocean_lib.models.file_input",
    "JobState": "ocean_lib.jobs.view",
    "JobStatus": "ocean_lib.jobs.view",
    "Ocean": "ocean_lib.ocean.ocean",
    "OceanAssets": "ocean_lib.ocean.ocean_assets",
    "OceanCompute": "ocean_lib.ocean.ocean_compute",
    "OceanError": "ocean_lib.exceptions",
    "Wallet": "ocean_lib.web3_internal.wallet",
    "in_thread": "ocean_lib.jobs.awaiting",
    "time_limit": "ocean_lib.http.deadline",
}

__all__ = [*_HOME]


class _Gone:
    """Asked last for a module that nobody has: ocean.py's that are left out say what to use."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name.startswith("ocean_lib."):
            importlib.import_module("ocean_lib.base.gone").check_module(name)


if not any(getattr(finder, "__name__", "") == "_Gone" for finder in sys.meta_path):
    sys.meta_path.append(_Gone)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ocean_lib' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
