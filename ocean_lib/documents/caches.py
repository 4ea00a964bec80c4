"""Who is asked for an asset's document: the configured metadata cache, or an Ocean Node itself."""

from __future__ import annotations

from ocean_lib.backends.discovery import configured_url, is_at_node
from ocean_lib.checks import is_token_did
from ocean_lib.common.aquarius.aquarius import ASSETS_PATH, NODE_ASSETS_PATH, Aquarius
from ocean_lib.common.aquarius.aquarius_provider import AquariusProvider
from ocean_lib.config import Config
from ocean_lib.exceptions import NotOffered
from ocean_lib.http.exchange import HttpExchange


def cache_for(
    config: Config, discovery: object, http: HttpExchange | None, did: str = ""
) -> Aquarius:
    """Return the client that knows an asset, or for `''` those that are searched.

    A node is its own metadata cache where none is configured. One that is configured has V3's
    documents at V3's path, and those of later generations where nodes have theirs.

    Args:
        config: names the metadata cache and the configured back end.
        discovery: tells what the configured back end is.
        http: sends the requests.
        did: the asset.

    Raises:
        NotOffered: the DID is of a later generation, and there is only the default cache of V3.
    """
    is_node = (not did or not config.has_metadata_cache) and is_at_node(config, discovery)
    if is_node and not config.has_metadata_cache:
        return AquariusProvider.get_aquarius(configured_url(config), http, NODE_ASSETS_PATH)
    is_later = is_node or bool(did and not is_token_did(did))
    if did and is_later and not config.has_metadata_cache:
        raise NotOffered(
            f"{did} is a DID of a later generation than V3, and the config names neither an Ocean "
            "Node nor a metadata cache that would know it. Set provider.url to the node that "
            "serves it, or metadata_cache_uri. Nothing was started."
        )
    path = NODE_ASSETS_PATH if is_later else ASSETS_PATH
    return AquariusProvider.get_aquarius(config.metadata_cache_uri, http, path)
