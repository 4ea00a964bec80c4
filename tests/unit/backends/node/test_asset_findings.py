"""Over every recorded answer about published assets: preflight says what the node said."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from ocean_lib import AlgorithmMetadata, ComputeInput
from ocean_lib.backends.node.asset_findings import AssetCheck, NodeFile
from ocean_lib.documents.reading import view_of
from ocean_lib.documents.view import AssetView
from ocean_lib.exceptions import AssetNotFound, ProviderFault
from ocean_lib.jobs.plan import Algorithm, JobPlan
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.preflight.findings import Finding
from tests.vectors import nodes

DATASET, ALGORITHM = nodes.document("04"), nodes.document("02")
(KNOWN,) = json.loads(nodes.body_of(nodes.load("03")[-1]))
OTHERS = nodes.load("06")[-1]["response"]["body"]["json"][0]
META = AlgorithmMetadata(
    {
        "rawcode": "print(1)",
        "container": {"image": "python", "tag": "3", "entrypoint": "python3 $ALGO"},
    }
)
ORDER = "0x" + "12" * 32

# What a node says to a document, and what preflight calls it.
SAID = {
    "DDO did:op:.* not found": "asset-not-found",
    "Failed to retrieve algorithm checksums": "asset-not-found",
    "Cannot find service nope": "no-such-service",
    "Access to asset .* was denied": "on-deny-list",
    "Missing transferTxId": "not-ordered",
}
UNTRUSTED = {
    "initialize raw on dataset that forbids it": "raw-not-allowed",
    "paid raw not allowed": "raw-not-allowed",
    "initialize untrusted algorithm": "algorithm-not-trusted",
    "paid algorithm not trusted": "algorithm-not-trusted",
    "initialize dataset trusts nobody": "nobody-trusted",
    "paid trusted list with wrong files checksum": "files-changed",
}


def about_assets() -> list[dict[str, Any]]:
    """Return the recorded starts and questions for a price that name an asset, and are complete."""
    found = []
    for case in nodes.errors():
        body = (case["request"].get("body") or {}).get("json")
        is_job = isinstance(body, dict) and isinstance(body.get("datasets"), list)
        is_complete = is_job and body.get("environment") and body.get("payment", True)
        if is_complete and "documentId" in json.dumps(body):
            found.append(case)
    return found


CASES = [
    case
    for case in about_assets()
    if "TxId Service" not in nodes.body_of(case).decode()  # the chain decides
    and "without documentId" not in case["case"]
    and not any(
        other in nodes.body_of(case).decode()
        for other in ("C2D Environment", "accept payments", "Missing one")
    )
]


def of(case: dict[str, Any], did: str) -> dict[str, Any]:
    """Return the document of a recorded data set: of those not recorded, by the case's words."""
    for document in (DATASET, ALGORITHM, *OTHERS):
        if document["id"] == did:
            return dict(document)
    if did == "did:op:" + "0" * 64:
        raise AssetNotFound("none", operation="look it up", status_code=404)
    document = copy.deepcopy(DATASET) | {"id": did}
    (entry,) = (d for d in case["request"]["body"]["json"]["datasets"] if d["documentId"] == did)
    service = document["services"][0]
    service["id"] = entry["serviceId"]
    words = case["case"]
    if "deny" in words or "denied" in words:
        who = case["request"]["body"]["json"]["consumerAddress"]
        document["credentials"] = {"deny": [{"type": "address", "values": [who]}]}
    if "trusts nobody" in words:
        service["compute"]["publisherTrustedAlgorithms"] = []
    if "wrong files checksum" in words:
        service["compute"]["publisherTrustedAlgorithms"][0]["filesChecksum"] = "0" * 64
    if "allows raw" in words:
        service["compute"]["allowRawAlgorithm"] = True
    if "access service" in words:
        service["type"] = "access"
        del service["compute"]
    return document


def plan_of(body: dict[str, Any]) -> JobPlan:
    given = body["algorithm"]
    tx = given.get("transferTxId", "")
    algorithm = Algorithm(meta=META)
    if "documentId" in given:
        algorithm = Algorithm(given["documentId"], None, tx, service_id=given["serviceId"])
    inputs = tuple(
        ComputeInput(d["documentId"], d.get("transferTxId", NOT_ORDERED), d["serviceId"])
        for d in body["datasets"]
    )
    return JobPlan(inputs, algorithm, body["consumerAddress"])


def files_of(did: str, _: str) -> list[NodeFile]:
    checksum = KNOWN["checksum"] if did == ALGORITHM["id"] else "ab" * 32
    return [NodeFile(is_readable=True, checksum=checksum)]


