"""What the Provider says of a job, as a typed value."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ocean_lib.common.http_requests.redaction import one_line
from ocean_lib.common.utils.html_table import html_table, when
from ocean_lib.exceptions import MalformedResponse

DATA_PROVISIONING_FAILED = 31
ALGORITHM_PROVISIONING_FAILED = 32
FINISHED = 70


class JobState(enum.Enum):
    """How far a job is, as far as the protocol tells.

    A V3 Provider ends a job whose algorithm crashed with the same code as one that did well: both
    are `FINISHED`, and only the log and the results tell them apart. A back end that tells the
    algorithm's exit code, as the embedded network does, makes the crashed one `FAILED`.
    """

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed out"
    UNKNOWN = "unknown"


_ENDS = frozenset({JobState.FINISHED, JobState.FAILED, JobState.STOPPED, JobState.TIMED_OUT})
_RUNNING_CODES = frozenset({1, 10, 20, 30, 40, 50, 60})
_FAILED_CODES = frozenset({DATA_PROVISIONING_FAILED, ALGORITHM_PROVISIONING_FAILED})


@dataclass(frozen=True, eq=False)
class JobStatus(Mapping[str, Any]):
    """One look at a job.

    It can be read as the dict that ocean.py's `status` returns (`ok`, `status`, `statusText`),
    and equals it.

    Attributes:
        job_id: the job.
        code: the Provider's status code; unknown ones pass through.
        text: the Provider's words for it, as they came.
        state: what the code, and the stop request beside it, mean.
        created_s: when the job was made, in epoch seconds by the Provider's clock.
        finished_s: when it ended; None while it runs.
        stop_requested: whether somebody asked to stop it.
        order_tx: the order transaction of its data set, '' if the Provider does not say.
        exit_code: the algorithm's, 128 and the signal's number after a signal; None while it
            runs, if it never ran, and where the back end does not tell.
        oom_killed: whether it was ended because it used too much memory; None as above.
    """

    job_id: str
    code: int
    text: str
    state: JobState
    created_s: float | None = None
    finished_s: float | None = None
    stop_requested: bool = False
    order_tx: str = ""
    exit_code: int | None = None
    oom_killed: bool | None = None

    def __getitem__(self, key: str) -> Any:
        return self.as_dict()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.as_dict())

    def __len__(self) -> int:
        return len(self.as_dict())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, JobStatus):
            return self._values() == other._values()
        return isinstance(other, Mapping) and self.as_dict() == dict(other)

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    def _repr_html_(self) -> str:
        return html_table(
            [
                ("job", self.job_id),
                ("state", self.state.value),
                ("status", f"{self.code} {self.text}"),
                ("created", when(self.created_s)),
                ("finished", when(self.finished_s)),
                ("algorithm", self.algorithm_end),
            ]
        )

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended, well or not."""
        return self.finished_s is not None or self.state in _ENDS

    @property
    def succeeded(self) -> bool | None:
        """Whether the algorithm did well, as far as the back end tells.

        True if it ended by itself with exit code 0. False if it did not, or if the job failed,
        was stopped or timed out. None while the job runs, and for a job that ended regularly
        where the back end tells no exit code: a V3 Provider does not tell an algorithm that
        crashed from one that did well. Look at its log and results.
        """
        if self.state is JobState.FINISHED and self.exit_code is not None:
            return _did_well(self.exit_code, self.oom_killed)
        return False if self.state in _ENDS - {JobState.FINISHED} else None

    @property
    def algorithm_end(self) -> str:
        """How the algorithm ended, in words; '' where that is not known."""
        if self.exit_code is None:
            return ""
        return f"exit code {self.exit_code}" + (", out of memory" if self.oom_killed else "")

    def as_dict(self) -> dict[str, Any]:
        """Return the dict that ocean.py's `status` returns; `ok` is True for known states only."""
        return {
            "ok": self.state not in (JobState.FAILED, JobState.UNKNOWN),
            "status": self.code,
            "statusText": self.text,
        }

    @classmethod
    def from_job(cls, job: Mapping[str, Any]) -> JobStatus:
        """Read the Provider's description of a job.

        Raises:
            MalformedResponse: it has no status.
        """
        code = _whole(job.get("status"))
        if code is None:
            raise MalformedResponse(
                f"The Provider described job {one_line(job.get('jobId'), 80)} without a status. "
                "Check that the URL is that of a Provider.",
                operation="read the status of the job",
            )
        stop_request = _whole(job.get("stopreq"))
        finished_s = epoch_seconds(job.get("dateFinished"))
        told, exit_code, oom_killed = _termination(job.get("terminationDetails"))
        state = _state(code, stop_request, has_end=finished_s is not None)
        if told and state is JobState.FINISHED and not _did_well(exit_code, oom_killed):
            state = JobState.FAILED
        return cls(
            job_id=str(job.get("jobId") or ""),
            code=code,
            text=str(job.get("statusText") or ""),
            state=state,
            created_s=epoch_seconds(job.get("dateCreated")),
            finished_s=finished_s,
            stop_requested=stop_request == 1,
            order_tx=str(job.get("agreementId") or ""),
            exit_code=exit_code,
            oom_killed=oom_killed,
        )


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _termination(details: Any) -> tuple[bool, int | None, bool | None]:
    """Return whether a back end tells how the algorithm ended, its exit code, and if by memory."""
    if not isinstance(details, Mapping) or "exitCode" not in details:
        return False, None, None
    said, oom = details["exitCode"], details.get("OOMKilled")
    exit_code = _whole(said)
    told = said is None or exit_code is not None
    return told, exit_code, oom if isinstance(oom, bool) else None


def _did_well(exit_code: int | None, oom_killed: bool | None) -> bool:
    return exit_code == 0 and oom_killed is not True


def _state(code: int, stop_request: int | None, *, has_end: bool) -> JobState:
    if code in _FAILED_CODES:
        return JobState.FAILED
    if code == FINISHED:
        # By the operator's published code, 2 says that the time was exceeded.
        return {1: JobState.STOPPED, 2: JobState.TIMED_OUT}.get(
            stop_request or 0, JobState.FINISHED
        )
    # The operator ends a job whose algorithm it never ran without a code that says so.
    return JobState.RUNNING if code in _RUNNING_CODES and not has_end else JobState.UNKNOWN


def epoch_seconds(value: Any) -> float | None:
    """Read a moment as the Provider gives it: a number or its text; None for anything else."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    # A job that runs has no date of its end; 0 would be none either.
    return seconds if math.isfinite(seconds) and seconds > 0 else None
