"""A pytest plugin: a whole Ocean network as a fixture, for the tests of your own program.

It comes with `ocean-compute[localnet]` and pytest finds it by itself. Loading it imports neither
the chain nor the client; the first test that uses a fixture pays for the network, a second or two,
and the others share it.

    def test_my_program(ocean, published_dataset, published_algorithm, consumer_wallet):
        algorithm = published_algorithm("print('hello')", order=True)
        dataset = published_dataset("1,2,3", trusted=[algorithm], order=True)
        job = ocean.compute.submit(
            [dataset.compute_input], consumer_wallet, **algorithm.arguments
        )
        job.wait(timeout=60)
        assert "hello" in job.logs()

A fixture of the same name in your project overrides the one here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ocean_lib.localnet.faults import Faults
    from ocean_lib.localnet.network import LocalNetwork
    from ocean_lib.testing.client import Ocean, Wallet
    from ocean_lib.testing.publishing import AssetMaker, PublishedAlgorithm, PublishedDataset

__all__ = [
    "consumer_wallet",
    "ocean",
    "ocean_faults",
    "ocean_network",
    "ocean_network_options",
    "published_algorithm",
    "published_dataset",
    "publisher_wallet",
]


@pytest.fixture(scope="session")
def ocean_network_options() -> dict[str, Any]:
    """The arguments of the session's `LocalNetwork`; define it in your conftest.py to change them.

    For example `{"jobs_at_once": 2, "seed": 1}`.
    """
    return {}


@pytest.fixture(scope="session")
def ocean_network(ocean_network_options: dict[str, Any]) -> Iterator[LocalNetwork]:
    """A running network, one for the session: on any free ports, in a temporary folder."""
    try:
        from ocean_lib.localnet import LocalNetwork
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with LocalNetwork(**ocean_network_options) as network:
        yield network


@pytest.fixture(scope="session")
def _ocean_publisher(ocean_network: LocalNetwork) -> AssetMaker:
    from ocean_lib.testing.publishing import AssetMaker

    return AssetMaker(ocean_network)


@pytest.fixture
def ocean(ocean_network: LocalNetwork) -> Ocean:
    """A fresh client of the network, with caches and connections of its own."""
    from ocean_lib.testing.client import client_ocean

    return client_ocean(ocean_network.options)


@pytest.fixture(scope="session")
def publisher_wallet(ocean_network: LocalNetwork) -> Wallet:
    """The wallet of the account that publishes, with ether."""
    return ocean_network.wallet(0)


@pytest.fixture(scope="session")
def consumer_wallet(ocean_network: LocalNetwork) -> Wallet:
    """The wallet of another account, the one that orders, with ether."""
    return ocean_network.wallet(1)


@pytest.fixture(scope="session")
def published_dataset(_ocean_publisher: AssetMaker) -> Callable[..., PublishedDataset]:
    """A function that publishes a dataset for computing, and orders it with `order=True`.

    `published_dataset(content, *, name="data.csv", trusted=(), raw=False, allow_all=False,
    allow_network=False, max_run_time_s=60, order=False, publisher=None, consumer=None)`
    """
    return _ocean_publisher.dataset


@pytest.fixture(scope="session")
def published_algorithm(_ocean_publisher: AssetMaker) -> Callable[..., PublishedAlgorithm]:
    """A function that publishes an algorithm, and orders it with `order=True`.

    `published_algorithm(code, *, name="algorithm.py", entrypoint="python3 $ALGO", order=False,
    publisher=None, consumer=None)`
    """
    return _ocean_publisher.algorithm


@pytest.fixture
def ocean_faults(ocean_network: LocalNetwork) -> Iterator[Faults]:
    """The network's faults, for one test: what it sets is taken away at its end."""
    faults = ocean_network.faults
    faults.clear()
    yield faults
    faults.clear()
