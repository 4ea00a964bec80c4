"""Starting a job: sent once; if the answer is lost, the job is looked for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ocean_lib.backends.backend import Candidate, Candidates, Listed
from ocean_lib.base.expiring import Expiring
from ocean_lib.base.forks import renew_in_children
from ocean_lib.exceptions import (
    InvalidInput,
    MalformedResponse,
    OceanError,
    ProviderFault,
    ResponseError,
    ResponseTooLarge,
    ServiceUnavailable,
    StartUncertain,
    TransportError,
)
from ocean_lib.http.deadline import Deadline
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import MARKER, JobPlan
from ocean_lib.jobs.view import Job, JobState

LOOK_PAUSES_S = (0.3, 1.0, 2.0, 4.0)
"""Pauses between lists of jobs after a start without an answer."""

LISTS_TO_BELIEVE_A_FAULT = 2
"""After this many lists in a row without the job, a Provider's fault is a refusal."""

KNOWN_JOBS = 4096
KNOWN_FOR_S = 24 * 3600.0
UNRESOLVED_FOR_S = 30.0


@dataclass(frozen=True)
class Sight:
    """What was seen of a job: where, since when, and how it ended."""

    place: tuple[str, str]  # the base URL, and whose jobs
    since: float
    created_s: float | None  # another back end may use an id again
    end: JobState | None


class Starts:
    """What one client knows about its starts: their jobs, and those without an answer yet.

    Args:
        sights: what the same client saw of jobs, by their ids.
    """

    def __init__(self, sights: Expiring[str, Sight]) -> None:
        self._sights = sights
        self._known: Expiring[str, bool] = Expiring(KNOWN_JOBS, KNOWN_FOR_S)
        self._unresolved: Expiring[str, bool] = Expiring(KNOWN_JOBS, UNRESOLVED_FOR_S)
        self._renew()
        renew_in_children(self, Starts._renew)

    def _renew(self) -> None:
        self.open: Counter[str] = Counter()
        self.lock = threading.Lock()

    @contextmanager
    def attempt(self, plan: JobPlan) -> Iterator[Attempt]:
        """Surround one start: until it ends, other starts of the same order know of it."""
        attempt = Attempt(plan, self, plan.order_tx.lower() or plan.marker)
        try:
            yield attempt
        except OceanError:
            raise
        except BaseException as error:
            if attempt.is_open:
                self.unresolved(attempt.order)
                if isinstance(error, KeyboardInterrupt):
                    raise KeyboardInterrupt(
                        "stopped starting a job that may have started: list the wallet's jobs with "
                        f"{plan.how_to_find}."
                    ) from None
            raise
        finally:
            if attempt.is_open:
                with self.lock:
                    self.open[attempt.order] -= 1
                    self.open += Counter()  # drops what has come to 0

    def claim(self, job_id: str, sent_at: float, *, keeps: bool = True) -> bool:
        """Assign a job to the start that was sent at this moment; False if it is another's.

        Args:
            job_id: the job.
            sent_at: of `time.monotonic`.
            keeps: whether the start takes it, and does not only ask.
        """
        with self.lock:
            sight = self._sights.get(job_id)
            was_there = sight is not None and sight.since < sent_at
            if was_there or self._known.get(job_id) is not None:
                return False
            if keeps:
                self._known.put(job_id, True)
            return True

    def unresolved(self, order: str) -> None:
        """The outcome of a start of this order cannot be known."""
        self._unresolved.put(order, True)

    def is_crowded(self, order: str) -> bool:
        """Whether a job of this order may belong to another start than the one that asks."""
        with self.lock:
            return self.open[order] > 1 or order in self._unresolved


