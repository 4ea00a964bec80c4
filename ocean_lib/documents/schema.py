"""The format of descriptions as a JSON Schema and as tables, made from `format.py`.

`python -m ocean_lib.documents.schema` writes the schema where it is kept; a test compares it. The
site's build makes the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ocean_lib.documents.format import ALGORITHM, DATASET, FILE, FORMAT, Field

SCHEMA_FILE = Path(__file__).with_name("asset.schema.json")
_TITLES = {DATASET: "A data set", ALGORITHM: "An algorithm"}
_ONLY = {DATASET: "Data sets only.", ALGORITHM: "Algorithms only."}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of descriptions."""
    is_algorithm = {
        "anyOf": [
            {"required": ["type"], "properties": {"type": {"const": ALGORITHM}}},
            {"required": ["container"], "properties": {"type": {"const": None}}},
        ]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An asset, as `ocean-compute publish` and `ocean.assets.publish` take it",
        "type": "object",
        "if": is_algorithm,
        "then": {"$ref": f"#/$defs/{ALGORITHM}"},
        "else": {"$ref": f"#/$defs/{DATASET}"},
        "$defs": {name: _object(fields, _TITLES[name], name) for name, fields in FORMAT.items()},
    }


def _object(fields: Sequence[Field], about: str, asset_type: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": about,
        "type": "object",
        "properties": {field.name: _property(field, asset_type) for field in fields},
        "additionalProperties": False,
    }
    required = [field.name for field in fields if field.required]
    return {**described, "required": required} if required else described


def _property(field: Field, asset_type: str) -> dict[str, Any]:
    about = {"description": field.about}
    if field.default not in (None, "", ()):
        about["default"] = field.default
    if field.name == "type":
        return {**about, "enum": [asset_type, None]}
    if field.kind is not None:
        return {**about, **_or_nothing(field.kind.schema, field)}
    inner = _object(field.fields, field.about, asset_type)
    if field.each:
        entry = {"anyOf": [{"type": "string", "minLength": 1}, inner]}
        several = entry if field.fields is FILE else inner
        least = {"minItems": 1} if field.fields is FILE else {}
        return {**about, **_or_nothing({"type": "array", "items": several, **least}, field)}
    if field.may_be_false:
        return {**about, "anyOf": [{"type": ["boolean", "null"]}, inner]}
    return {**about, **_or_nothing(inner, field)}


def _or_nothing(schema: dict[str, Any], field: Field) -> dict[str, Any]:
    if field.required:
        return schema
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def tables() -> str:
    """Return the tables of all names, as Markdown."""
    names: dict[str, list[str]] = {}
    fields: dict[str, Field] = {}
    for asset_type, listed in FORMAT.items():
        for field in listed:
            names.setdefault(field.name, []).append(asset_type)
            fields[field.name] = field
    parts = [_table([(fields[name], names[name]) for name in names])]
    below: dict[str, list[str]] = {}
    for path, field in _with_fields(list(fields.values())):
        table = _table([(inner, []) for inner in field.fields])
        below.setdefault(table, []).append(f"{'each of ' if field.each else ''}`{path}`")
    parts += [f"Below {' and below '.join(where)}:\n\n{table}" for table, where in below.items()]
    return "\n".join(parts)


def _with_fields(fields: Sequence[Field], above: str = "") -> Iterator[tuple[str, Field]]:
    """Yield the names that have names below them, with their paths."""
    for field in fields:
        if field.fields:
            yield f"{above}{field.name}", field
            yield from _with_fields(field.fields, f"{above}{field.name}.")


def _table(rows: Sequence[tuple[Field, list[str]]]) -> str:
    lines = ["| name | value | default | meaning |", "|---|---|---|---|"]
    for field, types in rows:
        only = f" {_ONLY[types[0]]}" if len(types) == 1 else ""
        lines.append(
            f"| `{field.name}` | {_kind(field)} | {_default(field)} | {field.about}{only} |"
        )
    return "\n".join(lines) + "\n"


def _kind(field: Field) -> str:
    if field.kind is not None:
        return field.kind.name
    if field.name == "type":
        return "text"
    return "list" if field.each else "mapping"


def _default(field: Field) -> str:
    if field.required:
        return "**required**"
    if field.default in (None, "", ()):
        return ""
    return f"`{json.dumps(field.default)}`".replace('"', "")


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(json_schema(), indent=1) + "\n", encoding="utf-8")
