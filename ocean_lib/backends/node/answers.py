"""What an Ocean Node's answer means: a value, or the error that says why not.

The texts and shapes are those recorded on ocean-node 3.2.0
(tests/vectors/ocean-node/errors.json): a refused start is a JSON string, most other refusals are
plain text, and what is about auth tokens says `{"error": text}`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocean_lib.backends.answers import error_by_status, refusal
from ocean_lib.backends.generation import Generation
from ocean_lib.exceptions import (
    AccessDenied,
    AlgorithmNotTrusted,
    EnvironmentUnavailable,
    EscrowNotReady,
    ImageNotFound,
    JobError,
    JobNotFound,
    MalformedResponse,
    NotYourJob,
    OceanError,
    OrderNotValid,
    ProviderError,
    RawAlgorithmNotAllowed,
    RequestInvalid,
    SignatureRejected,
    WorkflowRefused,
)
from ocean_lib.http.exchange import Answer
from ocean_lib.http.redaction import one_line, server_words
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

NodeJob = Mapping[str, Any]
"""A job as the node describes it."""

_TRUST = "Ask the data set's publisher to trust the algorithm, or choose one that is trusted."
_REFUSALS: tuple[tuple[re.Pattern[str], type[ProviderError], str], ...] = tuple(
    (re.compile(pattern), kind, advice)
    for pattern, kind, advice in (
        (
            r"nonce signature mismatch|is not a valid nonce|^Invalid authentication|^Invalid token",
            SignatureRejected,
            "The signature is another account's, or the wallet's nonce at the node moved "
            "meanwhile; try again.",
        ),
        (
            r"^Invalid C2D Environment",
            EnvironmentUnavailable,
            "Choose another; their ids change when a node is set up anew.",
        ),
        (
            r"^Not enough available",
            EnvironmentUnavailable,
            "It is busy: try again later, ask for less, or choose another environment.",
        ),
        (
            r"Not enough \w+ resources",
            EnvironmentUnavailable,
            "Ask for less, or choose another environment.",
        ),
        (
            r"does not accept payments on chain",
            EnvironmentUnavailable,
            "Choose one of the environment's tokens and chains.",
        ),
        (
            r"^Access denied",
            AccessDenied,
            "The environment is not open to this wallet; choose another.",
        ),
        (
            r"Access to asset \S+ was denied",
            AccessDenied,
            "Ask the publisher to let the address in.",
        ),
        (
            r"^Cannot find image|^Unable to extract docker image",
            ImageNotFound,
            "Check image and tag, and that the image is built for the environment's platform.",
        ),
        (
            r"^Algorithm undefined not allowed",
            RawAlgorithmNotAllowed,
            "Publish the algorithm and send it by DID, or ask the publisher to allow raw code.",
        ),
        (r"not allowed to run on the dataset", AlgorithmNotTrusted, _TRUST),
        (
            r"^Missing transferTxId|^TxId Service .* is not valid",
            OrderNotValid,
            "Order the asset for the environment's consumer address, and pass that transaction.",
        ),
        (
            r"does not have enough funds|^No (?:valid )?escrow auths",
            EscrowNotReady,
            "Deposit the price in the escrow and authorise the node.",
        ),
        (
            r"^Missing |^Parameter : |is not iterable|^Cannot read properties|"
            r"^Metadata size is too large|^Invalid re(?:sult index|quest parameters)",
            RequestInvalid,
            "Check the arguments of the call.",
        ),
        (
            r"^DDO .*not found|^Cannot find service|^Failed to retrieve algorithm checksums|"
            r"^Unable to decrypt files",
            WorkflowRefused,
            "Check the DID and the service: the node must know the asset and serve its files.",
        ),
    )
)


def check_ok(answer: Answer) -> Answer:
    """Return the answer if it says yes.

    Raises:
        ProviderError, JobError: the class says why not, the message in the node's words.
    """
    if 200 <= answer.status_code < 300:
        return answer
    raise error_of(answer)


def error_of(answer: Answer) -> OceanError:
    """Make the error for an answer that says no."""
    words = words_of(answer)
    if words.startswith(("Cannot find job", "Job not found")):
        return JobNotFound(
            f"Could not {answer.operation}: the node knows no such job of this wallet. Check the "
            "job id and the node's URL; a node deletes jobs when their storage time is over."
        )
    if "is not authorized" in words:
        return NotYourJob(
            f"Could not {answer.operation}: the job belongs to another wallet, and the node hands "
            "its results to its owner only. Use the wallet that started it."
        )
    for pattern, kind, advice in _REFUSALS:
        if pattern.search(words):
            error = refusal(kind, answer, words, advice)
            if isinstance(error, RequestInvalid):
                error.errors = {}
            if isinstance(error, SignatureRejected):
                error.is_of_used_nonce = "is not a valid nonce" in words
            if isinstance(error, EnvironmentUnavailable):
                error.advised("list-environments")
            elif isinstance(error, EscrowNotReady):
                error.advised("fill-escrow")
            return error
    return error_by_status(answer)


def words_of(answer: Answer) -> str:
    """Return the node's reason, however it is wrapped."""
    try:
        said = answer.json()
    except MalformedResponse:
        return answer.text()
    if isinstance(said, dict):
        said = said.get("error", "")
    # One refusal quotes the algorithm that was sent, whose envs may hold keys.
    return server_words(said.partition(" from algoritm")[0]) if isinstance(said, str) else ""


