"""Find assets: by DID, by text, by a query, by their owner."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.discovery import check_v3_cache
from ocean_lib.checks import check_address, check_did, check_url, printable
from ocean_lib.common.aquarius.aquarius import Aquarius, check_query
from ocean_lib.common.aquarius.aquarius_provider import AquariusProvider
from ocean_lib.exceptions import InvalidInput, MalformedResponse

logger = logging.getLogger(__name__)

_OWNERS_PAGE, _OWNERS_PAGES = 1000, 10  # Elasticsearch looks no further than 10,000


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
        return Asset(dictionary=self.aquarius().get_asset_ddo(check_did(did)).as_dictionary())

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
        query = {"query_string": {"query": owner, "fields": ["proof.creator"]}}
        dids: dict[str, None] = {}
        for page in range(1, _OWNERS_PAGES + 1):
            found, pages = self._found(query, None, _OWNERS_PAGE, page)
            dids.update(dict.fromkeys(str(asset.did) for asset in _readable(found)))
            # A cache takes unlisted assets out of a page: one that is not full may not be the last.
            if len(found) < _OWNERS_PAGE and page >= pages:
                break
        else:
            logger.warning("%s may have more assets than a metadata cache finds.", owner)
        return list(dids)

    def aquarius(self, url: str | None = None) -> Aquarius:
        """Return the client of a metadata cache; None: the configured one."""
        if url is None and self._aquarius is not None:
            given: Aquarius = self._aquarius
            return given
        if url is not None:
            check_url(url, name="metadata_cache_uri")
        else:
            check_v3_cache(self._config, getattr(self._data_provider, "discovery", None))
        http = getattr(self._data_provider, "http", None)
        return AquariusProvider.get_aquarius(url or self._config.metadata_cache_uri, http)

    def _found(
        self,
        query: dict[str, Any],
        sort: dict[str, int] | None,
        offset: int,
        page: int,
        metadata_cache_uri: str | None = None,
    ) -> tuple[list[Any], int]:
        """Return the documents of one page of a search, and how many pages there are, if told."""
        answer = self.aquarius(metadata_cache_uri).query_search(
            {"query": query}, sort, offset, page
        )
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
            yield Asset(dictionary={} if document is None else document)
        except InvalidInput as error:
            did = document.get("id") if isinstance(document, dict) else None
            logger.warning("Asset %s is left out of what was found: %s", printable(did), error)
