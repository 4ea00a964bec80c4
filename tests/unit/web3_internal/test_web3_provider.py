"""Which chain `DataToken(address)` reads: the one that was set, or the program's only one."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any

import pytest
from web3 import Web3

from ocean_lib import Config, DataToken, Ocean
from ocean_lib.example_config import ExampleConfig
from ocean_lib.exceptions import ConfigError
from ocean_lib.web3_internal.utils import from_wei, get_ether_balance
from ocean_lib.web3_internal.web3_provider import Web3Provider

pytestmark = pytest.mark.usefixtures("no_chain")
ADDRESS = "0x" + "1" * 40


def ocean_at(url: str) -> Ocean:
    return Ocean(Config(options_dict={"eth-network": {"network": url}}))


def test_the_one_that_was_set_is_used() -> None:
    chain: Any = SimpleNamespace(eth=SimpleNamespace(get_balance=lambda _: 5 * 10**18))
    Web3Provider.set_web3(chain)
    ocean = ocean_at("http://127.0.0.1:1")

    assert Web3Provider.get_web3() is chain
    assert DataToken(ADDRESS).web3 is chain
    assert from_wei(get_ether_balance(ADDRESS)) == 5
    assert ocean.web3 is not chain


def test_the_only_ocean_of_a_program_is_used_while_it_lives() -> None:
    ocean = ocean_at("http://127.0.0.1:1")

    assert DataToken(ADDRESS).web3 is ocean.web3
    del ocean
    gc.collect()
    with pytest.raises(ConfigError, match="Oceans of no network"):
        Web3Provider.get_web3()


def test_of_several_networks_none_is_guessed() -> None:
    several = [ocean_at(f"http://127.0.0.1:{port}") for port in (1, 2)]

    with pytest.raises(ConfigError, match=r"several networks\. Give web3"):
        DataToken(ADDRESS).symbol()
    assert len(several) == 2


def test_two_oceans_of_one_network_are_one() -> None:
    both = [ocean_at("http://127.0.0.1:1") for _ in range(2)]

    assert Web3Provider.get_web3() in [ocean.web3 for ocean in both]


def test_an_object_of_its_own_chain_does_not_ask_others() -> None:
    Web3Provider.set_web3(SimpleNamespace(eth=None))
    own = Web3()

    assert DataToken(ADDRESS, web3=own).web3 is own


def test_it_is_made_from_a_url_or_a_provider() -> None:
    Web3Provider.init_web3("http://127.0.0.1:7")
    by_url: Any = Web3Provider.get_web3("http://127.0.0.1:8")
    Web3Provider.init_web3(provider=by_url.provider)

    assert by_url.provider.endpoint_uri == "http://127.0.0.1:7", "set once, it stays"
    assert Web3Provider.get_web3().provider is by_url.provider
    Web3Provider.set_web3(None)
    with pytest.raises(ConfigError, match="Give the URL"):
        Web3Provider.init_web3()


@pytest.mark.parametrize("name", [None, "ganache", "local", ""])
def test_the_example_config_is_this_machines(monkeypatch, name) -> None:
    monkeypatch.delenv("TEST_NET", raising=False)

    config = ExampleConfig.get_config(name)

    assert config.network_url == "http://localhost:8545"
    assert config.provider_url == "http://localhost:8030"


def test_the_example_config_knows_networks_by_name(monkeypatch) -> None:
    monkeypatch.setenv("TEST_NET", "polygon")

    assert ExampleConfig.get_config().network_url == "polygon"
    with pytest.raises(ConfigError, match="No network is called 'moon'"):
        ExampleConfig.get_config("moon")
