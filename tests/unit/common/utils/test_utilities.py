"""The proof's checksum is the one the era's client wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ocean_lib.common.utils.utilities import checksum, get_timestamp

Exchanges = Callable[[str], list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("published_in", "read_in"), [("01", "02"), ("02", "04")], ids=["algorithm", "data set"]
)
def test_the_metadata_checksum_is_that_of_main_before_the_urls_are_taken_out(
    exchanges: Exchanges, published_in: str, read_in: str
) -> None:
    (validated,) = (e for e in exchanges(published_in) if e["target"].endswith("/validate"))
    ddo = next(json.loads(e["response_body"]) for e in exchanges(read_in) if _is_ddo(e))

    assert checksum(json.loads(validated["request_body"])["main"]) == ddo["proof"]["checksum"]["0"]


def test_the_other_checksums_are_those_of_main_as_published(ddo_texts: dict[str, str]) -> None:
    seen = 0
    for text in ddo_texts.values():
        ddo = json.loads(text)
        for service in ddo["service"][1:]:
            seen += 1
            recorded = ddo["proof"]["checksum"][str(service["index"])]
            assert checksum(service["attributes"]["main"]) == recorded
    assert seen >= 2


def test_the_order_of_the_outermost_keys_does_not_matter() -> None:
    assert checksum({"a": 1, "b": 2}) == checksum({"b": 2, "a": 1})


def test_a_timestamp_is_utc_in_whole_seconds() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", get_timestamp())


def _is_ddo(exchange: dict[str, Any]) -> bool:
    return "/assets/ddo/did:" in exchange["target"]
