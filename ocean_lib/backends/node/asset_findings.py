"""What published assets have against a job on a node, in the order in which the node looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ocean_lib.backends.node.resolving import ViewOf, algorithm_service
from ocean_lib.backends.node.trust import (
    Candidate,
    IsMember,
    admits,
    allows_raw,
    candidate_of,
    is_orderable,
    is_trusted,
    nobody_asked,
)
from ocean_lib.base.advice import Advice
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.documents.view import AssetView, ComputeRules, Credentials, ServiceView
from ocean_lib.exceptions import (
    AssetNotFound,
    InvalidInput,
    NoComputeService,
    NotOffered,
    OceanError,
    ProviderError,
    ServiceUnavailable,
    TooManyRequests,
)
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.preflight.findings import Finding, refused, unknown, warning

_SHOWN = 5
_STATES = ("active", "end of life", "deprecated", "revoked", "ordering disabled", "unlisted")


@dataclass(frozen=True)
class NodeFile:
    """One file of a published asset, as the node sees it.

    Attributes:
        is_readable: whether the node reads anything of it.
        checksum: of its content; the checksum of nothing where it cannot be read.
    """

    is_readable: bool
    checksum: str


FilesOf = Callable[[str, str], Sequence[NodeFile]]
"""Asks the node for the files of a service, by the asset's DID and the service's id."""


class AssetCheck:
    """The published assets of one job.

    Args:
        plan: the job.
        view_of: looks assets up.
        files_of: asks the node for their files.
        is_free: whether the job costs nothing: then the node reads neither trust nor orders.
        is_member: tells whether the consumer is on an access list.
    """

    def __init__(
        self,
        plan: JobPlan,
        view_of: ViewOf,
        files_of: FilesOf,
        *,
        is_free: bool,
        is_member: IsMember = nobody_asked,
    ) -> None:
        self._plan = plan
        self._view_of = view_of
        self._files_of = files_of
        self._is_free = is_free
        self._is_member = is_member
        self._algorithm: Candidate | None = None

    def findings(self) -> Iterator[Finding]:
        """Say what is in the way."""
        if self._plan.algorithm.did:
            yield from self._about_algorithm(self._plan.algorithm.did)
        for item in self._plan.published:
            yield from self._about_input(item)

    def _about_algorithm(self, did: str) -> Iterator[Finding]:
        asset = _looked_up(self._view_of, did)
        if isinstance(asset, Finding):
            yield asset
            return
        if asset.algorithm is None:
            what = f"{did} is not an algorithm, but of type {one_line(asset.type, 40)}."
            yield refused("not-an-algorithm", what, "Check algorithm_did.", did)
            return
        try:
            service = algorithm_service(asset, self._plan.algorithm)
        except NoComputeService as error:
            yield refused("no-such-service", str(error), "Choose one of those.", did)
            return
        yield from self._access(asset, service)
        files: Sequence[NodeFile] = ()
        for found in self._read(did, service):
            if isinstance(found, Finding):
                ends = "status 32, Algorithm provisioning failed"
                yield _unreadable("algorithm-unreachable", found, ends)
            else:
                files = found
        self._algorithm = candidate_of(asset, service, [file.checksum for file in files])
        yield from self._order("algorithm", did, service, self._plan.algorithm.tx_id)

    def _about_input(self, item: ComputeInput) -> Iterator[Finding]:
        asset = _looked_up(self._view_of, item.did)
        if isinstance(asset, Finding):
            yield asset
            return
        try:
            service = asset.service(item.service_id)
        except NoComputeService as error:
            yield refused("no-such-service", str(error), "Choose one of those.", item.did)
            yield from self._access(asset, None)
            return
        yield from self._access(asset, service)
        for found in self._read(item.did, service):
            if isinstance(found, Finding):
                ends = "status 31, Data provisioning failed"
                yield _unreadable("input-unreachable", found, ends)
        if not self._is_free:
            yield from self._trust(asset, service)
        yield from self._order("data set", item.did, service, item.transfer_tx_id)

    def _access(self, asset: AssetView, service: ServiceView | None) -> Iterator[Finding]:
        if not is_orderable(asset):
            state = asset.state or 0
            name = _STATES[state] if state < len(_STATES) else "unknown"
            what = f"{asset.did} is in state {state} ({name}): a node takes no jobs on it."
            yield refused("asset-disabled", what, "Ask its publisher.", asset.did)
        yield from self._credentials(asset.did, asset.credentials, asset.did)
        if service is not None:
            of = f"service {one_line(service.id, 80)} of {asset.did}"
            yield from self._credentials(of, service.credentials, asset.did)

    def _credentials(self, of: str, credentials: Credentials, did: str) -> Iterator[Finding]:
        consumer = self._plan.consumer
        is_denied, is_allowed = admits(credentials, consumer, self._is_member)
        ask = "Ask the publisher to let the address in, or use another wallet."
        if is_denied:
            yield refused("on-deny-list", f"{of} denies {consumer}.", ask, did)
        elif is_allowed is False:
            what = f"{of} has an allow list that {consumer} does not fit."
            yield refused("not-on-allow-list", what, ask, did)
        elif is_denied is None or is_allowed is None:
            what = f"Whether {of} lets {consumer} in is on an access list on the chain."
            yield unknown("access-list-unknown", what, "Start the job and see.", did)

    def _read(self, did: str, service: ServiceView) -> Iterator[Sequence[NodeFile] | Finding]:
        try:
            files = self._files_of(did, service.id)
        except (ServiceUnavailable, TooManyRequests):
            raise
        except ProviderError as error:
            words = error.provider_text or str(error.status_code)
            what = f"The node cannot open the files of {did}: it says: {words}."
            mend = "Use the node that served the asset when it was published."
            yield refused("files-not-readable", what, mend, did)
            return
        yield files
        missing = [str(index) for index, file in enumerate(files) if not file.is_readable]
        if missing or not files:
            which = f"file {', '.join(missing)}" if missing else "any file"
            yield warning("", f"The node reads no bytes of {which} of {did}.", "", did)

    def _order(self, what: str, did: str, service: ServiceView, tx: str) -> Iterator[Finding]:
        if not self._is_free and tx in ("", NOT_ORDERED):
            said = f"Service {one_line(service.id, 80)} of {what} {did} is not ordered."
            mend = "Let submit(..., pay=True) order it, or order it and pass the transaction."
            yield refused("not-ordered", said, mend, did)

    def _trust(self, asset: AssetView, service: ServiceView) -> Iterator[Finding]:
        plan, algorithm = self._plan.algorithm, self._algorithm
        if algorithm is not None:
            yield from trust_findings(asset, service, algorithm)
        elif not plan.did and plan.meta is not None and not allows_raw(service):
            what = f"Data set {asset.did} runs published algorithms only."
            mend = "Publish the algorithm and send it by DID, or ask the publisher to allow it."
            yield refused("raw-not-allowed", what, mend, asset.did)


def trust_findings(
    dataset: AssetView, service: ServiceView, algorithm: Candidate
) -> Iterator[Finding]:
    """Say why a data set's service would not let a published algorithm run."""
    verdict = is_trusted(service, algorithm)
    if verdict:
        return
    did, of = dataset.did, algorithm.did
    rules = service.compute
    if service.type != ServiceTypes.CLOUD_COMPUTE or rules is None:
        what = f"Service {one_line(service.id, 80)} of {did} has no rules for algorithms."
        yield refused("nobody-trusted", what, "Ask its publisher to name some.", did)
    elif verdict is None:
        what = f"Whether {did} trusts {of} is unknown: the algorithm's files could not be read."
        yield unknown("trust-unknown", what, "Check again later.", did)
    elif not rules.trusted_algorithms and not rules.trusted_publishers:
        yield _not_trusted("nobody-trusted", f"Data set {did} trusts no algorithm.", did, of)
    else:
        yield from _not_listed(dataset, rules, algorithm)


