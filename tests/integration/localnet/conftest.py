"""One network for the whole package, with assets and orders of one publisher and consumer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pytest

from ocean_lib.localnet import LocalNetwork
from tests.integration.localnet.handmade import (
    Handmade,
    access_service,
    compute_service,
    stranger,
)

ALGORITHM = """
import json, os
numbers = []
for did in json.loads(os.environ["DIDS"]):
    folder = os.path.join(os.environ["INPUTS"], did)
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as lines:
            numbers += [int(line) for line in lines]
with open(os.path.join(os.environ["OUTPUTS"], "result.json"), "w") as out:
    json.dump({"sum": sum(numbers), "dids": os.environ["DIDS"]}, out)
print("summed", len(numbers), "numbers")
"""


@dataclass
class World:
    """A network with its users; assets are published when a test first asks for them."""

    network: LocalNetwork
    publisher: Handmade
    consumer: Handmade
    stranger: Handmade

    @cached_property
    def algorithm(self) -> str:
        url = self.network.publish_file(ALGORITHM.encode(), "sum.py")
        return self.publisher.publish("sum", [url], [access_service()], kind="algorithm")

    @cached_property
    def other_algorithm(self) -> str:
        url = self.network.publish_file(b"print('other')", "other.py")
        return self.publisher.publish("other", [url], [access_service()], kind="algorithm")

    @cached_property
    def dataset(self) -> str:
        """Trusts the algorithm, allows raw code."""
        url = self.network.publish_file(b"1\n2\n3\n", "numbers.txt")
        trusted = [self.publisher.trusted(self.algorithm)]
        service = compute_service(allowRawAlgorithm=True, publisherTrustedAlgorithms=trusted)
        return self.publisher.publish("numbers", [url], [service])

    @cached_property
    def open_dataset(self) -> str:
        """Allows all published algorithms and downloads, no raw code."""
        url = self.network.publish_file(b"10\n20\n", "more.txt")
        services = [access_service(), compute_service(allowAllPublishedAlgorithms=True)]
        return self.publisher.publish("more numbers", [url], services)

    @cached_property
    def dataset_order(self) -> str:
        return self.consumer.order(self.publisher, self.dataset, 4)

    @cached_property
    def open_order(self) -> str:
        return self.consumer.order(self.publisher, self.open_dataset, 4)

    @cached_property
    def access_order(self) -> str:
        return self.consumer.order(self.publisher, self.open_dataset, 3)

    @cached_property
    def algorithm_order(self) -> str:
        return self.consumer.order(self.publisher, self.algorithm, 3)

    @cached_property
    def by_did(self) -> dict[str, str]:
        """What a start request says about the ordered algorithm."""
        return {
            "algorithmDid": self.algorithm,
            "algorithmDataToken": "0x" + self.algorithm.removeprefix("did:op:"),
            "algorithmTransferTxId": self.algorithm_order,
        }

    def close(self) -> None:
        for user in (self.publisher, self.consumer, self.stranger):
            user.close()


def make_world(network: LocalNetwork) -> World:
    publisher, consumer = (Handmade(network, account) for account in network.accounts[:2])
    return World(network, publisher, consumer, Handmade(network, stranger()))


@pytest.fixture(scope="package")
def network() -> Iterator[LocalNetwork]:
    with LocalNetwork() as network:
        yield network


@pytest.fixture(scope="package")
def world(network: LocalNetwork) -> Iterator[World]:
    world = make_world(network)
    yield world
    world.close()
