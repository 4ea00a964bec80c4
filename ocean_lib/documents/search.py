"""Find assets: by DID, by text, by a query, by their owner."""

import logging
from collections.abc import Iterator
from typing import Any, Optional

from enforce_typing import enforce_types

from ocean_lib.assets.asset import Asset
from ocean_lib.base.arguments import check_text
from ocean_lib.checks import check_address, check_did, check_url, printable
from ocean_lib.common.aquarius.aquarius import Aquarius, check_query
from ocean_lib.common.aquarius.aquarius_provider import AquariusProvider
from ocean_lib.exceptions import InvalidInput, MalformedResponse

logger = logging.getLogger(__name__)

_OWNERS_PAGE, _OWNERS_PAGES = 1000, 10  # Elasticsearch looks no further than 10,000


@enforce_types
class AssetSearch:
    """The part of `OceanAssets` that asks the metadata cache."""

    _config: Any
    _data_provider: Any
    _aquarius: Any

    def resolve(self, did: str) -> Asset:
        """Return an asset as the metadata cache has it now.

        Args:
            did: the asset.

        Raises:
            InvalidDid: it is no DID.
            AssetNotFound: the metadata cache does not have it.
        """
        return Asset(dictionary=self._get_aquarius().get_asset_ddo(check_did(did)).as_dictionary())

    def search(
        self,
        text: str,
        sort: Optional[dict[str, int]] = None,
        offset: int = 100,
        page: int = 1,
        metadata_cache_uri: Optional[str] = None,
    ) -> list[Asset]:
        """Search assets by a text.

        Args:
            text: what to look for.
            sort: field name to 1 (ascending) or -1 (descending).
            offset: how many assets a page has, 1 to 10,000.
            page: which page, 1 to 10,000.
            metadata_cache_uri: another metadata cache than the configured one.

        Raises:
            InvalidInput: an argument is none of these.
            AquariusError: the metadata cache answered with an error.
        """
        query = {"query_string": {"query": check_text("text", text)}}
        return self.query(query, sort, offset, page, metadata_cache_uri)

    def query(
        self,
        query: dict[str, Any],
        sort: Optional[dict[str, int]] = None,
        offset: int = 100,
        page: int = 1,
        metadata_cache_uri: Optional[str] = None,
    ) -> list[Asset]:
        """Search assets by a query in the metadata cache's language (Elasticsearch).

        An asset whose document cannot be read is left out, and the log says so.

        Args:
            query: the query.
            sort: field name to 1 (ascending) or -1 (descending).
            offset: how many assets a page has, 1 to 10,000.
            page: which page, 1 to 10,000.
            metadata_cache_uri: another metadata cache than the configured one.

        Raises:
            InvalidInput: an argument is none of these.
            AquariusError: the metadata cache answered with an error.
        """
        check_query("query", query)
        found, _ = self._found(query, sort, offset, page, metadata_cache_uri)
        return list(_readable(found))

    def validate(self, metadata: dict[str, Any]) -> tuple[bool, list[Any]]:
        """Ask the metadata cache whether it would take this metadata.

        Args:
            metadata: an asset's.

        Returns:
            Whether it would, and a list of what is wrong.

        Raises:
            InvalidInput: it is no dict of JSON values.
            AquariusError: the metadata cache answered with an error.
        """
        is_valid, faults = self._get_aquarius().validate_metadata(metadata)
        return is_valid, faults

    def owner(self, did: str) -> str:
        """Return the address of an asset's publisher.

        Args:
            did: the asset.

        Raises:
            AssetNotFound: the metadata cache does not have it.
        """
        return str(self.resolve(did).publisher)

    def owner_assets(self, owner_address: str) -> list[str]:
        """Return the DIDs of the assets that an account has published.

        A metadata cache finds 10,000 at most; that there may be more is logged.

        Args:
            owner_address: the account.

        Raises:
            InvalidAddress: it is no address.
            AquariusError: the metadata cache answered with an error.
        """
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

    def _get_aquarius(self, url: Optional[str] = None) -> Aquarius:
        if url is None and self._aquarius is not None:
            given: Aquarius = self._aquarius
            return given
        if url is not None:
            check_url(url, name="metadata_cache_uri")
        http = getattr(self._data_provider, "http", None)
        return AquariusProvider.get_aquarius(url or self._config.metadata_cache_uri, http)

    def _found(
        self,
        query: dict[str, Any],
        sort: Optional[dict[str, int]],
        offset: int,
        page: int,
        metadata_cache_uri: Optional[str] = None,
    ) -> tuple[list[Any], int]:
        """Return the documents of one page of a search, and how many pages there are, if told."""
        aquarius = self._get_aquarius(metadata_cache_uri)
        answer = aquarius.query_search({"query": query}, sort, offset, page)
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
