"""Starting a job: what can be refused before anything is sent, and an answer that was lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.common.http_requests.deadline import Deadline
from ocean_lib.common.http_requests.redaction import one_line
from ocean_lib.common.utils.expiring import Expiring
from ocean_lib.common.utils.forks import renew_in_children
from ocean_lib.common.validation import (
    check_address,
    check_did,
    check_job_id,
    check_tx_hash,
    printable,
)
from ocean_lib.data_provider._responses import JobInfo
from ocean_lib.exceptions import (
    AssetNotConsumable,
    InvalidInput,
    MalformedResponse,
    NoComputeService,
    OceanError,
    ProviderFault,
    ResponseError,
    ResponseTooLarge,
    ServiceUnavailable,
    StartUncertain,
    TransportError,
)
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean._candidates import Candidate, Candidates
from ocean_lib.ocean._seen_jobs import SeenJobs

LOOK_PAUSES_S = (0.3, 1.0, 2.0, 4.0)
"""Waits between looks for a job whose start was not answered."""

LISTS_TO_BELIEVE_A_FAULT = 2
"""So many lists in a row without the job make a Provider's fault a refusal."""

KNOWN_JOBS = 4096
KNOWN_FOR_S = 24 * 3600.0
UNRESOLVED_FOR_S = 30.0

Look = Callable[[], tuple[Sequence[JobInfo], float]]
"""Lists the owner's jobs, and tells the Provider's clock."""


@dataclass(frozen=True)
class Algorithm:
    """The algorithm of a job: published, with its order, or raw code."""

    did: str | None
    meta: AlgorithmMetadata | None
    tx_id: str | None
    data_token: str | None


def check_algorithm(did: Any, meta: Any, tx_id: Any, data_token: Any) -> Algorithm:
    """Return the algorithm if a job can be started with it.

    Raises:
        InvalidInput: it cannot; the message says what is missing.
    """
    if did:
        return _published(did, tx_id, data_token)
    if meta is None:
        raise InvalidInput(
            "A job needs an algorithm: algorithm_did (a published one, with its order), or "
            "algorithm_meta (an AlgorithmMetadata with your code)."
        )
    if not isinstance(meta, AlgorithmMetadata):
        raise InvalidInput(
            f"algorithm_meta must be an AlgorithmMetadata, got {type(meta).__name__}. "
            'Make one: AlgorithmMetadata({"rawcode": ..., "container": {...}, ...}).'
        )
    for fault in meta.faults().values():
        raise InvalidInput(fault)
    return Algorithm(None, meta, None, None)


def _published(did: Any, tx_id: Any, data_token: Any) -> Algorithm:
    check_did(did, name="algorithm_did")
    for name, value, hint in (
        ("algorithm_tx_id", tx_id, "the transaction of its order"),
        ("algorithm_data_token", data_token, "its datatoken's address"),
    ):
        if not value:
            raise InvalidInput(
                f"The algorithm {did} needs {name}: {hint}. Order it first, with assets.order "
                "and assets.pay_for_service."
            )
    return Algorithm(
        did,
        None,
        check_tx_hash(tx_id, name="algorithm_tx_id"),
        check_address(data_token, name="algorithm_data_token"),
    )


def check_resumption(nonce: Any, job_id: Any) -> None:
    """Check the two arguments of `start` that are rarely used.

    Raises:
        InvalidInput: the nonce is no whole number, or the job id can be none.
    """
    if nonce is not None and (isinstance(nonce, bool) or not isinstance(nonce, int) or nonce < 0):
        raise InvalidInput(
            f"nonce must be a whole number, or None for the Provider's own, got {printable(nonce)}."
        )
    if job_id:
        check_job_id(job_id)


def check_inputs(inputs: Any) -> list[ComputeInput]:
    """Return the inputs if there are any and all are `ComputeInput`s.

    Raises:
        InvalidInput: otherwise, or if the very same input is given twice.
    """
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise InvalidInput(
            "input_datasets must be a list of at least one ComputeInput, got "
            f"{'an empty one' if inputs in ([], ()) else printable(inputs)}."
        )
    for position, item in enumerate(inputs):
        if not isinstance(item, ComputeInput):
            raise InvalidInput(
                f"input_datasets[{position}] must be a ComputeInput, got {type(item).__name__}. "
                "Make one: ComputeInput(did, transfer_tx_id, service_id)."
            )
    return list(inputs)


def check_may_consume(asset: Asset, address: str) -> None:
    """Check what the asset itself says: not disabled, and the address is let in.

    Raises:
        AssetNotConsumable: with the code.
    """
    code = asset.is_consumable({"type": "address", "value": address}, with_connectivity_check=False)
    if code != ConsumableCodes.OK:
        raise AssetNotConsumable(code, asset.did or "", address)


def service_at(asset: Asset, index: int, *, of_types: Collection[str]) -> Service:
    """Return the service of an asset at this index.

    Raises:
        NoComputeService: there is none, or it is of another type.
    """
    service = asset.get_service_by_index(index)
    if service is None or service.type not in of_types:
        offered = ", ".join(f"{other.index}: {other.type}" for other in asset.services)
        is_what = "does not exist" if service is None else f"is of type {service.type}"
        raise NoComputeService(
            f"Service {index} of {asset.did} {is_what}; needed is one of type "
            f"{' or '.join(sorted(of_types))}. The asset offers {offered or 'no services'}."
        )
    return service


