"""Slurm's own commands: each is run without a shell, with arguments that are all ours."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocean_lib.localnet.runners import Limits
from ocean_lib.localnet.runners.named import RunnerUnusable
from ocean_lib.localnet.runners.slurm.options import SlurmOptions

_NEEDED = ("sbatch", "squeue", "scancel", "sinfo")
# Slurm gives up after 10 s for each of its controllers; a missing configuration takes a minute.
_PATIENCE_S = 30.0
_ENVIRONMENT = ("PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH", "SLURM_CONF")
_MOST_AT_ONCE = 200
# Our own programs beside the algorithm, and what the cluster counts that we do not.
_BESIDE_BYTES = 192 * 1024**2
_BESIDE_S = 120.0
# What passes by itself: the controller is away or full, or the user has many jobs already.
_PASSING = (
    *("contact slurm controller", "timed out", "standby mode", "temporarily", "munge", "Munge"),
    *("authentication", "onnection", "Transport endpoint", "Zero Bytes", "SubmitJob"),
    *("Slurm backup controller", "resource limit", "MaxJobCount"),
)


class SlurmAway(Exception):
    """The scheduler does not answer now; later it may."""


class SlurmRefuses(Exception):
    """The scheduler does not take a job; the text is its own."""


class SlurmMissing(RunnerUnusable):
    """Slurm's commands, or their configuration, are not on this machine."""


@dataclass(frozen=True)
class Seen:
    """A job as the scheduler tells it.

    Attributes:
        slurm_id: Its number there.
        state: Slurm's word, such as `PENDING` or `NODE_FAIL`.
        nodes: Where it runs, or ran.
        reason: Why it waits, or ended, in Slurm's words.
    """

    slurm_id: str
    state: str
    nodes: str = ""
    reason: str = ""


def submit(options: SlurmOptions, limits: Limits, name: str, log: Path, line: Sequence[str]) -> str:
    """Submit a job, and return its number.

    Args:
        options: Where it goes.
        limits: What it may use.
        name: What it is called.
        log: Where its own output goes.
        line: A script and its arguments.

    Raises:
        SlurmAway: If the scheduler does not answer. It may have taken the job all the same.
        SlurmRefuses: If it does not take the job.
    """
    megabytes = math.ceil((limits.memory_bytes + _BESIDE_BYTES) / 1024**2)
    arguments = [
        "--parsable", "--no-requeue", "--propagate=NONE", "--chdir=/", "--nodes=1", "--ntasks=1",
        f"--job-name={name}", f"--output={str(log).replace('%', '%%')}",
        f"--cpus-per-task={options.cpus}", f"--mem={megabytes}M",
    ]  # fmt: skip
    if math.isfinite(limits.wall_s):
        arguments.append(f"--time={math.ceil((limits.wall_s + _BESIDE_S) / 60)}")
    if options.partition:
        arguments.append(f"--partition={options.partition}")
    if options.account:
        arguments.append(f"--account={options.account}")
    done = _run("sbatch", *arguments, *options.arguments, *line)
    if done.returncode == 0:
        return done.stdout.strip().partition(";")[0]  # a cluster's name may follow
    if any(word in done.stderr for word in _PASSING):
        raise SlurmAway(_said(done))
    raise SlurmRefuses(_said(done))


def jobs(prefix: str) -> dict[str, list[Seen]]:
    """Return the jobs of this user whose names begin so, by the rest of the name.

    One question, however many they are; those that ended lately are among them.

    Args:
        prefix: The beginning.

    Raises:
        SlurmAway: If the scheduler does not answer.
    """
    who = f"--user={os.getuid()}"
    done = _run("squeue", "--noheader", "--states=all", who, "--format=%i|%T|%N|%j|%r")
    if done.returncode != 0:
        raise SlurmAway(_said(done))
    found: dict[str, list[Seen]] = {}
    for line in done.stdout.splitlines():
        slurm_id, state, nodes, name, reason = (*line.split("|", 4), "", "", "", "")[:5]
        if name.startswith(prefix):
            seen = Seen(slurm_id, state, nodes, reason)
            found.setdefault(name.removeprefix(prefix), []).append(seen)
    return found


def cancel(slurm_ids: Iterable[str]) -> None:
    """End jobs, waiting or running; those that have ended stay as they are.

    Raises:
        SlurmAway: If the scheduler does not answer.
    """
    left = list(slurm_ids)
    while left:
        done = _run("scancel", *left[:_MOST_AT_ONCE])
        if done.returncode != 0 and "contact slurm controller" in done.stderr:
            raise SlurmAway(_said(done))
        del left[:_MOST_AT_ONCE]


def accounted(slurm_id: str) -> Seen | None:
    """Return what the accounting knows of a job that the scheduler has forgotten, if it is there.

    Args:
        slurm_id: Its number.
    """
    if shutil.which("sacct") is None:
        return None
    try:
        done = _run("sacct", "-X", "-n", "-P", f"--jobs={slurm_id}", "--format=State,NodeList")
    except SlurmAway:
        return None
    state, _, nodes = done.stdout.partition("\n")[0].partition("|")
    # "CANCELLED by 1000"
    return Seen(slurm_id, state.split()[0], nodes) if done.returncode == 0 and state else None


def check(options: SlurmOptions) -> str:
    """Check that there is a cluster that has the partition; say what is wrong for the moment.

    Raises:
        SlurmMissing: If jobs cannot be submitted from this machine.
    """
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        raise SlurmMissing(
            f"Slurm's commands are not on this machine: {', '.join(missing)}. Start the network "
            "where jobs are submitted from (a login node), or install slurm-client with the "
            "cluster's slurm.conf and munge key."
        )
    try:
        done = _run("sinfo", "--noheader", "--format=%R")
    except SlurmAway as error:
        return str(error)
    if "configuration" in done.stderr or "stat file" in done.stderr:
        raise SlurmMissing(f"Slurm's configuration cannot be read: {_said(done)}")
    if done.returncode != 0:
        return _said(done)
    known = sorted(set(done.stdout.split()))
    unknown = [name for name in options.partition.split(",") if name and name not in known]
    if unknown:
        raise SlurmMissing(
            f"the cluster has no partition {', '.join(unknown)}; it has: {', '.join(known)}"
        )
    return ""


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Variables such as SBATCH_PARTITION must not change what is asked for.
    environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
    try:
        return subprocess.run(  # noqa: S603 (no shell, arguments of ours)
            [shutil.which(name) or name, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**environment, "LC_ALL": "C.UTF-8"},
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SlurmAway(f"{name} did not answer within {_PATIENCE_S:g} s") from error
    except OSError as error:
        raise SlurmAway(f"{name} cannot be run: {error}") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return "; ".join(dict.fromkeys(lines))[:500]
