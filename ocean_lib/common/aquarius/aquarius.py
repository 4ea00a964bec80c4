"""The client of Aquarius, the metadata cache: finds assets by DID and by search."""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from ocean_lib.checks import check_did, check_url, is_json, printable
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.documents.ddo4 import did_in
from ocean_lib.exceptions import AquariusError, AssetNotFound, InvalidInput
from ocean_lib.http.exchange import Answer, HttpExchange
from ocean_lib.http.limits import TOO_LARGE_STATUSES, TOO_MANY_REQUESTS

ASSETS_PATH = "/api/v1/aquarius/assets"
NODE_ASSETS_PATH = "/api/aquarius/assets"
"""Where Ocean Nodes, and metadata caches of V4, have the same calls for documents."""

_MOST_RESULTS = 10_000  # Elasticsearch, behind Aquarius, looks no further


class Aquarius:
    """A metadata cache.

    All its calls are reads: a failed one is tried again within the time allowed.

    Args:
        aquarius_url: URL of the metadata cache, with or without its API's path.
        http: sends the requests; a session of its own if None.
        assets_path: of its API; `NODE_ASSETS_PATH` for an Ocean Node or a cache of V4.

    Raises:
        InvalidUrl: it is no http(s) URL.
    """

    def __init__(
        self,
        aquarius_url: str,
        http: HttpExchange | None = None,
        *,
        assets_path: str = ASSETS_PATH,
    ) -> None:
        root = check_url(aquarius_url, name="aquarius_url")
        for path in (ASSETS_PATH, NODE_ASSETS_PATH):
            root = root.partition(path)[0]
        self._assets_path = assets_path
        self._base_url = root.rstrip("/") + assets_path
        self._http = http or HttpExchange()

    @property
    def root_url(self) -> str:
        """URL of the metadata cache, without its API's path."""
        return self._base_url.removesuffix(self._assets_path)

    @property
    def is_nodes(self) -> bool:
        """Whether its API is that of Ocean Nodes."""
        return self._assets_path == NODE_ASSETS_PATH

    @property
    def url(self) -> str:
        """URL of the DDOs."""
        return f"{self._base_url}/ddo"

    def get_service_endpoint(self) -> str:
        """Return the URL of a DDO, with `{did}` in place of the DID."""
        return f"{self.url}/{{did}}"

    def list_assets(self) -> list[str]:
        """Return the DIDs of all assets.

        Raises:
            AquariusError: the metadata cache answered with an error.
            MalformedResponse: the answer is no list of DIDs.
            TransportError: no answer came.
        """
        dids: list[str] = self._get(
            self._base_url, "list the assets", _is_list_of_text, "a list of DIDs"
        )
        return dids

    def get_asset_ddo(self, did: str) -> DDO:
        """Return the DDO of an asset.

        Args:
            did: the asset's DID.

        Raises:
            InvalidDid: it is no DID.
            AssetNotFound: the metadata cache holds no such asset.
            AquariusError: the metadata cache answered with another error.
            MalformedResponse: the answer is no DDO, or that of another asset.
            TransportError: no answer came.
        """
        operation = f"get the asset {check_did(did)}"
        answer = self._asset_answer(self.url, did, operation)
        document = _read(answer, _is_dict, "a DDO")
        try:
            ddo, said = DDO(dictionary=document), did_in(document)
        except InvalidInput as error:
            fault = str(error)
        else:
            if said.lower() == did.lower():
                return ddo
            fault = f"the DDO of {printable(said)}"
        raise answer.malformed("its DDO", fault)

    def get_asset_metadata(self, did: str) -> dict[str, Any]:
        """Return the metadata of an asset, as in its DDO's metadata service.

        Args:
            did: the asset's DID.

        Raises:
            InvalidDid: it is no DID.
            AssetNotFound: the metadata cache holds no such asset.
            AquariusError: the metadata cache answered with another error.
            MalformedResponse: the answer is no dict.
            TransportError: no answer came.
        """
        operation = f"get the metadata of {check_did(did)}"
        answer = self._asset_answer(f"{self._base_url}/metadata", did, operation)
        metadata: dict[str, Any] = _read(answer, _is_dict, "a dict")
        return metadata

    def list_assets_ddo(self) -> Any:
        """Return the DDOs of all assets, as the metadata cache lists them.

        Raises:
            AquariusError: the metadata cache answered with an error.
            MalformedResponse: the answer is neither list nor dict.
            TransportError: no answer came.
        """
        return self._get(self.url, "list the DDOs", _is_list_or_dict, "a list or dict")

    def text_search(
        self, text: str, sort: dict[str, int] | None = None, offset: int = 100, page: int = 1
    ) -> Any:
        """Search in the text of all DDOs.

        Args:
            text: what to look for.
            sort: field to 1 (ascending) or -1 (descending).
            offset: how many results a page has, 1 to 10,000.
            page: which page, 1 to 10,000.

        Returns:
            What the metadata cache found, as it says it: a dict with `results`, or a list.

        Raises:
            InvalidInput: an argument is none of these.
            AquariusError: the metadata cache answered with an error.
            MalformedResponse: the answer is neither list nor dict.
            TransportError: no answer came.
        """
        if not isinstance(text, str):
            raise InvalidInput(f"text must be text, got {printable(text)}.")
        return self._search({"text": text}, sort, offset, page)

    def query_search(
        self,
        search_query: dict[str, Any],
        sort: dict[str, int] | None = None,
        offset: int = 100,
        page: int = 1,
    ) -> Any:
        """Search with a query.

        Args:
            search_query: the query, such as `{"query": {"service.type": ["compute"]}}`; it is
                not changed.
            sort: field to 1 (ascending) or -1 (descending).
            offset: how many results a page has, 1 to 10,000.
            page: which page, 1 to 10,000.

        Returns:
            What the metadata cache found, as it says it: a dict with `results`, or a list.

        Raises:
            InvalidInput: an argument is none of these, or cannot be sent as JSON.
            AquariusError: the metadata cache answered with an error.
            MalformedResponse: the answer is neither list nor dict.
            TransportError: no answer came.
        """
        check_query("search_query", search_query)
        return self._search(search_query, sort, offset, page)

    def validate_metadata(self, metadata: dict[str, Any]) -> tuple[bool, Any]:
        """Ask whether metadata conforms to the metadata cache's schema.

        Args:
            metadata: of an asset to be, its files with their URLs.

        Returns:
            `(True, [])`, or False and the list of what is wrong with it.

        Raises:
            InvalidInput: it is no dict of JSON values.
            AquariusError: the metadata cache answered with an error.
            MalformedResponse: the answer is neither a verdict nor a list of faults.
            TransportError: no answer came.
        """
        check_query("metadata", metadata)
        verdict = self._post(
            f"{self.url}/validate", metadata, "validate the metadata", _is_verdict, "a verdict"
        )
        if isinstance(verdict, bool):
            return verdict, []
        return False, verdict

    def _search(
        self, query: dict[str, Any], sort: dict[str, int] | None, offset: int, page: int
    ) -> Any:
        body = {
            **query,
            "sort": _checked_sort(sort),
            "offset": _checked_count("offset", offset),
            "page": _checked_count("page", page),
        }
        return self._post(
            f"{self.url}/query", body, "search for assets", _is_list_or_dict, "a list or dict"
        )

    def node_search(
        self,
        query: dict[str, Any],
        sort: dict[str, int] | None = None,
        size: int = 100,
        page: int = 1,
    ) -> list[Any]:
        """Search at an Ocean Node, in Elasticsearch's query language.

        What a node with its own search data base answers was never recorded: its documents are
        taken from a list, or from lists in a list (one an index, by its source).

        Args:
            query: such as `{"match_all": {}}`; it is not changed.
            sort: field to 1 (ascending) or -1 (descending).
            size: how many results a page of each index has, 1 to 10,000.
            page: which page, 1 to 10,000.

        Raises:
            AquariusError: the node answered with an error.
            MalformedResponse: the answer is no list.
            TransportError: no answer came.
        """
        # A node takes for Elasticsearch's what has a `bool`; its `from` counts pages from 1.
        body: dict[str, Any] = {
            "query": query if "bool" in query else {"bool": {"must": [query]}},
            "from": _checked_count("page", page),
            "size": _checked_count("offset", size),
        }
        if _checked_sort(sort):
            ways = {1: "asc", -1: "desc"}
            body["sort"] = [{name: {"order": ways[way]}} for name, way in (sort or {}).items()]
        url = f"{self._base_url}/metadata/query"
        found = self._post(url, body, "search for assets", _is_list, "a list of documents")
        return [item for part in found for item in (part if isinstance(part, list) else [part])]

    def _asset_answer(self, url: str, did: str, operation: str) -> Answer:
        answer = self._http.send(
            "GET", f"{url}/{quote(did, safe=':')}", operation=operation, retry=True
        )
        if answer.status_code != 404:
            return _ok(answer)
        error = AssetNotFound(
            f"Could not {operation}: the metadata cache at {self.root_url} holds no asset {did}: "
            "it answered 404. "
            "Check the DID, and that this cache serves the chain the asset was published on; "
            "an asset that was just published takes a moment to appear.",
            operation=operation,
            status_code=404,
            provider_text=answer.text(),
            url=answer.url,
        )
        raise error if self.is_nodes else error.advised("check-metadata-cache")

    def _get(self, url: str, operation: str, fits: Callable[[Any], bool], expected: str) -> Any:
        answer = self._http.send("GET", url, operation=operation, retry=True)
        return _read(_ok(answer), fits, expected)

    def _post(
        self, url: str, body: Any, operation: str, fits: Callable[[Any], bool], expected: str
    ) -> Any:
        answer = self._http.send("POST", url, operation=operation, json_body=body, retry=True)
        return _read(_ok(answer), fits, expected)


