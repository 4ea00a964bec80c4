"""Every option of the config: its name, default, environment variable, and what it may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import dataclass
from typing import Any

from ocean_lib.checks import check_address, check_url, printable, shown_url
from ocean_lib.exceptions import ConfigError, InvalidInput
from ocean_lib.http.limits import (
    CACHE_LIFETIME_S,
    MAX_ANSWER_BYTES,
    MAX_FILE_BYTES,
    Timeouts,
)
from ocean_lib.http.origins import entries_of
from ocean_lib.web3_internal._tx_fields import ether_in_wei
from ocean_lib.web3_internal.constants import (
    ENV_MAX_FEE,
    GAS_LIMIT_DEFAULT,
    MAX_FEE_ETHER,
    RECEIPT_TIMEOUT_S,
)

SECTION_ETH_NETWORK = "eth-network"
SECTION_RESOURCES = "resources"
SECTION_UTIL = "util"

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
NAME_DOWNLOADS_PATH = "downloads.path"
NAME_CONNECT_TIMEOUT = "timeout.connect"
NAME_READ_TIMEOUT = "timeout.read"
NAME_TOTAL_TIMEOUT = "timeout.total"
NAME_FILE_TOTAL_TIMEOUT = "timeout.file_total"
NAME_CACHE_LIFETIME = "cache.lifetime"
NAME_MAX_ANSWER_BYTES = "answer.max_bytes"
NAME_MAX_FILE_BYTES = "downloads.max_bytes"
NAME_AUTH_TOKEN = "auth_token"  # noqa: S105

DEFAULT_NETWORK_HOST = "localhost"
DEFAULT_NETWORK_PORT = 8545
DEFAULT_NETWORK_URL = "http://localhost:8545"
DEFAULT_ADDRESS_FILE = ""
DEFAULT_METADATA_CACHE_URI = "http://localhost:5000"
DEFAULT_PROVIDER_URL = ""
DEFAULT_DOWNLOADS_PATH = "downloads"


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        section: the section it stands in.
        name: its name.
        default: its value when it is not set, as text; None if it then does not exist.
        read: turns its text into its value, or raises ConfigError with what was expected.
        env: the environment variable that overrides it, '' if there is none.
        meaning: what it is, in a few words.
    """

    section: str
    name: str
    default: str | None
    read: Callable[[str], Any]
    env: str = ""
    meaning: str = ""

    def value(self, text: str) -> Any:
        """Turn the option's text into its value.

        Args:
            text: as it stands in the config.

        Raises:
            ConfigError: it cannot be that; the message names the option, not a secret.
        """
        try:
            return self.read(text.strip())
        except ConfigError as error:
            fault = str(error)
        raise ConfigError(f"Config option {self.section}.{self.name} must be {fault}.")


def _text(text: str) -> str:
    return text


def _network(text: str) -> str:
    from ocean_lib.ocean.util import SUPPORTED_NETWORK_NAMES

    if text in SUPPORTED_NETWORK_NAMES:
        return text
    return _url(text, may_have_login=True)


def _url(text: str, *, may_have_login: bool = False) -> str:
    try:
        return check_url(text, may_have_login=may_have_login)
    except InvalidInput:
        without = "" if may_have_login else ", without user and password"
        raise ConfigError(
            f"an absolute http(s) URL with a host{without}, got {shown_url(text)}"
        ) from None


def _trusted(text: str) -> str:
    try:
        entries_of(text)
    except InvalidInput as error:
        fault = str(error)
    else:
        return text
    raise ConfigError(
        "hosts or origins such as provider.example or https://provider.example:8030, with commas "
        f"between them, or * for all; {fault}"
    )


def _generation(text: str) -> str:
    if text in ("", "v3", "node"):
        return text
    raise ConfigError(
        "v3 (a V3 Provider) or node (an Ocean Node), or empty: whatever the server says it is; "
        f"got {printable(text)}"
    )


def _optional_url(text: str) -> str:
    return _url(text) if text else ""


def _optional_address(text: str) -> str:
    try:
        return check_address(text) if text else ""
    except InvalidInput:
        raise ConfigError(
            "an address ('0x' and 40 hex digits, a mixed case with the right checksum) or empty, "
            f"got {printable(text)}"
        ) from None


