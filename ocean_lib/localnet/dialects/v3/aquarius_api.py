"""Aquarius 2.2's REST API over the metadata cache."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ocean_lib.localnet.dialects.v3.answers import HtmlError, compact, spaced
from ocean_lib.localnet.dialects.v3.metadata_schema import REMOTE_SCHEMA, metadata_errors
from ocean_lib.localnet.dialects.v3.validation import json_object, parameters
from ocean_lib.localnet.metadata.leaves import BadQuery
from ocean_lib.localnet.metadata.store import MetadataCache

_PREFIX = "/api/v1/aquarius/assets"
_MAX_NAMES = 10_000


def aquarius_api(cache: MetadataCache) -> Blueprint:
    """Build the routes of the metadata cache.

    Args:
        cache: The published DDOs.

    Returns:
        A Flask blueprint.
    """
    routes = Blueprint("aquarius", __name__, url_prefix=_PREFIX)

    @routes.get("")
    def dids() -> Response:
        return spaced(cache.dids())

    @routes.get("/ddo")
    def ddos() -> Response:
        return spaced(cache.ddos())

    @routes.get("/ddo/<did>")
    def ddo(did: str) -> Response:
        found = cache.ddo(did)
        return spaced(found) if found is not None else _unknown(did)

    @routes.get("/metadata/<did>")
    def metadata(did: str) -> Response:
        found = cache.ddo(did)
        return spaced(_metadata(found)) if found is not None else _unknown(did)

    @routes.post("/names")
    def names() -> Response:
        data = parameters(request)
        if "didList" not in data:
            return compact({"error": "`didList` is required in the request payload."}, 400)
        wanted = data["didList"]
        if not wanted or not isinstance(wanted, list):
            return compact({"message": "the requested didList is empty"}, 400)
        if len(wanted) > _MAX_NAMES:
            return compact({"message": f"the requested didList is over {_MAX_NAMES} long"}, 400)
        return spaced(cache.names(str(did) for did in wanted))

    @routes.post("/ddo/query")
    def query() -> Response:
        data = json_object(request)
        try:
            return spaced(
                cache.search(
                    data.get("query") or data.get("text"),
                    sort=data.get("sort"),
                    page=max(int(data.get("page") or 1), 1),
                    per_page=max(int(data.get("offset") or 100), 1),
                )
            )
        except (BadQuery, TypeError, ValueError, KeyError, AttributeError) as error:
            return compact({"error": f"Received a bad query: {error}."}, 400)

    @routes.post("/ddo/validate")
    def validate() -> Response:
        return compact(metadata_errors(json_object(request)) or True)

    @routes.post("/ddo/validate-remote")
    def validate_remote() -> Response:
        # ocean.js asks this before it publishes.
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

    return routes


def _unknown(did: str) -> Response:
    text = f"{did} asset DID is not in OceanDB"
    return Response(text, 404, content_type="text/html; charset=utf-8")


def _metadata(ddo: dict[str, object]) -> object:
    services = ddo["service"]
    if isinstance(services, list):
        for service in services:
            if service["type"] == "metadata":
                return service["attributes"]
    return {}
