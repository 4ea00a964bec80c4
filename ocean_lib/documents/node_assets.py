"""Assets of later generations: described, published, changed and trusted at Ocean Nodes."""

from __future__ import annotations

from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.select import backends_of
from ocean_lib.base.arguments import check_seconds
from ocean_lib.documents.changing import Changing
from ocean_lib.documents.ddo1 import TRUSTED
from ocean_lib.documents.describing import DescribedAssets
from ocean_lib.documents.description import read_description
from ocean_lib.documents.dialects import NodeDialect
from ocean_lib.documents.node_publishing import NodePublishing
from ocean_lib.documents.search import AssetSearch
from ocean_lib.documents.trust import TrustDoctor
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.web3_internal.signer import check_signer


class NodeAssets(DescribedAssets):
    """The part of `OceanAssets` that deals with assets at Ocean Nodes.

    Args:
        config: names the node, the chain and its contracts.
        data_provider: its connections are shared.
        search: looks assets up.
        chain: where they are published.
    """

    def __init__(
        self, config: Any, data_provider: Any, search: AssetSearch, chain: ChainAccess
    ) -> None:
        publishing = NodePublishing(config, backends_of(config, data_provider), search, chain)
        dialect = NodeDialect(publishing.node_for)
        self.trust = TrustDoctor(search, publishing, dialect)
        super().__init__(config, data_provider, search, publishing, self.trust, dialect)
        self.changing = Changing(search, publishing, self.trust, self)
        self.publishing = publishing

    def publish(
        self, given: object, wallet: Any, wait_s: float, asset_type: str | None = None
    ) -> Asset:
        """Publish a new asset from its description; see `OceanAssets.publish`."""
        check_signer(wallet)
        check_seconds("wait_for_cache_s", wait_s)
        description = read_description(given, asset_type, self.dialect.faults)
        self.local_files.check(description.files)
        values = dict(description.values)
        if TRUSTED in values:
            values[TRUSTED] = self.trust.entries(values[TRUSTED])
        urls = self.local_files.urls_of(description.files)
        asset = self.publishing.create(description, values, urls, wallet)
        self.publishing.wait(asset, wait_s)
        return asset

    def endpoints(self) -> dict[str, str]:
        """Return nothing: a new service is where the others of its asset are."""
        return {}
