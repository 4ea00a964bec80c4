"""What we send equals what ocean-lib 0.5.25 sent to the real Provider, and is read as it was.

Signatures are compared byte for byte (RFC 6979 makes them deterministic), bodies as JSON,
parameters decoded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses

from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.web3_internal.wallet import Wallet
from tests import vectors

COMPUTE = "/api/v1/services/compute"
CONFIG = {
    "eth-network": {"network": "http://127.0.0.1:28545"},
    "resources": {
        "metadata_cache_uri": vectors.HOSTS["aquarius"],
        "provider.url": vectors.HOSTS["provider"],
        "provider.address": "0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e",
    },
}


@pytest.fixture
def consumer() -> Wallet:
    return Wallet(None, private_key=vectors.CONSUMER_KEY)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def replay(wire: responses.RequestsMock, *names: str) -> None:
    """Answer every request of these recordings as it was answered then."""
    for name in names:
        for exchange in vectors.load(name)["exchanges"]:
            wire.add(
                exchange["method"],
                vectors.HOSTS[exchange["to"]] + urlsplit(exchange["target"]).path,
                body=exchange["response_body"],
                status=exchange["status"],
                content_type=exchange["response_content_type"],
            )


def ddo_of(name: str) -> dict[str, Any]:
    return json.loads(
        vectors.exchange(vectors.load(name), "GET", "/api/v1/aquarius")["response_body"]
    )


def compute_on(wire: responses.RequestsMock, *names: str) -> OceanCompute:
    """An OceanCompute in front of these recordings; assets not in them come from others."""
    replay(wire, *names)
    config = Config(options_dict=CONFIG)
    return OceanCompute(config, DataServiceProvider(config))


def sent(wire: responses.RequestsMock, method: str, path: str = COMPUTE) -> Any:
    found = [
        call.request
        for call in wire.calls
        if call.request.method == method and urlsplit(call.request.url).path == path
    ]
    assert len(found) == 1
    return found[0]


def body_of(name: str) -> dict[str, Any]:
    return json.loads(vectors.exchange(vectors.load(name), "POST", COMPUTE)["request_body"])


def inputs_of(body: dict[str, Any]) -> list[ComputeInput]:
    return [
        ComputeInput(body["documentId"], body["transferTxId"], body["serviceId"]),
        *(
            ComputeInput(item["documentId"], item["transferTxId"], item["serviceId"])
            for item in body["additionalInputs"]
        ),
    ]


def test_start_by_did_is_sent_as_recorded(wire, consumer: Wallet) -> None:
    recording, expected = (
        "10-compute-start-algorithm-did",
        body_of("10-compute-start-algorithm-did"),
    )

    job_id = compute_on(wire, recording).start(
        inputs_of(expected),
        consumer,
        algorithm_did=expected["algorithmDid"],
        algorithm_tx_id=expected["algorithmTransferTxId"],
        algorithm_data_token=expected["algorithmDataToken"],
    )

    assert json.loads(sent(wire, "POST").body) == expected
    assert job_id == vectors.load(recording)["result"]


def test_start_of_raw_code_is_sent_as_recorded(wire, consumer: Wallet) -> None:
    recording, expected = "20-compute-start-raw", body_of("20-compute-start-raw")

    job_id = compute_on(wire, recording).start(
        inputs_of(expected), consumer, algorithm_meta=AlgorithmMetadata(expected["algorithmMeta"])
    )

    assert json.loads(sent(wire, "POST").body) == expected
    assert job_id == vectors.load(recording)["result"]


def test_start_with_two_inputs_is_sent_as_recorded(wire, consumer: Wallet) -> None:
    recording, expected = "30-compute-start-two-inputs", body_of("30-compute-start-two-inputs")
    second = expected["additionalInputs"][0]["documentId"]
    other = ddo_of(recording)
    wire.add(
        "GET",
        f"{vectors.HOSTS['aquarius']}/api/v1/aquarius/assets/ddo/{second}",
        json={**other, "id": second},
    )

    compute_on(wire, recording).start(
        inputs_of(expected),
        consumer,
        algorithm_did=expected["algorithmDid"],
        algorithm_tx_id=expected["algorithmTransferTxId"],
        algorithm_data_token=expected["algorithmDataToken"],
    )

    assert json.loads(sent(wire, "POST").body) == expected


@pytest.mark.parametrize(
    "recording",
    ["13-compute-result-finished", "21-compute-result-running", "24-compute-result-after-stop"],
)
def test_result_is_sent_as_recorded(wire, consumer: Wallet, recording: str) -> None:
    expected = vectors.query(vectors.exchange(vectors.load(recording), "GET", COMPUTE)["target"])

    result = compute_on(wire, recording).result(expected["documentId"], expected["jobId"], consumer)

    then = vectors.load(recording)["result"]
    logs = [then["logs"]] if then["logs"] else []
    assert vectors.query(sent(wire, "GET").url) == expected
    assert result == {"did": "", "urls": then["urls"] or [], "logs": logs}


def test_stop_is_sent_as_recorded(wire, consumer: Wallet) -> None:
    recording = vectors.load("22-compute-stop")
    expected = vectors.query(vectors.exchange(recording, "PUT", COMPUTE)["target"])

    stopped = compute_on(wire, "22-compute-stop").stop(
        expected["documentId"], expected["jobId"], consumer
    )

    assert vectors.query(sent(wire, "PUT").url) == expected
    assert stopped == recording["result"]


@pytest.mark.parametrize(
    "recording",
    ["11-compute-status-00", "12-compute-status-finished", "23-compute-status-after-stop"],
)
def test_a_signed_status_is_sent_as_recorded(wire, consumer: Wallet, recording: str) -> None:
    exchange = vectors.exchange(vectors.load(recording), "GET", COMPUTE)
    expected = vectors.query(exchange["target"])
    replay(wire, recording)
    provider = DataServiceProvider()
    did, job_id, address = expected["documentId"], expected["jobId"], expected["consumerAddress"]
    url = vectors.HOSTS["provider"] + COMPUTE

    signature = provider.sign_message(
        consumer, f"{address}{job_id}{did}", provider_uri=vectors.HOSTS["provider"]
    )
    job = provider.compute_job_status(did, job_id, url, address, signature)

    assert vectors.query(sent(wire, "GET").url) == expected
    assert job["status"] == vectors.load(recording)["result"]["status"]


def test_status_is_read_as_recorded_and_needs_no_signature(wire, consumer: Wallet) -> None:
    recording = vectors.load("12-compute-status-finished")
    query = vectors.query(vectors.exchange(recording, "GET", COMPUTE)["target"])

    status = compute_on(wire, "12-compute-status-finished").status(
        query["documentId"], query["jobId"], consumer
    )

    assert status == recording["result"]
    assert "signature" not in vectors.query(sent(wire, "GET").url)


def test_initialize_is_sent_as_recorded(wire) -> None:
    exchange = vectors.exchange(
        vectors.load("04-order-dataset-initialize"), "GET", "/api/v1/services/initialize"
    )
    expected = vectors.query(exchange["target"])
    replay(wire, "04-order-dataset-initialize")
    provider = DataServiceProvider()
    _, url = provider.build_initialize_endpoint(vectors.HOSTS["provider"])

    requirements = provider.get_order_requirements(
        expected["documentId"],
        url,
        expected["consumerAddress"],
        int(expected["serviceId"]),
        ServiceTypes.CLOUD_COMPUTE,
        expected["dataToken"],
    )

    answer = json.loads(exchange["response_body"])
    assert vectors.query(sent(wire, "GET", "/api/v1/services/initialize").url) == expected
    assert requirements.amount == 1
    assert requirements.receiver_address == answer["to"]
    assert requirements.nonce == int(answer["nonce"])
    assert requirements.computeAddress == answer["computeAddress"]


@pytest.mark.parametrize("is_one_call", [True, False])
def test_encrypt_is_sent_as_recorded(wire, is_one_call) -> None:
    path = "/api/v1/services/encrypt"
    exchange = vectors.exchange(vectors.load("01-publish-algorithm"), "POST", path)
    expected = json.loads(exchange["request_body"])
    replay(wire, "01-publish-algorithm")
    provider = DataServiceProvider()
    publisher = Wallet(None, private_key=vectors.PUBLISHER_KEY)

    files, asset_id = json.loads(expected["document"]), expected["documentId"]
    if is_one_call:
        encrypted = provider.encrypt_files(files, asset_id, publisher, vectors.HOSTS["provider"])
    else:
        encrypted = provider.encrypt_files_dict(
            files,
            provider.build_encrypt_endpoint(vectors.HOSTS["provider"])[1],
            asset_id,
            publisher.address,
            provider.sign_message(publisher, asset_id, provider_uri=vectors.HOSTS["provider"]),
        )

    assert json.loads(sent(wire, "POST", path).body) == expected
    assert encrypted == json.loads(exchange["response_body"])["encryptedDocument"]


def test_the_documented_attributes_have_the_recorded_keys(wire) -> None:
    ddo = ddo_of("04-order-dataset-initialize")
    recorded = ddo["service"][1]["attributes"]["main"]
    environment = recorded["provider"]["environment"]
    server = environment["supportedServers"][0]
    container = environment["supportedContainers"][0]
    algorithm = recorded["privacy"]["publisherTrustedAlgorithms"][0]["did"]
    replay(wire, "02-publish-dataset-compute")

    attributes = OceanCompute.create_compute_service_attributes(
        3600,
        recorded["creator"],
        recorded["datePublished"],
        OceanCompute.build_service_provider_attributes(
            recorded["provider"]["type"],
            recorded["provider"]["description"],
            OceanCompute.build_cluster_attributes(
                **_renamed(environment["cluster"], type="cluster_type")
            ),
            [OceanCompute.build_container_attributes(**container)],
            [OceanCompute.build_server_attributes(*server.values())],
        ),
        OceanCompute.build_service_privacy_attributes(
            [algorithm], vectors.HOSTS["aquarius"], allow_raw_algorithm=True
        ),
    )

    assert attributes == {"main": recorded}


def _renamed(values: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in values.items()}
