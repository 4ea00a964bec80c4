"""Run algorithms as processes of this machine, each held by a supervisor of its own."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocean_lib.localnet.runners import CannotRun, RunnerJob, RunOutcome
from ocean_lib.localnet.runners.folders import open_below
from ocean_lib.localnet.runners.groups import find_groups
from ocean_lib.localnet.runners.isolation import LIMITS, Refused, tier_named
from ocean_lib.localnet.runners.launch import supervise
from ocean_lib.localnet.runners.outputs import collect_outputs
from ocean_lib.localnet.runners.place import (
    DATA,
    TOOLS,
    Place,
    interpreter_paths,
    private_folders,
    usual_python,
    write_wrappers,
)

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_CLOSE_S = 30.0  # a supervisor gives up before that, and says so
_UNCOUNTED = ("memfd_create and System V memory", "more than 256 open files in a process")
_UNSAFE = (
    "UNSAFE: nothing separates algorithms from this machine (isolation 'limits'): they can read "
    "and change what this process can. Run only algorithms that you would run yourself"
)
_log = logging.getLogger(__name__)


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    job: RunnerJob


class LocalRunner:
    """Runs each algorithm as a child process with an environment and limits of its own.

    Whatever the isolation, an algorithm has a clean environment, its process tree dies as a
    whole, and time, memory, processes, files and output are bounded. Every isolation but
    `limits` also keeps it from this machine's files, processes and network. With `limits` it
    sees the machine with the rights of this process: then run only algorithms that you would run
    yourself.

    Args:
        tools: A folder of its own for the interpreter's wrappers; it is created.
        python: The interpreter that `python` and `python3` mean in an entry point; None for
            this one.
        isolation: `bwrap`, `unshare`, `landlock` or `limits`; None for the strongest that works,
            but never `limits`. If none works, every job is refused.
        state: The network's folder, which no algorithm may see wherever it lies; nor may they see
            the folder where this process works.

    Raises:
        UnknownIsolation: If the isolation asked for does not work on this machine.
    """

    def __init__(
        self,
        tools: Path,
        *,
        python: str | None = None,
        isolation: str | None = None,
        state: Path | None = None,
    ) -> None:
        if os.name != "posix":
            message = "the local runner needs a POSIX system; on Windows use WSL"
            raise NotImplementedError(message)
        python = python or usual_python()
        self._private = private_folders(state)
        self._tier = tier_named(isolation, python, state)
        self._groups = find_groups()
        self._interpreters = interpreter_paths(python)
        self._tools = tools
        self._running: dict[str, _Running] = {}
        write_wrappers(tools, python)
        if isinstance(self._tier, Refused):
            _log.warning("jobs will be refused: %s", self._tier.reason)
        elif self._tier is LIMITS:
            _log.warning("%s.", _UNSAFE)

    @property
    def isolation(self) -> str:
        """The tier that separates algorithms from the machine, or `refused`."""
        return self._tier.name

    def submit(self, job: RunnerJob) -> None:
        """Start the algorithm and return at once.

        Raises:
            CannotRun: If nothing separates algorithms here, or the job must have no network and
                the isolation cannot see to that.
        """
        data, control = job.folder / "data", job.folder / "control"
        control.mkdir(exist_ok=True)
        self._write_log(job)
        if not (isinstance(self._tier, Refused) or job.allow_network or self._tier.cuts_network):
            raise CannotRun(
                f"the dataset allows no network access, and isolation {self.isolation!r} cannot "
                "take the network away on this machine. Use a stronger isolation, or a dataset "
                "with allowNetworkAccess."
            )
        place = Place(
            data,
            control,
            self._tools,
            self._interpreters,
            job.allow_network,
            self._private,
            counted=self._groups is not None,
            cwd=DATA.parent if job.like_docker else DATA,
        )
        launch = self._tier.launch(place, self._command(job))
        process = supervise(
            launch,
            data=data,
            control=control,
            environment=self.environment(job),
            limits=job.limits.as_dict(),
            groups=self._groups,
            like_docker=job.like_docker,
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
        return gather(running.job)

    def close(self) -> None:
        """End everything that still runs."""
        for job_id in list(self._running):
            self.stop(job_id)
        for job_id in list(self._running):
            self._let_go(self._running.pop(job_id))

    def environment(self, job: RunnerJob) -> dict[str, str]:
        """Build the whole environment of an algorithm: the protocol's names and few others.

        PATH, HOME, TMPDIR and LANG are there because interpreters need them. Where a tier has no
        mounts of its own there is no `/data`, and the folders are the real ones.
        """
        data = self._seen(job)
        tools = TOOLS if self._tier.own_root else self._tools
        scratch = "/tmp" if self._tier.own_root else str(data / "tmp")  # noqa: S108 (its own)
        named = {} if job.like_docker and self._tier.own_root else job.folder_variables
        # Variables that somebody else named must not reach what builds the isolation.
        variables = {} if job.like_docker else job.variables
        return {
            **variables,
            **{name: str(data / path) for name, path in named.items()},
            "PATH": f"{tools}:{_SYSTEM_PATH}",
            "HOME": scratch,
            "TMPDIR": scratch,
            "LANG": "C.UTF-8",
        }

    def _command(self, job: RunnerJob) -> list[str]:
        if not job.like_docker:
            algorithm = self._seen(job) / job.algorithm
            return ["/bin/sh", "-c", job.entrypoint.replace("$ALGO", str(algorithm))]
        program, *words = job.entrypoint.replace("$ALGO", f"data/{job.algorithm}").split()
        set_variables = [f"{name}={value}" for name, value in job.variables.items()]
        return ["/usr/bin/env", "--", *set_variables, self._found(program), *words]

    def _found(self, program: str) -> str:
        if "/" in program:
            return program
        found = shutil.which(program, path=f"{self._tools}:{_SYSTEM_PATH}")
        if found is None:
            raise CannotRun(f'exec: "{program}": executable file not found in $PATH')
        is_ours = self._tier.own_root and Path(found).parent == self._tools
        return str(TOOLS / program) if is_ours else found

    def _let_go(self, running: _Running) -> None:
        process = running.process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(timeout=_CLOSE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _seen(self, job: RunnerJob) -> Path:
        return DATA if self._tier.own_root else job.folder / "data"

    def _write_log(self, job: RunnerJob) -> None:
        log = _log_file(job)
        log.touch(mode=0o600)
        notes = log.with_name(job.notes_log)
        with notes.open("a", encoding="utf-8") as file:
            file.write("".join(f"[localnet] {line}\n" for line in self._header(job)))
        if job.like_docker:
            return  # its log is of frames, and has nothing but its output
        # What is printed goes to the log that is served. An algorithm that looks for its log
        # finds this one, and what it writes there is added at the end.
        (job.folder / "data" / "logs" / log.name).touch()

    def _header(self, job: RunnerJob) -> list[str]:
        first = f"job {job.job_id}, isolation: {self.isolation}"
        if isinstance(self._tier, Refused):
            return [first]
        missing = (*self._tier.missing, *(() if self._groups is not None else _UNCOUNTED))
        if missing:
            first += f"; here algorithms do without: {'; '.join(missing)}"
        where = "the folders are in VOLUME, INPUTS, OUTPUTS and LOGS"
        if self._tier.own_root:
            where = f"the folders are below {DATA}"
        network = "with the network" if job.allow_network else "without a network"
        lines = [
            first,
            f"image {job.image} is not used: python and python3 are Python "
            f"{platform.python_version()} of this machine",
            f"{where}, {network}",
        ]
        return [*lines, _UNSAFE] if self._tier is LIMITS else lines


def gather(job: RunnerJob) -> tuple[PurePosixPath, ...]:
    """Complete the log of a job that has ended, and return its results."""
    data, log = job.folder / "data", _log_file(job)
    found = collect_outputs(data / "outputs", job.limits)
    if not job.like_docker:
        _add_own_log(data, log, job.limits.log_bytes)
    if found.left_out:
        with log.with_name(job.notes_log).open("a", encoding="utf-8") as file:
            file.write(f"[localnet] {found.describe()}\n")
    return found.results


def read_outcome(folder: Path) -> RunOutcome | None:
    """Return the outcome that a supervisor left in a job's folder, or None."""
    path = folder / "control" / "outcome.json"
    try:
        return RunOutcome.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError):
        return None


def _log_file(job: RunnerJob) -> Path:
    return job.folder / "control" / "algorithm.log"


def _add_own_log(data: Path, log: Path, most_bytes: int) -> None:
    """Add what an algorithm wrote into its log itself, if that is a plain file of its own."""
    handle = open_below(data, ("logs", log.name))
    if handle is None:
        return
    with os.fdopen(handle, "rb") as source:
        room = most_bytes - log.stat().st_size
        if not os.fstat(handle).st_size:
            return
        with log.open("ab") as target:
            target.write(b"[localnet] the algorithm itself wrote into its log:\n")
            target.write(source.read(max(room, 0)))
            target.write(b"\n")
