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


# Files that take long, though some have few tests. Processes take files from the front: what is
# long and comes last is what all others wait for.
_FIRST = (
    "localnet/test_isolation.py",
    "localnet/test_local_runner.py",
    "test_cli_publish.py",
    "test_notebook.py",
    "test_quickstart.py",
    "test_any_generation.py",
    "test_publishing.py",
    "test_buying_cut_off.py",
    "test_fault_matrix.py",
    "localnet/test_network.py",
    "test_buying.py",
    "test_cli.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the tests of a file stay in their order."""
    places = {name: place for place, name in enumerate(_FIRST)}

    def place(item: pytest.Item) -> int:
        return next(
            (places[name] for name in places if item.path.as_posix().endswith(f"/{name}")),
            len(places),
        )

    items.sort(key=place)


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
