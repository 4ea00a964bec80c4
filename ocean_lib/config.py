"""The configuration: from a file, a text or a dict, overridden by the environment."""

from __future__ import annotations

import configparser
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ocean_lib import _config_options as of
from ocean_lib._config_options import Option
from ocean_lib.base.distributions import warn_of_other
from ocean_lib.base.text_files import read_text, why_unreadable, without_mark
from ocean_lib.checks import printable
from ocean_lib.exceptions import ConfigError, ConfigFileMissing
from ocean_lib.http.limits import (
    CACHE_LIFETIME_S,
    MAX_ANSWER_BYTES,
    MAX_FILE_BYTES,
    POLLS_PER_MINUTE,
    Timeouts,
)
from ocean_lib.models.amounts import ether_in_wei
from ocean_lib.ocean.env_constants import ENV_CONFIG_FILE
from ocean_lib.web3_internal.artifacts import ADDRESS_FILE
from ocean_lib.web3_internal.constants import (
    ENV_MAX_FEE,
    GAS_LIMIT_DEFAULT,
    MAX_FEE_ETHER,
    RECEIPT_TIMEOUT_S,
)

SECTION_ETH_NETWORK = "eth-network"
SECTION_RESOURCES = "resources"

NAME_NETWORK_URL = "network"
NAME_ADDRESS_FILE = "address.file"
NAME_GAS_LIMIT = "gas_limit"
NAME_TRANSACTION_TIMEOUT = "transaction.timeout"
NAME_TRANSACTION_MAX_FEE = "transaction.max_fee"
NAME_CHAIN_ID = "chain_id"
NAME_DATA_TOKEN_FACTORY_ADDRESS = "dtfactory.address"  # noqa: S105
NAME_BFACTORY_ADDRESS = "bfactory.address"
NAME_OCEAN_ADDRESS = "OCEAN.address"
NAME_METADATA_CACHE_URI = "metadata_cache_uri"
NAME_AQUARIUS_URL = "aquarius.url"
NAME_PROVIDER_URL = "provider.url"
NAME_PROVIDER_ADDRESS = "provider.address"
NAME_PROVIDER_TRUSTED = "provider.trusted"
NAME_PROVIDER_GENERATION = "provider.generation"
NAME_POLLS_PER_MINUTE = "provider.polls_per_minute"
NAME_DOWNLOADS_PATH = "downloads.path"
NAME_CONNECT_TIMEOUT = "timeout.connect"
NAME_READ_TIMEOUT = "timeout.read"
NAME_TOTAL_TIMEOUT = "timeout.total"
NAME_FILE_TOTAL_TIMEOUT = "timeout.file_total"
NAME_CACHE_LIFETIME = "cache.lifetime"
NAME_MAX_ANSWER_BYTES = "answer.max_bytes"
NAME_MAX_FILE_BYTES = "downloads.max_bytes"
NAME_AUTH_TOKEN = "auth_token"  # noqa: S105

DEFAULT_ADDRESS_FILE = ""
DEFAULT_METADATA_CACHE_URI = "http://localhost:5000"
DEFAULT_PROVIDER_URL = ""
DEFAULT_DOWNLOADS_PATH = "downloads"

_TIMEOUTS = Timeouts()

logger = logging.getLogger(__name__)


def _cache_url(text: str) -> str:
    return of.as_url(text) if text else DEFAULT_METADATA_CACHE_URI


