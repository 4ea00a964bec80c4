"""The metadata cache's query language."""

from __future__ import annotations

import contextlib
import fnmatch
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.localnet.metadata.leaves import BadQuery, Leaves, glob
from ocean_lib.localnet.metadata.query import compile_query

IRIS = {
    "id": "did:op:aaa",
    "service": [
        {
            "type": "metadata",
            "attributes": {"main": {"name": "Iris flowers", "type": "dataset"}, "tags": ["uci"]},
        },
        {"type": "compute", "index": 4},
    ],
    "isInPurgatory": "false",
    "price": {"value": 0.0},
}
FIT = {
    "id": "did:op:bbb",
    "service": [{"attributes": {"main": {"name": "Fit a model", "type": "algorithm"}}}],
    "isInPurgatory": "true",
}


def found(query: Any) -> str:
    matches = compile_query(query)
    return "".join(name for name, doc in (("i", IRIS), ("f", FIT)) if matches(Leaves(doc)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iris", "i"),
        ("IRIS", "i"),
        ("iri", ""),
        ("iri*", "i"),
        ("?ris", "i"),
        ("*", "if"),
        ("iris model", "if"),
        ("iris AND model", ""),
        ("iris AND flowers", "i"),
        ("iris && flowers", "i"),
        ("iris OR model", "if"),
        ("flowers AND (iris OR model)", "i"),
        ("-iris", "f"),
        ("NOT iris", "f"),
        ("(dataset algorithm) -isInPurgatory:true", "i"),
        ("+model", "f"),
        ('"iris flowers"', "i"),
        ('"flowers iris"', ""),
        ("service.attributes.main.type:dataset", "i"),
        ("service.attributes.main.type:(dataset algorithm)", "if"),
        ('service.attributes.main.name:"fit a model"', "f"),
        ('id:"did:op:aaa"', "i"),
        (r"id:did\:op\:bbb", "f"),
        ("service.index:4", "i"),
        ("price.value:0.0", "i"),
        ("service.attributes.tags:uci", "i"),
        ("nowhere:iris", ""),
        ("", "if"),
    ],
)
def test_query_strings(text: str, expected: str) -> None:
    assert found({"query_string": {"query": text}}) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, "if"),
        ({}, "if"),
        ({"match_all": {}}, "if"),
        ({"match": {"service.attributes.main.name": "iris"}}, "i"),
        ({"match": {"service.attributes.main.name": {"query": "model"}}}, "f"),
        ({"match_phrase": {"service.attributes.main.name": "a model"}}, "f"),
        ({"term": {"service.attributes.main.type": "dataset"}}, "i"),
        ({"terms": {"id": ["did:op:aaa", "did:op:ccc"]}}, "i"),
        ({"exists": {"field": "price.value"}}, "i"),
        ({"bool": {"must_not": [{"term": {"isInPurgatory": "true"}}]}}, "i"),
        ({"bool": {"filter": {"term": {"id": "did:op:bbb"}}}}, "f"),
        (
            {
                "bool": {
                    "must": [{"match_all": {}}],
                    "should": [{"term": {"id": "did:op:bbb"}}],
                    "minimum_should_match": 1,
                }
            },
            "f",
        ),
        ("iris", "i"),
    ],
)
def test_query_documents(query: Any, expected: str) -> None:
    assert found(query) == expected


@pytest.mark.parametrize(
    "query",
    ["(iris", "iris)", "NOT", "--0", "(" * 200_000, {"fuzzy": {"a": "b"}}, {"a": 1, "b": 2}],
    ids=lambda query: str(query)[:20],
)
def test_what_is_not_understood_is_an_error(query: Any) -> None:
    with pytest.raises(BadQuery):
        found(query)


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("*b*", "abc", True),
        ("a*b*c", "axxbyyc", True),
        ("a*b*c", "axxcyyb", False),
        ("a*a", "a", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("?*?", "a", False),
        ("**", "", True),
        ("*?b*", "xaab", True),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        (r"a\?*", "a?b", True),
        ("a*\n?", "a--\nb", True),
        (".*", "abc", False),
    ],
)
def test_wildcards(text: str, found: str, expected: bool) -> None:
    assert glob(text)(found) is expected


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=12))
def test_wildcards_match_as_pythons_own_do(text: str, found: str) -> None:
    assert glob(text)(found) is fnmatch.fnmatchcase(found, text)


LONG = {"id": "did:op:long", "text": "a" * 30_000, "many": ["a b"] * 1000}


@pytest.mark.parametrize("text", ["*a" * 100 + "b", "*?" * 100 + "b", "*" + "?" * 200 + "b"])
def test_many_wildcards_are_answered_at_once(text: str) -> None:
    started = time.monotonic()

    assert compile_query(text)(Leaves(LONG)) is False
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    ["a" + " " * 60_000 + "a", '"' * 60_000, "a:" * 30_000, "\\" * 60_000, '"\\' * 30_000]
    + [" ".join(["*a*a*ab"] * 1000)],
    ids=lambda text: text[:8],
)
def test_no_query_holds_the_others_up(text: str) -> None:
    started = time.monotonic()
    with contextlib.suppress(BadQuery):
        compile_query(text)(Leaves(LONG, deadline=started + 1))

    assert time.monotonic() - started < 5


@pytest.mark.parametrize("query", ["a" * 70_000, "a*" * 200, {"terms": {"id": ["a"] * 20_000}}])
def test_a_query_has_a_greatest_length(query: Any) -> None:
    with pytest.raises(BadQuery, match="longer than"):
        compile_query(query)


def test_a_query_that_takes_longer_than_its_time_is_an_error() -> None:
    with pytest.raises(BadQuery, match="too long"):
        compile_query("iris")(Leaves(IRIS, deadline=time.monotonic()))


@given(st.text())
def test_any_text_is_a_query_or_our_error(text: str) -> None:
    try:
        found({"query_string": {"query": text}})
    except BadQuery:
        return
