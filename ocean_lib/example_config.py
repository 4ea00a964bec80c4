"""The config that ocean.py's own tests use: a network on this machine, at the usual ports."""

from __future__ import annotations

import os
from typing import Any

from ocean_lib.config import Config
from ocean_lib.exceptions import ConfigError

_LOCAL = {"", "local", "ganache"}


class ExampleConfig:
    """Configs of a network on this machine, or of another one by its name.

    The environment overrides each option, as it does for every `Config`: NETWORK_URL,
    METADATA_CACHE_URI, PROVIDER_URL, ADDRESS_FILE.
    """

    @staticmethod
    def get_config_net() -> str:
        """Return the network's name in TEST_NET; `ganache` without it."""
        return os.environ.get("TEST_NET", "ganache")

    @staticmethod
    def get_base_config() -> dict[str, Any]:
        """Return the options of a network on this machine."""
        return {
            "eth-network": {"network": "http://localhost:8545", "address.file": ""},
            "resources": {
                "metadata_cache_uri": "http://localhost:5000",
                "provider.url": "http://localhost:8030",
                "downloads.path": "consume-downloads",
            },
        }

    @staticmethod
    def get_config_dict(network_name: str | None = None) -> dict[str, Any]:
        """Return the options of a network.

        Args:
            network_name: its name; None: what TEST_NET says. `ganache` and `local` are this
                machine's.

        Raises:
            ConfigError: it is none that `ocean.util.get_web3` knows by name.
        """
        name = ExampleConfig.get_config_net() if network_name is None else network_name
        options = ExampleConfig.get_base_config()
        if name not in _LOCAL:
            from ocean_lib.ocean.util import SUPPORTED_NETWORK_NAMES

            if name not in SUPPORTED_NETWORK_NAMES:
                known = ", ".join(sorted(SUPPORTED_NETWORK_NAMES))
                raise ConfigError(f"No network is called {name!r}; these are: {known}.")
            options["eth-network"]["network"] = name
        return options

    @staticmethod
    def get_config(network_name: str | None = None) -> Config:
        """Return the config of a network; see `get_config_dict`.

        Args:
            network_name: its name.
        """
        return Config(options_dict=ExampleConfig.get_config_dict(network_name))
