"""The files with which the network and its program on a node talk: all in the job's folder.

The folder may be on a network file system, so each file is written under another name and then
renamed, and the folder is listed before a file is said to be missing: that makes NFS ask again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners import Limits, RunnerJob, RunOutcome
from ocean_lib.localnet.runners.local import read_outcome
from ocean_lib.localnet.runners.slurm.endings import Left

_ORDER, _CLAIM, _LEFT, _NUMBER = "slurm.json", "slurm.claim", "slurm.done", "slurm.id"
LOG = "slurm.log"


@dataclass(frozen=True)
class Order:
    """What is to be run on a node.

    Attributes:
        job: The job.
        state: The network's folder, which the algorithm must not see.
        isolation: What separates it; None for the strongest that works on the node.
        python: The algorithms' interpreter; empty for the program's own.
    """

    job: RunnerJob
    state: Path
    isolation: str | None = None
    python: str = ""


def write_order(order: Order) -> None:
    """Keep an order in its job's folder."""
    job = {
        **vars(order.job),
        "folder": str(order.job.folder),
        "limits": order.job.limits.as_dict(),
        "variables": dict(order.job.variables),
        "folder_variables": dict(order.job.folder_variables),
    }
    document = {**vars(order), "job": job, "state": str(order.state)}
    _write(order.job.folder / "control", _ORDER, document)


def read_order(control: Path) -> Order:
    """Read the order of a job.

    Args:
        control: The runner's own folder of the job.
    """
    document = json.loads((control / _ORDER).read_text(encoding="utf-8"))
    job = document.pop("job")
    changed = {"folder": Path(job["folder"]), "limits": Limits(**job["limits"])}
    document["state"] = Path(document["state"])
    return Order(RunnerJob(**{**job, **changed}), **document)


def note_number(control: Path, slurm_id: str) -> None:
    """Keep the number of a job that was submitted."""
    _write(control, _NUMBER, slurm_id)


def noted_number(control: Path) -> str:
    """Return the number that was kept; empty if the network ended before it was."""
    try:
        return str(json.loads((control / _NUMBER).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return ""


def claim(control: Path, slurm_id: str) -> bool:
    """Take a job for this process, once and for all; False if another one has it.

    A job that was submitted twice, because an answer of the scheduler's was lost, runs once.
    """
    try:
        handle = os.open(control / _CLAIM, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(slurm_id)
    return True


def is_claimed(control: Path) -> bool:
    """Tell whether a node has begun with a job."""
    return _CLAIM in os.listdir(control)  # noqa: PTH208 (to ask the file system again)


def leave(control: Path, document: Mapping[str, Any]) -> None:
    """Leave how a job ended."""
    _write(control, _LEFT, document)


def left(control: Path) -> Left | None:
    """Return what our program on the node left at its end, or None."""
    try:
        document = json.loads((control / _LEFT).read_text(encoding="utf-8"))
        return Left(RunOutcome.from_dict(document["outcome"]), document["signalled"])
    except (OSError, ValueError, KeyError):
        return None


def all_left(control: Path) -> Left | None:
    """Return the same of a job that is over, or what its supervisor left if ours was killed."""
    os.listdir(control)  # noqa: PTH208 (to ask the file system again)
    found = left(control)
    outcome = read_outcome(control.parent) if found is None else None
    return found if outcome is None else Left(outcome, whole=False)


def _write(control: Path, name: str, document: object) -> None:
    unfinished = control / f"{name}.part"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(control / name)
