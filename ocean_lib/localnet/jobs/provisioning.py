"""Lay out a job's folder: the protocol's folders, the input files, the algorithm."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from ocean_lib.localnet.dialects.v3.assets import compact_json
from ocean_lib.localnet.files.access import FileAccess, FileUnavailable
from ocean_lib.localnet.jobs.store import InputFiles, Job, JobRequest, JobStatus
from ocean_lib.localnet.runners import Limits, RunnerJob
from ocean_lib.localnet.runners.outputs import remove_tree

FOLDERS = ("inputs", "transformations", "ddos", "outputs", "logs", "tmp")
GivenUp = Callable[[], bool]


class CannotProvision(Exception):
    """A job that cannot be laid out.

    Args:
        status: The state in which it ends.
        reason: Why, for its log.
    """

    def __init__(self, status: JobStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Provisioner:
    """Lays out jobs.

    Args:
        files: How inputs and algorithms are read.
        folder: Where the jobs' folders are.
        limits: What a job may use; a request can only shorten its time.
    """

    def __init__(self, files: FileAccess, folder: Path, limits: Limits) -> None:
        self._files = files
        self._folder = folder
        self._limits = limits

    def lay_out(self, job: Job, *, given_up: GivenUp) -> RunnerJob:
        """Make a job's folder, from nothing even if there was one.

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
        for item in request.inputs:
            self._fetch_input(folder / "data", item, given_up)
        self._fetch_algorithm(folder / "data" / "transformations", request, given_up)
        limits = Limits(
            **{
                **self._limits.as_dict(),
                "wall_s": min(self._limits.wall_s, request.wall_s),
            }  # type: ignore[arg-type]
        )
        return RunnerJob(
            job_id=job.job_id,
            folder=folder,
            entrypoint=request.algorithm.entrypoint,
            image=request.algorithm.image,
            dids=tuple(item.did.removeprefix("did:op:") for item in request.inputs),
            algorithm_did=request.algorithm.did,
            secret=secrets.token_hex(16),
            limits=limits,
            allow_network=request.allow_network,
        )

    def _fetch_input(self, data: Path, item: InputFiles, given_up: GivenUp) -> None:
        (data / "ddos" / item.did).write_text(compact_json(item.ddo), encoding="utf-8")
        folder = data / "inputs" / item.did.removeprefix("did:op:")
        folder.mkdir(exist_ok=True)
        for index, url in enumerate(item.urls):
            try:
                self._files.fetch(url, folder / str(index), given_up=given_up)
            except FileUnavailable as error:
                raise CannotProvision(
                    JobStatus.DATA_FAILED,
                    f"file {index} of {item.did} cannot be read: {error}",
                ) from error

    def _fetch_algorithm(self, folder: Path, request: JobRequest, given_up: GivenUp) -> None:
        algorithm = request.algorithm
        target = folder / "algorithm"
        if algorithm.url:
            try:
                self._files.fetch(algorithm.url, target, given_up=given_up)
            except FileUnavailable as error:
                raise CannotProvision(
                    JobStatus.ALGORITHM_FAILED,
                    f"the algorithm's file cannot be read: {error}",
                ) from error
        else:
            target.write_text(algorithm.raw_code, encoding="utf-8")
        target.chmod(0o700)
