"""Every generation's documents, read as one view: recorded ones, and what a view refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import Asset4, asset_of
from ocean_lib.documents.reading import view_of
from ocean_lib.documents.view import CredentialRule, Credentials, TrustedAlgorithm
from ocean_lib.exceptions import InvalidDocument, InvalidInput, NoComputeService, OceanError
from tests.vectors import nodes

DATASET, ALGORITHM = nodes.document("04"), nodes.document("02")


def changed(**parts: Any) -> dict[str, Any]:
    return copy.deepcopy(DATASET) | parts


def test_a_recorded_data_set_is_read() -> None:
    view = view_of(DATASET)

    assert (view.did, view.version, view.type, view.name) == (
        "did:op:f1a7967be510a367ef142a8b6c290508335af0858b8754a91023a0f20f51666e",
        "4.1.0",
        "dataset",
        "table",
    )
    assert (view.chain_id, view.state) == (8996, 0)
    assert view.nft_address == "0x12D18787688944475C280A121c31Ed9F1c318351"
    assert view.owner == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert view.credentials == Credentials()
    assert view.algorithm is None
    (service,) = view.services
    assert service.id == "0d4fc4a78d3706edccafb665a8b2fdd9309e82c78625bb0f2b8e7bb9e1c4d21c"
    assert (service.index, service.type, service.timeout_s) == (0, "compute", 86400)
    assert service.endpoint == "http://127.0.0.1:18002"
    assert service.datatoken == view.datatoken == "0x8796e5187fDAe37EFE827cd0a68cA73584011cE8"
    assert service.files.startswith("0x04fe00c343")
    assert service.compute is not None
    assert service.compute.trusted_algorithms == (
        TrustedAlgorithm(
            "did:op:35e270d16aae6a1a36c63d700683abd633a47aadbfc8229db23e584445694990",
            "b84bc4af5ced13bd1d71039a2e417e1ad050b658c0fe731802c4c7b024eead63",
            "4081ba00ae2eddb294354f7ddf1c01d79d107f7b71de21e3610eff0dc1a16a49",
            "09f5ffef28309853265c4a98d0e56e1be522b6b402d8193594fd05103064fc6a",
        ),
    )
    assert not (service.compute.allow_raw)
    assert not (service.compute.allow_network)


def test_a_recorded_algorithm_is_read() -> None:
    view = view_of(ALGORITHM)

    assert view.is_algorithm
    assert view.algorithm is not None
    assert (view.algorithm.language, view.algorithm.version) == ("python", "1.0")
    assert view.algorithm.container == {
        "entrypoint": "python3 $ALGO",
        "image": "python",
        "tag": "3.11-slim",
        "checksum": "sha256:2e82d7a906e7f312bab81fbb91cdac8d6140dd98f81f93e506141f9e0f4eacd6",
    }


def test_a_service_is_found_by_its_id_and_by_its_index() -> None:
    services = [{**copy.deepcopy(DATASET["services"][0]), "id": name} for name in ("a", "1", "c")]
    view = view_of(changed(services=services))

    assert [view.service(name).index for name in ("a", "1", "c", 0, 1, 2, "0", "2")] == [
        *(0, 1, 2),
        *(0, 1, 2),
        *(0, 2),
    ]
    with pytest.raises(NoComputeService, match=r"no service 'nope'; it has 0: compute \('a'\)"):
        view.service("nope")
    assert view.first("access", "compute").index == 0
    with pytest.raises(NoComputeService, match="no access service; its services are: compute"):
        view.first("access")


def test_credentials_and_parameters_are_read_at_asset_and_service() -> None:
    member = "0x" + "Ab" * 20
    lists = {
        "match_deny": "all",
        "allow": [{"type": "accessList", "chainId": 8996, "accessList": member}],
        "deny": [{"type": "address", "values": [member, "*"]}, {"type": "verifiableCredential"}],
    }
    parameter = {"name": "rows", "type": "number", "required": True, "default": "1"}
    document = changed(credentials=lists)
    document["services"][0] |= {"credentials": lists, "consumerParameters": [parameter]}

    view = view_of(document)

    assert view.credentials == Credentials(
        (CredentialRule("accesslist", access_list=member),),
        (CredentialRule("address", (member.lower(), "*")), CredentialRule("verifiablecredential")),
        "",
        "all",
    )
    assert view.services[0].credentials == view.credentials
    assert view.services[0].parameters == (parameter,)


def test_a_document_of_ddo_5_is_read_by_its_published_schema() -> None:
    did = "did:ope:" + "5" * 64
    subject = copy.deepcopy(DATASET) | {"id": did, "version": "5.0.0"}
    indexed = subject.pop("indexedMetadata") | {"nft": {"state": 5, "owner": "0x1"}}
    subject["metadata"]["description"] = {"@value": "a table", "@language": "en"}
    subject["services"][0]["name"] = {"@value": "table"}
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": did,
        "credentialSubject": subject | {"indexedMetadata": indexed},
    }

    view = view_of(document)

    assert (view.did, view.version, view.state, view.owner) == (did, "5.0.0", 5, "0x1")
    assert view.services[0].name == "table"
    assert Asset4(document).as_dictionary() == document


def test_a_document_of_v3_is_read_in_the_same_words(
    dataset_ddo: dict[str, Any], algorithm_ddo: dict[str, Any]
) -> None:
    dataset, algorithm = view_of(dataset_ddo), view_of(algorithm_ddo)
    asset = Asset(dictionary=dataset_ddo)

    assert (dataset.did, dataset.version, dataset.type) == (asset.did, "1", "dataset")
    assert dataset.owner == asset.publisher
    assert {s.datatoken for s in dataset.services} == {asset.data_token_address}
    for service in dataset.services:
        there = asset.get_service_by_index(service.index)
        assert there is not None
        assert (service.type, service.endpoint) == (there.type, there.service_endpoint)
        assert service.timeout_s == there.main["timeout"]
    rules = dataset.first("compute").compute
    assert rules is not None
    assert [entry.did for entry in rules.trusted_algorithms] == [
        entry["did"] for entry in asset.get_trusted_algorithms() or []
    ]
    assert algorithm.algorithm is not None
    assert algorithm.algorithm.container["image"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"id": "x", "parts": [], "owner": 1}, "it has 'id, parts, owner'"),
        ({}, "it has 'no keys at all'"),
        (changed(services={}), "services must be a list"),
        (changed(chainId="many"), "chainId of asset did:op:f1a7.* must be a whole number"),
        ({k: v for k, v in DATASET.items() if k != "chainId"}, "has no 'chainId'"),
        (changed(services=[{"id": "x"}]), r"services\[0\] .* has no 'type'"),
        (changed(metadata={"type": "algorithm"}), "has no 'algorithm'"),
    ],
)
def test_what_cannot_be_read_is_named(document: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        view_of(document)


def test_an_unknown_generation_is_no_asset_either() -> None:
    with pytest.raises(InvalidDocument, match="DDO 5 'credentialSubject'"):
        asset_of({"id": "did:op:" + "1" * 40, "link": []})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "id", "values", "compute", "allow", "nft", "state", "timeout"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["metadata", "services", "credentials", "indexedMetadata", "id"]), _JSON)
def test_any_document_gives_a_view_or_one_of_our_errors(key: str, value: Any) -> None:
    for document in (DATASET, {"id": "x", "credentialSubject": DATASET}):
        holder = copy.deepcopy(document)
        (holder if document is DATASET else holder["credentialSubject"])[key] = value
        try:
            view_of(holder)
            asset_of(holder)
        except OceanError:
            continue


def test_the_handle_of_an_asset_has_what_v3s_have() -> None:
    asset = asset_of(DATASET)

    assert isinstance(asset, Asset4)
    assert asset.did == DATASET["id"]
    assert asset.data_token_address == "0x8796e5187fDAe37EFE827cd0a68cA73584011cE8"
    assert asset.publisher == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert asset.metadata["main"]["name"] == "table"
    assert asset.metadata["additionalInformation"]["tags"] == ["lab"]
    assert [entry["did"] for entry in asset.get_trusted_algorithms() or []] == [ALGORITHM["id"]]
    assert not asset.is_disabled
    for name in (0, "0", DATASET["services"][0]["id"]):
        assert asset.get_service_by_index(name) is asset.services[0]
    assert asset.get_service_by_index("nope") is None
    assert asset.as_dictionary() == DATASET
    assert "1 algorithm(s) trusted" in asset._repr_html_()


def test_rules_that_are_set_are_in_the_document() -> None:
    asset = asset_of(DATASET)
    asset.update_compute_privacy([], allow_all=False, allow_raw_algorithm=True)
    asset.add_address_to_deny_list("0x" + "1" * 40)

    compute = asset.as_dictionary()["services"][0]["compute"]
    assert (compute["publisherTrustedAlgorithms"], compute["allowRawAlgorithm"]) == ([], True)
    assert compute["allowNetworkAccess"] is False
    assert asset.as_dictionary()["credentials"] == {
        "deny": [{"type": "address", "values": ["0x" + "1" * 40]}]
    }
