"""Connections to the chain, and addresses of contracts."""

import json

import pytest

from ocean_lib.exceptions import ConfigError
from ocean_lib.ocean import util
from ocean_lib.web3_internal.contract_utils import get_contract_definition, get_contracts_addresses
from ocean_lib.web3_internal.utils import get_network_name
from ocean_lib.web3_internal.web3_provider import Web3Provider


@pytest.mark.parametrize(
    ("network", "url"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://node.example/key", "https://node.example/key"),
        ("ganache", util.GANACHE_URL),
        ("polygon", util.POLYGON_URL),
    ],
)
def test_a_network_is_a_url_or_a_known_name(network, url):
    assert util.get_web3_connection_provider(network).endpoint_uri == url


def test_a_named_network_needs_the_users_own_infura_project(monkeypatch):
    monkeypatch.delenv("INFURA_PROJECT_ID", raising=False)
    with pytest.raises(ConfigError, match="INFURA_PROJECT_ID"):
        util.get_web3_connection_provider("rinkeby")

    monkeypatch.setenv("INFURA_PROJECT_ID", "mine")

    provider = util.get_web3_connection_provider("rinkeby")
    assert provider.endpoint_uri == "https://rinkeby.infura.io/v3/mine"


@pytest.mark.parametrize("network", ["", "wss://node", "ws://node", "nowhere", "ftp://x", None, 5])
def test_other_networks_are_config_errors(network):
    with pytest.raises(ConfigError):
        util.get_web3_connection_provider(network)


def test_a_call_to_the_node_has_time_outs():
    provider = util.get_web3_connection_provider("ganache")

    assert dict(provider.get_request_kwargs())["timeout"] == (10.0, 30.0)


def test_addresses_come_from_the_package_a_file_or_its_folder(tmp_path):
    ours = {"development": {"Metadata": "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"}}
    (tmp_path / "address.json").write_text(json.dumps(ours))

    packaged = get_contracts_addresses("mainnet", "")
    by_file = util.get_contracts_addresses(str(tmp_path / "address.json"), "ganache")
    by_folder = util.get_contracts_addresses(str(tmp_path), "development")

    assert packaged["Metadata"] == "0x1a4b70d8c9DcA47cD6D0Fb3c52BB8634CA1C0Fdf"
    assert by_file == by_folder == ours["development"]
    assert util.get_contracts_addresses(str(tmp_path), "mainnet") is None
    assert util.get_dtfactory_address(str(tmp_path), "ganache") is None


@pytest.mark.parametrize("text", [None, "{", "[]", "\xff"])
def test_an_unreadable_address_file_is_a_config_error(tmp_path, text):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError, match="address file"):
        get_contracts_addresses("development", str(path))


@pytest.mark.parametrize("name", ["NoSuchContract", "../secret", "address"])
def test_an_unknown_contract_is_a_type_error_as_in_ocean_py(name):
    if name == "address":
        assert "abi" not in get_contract_definition(name)
        return
    with pytest.raises(TypeError, match="does not exist"):
        get_contract_definition(name)


@pytest.mark.parametrize(
    ("chain_id", "name"), [(1, "mainnet"), (137, "polygon"), (8996, "ganache"), (1337, "ganache")]
)
def test_networks_have_ocean_pys_names(chain_id, name):
    assert get_network_name(chain_id) == name


def test_without_a_chain_the_network_cannot_be_asked(monkeypatch):
    # Other tests' Oceans may live.
    monkeypatch.setattr(Web3Provider, "_offered", type(Web3Provider._offered)())
    with pytest.raises(ConfigError, match="Give web3"):
        get_network_name()
