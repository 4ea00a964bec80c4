"""An Ocean is made of a config, and asks nobody anything before it must."""

import copy
import os
import pickle
import subprocess
import sys

import pytest

from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import ConfigError, InvalidAddress
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_assets import OceanAssets
from ocean_lib.ocean.ocean_compute import OceanCompute

NODE = "http://127.0.0.1:9"
SECTIONS = {
    "eth-network": {"network": NODE},
    "resources": {
        "metadata_cache_uri": "http://cache:5000",
        "provider.url": "http://provider:8030",
    },
}
FLAT = {
    "network": NODE,
    "metadataCacheUri": "http://cache:5000",
    "providerUri": "http://provider:8030",
}
OLDER = {
    "network": NODE,
    "metadataStoreUri": "http://cache:5000",
    "providerUri": "http://provider:8030",
}


@pytest.mark.parametrize("part", [lambda ocean: ocean, lambda ocean: ocean.compute])
@pytest.mark.parametrize("again", [pickle.dumps, copy.deepcopy])
def test_what_holds_connections_says_what_to_send_in_its_place(part, again):
    with pytest.raises(TypeError, match=r"cannot be pickled .* make Ocean\(config\) there"):
        again(part(Ocean(SECTIONS)))


@pytest.mark.parametrize("config", [SECTIONS, FLAT, OLDER, Config(options_dict=SECTIONS)])
def test_a_config_and_ocean_pys_dicts_mean_the_same(config):
    ocean = Ocean(config)

    assert ocean.config.network_url == NODE
    assert ocean.config.metadata_cache_uri == "http://cache:5000"
    assert ocean.config.provider_url == "http://provider:8030"


def test_left_out_urls_are_ocean_pys_defaults():
    config = Ocean({"network": NODE}).config

    assert config.metadata_cache_uri == "http://localhost:5000"
    assert config.provider_url == "http://localhost:8030"


def test_the_parts_are_made_once_and_share_the_providers_client():
    ocean = Ocean(SECTIONS)

    assert ocean.assets is ocean.assets
    assert ocean.compute is ocean.compute
    assert isinstance(ocean.assets, OceanAssets)
    assert isinstance(ocean.compute, OceanCompute)
    assert isinstance(ocean.data_provider, DataServiceProvider)
    assert ocean.web3 is ocean.web3
    assert Ocean(SECTIONS).data_provider is not ocean.data_provider


def test_the_class_itself_can_be_the_data_provider_as_in_ocean_py():
    ocean = Ocean(SECTIONS, DataServiceProvider)

    assert ocean.data_provider is DataServiceProvider
    assert isinstance(ocean.assets, OceanAssets)
    assert isinstance(ocean.compute, OceanCompute)


def test_something_else_than_a_config_is_refused():
    with pytest.raises(TypeError):
        Ocean("config.ini")


def test_a_network_that_cannot_be_is_told_when_it_is_needed():
    with pytest.raises(ConfigError):
        _ = Ocean({"network": "nowhere"}).web3


def test_a_data_token_needs_an_address():
    with pytest.raises(InvalidAddress):
        Ocean(SECTIONS).get_data_token("0x12")


@pytest.mark.slow
def test_making_one_does_not_load_web3():
    code = (
        "import sys; from ocean_lib.ocean.ocean import Ocean;"
        f"o = Ocean({FLAT!r}); o.config, o.assets, o.compute, repr(o);"
        "sys.exit(', '.join(m for m in ('web3', 'eth_account') if m in sys.modules) or 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ), check=False, capture_output=True
    )

    assert done.returncode == 0, done.stderr.decode()
