"""Does a data set let an algorithm run? The Provider's rules, applied to the published DDOs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.utils import generate_trusted_algo_dict
from ocean_lib.backends.backend import ALL_RULES, Rules
from ocean_lib.base.advice import Advice
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import InvalidInput
from ocean_lib.http.redaction import one_line
from ocean_lib.preflight.findings import Finding, refused, warned
from ocean_lib.preflight.trust import Checksum, TrustReport

_SHOWN_CHARS, _SHOWN_VALUES = 100, 10

TRUSTED_ALGORITHMS = "publisherTrustedAlgorithms"
CHECKSUMS = {
    "filesChecksum": ("files-changed", "The files"),
    "containerSectionChecksum": ("container-changed", "The container"),
}


def rules_of(asset: Asset, service: Service) -> dict[str, Any]:
    """Return the rules of a compute service; {} if it has none, which trusts nobody.

    Raises:
        InvalidInput: they cannot be read.
    """
    privacy = service.main.get("privacy") or {}
    if isinstance(privacy, dict):
        return privacy
    # Not as JSON text either: the Provider does not read it.
    raise InvalidInput(
        f"privacy in the compute service of {asset.did} must be a dict, got "
        f"{type(privacy).__name__}."
    )


def allows_raw(rules: dict[str, Any]) -> bool:
    """Whether unpublished code may run: the Provider refuses it only if this is False."""
    return rules.get("allowRawAlgorithm", False) is not False


def allows_network(rules: dict[str, Any]) -> bool:
    """Whether an algorithm may use the network."""
    return rules.get("allowNetworkAccess", False) is True


def trust_report(
    dataset: Asset,
    service: Service,
    algorithm_did: str,
    algorithm: Asset | None,
    provider: Rules = ALL_RULES,
) -> TrustReport:
    """Judge an algorithm by the rules of a data set's compute service.

    Args:
        dataset: the data set.
        service: its compute service.
        algorithm_did: the algorithm.
        algorithm: as it is published now; None if the metadata cache does not know it.
        provider: which rules the Provider reads.

    Raises:
        InvalidInput: the rules cannot be read.
    """
    case = _Case(dataset, service, algorithm_did, algorithm, provider)
    findings = tuple(case.findings())
    return TrustReport(
        dataset_did=case.dataset_did,
        algorithm_did=algorithm_did,
        trusted=all(finding.severity == "warning" for finding in findings),
        why=" ".join(finding.what for finding in findings) or case.why_trusted(),
        findings=findings,
        checksums=case.checksums(),
        trusted_dids=tuple(map(_shown, case.listed)),
        trusted_publishers=tuple(map(_shown, case.publishers)),
        allows_all_published=case.allows_all,
        allows_raw=allows_raw(case.rules),
    )


def checksums_of(algorithm: Asset) -> dict[str, str]:
    """Return an algorithm's checksums as they are now, by their names in a trust list.

    Raises:
        InvalidInput: it is not an algorithm; the message says what is missing.
    """
    entry = generate_trusted_algo_dict(ddo=algorithm)
    return {name: str(entry[name]) for name in CHECKSUMS}


def _shown(value: object) -> str:
    """Return a value of the list, safe to show: its publisher can write anything there."""
    text = str(value)
    shown = one_line(text, _SHOWN_CHARS)
    # It differs from what is compared, so it must look different too.
    return shown if shown == text else one_line(repr(text), _SHOWN_CHARS)


def _several(values: Sequence[object]) -> str:
    shown = ", ".join(map(_shown, values[:_SHOWN_VALUES]))
    more = len(values) - _SHOWN_VALUES
    return f"{shown} and {more} more" if more > 0 else shown


class _Case:
    """One algorithm before one data set's rules."""

    def __init__(
        self,
        dataset: Asset,
        service: Service,
        algorithm_did: str,
        algorithm: Asset | None,
        provider: Rules,
    ) -> None:
        self.provider = provider
        self.dataset_did = str(dataset.did)
        self.algorithm_did = algorithm_did
        self.algorithm = algorithm
        self.rules = rules_of(dataset, service)
        entries = self.rules.get(TRUSTED_ALGORITHMS) or []
        self.entries = entries if isinstance(entries, list) else [entries]
        publishers = self.rules.get("publisherTrustedAlgorithmPublishers") or []
        self.publishers = publishers if isinstance(publishers, list) else [publishers]
        self.allows_all = bool(self.rules.get("allowAllPublishedAlgorithms", False))
        self.listed = [str(e["did"]) for e in self.entries if isinstance(e, dict) and "did" in e]
        self.now: dict[str, str] = {}
        self.fault = ""
        try:
            self.now = checksums_of(algorithm) if algorithm is not None else {}
        except InvalidInput as error:
            self.fault = str(error)

    def findings(self) -> Iterator[Finding]:
        """Say what is in the way, in the Provider's order, up to its first refusal."""
        if self.allows_all:
            return
        if not self.entries:
            yield self._refused(
                "nobody-trusted",
                f"Data set {self.dataset_did} trusts no algorithm.",
                "choose a data set that trusts some",
            )
            return
        if self.algorithm is None:
            yield self._unknown_algorithm()
            return
        if self.publishers and self.algorithm.publisher not in self.publishers:
            finding = self._other_publisher(self.algorithm)
            if self.provider.reads_publishers:
                yield finding
                return
            yield warned(finding, self.provider.name)
        if len(self.listed) < len(self.entries):
            yield refused(
                "trust-list-unreadable",
                f"The list of trusted algorithms of data set {self.dataset_did} has an entry "
                "without a did: the Provider then refuses all published algorithms.",
                Advice.of("repair-trust-list"),
                self.dataset_did,
            )
        elif self.algorithm_did not in self.listed:
            yield self._not_listed()
        elif self.fault:
            yield refused(
                "not-an-algorithm",
                f"The checksums of {self.algorithm_did} cannot be taken: {self.fault}",
                "Check the DID: it must be that of a published algorithm.",
                self.algorithm_did,
            )
        else:
            yield from self._changed()

    def checksums(self) -> tuple[Checksum, ...]:
        """Return both checksums, recorded and now."""
        entry = self._entry()
        return tuple(
            Checksum(name, _shown(entry[name]) if entry.get(name) else None, self.now.get(name))
            for name in CHECKSUMS
        )

    def why_trusted(self) -> str:
        """Say why the algorithm may run."""
        if self.allows_all:
            return f"Data set {self.dataset_did} lets every published algorithm run."
        compared = [checksum.name for checksum in self.checksums() if checksum.recorded]
        how = f"with the same {' and '.join(compared)}" if compared else "in any version"
        return f"{self.algorithm_did} is on the list of data set {self.dataset_did}, {how}."

    def _entry(self) -> dict[str, Any]:
        """Return the list's entry for the algorithm; the last one counts."""
        found: dict[str, Any] = {}
        for entry in self.entries:
            if isinstance(entry, dict) and entry.get("did") == self.algorithm_did:
                found = entry
        return found

    def _other_publisher(self, algorithm: Asset) -> Finding:
        return refused(
            "publisher-not-trusted",
            f"Data set {self.dataset_did} runs algorithms of {_several(self.publishers)} only; "
            f"{self.algorithm_did} is of {algorithm.publisher}. (Providers before 0.4.13 do not "
            "read this rule.)",
            "Choose an algorithm of one of those publishers, or ask the data set's publisher "
            "to add this one to publisherTrustedAlgorithmPublishers.",
            self.dataset_did,
        )

    def _not_listed(self) -> Finding:
        other_case = [d for d in self.listed if d.lower() == self.algorithm_did.lower()]
        spelled = f" It is there in another spelling, {other_case[0]}." if other_case else ""
        return self._refused(
            "algorithm-not-trusted",
            f"Algorithm {self.algorithm_did} is not trusted by data set {self.dataset_did}, which "
            f"trusts: {_several(self.listed) or 'none'}.{spelled}",
            "choose one that is trusted",
        )

    def _changed(self) -> Iterator[Finding]:
        for checksum in self.checksums():
            if not checksum.fits:
                code, part = CHECKSUMS[checksum.name]
                yield refused(
                    code,
                    f"{part} of algorithm {self.algorithm_did} changed since data set "
                    f"{self.dataset_did} trusted it: {checksum.name} was {checksum.recorded}, "
                    f"is {checksum.now}.",
                    Advice.of(
                        "renew-trust", dataset=self.dataset_did, algorithm=self.algorithm_did
                    ),
                    self.algorithm_did,
                )

    def _unknown_algorithm(self) -> Finding:
        return refused(
            "asset-not-found",
            f"The metadata cache holds no asset {self.algorithm_did}.",
            "Check the algorithm's DID; if it was taken down, choose another.",
            self.algorithm_did,
        )

    def _refused(self, code: str, what: str, instead: str) -> Finding:
        advice = Advice.of(
            "add-trust",
            dataset=self.dataset_did,
            algorithm=self.algorithm_did,
            instead=instead,
        )
        return refused(code, what, advice, self.dataset_did)
