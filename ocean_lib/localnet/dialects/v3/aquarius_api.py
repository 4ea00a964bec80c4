"""Aquarius 2.2's REST API over the metadata store, and the schema of what may be published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from ocean_lib.localnet.dialects.v3.publications import metadata_of
from ocean_lib.localnet.dialects.v3.wire import HtmlError, compact, json_object, parameters, spaced
from ocean_lib.localnet.http.routes import Endpoint
from ocean_lib.localnet.metadata.leaves import BadQuery
from ocean_lib.localnet.metadata.store import MetadataStore

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


_PREFIX = "/api/v1/aquarius/assets"
_MAX_NAMES = 10_000


class AquariusApi:
    """The calls of the metadata cache.

    Args:
        store: The published DDOs.
    """

    def __init__(self, store: MetadataStore) -> None:
        self._store = store

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        table: list[tuple[str, str, Callable[..., Response]]] = [
            ("GET", "", self.dids),
            ("GET", "/ddo", self.ddos),
            ("GET", "/ddo/<did>", self.ddo),
            ("GET", "/metadata/<did>", self.metadata),
            ("POST", "/names", self.names),
            ("POST", "/ddo/query", self.query),
            ("POST", "/ddo/validate", self.validate),
            ("POST", "/ddo/validate-remote", self.validate_remote),
        ]
        return [Endpoint(method, _PREFIX + path, "metadata", view) for method, path, view in table]

    def dids(self) -> Response:
        """Answer with all DIDs."""
        return spaced(self._store.dids())

    def ddos(self) -> Response:
        """Answer with all DDOs."""
        return spaced(self._store.documents())

    def ddo(self, did: str) -> Response:
        """Answer with one DDO."""
        found = self._store.document(did)
        return spaced(found) if found is not None else _unknown(did)

    def metadata(self, did: str) -> Response:
        """Answer with the attributes of a DDO's metadata service."""
        found = self._store.document(did)
        return spaced(metadata_of(found)) if found is not None else _unknown(did)

    def names(self) -> Response:
        """Answer with the names of assets, '' for a DID that is unknown."""
        data = parameters(request)
        if "didList" not in data:
            return compact({"error": "`didList` is required in the request payload."}, 400)
        wanted = data["didList"]
        if not wanted or not isinstance(wanted, list):
            return compact({"message": "the requested didList is empty"}, 400)
        if len(wanted) > _MAX_NAMES:
            return compact({"message": f"the requested didList is over {_MAX_NAMES} long"}, 400)
        found = self._store.find(str(did) for did in wanted)
        return spaced(
            {did: metadata_of(ddo)["main"]["name"] if ddo else "" for did, ddo in found.items()}
        )

    def query(self) -> Response:
        """Answer with one page of the assets that a query finds."""
        data = json_object(request)
        try:
            page = max(int(data.get("page") or 1), 1)
            per_page = max(int(data.get("offset") or 100), 1)
            query = data.get("query") or data.get("text")
            return spaced(_page(self._store.search(query, sort=data.get("sort")), page, per_page))
        except (BadQuery, TypeError, ValueError, KeyError, AttributeError) as error:
            return compact({"error": f"Received a bad query: {error}."}, 400)

    def validate(self) -> Response:
        """Answer with what is wrong with metadata that is to be published."""
        return compact(metadata_errors(json_object(request)) or True)

    def validate_remote(self) -> Response:
        """Answer the same for a whole DDO; ocean.js asks this before it publishes."""
        data = json_object(request)
        if "service" not in data:
            return compact({"message": "Invalid DDO format."}, 400)
        try:
            attributes = next(
                service["attributes"]
                for service in data["service"]
                if service["type"] == "metadata"
            )
            if "main" not in attributes:
                return compact({"message": "Invalid DDO format."}, 400)
        except (KeyError, TypeError, StopIteration) as error:
            raise HtmlError(500, "The DDO has no metadata service that can be read.") from error
        return compact(metadata_errors(attributes, REMOTE_SCHEMA) or True)


def _unknown(did: str) -> Response:
    text = f"{did} asset DID is not in OceanDB"
    return Response(text, 404, content_type="text/html; charset=utf-8")


def _page(found: list[dict[str, Any]], page: int, per_page: int) -> dict[str, Any]:
    start = (page - 1) * per_page
    return {
        "results": found[start : start + per_page],
        "page": page,
        "total_pages": -(-len(found) // per_page),
        "total_results": len(found),
    }
