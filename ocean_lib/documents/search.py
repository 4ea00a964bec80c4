"""Find assets: by DID, by text, by a query, by their owner."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import asset_of
from ocean_lib.base.arguments import check_text
from ocean_lib.checks import check_address, check_did, check_url, printable
from ocean_lib.common.aquarius.aquarius import Aquarius, check_query
from ocean_lib.common.aquarius.aquarius_provider import AquariusProvider
from ocean_lib.documents.caches import cache_for
from ocean_lib.documents.format import FORMAT
from ocean_lib.exceptions import InvalidInput, MalformedResponse, NotOffered

logger = logging.getLogger(__name__)

_MOST = 10_000  # Elasticsearch looks no further
_TYPE, _OWNER = "service.attributes.main.type", "proof.creator"
_NODE_FIELDS = {_TYPE: "metadata.type", _OWNER: "indexedMetadata.nft.owner"}


class AssetSearch:
    """The part of `OceanAssets` that asks the metadata cache.

    Args:
        config: names the metadata cache.
        data_provider: its session is shared, if it has one of ours.
        aquarius: the metadata cache's client; None: made from the config.
    """

    def __init__(self, config: Any, data_provider: Any, aquarius: Any) -> None:
        self._config = config
        self._data_provider = data_provider
        self._aquarius = aquarius

    def resolve(self, did: str) -> Asset:
        """Return an asset as the metadata cache has it now."""
        cache = self.aquarius(did=check_did(did))
        return asset_of(cache.get_asset_ddo(did).as_dictionary())

    def query(
        self,
        query: dict[str, Any],
        sort: dict[str, int] | None,
        offset: int,
        page: int,
        metadata_cache_uri: str | None,
    ) -> list[Asset]:
        """Search by a query; an asset whose document cannot be read is left out, and logged."""
        check_query("query", query)
        found, _ = self._found(query, sort, offset, page, metadata_cache_uri)
        return list(_readable(found))

    def owner_assets(self, owner_address: str) -> list[str]:
        """Return the DIDs of the assets that an account has published."""
        owner = check_address(owner_address, name="owner_address")
        found = self._all(self._of_owner(owner), f"{owner} may have more assets")
        return list(dict.fromkeys(str(asset.did) for asset in found))

    def find(self, text: str, asset_type: str | None, owner: str | None, limit: int) -> list[Asset]:
        """Return assets with all these words; see `OceanAssets.find`."""
        if asset_type not in (None, *FORMAT):
            raise InvalidInput(
                f"type must be {' or '.join(FORMAT)}, or None, got {printable(asset_type)}."
            )
        if not 1 <= limit <= _MOST:
            raise InvalidInput(f"limit must be from 1 to {_MOST}, got {limit}.")
        must: list[dict[str, Any]] = [_word(word) for word in check_text("text", text).split()]
        if asset_type is not None:
            must.append({"match": {self._field(_TYPE): asset_type}})
        if owner is not None:
            must.append(self._of_owner(check_address(owner, name="owner")))
        query = {"bool": {"must": must}} if must else {"match_all": {}}
        found = self._all(query, "There may be more assets", min(limit, _MOST // 10))
        return list(islice((a for a in found if _is_wanted(a, asset_type, owner)), limit))

    def trusting(self, algorithm_did: str) -> list[Asset]:
        """Return the data sets that have an algorithm on their list of trusted ones."""
        found = self._all(_word(algorithm_did), f"more data sets may trust {algorithm_did}")
        return [asset for asset in found if algorithm_did.lower() in _trusted_by(asset)]

    def _all(self, query: dict[str, Any], more: str, size: int = _MOST // 10) -> Iterator[Asset]:
        """Yield what a query finds, page by page; that there may be `more` is logged."""
        for page in range(1, _MOST // size + 1):
            found, pages = self._found(query, None, size, page)
            yield from _readable(found)
            # A cache takes unlisted assets out of a page: one that is not full may not be the last.
            if len(found) < size and page >= pages:
                return
        logger.warning("%s than a metadata cache finds.", more)

    def _field(self, name: str) -> str:
        """Return where the metadata cache keeps what is at this place in a document of V3."""
        return _NODE_FIELDS[name] if getattr(self.aquarius(), "is_nodes", False) else name

    def _of_owner(self, address: str) -> dict[str, Any]:
        return {"query_string": {"query": address, "fields": [self._field(_OWNER)]}}

    def aquarius(self, url: str | None = None, did: str = "") -> Aquarius:
        """Return the client of a metadata cache; without a URL the one that knows an asset."""
        if url is None and self._aquarius is not None:
            given: Aquarius = self._aquarius
            return given
        if url is not None:
            check_url(url, name="metadata_cache_uri")
        http = getattr(self._data_provider, "http", None)
        if url is not None:
            return AquariusProvider.get_aquarius(url, http)
        discovery = getattr(self._data_provider, "discovery", None)
        return cache_for(self._config, discovery, http, did)

    def v3_cache(self) -> Aquarius:
        """Return the client of the metadata cache for what only V3's have.

        Raises:
            NotOffered: it is an Ocean Node, or a cache of one's documents.
        """
        cache = self.aquarius()
        if getattr(cache, "is_nodes", False):
            raise NotOffered(
                f"{cache.root_url} takes no documents of V3. Nothing was sent. At an Ocean Node "
                "use assets.publish and assets.change."
            )
        return cache

    def _found(
        self,
        query: dict[str, Any],
        sort: dict[str, int] | None,
        offset: int,
        page: int,
        metadata_cache_uri: str | None = None,
    ) -> tuple[list[Any], int]:
        """Return the documents of one page of a search, and how many pages there are, if told."""
        cache = self.aquarius(metadata_cache_uri)
        if getattr(cache, "is_nodes", False):
            return cache.node_search(query, sort, offset, page), 0
        answer = cache.query_search({"query": query}, sort, offset, page)
        found = answer.get("results") if isinstance(answer, dict) else answer
        if isinstance(found, list):
            pages = answer.get("total_pages") if isinstance(answer, dict) else None
            return found, pages if isinstance(pages, int) else 0
        raise MalformedResponse(
            "The metadata cache answered the search without a list of results. Check "
            "metadata_cache_uri.",
            operation="search assets",
        )


def _readable(documents: list[Any]) -> Iterator[Asset]:
    for document in documents:
        try:
            yield asset_of({} if document is None else document)
        except InvalidInput as error:
            did = document.get("id") if isinstance(document, dict) else None
            logger.warning("Asset %s is left out of what was found: %s", printable(did), error)


def _word(word: str) -> dict[str, Any]:
    """Return a query for a word as it stands, whatever the query language makes of it."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return {"query_string": {"query": f'"{escaped}"'}}


def _is_wanted(asset: Asset, asset_type: str | None, owner: str | None) -> bool:
    """Tell whether an asset is what was asked for, whatever the cache makes of fields."""
    main = (asset.metadata or {}).get("main")
    said = main.get("type") if isinstance(main, dict) else None
    is_type = asset_type is None or said == asset_type
    return is_type and (owner is None or str(asset.publisher).lower() == owner.lower())


def _trusted_by(asset: Asset) -> list[str]:
    """Return the DIDs on a data set's list of trusted algorithms, in lower case."""
    try:
        return [str(entry["did"]).lower() for entry in asset.get_trusted_algorithms() or []]
    except InvalidInput:  # no compute service, or a list that cannot be read
        return []
