"""What is in the way of a job's algorithm, apart from the data sets' trust in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.backend import ALL_RULES, Rules
from ocean_lib.backends.v3.rules import ALGORITHM_NOT_READ
from ocean_lib.base.advice import Advice
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import Algorithm
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata, container_faults
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.preflight.assets import FileProbe, access_findings, unreachable
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.findings import Finding, refused, warned, warning
from ocean_lib.preflight.payment import Purse, order_findings

_SHORTEST_CODE = 10  # pod-configuration takes such code for none, and looks for a URL
_MEND_RAW = "Set that right, and check again."
_MEND_PUBLISHED = "Ask the algorithm's publisher to set that right, or choose another algorithm."
_NETWORK_USE = re.compile(
    r"^\s*(?:import|from)\s+(?:requests|urllib3?|httpx|aiohttp|http|socket|ftplib|boto3)\b"
    r"|^\s*(?:curl|wget)\s|\b(?:pip3?|npm)\s+install\b",
    re.MULTILINE,
)


def fault_findings(meta: AlgorithmMetadata) -> list[Finding]:
    """Say why no back end would run code that is sent along with a job."""
    return [refused(code, what, _MEND_RAW) for code, what in meta.faults().items()]


def raw_findings(meta: AlgorithmMetadata, probe: FileProbe | None) -> Iterator[Finding]:
    """Check code that is sent along with a job on published data."""
    faults = fault_findings(meta)
    yield from faults
    if "no-code" in [fault.code for fault in faults]:
        return
    if 0 < len(meta.rawcode) <= _SHORTEST_CODE and not meta.url:
        yield _would_fail(
            f"The code has {len(meta.rawcode)} characters, and published back ends run no code "
            f"of {_SHORTEST_CODE} or fewer.",
            "",
            code="code-too-short",
            mend="Make it longer, with a comment for instance.",
        )
    if meta.url and probe is not None:
        reached = probe.of_url(meta.url)
        if isinstance(reached, Finding):
            yield reached
        elif reached is False:
            yield _would_fail("The Provider cannot reach the `url` of algorithm_meta.", "")


def published_findings(
    asset: Asset,
    algorithm: Algorithm,
    consumer: str,
    reader: ChainReader,
    purse: Purse,
    probe: FileProbe | None,
) -> Iterator[Finding]:
    """Check a published algorithm and its order; one still to be placed is noted in the purse."""
    did = str(asset.did)
    main = _main(asset)
    if not is_algorithm(asset):
        yield refused(
            "not-an-algorithm",
            f"{did} is published as {one_line(main.get('type'), 40)}, not as algorithm.",
            Advice.of("check-algorithm"),
            did,
        )
        return
    rules = probe.rules() if probe is not None else ALL_RULES
    yield from _order(asset, algorithm, consumer, reader, purse, rules)
    is_ordered = algorithm.tx_id not in ("", NOT_ORDERED)
    for finding in access_findings(asset, consumer):
        # What is ordered already is not looked at again; a new order would be refused.
        is_read = rules.reads_algorithm_access or not is_ordered
        yield finding if is_read else warned(finding, rules.name)
    yield from _container(did, main.get("algorithm"))
    files = main.get("files")
    if isinstance(files, list) and len(files) > 1:
        yield warning(
            "only-first-file",
            f"Algorithm {did} has {len(files)} files, and a job gets the first one only.",
            "Ask its publisher for a version in one file, or choose another algorithm.",
            did,
        )
    if probe is not None:
        reached = probe.of_asset("algorithm", did)
        if isinstance(reached, Finding):
            yield reached
        elif reached is not None and reached[:1] != [True]:  # only the first file is run
            yield _would_fail(unreachable("algorithm", did, reached), did)


def is_algorithm(asset: Asset) -> bool:
    """Whether an asset is published as an algorithm."""
    return _main(asset).get("type") == "algorithm"


def uses_network(meta: AlgorithmMetadata) -> str:
    """Return the line of raw code that seems to use the network, '' if none does."""
    found = _NETWORK_USE.search(meta.rawcode)
    if found is None:
        return ""
    start = found.start() + len(found.group()) - len(found.group().lstrip())
    return meta.rawcode[start:].partition("\n")[0].strip()[:80]


def _main(asset: Asset) -> dict[str, Any]:
    main = (asset.metadata or {}).get("main")
    return main if isinstance(main, dict) else {}


def _order(
    asset: Asset,
    algorithm: Algorithm,
    consumer: str,
    reader: ChainReader,
    purse: Purse,
    rules: Rules,
) -> Iterator[Finding]:
    token = asset.data_token_address
    if algorithm.tx_id in ("", NOT_ORDERED):
        yield not_ordered(
            f"Algorithm {asset.did}",
            f"pass the transaction as algorithm_tx_id, with algorithm_data_token={token!r}",
            asset,
        )
        yield from purse.to_order(asset, asset.get_service(ServiceTypes.ASSET_ACCESS))
        return
    if algorithm.data_token != token:
        given = algorithm.data_token or "none was given"
        yield refused(
            "wrong-datatoken",
            f"algorithm_data_token must be {token}, the data token of {asset.did}: {given}.",
            f"Pass algorithm_data_token={token!r}.",
            asset.did,
        )
    yield from order_findings(reader, str(algorithm.tx_id), asset, None, consumer, rules)


def not_ordered(what: str, then: str, asset: Asset) -> Finding:
    """Say that an order is still to be placed."""
    return refused(
        "not-ordered",
        f"{what} is not ordered yet.",
        Advice.of("order-then", did=str(asset.did), then=then),
        asset.did,
    )


def _container(did: str, section: Any) -> Iterator[Finding]:
    container = section.get("container") if isinstance(section, dict) else None
    container = container if isinstance(container, dict) else {}
    # A V3 Provider reads no digest.
    for code, what in container_faults({**container, "checksum": ""}).items():
        # The Provider looks for values that are empty, not for what they mean.
        is_refused = not all(container.get(name) for name in ("entrypoint", "image", "tag"))
        find = refused if is_refused else warning
        yield find(code, f"Algorithm {did}: {what}", _MEND_PUBLISHED, did)


def _would_fail(
    what: str,
    did: str,
    *,
    code: str = "algorithm-unreachable",
    mend: str = "Put the algorithm's file back, or publish it where the Provider can read it.",
) -> Finding:
    return warning(
        code,
        f"{what} The Provider would take the job, which would then end with {ALGORITHM_NOT_READ}.",
        mend,
        did,
    )