# --- jobs

_RUNNING_CODES = frozenset({0, 1, 10, 12, 20, 30, 40, 50, 60})
_FAILED_CODES = frozenset({2, 11, 13, 14, 21, 22, 31, 32, 33, 41, 42, 61, 62})
_ENDED_CODES = frozenset({70, 71})
_KNOWN_CODES = _RUNNING_CODES | _FAILED_CODES | _ENDED_CODES
_LAST_CODE = 70
_KILLED = 128 + 9
OUTPUTS = "output"
ALGORITHM_LOG = "algorithmLog"


@dataclass(frozen=True)
class ResultFile:
    """One file of a job's outcome, as the node lists it."""

    name: str
    kind: str
    index: int
    size: int | None = None


def job_id_of(info: NodeJob) -> str:
    """Return a job's id with the prefix of its cluster, which all but the start's answer lack."""
    job_id = str(info.get("jobId") or "")
    cluster = str(info.get("environment") or "").partition("-")[0]
    return job_id if "-" in job_id or not cluster else f"{cluster}-{job_id}"


def same_job(asked: str, told: str) -> bool:
    """Tell whether two ids are of one job, with or without the prefix of its cluster."""
    return asked.rpartition("-")[2] == told.rpartition("-")[2]


def job_of(info: NodeJob) -> Job:
    """Read the node's description of a job.

    Raises:
        MalformedResponse: it has no status.
    """
    code = whole_number(info.get("status"))
    if code is None:
        raise MalformedResponse(
            f"The node described job {one_line(info.get('jobId'), 80)} without a status. "
            "Check that the URL is that of an Ocean Node.",
            operation="read the status of the job",
        )
    _, exit_code, oom_killed = termination_of(info)
    finished_s = epoch_seconds(info.get("dateFinished"))
    metadata = info.get("metadata")
    return Job(
        JobStatus(
            job_id=job_id_of(info),
            code=code,
            text=str(info.get("statusText") or ""),
            state=_state(info, code, has_end=finished_s is not None),
            created_s=epoch_seconds(info.get("dateCreated")),
            finished_s=finished_s,
            stop_requested=info.get("stopRequested") is True,
            exit_code=exit_code,
            oom_killed=oom_killed,
            progress=min(code, _LAST_CODE) / _LAST_CODE,
            environment=str(info.get("environment") or ""),
        ),
        owner=str(info.get("owner") or ""),
        raw=info,
        generation=Generation.NODE,
        is_failing=code in _FAILED_CODES,
        metadata=metadata if isinstance(metadata, Mapping) else {},
    )