def _not_listed(dataset: AssetView, rules: ComputeRules, algorithm: Candidate) -> Iterator[Finding]:
    did, of = dataset.did, algorithm.did
    named = [entry for entry in rules.trusted_algorithms if entry.did in (of, "*")]
    if not named:
        listed = [one_line(entry.did, 100) for entry in rules.trusted_algorithms]
        known = ", ".join(listed[:_SHOWN]) or "none by name"
        what = f"Algorithm {of} is not trusted by data set {did}, which trusts: {known}."
        yield _not_trusted("algorithm-not-trusted", what, did, of)
        return
    renew = Advice.of("renew-trust", dataset=did, algorithm=of)
    for code, part, recorded, now in (
        ("files-changed", "The files", [e.files_checksum for e in named], algorithm.files),
        ("container-changed", "The container", [e.container_checksum for e in named],
         algorithm.container),
        ("service-not-trusted", "The service", [e.service_id for e in named],
         algorithm.service_id),
    ):  # fmt: skip
        if not {now, "*", None} & set(recorded):
            what = f"{part} of algorithm {of} is not what data set {did} trusted: "
            was = ", ".join(one_line(value, 100) or "nothing" for value in recorded)
            yield refused(code, f"{what}it was {was}, is {now}.", renew, of)


def _not_trusted(code: str, what: str, did: str, of: str) -> Finding:
    instead = "choose one that is trusted"
    advice = Advice.of("add-trust", dataset=did, algorithm=of, instead=instead)
    return refused(code, what, advice, did)


def _unreadable(code: str, found: Finding, ends: str) -> Finding:
    """Return what a file that cannot be read does to a job."""
    if found.severity == "refused":
        return found
    what = f"{found.what} It would take the job, which would then end with {ends}."
    return warning(code, what, "Tell the publisher; only they can mend it.", found.subject)


def _looked_up(view_of: ViewOf, did: str) -> AssetView | Finding:
    try:
        return view_of(did)
    except AssetNotFound:
        what = f"Nobody who is asked for documents knows {did}."
        mend = (
            "Check the DID and the node's URL. One that was just published takes a moment to "
            "appear."
        )
        return refused("asset-not-found", what, mend, did)
    except NotOffered as error:
        return refused("not-offered", str(error), "Set provider.url to its node.", did)
    except InvalidInput as error:
        what = f"The document of {did} cannot be read. {error}"
        return unknown("asset-unknown", what, "Ask its publisher to repair it.", did)
    except OceanError as error:
        return unknown("asset-unknown", f"{did} could not be looked up. {error}", "Try again.", did)
