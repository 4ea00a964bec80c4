"""The metadata cache over HTTP: what it serves of what was published."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from eth_utils import to_checksum_address

from ocean_lib.localnet.chain.transactions import send_transaction
from tests.integration.localnet.conftest import World
from tests.integration.localnet.handmade import ASSETS, access_service
from tests.unit.localnet.recorded import answer

RECORDED: dict[str, Any] = answer("04-order-dataset-initialize", "aquarius", "GET", "/ddo/did")


def _publish(world: World, name: str, **extra: Any) -> str:
    url = world.network.publish_file(b"1\n", "cached.txt")
    return world.publisher.publish(name, [url], [access_service()], **extra)


def test_a_ddo_has_what_the_real_cache_adds(world: World) -> None:
    ddo = world.publisher.ddo(world.dataset)
    metadata, recorded = (d["service"][0]["attributes"] for d in (ddo, RECORDED))

    added = {"created", "updated", "accessWhiteList", "price", "dataTokenInfo", "isInPurgatory"}
    assert added <= set(ddo)
    assert set(RECORDED) - set(ddo) == {"proof"}  # the handmade client proves nothing
    for name in ("price", "isInPurgatory", "accessWhiteList"):
        assert ddo[name] == RECORDED[name]
    assert set(ddo["dataTokenInfo"]) == set(RECORDED["dataTokenInfo"])
    assert ddo["dataTokenInfo"]["minter"] == world.publisher.address
    assert ddo["dataTokenInfo"]["cap"] == 1000.0
    assert metadata["curation"] == recorded["curation"]
    assert len(metadata["main"]["datePublished"]) == len(recorded["main"]["datePublished"])
    assert "url" not in metadata["main"]["files"][0]


def test_an_unknown_did_is_told_in_html(world: World) -> None:
    did = "did:op:0000000000000000000000000000000000000001"
    for kind in ("ddo", "metadata"):
        response = world.consumer.get(f"{ASSETS}/{kind}/{did}")

        assert response.status_code == 404
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.text == f"{did} asset DID is not in OceanDB"


def test_names_and_metadata(world: World) -> None:
    body = {"didList": [world.dataset, "did:op:unknown"]}
    names = world.consumer.post(f"{ASSETS}/names", body).json()
    metadata = world.consumer.get(f"{ASSETS}/metadata/{world.dataset}").json()

    assert names == {world.dataset: "numbers", "did:op:unknown": ""}
    assert metadata["main"]["name"] == "numbers"
    assert world.consumer.post(f"{ASSETS}/names", {}).status_code == 400


def test_all_ddos_are_those_of_all_dids(world: World) -> None:
    assert world.dataset
    dids = world.consumer.get(ASSETS).json()
    ddos = world.consumer.get(f"{ASSETS}/ddo").json()

    assert [ddo["id"] for ddo in ddos] == dids == sorted(dids)


def test_a_search_is_paged_and_sorted(world: World) -> None:
    word = "xylophone"
    dids = [_publish(world, f"{word} {letter}") for letter in "bca"]
    by_name = {"service.attributes.main.name": 1}

    def page(number: int) -> dict[str, Any]:
        query = {"query_string": {"query": word}}
        body = {"query": query, "offset": 2, "page": number, "sort": by_name}
        return dict(world.consumer.post(f"{ASSETS}/ddo/query", body).json())

    first, second = page(1), page(2)

    assert [ddo["id"] for ddo in first["results"] + second["results"]] == [
        dids[i] for i in (2, 0, 1)
    ]
    assert {key: first[key] for key in ("page", "total_pages", "total_results")} == {
        "page": 1,
        "total_pages": 2,
        "total_results": 3,
    }


def test_a_text_search_as_ocean_py_sends_it(world: World) -> None:
    did = _publish(world, "zither")
    body = {"text": "zither", "sort": None, "offset": 100, "page": 1}
    found = world.consumer.post(f"{ASSETS}/ddo/query", body).json()

    assert [ddo["id"] for ddo in found["results"]] == [did]


def test_a_bad_query_is_an_error(world: World) -> None:
    assert world.consumer.post(f"{ASSETS}/ddo/query", {"query": {"fuzzy": {}}}).status_code == 400


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ddo: ddo.update(id="did:op:0000000000000000000000000000000000000001"),
        lambda ddo: ddo.pop("service"),
        lambda ddo: ddo["service"][0]["attributes"]["main"].pop("name"),
        lambda ddo: ddo.update(service=[]),
    ],
)
def test_a_document_that_is_not_the_assets_is_not_served(world: World, spoil: Any) -> None:
    token = world.publisher.new_token("spoilt")
    did = "did:op:" + token.removeprefix("0x")
    ddo = copy.deepcopy(world.publisher.ddo(world.dataset))
    ddo["id"] = did
    spoil(ddo)
    contract = world.network.contracts.metadata
    data = json.dumps(ddo).encode()
    world.publisher.transact(contract, "create(address,bytes,bytes)", token, b"\x00", data)

    assert world.consumer.get(f"{ASSETS}/ddo/{did}").status_code == 404


# Calls whoever sends a transaction its minter, and answers what is only asked with 2**255.
NAMELESS = "6e32801560ff1b1760005260206000f3600052600f6011f3"


def test_a_token_without_a_name_spoils_nothing_but_its_own_description(world: World) -> None:
    user = world.publisher
    created = send_transaction(user.chain, user.account.key, None, bytes.fromhex(NAMELESS))
    token = str(to_checksum_address(created["contractAddress"]))
    ddo = copy.deepcopy(user.ddo(world.dataset))
    ddo |= {"id": "did:op:" + token.removeprefix("0x"), "dataToken": token}
    user.write_metadata(ddo, "create")
    later = _publish(world, "published after it")

    assert user.ddo(later)["dataTokenInfo"]["name"] == "published after it"
    assert user.ddo(ddo["id"])["dataTokenInfo"] == {"address": token}


def test_a_number_that_is_not_json_when_it_is_written_again_is_not_served(world: World) -> None:
    token = world.publisher.new_token("endless")
    ddo = copy.deepcopy(world.publisher.ddo(world.dataset))
    ddo |= {"id": "did:op:" + token.removeprefix("0x"), "dataToken": token, "extra": "HERE"}
    data = json.dumps(ddo).replace('"HERE"', "1e999").encode()
    contract = world.network.contracts.metadata
    world.publisher.transact(contract, "create(address,bytes,bytes)", token, b"", data)

    assert world.consumer.get(f"{ASSETS}/ddo/{ddo['id']}").status_code == 404
    assert "Infinity" not in world.consumer.get(f"{ASSETS}/ddo").text


def test_a_number_too_large_for_a_float_is_sorted_among_the_others(world: World) -> None:
    word = "glockenspiel"
    dids = [
        _publish(world, word, ddo={"extra": extra}) for extra in (10**400, 2.5, "text", -(10**400))
    ]
    body = {"query": {"query_string": {"query": word}}, "sort": {"extra": 1}}
    found = world.consumer.post(f"{ASSETS}/ddo/query", body).json()

    assert [ddo["id"] for ddo in found["results"]] == [dids[i] for i in (3, 1, 0, 2)]


@pytest.mark.parametrize(
    "query", ["*a" * 100 + "b", {"query_string": {"query": "*a" * 100 + "b"}}, {"a": "x" * 70_000}]
)
def test_a_query_of_wildcards_is_answered_at_once(world: World, query: Any) -> None:
    _publish(world, "a" * 1000)
    answer = world.consumer.http.post(
        world.network.provider_url + f"{ASSETS}/ddo/query", json={"query": query}, timeout=10
    )

    assert answer.status_code in (200, 400)


def test_more_names_than_a_list_has_are_refused(world: World) -> None:
    body = {"didList": [world.dataset] * 10_001}

    assert world.consumer.post(f"{ASSETS}/names", body).status_code == 400


def test_an_uncompressed_document_is_read_too(world: World) -> None:
    token = world.publisher.new_token("plain")
    ddo = copy.deepcopy(world.publisher.ddo(world.dataset))
    ddo["id"] = "did:op:" + token.removeprefix("0x")
    ddo["dataToken"] = token
    contract = world.network.contracts.metadata
    data = json.dumps(ddo).encode()
    world.publisher.transact(contract, "create(address,bytes,bytes)", token, b"", data)

    assert world.publisher.ddo(ddo["id"])["dataToken"] == token


def test_valid_metadata_is_told_in_the_very_bytes_that_clients_compare(world: World) -> None:
    recorded = RECORDED["service"][0]["attributes"]["main"]
    main = {key: value for key, value in recorded.items() if key != "datePublished"}
    main["files"] = [{"index": 0, "contentType": "text/csv", "url": "http://x"}]
    response = world.consumer.post(f"{ASSETS}/ddo/validate", {"main": main})

    assert response.content == b"true\n"


def test_a_ddo_is_validated_as_clients_send_it_before_they_publish(world: World) -> None:
    ddo = copy.deepcopy(RECORDED)
    attributes = ddo["service"][0]["attributes"]
    # What the recorded metadata cache added by itself.
    attributes.pop("curation", None)
    url = f"{ASSETS}/ddo/validate-remote"

    assert world.consumer.post(url, ddo).content == b"true\n"
    del attributes["main"]["datePublished"]
    assert world.consumer.post(url, ddo).json() == [
        {"message": "'datePublished' is a required property", "path": "main"}
    ]


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({}, 400),
        ({"service": [{"type": "metadata", "attributes": {}}]}, 400),
        ({"service": []}, 500),
        ({"service": [{"type": "metadata"}]}, 500),
        ({"service": 5}, 500),
    ],
)
def test_what_is_no_ddo_cannot_be_validated(
    world: World, document: dict[str, Any], status: int
) -> None:
    response = world.consumer.post(f"{ASSETS}/ddo/validate-remote", document)

    assert response.status_code == status
    if status == 400:
        assert response.json() == {"message": "Invalid DDO format."}
