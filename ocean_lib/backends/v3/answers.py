"""What a Provider's answer means: a value, or the error that says why not.

The shapes are those measured on Provider 0.4.12 (tests/vectors/provider-v3/errors.json): two
kinds of JSON for a refusal, a third with the request's parameters in it, and HTML pages.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from ocean_lib.backends.answers import STATUSES_THAT_SAY_ALL, error_by_status, refusal
from ocean_lib.backends.backend import JobResult
from ocean_lib.checks import SHORTEST_SECRET, is_did, is_job_id, trust_job_id
from ocean_lib.exceptions import (
    AccessDenied,
    AlgorithmNotTrusted,
    JobNotFound,
    MalformedResponse,
    OrderNotValid,
    ProviderError,
    ProviderFault,
    RawAlgorithmNotAllowed,
    RequestInvalid,
    ResultsWithheld,
    SignatureRejected,
    StartUncertain,
    WorkflowRefused,
)
from ocean_lib.http.exchange import Answer
from ocean_lib.http.redaction import one_line, server_words
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.view import (
    Job,
    JobState,
    JobStatus,
    did_well,
    epoch_seconds,
    termination_of,
    whole_number,
)

logger = logging.getLogger(__name__)

JobInfo = dict[str, Any]
"""A job as the Provider describes it; docs/jobs.md lists the keys."""

OWNER_KEYS = ("resultsUrl", "algorithmLogUrl")
"""Keys that the Provider omits if it does not accept the signature."""


# The Provider's texts in {"error": text}, and our errors for them.
_REFUSALS: tuple[tuple[re.Pattern[str], type[WorkflowRefused], str], ...] = (
    (
        re.compile(r"is not trusted|no trusted algorithms|checksum", re.IGNORECASE),
        AlgorithmNotTrusted,
        "Ask the data set's publisher to trust the algorithm (again, if it has changed), or "
        "choose one that is trusted.",
    ),
    (
        re.compile(r"cannot run raw algorithm", re.IGNORECASE),
        RawAlgorithmNotAllowed,
        "Publish the algorithm and send it by DID, or ask the publisher to allow raw code.",
    ),
    (
        re.compile(r"denied with code:?\s*2\b", re.IGNORECASE),
        AccessDenied,
        "The Provider cannot reach the asset's file: try again later, or ask the publisher.",
    ),
    (
        re.compile(r"denied with code", re.IGNORECASE),
        AccessDenied,
        "Ask the publisher to enable the asset or to let the address in.",
    ),
    (
        re.compile(r"^(Error in input.*: )?Order for serviceId|can not be found on chain"),
        OrderNotValid,
        "Check the transaction hash, the service index and that the same wallet ordered; "
        "order again if necessary.",
    ),
)


def check_status(answer: Answer) -> Answer:
    """Return the answer if it is a success.

    Raises:
        ProviderError: the class says why not, the message in the Provider's words.
    """
    if 200 <= answer.status_code < 300:
        return answer
    raise error_of(answer)


def error_of(answer: Answer) -> ProviderError:
    """Make the error for a refusal."""
    if answer.status_code in STATUSES_THAT_SAY_ALL:
        return error_by_status(answer)
    said = _json_object(answer)
    if isinstance(said.get("errors"), dict):
        return _invalid(answer, said["errors"])
    if "error" in said:
        return _refused(answer, server_words(str(said["error"])))
    return error_by_status(answer)


def jobs_of(answer: Answer, owner: str = "") -> dict[str, JobInfo]:
    """Return the jobs in an answer to a compute call, by their ids.

    Args:
        answer: what came.
        owner: whose jobs were asked for; '' if it does not matter. Answers to unsigned calls name
            no owner.

    Raises:
        MalformedResponse: neither a job nor a list of jobs, one job described in two ways, or one
            of another owner.
    """
    if not 200 <= answer.status_code < 300:
        raise error_of(answer)
    said = answer.json()
    jobs: dict[str, JobInfo] = {}
    for job in said if isinstance(said, list) else [said]:
        if not (isinstance(job, dict) and isinstance(job.get("jobId"), str) and job["jobId"]):
            raise answer.malformed("a list of jobs, each with a jobId", answer.text())
        job_id = job["jobId"]
        if jobs.setdefault(job_id, job) != job:
            raise answer.malformed(
                "one description of each job", f"two of job {one_line(job_id, 80)}"
            )
        if owner and job.get("owner") and differs(job["owner"], owner):
            raise answer.malformed(
                f"jobs of {owner}", f"job {one_line(job_id, 80)} of {_shown(job['owner'])}"
            )
        if len(job_id) >= SHORTEST_SECRET:
            trust_job_id(job_id)
    return jobs


def differs(said: Any, *asked: str) -> bool:
    """Tell whether a Provider's value in a job is present and is not the one asked for.

    Args:
        said: a text or a list of texts; without regard to case and order.
        asked: the texts that belong there.
    """
    if said in (None, "", []):
        return False
    found = said if isinstance(said, list) else [said]
    return set(map(str.lower, map(str, found))) != set(map(str.lower, asked))


def started_job(answer: Answer, plan: JobPlan) -> JobInfo:
    """Return the one job in the answer to a start, if it is what was asked for.

    Raises:
        MalformedResponse: neither a job nor a list of jobs, or its id is unusable.
        StartUncertain: none or several, or one of another owner, order, input or algorithm.
    """
    jobs = list(jobs_of(answer).values())
    asked = {
        "owner": [plan.consumer],
        "agreementId": [plan.order_tx],
        "inputDID": list(plan.dids),
        "algoDID": [plan.algorithm.did or "raw"],
    }
    if len(jobs) > 1:
        jobs = [job for job in jobs if job.get("agreementId") == plan.order_tx] or jobs
    fault = f"with {len(jobs)} jobs instead of one, so the new one cannot be identified"
    if len(jobs) == 1:
        (job,), fault = jobs, ""
        if not is_job_id(job["jobId"]):
            raise answer.malformed("a job id", repr(one_line(job["jobId"], 80)))
        for key, wanted in asked.items():
            said = job.get(key)
            if fault or not said or wanted in (said, [said]):
                continue
            if differs(said, *wanted):
                is_what = f"{key} is {_shown(said)} and not {_shown(wanted)}"
                fault = f"with job {one_line(job['jobId'], 80)}, whose {is_what}"
        if not fault:
            return job
    raise StartUncertain(
        f"The Provider at {answer.url} answered the start {fault}. The new job may still "
        "run: check DataServiceProvider.compute_jobs before you start a second one.",
        did=plan.did,
        order_tx=plan.order_tx,
        candidates=[job["jobId"] for job in jobs],
    )


def _shown(said: Any) -> str:
    return one_line(", ".join(map(str, said)) if isinstance(said, list) else said, 200)


def no_such_job(jobs: Sized, job_id: str, operation: str, root: str) -> JobNotFound:
    """Make the error for an answer that has other jobs than the one asked for, or none."""
    others = f"it answered with {len(jobs)} other job(s)" if jobs else "it answered with no job"
    return JobNotFound(
        f"Could not {operation}: the Provider does not know a job {one_line(job_id, 80)!r} of "
        f"this wallet ({others}). Check the job id, the wallet, and that the data set's Provider "
        "is the one the job was started at.",
        others=len(jobs),
        root=root,
    )


def check_not_withheld(job: JobInfo) -> JobInfo:
    """Return the job if its owner's keys are there.

    Raises:
        ResultsWithheld: they are missing, which means that the Provider did not accept the
            signature.
    """
    if all(key in job for key in OWNER_KEYS):
        return job
    raise ResultsWithheld(
        f"The Provider did not accept the signature for job {job['jobId']}: it answered without "
        "the results. The wallet must be the one that started the job, and no other program may "
        "use its nonce at the same moment; try again. (Providers from 0.4.16 on serve results in "
        "another way, which this version does not support.)"
    )


_FINISHED = 70
_STATES = {
    **dict.fromkeys((1, 10, 20, 30, 40, 50, 60), JobState.RUNNING),
    **dict.fromkeys((31, 32), JobState.FAILED),
    _FINISHED: JobState.FINISHED,
}
_STOPS = {1: JobState.STOPPED, 2: JobState.TIMED_OUT}
"""How a finished job ended, by its stop request. 2 is a time-out by the operator's code."""


