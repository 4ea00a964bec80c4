"""A node's job: its JSON object, its folder, its logs."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from ocean_lib.localnet.dialects.node.outputs import OUTPUTS, pack
from ocean_lib.localnet.jobs.records import (
    LOG_NAME,
    NEVER_RAN,
    InputFiles,
    JobRecord,
    JobRequest,
    JobStage,
    StopRequest,
)

IMAGE_LOG, SETUP_LOG = "image.log", "configuration.log"
CUSTOM_DATA = "inputs/algoCustomData.json"
ALGORITHM = "transformations/algorithm"

_STATUS = {
    JobStage.WARMING_UP: (10, "Pulling algorithm image"),
    JobStage.EXPIRED: (2, "Job expired in queue"),
    JobStage.STARTED: (10, "Pulling algorithm image"),
    JobStage.PULL_FAILED: (11, "Pulling algorithm image failed"),
    JobStage.CONFIGURING: (20, "Configuring volumes"),
    JobStage.CONTAINER_FAILED: (22, "Container creation failed"),
    JobStage.PROVISIONING: (30, "Provisioning data"),
    JobStage.PROVISIONED: (30, "Provisioning data"),
    JobStage.DATA_FAILED: (31, "Data provisioning failed"),
    JobStage.ALGORITHM_FAILED: (32, "Algorithm provisioning failed"),
    JobStage.RUNNING: (40, "Running algorithm "),  # the blank at the end is the protocol's
    JobStage.CANNOT_RUN: (41, "Failed to run algorithm"),
    JobStage.FILTERING: (60, "Publishing results"),
    JobStage.PUBLISHING: (60, "Publishing results"),
    JobStage.FINISHED: (71, "Job settling"),
}
_QUEUED = (1, "Job queued")
_SETTLED = (70, "Job finished")
SETTLED_STAGES = (JobStage.FINISHED, JobStage.CANNOT_RUN)
"""Of ended jobs, those that a claim pass settles."""
_TOLD = ("resources", "maxJobDuration", "metadata", "additionalViewers", "queueMaxWaitTime")


def started_document(
    job: JobRecord, cluster: str, payment: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Build the answer to a start: the only one whose job id has the cluster's."""
    document = job_document(job, settled_before=0.0, results=[], payment=payment)
    for name in ("did", "inputDID", "algoDID", "agreementId"):
        del document[name]
    return document | {"jobId": f"{cluster}-{job.job_id}"}