def _positive_int(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0:
        return int(text)
    raise ConfigError(f"a whole number above 0, got {printable(text)}")


def _optional_int(text: str) -> int | None:
    return _positive_int(text) if text else None


def _seconds(text: str) -> float:
    value = _number(text)
    if value > 0:
        return value
    raise ConfigError(f"a number of seconds above 0, got {printable(text)}")


def _seconds_or_none(text: str) -> float:
    value = _number(text)
    if value >= 0:
        return value
    raise ConfigError(f"a number of seconds, 0 or more, got {printable(text)}")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _switch(text: str) -> bool:
    # What came is not shown: somebody may have put a token here.
    states = ConfigParser.BOOLEAN_STATES
    if text.lower() in states:
        return states[text.lower()]
    raise ConfigError(f"one of {', '.join(sorted(states))}; the value given is none of them")


def _seconds_text(seconds: float) -> str:
    return f"{seconds:g}"


_TIMEOUTS = Timeouts()

OPTIONS = (
    Option(
        SECTION_ETH_NETWORK,
        NAME_NETWORK_URL,
        DEFAULT_NETWORK_URL,
        _network,
        "NETWORK_URL",
        "Network URL",
    ),
    Option(SECTION_ETH_NETWORK, NAME_CHAIN_ID, "", _optional_int, "CHAIN_ID", "Expected chain id"),
    Option(
        SECTION_ETH_NETWORK,
        NAME_ADDRESS_FILE,
        DEFAULT_ADDRESS_FILE,
        _text,
        "ADDRESS_FILE",
        "Path to json file of deployed contracts addresses",
    ),
    Option(
        SECTION_ETH_NETWORK,
        NAME_GAS_LIMIT,
        str(GAS_LIMIT_DEFAULT),
        _positive_int,
        "GAS_LIMIT",
        "Gas limit",
    ),
    Option(
        SECTION_ETH_NETWORK,
        NAME_TRANSACTION_TIMEOUT,
        _seconds_text(RECEIPT_TIMEOUT_S),
        _seconds,
    ),
    Option(
        SECTION_ETH_NETWORK,
        NAME_TRANSACTION_MAX_FEE,
        MAX_FEE_ETHER,
        ether_in_wei,
        ENV_MAX_FEE,
        "Most ether that the gas of one transaction may cost",
    ),
    Option(
        SECTION_ETH_NETWORK,
        NAME_DATA_TOKEN_FACTORY_ADDRESS,
        None,
        _optional_address,
        "DATA_TOKEN_FACTORY_ADDRESS",
        "Data token factory address",
    ),
    Option(
        SECTION_ETH_NETWORK,
        NAME_BFACTORY_ADDRESS,
        None,
        _optional_address,
        "BFACTORY_ADDRESS",
        "BPool factory address",
    ),
    Option(
        SECTION_ETH_NETWORK,
        NAME_OCEAN_ADDRESS,
        None,
        _optional_address,
        "OCEAN_ADDRESS",
        "OCEAN address",
    ),
    Option(
        SECTION_RESOURCES,
        NAME_METADATA_CACHE_URI,
        DEFAULT_METADATA_CACHE_URI,
        _url,
        "METADATA_CACHE_URI",
        "Metadata Cache URI",
    ),
    Option(SECTION_RESOURCES, NAME_AQUARIUS_URL, None, _optional_url),
    Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_URL,
        DEFAULT_PROVIDER_URL,
        _optional_url,
        "PROVIDER_URL",
        "URL of data services provider",
    ),
    Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_ADDRESS,
        "",
        _optional_address,
        "PROVIDER_ADDRESS",
        "Provider ethereum address",
    ),
    Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_TRUSTED,
        "",
        _trusted,
        "PROVIDER_TRUSTED",
        "Further Providers that get signatures",
    ),
    Option(
        SECTION_RESOURCES,
        NAME_PROVIDER_GENERATION,
        "",
        _generation,
        "PROVIDER_GENERATION",
        "Generation of the back end",
    ),
    Option(SECTION_RESOURCES, NAME_DOWNLOADS_PATH, DEFAULT_DOWNLOADS_PATH, _text),
    Option(SECTION_RESOURCES, NAME_CONNECT_TIMEOUT, _seconds_text(_TIMEOUTS.connect_s), _seconds),
    Option(SECTION_RESOURCES, NAME_READ_TIMEOUT, _seconds_text(_TIMEOUTS.read_s), _seconds),
    Option(SECTION_RESOURCES, NAME_TOTAL_TIMEOUT, _seconds_text(_TIMEOUTS.total_s), _seconds),
    Option(
        SECTION_RESOURCES, NAME_FILE_TOTAL_TIMEOUT, _seconds_text(_TIMEOUTS.file_total_s), _seconds
    ),
    Option(
        SECTION_RESOURCES, NAME_CACHE_LIFETIME, _seconds_text(CACHE_LIFETIME_S), _seconds_or_none
    ),
    Option(SECTION_RESOURCES, NAME_MAX_ANSWER_BYTES, str(MAX_ANSWER_BYTES), _positive_int),
    Option(SECTION_RESOURCES, NAME_MAX_FILE_BYTES, str(MAX_FILE_BYTES), _positive_int),
    Option(SECTION_RESOURCES, NAME_AUTH_TOKEN, "off", _switch),
)
