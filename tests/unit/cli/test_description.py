"""Descriptions of assets: what is taken, what is refused, and what comes out."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.cli.description import Description, describe, read_description
from ocean_lib.exceptions import InvalidInput

DOC = Path(__file__).parents[3] / "docs" / "cli.md"
ABOUT = {"name": "n", "author": "a", "license": "CC0-1.0", "files": ["https://example.org/x.csv"]}
CONTAINER = {"image": "python", "tag": "3.10", "entrypoint": "python3 $ALGO"}


def dataset(**more: Any) -> Description:
    return describe("dataset", {**ABOUT, **more}, Path())


def test_a_data_set_is_offered_for_computing_only_and_trusts_nobody() -> None:
    described = dataset()

    assert described.rules is not None
    assert described.rules.trusted == ()
    assert not any((described.rules.allow_all, described.rules.allow_raw, described.access))


def test_an_algorithm_is_offered_for_access() -> None:
    described = describe("algorithm", {**ABOUT, "container": CONTAINER}, Path())

    assert described.access
    assert described.rules is None
    assert described.main["algorithm"]["container"] == CONTAINER


def test_metadata_has_the_protocols_spelling() -> None:
    described = dataset(description="d", tags=["t"], copyright_holder="c")

    assert described.metadata(["https://example.org/x.csv"], "2021-06-24T10:00:00Z") == {
        "main": {
            "type": "dataset",
            "name": "n",
            "author": "a",
            "license": "CC0-1.0",
            "dateCreated": "2021-06-24T10:00:00Z",
            "files": [{"index": 0, "url": "https://example.org/x.csv", "contentType": "text/csv"}],
        },
        "additionalInformation": {"description": "d", "copyrightHolder": "c", "tags": ["t"]},
    }


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"name": 7}, "name must be text, got 7. Put it in quotes."),
        ({"name": None}, "name must be text, got nothing."),
        ({"files": []}, "files must be a list with at least one entry."),
        ({"files": [3]}, "a file is a URL, a path, or"),
        ({"files": ["gone.csv"]}, "there is no file"),
        ({"files": ["ftp://x/y"]}, "description: a file's URL must be an absolute http(s) URL"),
        ({"files": [{"url": "http://x/", "path": "y"}]}, "needs `url:` or `path:`, one of them"),
        ({"name": " "}, "name must be text, got ' '"),
        ({"name": "\ud800"}, "name must be text, got '\\ud800'"),
        ({"name": date(2024, 1, 1)}, "name must be text, got 2024-01-01. Put it in quotes."),
        ({"price": date(2024, 1, 1)}, "price must be a number, got 2024-01-01."),
        ({"token": {"address": "x"}}, "description: token: address must be '0x'"),
        (
            {"compute": {"trusted_algorithms": ["x"]}},
            "description: compute: trusted_algorithms[0] must be 'did:op:'",
        ),
        ({"prize": 1}, "'prize' is not known; did you mean price?"),
        ({"price": -1}, "price must be a number from 0 on"),
        ({"price": True}, "price must be a number"),
        ({"price": 1.0e-30}, "price must have 18 decimals at most"),
        ({"price": 1.0e300}, "no larger than a token contract can hold, got 1e+300"),
        ({"price": 10**400}, "no larger than a token contract can hold, got far more"),
        ({"price": 1001}, "nobody could ever pay a price of 1001, as there will be 1000 tokens"),
        ({"price": 3, "token": {"cap": 2}}, "there will be 2 tokens at most"),
        ({"token": {"cap": 0}}, "token: cap must be more than 0"),
        ({"token": {"cap": 1.0e-30}}, "cap must have 18 decimals at most"),
        ({"token": {"cap": 2.0e59}}, "cap must have 18 decimals at most, and be no larger"),
        ({"timeout": 0.5}, "timeout must be whole seconds, from 0 to 2147483647, got 0.5"),
        ({"timeout": -1}, "timeout must be a number from 0 on, got -1"),
        ({"timeout": "1e999"}, "timeout must be a number, got '1e999'"),
        ({"timeout": float("inf")}, "timeout must be a number from 0 on, got inf"),
        ({"timeout": float("nan")}, "timeout must be a number from 0 on, got nan"),
        ({"timeout": 10**400}, "timeout must be whole seconds, from 0 to 2147483647, got far more"),
        ({"compute": {"max_run_time": 59.5}}, "max_run_time must be whole seconds, from 1 to"),
        ({"compute": {"max_run_time": 0}}, "max_run_time must be whole seconds, from 1 to"),
        ({"compute": {"max_run_time": ""}}, "max_run_time must be a number, got ''"),
        ({"access": "yes"}, "access must be true or false"),
        ({"compute": {"trusted_algorithm": []}}, "did you mean trusted_algorithms?"),
        ({"compute": {"trusted_algorithms": "did:op:1"}}, "must be a list of texts"),
        ({"compute": ["x"]}, "compute must be a mapping (indented `name: value` lines)."),
        ({"compute": False}, "needs access: true"),
        ({"container": CONTAINER}, "'container' is not known"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_named(fault: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        dataset(**fault)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"container": CONTAINER | {"entrypoint": "python3 "}}, "does not name the algorithm"),
        ({"container": CONTAINER | {"image": "python:3.10"}}, "is not one that can be pulled"),
        ({"files": ["https://e.org/a.py", "https://e.org/b.py"]}, "an algorithm is one file"),
    ],
    ids=str,
)
def test_an_algorithm_that_no_job_could_run_is_refused(fault: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        describe("algorithm", {**ABOUT, "container": CONTAINER, **fault}, Path())


def test_what_can_be_paid_goes_to_the_chain_as_it_was_written() -> None:
    described = dataset(price=1e-18, timeout=60.0, token={"cap": 1e-7})

    assert (described.price, described.timeout_s) == (1e-18, 60)
    assert described.token.cap == "0.0000001"
    assert dataset(price=1e9, token={"address": "0x" + "12" * 20}).price == 1e9


def test_a_tag_that_yaml_reads_as_a_number_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "algorithm.yaml"
    file.write_text(
        "name: n\nauthor: a\nlicense: l\nfiles: [https://e.org/a.py]\n"
        "container: {image: python, tag: 3.10, entrypoint: python3 $ALGO}\n"
    )

    with pytest.raises(InvalidInput, match=r"tag must be text, got 3\.1\. Put it in quotes\."):
        read_description("algorithm", file)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "name: a\nname: b\n", "stands there twice"),
        ("a.json", '{"name": "a", "name": "b"}', "stands there twice"),
        ("a.yaml", "name: [", "is not YAML"),
        ("a.json", "{", "is not JSON"),
        ("a.yaml", "- a", "must hold names and values"),
        ("a.yaml", "a: !!python/object:os.system {}", "is not YAML"),
        ("a.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nname: [*b, *b]\n", "aliases"),
        ("a.yaml", "a: &a {name: b}\n<<: *a\n", "aliases"),
        ("a.yaml", "name: " + "[" * 50_000, "nests deeper"),
        ("a.json", '{"name": ' + "[" * 50_000, "nests deeper"),
        ("a.yaml", "#" * 1024**2 + "\nname: a", "larger than"),
        ("a.json", " " * 1024**2 + "{}", "larger than"),
    ],
    ids=lambda text: text[:12],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(InvalidInput, match=said):
        read_description("dataset", tmp_path / name)


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_a_description_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} cannot be read: no such file"):
        read_description("dataset", tmp_path / name)


def test_local_files_are_looked_for_beside_the_description(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    file = tmp_path / "data.json"
    file.write_text(json.dumps({**ABOUT, "files": ["x.csv", {"path": "x.csv"}]}))

    described = read_description("dataset", file)

    assert [entry.path for entry in described.files] == [tmp_path / "x.csv"] * 2
    assert [entry.content_type for entry in described.files] == ["text/csv"] * 2


def test_the_examples_in_the_document_are_right(tmp_path: Path) -> None:
    for name in ("tumours.csv", "classify.py"):
        (tmp_path / name).touch()
    blocks = re.findall(r"```yaml\n# (\w+)\.yaml\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)

    for kind, text in blocks:
        (tmp_path / "it.yaml").write_text(text)
        assert read_description(kind, tmp_path / "it.yaml").kind == kind
    assert {kind for kind, _ in blocks} == {"dataset", "algorithm"}
