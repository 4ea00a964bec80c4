"""The other doorway to the client: publish and order with it, for the pytest fixtures.

As with `_client_objects`, nothing of the client is imported before somebody asks for an asset.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
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
_DIGEST = "sha256:2e82d7a906e7f312bab81fbb91cdac8d6140dd98f81f93e506141f9e0f4eacd6"
"""Of an image python:3.11-slim: a node takes no algorithm without one."""
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

    At a node nothing is ordered beforehand: a dispenser gives the tokens to whoever starts a job
    with `pay=True`.

    Args:
        network: A running network.
    """

    def __init__(self, network: LocalNetwork) -> None:
        self._ocean: Ocean = client_ocean(network.options)
        self._publisher = network.wallet(0)
        self._consumer = network.wallet(1)
        self._is_node = network.generation == "node"

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
        digest = {"checksum": _DIGEST} if self._is_node else {}
        container = CONTAINER | {"entrypoint": entrypoint} | digest
        asset = self._publish(seller, code, name, container=container)
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
        rules = {
            "trusted_algorithms": dids,
            "allow_raw_algorithm": raw,
            "allow_all_published_algorithms": allow_all,
            "allow_network_access": allow_network,
            **({} if self._is_node else {"max_run_time": max_run_time_s}),
        }
        asset = self._publish(seller, content, name, timeout=max_run_time_s, compute=rules)
        if not order:
            return PublishedDataset(asset)
        from ocean_lib.models.compute_input import ComputeInput

        tx_id, index = self._order(asset, "compute", seller, consumer)
        return PublishedDataset(asset, ComputeInput(str(asset.did), tx_id, index))

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

    def _publish(self, seller: Wallet, content: Content, name: str, **more: Any) -> Asset:
        if isinstance(content, str):
            content = textwrap.dedent(content)
        is_path = isinstance(content, Path)
        file = {"path": content} if is_path else {"content": content, "name": name}
        about = {"name": name, "author": "a test", "license": "CC0", "files": [file]}
        if self._is_node:
            more["price"] = 0
        return self._ocean.assets.publish({**about, **more}, seller)
