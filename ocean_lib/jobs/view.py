"""What was seen of a job, in our words, the back end's document beside it."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ocean_lib.backends.generation import Generation
from ocean_lib.base.tables import html_table, when
from ocean_lib.checks import printable
from ocean_lib.exceptions import InvalidInput


class JobState(enum.Enum):
    """How far a job is, as far as its back end says.

    A V3 Provider ends a job whose algorithm crashed with the same code as a successful one: both
    are `FINISHED`, and only log and results show the difference. An Ocean Node says the exit code;
    what is `FINISHED` there was successful.
    """

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed out"
    UNKNOWN = "unknown"


def state_named(state: JobState | str) -> JobState:
    """Return a state by its name.

    Raises:
        InvalidInput: there is no such state.
    """
    try:
        return JobState(state)
    except ValueError:
        names = ", ".join(repr(known.value) for known in JobState)
    raise InvalidInput(f"There is no job state {printable(state)}; the states are {names}.")


_ENDS = frozenset({JobState.FINISHED, JobState.FAILED, JobState.STOPPED, JobState.TIMED_OUT})


@dataclass(frozen=True, eq=False)
class JobStatus(Mapping[str, Any]):
    """One poll of a job.

    It can be read as the dict that ocean.py's `status` returns (`ok`, `status`, `statusText`), and
    compares equal to it.

    Attributes:
        job_id: the job.
        code: the back end's status code; unknown ones pass through.
        text: the back end's words for it, as they came.
        state: what the code, and the stop request beside it, mean.
        created_s: when the job was created, in epoch seconds by the back end's clock.
        finished_s: when it ended; None while it runs.
        stop_requested: whether somebody asked to stop it.
        order_tx: the order transaction of its data set, '' if the back end does not say.
        exit_code: the algorithm's; after a signal 128 plus its number; None while it runs, if it
            never ran, and if the back end does not say.
        oom_killed: whether it was ended because it used too much memory; None as above.
        progress: from 0 to 1, how far the code says the job is; None where it says nothing.
        environment: where it runs, by its id in `compute.environments()`; '' at a V3 Provider.
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
    progress: float | None = None
    environment: str = ""

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
                ("environment", self.environment),
            ]
        )

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended, well or not."""
        return self.finished_s is not None or self.state in _ENDS

    @property
    def succeeded(self) -> bool | None:
        """Whether the algorithm succeeded, as far as the back end says.

        True if it ended by itself with exit code 0. False if it did not, or if the job failed, was
        stopped or timed out. None while the job runs, and for a finished job whose back end reports
        no exit code: a V3 Provider does not say whether the algorithm crashed. Check its log and
        results.
        """
        if self.state is JobState.FINISHED and self.exit_code is not None:
            return did_well(self.exit_code, self.oom_killed)
        return False if self.state in _ENDS - {JobState.FINISHED} else None

    @property
    def algorithm_end(self) -> str:
        """How the algorithm ended, in words; '' if that is not known."""
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


@dataclass(frozen=True)
class Job:
    """One job as its back end describes it.

    Attributes:
        status: its id, state and times.
        dids: all its inputs, as far as the back end says.
        algorithm_did: '' for code of the consumer's own.
        owner: who started it, '' if the back end does not say.
        raw: the back end's own document.
        generation: of the back end that has it.
        is_failing: whether its code says that it failed, also before its end.
        metadata: what its start gave to be kept with it.
    """

    status: JobStatus
    dids: tuple[str, ...] = ()
    algorithm_did: str = ""
    owner: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    generation: Generation = Generation.V3
    is_failing: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """The job's id."""
        return self.status.job_id

    @property
    def did(self) -> str:
        """The data set it runs on, '' if the back end does not say."""
        return self.dids[0] if self.dids else ""


def termination_of(document: Mapping[str, Any]) -> tuple[bool, int | None, bool | None]:
    """Return whether the end is told, the exit code, and whether it was out of memory."""
    details = document.get("terminationDetails")
    if not isinstance(details, Mapping) or "exitCode" not in details:
        return False, None, None
    said, oom = details["exitCode"], details.get("OOMKilled")
    exit_code = said if said is None or type(said) is int else whole_number(said)
    told = said is None or exit_code is not None
    return told, exit_code, oom if isinstance(oom, bool) else None


def did_well(exit_code: int | None, oom_killed: bool | None) -> bool:
    """Whether an algorithm that ended like this succeeded."""
    return exit_code == 0 and oom_killed is not True


def epoch_seconds(value: Any) -> float | None:
    """Read a moment as back ends send it: a number or its text; None for anything else."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    # A job that runs has no date of its end; 0 is not one either.
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def whole_number(value: Any) -> int | None:
    """Read a whole number as back ends send it: an int or its text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
