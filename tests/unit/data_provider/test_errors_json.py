"""Each of the 113 recorded answers of the real Provider gives a value or the right error."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses

from ocean_lib import exceptions
from ocean_lib.backends.v3.answers import JobInfo
from ocean_lib.common.aquarius.aquarius import Aquarius
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from tests import vectors

CASES = vectors.errors()
ROOT = vectors.HOSTS["provider"]
DID = "did:op:f91e135532b149C6C4876F211386dc734F57138a"
TX = "0x9f895759d0a4bd1039818c92bfd3f7613ee6d9128956efd6e5007fea439e33ce"
CONSUMER = "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"
ALGORITHM = AlgorithmMetadata(
    {"rawcode": "1", "container": {"image": "a", "tag": "b", "entrypoint": "c"}}
)

# What each refusal is, by the position in errors.json (which names the case).
REFUSALS = {
    "RequestInvalid": [2, 3, 4, 6, 8, 9, 10, 11, 12, 45, 57, 84, 88, 89, 90],
    "SignatureRejected": [15, 16, 17, 19, 22, 23, 74, 78],
    "WorkflowRefused": [24, 25, 26, 34, 40, 50, 51, 55, 110, 111, 112],
    "AlgorithmNotTrusted": [27],
    "RawAlgorithmNotAllowed": [32],
    "OrderNotValid": [7, 29, 30, 36, 37, 38, 39, 47, 52],
    "EndpointNotFound": [58, 59],
    "ProviderFault": [
        *(13, 14, 28, 33, 35, 41, 42, 43, 44, 60, 61, 73, 76, 77, 91, 92, 97, 98, 109)
    ],
    "OceanEncryptAssetUrlsError": [104],
    "AquariusError": [107],
}
EXPECTED = {index: name for name, found in REFUSALS.items() for index in found}
WITHHELD = {62, 63, 65, 67}
CUT_SHORT = {64, 65, 66, 83}  # the recording kept 1,500 characters of each body


def ask(case: dict[str, Any]) -> Any:
    """Make the call of ours that gets this answer."""
    provider, url = DataServiceProvider(), case["request"]["url"].partition("?")[0]
    method, path = case["request"]["method"], urlsplit(url).path
    query = vectors.query(case["request"]["url"])
    job_id = query.get("jobId") or "no job"
    if case["group"] == "aquarius":
        aquarius = Aquarius(vectors.HOSTS["aquarius"])
        return aquarius.list_assets() if method == "GET" else aquarius.validate_metadata({})
    if path.endswith("/nonce"):
        return provider.get_nonce(CONSUMER, ROOT)
    if path.endswith("/initialize"):
        return provider.get_order_requirements(DID, url, CONSUMER, 4, "compute", CONSUMER)
    if path.endswith("/fileinfo"):
        return provider.check_single_file_info("http://x/", ROOT)
    if path.endswith("/encrypt"):
        return provider.encrypt_files_dict([], url, CONSUMER, CONSUMER, "0x")
    if path == "/":
        return provider.get_service_endpoints(ROOT)
    if method == "POST":
        return start(provider, url, case)
    if method == "DELETE":
        return provider.delete_compute_job(DID, job_id, url, CONSUMER, "0x")
    if method == "PUT" and query.get("jobId"):
        return provider.stop_compute_job(DID, job_id, url, CONSUMER, "0x")
    if method == "PUT":
        return provider.stop_all_compute_jobs(DID, url, CONSUMER, "0x")
    if query.get("jobId"):
        return provider.compute_job_result(DID, job_id, url, CONSUMER, "0x")
    return provider.compute_jobs(DID, url, CONSUMER, "0x")


def start(provider: DataServiceProvider, url: str, case: dict[str, Any]) -> JobInfo:
    """Start what was asked for when the Provider said yes; anything, when it said no."""
    sent = json.loads(case["request"]["body"]) if case["status"] < 300 else {}
    further = sent.get("additionalInputs") or []
    further = json.loads(further) if isinstance(further, str) else further
    inputs = [
        ComputeInput(one["documentId"], one["transferTxId"], one["serviceId"]) for one in further
    ]
    return provider.start_compute_job(
        *(DID, url, CONSUMER, "0x", 4, TX, sent.get("algorithmDid"), ALGORITHM, TX, CONSUMER),
        input_datasets=inputs,
    )


def outcome(case: dict[str, Any]) -> Any:
    url = case["request"]["url"].partition("?")[0]
    method = case["request"]["method"]
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(f"{ROOT}/", body=CASES[105]["body"], content_type="application/json")
        answered = {"PATCH": "GET"}.get(method, method)
        wire.upsert(
            answered,
            url,
            body=case["body"],
            status=case["status"],
            content_type=case["content_type"],
        )
        return ask(case)


@pytest.mark.parametrize("index", [i for i, c in enumerate(CASES) if c["status"] >= 300])
def test_a_refusal_is_the_right_error_in_the_providers_words(index: int) -> None:
    case = CASES[index]

    with pytest.raises(exceptions.ResponseError) as caught:
        outcome(case)

    error = caught.value
    assert type(error).__name__ == EXPECTED[index], case["case"]
    assert isinstance(error, ValueError)
    assert error.status_code == case["status"]
    assert error.operation
    assert error.operation in str(error)
    assert "Check" in str(error) or len(str(error).split(". ")) > 1, "a next step"
    signature = vectors.query(case["request"]["url"]).get("signature", "")
    assert len(signature) < 20 or signature not in str(error)


@pytest.mark.parametrize("index", [i for i, c in enumerate(CASES) if c["status"] < 300])
def test_a_yes_gives_the_value_that_was_answered(index: int) -> None:
    case = CASES[index]
    if index in CUT_SHORT:
        with pytest.raises(exceptions.MalformedResponse):
            outcome(case)
        return
    said = json.loads(case["body"])
    method = case["request"]["method"]
    is_compute = urlsplit(case["request"]["url"]).path.endswith("/compute")

    if index in WITHHELD and vectors.query(case["request"]["url"]).get("jobId"):
        with pytest.raises(exceptions.ResultsWithheld):
            outcome(case)
        return
    if said == [] and is_compute and vectors.query(case["request"]["url"]).get("jobId"):
        with pytest.raises(exceptions.JobNotFound, match="does not know a job") as caught:
            outcome(case)
        assert isinstance(caught.value, IndexError)
        return
    value = outcome(case)

    if method == "DELETE":
        assert value is True
    elif is_compute:
        jobs: list[JobInfo] = value if isinstance(value, list) else [value]
        assert jobs == said
    else:
        assert value == meaning(case, said)


def meaning(case: dict[str, Any], said: Any) -> Any:
    """What an answer of the other services means, read independently of our code."""
    if case["group"] == "nonce":
        return int(said["nonce"])
    if case["group"] == "fileinfo":
        return all(file["valid"] for file in said)
    if case["group"] == "encrypt":
        return said["encryptedDocument"]
    if case["group"] == "root":
        return said["serviceEndpoints"]
    if case["group"] == "initialize":
        return (1, said["dataToken"], said["to"], int(said["nonce"]), said["computeAddress"])
    if case["case"].startswith("validate"):
        return False, said
    return said


def test_every_refusal_has_its_place_in_the_table() -> None:
    refused = {i for i, case in enumerate(CASES) if case["status"] >= 300}

    assert len(CASES) == 113
    assert set(EXPECTED) == refused
