"""A raw algorithm's description goes out as the era's client sent it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata

CONTAINER = {"entrypoint": "python3 $ALGO", "image": "python", "tag": "3.8"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["url", "rawcode", "rawCode", "language", "version", "container", "x"])


def test_the_description_is_identical_to_the_recorded_one(
    exchanges: Callable[[str], list[dict[str, Any]]],
) -> None:
    recorded = next(
        json.loads(e["request_body"])["algorithmMeta"]
        for e in exchanges("20")
        if e["method"] == "POST" and e["target"].endswith("/compute")
    )

    made = AlgorithmMetadata(recorded)

    assert json.dumps(made.as_dictionary()) == json.dumps(recorded)
    assert made.is_valid()


def test_what_is_left_out_is_empty() -> None:
    assert AlgorithmMetadata({}).as_dictionary() == {
        "url": "",
        "rawcode": "",
        "language": "",
        "format": "",
        "version": "",
        "container": {"entrypoint": "", "image": "", "tag": ""},
    }


@pytest.mark.parametrize(
    "container",
    [
        {"entrypoint": "$ALGO"},
        {"entrypoint": "sh -c \"node '$ALGO' --fast\""},
        {"entrypoint": "cp $ALGO /tmp/run.py; python3 /tmp/run.py"},
        {"entrypoint": "run --file=$ALGO;exit"},
        {"entrypoint": "python3 /data/transformations/algorithm"},
        {"image": "registry.example:5000/team/my_image.v2"},
        {"image": "GHCR.io/team/image"},
        {"image": "python@sha256", "tag": "0" * 64},
        {"tag": "3.11-slim_2"},
    ],
    ids=str,
)
def test_what_a_back_end_can_run_has_no_fault(container: dict[str, str]) -> None:
    made = AlgorithmMetadata({"rawcode": "pass", "container": CONTAINER | container})

    assert made.faults() == {}


@pytest.mark.parametrize("blank", ["entrypoint", "image", "tag"])
def test_blanks_describe_no_container(blank: str) -> None:
    made = AlgorithmMetadata({"rawcode": "pass", "container": CONTAINER | {blank: " \n"}})

    assert not made.is_valid()
    assert list(made.faults()) == ["container-incomplete"]


@pytest.mark.parametrize("missing", ["entrypoint", "image", "tag"])
def test_a_container_must_be_described_in_full(missing: str) -> None:
    container = {key: value for key, value in CONTAINER.items() if key != missing}

    assert not AlgorithmMetadata({"rawcode": "pass", "container": container}).is_valid()


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (None, "metadata_dict must be a dict, got None"),
        ("code", "metadata_dict must be a dict"),
        ({"rawcode": b"pass"}, r"metadata_dict\['rawcode'\] must be text, got bytes of length 4"),
        ({"url": None}, r"metadata_dict\['url'\] must be text, got None"),
        ({"version": 1.0}, r"\['version'\] must be text"),
        ({"container": None}, r"metadata_dict\['container'\] must be a dict"),
        ({"container": {"tag": 3.8}}, r"metadata_dict\['container'\]\['tag'\] must be text"),
        ({"rawCode": "pass"}, "has the key 'rawCode'; write it 'rawcode'"),
        ({"container": {"entry_point": "x"}}, "write it 'entrypoint'"),
    ],
)
def test_wrong_types_and_spellings_are_refused(metadata: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        AlgorithmMetadata(metadata)


def test_other_keys_of_a_published_algorithm_are_left_out() -> None:
    made = AlgorithmMetadata({"rawcode": "pass", "consumerParameters": []})

    assert "consumerParameters" not in made.as_dictionary()


def test_algorithms_compare_by_value_and_their_repr_holds_no_code() -> None:
    made = AlgorithmMetadata({"rawcode": "secret()", "container": CONTAINER})

    assert made == AlgorithmMetadata(made.as_dictionary())
    assert made != AlgorithmMetadata({})
    assert made != "algorithm"
    assert repr(made) == "AlgorithmMetadata(code, image='python:3.8')"


@given(JSON | st.dictionaries(KEYS, JSON))
def test_any_json_gives_a_description_or_our_error(metadata: Any) -> None:
    try:
        made = AlgorithmMetadata(metadata)
    except InvalidInput:
        return
    assert AlgorithmMetadata(made.as_dictionary()) == made