def job_of(info: JobInfo, *, is_new: bool = False) -> Job:
    """Read the Provider's description of a job.

    Args:
        info: as it came.
        is_new: it answers a start: only its id must be readable.

    Raises:
        MalformedResponse: it has no status.
    """
    code, stop_request = info.get("status"), info.get("stopreq")
    if not isinstance(code, int) or isinstance(code, bool):
        code = whole_number(code)
    if not isinstance(stop_request, int) or isinstance(stop_request, bool):
        stop_request = whole_number(stop_request)
    if code is None and is_new:
        return Job(JobStatus(info["jobId"], 0, "", JobState.UNKNOWN), raw=info)
    if code is None:
        raise MalformedResponse(
            f"The Provider described job {one_line(info.get('jobId'), 80)} without a status. "
            "Check that the URL is that of a Provider.",
            operation="read the status of the job",
        )
    finished_s = epoch_seconds(info.get("dateFinished"))
    told, exit_code, oom_killed = False, None, None
    if "terminationDetails" in info:
        told, exit_code, oom_killed = termination_of(info)
    state = _STATES.get(code, JobState.UNKNOWN)
    if state is JobState.FINISHED:
        state = _STOPS.get(stop_request or 0, state)
        if told and state is JobState.FINISHED and not did_well(exit_code, oom_killed):
            state = JobState.FAILED
    elif state is JobState.RUNNING and finished_s is not None:
        state = JobState.UNKNOWN  # the operator never ran the algorithm
    inputs = info.get("inputDID")
    dids: list[Any] = inputs if isinstance(inputs, list) else [inputs]
    if not {str}.issuperset(map(type, dids)):
        dids = [did for did in dids if isinstance(did, str)]
    return Job(
        JobStatus(
            job_id=str(info.get("jobId") or ""),
            code=code,
            text=str(info.get("statusText") or ""),
            state=state,
            created_s=epoch_seconds(info.get("dateCreated")),
            finished_s=finished_s,
            stop_requested=stop_request == 1,
            order_tx=str(info.get("agreementId") or ""),
            exit_code=exit_code,
            oom_killed=oom_killed,
            progress=max(0, min(code, _FINISHED)) / _FINISHED,
        ),
        dids=tuple(dids),
        algorithm_did=str(info.get("algoDID") or ""),
        owner=str(info.get("owner") or ""),
        raw=info,
    )