def checked(case: dict[str, Any]) -> list[Finding]:
    request = case["request"]
    check = AssetCheck(
        plan_of(request["body"]["json"]),
        lambda did: view_of(of(case, did)),
        files_of,
        is_free="free" in request["path"].lower(),
    )
    found = [one for one in check.findings() if one.severity == "refused"]
    if "initialize" in request["path"]:  # nothing has to be ordered yet
        found = [one for one in found if one.code != "not-ordered"]
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_preflight_says_what_the_node_said(case: dict[str, Any]) -> None:
    said = nodes.body_of(case).decode()
    found = [one.code for one in checked(case)]

    if case["response"]["status"] == 200:
        assert found == []
    elif case["case"] in UNTRUSTED:
        assert found == [UNTRUSTED[case["case"]]]
    else:
        (code,) = {SAID[pattern] for pattern in SAID if re.search(pattern, said)}
        assert code in found


def test_the_recorded_cases_are_all_looked_at() -> None:
    assert len(CASES) == 29
    assert {case["response"]["status"] for case in CASES} == {200, 400, 403, 500}


def plan(**fields: Any) -> JobPlan:
    service = DATASET["services"][0]["id"]
    inputs = (ComputeInput(DATASET["id"], ORDER, service),)
    algorithm = Algorithm(ALGORITHM["id"], None, ORDER)
    return JobPlan(inputs, fields.pop("algorithm", algorithm), nodes.CONSUMER)


def codes(
    dataset: dict[str, Any] = DATASET, *, is_free: bool = False, files: Any = files_of
) -> list[str]:
    views: dict[str, AssetView] = {d["id"]: view_of(d) for d in (dataset, ALGORITHM)}
    check = AssetCheck(plan(), views.__getitem__, files, is_free=is_free)
    return [f"{one.severity}:{one.code}" for one in check.findings()]


def test_a_paid_job_that_is_ordered_and_trusted_has_no_findings() -> None:
    assert codes() == []


def test_a_free_job_runs_an_algorithm_that_nobody_trusts_as_recorded() -> None:
    start = nodes.load("26")[1]
    assert start["response"]["status"] == 200
    did = start["request"]["body"]["json"]["algorithm"]["documentId"]
    untrusted = next(d for d in OTHERS if d["id"] == did)
    algorithm = Algorithm(untrusted["id"], None, ORDER)
    views = {d["id"]: view_of(d) for d in (DATASET, untrusted)}
    found = {
        is_free: AssetCheck(
            plan(algorithm=algorithm), views.__getitem__, files_of, is_free=is_free
        ).findings()
        for is_free in (True, False)
    }

    assert list(found[True]) == []
    assert [one.code for one in found[False]] == ["algorithm-not-trusted"]


def test_a_state_that_takes_no_orders_is_refused_by_its_name() -> None:
    indexed = {"nft": {**DATASET["indexedMetadata"]["nft"], "state": 4}}

    assert codes(DATASET | {"indexedMetadata": indexed}, is_free=True) == ["refused:asset-disabled"]


def test_credentials_of_a_service_count_besides_those_of_the_asset() -> None:
    document = copy.deepcopy(DATASET)
    document["services"][0]["credentials"] = {"allow": [{"type": "address", "values": []}]}
    assert codes(document, is_free=True) == ["refused:not-on-allow-list"]

    rule = {"type": "accessList", "chainId": 8996, "accessList": "0x" + "1" * 40}
    document["services"][0]["credentials"] = {"allow": [rule]}
    assert codes(document, is_free=True) == ["unknown:access-list-unknown"]


def test_files_that_the_node_cannot_read_are_told_with_how_the_job_would_end() -> None:
    def none_read(_: str, __: str) -> list[NodeFile]:
        return [NodeFile(is_readable=False, checksum="")]

    def not_ours(_: str, __: str) -> list[NodeFile]:
        raise ProviderFault("no", operation="look", status_code=500, provider_text="not served")

    assert codes(files=none_read) == [
        "warning:algorithm-unreachable",
        "warning:input-unreachable",
        "unknown:trust-unknown",
    ]
    assert codes(files=not_ours, is_free=True) == ["refused:files-not-readable"] * 2


def test_a_changed_container_and_another_service_are_told_apart() -> None:
    document = copy.deepcopy(DATASET)
    (entry,) = document["services"][0]["compute"]["publisherTrustedAlgorithms"]
    entry["containerSectionChecksum"] = "0" * 64
    entry["serviceId"] = "another"

    assert codes(document) == ["refused:container-changed", "refused:service-not-trusted"]
    assert codes(document, is_free=True) == []
