"""A file as an input: what it takes, what a node is sent, and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from ocean_lib import FileInput
from ocean_lib.exceptions import InvalidInput, InvalidUrl

KEYS = {"endpoint": "https://s3.example", "bucket": "b", "secretAccessKey": "very secret"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"url": "https://x/a.csv"}, {"type": "url", "url": "https://x/a.csv", "method": "GET"}),
        (
            {"url": "https://x/a", "method": "POST", "headers": {"A": "b"}},
            {"type": "url", "url": "https://x/a", "method": "POST", "headers": {"A": "b"}},
        ),
        ({"ipfs": "Qm1"}, {"type": "ipfs", "hash": "Qm1"}),
        ({"arweave": "t1"}, {"type": "arweave", "transactionId": "t1"}),
        ({"s3": KEYS}, {"type": "s3", "s3Access": KEYS}),
    ],
)
def test_a_file_goes_out_as_the_node_knows_it(given: Any, sent: Any) -> None:
    assert FileInput(**given).as_file_object() == sent


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": "http://x/", "ipfs": "Qm"},
        {"ipfs": 7},
        {"url": "http://x/", "method": "PUT"},
        {"url": "http://x/", "headers": {"a": 1}},
        {"s3": "bucket"},
    ],
)
def test_what_cannot_work_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput):
        FileInput(**given)


def test_a_url_has_to_be_one() -> None:
    with pytest.raises(InvalidUrl):
        FileInput(url="ftp://x/")


def test_no_key_and_no_query_is_shown() -> None:
    shown = repr(FileInput(url="https://x/a?token=secret", headers={"Authorization": "secret"}))

    assert shown == "FileInput(https://x/a)"
    assert "secret" not in repr(FileInput(s3=KEYS))


def test_inputs_compare_by_value() -> None:
    assert FileInput(url="http://x/") == FileInput(url="http://x/")
