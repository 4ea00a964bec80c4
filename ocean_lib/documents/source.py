"""The text of a description, YAML or JSON: its values, and the line that each stands on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocean_lib.base.mistake import Mistake
from ocean_lib.base.text_files import read_text, why_unreadable, without_mark
from ocean_lib.checks import MAX_JSON_DEPTH, parse_json, printable
from ocean_lib.exceptions import InvalidDescription, InvalidInput

MAX_BYTES = 1024**2
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+|\n', re.DOTALL)
_ADDRESS = re.compile("0[xX][0-9a-fA-F]{40}")
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """What was given as a description.

    Attributes:
        content: its names and values.
        name: what to call it in messages.
        folder: where its local files are looked for.
        lines: the line of each value, from 1 on; none for a dict.
        twins: names that stand there twice, where one would be lost without a word.
    """

    content: dict[str, Any]
    name: str
    folder: Path
    lines: Mapping[Place, int] = field(default_factory=dict)
    twins: tuple[Mistake, ...] = ()


def path_of(place: Place) -> str:
    """Return a place as it is written in messages, such as `compute.containers[0].tag`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return printable(text.removeprefix("."), limit=200)[1:-1] if place else ""


def open_source(given: object) -> Source:
    """Read what was given as a description.

    Args:
        given: a dict; a path of a `.yaml`, `.yml` or `.json` file; or the text itself, which has a
            line break or starts with `{`.

    Raises:
        InvalidDescription: it is not YAML or JSON.
        InvalidInput: it is something else, cannot be read, or is larger than 1 MiB.
    """
    if isinstance(given, Mapping):
        return Source(dict(given), "description", Path())
    if isinstance(given, str) and ("\n" in given or given.lstrip().startswith("{")):
        if len(given.encode("utf-8", "replace")) > MAX_BYTES:
            raise InvalidInput(f"The description is larger than {MAX_BYTES} bytes.")
        text = without_mark(given)
        is_json = text.lstrip().startswith("{") and _is_json(text)
        return _read(text, "description", Path(), is_json=is_json)
    if isinstance(given, (str, Path)) and str(given):
        path = Path(given).expanduser()
        is_json = path.suffix.lower() == ".json"
        return _read(_text_of(path), str(path), path.parent, is_json=is_json)
    raise InvalidInput(
        "A description is a dict, the path of a YAML or JSON file, or its text, got "
        f"{printable(given)}."
    )


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size <= MAX_BYTES:
            return read_text(path)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {why_unreadable(error)}.") from None
    raise InvalidInput(f"{path} is larger than {MAX_BYTES} bytes: this is not a description.")


def _read(text: str, name: str, folder: Path, *, is_json: bool) -> Source:
    content, found = _json(text, name) if is_json else _yaml(text, name)
    if not isinstance(content, dict):
        wanted = "must hold names and values, such as `name: My data`"
        raise InvalidDescription(name, [Mistake("", wanted, 1)])
    lines: dict[Place, int] = {}
    twins = []
    for place, line in found:
        if place in lines:
            twins.append(Mistake(path_of(place), f"stands there twice (line {lines[place]})", line))
        lines[place] = line
    return Source(content, name, folder, lines, tuple(twins))


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def _json(text: str, name: str) -> tuple[Any, list[tuple[Place, int]]]:
    try:
        return parse_json(text), list(_json_lines(text))
    except json.JSONDecodeError as error:
        fault = Mistake("", f"is not JSON: {error.msg}, column {error.colno}", error.lineno)
    except (ValueError, RecursionError) as error:
        fault = Mistake("", f"is not JSON: {error}")
    raise InvalidDescription(name, [fault])


def _json_lines(text: str) -> Iterator[tuple[Place, int]]:
    """Yield the place and line of every name and entry in valid JSON."""
    line, key, key_line, is_entry = 1, "", 1, False
    place: list[str | int] = []
    for piece in _PIECE.findall(text):
        if piece == "\n":
            line += 1
            continue
        if is_entry and piece != "]":
            yield tuple(place), line
        is_entry = piece == "[" or (piece == "," and isinstance(place[-1], int))
        if piece in "{[":
            place.append("" if piece == "{" else 0)
        elif piece in "}]":
            place.pop()
        elif piece == "," and isinstance(place[-1], int):
            place[-1] += 1
        elif piece == ":":
            place[-1] = str(json.loads(key))
            yield tuple(place), key_line
        elif piece.startswith('"'):
            key, key_line = piece, line


def _yaml(text: str, name: str) -> tuple[Any, list[tuple[Place, int]]]:
    try:
        import yaml
    except ModuleNotFoundError:
        raise InvalidInput(
            f"Reading {name} needs PyYAML: pip install PyYAML. Or write it as JSON."
        ) from None
    try:
        loader = _loader(yaml)(text)
        node = loader.get_single_node()
        lines = list(_yaml_lines(node, ()))
        return loader.construct_document(node) if node is not None else None, lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        fault = Mistake("", f"is not YAML: {error.problem or error.context}", line)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        fault = Mistake("", f"is not YAML: {' '.join(str(error).split())}")
    raise InvalidDescription(name, [fault])


def _yaml_lines(node: Any, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node.value if node is not None else "", str):
        return
    for number, item in enumerate(node.value):
        key, value = item if isinstance(item, tuple) else (None, item)
        inner = (*place, number if key is None else str(key.value))
        yield inner, (key or value).start_mark.line + 1
        yield from _yaml_lines(value, inner)


def _loader(yaml: Any) -> Any:
    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Refuses what would say one thing and mean another, or fill the memory.

        Aliases: a few lines of them stand for a document of any size. Nesting is bounded as in
        JSON, and for its reason.
        """

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark
                raise yaml.MarkedYAMLError(
                    problem="aliases (*name) are not supported, write the value out",
                    problem_mark=mark,
                )
            self.depth += 1
            if self.depth > MAX_JSON_DEPTH:
                raise ValueError(f"it nests deeper than {MAX_JSON_DEPTH} levels")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    def integer(loader: Any, node: Any) -> Any:
        # YAML takes an address for a number, and would lose its spelling.
        if _ADDRESS.fullmatch(node.value):
            return node.value
        return loader.construct_yaml_int(node)

    def mapping(loader: Any, node: Any) -> dict[str, Any]:
        return {str(key): value for key, value in loader.construct_pairs(node, deep=True)}

    Loader.add_constructor("tag:yaml.org,2002:int", integer)
    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    return Loader
