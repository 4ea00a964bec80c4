"""Starting a job: sent once; if the answer is lost, the job is looked for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
from ocean_lib.jobs.seen import SeenJobs
from ocean_lib.jobs.view import Job

LOOK_PAUSES_S = (0.3, 1.0, 2.0, 4.0)
"""Pauses between lists of jobs after a start without an answer."""

LISTS_TO_BELIEVE_A_FAULT = 2
"""After this many lists in a row without the job, a Provider's fault is a refusal."""

KNOWN_JOBS = 4096
KNOWN_FOR_S = 24 * 3600.0
UNRESOLVED_FOR_S = 30.0


class Starts:
    """What one client knows about its starts: their jobs, and those without an answer yet.

    Args:
        seen: the jobs that the same client saw.
    """

    def __init__(self, seen: SeenJobs) -> None:
        self._seen = seen
        self._known: Expiring[str, bool] = Expiring(KNOWN_JOBS, KNOWN_FOR_S)
        self._unresolved: Expiring[str, bool] = Expiring(KNOWN_JOBS, UNRESOLVED_FOR_S)
        self._renew()
        renew_in_children(self, Starts._renew)

    def _renew(self) -> None:
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    def has_other(self, job_id: str, sent_at: float) -> bool:
        """Whether this job belongs to another start than the one that was sent at this moment."""
        return job_id in self._known or self._seen.existed(job_id, sent_at)

    def claim(self, job_id: str, sent_at: float) -> bool:
        """Assign this job to the start that was sent at this moment, unless it is another's."""
        with self._lock:
            if self.has_other(job_id, sent_at):
                return False
            self._known.put(job_id, True)
            return True

    def opened(self, order: str) -> None:
        """A start of this order is on its way."""
        with self._lock:
            self._open[order] += 1

    def closed(self, order: str) -> None:
        """The outcome of that start is known."""
        with self._lock:
            self._open[order] -= 1
            self._open += Counter()  # drops what has come to 0

    def unresolved(self, order: str) -> None:
        """The outcome of a start of this order cannot be known."""
        self._unresolved.put(order, True)

    def is_crowded(self, order: str) -> bool:
        """Whether a job of this order may belong to another start than the one that asks."""
        with self._lock:
            return self._open[order] > 1 or order in self._unresolved


class Attempt:
    """One start; if its answer is lost, it looks for the job.

    A context manager: until it ends, other starts of the same order know of this one.

    Args:
        plan: what is to be started.
        starts: of the same client.
    """

    def __init__(self, plan: JobPlan, starts: Starts) -> None:
        self._plan = plan
        self._order = plan.order_tx.lower() or plan.marker
        self._starts = starts
        self._sent_at = time.monotonic()
        self._is_open = False
        self.may_have_started = False

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self._is_open:
            return
        self._close()
        if error is None or isinstance(error, OceanError):
            return
        self._starts.unresolved(self._order)
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(
                "stopped starting a job that may have started: list the wallet's jobs with "
                f"{self._plan.how_to_find}."
            ) from None

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._starts.closed(self._order)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Note, around the one request that starts a job, whether the Provider may have acted."""
        self._sent_at = time.monotonic()
        self.may_have_started = True
        if not self._is_open:
            self._is_open = True
            self._starts.opened(self._order)
        try:
            yield
            self._close()
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
        if self._starts.claim(job.id, self._sent_at) or job.id == self._plan.resumed_job_id:
            return job
        raise self._uncertain(
            "the Provider answered with a job that existed before the start was sent", [job.id]
        )

    def is_anothers(self, job_id: str) -> bool:
        """Whether another start made this job."""
        return self._starts.has_other(job_id, self._sent_at)

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
            self._starts.unresolved(self._order)
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
        is_crowded = self._starts.is_crowded(self._order)
        return not is_crowded and self._starts.claim(job_id, self._sent_at)

    def _uncertain(
        self, reason: str, candidates: list[str], error: OceanError | None = None
    ) -> StartUncertain:
        self._starts.unresolved(self._order)
        named = f" ({one_line(', '.join(candidates), 400)})" if candidates else ""
        plan = self._plan
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
