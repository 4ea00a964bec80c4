"""Whether a data set at a node lets an algorithm run, and why."""

from __future__ import annotations

from ocean_lib.backends.node.asset_findings import trust_findings
from ocean_lib.backends.node.trust import Candidate, allows_raw
from ocean_lib.documents.view import EVERY, AssetView, ServiceView
from ocean_lib.http.redaction import one_line
from ocean_lib.preflight.findings import Finding, refused
from ocean_lib.preflight.trust import Checksum, TrustReport


def node_trust_report(
    dataset: AssetView, service: ServiceView, algorithm_did: str, algorithm: Candidate | None
) -> TrustReport:
    """Judge an algorithm by a node's rules.

    Args:
        dataset: the data set.
        service: its compute service.
        algorithm_did: the algorithm.
        algorithm: as it is now; None if nobody knows it.
    """
    rules = service.compute
    findings: tuple[Finding, ...]
    if algorithm is None:
        what = f"Nobody who is asked for documents knows {algorithm_did}."
        findings = (refused("asset-not-found", what, "Check the algorithm's DID.", algorithm_did),)
    else:
        findings = tuple(trust_findings(dataset, service, algorithm))
    entries = rules.trusted_algorithms if rules is not None else ()
    by_name = [entry for entry in entries if entry.did == algorithm_did]
    entry = next(iter(by_name), None)
    now = (algorithm.files, algorithm.container) if algorithm is not None else (None, None)
    recorded = (entry.files_checksum, entry.container_checksum) if entry is not None else ("", "")
    names = ("filesChecksum", "containerSectionChecksum")
    return TrustReport(
        dataset_did=dataset.did,
        algorithm_did=algorithm_did,
        trusted=not findings,
        why=" ".join(finding.what for finding in findings)
        or f"Data set {dataset.did} trusts {algorithm_did}, as it is now.",
        findings=findings,
        checksums=tuple(
            Checksum(name, None if was in ("", EVERY) else one_line(was, 100), is_now)
            for name, was, is_now in zip(names, recorded, now, strict=True)
        ),
        trusted_dids=tuple(one_line(entry.did, 100) for entry in entries),
        trusted_publishers=tuple(
            one_line(p, 100) for p in (rules.trusted_publishers if rules else ())
        ),
        allows_all_published=any(entry.did == EVERY for entry in entries),
        allows_raw=allows_raw(service),
    )
