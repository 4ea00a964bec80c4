"""Start the programs that stand between this process and an algorithm."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners.groups import Groups
from ocean_lib.localnet.runners.place import WRITABLE, Launch

_ROOT = str(Path(__file__).parents[3])


def program(module: str, interpreter: str = "") -> list[str]:
    """Return the command that runs `main` of a module of this package.

    The user's environment has no say in it. Nor have installed packages, and it starts quickly:
    only the folder with this package is added to the standard library.

    Args:
        module: The module's name.
        interpreter: Another one than ours, which then knows its environment.
    """
    code = (
        f"import sys; sys.path.append({_ROOT!r}); "
        f"from ocean_lib.localnet.runners.{module} import main; main()"
    )
    start = [interpreter, "-I"] if interpreter else [sys.executable, "-I", "-S"]
    return [*start, "-c", code]


def supervise(
    launch: Launch,
    *,
    data: Path,
    control: Path,
    environment: Mapping[str, str],
    limits: Mapping[str, float | int],
    groups: Groups | None,
    like_docker: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a supervisor that runs one algorithm.

    Args:
        launch: The command, and how it is confined.
        data: The job's data folder.
        control: The job's folder for the runner; it holds `algorithm.log`, and the outcome goes
            there.
        environment: The algorithm's whole environment.
        limits: `Limits` as a dict.
        groups: Where a control group for the job can be made, if anywhere.
        like_docker: Begin in the folder that holds `data`, and keep the log in frames.

    Returns:
        The warden with the supervisor below it. Its standard input is the lifeline.
    """
    spec: dict[str, Any] = {
        "argv": launch.argv,
        "confine": launch.confine,
        "env": dict(environment),
        "cwd": str(data.parent if like_docker else data),
        "framed": like_docker,
        "log": str(control / "algorithm.log"),
        "writable": [str(data / name) for name in (*WRITABLE, "tmp")],
        "outcome": str(control / "outcome.json"),
        "limits": dict(limits),
        "groups": groups.as_dict() if groups is not None else None,
    }
    path = control / "spec.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(spec), encoding="utf-8")
    command = [*program("warden"), str(path)]
    if groups is None:
        return _start(command, {})
    return _start(groups.command(command, limits), groups.environment())


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (our own program, no shell)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
