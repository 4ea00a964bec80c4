"""Aquarius 2.2's REST API over the metadata store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from ocean_lib.localnet.dialects.v3.answers import HtmlError, compact, spaced
from ocean_lib.localnet.dialects.v3.metadata_schema import REMOTE_SCHEMA, metadata_errors
from ocean_lib.localnet.dialects.v3.publications import metadata_of
from ocean_lib.localnet.dialects.v3.validation import json_object, parameters
from ocean_lib.localnet.http.routes import Route
from ocean_lib.localnet.metadata.leaves import BadQuery
from ocean_lib.localnet.metadata.store import MetadataStore

_PREFIX = "/api/v1/aquarius/assets"
_MAX_NAMES = 10_000


class AquariusApi:
    """The calls of the metadata cache.

    Args:
        store: The published DDOs.
    """

    def __init__(self, store: MetadataStore) -> None:
        self._store = store

    def routes(self) -> list[Route]:
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
        return [Route(method, _PREFIX + path, "metadata", view) for method, path, view in table]

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
