"""Descriptions of assets: what is taken, what is refused, and what comes out."""

from __future__ import annotations

import json
import pickle
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.documents import schema
from ocean_lib.documents.ddo1 import metadata_of
from ocean_lib.documents.description import Description, read_changes, read_description
from ocean_lib.exceptions import InvalidDescription, InvalidInput

DOC = Path(__file__).parents[3] / "docs" / "publishing.md"
ABOUT = {"name": "n", "author": "a", "license": "CC0-1.0", "files": ["https://example.org/x.csv"]}
CONTAINER = {"image": "python", "tag": "3.10", "entrypoint": "python3 $ALGO"}


def dataset(**more: Any) -> Description:
    return read_description({**ABOUT, **more}, "dataset")


def test_a_data_set_is_offered_for_computing_only_and_trusts_nobody() -> None:
    values = dataset().values

    assert (values["compute"], values["access"]) == (True, False)
    assert values["compute.trusted_algorithms"] == []
    assert not [path for path, value in values.items() if ".allow_" in path and value]


def test_what_has_a_container_is_an_algorithm_and_what_has_none_a_data_set() -> None:
    described = read_description({**ABOUT, "container": CONTAINER})

    assert described.asset_type == "algorithm"
    assert {name: described.values[f"container.{name}"] for name in CONTAINER} == CONTAINER
    assert read_description(ABOUT).asset_type == "dataset"


def test_metadata_has_the_protocols_spelling() -> None:
    described = dataset(description="d", tags=["t"], copyright_holder="c")

    assert metadata_of(described, ["https://example.org/x.csv"], "2021-06-24T10:00:00Z") == {
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
        ({"name": 7}, "name must be text, got 7; put it in quotes."),
        ({"name": None}, "name must be text, got nothing."),
        ({"files": []}, "files must be a list with at least one entry"),
        ({"files": [3]}, "files[0] must be a URL, a path, or"),
        ({"files": ["gone.csv"]}, "files[0] cannot be read: there is no file"),
        ({"files": ["ftp://x/y"]}, "description: files[0] must be an absolute http(s) URL"),
        (
            {"files": [{"url": "http://x/", "path": "y"}]},
            "files[0] needs one of `url:`, `path:` and `content:`",
        ),
        ({"files": [{"content": "", "name": "/"}]}, "files[0].name must be a file's name"),
        ({"files": [{"content": "", "name": "../x"}]}, "files[0].name must be a file's name"),
        ({"files": [{"content": ""}]}, "files[0] needs a `name:` for its `content:`"),
        ({"name": "a\nb"}, "name must be one line of text"),
        ({"name": " "}, "name must be text, got ' '"),
        ({"name": "\ud800"}, "name must be text, got '\\ud800'"),
        ({"name": date(2024, 1, 1)}, "name must be text, got 2024-01-01; put it in quotes."),
        ({"price": date(2024, 1, 1)}, "price must be a number, got 2024-01-01."),
        ({"token": {"address": "x"}}, "description: token.address must be '0x'"),
        (
            {"compute": {"trusted_algorithms": ["x"]}},
            "description: compute.trusted_algorithms[0] must be 'did:op:'",
        ),
        ({"prize": 1}, "prize is not known; did you mean price?"),
        ({"price": -1}, "price must be a number from 0 on"),
        ({"price": True}, "price must be a number"),
        ({"price": 1.0e-30}, "price must have 18 decimals at most"),
        ({"price": 1.0e300}, "no larger than a token contract can hold, got 1e+300"),
        ({"price": 10**400}, "no larger than a token contract can hold, got far more"),
        ({"price": 1001}, "price of 1001 could never be paid, as there will be 1000 tokens"),
        ({"price": 3, "token": {"cap": 2}}, "there will be 2 tokens at most"),
        ({"token": {"cap": 0}}, "token.cap must be more than 0"),
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
        ({"compute": {"trusted_algorithms": "did:op:1"}}, "must be a list, got 'did:op:1'"),
        ({"compute": ["x"]}, "compute must be a mapping (indented `name: value` lines)."),
        ({"compute": False}, "access must be true where compute is false"),
        ({"container": CONTAINER}, "container is not known"),
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
        ({"files": ["https://e.org/a.py", "https://e.org/b.py"]}, "files must be one file"),
    ],
    ids=str,
)
def test_an_algorithm_that_no_job_could_run_is_refused(fault: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_description({**ABOUT, "container": CONTAINER, **fault}, "algorithm")


def test_what_can_be_paid_goes_to_the_chain_as_it_was_written() -> None:
    values = dataset(price=1e-18, timeout=60.0, token={"cap": 1e-7}).values

    assert (values["price"], values["timeout"], values["token.cap"]) == (1e-18, 60, 1e-7)
    assert dataset(price=1e9, token={"address": "0x" + "12" * 20}).values["price"] == 1e9


def test_a_tag_that_yaml_reads_as_a_number_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "algorithm.yaml"
    file.write_text(
        "name: n\nauthor: a\nlicense: l\nfiles: [https://e.org/a.py]\n"
        "container: {image: python, tag: 3.10, entrypoint: python3 $ALGO}\n"
    )

    with pytest.raises(
        InvalidInput, match=r"line 5: container\.tag must be text, got 3\.1; put it in quotes\."
    ):
        read_description(file, "algorithm")


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
        read_description(tmp_path / name, "dataset")


@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_a_description_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} cannot be read: no such file"):
        read_description(tmp_path / name, "dataset")


