"""What many tests share: one network for the whole run, and the client's view of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet


@pytest.fixture(scope="session", autouse=True)
def _as_users_start_programs() -> Iterator[None]:
    """Let programs that tests start buffer their output, and heed signals, as at a terminal.

    PYTHONUNBUFFERED would hide faults, and what `nohup` or a shell's `&` ignore is inherited.
    """
    normal = {"SIGINT": signal.default_int_handler, "SIGHUP": lambda *_: None}
    for name, handler in normal.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("PYTHONUNBUFFERED", raising=False)
        yield


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
