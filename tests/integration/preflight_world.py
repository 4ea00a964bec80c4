"""Assets and orders with every fault that a Provider refuses, for the tests of preflight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.v3.backend import SIGNED
from ocean_lib.exceptions import TransactionFailed
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_assets import OceanAssets
from ocean_lib.web3_internal.wallet import Wallet
from tests import flows

GONE = "http://127.0.0.1:9/gone"
UNKNOWN_DID = "did:op:" + "1" * 40
ABSENT_TX = "0x" + "ab" * 32
TOKEN = 10**18


@dataclass(frozen=True)
class Job:
    """The arguments of a start."""

    inputs: tuple[ComputeInput, ...]
    algorithm_did: str | None = None
    algorithm_meta: AlgorithmMetadata | None = None
    algorithm_tx_id: str | None = None
    algorithm_data_token: str | None = None
    nonce: int | None = None
    wallet: Wallet | None = None

    def arguments(self, wallet: Wallet) -> dict[str, Any]:
        return {
            "input_datasets": list(self.inputs),
            "consumer_wallet": self.wallet or wallet,
            "nonce": self.nonce,
            "algorithm_did": self.algorithm_did,
            "algorithm_meta": self.algorithm_meta,
            "algorithm_tx_id": self.algorithm_tx_id,
            "algorithm_data_token": self.algorithm_data_token,
        }


@dataclass
class World:
    """A publisher, a consumer and a stranger; what they have is made when a test asks for it."""

    network: LocalNetwork
    ocean: Ocean
    publisher: Wallet
    consumer: Wallet
    stranger: Wallet
    _count: list[int] = field(default_factory=list)

    # assets

    @cached_property
    def algorithm(self) -> Asset:
        return self.new_algorithm()

    @cached_property
    def other_algorithm(self) -> Asset:
        return self.new_algorithm()

    @cached_property
    def dataset(self) -> Asset:
        """Trusts the algorithm, allows raw code."""
        return self.new_dataset()

    @cached_property
    def open_dataset(self) -> Asset:
        """Runs every published algorithm, but no raw code; is also offered for access."""

        def with_access(asset: Asset) -> None:
            attributes = OceanAssets.build_access_service(flows.DATE, 1.0, self.publisher.address)
            asset.add_service(
                "access", f"{self.network.provider_url}/x", {"attributes": attributes}, 3
            )

        return self.new_dataset(with_access, trusted=(), raw=False, allow_all=True)

    @cached_property
    def download_only(self) -> Asset:
        metadata = {"main": flows._main(self.network, "dataset", "1\n", "access.csv")}
        return self.ocean.assets.create(metadata, self.publisher)

    def new_algorithm(self, change: Callable[[Asset], None] | None = None) -> Asset:
        code = f"print({self._number()})"
        asset = flows.publish_algorithm(self.ocean, self.network, self.publisher, code)
        return self.changed(asset, change)

    def new_dataset(self, change: Callable[[Asset], None] | None = None, **options: Any) -> Asset:
        options = {"trusted": [self.algorithm.did], "raw": True, **options}
        content = f"{self._number()}\n"
        asset = flows.publish_dataset(self.ocean, self.network, self.publisher, content, **options)
        return self.changed(asset, change)

    def changed(self, asset: Asset, change: Callable[[Asset], None] | None) -> Asset:
        if change is None:
            return asset
        asset = self.ocean.assets.resolve(str(asset.did))
        change(asset)
        self.ocean.assets.update(asset, self.publisher)
        return asset

    def encrypted(self, asset: Asset, *urls: str) -> str:
        """Have a list of files encrypted for an asset, reachable or not."""
        provider = self.ocean.data_provider
        _, endpoint = provider.build_encrypt_endpoint(self.network.provider_url)
        files = [{"index": i, "url": url} for i, url in enumerate(urls)]
        return provider.encrypt_files_dict(
            files, endpoint, str(asset.data_token_address), self.stranger.address, "0x"
        )

    def file(self) -> str:
        return self.network.publish_file(b"1\n", "file.csv")

    # orders

    def order(
        self,
        asset: Asset,
        index: int,
        *,
        amount: int = TOKEN,
        consumer: Wallet | None = None,
        payer: Wallet | None = None,
    ) -> str:
        """Order whatever index for whatever amount; return the transaction."""
        consumer = consumer or self.consumer
        payer = payer or consumer
        token = self.ocean.get_data_token(asset.data_token_address)
        token.mint(payer.address, amount, self.publisher)
        return token.startOrder(consumer.address, amount, index, None, payer)

    def ordered(self, asset: Asset, index: int = 4, **options: Any) -> ComputeInput:
        return ComputeInput(str(asset.did), self.order(asset, index, **options), index)

    @cached_property
    def dataset_input(self) -> ComputeInput:
        return self.ordered(self.dataset)

    @cached_property
    def open_input(self) -> ComputeInput:
        return self.ordered(self.open_dataset)

    @cached_property
    def algorithm_order(self) -> str:
        return self.order(self.algorithm, 3)

    def reverted_order(self, asset: Asset) -> str:
        """Send an order that nobody can pay, without asking before."""
        token = self.ocean.get_data_token(asset.data_token_address)
        arguments = (self.stranger.address, TOKEN, 4, "0x" + "0" * 40)
        try:
            token.send_transaction("startOrder", arguments, self.stranger, {"gas": 300_000})
        except TransactionFailed as error:
            return error.tx_hash
        raise AssertionError("it should have been reverted")

    # jobs

    def by_did(self, *inputs: ComputeInput, algorithm: Asset | None = None, **other: Any) -> Job:
        asset = algorithm or self.algorithm
        order = self.algorithm_order if algorithm is None else None
        job = Job(
            inputs,
            algorithm_did=str(asset.did),
            algorithm_tx_id=order or other.get("algorithm_tx_id") or self.order(asset, 3),
            algorithm_data_token=asset.data_token_address,
        )
        return replace(job, **other)

    def raw(self, *inputs: ComputeInput, meta: dict[str, Any] | None = None) -> Job:
        described = flows.raw_code("print(1 + 1)").as_dictionary() | (meta or {})
        return Job(inputs, algorithm_meta=AlgorithmMetadata(described))

    def send(self, job: Job) -> Any:
        """Send a start to the Provider, past everything that the client checks before."""
        provider = self.ocean.data_provider
        wallet, main = job.wallet or self.consumer, job.inputs[0]
        url = provider.build_endpoint("computeStart", self.network.provider_url)[1]
        text = SIGNED.format(owner=wallet.address, job_id="", did=main.did)
        output = self.ocean.compute.check_output_dict(
            None, wallet.address, provider, self.ocean.config
        )

        def post(signature: str) -> Any:
            return provider.start_compute_job(
                main.did,
                url,
                wallet.address,
                signature,
                main.service_id,
                main.transfer_tx_id,
                job.algorithm_did,
                job.algorithm_meta,
                job.algorithm_tx_id,
                job.algorithm_data_token,
                output,
                list(job.inputs),
            )

        if job.nonce is not None:
            return post(provider.sign_message(wallet, text, job.nonce))
        return provider.sign_and_send(wallet, text, url, post)

    def _number(self) -> int:
        self._count.append(1)
        return len(self._count)
