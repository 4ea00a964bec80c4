"""What the metadata of an asset must look like: before it is published, and in its DDO (OEP-8)."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string", "pattern": "^(.*)$"}
_LONG_TEXT = {"type": "string"}
_ANY_TEXT = {"pattern": "^(.*)$"}  # not only texts: what the schema has for dates in a DDO
_BOOLEAN = {"type": "boolean"}


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


_FILE_PROPERTIES = {
    **dict.fromkeys(("name", "contentType", "encoding", "compression"), _TEXT),
    **dict.fromkeys(("checksum", "checksumType"), _TEXT),
    "contentLength": _LONG_TEXT,
    "index": {"type": "integer"},
    **dict.fromkeys(("resourceId", "encryptionMode"), _LONG_TEXT),
    "attributes": {"type": "array"},
    "encrypted": _BOOLEAN,
}
_FILE = _object(
    {**_FILE_PROPERTIES, "url": _TEXT, "contentLength": {"type": "string", "pattern": "^[0-9]+$"}},
    ("index", "url", "contentType"),
    closed=True,
)
# In a DDO the URLs are in `encryptedFiles` and nowhere else.
_FILE_OF_DDO = _object(_FILE_PROPERTIES, ("index", "contentType"), closed=True)
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
_MAIN_OF_DDO = _object(
    {
        **dict.fromkeys(("name", "author", "license", "type"), _TEXT),
        **dict.fromkeys(("dateCreated", "datePublished"), _ANY_TEXT),
        "files": _list(_FILE_OF_DDO),
        "algorithm": _ALGORITHM,
        "service": _SERVICE,
    },
    ("name", "dateCreated", "datePublished", "author", "license", "type"),
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
REMOTE_SCHEMA: dict[str, Any] = _object(
    {
        "main": _MAIN_OF_DDO,
        "additionalInformation": _ADDITIONAL,
        **dict.fromkeys(("encryptedFiles", "encryptedServices"), _TEXT),
        "status": _object(
            dict.fromkeys(("isListed", "isRetired", "isOrderDisabled"), _BOOLEAN),
            closed=True,
        ),
    },
    ("main",),
)


def metadata_errors(
    metadata: dict[str, Any], schema: dict[str, Any] = METADATA_SCHEMA
) -> list[dict[str, str]]:
    """List what is wrong with an asset's metadata.

    Args:
        metadata: With the default schema the metadata as the client has it before encryption,
            with the files' URLs; with `REMOTE_SCHEMA` the attributes of a DDO's metadata service.
        schema: What the metadata must look like.

    Returns:
        For each fault its message and the dotted path of the place; empty if all is well.
    """
    from jsonschema import Draft7Validator

    found = sorted(
        Draft7Validator(schema).iter_errors(metadata),
        key=lambda error: [str(part) for part in error.path],
    )
    return [
        {
            "message": error.message,
            "path": ".".join(str(part) for part in error.relative_path),
        }
        for error in found
    ]