@dataclass
class Attempt:
    """One start; if its answer is lost, it looks for the job.

    Attributes:
        plan: what is to be started.
        starts: of the same client.
        order: what its job is known by: its order, or the plan's marker.
        is_open: whether its request is on its way, or its outcome not known yet.
        may_have_started: whether the back end may have acted.
    """

    plan: JobPlan
    starts: Starts
    order: str
    is_open: bool = False
    may_have_started: bool = False
    _sent_at: float = field(default_factory=time.monotonic)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Note, around the one request that starts a job, whether the Provider may have acted."""
        self._sent_at = time.monotonic()
        self.may_have_started = True
        with self.starts.lock:
            self.starts.open[self.order] += not self.is_open
            self.is_open = True
        try:
            yield
        except TransportError as error:
            self.may_have_started = error.may_have_arrived
            raise
        except (MalformedResponse, ResponseTooLarge, ServiceUnavailable, ProviderFault):
            raise  # unusable, a gateway's, or a fault after the job was created
        except (ResponseError, InvalidInput):  # refused, by the Provider or before it was sent
            self.may_have_started = False
            raise

    def answered(self, job: Job) -> Job:
        """Accept the job in the back end's answer; returns it.

        Raises:
            StartUncertain: another start made this job.
        """
        job_id = job.status.job_id
        if self.starts.claim(job_id, self._sent_at) or job_id == self.plan.resumed_job_id:
            return job
        raise self._uncertain(
            "the Provider answered with a job that existed before the start was sent", [job_id]
        )

    def is_anothers(self, job_id: str) -> bool:
        """Whether another start made this job."""
        return not self.starts.claim(job_id, self._sent_at, keeps=False)

    def find(
        self,
        error: OceanError,
        candidates: Candidates,
        list_jobs: Callable[[], Listed],
        deadline: Deadline,
    ) -> Job:
        """Return the job.

        Args:
            error: why there is no answer.
            candidates: tells which jobs this start may have made.
            list_jobs: returns the owner's jobs.
            deadline: until when to ask.

        Raises:
            StartUncertain: none or several were found, or one that another start may have created;
                or the answer names a job that this start did not create.
            ProviderFault: that was the answer, and the last lists, readable ones in a row, do not
                contain the job.
        """
        if isinstance(error, StartUncertain) and len(error.candidates) == 1:
            self.starts.unresolved(self.order)
            raise error
        deadline.is_urgent = True
        is_fault = isinstance(error, ProviderFault)
        has_read, in_a_row, found = False, 0, list[Candidate]()
        for seen in self._polls(candidates, list_jobs, deadline):
            if seen is None:
                in_a_row = 0
                continue
            has_read, in_a_row, found = True, in_a_row + 1, seen
            new = [candidate.job for candidate in found if candidate.is_new]
            if len(new) == 1 and self._takes(new[0].id):
                return new[0]
            is_believed = is_fault and not found and in_a_row >= LISTS_TO_BELIEVE_A_FAULT
            if is_believed or len(new) > 1:
                break
        if is_fault and in_a_row >= LISTS_TO_BELIEVE_A_FAULT and not found:
            raise error
        reason = f"the answer was lost, and {_reason(has_read, len(found))}"
        raise self._uncertain(reason, [job.job_id for job in found], error)

    def _polls(
        self, candidates: Candidates, list_jobs: Callable[[], Listed], deadline: Deadline
    ) -> Iterator[list[Candidate] | None]:
        """Yield the candidates in each list, None if listing fails, with pauses between them."""
        for pause_s in (*LOOK_PAUSES_S, None):
            try:
                listed = list_jobs()
            except OceanError:
                yield None
            else:
                yield candidates.among(listed, time.monotonic() - self._sent_at)
            if pause_s is None or deadline.remaining() < pause_s:
                return
            deadline.pause(pause_s)

    def _takes(self, job_id: str) -> bool:
        # Another start may have been answered with it since the list came.
        is_crowded = self.starts.is_crowded(self.order)
        return not is_crowded and self.starts.claim(job_id, self._sent_at)

    def _uncertain(
        self, reason: str, candidates: list[str], error: OceanError | None = None
    ) -> StartUncertain:
        self.starts.unresolved(self.order)
        named = f" ({one_line(', '.join(candidates), 400)})" if candidates else ""
        plan = self.plan
        lost = StartUncertain(
            f"The job may have started, but {reason}{named}.{_first_fault(error)}",
            did=plan.did,
            order_tx=plan.order_tx,
            candidates=candidates,
        )
        if plan.order_tx:
            return lost.advised("find-started-job", did=plan.did, order_tx=plan.order_tx)
        return lost.advised("find-marked-job", key=MARKER, marker=plan.marker)


def _first_fault(error: OceanError | None) -> str:
    """Say why there is no answer, without the advice for a refused call."""
    if error is None:
        return ""
    if isinstance(error, ProviderFault):
        words = error.provider_text.rstrip(".")
        return f" The Provider answered HTTP {error.status_code}: {words}."
    return f" First fault: {error}"


def _reason(has_read: bool, found: int) -> str:
    if found == 1:
        return "one job matches, but another start may have created it"
    if found:
        return "several jobs match"
    return "no such job exists yet" if has_read else "its jobs could not be listed either"