def readable(infos: Iterable[JobInfo]) -> Iterator[Job]:
    """Read a list of jobs; unreadable ones are logged and skipped."""
    for info in infos:
        try:
            yield job_of(info)
        except MalformedResponse as error:
            logger.warning("A job is skipped in the list: %s", error)


def listable(infos: Iterable[JobInfo]) -> list[Job]:
    """Read a list of jobs, without those that nothing can be asked about: they name no data set."""
    jobs = []
    for job in readable(infos):
        if any(is_did(did) for did in job.dids):
            jobs.append(job)
        else:
            job_id = one_line(job.status.job_id, 80)
            logger.warning("The Provider lists job %s without its data set; it is skipped.", job_id)
    return jobs


def result_of(job: JobInfo) -> JobResult:
    """Return where a job's outcome is.

    Raises:
        ResultsWithheld: see `check_not_withheld`.
        MalformedResponse: the URLs are neither text nor objects with a `url`.
    """
    check_not_withheld(job)
    return {
        "did": str(job.get("resultsDid") or ""),
        "urls": _urls(job["resultsUrl"]),
        "logs": _urls(job["algorithmLogUrl"]),
    }


def _urls(value: Any) -> list[str]:
    """Flatten what was sent ('', None, one text, a list, objects with a url) to a list."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict) and isinstance(value.get("url"), str):
        return _urls(value["url"])
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        return [url for item in value for url in _urls(item)]
    raise MalformedResponse(
        f"Could not get the results of the job: expected URLs, got {type(value).__name__}. "
        "Ask the Provider's operator.",
        operation="get the results of the job",
    )


def _json_object(answer: Answer) -> dict[str, Any]:
    try:
        said = answer.json()
    except MalformedResponse:
        return {}
    return said if isinstance(said, dict) else {}


def _invalid(answer: Answer, errors: dict[Any, Any]) -> ProviderError:
    texts = {
        one_line(field, 60): [
            server_words(str(text)) for text in (found if isinstance(found, list) else [found])
        ]
        for field, found in errors.items()
    }
    words = "; ".join(f"{field}: {' '.join(found)}" for field, found in texts.items())
    if "invalid signature" in " ".join(texts.get("signature", [])).lower():
        return refusal(
            SignatureRejected,
            answer,
            words,
            "The wallet is not the consumer, or its nonce has moved; try again.",
            errors=texts,
        )
    return refusal(RequestInvalid, answer, words, "Check the arguments of the call.", errors=texts)


def _refused(answer: Answer, words: str) -> ProviderError:
    if answer.status_code >= 500:
        return refusal(
            ProviderFault,
            answer,
            words,
            "Check the DID, the service index and the parameters; then ask the operator.",
        )
    for pattern, kind, advice in _REFUSALS:
        if pattern.search(words):
            error = refusal(kind, answer, words, advice)
            if isinstance(error, AccessDenied):
                code = re.search(r"denied with code:?\s*(\d+)", words)
                error.code = int(code[1]) if code else None
            return error
    return refusal(WorkflowRefused, answer, words, "Fix what the Provider names and try again.")
