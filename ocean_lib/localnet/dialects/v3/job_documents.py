"""A job as the Provider tells it: its JSON object, and the texts of its states."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ocean_lib.localnet.jobs.store import JobRecord, JobStage

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
_PRIVATE_KEYS = ("resultsUrl", "algorithmLogUrl", "resultsDid", "owner")


def job_document(job: JobRecord, base_url: str, *, authorised: bool) -> dict[str, Any]:
    """Build the Provider's JSON object for a job.

    Args:
        job: The job.
        base_url: Where results are served.
        authorised: Without it, the keys that only the owner may see are left out.
    """
    folder = f"{base_url}/results/{job.token}"
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
        "status": int(job.status),
        "statusText": STATUS_TEXTS[job.status],
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
