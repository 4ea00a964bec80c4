"""The network on a chain that is not its own: anvil as it comes, where it is installed.

It is looked for on the PATH and in OCEAN_ANVIL; npm has it as @foundry-rs/anvil.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.localnet.chain import RemoteChain
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.testing.publishing import AssetMaker
from tests.integration.localnet.conftest import ALGORITHM
from tests.integration.localnet.handmade import ETHER, until

ANVIL = os.environ.get("OCEAN_ANVIL") or shutil.which("anvil")
pytestmark = pytest.mark.skipif(
    not ANVIL, reason="anvil is not installed: npm install @foundry-rs/anvil, and set OCEAN_ANVIL"
)


@contextmanager
def anvil(*arguments: str) -> Iterator[str]:
    """Run an anvil, on a free port of loopback, and give its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(port), "--silent", *arguments]
    with subprocess.Popen(command) as process:
        try:
            until(lambda: _listens(port) or process.poll() is not None)
            assert process.poll() is None
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with anvil() as url:
        yield url


def balances(url: str, addresses: list[str]) -> list[int]:
    chain = RemoteChain(url)
    found = [int(chain.call("eth_getBalance", address, "latest"), 16) for address in addresses]
    chain.close()
    return found


def sum_on(network: LocalNetwork) -> object:
    """Publish, order, start, and read the result."""
    publisher = AssetMaker(network)
    algorithm = publisher.algorithm(ALGORITHM, order=True)
    dataset = publisher.dataset("1\n2\n3\n", trusted=[algorithm], order=True)
    compute = Ocean(network.config).compute
    assert dataset.compute_input is not None
    job = compute.submit([dataset.compute_input], network.wallet(1), **algorithm.arguments)
    job.wait(timeout=60)
    return job.result_json()["sum"]


def test_a_job_runs_on_anvil_with_nothing_but_its_defaults(url: str) -> None:
    with LocalNetwork(chain_url=url) as network:
        at_first = balances(url, [account.address for account in network.accounts])
        result = sum_on(network)

        assert network.chain_id == 31337
        assert network.rpc_url == url
        assert at_first == [100 * ETHER] * 10
        assert result == 6


def test_more_networks_than_one_account_could_fund_share_an_anvil(url: str) -> None:
    for _ in range(10):
        with LocalNetwork(chain_url=url, account_count=12) as network:
            at_first = balances(url, [account.address for account in network.accounts])

            assert at_first == [100 * ETHER] * 12


def test_a_network_that_comes_again_is_filled_up_where_little_is_left(
    url: str, tmp_path: Path
) -> None:
    with LocalNetwork(tmp_path, chain_url=url) as network:
        spender, other = network.accounts[:2]
        chain = RemoteChain(url)
        send_transaction(chain, spender.key, other.address, value=99 * ETHER + ETHER // 2)
        chain.close()
        contracts = network.contracts
    with LocalNetwork(tmp_path, chain_url=url) as network:
        after = balances(url, [spender.address, other.address])

        assert after == [100 * ETHER, 199 * ETHER + ETHER // 2]
        assert network.contracts.dt_factory == contracts.dt_factory


@pytest.mark.parametrize("holding", [("1", "1101"), ("11", "101")], ids=["one", "many"])
def test_one_account_is_enough_and_so_are_many_with_little(holding: tuple[str, str]) -> None:
    accounts, ether = holding
    with (
        anvil("--accounts", accounts, "--balance", ether) as url,
        LocalNetwork(chain_url=url) as network,
    ):
        funded = balances(url, [account.address for account in network.accounts])

    assert funded == [100 * ETHER] * 10


def test_an_anvil_too_poor_is_told_what_is_there_and_what_is_needed() -> None:
    with anvil("--balance", "5") as poor:
        chain = RemoteChain(poor)
        own = chain.call("eth_accounts")
        chain.close()
        with pytest.raises(LocalNetworkError) as caught:
            LocalNetwork(chain_url=poor).start()
        left = balances(poor, own)

    assert "1100.11 ether is needed, up to 100 ether for each of 11 addresses" in str(caught.value)
    assert f"{own[0]}, has 5 ether, all 10 together 50 ether" in str(caught.value)
    assert left == [5 * ETHER] * 10