def job_document(
    job: JobRecord,
    *,
    settled_before: float,
    results: list[dict[str, Any]] | None,
    payment: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the node's JSON object for a job.

    Args:
        job: The job.
        settled_before: When the last claim pass was: what ended earlier is settled.
        results: Its files.
        payment: Of a paid job; it is settled when its lock has ended.
    """
    if payment is not None:
        settled_before = math.inf if payment["claimTx"] or payment["cancelTx"] else 0.0
    status, text = _status(job, settled_before)
    termination = job.termination or NEVER_RAN
    told = {name: job.details.get(name) for name in _TOLD}
    return {
        "owner": job.owner,
        "did": None,
        "jobId": job.job_id,
        "dateCreated": _seconds(job.created),
        "dateFinished": None if job.finished is None else _seconds(job.finished),
        "status": status,
        "statusText": text,
        "results": results,
        "inputDID": None,
        "algoDID": None,
        "agreementId": None,
        "environment": job.details.get("environment"),
        "stopRequested": job.stop_request == StopRequest.OWNER,
        "isFree": payment is None,
        "algoStartTimestamp": _seconds(job.run_began),
        "algoStopTimestamp": _seconds(job.run_ended),
        "terminationDetails": {
            "exitCode": termination.exit_code,
            "OOMKilled": termination.out_of_memory if termination.exit_code is not None else None,
        },
        "payment": payment,
        "algoDuration": 0,
        "jobIdHash": "0x" + hashlib.sha256(job.job_id.encode()).hexdigest(),
        "buildStartTimestamp": "0",
        "buildStopTimestamp": "0",
        **told,
    }


def is_queued(job: JobRecord) -> bool:
    """Tell whether a job waits for its turn, as it was asked to."""
    return job.queue_until is not None and job.status == JobStage.WARMING_UP


def _status(job: JobRecord, settled_before: float) -> tuple[int, str]:
    if is_queued(job):
        return _QUEUED
    is_settled = job.finished is not None and job.finished <= settled_before
    if is_settled and job.status in SETTLED_STAGES:
        return _SETTLED
    return _STATUS[job.status]


def _seconds(moment: float | None) -> str:
    return "0" if moment is None else f"{round(moment, 3):.15g}"


_FOLDERS = MappingProxyType(
    {"VOLUME": "", "INPUTS": "inputs", "OUTPUTS": "outputs", "LOGS": "logs"}
)


class NodeLayout:
    """Flat inputs, no variables of the protocol's, and a log for each phase."""

    algorithm = ALGORITHM
    like_docker = True
    notes_log = IMAGE_LOG

    def input_files(self, asset: InputFiles) -> Iterable[tuple[str, str]]:
        """Tell the path and the URL of an input: its URL's last part; equal names overwrite."""
        for url in asset.urls:
            yield f"inputs/{file_name(url)}", url

    def documents(self, request: JobRequest) -> Mapping[str, str]:
        """Return what was sent along for the algorithm, by its path."""
        return {CUSTOM_DATA: json.dumps(request.private["custom_data"], separators=(",", ":"))}

    def variables(self, request: JobRequest) -> Mapping[str, str]:
        """Return the variables that were sent along."""
        variables: dict[str, str] = request.private["envs"]
        return variables

    def folder_variables(self) -> Mapping[str, str]:
        """Return variables for where there is no `/data`; a node has none."""
        return _FOLDERS

    def stage_lines(self, job: JobRecord, stage: JobStage) -> Mapping[str, str]:
        """Say in a log what was done until this stage."""
        if stage == JobStage.CONFIGURING:
            image = job.request.algorithm.image
            return {IMAGE_LOG: f"Successfully pulled image: {image}\n"}
        if stage == JobStage.PROVISIONED:
            done = "All good with data provisioning, will start uploading it...\n"
            return {SETUP_LOG: "".join(line for _, line in _setup(job)) + done}
        return {}

    def end_lines(
        self, job: JobRecord, stage: JobStage, note: str, target: str
    ) -> Mapping[str, str]:
        """Say in a log why a job ended."""
        if stage in (JobStage.DATA_FAILED, JobStage.ALGORITHM_FAILED):
            what = "input data" if stage == JobStage.DATA_FAILED else "algorithm"
            done = "".join(_until(target, _setup(job)))
            failed = f"Unable to write {what} to path: {_place(job)}/{target}: {note}\n"
            return {SETUP_LOG: done + failed, LOG_NAME: ""}
        if stage == JobStage.CANNOT_RUN:
            return {LOG_NAME: note}
        return {IMAGE_LOG: f"[localnet] {note}\n"}

    def publish(
        self,
        folder: Path,
        found: Sequence[PurePosixPath],
        *,
        whole: bool,  # noqa: ARG002 (a node keeps what there is)
    ) -> Sequence[PurePosixPath]:
        """Pack all files into one archive."""
        pack(folder, found)
        return [PurePosixPath(OUTPUTS)]


def file_name(url: str) -> str:
    """Return the last part of a URL's path; empty if it is no name for a file."""
    try:
        name = PurePosixPath(unquote(urlsplit(url).path)).name
    except ValueError:
        return ""
    return "" if "\0" in name or name == ".." else name


def _place(job: JobRecord) -> str:
    cluster = str(job.details["environment"]).partition("-")[0]
    return f"./c2d_storage/{cluster}/{job.job_id}/data"


def _setup(job: JobRecord) -> Iterator[tuple[str, str]]:
    """Yield what is written where, below the data folder, and the line about it."""
    request, place = job.request, _place(job)
    yield CUSTOM_DATA, f"Writing algocustom data to '/data/{CUSTOM_DATA}'\n"
    if request.algorithm.raw_code:
        yield ALGORITHM, f"Writing raw algo code to {place}/{ALGORITHM}\n"
    elif request.algorithm.did:
        service = request.private["algorithm_service"]
        text = f"Using {request.algorithm.did} and serviceId {service} to get algorithm files.\n"
        yield ALGORITHM, text
    elif not request.algorithm.url:
        text = "Could not extract any files object from the compute algorithm, skipping...\n"
        yield "", text
    for index, asset in enumerate(request.inputs):
        yield "", f"Downloading asset {index} to /data/inputs/\n"
        if asset.did:
            service = request.private["input_services"][index]
            yield "", f"Using {asset.did} and serviceId {service} for this asset.\n"
        for url in asset.urls:
            path = f"inputs/{file_name(url)}"
            yield path, f"Downloading asset to {place}/{path}\n"
        if not asset.urls:
            yield "", "Could not extract any files object from the compute asset, skipping...\n"


def _until(target: str, steps: Iterator[tuple[str, str]]) -> Iterator[str]:
    for path, line in steps:
        yield line
        if path == target:
            return