def _state(info: NodeJob, code: int, *, has_end: bool) -> JobState:
    """Tell how a job is: `dateFinished` says that it ended, its container how.

    The claim pass turns a failed job's 41 into 70: then the container never ran, and has no exit
    code (tests/vectors/ocean-node/18-failed-jobs-after-claim-pass.json).
    """
    if not has_end:
        return JobState.RUNNING if code in _KNOWN_CODES else JobState.UNKNOWN
    _, exit_code, oom_killed = termination_of(info)
    if info.get("stopRequested") is True:
        return JobState.STOPPED
    if exit_code == _KILLED and oom_killed is not True and _used_all_its_time(info):
        return JobState.TIMED_OUT
    if code in _FAILED_CODES or not did_well(exit_code, oom_killed) or not _has_outputs(info):
        return JobState.FAILED
    return JobState.FINISHED if code in _ENDED_CODES else JobState.UNKNOWN


def _used_all_its_time(info: NodeJob) -> bool:
    """Tell whether the algorithm ran for all the time it had: no code says that it timed out."""
    began = epoch_seconds(info.get("algoStartTimestamp"))
    ended = epoch_seconds(info.get("algoStopTimestamp"))
    longest = epoch_seconds(info.get("maxJobDuration"))
    return bool(began and ended and longest and ended - began >= longest)


def _has_outputs(info: NodeJob) -> bool:
    return any(file.kind == OUTPUTS for file in result_files(info))


def result_files(info: NodeJob) -> list[ResultFile]:
    """Return the files of a job's outcome; one that cannot be asked for is left out."""
    listed = info.get("results")
    found = []
    for file in listed if isinstance(listed, list) else []:
        index = whole_number(file.get("index")) if isinstance(file, Mapping) else None
        if index is not None:
            kind = str(file.get("type") or "")
            size = whole_number(file.get("filesize"))
            found.append(ResultFile(str(file.get("filename") or kind), kind, index, size))
    return found


def awaits_log(info: NodeJob) -> bool:
    """Tell whether a job has ended, and its algorithm's log is still to come.

    A node lists that log after the end, which moves the index of outputs.tar: 18 s after it, for
    one of 28 MB (tests/vectors/ocean-node/62-log-after-the-end.json).
    """
    _, exit_code, _ = termination_of(info)
    return exit_code is not None and all(file.kind != ALGORITHM_LOG for file in result_files(info))


def readable(infos: Iterable[NodeJob]) -> Iterator[Job]:
    """Read a list of jobs; what cannot be read is logged and left out."""
    for info in infos:
        try:
            yield job_of(info)
        except MalformedResponse as error:
            logger.warning("A job is left out of the list: %s", error)


def find_job(infos: Sequence[NodeJob], job_id: str, operation: str, root: str) -> NodeJob:
    """Return the job with this id.

    A node that does not understand the id answers with all jobs of the consumer.

    Raises:
        JobNotFound: it is not among them.
    """
    for info in infos:
        if same_job(job_id, str(info["jobId"])):
            return info
    raise JobNotFound(
        f"Could not {operation}: the node at {root} knows no job {one_line(job_id, 160)!r} of this "
        f"wallet; its answer has {len(infos)} other job(s). Check the job id, with the prefix of "
        "its cluster as the start returned it, the wallet, and that the job was started at this "
        "node.",
        others=len(infos),
        root=root,
    )


def jobs_of(answer: Answer) -> list[NodeJob]:
    """Return the jobs in an answer to a compute call.

    Raises:
        MalformedResponse: not a list of jobs.
    """
    said = check_ok(answer).json()
    if isinstance(said, list) and all(
        isinstance(job, dict) and isinstance(job.get("jobId"), str) and job["jobId"] for job in said
    ):
        return said
    raise answer.malformed("a list of jobs, each with a jobId", answer.text())


def no_result(name: str, job_id: str) -> JobError:
    """Make the error for a file that the node answers without a byte: there is none (yet)."""
    return JobError(
        f"Job {one_line(job_id, 160)} has no {name}: the node's answer is empty. It is not written "
        "yet, or the job's storage time is over. Look at job.files()."
    )
