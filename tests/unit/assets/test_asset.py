"""An asset knows its datatoken and whom its compute service trusts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.exceptions import InvalidInput, NoComputeService

TRUSTED = {"did": "did:op:1", "filesChecksum": "a", "containerSectionChecksum": "b"}


@pytest.fixture
def dataset(dataset_ddo: dict[str, Any]) -> Asset:
    return Asset(dictionary=dataset_ddo)


def test_the_datatoken_is_one_of_the_further_keys(dataset: Asset) -> None:
    dataset.data_token_address = "0x1"

    assert dataset.data_token_address == "0x1"
    assert dataset.values["dataToken"] == "0x1"
    assert dataset.as_dictionary()["dataToken"] == "0x1"


def test_a_datatoken_that_is_no_text_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="'dataToken' of asset x must be an address"):
        _ = Asset(dictionary={"id": "x", "dataToken": 5}).data_token_address


def test_the_recorded_rules_are_read(dataset: Asset, dataset_ddo: dict[str, Any]) -> None:
    privacy = dataset_ddo["service"][1]["attributes"]["main"]["privacy"]

    assert dataset.get_compute_privacy_attributes() == privacy
    assert dataset.get_trusted_algorithms() == privacy["publisherTrustedAlgorithms"]


def test_the_three_rules_are_set_and_the_others_stay(dataset: Asset) -> None:
    dataset.update_compute_privacy([TRUSTED], True, False)

    assert json.dumps(dataset.get_compute_privacy_attributes()) == json.dumps(
        {
            "allowRawAlgorithm": False,
            "allowAllPublishedAlgorithms": True,
            "publisherTrustedAlgorithms": [TRUSTED],
            "allowNetworkAccess": False,
        }
    )
    assert dataset.get_trusted_algorithms() is not TRUSTED


@pytest.mark.parametrize("empty", [None, []])
def test_no_list_trusts_none_by_name(dataset: Asset, empty: Any) -> None:
    dataset.update_compute_privacy(empty, False, False)

    assert dataset.get_trusted_algorithms() == []


@pytest.mark.parametrize("nothing", [None, {}])
def test_rules_are_made_where_there_are_none(dataset_ddo: dict[str, Any], nothing: Any) -> None:
    dataset_ddo["service"][1]["attributes"]["main"]["privacy"] = nothing
    dataset = Asset(dictionary=dataset_ddo)

    assert dataset.get_trusted_algorithms() is None
    dataset.update_compute_privacy([TRUSTED], False, True)

    assert dataset.as_dictionary()["service"][1]["attributes"]["main"]["privacy"] == {
        "publisherTrustedAlgorithms": [TRUSTED],
        "allowAllPublishedAlgorithms": False,
        "allowRawAlgorithm": True,
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("did:op:1", False, False), "trusted_algorithms must be a list"),
        (({}, False, False), "trusted_algorithms must be a list"),
        ((["did:op:1"], False, False), r"trusted_algorithms\[0\] must be a dict with the key"),
        (([TRUSTED, {"id": 1}], False, False), r"trusted_algorithms\[1\] has no 'did'"),
        (([], "no", False), "allow_all must be True or False"),
        (([], False, None), "allow_raw_algorithm must be True or False"),
    ],
)
def test_bad_rules_are_refused_and_change_nothing(
    dataset: Asset, dataset_ddo: dict[str, Any], arguments: Any, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        dataset.update_compute_privacy(*arguments)

    assert dataset.as_dictionary() == dataset_ddo


def test_an_asset_without_compute_service_has_no_rules(algorithm_ddo: dict[str, Any]) -> None:
    algorithm = Asset(dictionary=algorithm_ddo)

    with pytest.raises(NoComputeService, match="no compute service; its services are: metadata"):
        algorithm.update_compute_privacy([], False, False)
    with pytest.raises(AssertionError):
        algorithm.get_trusted_algorithms()


def test_rules_that_cannot_be_read_are_an_error(dataset_ddo: dict[str, Any]) -> None:
    dataset_ddo["service"][1]["attributes"]["main"]["privacy"] = ["x"]

    with pytest.raises(InvalidInput, match="privacy of asset did:op:16A8D"):
        Asset(dictionary=dataset_ddo).get_trusted_algorithms()
