"""Validation of metadata before it is published."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocean_lib.localnet.dialects.v3.aquarius_api import REMOTE_SCHEMA, metadata_errors
from tests.unit.localnet.recorded import last


def _recorded(label: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        last(label, "aquarius", "POST", "/validate")["request_body"]
    )
    return document


@pytest.mark.parametrize("label", ["01-publish-algorithm", "02-publish-dataset-compute"])
def test_recorded_metadata_is_valid(label: str) -> None:
    assert metadata_errors(_recorded(label)) == []


def test_each_missing_field_is_named_in_order() -> None:
    names = ("name", "dateCreated", "author", "license", "type")

    assert metadata_errors({"main": {}}) == [
        {"message": f"'{name}' is a required property", "path": "main"} for name in names
    ]


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("main", "files", 0, "url"), ..., "main.files.0"),
        (("main", "files", 0, "index"), "0", "main.files.0.index"),
        (("main", "files", 0, "other"), 1, "main.files.0"),
        (("main", "algorithm", "container", "tag"), ..., "main.algorithm.container"),
        (("main", "name"), 5, "main.name"),
        (("main", "unknown"), 5, "main"),
        (("additionalInformation", "links"), [{}], "additionalInformation.links.0"),
        (("main",), ..., ""),
    ],
)
def test_a_fault_is_found_where_it_is(path: tuple[Any, ...], value: Any, place: str) -> None:
    metadata: Any = _recorded("01-publish-algorithm")
    target = metadata
    for part in path[:-1]:
        target = target[part]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    [error] = metadata_errors(metadata)

    assert error["path"] == place


def _published() -> dict[str, Any]:
    metadata = _recorded("01-publish-algorithm")
    for file in metadata["main"]["files"]:
        del file["url"]
    metadata["main"]["datePublished"] = metadata["main"]["dateCreated"]
    return {**metadata, "encryptedFiles": "0x04", "curation": {"rating": 0.0, "numVotes": 0}}


def test_metadata_of_a_ddo_has_no_urls_and_a_date_of_publication() -> None:
    assert metadata_errors(_published(), REMOTE_SCHEMA) == []
    assert metadata_errors(_recorded("01-publish-algorithm"), REMOTE_SCHEMA) == [
        {"message": "'datePublished' is a required property", "path": "main"},
        {
            "message": "Additional properties are not allowed ('url' was unexpected)",
            "path": "main.files.0",
        },
    ]


def test_the_status_of_a_ddo_is_three_booleans() -> None:
    status = {"isListed": True, "isRetired": False, "isOrderDisabled": False}

    assert metadata_errors({**_published(), "status": status}, REMOTE_SCHEMA) == []
    for wrong in ({**status, "isNew": True}, {**status, "isListed": 1}, []):
        assert len(metadata_errors({**_published(), "status": wrong}, REMOTE_SCHEMA)) == 1
