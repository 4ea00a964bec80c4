"""Lay out a job's folder as its dialect says: the input files, the algorithm, the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from ocean_lib.localnet.files.access import Asking, FileAccess, FileUnavailable
from ocean_lib.localnet.jobs.records import InputFiles, JobRecord, JobRequest, JobStage
from ocean_lib.localnet.runners import Limits, RunnerJob
from ocean_lib.localnet.runners.outputs import remove_tree


class JobLayout(Protocol):
    """One dialect's folders, variables, logs and results; all paths are below the data folder."""

    @property
    def algorithm(self) -> str:
        """Where the algorithm's file lies."""

    @property
    def like_docker(self) -> bool:
        """Whether algorithms are started, and their output is kept, as `RunnerJob` says of it."""

    @property
    def notes_log(self) -> str:
        """The name of the log in which the runner says what it does."""

    def input_files(self, asset: InputFiles) -> Iterable[tuple[str, str]]:
        """Tell the path and the URL of each of an asset's files."""

    def documents(self, request: JobRequest) -> Mapping[str, str]:
        """Return the text of each file that describes the job or its inputs, by its path."""

    def variables(self, request: JobRequest) -> Mapping[str, str]:
        """Return the environment variables that do not depend on the machine."""

    def folder_variables(self) -> Mapping[str, str]:
        """Return the variables that name folders: each a path, '' for the data folder itself."""

    def stage_lines(self, job: JobRecord, stage: JobStage) -> Mapping[str, str]:
        """Return what each log gets when a job comes to a stage."""

    def end_lines(
        self, job: JobRecord, stage: JobStage, note: str, target: str
    ) -> Mapping[str, str]:
        """Return what each log gets when a job ends at a stage, for a reason, at a file."""

    def publish(
        self, folder: Path, found: Sequence[PurePosixPath], *, whole: bool
    ) -> Sequence[PurePosixPath]:
        """Make of an algorithm's files what its owner may read, and return that.

        Args:
            folder: The job's folder.
            found: The files, as paths below `data/outputs`.
            whole: Whether the algorithm ended by itself.
        """


FOLDERS = ("inputs", "transformations", "ddos", "outputs", "logs", "tmp")
GivenUp = Callable[[], bool]


class CannotProvision(Exception):
    """A job that cannot be laid out.

    Args:
        status: The state in which it ends.
        reason: Why, for its log.
        target: Where the file should have come, below the data folder.
    """

    def __init__(self, status: JobStage, reason: str, target: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.target = target


class Provisioner:
    """Lays out jobs.

    Args:
        files: How inputs and algorithms are read.
        folder: Where the jobs' folders are.
        limits: What a job may use; a request can only shorten its time.
        layout: What lies where in a job's folder.
    """

    def __init__(self, files: FileAccess, folder: Path, limits: Limits, layout: JobLayout) -> None:
        self._files = files
        self._folder = folder
        self._limits = limits
        self._layout = layout

    def clear(self, job: JobRecord) -> None:
        """Make a job's folder, from scratch even if there was one."""
        folder = self._folder / job.job_id
        remove_tree(folder)
        folder.mkdir(mode=0o700, parents=True)
        for name in FOLDERS:
            (folder / "data" / name).mkdir(parents=True)

    def check(self, job: JobRecord) -> None:
        """Check that there is something to start.

        Raises:
            CannotProvision: If the entry point is empty where no shell runs it.
        """
        if self._layout.like_docker and not job.request.algorithm.entrypoint.split():
            raise CannotProvision(JobStage.CONTAINER_FAILED, "there is no entry point")

    def lay_out(self, job: JobRecord, *, given_up: GivenUp) -> RunnerJob:
        """Fetch a job's files into its folder, and return what its runner is told.

        Args:
            job: The job.
            given_up: Tells that the job is not wanted any more; reading then breaks off.

        Raises:
            CannotProvision: If a file cannot be read.
        """
        folder = self._folder / job.job_id
        request = job.request
        for path, text in self._layout.documents(request).items():
            (folder / "data" / path).write_text(text, encoding="utf-8")
        for asset in request.inputs:
            self._fetch_input(folder / "data", asset, given_up)
        self._fetch_algorithm(folder / "data", request, given_up)
        return self.runner_job(job)

    def runner_job(self, job: JobRecord) -> RunnerJob:
        """Return what a job's runner is told."""
        request = job.request
        return RunnerJob(
            job_id=job.job_id,
            folder=self._folder / job.job_id,
            entrypoint=request.algorithm.entrypoint,
            image=job.image,
            algorithm=self._layout.algorithm,
            variables=self._layout.variables(request),
            folder_variables=self._layout.folder_variables(),
            limits=self._limits_of(request),
            allow_network=request.allow_network,
            like_docker=self._layout.like_docker,
            notes_log=self._layout.notes_log,
        )

    def _limits_of(self, request: JobRequest) -> Limits:
        limits = self._limits
        memory = limits.memory_bytes
        return replace(
            limits,
            wall_s=min(limits.wall_s, request.wall_s),
            memory_bytes=min(memory, request.memory_bytes or memory),
        )

    def _fetch_input(self, data: Path, asset: InputFiles, given_up: GivenUp) -> None:
        for index, (path, url) in enumerate(self._layout.input_files(asset)):
            target = data / path
            target.parent.mkdir(exist_ok=True)
            try:
                asking = Asking(asset.method, asset.headers)
                self._files.fetch(url, target, given_up=given_up, asking=asking)
            except (FileUnavailable, OSError, ValueError) as error:
                of = f" of {asset.did}" if asset.did else ""
                raise CannotProvision(
                    JobStage.DATA_FAILED, f"file {index}{of} cannot be read: {error}", path
                ) from error

    def _fetch_algorithm(self, data: Path, request: JobRequest, given_up: GivenUp) -> None:
        algorithm = request.algorithm
        target = data / self._layout.algorithm
        if algorithm.url:
            try:
                asking = Asking(algorithm.method, algorithm.headers)
                self._files.fetch(algorithm.url, target, given_up=given_up, asking=asking)
            except FileUnavailable as error:
                raise CannotProvision(
                    JobStage.ALGORITHM_FAILED,
                    f"the algorithm's file cannot be read: {error}",
                    self._layout.algorithm,
                ) from error
        elif algorithm.raw_code:
            target.write_text(algorithm.raw_code, encoding="utf-8")
        if target.exists():
            target.chmod(0o700)
