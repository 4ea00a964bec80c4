"""What many tests share: one network for the whole run, and the client's view of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet


@pytest.fixture(scope="session")
def network() -> Iterator[LocalNetwork]:
    """A local network; tests share it and tidy up nothing, so they count on nothing."""
    from ocean_lib.localnet import LocalNetwork

    with LocalNetwork() as running:
        yield running


@pytest.fixture
def ocean(network: LocalNetwork) -> Ocean:
    """A fresh client of the network, with caches and a session of its own."""
    from ocean_lib.ocean.ocean import Ocean

    return Ocean(network.config)


@pytest.fixture
def publisher_wallet(network: LocalNetwork) -> Wallet:
    """A funded account that publishes."""
    return network.wallet(0)


@pytest.fixture
def consumer_wallet(network: LocalNetwork) -> Wallet:
    """Another funded account, that orders."""
    return network.wallet(1)
