"""What the metadata of an asset must look like before it is published (OEP-8, local form)."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "pattern": "^(.*)$"}
_LONG_TEXT = {"type": "string"}


def _object(
    properties: dict[str, Any], required: tuple[str, ...] = (), *, closed: bool = False
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    return schema


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_FILE = _object(
    {
        **dict.fromkeys(("name", "contentType", "encoding", "compression", "url"), _TEXT),
        **dict.fromkeys(("checksum", "checksumType"), _TEXT),
        "contentLength": {"type": "string", "pattern": "^[0-9]+$"},
        "index": {"type": "integer"},
        **dict.fromkeys(("resourceId", "encryptionMode"), _LONG_TEXT),
        "attributes": {"type": "array"},
        "encrypted": {"type": "boolean"},
    },
    ("index", "url", "contentType"),
    closed=True,
)
_CONTAINER = _object(
    dict.fromkeys(("entrypoint", "image", "tag"), _LONG_TEXT), ("entrypoint", "image", "tag")
)
_ALGORITHM = _object(
    {**dict.fromkeys(("language", "format", "version"), _LONG_TEXT), "container": _CONTAINER},
    ("container",),
)
_SERVICE = _object(
    {
        **dict.fromkeys(("spec", "specChecksum"), _LONG_TEXT),
        "definition": {"type": "object"},
        "endpoints": {"type": "array"},
    }
)
_MAIN = _object(
    {
        **dict.fromkeys(("name", "dateCreated", "author", "license", "type"), _TEXT),
        "files": _list(_FILE),
        "algorithm": _ALGORITHM,
        "service": _SERVICE,
    },
    ("name", "dateCreated", "author", "license", "type"),
    closed=True,
)
_LINK = _object(dict.fromkeys(("name", "type", "url"), _TEXT), ("url",))
_ADDITIONAL = _object(
    {
        "description": _LONG_TEXT,
        **dict.fromkeys(("categories", "tags"), _list(_TEXT)),
        **dict.fromkeys(("copyrightHolder", "workExample", "inLanguage"), _TEXT),
        "links": _list(_LINK),
    }
)
_CREDENTIAL = _object(
    {"type": _LONG_TEXT, "values": {"type": "array"}}, ("type", "values"), closed=True
)
METADATA_SCHEMA: dict[str, Any] = _object(
    {
        "main": _MAIN,
        "additionalInformation": _ADDITIONAL,
        "credentials": {
            "properties": dict.fromkeys(("allow", "deny"), _list(_CREDENTIAL)),
        },
    },
    ("main",),
)


def metadata_errors(metadata: dict[str, Any]) -> list[dict[str, str]]:
    """List what is wrong with an asset's metadata.

    Args:
        metadata: The metadata as the client has it before encryption, with the files' URLs.

    Returns:
        For each fault its message and the dotted path of the place; empty if all is well.
    """
    from jsonschema import Draft7Validator

    found = sorted(
        Draft7Validator(METADATA_SCHEMA).iter_errors(metadata),
        key=lambda error: [str(part) for part in error.path],
    )
    return [
        {
            "message": error.message,
            "path": ".".join(str(part) for part in error.relative_path),
        }
        for error in found
    ]
