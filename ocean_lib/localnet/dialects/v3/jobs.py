"""A V3 job: its JSON object at the Provider, its folder, and its algorithm's environment."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from ocean_lib.localnet.dialects.v3.assets import compact_json
from ocean_lib.localnet.jobs.records import LOG_NAME, InputFiles, JobRecord, JobRequest, JobStage

STATUS_TEXTS = {
    JobStage.WARMING_UP: "Warming up",
    JobStage.STARTED: "Job started",
    JobStage.CONFIGURING: "Configuring volumes",
    JobStage.PROVISIONED: "Provisioning success",
    JobStage.DATA_FAILED: "Data provisioning failed",
    JobStage.ALGORITHM_FAILED: "Algorithm provisioning failed",
    JobStage.RUNNING: "Running algorithm ",  # the blank at the end is the protocol's
    JobStage.FILTERING: "Filtering results",
    JobStage.PUBLISHING: "Publishing results",
    JobStage.FINISHED: "Job finished",
}
# V3 has no words of its own for these.
SHOWN_AS = {
    JobStage.EXPIRED: JobStage.FINISHED,
    JobStage.PULL_FAILED: JobStage.ALGORITHM_FAILED,
    JobStage.CONTAINER_FAILED: JobStage.ALGORITHM_FAILED,
    JobStage.PROVISIONING: JobStage.CONFIGURING,
    JobStage.CANNOT_RUN: JobStage.ALGORITHM_FAILED,
}
_PRIVATE_KEYS = ("resultsUrl", "algorithmLogUrl", "resultsDid", "owner")


def job_document(job: JobRecord, base_url: str, *, authorised: bool) -> dict[str, Any]:
    """Build the Provider's JSON object for a job.

    Args:
        job: The job.
        base_url: Where results are served.
        authorised: Without it, the keys that only the owner may see are left out.
    """
    folder = f"{base_url}/results/{job.token}"
    status = SHOWN_AS.get(job.status, job.status)
    log_url = f"{folder}/{job.log_path}" if job.log_path and not job.removed else None
    document: dict[str, Any] = {
        "agreementId": job.agreement_id,
        "algoDID": job.algorithm_did,
        "algorithmLogUrl": log_url,
        "dateCreated": job.created,
        "dateFinished": job.finished,
        "inputDID": list(job.input_dids),
        "jobId": job.job_id,
        "owner": job.owner,
        "removed": job.removed,
        "resultsDid": "",
        "resultsUrl": [f"{folder}/{quote(path)}" for path in job.result_paths] or "",
        "status": int(status),
        "statusText": STATUS_TEXTS[status],
        "stopreq": job.stop_request,
    }
    if job.termination is not None:  # not V3's: an extension, public as at an Ocean Node
        document["terminationDetails"] = {
            "exitCode": job.termination.exit_code,
            "OOMKilled": job.termination.out_of_memory,
        }
    if not authorised:
        for key in _PRIVATE_KEYS:
            del document[key]
    return document


_FOLDERS = MappingProxyType(
    {
        "VOLUME": "",
        "INPUTS": "inputs",
        "OUTPUTS": "outputs",
        "LOGS": "logs",
        # Community algorithms look for these two.
        "ROOT_FOLDER": "",
        "rootFolder": "",
    }
)


class V3Layout:
    """The folders and variables of V3."""

    algorithm = "transformations/algorithm"
    like_docker = False
    notes_log = LOG_NAME

    def input_files(self, asset: InputFiles) -> Iterable[tuple[str, str]]:
        """Tell the path and the URL of each of an asset's files: its number, below its DID."""
        for index, url in enumerate(asset.urls):
            yield f"inputs/{_short(asset.did)}/{index}", url

    def documents(self, request: JobRequest) -> Mapping[str, str]:
        """Return the text of each asset's DDO, by its path."""
        return {f"ddos/{asset.did}": compact_json(asset.ddo) for asset in request.inputs}

    def variables(self, request: JobRequest) -> Mapping[str, str]:
        """Return the DIDs without their prefix, and a random value of this job."""
        return {
            "DIDS": json.dumps([_short(asset.did) for asset in request.inputs]),
            "TRANSFORMATION_DID": _short(request.algorithm.did),
            "secret": secrets.token_hex(16),
        }

    def folder_variables(self) -> Mapping[str, str]:
        """Return the variables that name folders."""
        return _FOLDERS

    def stage_lines(self, job: JobRecord, stage: JobStage) -> Mapping[str, str]:  # noqa: ARG002
        """Return nothing: V3 has one log, the algorithm's."""
        return {}

    def end_lines(
        self,
        job: JobRecord,  # noqa: ARG002
        stage: JobStage,  # noqa: ARG002
        note: str,
        target: str,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """Say in the algorithm's log how the job ended."""
        return {LOG_NAME: f"[localnet] {note}\n"}

    def publish(
        self,
        folder: Path,  # noqa: ARG002
        found: Sequence[PurePosixPath],
        *,
        whole: bool,
    ) -> Sequence[PurePosixPath]:
        """Return each file; none of an algorithm that did not end by itself."""
        return found if whole else ()


def _short(did: str) -> str:
    return did.removeprefix("did:op:")