def check_services(
    inputs: Sequence[ComputeInput], asset_of: Callable[[str], Asset], address: str
) -> None:
    """Check each input's asset: its service, and that the address may consume it.

    The main input needs a compute service; the others may also be offered for access.

    Raises:
        NoComputeService, AssetNotConsumable: with the DID.
    """
    for position, item in enumerate(inputs):
        asset = asset_of(item.did)
        types = {ServiceTypes.CLOUD_COMPUTE}
        if position:
            types.add(ServiceTypes.ASSET_ACCESS)
        service_at(asset, item.service_id, of_types=types)
        check_may_consume(asset, address)


class Starts:
    """What one client knows of the starts it made: their jobs, and those still without answer.

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
        """Whether this job is that of another start than the one that was sent at a moment."""
        return job_id in self._known or self._seen.existed(job_id, sent_at)

    def claim(self, job_id: str, sent_at: float) -> bool:
        """Take this job for that of the start that was sent at a moment, unless it is another's."""
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
        """It is known what became of that start."""
        with self._lock:
            self._open[order] -= 1
            self._open += Counter()  # drops what has come to 0

    def unresolved(self, order: str) -> None:
        """It cannot be known what became of a start of this order."""
        self._unresolved.put(order, True)

    def is_crowded(self, order: str) -> bool:
        """Whether a job of this order may be that of another start than the one that asks."""
        with self._lock:
            return self._open[order] > 1 or order in self._unresolved


class LostAnswer:
    """Looks for the job of a start that was sent and not answered.

    A context manager: until it ends, other starts of the same order know of this one.

    Args:
        main: the first input; its order stands in the job.
        algorithm_did: '' for raw code.
        starts: of the same client.
    """

    def __init__(self, main: ComputeInput, algorithm_did: str, starts: Starts) -> None:
        self._main = main
        self._order = main.transfer_tx_id.lower()
        self._starts = starts
        self._sent_at = time.monotonic()
        self._candidates = Candidates(
            main, algorithm_did, lambda job_id: starts.has_other(job_id, self._sent_at)
        )
        self._is_open = False
        self.may_have_started = False

    def __enter__(self) -> LostAnswer:
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
                f"compute.jobs(wallet, {self._main.did!r}) and find agreementId {self._order}."
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
            raise  # an answer that says nothing, a gateway's, or a fault after the job was made
        except (ResponseError, InvalidInput):  # refused: by the Provider, or before it was sent
            self.may_have_started = False
            raise

    def answered(self, job_id: str, resumes: str | None) -> str:
        """Take the job that the Provider answered with; returns its id.

        Args:
            job_id: the job's.
            resumes: the job that the start was to go on with, if any.

        Raises:
            StartUncertain: another start made this job.
        """
        if self._starts.claim(job_id, self._sent_at) or job_id == resumes:
            return job_id
        raise self._uncertain(
            "the Provider answered with a job that was there before the start was sent", [job_id]
        )

    def find(self, error: OceanError, look: Look, deadline: Deadline) -> str:
        """Return the job's id.

        Args:
            error: why there is no answer.
            look: gives the owner's jobs, and the Provider's clock in epoch seconds.
            deadline: until when to look.

        Raises:
            StartUncertain: none was found, more than one, or one that may be another start's; or
                the answer names a job that this start did not make.
            ProviderFault: that was the answer, and lists that can be read show no such job.
        """
        if isinstance(error, StartUncertain) and len(error.candidates) == 1:
            self._starts.unresolved(self._order)
            raise error
        is_fault = isinstance(error, ProviderFault)
        has_read, in_a_row, found = False, 0, list[Candidate]()
        for listed in self._looks(look, deadline):
            if listed is None:
                in_a_row = 0
                continue
            has_read, in_a_row, found = True, in_a_row + 1, listed
            new = [job.job_id for job in found if job.is_new]
            if len(new) == 1 and self._takes(new[0]):
                return new[0]
            is_believed = is_fault and not found and in_a_row >= LISTS_TO_BELIEVE_A_FAULT
            if is_believed or len(new) > 1:
                break
        if is_fault and in_a_row and not found:
            raise error
        reason = f"the answer was lost, and {_reason(has_read, len(found))}"
        raise self._uncertain(reason, [job.job_id for job in found], error)

    def _looks(self, look: Look, deadline: Deadline) -> Iterator[list[Candidate] | None]:
        """Yield what each look finds, None where it fails, with pauses between them."""
        for pause_s in (*LOOK_PAUSES_S, None):
            try:
                jobs, now_s = look()
            except OceanError:
                yield None
            else:
                yield self._candidates.among(jobs, now_s, time.monotonic() - self._sent_at)
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
        return StartUncertain(
            f"The job may have started, but {reason}{named}.{_first_fault(error)} Look again "
            "before starting a second job: list the wallet's jobs with "
            f"compute.jobs(wallet, {self._main.did!r}) and find agreementId "
            f"{self._main.transfer_tx_id}.",
            did=self._main.did,
            order_tx=self._main.transfer_tx_id,
            candidates=candidates,
        )


def _first_fault(error: OceanError | None) -> str:
    """Say why there is no answer, without the advice for a call that was refused."""
    if error is None:
        return ""
    if isinstance(error, ProviderFault):
        words = error.provider_text.rstrip(".")
        return f" The Provider answered HTTP {error.status_code}: {words}."
    return f" First fault: {error}"


def _reason(has_read: bool, found: int) -> str:
    if found == 1:
        return "one job matches that may be of another start"
    if found:
        return "several jobs match"
    return "no such job is there yet" if has_read else "its jobs could not be listed either"
