"""Lay out a job's folder as its dialect says: the input files, the algorithm, the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ocean_lib.localnet.files.access import FileAccess, FileUnavailable
from ocean_lib.localnet.jobs.store import InputFiles, JobRecord, JobRequest, JobStage
from ocean_lib.localnet.runners import Limits, RunnerJob
from ocean_lib.localnet.runners.outputs import remove_tree


class JobLayout(Protocol):
    """One dialect's folders and environment variables; all paths are below the data folder."""

    @property
    def algorithm(self) -> str:
        """Where the algorithm's file lies."""

    def input_files(self, asset: InputFiles) -> Iterable[tuple[str, str]]:
        """Tell the path and the URL of each of an asset's files."""

    def documents(self, asset: InputFiles) -> Mapping[str, str]:
        """Return the text of each file that describes an asset, by its path."""

    def variables(self, request: JobRequest) -> Mapping[str, str]:
        """Return the environment variables that do not depend on the machine."""

    def folder_variables(self) -> Mapping[str, str]:
        """Return the variables that name folders: each a path, '' for the data folder itself."""


FOLDERS = ("inputs", "transformations", "ddos", "outputs", "logs", "tmp")
GivenUp = Callable[[], bool]


class CannotProvision(Exception):
    """A job that cannot be laid out.

    Args:
        status: The state in which it ends.
        reason: Why, for its log.
    """

    def __init__(self, status: JobStage, reason: str) -> None:
        super().__init__(reason)
        self.status = status


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

    def lay_out(self, job: JobRecord, *, given_up: GivenUp) -> RunnerJob:
        """Make a job's folder, from scratch even if there was one.

        Args:
            job: The job.
            given_up: Tells that the job is not wanted any more; reading then breaks off.

        Raises:
            CannotProvision: If a file cannot be read.
        """
        folder = self._folder / job.job_id
        remove_tree(folder)
        folder.mkdir(mode=0o700, parents=True)
        for name in FOLDERS:
            (folder / "data" / name).mkdir(parents=True)
        request = job.request
        for asset in request.inputs:
            self._fetch_input(folder / "data", asset, given_up)
        self._fetch_algorithm(folder / "data", request, given_up)
        return RunnerJob(
            job_id=job.job_id,
            folder=folder,
            entrypoint=request.algorithm.entrypoint,
            image=request.algorithm.image,
            algorithm=self._layout.algorithm,
            variables=self._layout.variables(request),
            folder_variables=self._layout.folder_variables(),
            limits=replace(self._limits, wall_s=min(self._limits.wall_s, request.wall_s)),
            allow_network=request.allow_network,
        )

    def _fetch_input(self, data: Path, asset: InputFiles, given_up: GivenUp) -> None:
        for path, text in self._layout.documents(asset).items():
            (data / path).write_text(text, encoding="utf-8")
        for index, (path, url) in enumerate(self._layout.input_files(asset)):
            target = data / path
            target.parent.mkdir(exist_ok=True)
            try:
                self._files.fetch(url, target, given_up=given_up)
            except FileUnavailable as error:
                raise CannotProvision(
                    JobStage.DATA_FAILED,
                    f"file {index} of {asset.did} cannot be read: {error}",
                ) from error

    def _fetch_algorithm(self, data: Path, request: JobRequest, given_up: GivenUp) -> None:
        algorithm = request.algorithm
        target = data / self._layout.algorithm
        if algorithm.url:
            try:
                self._files.fetch(algorithm.url, target, given_up=given_up)
            except FileUnavailable as error:
                raise CannotProvision(
                    JobStage.ALGORITHM_FAILED,
                    f"the algorithm's file cannot be read: {error}",
                ) from error
        else:
            target.write_text(algorithm.raw_code, encoding="utf-8")
        target.chmod(0o700)
