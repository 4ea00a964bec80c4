"""One container while it runs: its log is read, and it is held to its limits."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any, cast

import requests
import urllib3
from docker.errors import DockerException

from ocean_lib.localnet.runners import EndReason, RunnerJob, RunOutcome
from ocean_lib.localnet.runners.containers.engine import APIError, Engine, NotFound, Unreachable
from ocean_lib.localnet.runners.containers.spec import writable
from ocean_lib.localnet.runners.groups import Group, group_of
from ocean_lib.localnet.runners.guard import Excess, Guard
from ocean_lib.localnet.runners.output_log import OutputLog

_LOOK_S = 0.2
_LOG_ENDS_S = 10.0
_ENGINE_AWAY_S = 60.0


class Running:
    """A container that was started, from its first moment or taken up later.

    Args:
        engine: Where it is.
        job: What it runs.
        container: Its id.
        log: The file for what it prints; it is there.
        age_s: How long ago it was started.

    Attributes:
        outcome: How it ended; None while it runs.
    """

    def __init__(
        self, engine: Engine, job: RunnerJob, container: str, log: Path, age_s: float
    ) -> None:
        self.job = job
        self.container = container
        self.outcome: RunOutcome | None = None
        self._engine = engine
        self._log = OutputLog(str(log), int(job.limits.log_bytes), framed=job.like_docker)
        self._counted = _Counted(engine, container)
        self._guard = Guard(job.limits.as_dict(), writable(job), self._counted, age_s=age_s)
        self._guard.top = 0
        self._look = threading.Event()
        self._stop: Excess | None = None
        self._threads = [
            threading.Thread(target=work, name=f"localnet-container-{job.job_id[:8]}", daemon=True)
            for work in (self._follow, self._watch)
        ]

    def start(self) -> None:
        """Begin to read and to watch a container that the engine has started."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Have it ended, soon; `outcome` tells when it is done."""
        self._stop = self._stop or ("stopped", "")
        self._look.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; tell whether it came."""
        self._threads[1].join(timeout_s)
        return self.outcome is not None

    def _follow(self) -> None:
        with contextlib.suppress(
            DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError
        ):
            for stream, piece in self._engine.log(self.container):
                self._log.write(stream, piece)
        self._log.close()
        self._look.set()

    def _watch(self) -> None:
        try:
            reason, detail = self._until_its_end()
            self._threads[0].join(_LOG_ENDS_S)
            exit_code = self._counted.exit_code
            if reason == "exited":
                reason, detail = self._guard.memory_excess() or self._guard.output_excess([]) or (
                    reason, detail,
                )  # fmt: skip
        except NotFound:
            reason, detail, exit_code = "lost", "somebody removed its container", None
        except Exception as error:  # noqa: BLE001 (the job must end, whatever it was)
            reason, detail, exit_code = "lost", f"the container engine failed: {error}", None
        outcome = RunOutcome(cast("EndReason", reason), exit_code, detail)
        keep_outcome(self.job.folder, outcome)
        self.outcome = outcome

    def _until_its_end(self) -> Excess:
        """Look again and again, and end it where it must end; return why it ended."""
        ended: Excess | None = None
        answered = time.monotonic()
        while True:
            try:
                if not self._counted.look():
                    return ended or ("exited", "")
                self._see(self._counted.pid)
                if ended is None:
                    ended = self._stop or self._guard.excess()
                if ended is not None:
                    self._engine.kill(self.container)
                answered = time.monotonic()
            except Unreachable:
                if time.monotonic() - answered > _ENGINE_AWAY_S:
                    raise
            self._look.wait(_LOOK_S)
            self._look.clear()

    def _see(self, pid: int) -> None:
        """Look at its processes from now on, if they are processes of this machine."""
        if self._guard.top == 0 and pid:
            self._guard.top = _parent(pid, self.container)
            if self._guard.top:
                self._counted.group = group_of(pid)


class _Counted:
    """What is counted for a container: CPU time, and ends for want of memory.

    Engines do not tell of each process that the kernel ends: where the container's control group
    can be read, that is what counts.
    """

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container
        self._state: dict[str, Any] = {}
        self._out_of_memory = False
        self.group: Group | None = None

    @property
    def pid(self) -> int:
        """The number of its first process."""
        return int(self._state.get("Pid") or 0)

    @property
    def exit_code(self) -> int:
        """With what it ended."""
        return int(self._state["ExitCode"])

    def look(self) -> bool:
        """Ask how it is, and tell whether it runs."""
        self._state = self._engine.state(self._container)
        of_group = self.group is not None and self.group.out_of_memory()
        self._out_of_memory |= of_group or bool(self._state.get("OOMKilled"))
        return bool(self._state.get("Running"))

    def cpu_s(self) -> float:
        """Return its CPU seconds, as far as they are told; 0 when it has ended."""
        if self.group is not None:
            with contextlib.suppress(OSError):
                return self.group.cpu_s()
            return 0.0
        try:
            told = self._engine.api.stats(self._container, stream=False, one_shot=True)
        except APIError:
            return 0.0
        used = told.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)
        return int(used) / 1e9

    def out_of_memory(self) -> bool:
        """Tell whether the kernel ended a process of it for its memory."""
        return self._out_of_memory


def keep_outcome(folder: Path, outcome: RunOutcome) -> None:
    """Leave in a job's folder how it ended; see `local.read_outcome`."""
    path = folder / "control" / "outcome.json"
    unfinished = path.with_suffix(".part")
    told = {"reason": outcome.reason, "exit_code": outcome.exit_code, "detail": outcome.detail}
    unfinished.write_text(json.dumps(told), encoding="utf-8")
    unfinished.replace(path)


def _parent(pid: int, container: str) -> int:
    """Return the process above a container's first one; 0 if that is not of this machine."""
    with contextlib.suppress(OSError, ValueError):
        if container in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"):
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            return int(status.rpartition(")")[2].split()[1])
    return 0
