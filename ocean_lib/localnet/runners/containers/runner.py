"""Run each algorithm in a container of its own image, and find them again after a kill."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path, PurePosixPath

import requests
from docker.errors import DockerException

from ocean_lib.localnet.runners import CannotRun, RunnerJob, RunOutcome
from ocean_lib.localnet.runners.containers import spec
from ocean_lib.localnet.runners.containers.engine import Engine
from ocean_lib.localnet.runners.containers.images import Images
from ocean_lib.localnet.runners.containers.keeper import JOB, NETWORK, Keeper, Ownership
from ocean_lib.localnet.runners.containers.running import Running
from ocean_lib.localnet.runners.local import gather, read_outcome
from ocean_lib.localnet.runners.named import CONTAINER
from ocean_lib.localnet.runners.outputs import LOG_NAME
from ocean_lib.localnet.runners.place import DATA

_CLOSE_S = 30.0
_SUBMITTED = "submitted"
_Failures = (DockerException, requests.RequestException)


class ContainerRunner:
    """Runs each algorithm in a container, which an engine makes of the algorithm's own image.

    The container has the job's folders below `/data`, no network unless the dataset allows it, a
    root that cannot be written to, no rights at all, and limits that the kernel counts.

    Args:
        engine: Docker or Podman.
        folder: The network's; jobs' folders are below it, and the engine sees them too.
        pull: When to ask a registry for an image: `missing`, `always` or `never`.
        network: The engine's network for algorithms that may use one.
        grace_s: How long containers go on when this process is killed, for another one with the
            same folder to take them up.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        *,
        pull: str = "missing",
        network: str = "default",
        grace_s: float = 60.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._engine = engine
        self._images = Images(engine, pull)
        self._network = network
        self._running: dict[str, Running | RunnerJob] = {}
        self._owned = Ownership(folder / "containers.json")
        self._grace_s = grace_s
        self._keeper = Keeper(engine.url, self._owned, grace_s)
        found = engine.found({NETWORK: self._owned.network})
        self._left = {str(one["Labels"].get(JOB)): str(one["Id"]) for one in found}

    @property
    def isolation(self) -> str:
        """The word for what separates algorithms from the machine."""
        return CONTAINER

    def pull(self, image: str, given_up: Callable[[], bool]) -> str:
        """See `PullsImages.pull`."""
        return self._images.ready(image, given_up)

    def submit(self, job: RunnerJob) -> None:
        """Start the algorithm and return at once.

        Raises:
            CannotRun: If the engine refuses, because there is no such program for example.
        """
        self._remove_left()
        self._create(job)

    def _create(self, job: RunnerJob) -> None:
        if not self._keeper.alive:
            self._keeper = Keeper(self._engine.url, self._owned, self._grace_s)
        control = job.folder / "control"
        control.mkdir(exist_ok=True)
        (control / _SUBMITTED).touch()
        self._begin_logs(job)
        try:
            container = spec.create(
                self._engine,
                job,
                name=f"ocean-{self._owned.network[:8]}-{job.job_id}",
                labels={NETWORK: self._owned.network, JOB: job.job_id},
                network=self._network,
                volumes=self._images.volumes(job.image),
            )
        except _Failures as error:
            raise CannotRun(_explained(error)) from error
        self._start(job, container)

    def take_up(self, job: RunnerJob) -> bool:
        """See `OutlivesNetwork.take_up`."""
        container = self._left.pop(job.job_id, None)
        if read_outcome(job.folder) is not None:
            if container is not None:
                self._engine.remove(container)
            self._running[job.job_id] = job
        elif container is not None:
            self._begin_logs(job, again=True)
            state = self._engine.state(container)
            if state["Status"] == "created":
                self._start(job, container)
            else:
                self._watch(job, container, _age_s(state["StartedAt"]))
        elif (job.folder / "control" / _SUBMITTED).exists():
            return False
        else:  # killed just before: nothing of it ever ran
            self._create(job)
        return True

    def poll(self, job_id: str) -> RunOutcome | None:
        """Return None while the algorithm runs, then how it ended."""
        running = self._running[job_id]
        return running.outcome if isinstance(running, Running) else read_outcome(running.folder)

    def stop(self, job_id: str) -> None:
        """End the algorithm and everything it started; `poll` tells when it is done."""
        running = self._running.get(job_id)
        if isinstance(running, Running):
            running.stop()

    def collect(self, job_id: str) -> tuple[PurePosixPath, ...]:
        """Remove the container, list the result files and forget the job."""
        running = self._running.pop(job_id)
        if not isinstance(running, Running):
            return gather(running)
        self._engine.remove(running.container)
        return gather(running.job)

    def close(self) -> None:
        """End everything that still runs."""
        running = [one for one in self._running.values() if isinstance(one, Running)]
        self._running.clear()
        for one in running:
            one.stop()
        for one in running:
            one.join(_CLOSE_S)
            self._engine.remove(one.container)
        self._remove_left()
        self._keeper.dismiss()
        self._engine.close()

    def _start(self, job: RunnerJob, container: str) -> None:
        try:
            self._engine.api.start(container)
        except _Failures as error:
            self._engine.remove(container)
            raise CannotRun(_explained(error)) from error
        self._watch(job, container, 0.0)

    def _watch(self, job: RunnerJob, container: str, age_s: float) -> None:
        log = job.folder / "control" / LOG_NAME
        running = Running(self._engine, job, container, log, age_s)
        self._running[job.job_id] = running
        running.start()

    def _remove_left(self) -> None:
        """Remove containers of an earlier run, whose jobs have ended."""
        with contextlib.suppress(KeyError):  # another thread took the last one
            while self._left:
                self._engine.remove(self._left.popitem()[1])

    def _begin_logs(self, job: RunnerJob, *, again: bool = False) -> None:
        """Begin the log with what the runner says itself; the engine tells the rest anew."""
        log = job.folder / "control" / LOG_NAME
        log.touch(mode=0o600)
        log.write_bytes(b"")
        if not job.like_docker:
            (job.folder / "data" / "logs" / LOG_NAME).touch()  # see LocalRunner
        elif again:
            return
        network = (
            f"with the network {self._network!r}" if job.allow_network else "without a network"
        )
        lines = [
            f"job {job.job_id}, isolation: {self.isolation} ({self._engine.isolation})",
            f"image {job.image}",
            f"the folders are below {DATA}, {network}, as user {self._engine.user}",
        ]
        with log.with_name(job.notes_log).open("a", encoding="utf-8") as file:
            file.write("".join(f"[localnet] {line}\n" for line in lines))


def _age_s(started_at: str) -> float:
    """Return how long ago that was; engines tell nanoseconds, and Python reads microseconds."""
    parts = re.match(r"(\d+-\d+-\d+T\d+:\d+:\d+)(\.\d{1,6})?\d*(.*)", started_at)
    if parts is None:
        return 0.0
    zone = parts[3].replace("Z", "+00:00") or "+00:00"
    began = datetime.fromisoformat(parts[1] + zone).timestamp() + float(parts[2] or 0)
    return max(time.time() - began, 0.0)


def _explained(error: Exception) -> str:
    """Say why the engine did not start a container, without what is about the engine itself."""
    told = str(getattr(error, "explanation", None) or error).strip()
    if "bind source path does not exist" in told or "invalid mount" in told:
        return (
            f"{told}. The engine does not see this machine's files: use one that runs on this "
            "machine itself, and a state folder that it can read."
        )
    found = re.search(r'exec: ".*', told, re.DOTALL)
    return (found[0] if found else told).strip().removesuffix(": unknown")
