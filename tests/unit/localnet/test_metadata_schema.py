"""Validation of metadata before it is published."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocean_lib.localnet._metadata_schema import metadata_errors
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
