"""A DDO is read, asked, changed and written."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_agreement import ServiceAgreement
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.ddo import DDO, PUBLIC_KEY_TYPE_RSA
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import InvalidDid, InvalidInput

ADDRESS = "0xA78deb2Fa79463945C247991075E2a0e98Ba7A09"
DID = "did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"


def test_a_new_ddo_is_built_as_the_era_s_client_built_it(dataset_ddo: dict[str, Any]) -> None:
    asset = Asset(created=dataset_ddo["created"])
    asset.add_proof(dataset_ddo["proof"]["checksum"], SimpleNamespace(address=ADDRESS))
    asset.assign_did(DID)
    for service in dataset_ddo["service"]:
        asset.add_service(ServiceAgreement.from_json(service)) if service[
            "type"
        ] == "compute" else asset.add_service(Service.from_json(service))
    asset.add_public_key(DID, ADDRESS)
    asset.add_authentication(DID, PUBLIC_KEY_TYPE_RSA)
    asset.data_token_address = dataset_ddo["dataToken"]
    asset.proof["signatureValue"] = dataset_ddo["proof"]["signatureValue"]  # type: ignore[index]
    asset.proof["created"] = dataset_ddo["proof"]["created"]  # type: ignore[index]

    built = asset.as_dictionary()

    expected = {key: dataset_ddo[key] for key in built}
    assert json.dumps(built) == json.dumps(expected)
    assert list(built) == list(dataset_ddo)[: len(built)]


def test_a_read_ddo_answers_what_it_holds(dataset_ddo: dict[str, Any]) -> None:
    ddo = DDO(dictionary=dataset_ddo)

    assert ddo.did == DID
    assert ddo.asset_id == "0x" + DID.removeprefix("did:op:")
    assert ddo.publisher == ADDRESS
    assert ddo.created == dataset_ddo["created"]
    assert ddo.metadata == dataset_ddo["service"][0]["attributes"]
    assert ddo.encrypted_files == dataset_ddo["service"][0]["attributes"]["encryptedFiles"]
    assert ddo.proof == dataset_ddo["proof"]
    assert repr(ddo) == f"DDO({DID})"


def test_services_are_found_by_type_and_by_index(dataset_ddo: dict[str, Any]) -> None:
    ddo = DDO(dictionary=dataset_ddo)

    assert ddo.get_service_by_index(0) is ddo.get_service(ServiceTypes.METADATA)
    assert ddo.get_service_by_index("4") is ddo.get_service(ServiceTypes.CLOUD_COMPUTE)
    assert isinstance(ddo.get_service(ServiceTypes.CLOUD_COMPUTE), ServiceAgreement)
    for index in (3, -1, "x", None, 0.5, True):
        assert ddo.get_service_by_index(index) is None  # type: ignore[arg-type]
    assert ddo.get_service() is None
    assert ddo.get_service("access") is None


def test_the_lists_given_out_are_copies(dataset_ddo: dict[str, Any]) -> None:
    ddo = DDO(dictionary=dataset_ddo)

    ddo.services.clear()
    ddo.as_dictionary()["service"].clear()

    assert ddo.as_dictionary() == dataset_ddo


def test_the_dictionary_that_was_read_is_not_changed(dataset_ddo: dict[str, Any]) -> None:
    before = json.dumps(dataset_ddo)

    ddo = DDO(dictionary=dataset_ddo)
    ddo.disable()
    ddo.add_address_to_allow_list(ADDRESS)

    assert json.dumps(dataset_ddo) == before


def test_the_text_can_be_pretty_and_without_proof(dataset_ddo: dict[str, Any]) -> None:
    ddo = DDO(dictionary=dataset_ddo)

    assert json.loads(ddo.as_text(is_pretty=True)) == dataset_ddo
    assert "\n" in ddo.as_text(is_pretty=True)
    assert "proof" not in json.loads(ddo.as_text(is_proof=False))
    assert "proof" not in DDO(dictionary={"id": DID, "proof": None}).as_dictionary(is_proof=False)


def test_a_ddo_is_read_from_text_and_from_a_file(
    dataset_ddo: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "ddo.json"
    path.write_text(json.dumps(dataset_ddo), encoding="utf-8")

    assert DDO(json_text=json.dumps(dataset_ddo)).as_dictionary() == dataset_ddo
    assert DDO(json_filename=path).as_dictionary() == dataset_ddo


def test_parts_written_as_json_text_are_read(dataset_ddo: dict[str, Any]) -> None:
    as_text = {**dataset_ddo, "service": [json.dumps(s) for s in dataset_ddo["service"]]}

    assert DDO(dictionary=as_text).as_dictionary() == dataset_ddo


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "DDO has no 'id'; it has 'no keys at all'"),
        ({"did": DID}, "DDO has no 'id'; it has 'did'"),
        ({"id": 5}, "'id' of a DDO must be text, got 5"),
        ([], "DDO must be a dict"),
        ({"id": DID, "service": {}}, "service must be a list"),
        ({"id": DID, "service": [5]}, r"service\[0\] must be a dict, got 5"),
        ({"id": DID, "service": [{}]}, r"service\[0\] has no 'type'"),
        ({"id": DID, "service": [{"type": 1}]}, "'type' of a service must be text"),
        ({"id": DID, "service": [{"type": "\x1b[31m"}]}, r"'type' of a .* got '\\x1b\[31m'"),
        ({"id": DID, "service": [{"type": "\ud800"}]}, "'type' of a service must be text"),
        ({"id": DID, "service": [{"type": "x" * 81}]}, "'type' of a service must be text"),
        ({"id": DID, "service": [{"type": "x", "attributes": []}]}, "attributes of a service"),
        ({"id": DID, "service": [{"type": "x", "index": "0"}]}, "'index' of a service must be"),
        ({"id": DID, "service": ["{"]}, r"service\[0\] is no JSON"),
        ({"id": DID, "publicKey": [None]}, r"publicKey\[0\] must be a dict"),
        ({"id": DID, "publicKey": 0}, "publicKey must be a list, got 0"),
        ({"id": DID, "authentication": [{"type": "x"}]}, r"authentication\[0\] has no 'publicKey'"),
        ({"id": DID, "proof": "x"}, "proof is no JSON"),
        ({"id": DID, "credentials": []}, "credentials must be a dict"),
    ],
)
def test_a_bad_document_is_refused_with_the_key_that_is_wrong(document: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        DDO(dictionary=document)


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidInput, match="DDO is no JSON"):
        DDO(json_text="<html>")


def test_nesting_without_end_is_refused() -> None:
    document: dict[str, Any] = {"id": DID}
    for _ in range(100_000):
        document = {"id": DID, "x": document}

    with pytest.raises(InvalidInput, match="nested too deeply"):
        DDO(dictionary=document)
    # Taken apart here: the interpreter would recurse to free it.
    while "x" in document:
        document = document.pop("x")


def test_a_did_is_assigned_once() -> None:
    ddo = DDO()

    assert ddo.did is None
    assert ddo.asset_id is None
    assert ddo.assign_did(DID) == DID
    with pytest.raises(InvalidDid, match="already has the DID"):
        ddo.assign_did(DID)


@pytest.mark.parametrize("did", ["", "0x12", "did:op:", None])
def test_only_a_did_is_assigned(did: Any) -> None:
    with pytest.raises(AssertionError):
        DDO().assign_did(did)


def test_a_key_that_was_read_keeps_all_it_had_and_one_that_was_added_is_the_publishers() -> None:
    entry = {"type": PUBLIC_KEY_TYPE_RSA, "publicKeyPem": "PEM", "id": "#k"}
    ddo = DDO(dictionary={"id": DID, "publicKey": [entry]})

    ddo.add_public_key(DID, ADDRESS)

    added = {"id": DID, "type": "EthereumECDSAKey", "owner": ADDRESS}
    assert json.dumps(ddo.as_dictionary()["publicKey"]) == json.dumps([entry, added])


def test_an_authentication_needs_a_key() -> None:
    with pytest.raises(InvalidInput):
        DDO().add_authentication("", PUBLIC_KEY_TYPE_RSA)


def test_a_service_is_added_from_its_parts() -> None:
    ddo = DDO(did=DID)
    values = {"attributes": {"main": {"a": 1}}, "extra": [1]}

    ddo.add_service("compute", "http://localhost", values, 7)

    assert ddo.as_dictionary()["service"] == [
        {
            "type": "compute",
            "attributes": {"main": {"a": 1}},
            "serviceEndpoint": "http://localhost",
            "index": 7,
            "extra": [1],
        }
    ]
    assert "attributes" in values


def test_what_is_missing_is_named_when_it_is_asked_for() -> None:
    asset = Asset(dictionary={"id": DID, "service": [{"type": "metadata", "attributes": {}}]})

    with pytest.raises(InvalidInput, match="has no 'encryptedFiles'"):
        _ = asset.encrypted_files
    with pytest.raises(InvalidInput, match=f"asset {DID} has no 'dataToken'"):
        _ = asset.data_token_address
    with pytest.raises(InvalidInput, match="must be a dict with the key 'encryptedFiles'"):
        _ = DDO().encrypted_files
    assert DDO().metadata is None
    assert DDO().publisher is None
