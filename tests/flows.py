"""Publish and order on a local network in one line each, for tests that need a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.assets.asset import Asset
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet

DATE = "2021-06-24T10:00:00Z"
CONTAINER = {"image": "python", "tag": "3.10", "entrypoint": "python3 $ALGO"}
Content = bytes | str | Path  # bytes, text, or the path of a file


def publish_algorithm(
    ocean: Ocean,
    network: LocalNetwork,
    wallet: Wallet,
    code: Content,
    *,
    name: str = "algorithm.py",
    container: dict[str, Any] | None = None,
    service_descriptors: list[Any] | None = None,
) -> Asset:
    """Publish code as an algorithm that costs 1 token."""
    main = _main(network, "algorithm", code, name) | {
        "algorithm": {
            "language": "python",
            "format": "docker-image",
            "version": "0.1",
            "container": container or CONTAINER,
        }
    }
    return ocean.assets.create({"main": main}, wallet, service_descriptors)


def publish_dataset(
    ocean: Ocean,
    network: LocalNetwork,
    wallet: Wallet,
    content: Content,
    *,
    name: str = "data.csv",
    trusted: Sequence[str] = (),
    raw: bool = False,
    allow_all: bool = False,
    allow_network: bool = False,
    max_run_time: int = 60,
    provider_uri: str | None = None,
    url: str | None = None,
) -> Asset:
    """Publish a data set with a compute service.

    `trusted` are DIDs of algorithms; `url` is where the data lies, in place of `content`.
    """
    compute = ocean.compute
    privacy = compute.build_service_privacy_attributes(
        list(trusted), ocean.config.metadata_cache_uri, raw, allow_all, allow_network
    )
    server = compute.build_server_attributes("1", "small", 1, 0, "1gb", "1gb", max_run_time)
    resources = compute.build_service_provider_attributes(
        "test",
        "a test's",
        compute.build_cluster_attributes("test", "http://cluster"),
        [compute.build_container_attributes(**CONTAINER)],
        [server],
    )
    attributes = compute.create_compute_service_attributes(
        max_run_time, wallet.address, DATE, resources, privacy
    )
    _, service = compute.create_compute_service_descriptor(attributes)
    if provider_uri:
        service["serviceEndpoint"] = provider_uri
    main = _main(network, "dataset", content, name)
    if url:
        main["files"][0]["url"] = url
    return ocean.assets.create({"main": main}, wallet, [("compute", service)])


def order(
    ocean: Ocean,
    asset: Asset,
    service_type: str,
    publisher: Wallet,
    consumer: Wallet,
) -> ComputeInput:
    """Give the consumer a token and pay with it; `.transfer_tx_id` is the order."""
    ocean.get_data_token(asset.data_token_address).mint_tokens(consumer.address, 1, publisher)
    asked = ocean.assets.order(str(asset.did), consumer.address, service_type=service_type)
    index = next(service.index for service in asset.services if service.type == service_type)
    paid = ocean.assets.pay_for_service(
        asked.amount, asked.data_token_address, str(asset.did), index, None, consumer
    )
    return ComputeInput(str(asset.did), paid, index)


def raw_code(code: str) -> AlgorithmMetadata:
    """Describe code that is sent along with a job."""
    return AlgorithmMetadata(
        {"rawcode": code, "language": "python", "format": "docker-image", "version": "0.1"}
        | {"container": CONTAINER}
    )


def _main(network: LocalNetwork, kind: str, content: Content, name: str) -> dict[str, Any]:
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, Path):
        name = content.name
    return {
        "type": kind,
        "name": name,
        "author": "a test",
        "license": "CC0",
        "dateCreated": DATE,
        "files": [
            {"index": 0, "contentType": "text/plain", "url": network.publish_file(content, name)}
        ],
    }