def check_query(name: str, query: object) -> None:
    """Check that a query, or other document, can be sent.

    Args:
        name: what to call it in the message.
        query: the document.

    Raises:
        InvalidInput: it is no dict of JSON values.
    """
    if not (isinstance(query, dict) and is_json(query)):
        raise InvalidInput(f"{name} must be a dict of JSON values, got {printable(query)}.")


def _checked_sort(sort: object) -> object:
    if sort is None or (
        isinstance(sort, dict)
        and all(isinstance(field, str) and field for field in sort)
        and all(type(way) is int and way in (1, -1) for way in sort.values())
    ):
        return sort
    raise InvalidInput(
        "sort must be None, or a dict of a field's name and 1 (ascending) or -1 (descending), "
        f"such as {{'created': -1}}, got {printable(str(sort))}."
    )


def _checked_count(name: str, value: Any) -> int:
    with suppress(TypeError):
        if not isinstance(value, bool) and 1 <= operator.index(value) <= _MOST_RESULTS:
            return operator.index(value)
    raise InvalidInput(
        f"{name} must be a whole number from 1 to {_MOST_RESULTS}, got {printable(value)}."
    )


def _ok(answer: Answer) -> Answer:
    if answer.status_code == 200:
        return answer
    error = AquariusError(
        f"Could not {answer.operation}: the metadata cache at {answer.url} answered "
        f"{answer.status_code}: {answer.text() or '(no text)'}. {_next_step(answer)}".rstrip(),
        operation=answer.operation,
        status_code=answer.status_code,
        provider_text=answer.text(),
        url=answer.url,
    )
    error.retry_after_s = answer.retry_after_s
    if answer.status_code in (404, 405):
        error.advised("check-metadata-cache")
    elif answer.status_code >= 500:
        error.advised("metadata-cache-fault")
    raise error


def _next_step(answer: Answer) -> str:
    """Return the next step where the error's advice does not name it."""
    if answer.status_code == TOO_MANY_REQUESTS:
        return answer.too_often()
    if answer.status_code in TOO_LARGE_STATUSES:
        return answer.too_large()
    is_said = answer.status_code in (404, 405) or answer.status_code >= 500
    return "" if is_said else "Check what was asked for."


def _read(answer: Answer, fits: Callable[[Any], bool], expected: str) -> Any:
    value = answer.json()
    if fits(value):
        return value
    raise answer.malformed(f"{expected} from a metadata cache", answer.text())


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list_or_dict(value: Any) -> bool:
    return isinstance(value, (list, dict))


def _is_verdict(value: Any) -> bool:
    return isinstance(value, (bool, list, dict))