def test_local_files_are_looked_for_beside_the_description(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    file = tmp_path / "data.json"
    file.write_text(json.dumps({**ABOUT, "files": ["x.csv", {"path": "x.csv"}]}))

    described = read_description(file, "dataset")

    assert [entry.path for entry in described.files] == [tmp_path / "x.csv"] * 2
    assert [entry.content_type for entry in described.files] == ["text/csv"] * 2


EVERY_MISTAKE = """
{
  "name": 1, "prize": 3,
  "files": [
    "gone.csv",
    {"url": "ftp://x", "kind": "b"}
  ],
  "compute": {
    "max_runtime": 3, "cpu": "x",
    "trusted_algorithms": ["did:op:1"]
  },
  "price": 4,
  "price": 5
}
"""


@pytest.mark.parametrize("is_json", [True, False])
def test_every_mistake_is_told_at_once_with_its_path_and_line(is_json: bool) -> None:
    text = EVERY_MISTAKE if is_json else EVERY_MISTAKE.replace("{", "{ # no JSON\n", 1)

    with pytest.raises(InvalidDescription) as raised:
        read_description(text)

    shift = 0 if is_json else 1
    assert [(one.path, one.line) for one in raised.value.mistakes] == [
        ("author", None),
        ("license", None),
        *[
            (path, line + shift)
            for path, line in [
                ("prize", 3),
                ("name", 3),
                ("files[0]", 5),
                ("files[1].kind", 6),
                ("files[1]", 6),
                ("compute.max_runtime", 9),
                ("compute.cpu", 9),
                ("compute.trusted_algorithms[0]", 10),
                ("price", 13),
            ]
        ],
    ]
    assert raised.value.mistakes[2].suggestion == "did you mean price?"
    assert "price stands there twice (line" in str(raised.value)


_CONTENTS = st.fixed_dictionaries(
    {"name": st.text(min_size=1), "price": st.floats(0, 9) | st.integers(0, 9)},
    optional={"tags": st.lists(st.text()), "nmae": st.text(), "compute": st.just({"cpu": 0})},
)


@given(_CONTENTS)
def test_a_dict_and_its_text_in_json_and_yaml_say_the_same(content: dict[str, Any]) -> None:
    content = {**ABOUT, **content}
    texts = (content, json.dumps(content, indent=1), yaml.safe_dump(content))
    said = []
    for given_ in texts:
        try:
            said.append(read_description(given_))
        except InvalidDescription as error:
            said.append({(mistake.path, mistake.what) for mistake in error.mistakes})

    assert said[0] == said[1] == said[2]


def test_an_error_of_many_mistakes_can_be_pickled_and_shows_fifty() -> None:
    with pytest.raises(InvalidDescription) as raised:
        read_description({**ABOUT, **{f"x{number}": 1 for number in range(60)}})
    again = pickle.loads(pickle.dumps(raised.value))

    assert (str(again), again.mistakes) == (str(raised.value), raised.value.mistakes)
    assert len(again.mistakes) == 60
    assert str(again).endswith("\n  and 10 more")


def test_a_key_in_a_wrong_place_is_not_shown() -> None:
    key = "5d75837394b078ce97bc289fa8d75e21000573520bfa7784a9d28ccaae602bf8"

    with pytest.raises(InvalidDescription) as raised:
        read_description({**ABOUT, "price": key, "timeout": key, key: 1, "access": [key]})

    assert key not in str(raised.value)
    assert len(raised.value.mistakes) == 4


def test_an_address_in_yaml_needs_no_quotes() -> None:
    address = "0x0515c4CdAB65431fa9eB7EAc7e4107bFEc0fFEBB"
    text = "\n".join(f"{name}: {json.dumps(value)}" for name, value in ABOUT.items())

    described = read_description(f"{text}\ncredentials:\n  allow: [{address}, {address.lower()}]\n")

    assert described.values["credentials.allow"] == [address]


def test_changes_hold_what_was_given_and_a_name_without_a_value_has_its_default() -> None:
    now = dataset(price=2, tags=["t"]).values
    given = {"price": None, "compute": {"cpu": 4}, "tags": None, "token": None}

    changes = read_changes(given, "dataset", now)

    assert changes.values == {"price": 1, "compute": True, "compute.cpu": 4, "tags": []}
    assert changes.files == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": None}, "name must be text, got nothing"),
        ({"type": "algorithm"}, "type must be dataset, got 'algorithm'"),
        ({"compute": False}, "access must be true where compute is false"),
        ({"price": 2000}, "price of 2000 could never be paid"),
        ({"container": CONTAINER}, "container is not known"),
        ({"compute": {"containers": [{"image": "python"}]}}, "containers[0].tag must be text"),
    ],
    ids=str,
)
def test_changes_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidDescription, match=re.escape(said)):
        read_changes(changes, "dataset", dataset().values)


