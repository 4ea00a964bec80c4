"""Find an asset by its DID."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import asset_of
from ocean_lib.checks import check_did, is_token_did
from ocean_lib.common.aquarius.aquarius import ASSETS_PATH, NODE_ASSETS_PATH
from ocean_lib.common.aquarius.aquarius_provider import AquariusProvider
from ocean_lib.exceptions import InvalidInput

if TYPE_CHECKING:
    from web3 import Web3

    from ocean_lib.http.exchange import HttpExchange


def resolve_asset(
    did: str,
    metadata_cache_uri: str | None = None,
    token_address: str | None = None,
    *,
    http: HttpExchange | None = None,
    web3: Web3 | None = None,
) -> Asset:
    """Fetch an asset from a metadata cache.

    Nothing is kept from one call to the next.

    Args:
        did: the asset's DID.
        metadata_cache_uri: URL of the metadata cache.
        token_address: in place of the URL, a datatoken whose blob names it.
        http: sends the request over the caller's connections; a session of its own if None.
        web3: reads the datatoken's blob; needed with `token_address` only.

    Raises:
        AssetNotFound: the metadata cache holds no such asset.
        AquariusError: the metadata cache answered with an error.
        MalformedResponse: what answered is no metadata cache, or the document is no DDO.
        TransportError: no answer came.
        InvalidInput: neither URL nor datatoken is given, or one of the arguments cannot be used.
    """
    if not metadata_cache_uri:
        if not token_address:
            raise InvalidInput(
                "resolve_asset needs metadata_cache_uri or token_address to know where to look. "
                "config.metadata_cache_uri is the usual one."
            )
        metadata_cache_uri = _url_in_datatoken(token_address, web3)
    path = ASSETS_PATH if is_token_did(check_did(did)) else NODE_ASSETS_PATH
    ddo = AquariusProvider.get_aquarius(metadata_cache_uri, http, path).get_asset_ddo(did)
    return asset_of(ddo.as_dictionary())


def _url_in_datatoken(token_address: str, web3: Web3 | None) -> str:
    # Imported here: contracts need web3, which takes more than a second to import.
    from ocean_lib.models.data_token import DataToken

    url = DataToken(token_address, web3=web3).get_metadata_url()
    if not url:
        raise InvalidInput(
            f"The datatoken {token_address} names no metadata cache in its blob. "
            "Give metadata_cache_uri."
        )
    return str(url)