class Config(configparser.ConfigParser):
    """The configuration of the library.

    `config.ini.example` lists every option with its default. An environment variable that is set
    and not empty overrides its option. Every value is checked when the config is made.

    An option that is not known has no effect; a warning in the log says so, and names the options
    it resembles. It is logged, not warned with `warnings`, because a config is an operator's text:
    the log is where an operator looks, and `-W error` must not turn a left-over line of an
    ocean.py config into a crash.

    Args:
        filename: path of a config file.
        options_dict: section to a dict of options, in place of a file.
        **kwargs: `text`, the text of a config file, in place of one.

    Without any of them the file named in the environment variable CONFIG_FILE is read; an empty
    `options_dict` then stands for the defaults if there is no such variable.

    Raises:
        ConfigError: the config cannot be read, an option's value cannot be what it is, or two
            options contradict each other.

    Warns:
        DistributionWarning: ocean.py is installed beside this library.
    """

    network_url = Option(
        SECTION_ETH_NETWORK,
        NAME_NETWORK_URL,
        "",
        of.as_network,
        "NETWORK_URL",
        "Network URL",
        about="URL of the node's JSON-RPC, or the name of a network that ocean.py knew; '' if no "
        "network is configured: what needs none works all the same.",
    )
    chain_id = Option(
        SECTION_ETH_NETWORK,
        NAME_CHAIN_ID,
        "",
        of.as_optional_int,
        "CHAIN_ID",
        "Expected chain id",
        about="The chain id that the node must tell; None for any.",
    )
    _address_file = Option(
        SECTION_ETH_NETWORK,
        NAME_ADDRESS_FILE,
        DEFAULT_ADDRESS_FILE,
        of.as_text,
        "ADDRESS_FILE",
        "Path to json file of deployed contracts addresses",
    )
    gas_limit = Option(
        SECTION_ETH_NETWORK,
        NAME_GAS_LIMIT,
        str(GAS_LIMIT_DEFAULT),
        of.as_positive_int,
        "GAS_LIMIT",
        "Gas limit",
        about="The most gas a transaction may use.",
    )
    max_fee_wei = Option(
        SECTION_ETH_NETWORK,
        NAME_TRANSACTION_MAX_FEE,
        MAX_FEE_ETHER,
        ether_in_wei,
        ENV_MAX_FEE,
        "Most ether that the gas of one transaction may cost",
        about="The most that the gas of one transaction may cost, in wei.",
    )
    transaction_timeout_s = Option(
        SECTION_ETH_NETWORK,
        NAME_TRANSACTION_TIMEOUT,
        f"{RECEIPT_TIMEOUT_S:g}",
        of.as_seconds,
        about="How long to wait for a transaction's receipt, in seconds.",
    )
    _dtfactory_address = Option(
        SECTION_ETH_NETWORK,
        NAME_DATA_TOKEN_FACTORY_ADDRESS,
        None,
        of.as_optional_address,
        "DATA_TOKEN_FACTORY_ADDRESS",
        "Data token factory address",
    )
    _bfactory_address = Option(
        SECTION_ETH_NETWORK,
        NAME_BFACTORY_ADDRESS,
        None,
        of.as_optional_address,
        "BFACTORY_ADDRESS",
        "BPool factory address",
    )
    _ocean_address = Option(
        SECTION_ETH_NETWORK,
        NAME_OCEAN_ADDRESS,
        None,
        of.as_optional_address,
        "OCEAN_ADDRESS",
        "OCEAN address",
    )
    metadata_cache_uri = Option(
        SECTION_RESOURCES,
        NAME_METADATA_CACHE_URI,
        "",
        _cache_url,
        "METADATA_CACHE_URI",
        "Metadata Cache URI",
        about="URL of the metadata cache (Aquarius); port 5000 of localhost if none is set.",
    )
    _aquarius_url = Option(SECTION_RESOURCES, NAME_AQUARIUS_URL, None, of.as_optional_url)
    provider_url = Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_URL,
        DEFAULT_PROVIDER_URL,
        of.as_optional_url,
        "PROVIDER_URL",
        "URL of data services provider",
        about="URL of the Provider, '' if none is configured.",
    )
    provider_address = Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_ADDRESS,
        "",
        of.as_optional_address,
        "PROVIDER_ADDRESS",
        "Provider ethereum address",
        about="The Provider's own address in its checksum spelling, '' if none is configured.",
    )
    trusted_providers = Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_TRUSTED,
        "",
        of.as_origins,
        "PROVIDER_TRUSTED",
        "Further Providers that get signatures",
        about="The Providers that get signatures beside the configured one: hosts or origins, or "
        "`*`.",
    )
    provider_generation = Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_GENERATION,
        "",
        of.as_generation,
        "PROVIDER_GENERATION",
        "Generation of the back end",
        about="`v3` or `node`; '' for what each server's discovery document says it is.",
    )
    polls_per_minute = Option(
        SECTION_RESOURCES,
        NAME_POLLS_PER_MINUTE,
        str(POLLS_PER_MINUTE),
        of.as_positive_int,
        about="How often an Ocean Node is asked for statuses at most.",
    )
    _downloads_path = Option(
        SECTION_RESOURCES, NAME_DOWNLOADS_PATH, DEFAULT_DOWNLOADS_PATH, of.as_text
    )
    connect_timeout_s = Option(
        SECTION_RESOURCES,
        NAME_CONNECT_TIMEOUT,
        f"{_TIMEOUTS.connect_s:g}",
        of.as_seconds,
        about="How long to wait for a connection, in seconds.",
    )
    read_timeout_s = Option(
        SECTION_RESOURCES,
        NAME_READ_TIMEOUT,
        f"{_TIMEOUTS.read_s:g}",
        of.as_seconds,
        about="How long to wait for the next byte of an answer, in seconds.",
    )
    total_timeout_s = Option(
        SECTION_RESOURCES,
        NAME_TOTAL_TIMEOUT,
        f"{_TIMEOUTS.total_s:g}",
        of.as_seconds,
        about="How long a call may take in all, in seconds.",
    )
    file_total_timeout_s = Option(
        SECTION_RESOURCES,
        NAME_FILE_TOTAL_TIMEOUT,
        f"{_TIMEOUTS.file_total_s:g}",
        of.as_seconds,
        about="How long the download of a file may take in all, in seconds.",
    )
    cache_lifetime_s = Option(
        SECTION_RESOURCES,
        NAME_CACHE_LIFETIME,
        f"{CACHE_LIFETIME_S:g}",
        of.as_seconds_or_none,
        about="How long endpoints are believed before they are asked again, in seconds; 0: never.",
    )
    max_answer_bytes = Option(
        SECTION_RESOURCES,
        NAME_MAX_ANSWER_BYTES,
        str(MAX_ANSWER_BYTES),
        of.as_positive_int,
        about="The longest answer of a server that is read, in bytes; downloads have another "
        "limit.",
    )
    max_file_bytes = Option(
        SECTION_RESOURCES,
        NAME_MAX_FILE_BYTES,
        str(MAX_FILE_BYTES),
        of.as_positive_int,
        about="The longest download whose length no server has announced, in bytes.",
    )
    use_auth_token = Option(
        SECTION_RESOURCES,
        NAME_AUTH_TOKEN,
        "off",
        of.as_switch,
        about="Whether signed calls use the Provider's auth token in place of a nonce each.",
    )

    @property
    def has_metadata_cache(self) -> bool:
        """Whether a metadata cache is configured; without one, an Ocean Node is its own."""
        return bool(self.get(SECTION_RESOURCES, NAME_METADATA_CACHE_URI).strip())

    @property
    def address_file(self) -> str:
        """Path of the JSON file with the contracts' addresses per network.

        This library's own file if the option is empty.
        """
        path = self._address_file
        return str(Path(path).expanduser().resolve() if path else ADDRESS_FILE)

    @property
    def downloads_path(self) -> str:
        """The folder that downloads go to."""
        return self._downloads_path or DEFAULT_DOWNLOADS_PATH

    @property
    def timeouts(self) -> Timeouts:
        """All times of calls, in seconds."""
        return Timeouts(
            self.connect_timeout_s,
            self.read_timeout_s,
            self.total_timeout_s,
            self.file_total_timeout_s,
        )

    def __init__(
        self,
        filename: str | os.PathLike[str] | None = None,
        options_dict: Mapping[str, Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        warn_of_other()
        self._source = "The config"
        _check_keywords(kwargs)
        fault = ""
        try:
            self._load(filename, options_dict, kwargs.get("text"))
            self._warn_of_unknown()
            self._replace_aquarius_url()
        except ConfigError:
            raise
        except configparser.Error as error:
            fault = _fault(error)
        except (TypeError, AttributeError) as error:
            fault = type(error).__name__
        except ValueError:
            fault = "a lone %: write %% for a percent sign"
        if fault:
            raise ConfigError(
                f"{self._source} cannot be read ({fault}). Expected are sections of options with "
                "text or numbers, see config.ini.example."
            )
        self._set_defaults()
        self._load_environ()
        for option in OPTIONS:
            if self.has_option(option.section, option.name):
                option.of(self)

    def _load(
        self,
        filename: str | os.PathLike[str] | None,
        options_dict: Mapping[str, Mapping[str, Any]] | None,
        text: str | None,
    ) -> None:
        if sum(map(bool, (filename, options_dict, text))) > 1:
            logger.warning(
                "Config: only one of filename, text and options_dict is used, in this order; "
                "the others have no effect."
            )
        if filename:
            self._load_file(filename)
        elif text is not None:
            self.read_string(without_mark(text))
        elif options_dict:
            self.read_dict(options_dict)
        elif os.environ.get(ENV_CONFIG_FILE):
            self._load_file(os.environ[ENV_CONFIG_FILE])
        elif options_dict is None:
            raise ConfigError(
                f"No config: give a filename or an options_dict, or set {ENV_CONFIG_FILE} to the "
                "path of a config file."
            )

    def _load_file(self, filename: str | os.PathLike[str]) -> None:
        fault, kind = "", ConfigError
        shown = printable(os.fspath(filename), limit=300)
        self._source = f"The config file {shown}"
        try:
            text = read_text(filename)
        except (OSError, ValueError) as error:
            fault = why_unreadable(error)
            if isinstance(error, FileNotFoundError):
                kind = ConfigFileMissing
        if fault:  # raised here: the lower error holds the name as it was given
            raise kind(f"Cannot read the config file {shown}: {fault}.")
        self.read_string(text)

    def _warn_of_unknown(self) -> None:
        for section in self.sections():
            known = [o.name.lower() for o in OPTIONS if o.section == section]
            if not known:
                self._warn_of_section(section)
                continue
            for name in self.options(section):
                if name in known or name in self.defaults():
                    continue
                logger.warning(
                    "Config: the option %s.%s is not known and has no effect.%s",
                    section,
                    printable(name),
                    _did_you_mean(name, known),
                )

    def _warn_of_section(self, section: str) -> None:
        hint = _did_you_mean(section, list(config_defaults))
        if hint:
            logger.warning(
                "Config: the section [%s] is not known and has no effect.%s", section, hint
            )

    def _replace_aquarius_url(self) -> None:
        aquarius_url = self.get(SECTION_RESOURCES, NAME_AQUARIUS_URL, fallback="", raw=True)
        if not aquarius_url:
            return
        logger.warning(
            "Config: the option %s.%s is deprecated. Use %s.%s instead.",
            SECTION_RESOURCES,
            NAME_AQUARIUS_URL,
            SECTION_RESOURCES,
            NAME_METADATA_CACHE_URI,
        )
        if self.get(SECTION_RESOURCES, NAME_METADATA_CACHE_URI, fallback="", raw=True):
            raise ConfigError(
                f"Both {SECTION_RESOURCES}.{NAME_METADATA_CACHE_URI} and "
                f"{SECTION_RESOURCES}.{NAME_AQUARIUS_URL} options are set. Keep only "
                f"{NAME_METADATA_CACHE_URI}: {NAME_AQUARIUS_URL} is deprecated."
            )
        self.set(SECTION_RESOURCES, NAME_METADATA_CACHE_URI, aquarius_url)
        self.remove_option(SECTION_RESOURCES, NAME_AQUARIUS_URL)

    def _set_defaults(self) -> None:
        for section, options in config_defaults.items():
            if not self.has_section(section):
                self.add_section(section)
            for name, default in options.items():
                if not self.has_option(section, name):
                    self.set(section, name, default)

    def _load_environ(self) -> None:
        aquarius_url = os.environ.get("AQUARIUS_URL")
        if aquarius_url:
            logger.warning(
                "Config: the environment variable AQUARIUS_URL is deprecated. "
                "Use METADATA_CACHE_URI instead."
            )
            if os.environ.get("METADATA_CACHE_URI"):
                raise ConfigError(
                    "Both METADATA_CACHE_URI and AQUARIUS_URL are set in the environment. "
                    "Keep only METADATA_CACHE_URI: AQUARIUS_URL is deprecated."
                )
            self._set_literally(SECTION_RESOURCES, NAME_METADATA_CACHE_URI, aquarius_url)
        for option in OPTIONS:
            value = os.environ.get(option.env) if option.env else None
            if value:
                self._set_literally(option.section, option.name, value)

    def _set_literally(self, section: str, name: str, value: str) -> None:
        # A lone % would be taken for a reference to another option.
        self.set(section, name, value.replace("%", "%%"))

    def trust_provider(self, origin: str) -> None:
        """Give signatures to this Provider too, from now on, in this object only.

        Args:
            origin: such as `https://provider.example:8030`, or a host.

        Raises:
            ConfigError: it is neither.
        """
        known = self.trusted_providers
        self._set_literally(
            SECTION_RESOURCES, NAME_PROVIDER_TRUSTED, f"{known}, {origin}" if known else origin
        )
        Config.trusted_providers.of(self)

    def __repr__(self) -> str:
        shown = (
            (NAME_NETWORK_URL, SECTION_ETH_NETWORK),
            (NAME_METADATA_CACHE_URI, SECTION_RESOURCES),
            (NAME_PROVIDER_URL, SECTION_RESOURCES),
        )
        parts = (
            f"{name}={_host_of(self.get(section, name, fallback='', raw=True))}"
            for name, section in shown
        )
        return f"Config({', '.join(parts)})"


OPTIONS: tuple[Option[Any], ...] = tuple(
    value for value in vars(Config).values() if isinstance(value, Option)
)

environ_names_and_sections = {o.name: [o.env, o.meaning, o.section] for o in OPTIONS if o.env}

deprecated_environ_names = {NAME_AQUARIUS_URL: ["AQUARIUS_URL", "Aquarius URL", SECTION_RESOURCES]}

config_defaults: dict[str, dict[str, str]] = {
    section: {o.name: o.default for o in OPTIONS if o.section == section and o.default is not None}
    for section in (SECTION_ETH_NETWORK, SECTION_RESOURCES)
}


def _check_keywords(kwargs: Mapping[str, Any]) -> None:
    unknown = [name for name in kwargs if name != "text"]
    if unknown:
        raise ConfigError(
            f"Config takes filename, options_dict and text, got {printable(unknown[0])}."
            f"{_did_you_mean(unknown[0], ['filename', 'options_dict', 'text'])}"
        )


def _did_you_mean(name: str, known: list[str]) -> str:
    import difflib  # a hundredth of our import, and needed for a misspelt name only

    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.7)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _fault(error: configparser.Error) -> str:
    """Describe a parser's error without the lines it quotes: they may hold a secret."""
    line = getattr(error, "lineno", None)
    if line is None and getattr(error, "errors", None):
        line = error.errors[0][0]  # type: ignore[attr-defined]
    return type(error).__name__ + (f" in line {line}" if line else "")


def _host_of(url: str) -> str:
    """Return scheme, host and port: a node's path may be its key."""
    try:
        parts = urlsplit(url)
        if not parts.hostname:
            return "(none)" if not url else "…"
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "…"
    return f"{parts.scheme}://{parts.hostname}{port}"