def test_the_schema_is_up_to_date() -> None:
    how = "run: python -m ocean_lib.documents.schema"

    assert json.loads(schema.SCHEMA_FILE.read_text("utf-8")) == schema.json_schema(), how


def test_the_tables_have_every_name() -> None:
    rows = [line.split(" | ") for line in schema.tables().splitlines() if line.startswith("| `")]

    assert ["| `price`", "amount of tokens", "`1`", "Price of an order, in data tokens. |"] in rows
    assert {name.strip("| `") for name, *_ in rows} >= set(_NAMES)


_ODD = st.sampled_from([None, True, 0, -1, 1.5, "", " ", "x", [], ["x"], {}, {"x": 1}])
_NAMES = sorted({field.name for fields in schema.FORMAT.values() for field in fields})


@given(st.dictionaries(st.sampled_from([*_NAMES, "nmae"]), _ODD, max_size=3))
def test_what_the_schema_takes_has_only_mistakes_that_a_schema_cannot_tell(odd: Any) -> None:
    content = {**ABOUT, **odd}
    is_taken = jsonschema.Draft202012Validator(schema.json_schema()).is_valid(content)
    mistakes = []
    try:
        read_description(content)
    except InvalidDescription as error:
        mistakes = [str(mistake) for mistake in error.mistakes]

    beyond = ("there is no file", "where compute is false", "could never be paid", "one file")
    if is_taken:
        assert not [text for text in mistakes if not any(words in text for words in beyond)]
    else:
        assert mistakes


def test_the_examples_in_the_document_are_right(tmp_path: Path) -> None:
    for name in ("tumours.csv", "classify.py"):
        (tmp_path / name).touch()
    blocks = re.findall(r"```yaml\n# (\w+)\.yaml\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)

    for kind, text in blocks:
        (tmp_path / "it.yaml").write_text(text)
        assert read_description(tmp_path / "it.yaml").asset_type == kind
        jsonschema.validate(yaml.safe_load(text), schema.json_schema())
    assert {kind for kind, _ in blocks} == {"dataset", "algorithm"}
