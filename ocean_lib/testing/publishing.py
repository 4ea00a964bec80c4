"""The other doorway to the client: publish and order with it, for the pytest fixtures.

As with `_client_objects`, nothing of the client is imported before somebody asks for an asset.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.testing.client import client_ocean

if TYPE_CHECKING:
    from ocean_lib.assets.asset import Asset as Asset
    from ocean_lib.localnet.network import LocalNetwork
    from ocean_lib.models.compute_input import ComputeInput as ComputeInput
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet as Wallet

CONTAINER = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}
Content = bytes | str | Path
"""The bytes of a file, its text, or the path of one."""


@dataclass(frozen=True)
class PublishedAlgorithm:
    """An algorithm on the network.

    Attributes:
        asset: Its asset.
        order_tx_id: The consumer's order; None if none was asked for.
    """

    asset: Asset
    order_tx_id: str | None = None

    @property
    def did(self) -> str:
        """The algorithm's DID."""
        return str(self.asset.did)

    @property
    def arguments(self) -> dict[str, str | None]:
        """What `start` and `submit` are told of an ordered algorithm, as keyword arguments."""
        return {
            "algorithm_did": self.did,
            "algorithm_tx_id": self.order_tx_id,
            "algorithm_data_token": self.asset.data_token_address,
        }


@dataclass(frozen=True)
class PublishedDataset:
    """A dataset on the network.

    Attributes:
        asset: Its asset.
        compute_input: The consumer's order of its compute service, ready for `start` and
            `submit`; None if none was asked for.
    """

    asset: Asset
    compute_input: ComputeInput | None = None

    @property
    def did(self) -> str:
        """The dataset's DID."""
        return str(self.asset.did)


class AssetMaker:
    """Publishes and orders on a network, with its first account and its second.

    Args:
        network: A running network.
    """

    def __init__(self, network: LocalNetwork) -> None:
        self._network = network
        self._ocean: Ocean = client_ocean(network.options)
        self._publisher = network.wallet(0)
        self._consumer = network.wallet(1)

    def algorithm(
        self,
        code: Content,
        *,
        name: str = "algorithm.py",
        entrypoint: str = "python3 $ALGO",
        order: bool = False,
        publisher: Wallet | None = None,
        consumer: Wallet | None = None,
    ) -> PublishedAlgorithm:
        """Publish an algorithm that costs 1 token.

        Args:
            code: The program; text is dedented.
            name: What its file is called.
            entrypoint: How it is started; `$ALGO` stands for its file.
            order: Order it for the consumer too.
            publisher: Who publishes; None for the first account.
            consumer: Who orders; None for the second account.
        """
        seller = publisher or self._publisher
        main = self._main("algorithm", code, name, "text/plain") | {
            "algorithm": {
                "language": "python",
                "format": "docker-image",
                "version": "1",
                "container": CONTAINER | {"entrypoint": entrypoint},
            }
        }
        asset = self._ocean.assets.create({"main": main}, seller)
        if not order:
            return PublishedAlgorithm(asset)
        return PublishedAlgorithm(asset, self._order(asset, "access", seller, consumer)[0])

    def dataset(
        self,
        content: Content,
        *,
        name: str = "data.csv",
        trusted: Sequence[str | PublishedAlgorithm] = (),
        raw: bool = False,
        allow_all: bool = False,
        allow_network: bool = False,
        max_run_time_s: int = 60,
        order: bool = False,
        publisher: Wallet | None = None,
        consumer: Wallet | None = None,
    ) -> PublishedDataset:
        """Publish a dataset with a compute service that costs 1 token.

        Args:
            content: The data; it never leaves the machine.
            name: What its file is called.
            trusted: The algorithms that may compute on it, or their DIDs.
            raw: Let code that is sent along compute on it.
            allow_all: Let every published algorithm compute on it.
            allow_network: Let algorithms use the network meanwhile.
            max_run_time_s: How long a job may take.
            order: Order it for the consumer too.
            publisher: Who publishes; None for the first account.
            consumer: Who orders; None for the second account.
        """
        seller = publisher or self._publisher
        dids = [one.did if isinstance(one, PublishedAlgorithm) else one for one in trusted]
        privacy = self._ocean.compute.build_service_privacy_attributes(
            dids, self._ocean.config.metadata_cache_uri, raw, allow_all, allow_network
        )
        service = self._service(seller, privacy, max_run_time_s)
        main = self._main("dataset", content, name, "text/csv")
        asset = self._ocean.assets.create({"main": main}, seller, [service])
        if not order:
            return PublishedDataset(asset)
        from ocean_lib.models.compute_input import ComputeInput

        tx_id, index = self._order(asset, "compute", seller, consumer)
        return PublishedDataset(asset, ComputeInput(str(asset.did), tx_id, index))

    def _service(self, seller: Wallet, privacy: dict[str, Any], time_s: int) -> tuple[str, Any]:
        compute = self._ocean.compute
        resources = compute.build_service_provider_attributes(
            "local",
            "the embedded network",
            compute.build_cluster_attributes("local", "http://127.0.0.1/"),
            [compute.build_container_attributes(**CONTAINER)],
            [compute.build_server_attributes("1", "local", 1, 0, "1gb", "1gb", time_s)],
        )
        attributes = compute.create_compute_service_attributes(
            time_s, seller.address, _now(), resources, privacy
        )
        return compute.create_compute_service_descriptor(attributes)

    def _order(
        self, asset: Asset, kind: str, seller: Wallet, consumer: Wallet | None
    ) -> tuple[str, int]:
        buyer = consumer or self._consumer
        token = str(asset.data_token_address)
        self._ocean.get_data_token(token).mint_tokens(buyer.address, 1, seller)
        asked = self._ocean.assets.order(str(asset.did), buyer.address, service_type=kind)
        index = next(service.index or 0 for service in asset.services if service.type == kind)
        paid = self._ocean.assets.pay_for_service(
            asked.amount, token, str(asset.did), index, None, buyer
        )
        return str(paid), index

    def _main(self, kind: str, content: Content, name: str, content_type: str) -> dict[str, Any]:
        if isinstance(content, str):
            content = textwrap.dedent(content).encode()
        url = self._network.publish_file(content, None if isinstance(content, Path) else name)
        return {
            "type": kind,
            "name": name,
            "author": "a test",
            "license": "CC0",
            "dateCreated": _now(),
            "files": [{"index": 0, "contentType": content_type, "url": url}],
        }


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
