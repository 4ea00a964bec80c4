"""Values of a service's parameters, checked against what its document offers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocean_lib.documents.parameters import filled
from ocean_lib.exceptions import InvalidInput

SPEEDS = [{"fast": "Fast"}, {"slow": "Slow"}]
OFFERED: list[dict[str, Any]] = [
    {"name": "title", "type": "text", "required": True},
    {"name": "rows", "type": "number", "required": True, "default": 7},
    {"name": "deep", "type": "boolean", "required": False},
    {"name": "speed", "type": "select", "options": SPEEDS},
    {"name": "mode", "type": "select", "options": json.dumps(SPEEDS)},
]


def fill(**given: Any) -> dict[str, Any]:
    return filled(given, OFFERED, name="userdata", of="service x")


def test_what_is_required_gets_its_default_and_the_rest_is_left_out() -> None:
    assert fill(title="a") == {"title": "a", "rows": 7}
    given = {"title": "a", "rows": 1.5, "deep": False, "speed": "slow", "mode": "fast"}
    assert fill(**given) == given


def test_a_document_without_parameters_takes_everything() -> None:
    assert filled({"a": 1}, [], name="userdata", of="service x") == {"a": 1}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "requires the parameter 'title'"),
        ({"title": 1}, "must be a text"),
        ({"title": "a", "rows": "7"}, "must be a number"),
        ({"title": "a", "rows": True}, "must be a number"),
        ({"title": "a", "deep": 1}, "must be a boolean"),
        ({"title": "a", "speed": "medium"}, "one of fast, slow"),
        ({"title": "a", "mode": "medium"}, "one of fast, slow"),
        ({"title": "a", "tilte": "b"}, "It has: title, rows"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        fill(**given)
