"""Run algorithms as processes of this machine, each held by a supervisor of its own."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocean_lib.localnet.runners import RunnerJob, RunOutcome
from ocean_lib.localnet.runners._isolation import (
    DATA,
    TOOLS,
    WRITABLE,
    Place,
    interpreter_paths,
    tier_named,
    usual_python,
    write_wrappers,
)
from ocean_lib.localnet.runners._outputs import list_outputs

_SUPERVISOR = Path(__file__).with_name("_supervisor.py")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_CLOSE_S = 15.0


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    job: RunnerJob


class LocalRunner:
    """Runs each algorithm as a child process with an environment and limits of its own.

    Whatever the isolation, an algorithm has a clean environment, its process tree dies as a
    whole, and time, memory, processes, files and output are bounded. With `bwrap` and `unshare`
    it also has namespaces of its own. With `limits` alone it sees the machine's files with the
    rights of this process: then run only algorithms that you would run yourself.

    Args:
        tools: A folder of its own for the interpreter's wrappers; it is created.
        python: The interpreter that `python` and `python3` mean in an entry point; None for
            this one.
        isolation: `bwrap`, `unshare` or `limits`; None for the strongest that works.

    Raises:
        UnknownIsolation: If the isolation asked for does not work on this machine.
    """

    def __init__(
        self, tools: Path, *, python: str | None = None, isolation: str | None = None
    ) -> None:
        if os.name != "posix":
            message = "the local runner needs a POSIX system; on Windows use WSL"
            raise NotImplementedError(message)
        python = python or usual_python()
        self._tier = tier_named(isolation, python)
        self._interpreters = interpreter_paths(python)
        self._tools = tools
        self._running: dict[str, _Running] = {}
        write_wrappers(tools, python)

    @property
    def isolation(self) -> str:
        """The tier that separates algorithms from the machine."""
        return self._tier.name

    def submit(self, job: RunnerJob) -> None:
        """Start the algorithm and return at once."""
        control = job.folder / "control"
        control.mkdir(exist_ok=True)
        log = control / "algorithm.log"
        log.write_text(self._header(job), encoding="utf-8")
        log.chmod(0o600)
        _link_log(log, job.folder / "data" / "logs" / "algorithm.log")
        spec_path = control / "spec.json"
        spec_path.write_text(json.dumps(self._spec(job, log)), encoding="utf-8")
        spec_path.chmod(0o600)
        process = subprocess.Popen(  # noqa: S603 (our own program, no shell)
            [sys.executable, "-I", "-S", str(_SUPERVISOR), str(spec_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        self._running[job.job_id] = _Running(process, job)

    def poll(self, job_id: str) -> RunOutcome | None:
        """Return None while the algorithm runs, then how it ended."""
        running = self._running[job_id]
        if running.process.poll() is None:
            return None
        return read_outcome(running.job.folder) or RunOutcome("lost", None)

    def stop(self, job_id: str) -> None:
        """End the algorithm and everything it started; `poll` tells when it is done."""
        running = self._running.get(job_id)
        if running is not None and running.process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                running.process.stdin.write(b"s")
                running.process.stdin.close()

    def collect(self, job_id: str) -> tuple[PurePosixPath, ...]:
        """List the result files and forget the job; its folder already holds everything."""
        running = self._running.pop(job_id)
        self._let_go(running)
        return list_outputs(running.job.folder / "data" / "outputs", running.job.limits)

    def close(self) -> None:
        """End everything that still runs."""
        for job_id in list(self._running):
            self.stop(job_id)
        for job_id in list(self._running):
            self._let_go(self._running.pop(job_id))

    def _let_go(self, running: _Running) -> None:
        process = running.process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        deadline = time.monotonic() + _CLOSE_S
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _spec(self, job: RunnerJob, log: Path) -> dict[str, object]:
        data, control = job.folder / "data", job.folder / "control"
        algorithm = self._seen(job) / "transformations" / "algorithm"
        place = Place(data, control, self._tools, self._interpreters, job.allow_network)
        command = job.entrypoint.replace("$ALGO", str(algorithm))
        return {
            "argv": self._tier.command(place, ["/bin/sh", "-c", command]),
            "env": self.environment(job),
            "cwd": str(data),
            "log": str(log),
            "writable": [str(data / name) for name in (*WRITABLE, "tmp")],
            "outcome": str(control / "outcome.json"),
            "limits": job.limits.as_dict(),
        }

    def _seen(self, job: RunnerJob) -> Path:
        return DATA if self._tier.separates else job.folder / "data"

    def environment(self, job: RunnerJob) -> dict[str, str]:
        """Build the whole environment of an algorithm: the protocol's names and few others.

        PATH, HOME, TMPDIR and LANG are there because interpreters need them; ROOT_FOLDER and
        rootFolder because community algorithms look for them. Where a tier has no mounts of its
        own there is no `/data`, and the folders are the real ones.
        """
        data = self._seen(job)
        tools = TOOLS if self._tier.separates else self._tools
        scratch = "/tmp" if self._tier.separates else str(data / "tmp")  # noqa: S108 (its own)
        return {
            "DIDS": json.dumps(list(job.dids)),
            "TRANSFORMATION_DID": job.algorithm_did.removeprefix("did:op:"),
            "VOLUME": str(data),
            "INPUTS": str(data / "inputs"),
            "OUTPUTS": str(data / "outputs"),
            "LOGS": str(data / "logs"),
            "secret": job.secret,
            "ROOT_FOLDER": str(data),
            "rootFolder": str(data),
            "PATH": f"{tools}:{_SYSTEM_PATH}",
            "HOME": scratch,
            "TMPDIR": scratch,
            "LANG": "C.UTF-8",
        }

    def _header(self, job: RunnerJob) -> str:
        if self._tier.separates:
            network = "with the network" if job.allow_network else "without a network"
            where = f"the folders are below {DATA}, {network}"
        else:
            where = (
                f"there is no {DATA}: the folders are in VOLUME, INPUTS, OUTPUTS and LOGS; files "
                "and network of this machine are not cut off"
            )
        return (
            f"[localnet] job {job.job_id}, isolation: {self.isolation}\n"
            f"[localnet] image {job.image} is not used: python and python3 are Python "
            f"{platform.python_version()} of this machine\n"
            f"[localnet] {where}\n"
        )


def read_outcome(folder: Path) -> RunOutcome | None:
    """Return the outcome that a supervisor left in a job's folder, or None."""
    path = folder / "control" / "outcome.json"
    try:
        return RunOutcome.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError):
        return None


def _link_log(log: Path, name: Path) -> None:
    # The algorithm may replace the name in its folder; what is served is the file itself.
    with contextlib.suppress(OSError):
        name.hardlink_to(log)
