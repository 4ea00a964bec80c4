"""Trusted algorithms have the protocol's checksums, and lists of them change as asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.utils import (
    add_publisher_trusted_algorithm,
    create_checksum,
    create_publisher_trusted_algorithms,
    generate_trusted_algo_dict,
    remove_publisher_trusted_algorithm,
)
from ocean_lib.exceptions import AssetNotFound, InvalidDid, InvalidInput, NoComputeService

CACHE = "http://localhost:5000"
ALGORITHM = "did:op:1Bc77d1993174a542003f1612c7C318f14804360"
DATASET = "did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"
OTHER = "did:op:" + "0" * 40


@pytest.fixture
def recorded(dataset_ddo: dict[str, Any]) -> list[dict[str, Any]]:
    """The list that the era's client put into the data set."""
    privacy = dataset_ddo["service"][1]["attributes"]["main"]["privacy"]
    trusted: list[dict[str, Any]] = privacy["publisherTrustedAlgorithms"]
    return trusted


@pytest.fixture
def cache(ddo_texts: dict[str, str]) -> Any:
    """A metadata cache that holds the recorded assets."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for did, text in ddo_texts.items():
            mock.get(f"{CACHE}/api/v1/aquarius/assets/ddo/{did}", body=text)
        mock.get(f"{CACHE}/api/v1/aquarius/assets/ddo/{OTHER}", status=404, body="<html>")
        yield mock


def hold(cache: responses.RequestsMock, document: dict[str, Any]) -> None:
    cache.replace("GET", f"{CACHE}/api/v1/aquarius/assets/ddo/{document['id']}", json=document)


def test_the_checksums_of_the_algorithm_are_the_recorded_ones(
    algorithm_ddo: dict[str, Any], recorded: list[dict[str, Any]]
) -> None:
    made = generate_trusted_algo_dict(ddo=Asset(dictionary=algorithm_ddo))

    assert json.dumps([made]) == json.dumps(recorded)


def test_an_algorithm_is_fetched_by_its_did(
    cache: responses.RequestsMock, recorded: list[dict[str, Any]]
) -> None:
    assert [generate_trusted_algo_dict(ALGORITHM, CACHE)] == recorded
    assert create_publisher_trusted_algorithms([ALGORITHM], CACHE) == recorded
    assert create_publisher_trusted_algorithms([], CACHE) == []


def test_the_container_s_key_order_counts(algorithm_ddo: dict[str, Any]) -> None:
    before = generate_trusted_algo_dict(ddo=Asset(dictionary=algorithm_ddo))
    algorithm = algorithm_ddo["service"][0]["attributes"]["main"]["algorithm"]
    algorithm["container"] = dict(reversed(algorithm["container"].items()))

    after = generate_trusted_algo_dict(ddo=Asset(dictionary=algorithm_ddo))

    assert after["containerSectionChecksum"] != before["containerSectionChecksum"]
    assert after["filesChecksum"] == before["filesChecksum"]


def test_a_checksum_is_sha256_in_hex() -> None:
    assert create_checksum("") == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_a_data_set_is_no_algorithm(dataset_ddo: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"metadata.main of algorithm {DATASET} has no 'algor"):
        generate_trusted_algo_dict(ddo=Asset(dictionary=dataset_ddo))


@pytest.mark.parametrize(
    "path",
    [["main"], ["main", "files"], ["main", "algorithm", "container"], ["encryptedFiles"]],
    ids=".".join,
)
def test_a_missing_key_is_named(algorithm_ddo: dict[str, Any], path: list[str]) -> None:
    section = algorithm_ddo["service"][0]["attributes"]
    for key in path[:-1]:
        section = section[key]
    del section[path[-1]]

    with pytest.raises(InvalidInput, match=f"has no '{path[-1]}'"):
        generate_trusted_algo_dict(ddo=Asset(dictionary=algorithm_ddo))


def test_encrypted_files_are_text(algorithm_ddo: dict[str, Any]) -> None:
    algorithm_ddo["service"][0]["attributes"]["encryptedFiles"] = 5

    with pytest.raises(InvalidInput, match="'encryptedFiles' of algorithm"):
        generate_trusted_algo_dict(ddo=Asset(dictionary=algorithm_ddo))


def test_arguments_are_needed_and_typed() -> None:
    with pytest.raises(AssertionError):
        generate_trusted_algo_dict()
    with pytest.raises(InvalidInput):
        generate_trusted_algo_dict(did=ALGORITHM)
    with pytest.raises(TypeError):
        create_publisher_trusted_algorithms(ALGORITHM, CACHE)  # type: ignore[arg-type]
    with pytest.raises(InvalidDid, match=r"dids\[1\]"):
        create_publisher_trusted_algorithms([ALGORITHM, "x"], CACHE)


def test_adding_renews_an_entry_and_keeps_the_others(
    cache: responses.RequestsMock, dataset_ddo: dict[str, Any], recorded: list[dict[str, Any]]
) -> None:
    other = {"did": OTHER, "filesChecksum": "x", "containerSectionChecksum": "y"}
    stale = {**recorded[0], "did": ALGORITHM.lower(), "filesChecksum": "stale"}
    privacy = dataset_ddo["service"][1]["attributes"]["main"]["privacy"]
    privacy["publisherTrustedAlgorithms"] = [stale, other]
    hold(cache, dataset_ddo)

    trusted = add_publisher_trusted_algorithm(DATASET, ALGORITHM, CACHE)

    assert trusted == [other, *recorded]


def test_adding_to_no_list_starts_one(
    cache: responses.RequestsMock, dataset_ddo: dict[str, Any], recorded: list[dict[str, Any]]
) -> None:
    del dataset_ddo["service"][1]["attributes"]["main"]["privacy"]
    hold(cache, dataset_ddo)

    assert add_publisher_trusted_algorithm(DATASET, ALGORITHM, CACHE) == recorded


def test_removing_takes_out_one(cache: responses.RequestsMock) -> None:
    assert remove_publisher_trusted_algorithm(DATASET, ALGORITHM.lower(), CACHE) == []


def test_removing_what_is_not_listed_is_an_error_that_lists_the_rest(
    cache: responses.RequestsMock,
) -> None:
    with pytest.raises(ValueError, match=f"is not among .* which are: {ALGORITHM}"):
        remove_publisher_trusted_algorithm(DATASET, OTHER, CACHE)


def test_only_a_data_set_with_compute_service_has_a_list(cache: responses.RequestsMock) -> None:
    with pytest.raises(NoComputeService):
        add_publisher_trusted_algorithm(ALGORITHM, ALGORITHM, CACHE)
    with pytest.raises(NoComputeService):
        remove_publisher_trusted_algorithm(ALGORITHM, ALGORITHM, CACHE)


def test_an_unknown_algorithm_is_not_found(cache: responses.RequestsMock) -> None:
    with pytest.raises(AssetNotFound):
        add_publisher_trusted_algorithm(DATASET, OTHER, CACHE)
