"""What a container is given: its folders, its limits, and nothing else."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

from docker.types import LogConfig, Mount, Ulimit

from ocean_lib.localnet.runners import RunnerJob
from ocean_lib.localnet.runners.containers.engine import Engine
from ocean_lib.localnet.runners.folders import walk
from ocean_lib.localnet.runners.place import DATA, READ_ONLY, WRITABLE

_SCRATCH = "tmp"
_OPEN_FILES = 1024
_VOLUME_BYTES = 64 * 1024**2
# Docker keeps a log as JSON, which takes more room than the log itself.
_LOG_FACTOR = 2


def create(
    engine: Engine,
    job: RunnerJob,
    *,
    name: str,
    labels: dict[str, str],
    network: str,
    volumes: list[str],
) -> str:
    """Create a job's container, without starting it.

    Args:
        engine: Where.
        job: What it runs.
        name: Its name; there can be one of each.
        labels: By which it is found again.
        network: The network for a job that may use one.
        volumes: For which folders its image wants volumes; they get some memory in their place.

    Returns:
        Its id.

    Raises:
        docker.errors.APIError: If the engine refuses.
    """
    _open_up(job.folder / "data", foreign=engine.user.partition(":")[0] != str(os.getuid()))
    limits = job.limits
    memory = max(int(limits.memory_bytes), 6 * 1024**2)  # engines refuse less
    host = engine.api.create_host_config(
        mounts=_mounts(job),
        tmpfs=dict.fromkeys(volumes, f"rw,nosuid,nodev,size={_VOLUME_BYTES}"),
        network_mode=network if job.allow_network else "none",
        ipc_mode="private",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=engine.security_options,
        mem_limit=memory,
        memswap_limit=memory,
        shm_size=memory // 2,
        pids_limit=int(limits.threads),
        oom_score_adj=1000,
        ulimits=_ulimits(job),
        log_config=LogConfig(
            type="json-file",
            config={"max-size": str(_LOG_FACTOR * int(limits.log_bytes)), "max-file": "2"},
        ),
        restart_policy={"Name": "no"},
    )
    answer: dict[str, Any] = engine.api.create_container(
        job.image,
        name=name,
        entrypoint=_argv(job),
        environment=_environment(job),
        user=engine.user,
        working_dir="/" if job.like_docker else str(DATA),
        labels=labels,
        healthcheck={"test": ["NONE"]},
        host_config=host,
    )
    return str(answer["Id"])


def writable(job: RunnerJob) -> list[str]:
    """Return the folders that a job may write to."""
    return [str(job.folder / "data" / name) for name in (*WRITABLE, _SCRATCH)]


def _mounts(job: RunnerJob) -> list[Mount]:
    data = job.folder / "data"
    mounts = [Mount(str(DATA / name), str(data / name), type="bind") for name in WRITABLE]
    mounts.append(Mount("/tmp", str(data / _SCRATCH), type="bind"))  # noqa: S108 (inside)
    return mounts + [
        Mount(str(DATA / name), str(data / name), type="bind", read_only=True) for name in READ_ONLY
    ]


def _ulimits(job: RunnerJob) -> list[Ulimit]:
    values = {
        "core": 0,
        "cpu": int(job.limits.cpu_s) + 1,
        "fsize": int(job.limits.file_size_bytes),
        "nofile": _OPEN_FILES,
    }
    return [Ulimit(name=name, soft=value, hard=value) for name, value in values.items()]


def _argv(job: RunnerJob) -> list[str]:
    if job.like_docker:
        return job.entrypoint.replace("$ALGO", f"data/{job.algorithm}").split()
    return ["/bin/sh", "-c", job.entrypoint.replace("$ALGO", str(DATA / job.algorithm))]


def _environment(job: RunnerJob) -> dict[str, str]:
    if job.like_docker:
        return dict(job.variables)
    named = {name: str(DATA / path) for name, path in job.folder_variables.items()}
    home = {"HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108 (inside, its own)
    return {**job.variables, **named, **home}


def _open_up(data: Path, *, foreign: bool) -> None:
    """Let the container's user read the inputs and write where it may.

    Nobody else gets there: the job's folder, above, is closed.

    Args:
        data: The job's data folder.
        foreign: Whether the container's user is another one than this process's.
    """
    for name in READ_ONLY:
        for entry in walk(data / name):
            mode = stat.S_IMODE(entry.status.st_mode) | 0o444
            is_program = stat.S_ISDIR(entry.status.st_mode) or bool(mode & 0o100)
            with contextlib.suppress(OSError):
                os.chmod(entry.name, mode | (0o111 if is_program else 0), dir_fd=entry.parent_fd)
    if foreign:
        for path in writable_paths(data):
            path.chmod(0o777)


def writable_paths(data: Path) -> list[Path]:
    """Return the folders, and the log, that a container writes to."""
    found = [data / name for name in (*WRITABLE, _SCRATCH)]
    return found + [path for path in (data / "logs").iterdir() if path.is_file()]
