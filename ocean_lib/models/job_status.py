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

    The Provider ends a job whose algorithm crashed with the same code as one that did well: both
    are `FINISHED`, and only the log and the results tell them apart.
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
    """

    job_id: str
    code: int
    text: str
    state: JobState
    created_s: float | None = None
    finished_s: float | None = None
    stop_requested: bool = False
    order_tx: str = ""

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
            ]
        )

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended, well or not."""
        return self.finished_s is not None or self.state in _ENDS

    @property
    def succeeded(self) -> bool | None:
        """False if the job failed, was stopped or timed out; None if that cannot be known.

        None is also the answer for a job that ended regularly: the protocol does not tell an
        algorithm that crashed from one that did well. Look at its log and results.
        """
        return False if self.state in _ENDS - {JobState.FINISHED} else None

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
        return cls(
            job_id=str(job.get("jobId") or ""),
            code=code,
            text=str(job.get("statusText") or ""),
            state=_state(code, stop_request, has_end=finished_s is not None),
            created_s=epoch_seconds(job.get("dateCreated")),
            finished_s=finished_s,
            stop_requested=stop_request == 1,
            order_tx=str(job.get("agreementId") or ""),
        )


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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
