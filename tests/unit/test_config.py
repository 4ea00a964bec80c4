"""The config is read from file, text, dict and environment, and checked."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.config import OPTIONS, Config, deprecated_environ_names
from ocean_lib.exceptions import ConfigError

ADDRESS = "0xA78deb2Fa79463945C247991075E2a0e98Ba7A09"
KEY = "8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
VARIABLES = ["CONFIG_FILE", "AQUARIUS_URL", *(o.env for o in OPTIONS if o.env)]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def with_resources(**options: Any) -> Config:
    return Config(options_dict={"resources": {k.replace("__", "."): v for k, v in options.items()}})


def test_the_defaults() -> None:
    config = Config(options_dict={})

    assert config.network_url == ""
    assert not config.has_metadata_cache
    assert config.chain_id is None
    assert config.gas_limit == 1_000_000
    assert config.max_fee_wei == 10**18
    assert config.metadata_cache_uri == "http://localhost:5000"
    assert config.provider_url == ""
    assert config.provider_address == ""
    assert config.downloads_path == "downloads"
    assert config.connect_timeout_s == 5
    assert config.read_timeout_s == 30
    assert config.total_timeout_s == 60
    assert config.file_total_timeout_s == 3600
    assert config.cache_lifetime_s == 60
    assert config.max_answer_bytes == 10 * 1024 * 1024
    assert config.use_auth_token is False
    assert config.transaction_timeout_s == 120
    assert not config.has_option("eth-network", "dtfactory.address")


def test_every_option_can_be_set_in_a_text() -> None:
    config = Config(
        text=f"""
        [eth-network]
        network = https://node.example/v3/key
        address.file = ~/address.json
        gas_limit = 5
        chain_id = 137
        transaction.max_fee = 0.25
        transaction.timeout = 1.5
        dtfactory.address = {ADDRESS}
        [resources]
        metadata_cache_uri = http://cache
        provider.url = http://provider
        provider.address = {ADDRESS.lower()}
        downloads.path = /tmp/x
        timeout.connect = 1
        timeout.read = 2
        timeout.total = 3
        timeout.file_total = 4
        cache.lifetime = 0
        answer.max_bytes = 6
        auth_token = on
        """
    )

    assert config.network_url == "https://node.example/v3/key"
    assert config.address_file == str(Path("~/address.json").expanduser().resolve())
    assert config.gas_limit == 5
    assert config.chain_id == 137
    assert config.max_fee_wei == 25 * 10**16
    assert config.transaction_timeout_s == 1.5
    assert config.get("eth-network", "dtfactory.address") == ADDRESS
    assert config.metadata_cache_uri == "http://cache"
    assert config.provider_url == "http://provider"
    assert config.provider_address == ADDRESS
    assert config.downloads_path == "/tmp/x"
    assert config.connect_timeout_s == 1
    assert config.read_timeout_s == 2
    assert config.total_timeout_s == 3
    assert config.file_total_timeout_s == 4
    assert config.cache_lifetime_s == 0
    assert config.max_answer_bytes == 6
    assert config.use_auth_token is True


def test_numbers_and_switches_of_a_dict_need_no_quotes() -> None:
    config = with_resources(timeout__connect=1.5, auth_token=True, answer__max_bytes=7)

    assert (config.connect_timeout_s, config.use_auth_token, config.max_answer_bytes) == (1.5, 1, 7)


def test_a_file_is_read_by_name_or_through_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.ini"
    path.write_text("[resources]\nprovider.url = http://file\n", encoding="utf-8")
    assert Config(str(path)).provider_url == "http://file"
    assert Config(path).provider_url == "http://file"

    monkeypatch.setenv("CONFIG_FILE", str(path))

    assert Config().provider_url == "http://file"
    assert Config(options_dict={}).provider_url == "http://file"
    assert Config(text="").provider_url == ""


def test_without_any_config_it_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="set CONFIG_FILE"):
        Config()


@pytest.mark.parametrize("content", ["network = x", "[a]\n[a]", "[a]\nx=1\nx=2", "[a]\nnonsense"])
def test_a_file_that_cannot_be_read_is_an_error_without_its_lines(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "config.ini"
    path.write_text(f"; comment\n{content} secret", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"cannot be read .* in line [234]") as caught:
        Config(path)

    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_or_is_no_text_is_an_error(tmp_path: Path) -> None:
    binary = tmp_path / "config.ini"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match=r"Cannot read the config file .*no such file"):
        Config(tmp_path / "none.ini")
    with pytest.raises(ConfigError, match=r"Cannot read the config file .*not UTF-8 text"):
        Config(binary)


@pytest.mark.parametrize(
    "options", [{"resources": 5}, {"resources": {"provider.url": None}}, [1], "text"]
)
def test_a_dict_of_another_shape_is_an_error(options: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Config(options_dict=options)


def test_an_unknown_argument_is_refused_with_the_right_name() -> None:
    with pytest.raises(ConfigError, match=r"got 'option_dict'. Did you mean options_dict"):
        Config(option_dict={})


def test_arguments_that_have_no_effect_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    config = Config(text="[resources]\n", options_dict={"resources": {"provider.url": "http://x"}})

    assert config.provider_url == ""
    assert "only one of filename, text and options_dict is used" in caplog.text


@pytest.mark.parametrize(
    ("name", "section", "option", "value"),
    [
        ("NETWORK_URL", "eth-network", "network", "http://env:1"),
        ("ADDRESS_FILE", "eth-network", "address.file", "/tmp/env.json"),
        ("GAS_LIMIT", "eth-network", "gas_limit", "77"),
        ("CHAIN_ID", "eth-network", "chain_id", "137"),
        ("MAX_TRANSACTION_FEE", "eth-network", "transaction.max_fee", "5"),
        ("DATA_TOKEN_FACTORY_ADDRESS", "eth-network", "dtfactory.address", ADDRESS),
        ("METADATA_CACHE_URI", "resources", "metadata_cache_uri", "http://env:2"),
        ("AQUARIUS_URL", "resources", "metadata_cache_uri", "http://env:3"),
        ("PROVIDER_URL", "resources", "provider.url", "http://env:4/a%20b"),
        ("PROVIDER_ADDRESS", "resources", "provider.address", ADDRESS),
    ],
)
def test_the_environment_overrides_unless_it_is_empty(
    monkeypatch: pytest.MonkeyPatch, name: str, section: str, option: str, value: str
) -> None:
    before = Config(options_dict={}).get(section, option, fallback=None)
    monkeypatch.setenv(name, "")
    assert Config(options_dict={}).get(section, option, fallback=None) == before

    monkeypatch.setenv(name, value)

    assert Config(options_dict={}).get(section, option) == value


def test_a_wrong_value_in_the_environment_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAS_LIMIT", "much")

    with pytest.raises(ConfigError, match=r"eth-network.gas_limit must be a whole number above 0"):
        Config(options_dict={})


def test_the_old_name_of_the_metadata_cache_still_works(caplog: pytest.LogCaptureFixture) -> None:
    config = with_resources(aquarius__url="http://old")

    assert config.metadata_cache_uri == "http://old"
    assert not config.has_option("resources", "aquarius.url")
    assert "resources.aquarius.url is deprecated" in caplog.text


@pytest.mark.parametrize("uri", ["http://new", "http://localhost:5000"])
def test_old_and_new_name_together_are_a_conflict(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"Both resources.metadata_cache_uri and"):
        with_resources(aquarius__url="http://old", metadata_cache_uri=uri)


def test_old_and_new_variable_together_are_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AQUARIUS_URL", "http://old")
    monkeypatch.setenv("METADATA_CACHE_URI", "http://new")

    with pytest.raises(ConfigError, match="Both METADATA_CACHE_URI and AQUARIUS_URL"):
        Config(options_dict={})
    assert deprecated_environ_names["aquarius.url"][0] == "AQUARIUS_URL"


@pytest.mark.parametrize(
    ("section", "option", "value", "said"),
    [
        ("eth-network", "network", "localhost:8545", "an absolute http"),
        ("eth-network", "network", "ws://localhost:8546", "an absolute http"),
        ("eth-network", "network", "rinkebi", "an absolute http"),
        ("eth-network", "gas_limit", "0", "a whole number above 0, got '0'"),
        ("eth-network", "gas_limit", "1e6", "a whole number above 0"),
        ("eth-network", "chain_id", "mainnet", "a whole number above 0"),
        ("eth-network", "transaction.max_fee", "0", "an amount of ether above 0"),
        ("eth-network", "transaction.max_fee", "1e99999999", "an amount of ether above 0"),
        ("eth-network", "transaction.max_fee", "nan", "an amount of ether above 0"),
        ("eth-network", "transaction.max_fee", "much", "an amount of ether above 0"),
        ("eth-network", "transaction.timeout", "-1", "a number of seconds above 0"),
        ("eth-network", "dtfactory.address", "0x1", "an address"),
        ("resources", "metadata_cache_uri", "http://", "an absolute http"),
        ("resources", "provider.url", "provider", "an absolute http"),
        ("resources", "provider.address", ADDRESS.replace("A", "a", 1), "an address"),
        ("resources", "timeout.connect", "soon", "a number of seconds above 0, got 'soon'"),
        ("resources", "timeout.read", "0", "a number of seconds above 0"),
        ("resources", "timeout.total", "nan", "a number of seconds above 0"),
        ("resources", "timeout.file_total", "inf", "a number of seconds above 0"),
        ("resources", "cache.lifetime", "-1", "a number of seconds, 0 or more"),
        ("resources", "answer.max_bytes", "10 MB", "a whole number above 0"),
        ("resources", "auth_token", "maybe", "one of 0, 1, false"),
    ],
)
def test_a_wrong_value_names_option_and_expectation(
    section: str, option: str, value: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=f"Config option {section}.{option} must be {said}"):
        Config(options_dict={section: {option: value}})


def test_a_value_that_is_changed_later_is_checked_when_it_is_read() -> None:
    config = Config(options_dict={})
    config.set("eth-network", "gas_limit", "x")

    with pytest.raises(ConfigError):
        _ = config.gas_limit
    config.remove_option("eth-network", "gas_limit")
    with pytest.raises(ConfigError, match=r"eth-network.gas_limit is not set"):
        _ = config.gas_limit


def test_the_network_names_of_ocean_py_are_kept() -> None:
    assert Config(options_dict={"eth-network": {"network": "ganache"}}).network_url == "ganache"


def test_options_may_refer_to_others_and_a_lone_percent_says_so() -> None:
    config = with_resources(host="h", provider__url="http://%(host)s")
    assert config.provider_url == "http://h"

    for option in ("provider.url", "aquarius.url"):
        with pytest.raises(ConfigError, match="rite %% for a percent sign"):
            Config(options_dict={"resources": {option: "http://h/a%20b"}})
        with pytest.raises(ConfigError, match="rite %% for a percent sign"):
            Config(text=f"[resources]\n{option} = http://h/a%20b")
        assert Config(text=f"[resources]\n{option} = http://h/a%%20b")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("provider_url", "Did you mean provider.url"),
        ("Timeout.Conect", "Did you mean timeout.connect"),
        ("storage.path", "no effect."),
    ],
)
def test_an_unknown_option_is_warned_of_without_its_value(
    caplog: pytest.LogCaptureFixture, option: str, said: str
) -> None:
    Config(options_dict={"resources": {option: "hidden"}})

    assert f"resources.'{option.lower()}' is not known" in caplog.text
    assert said in caplog.text
    assert "hidden" not in caplog.text


def test_a_mistyped_section_is_warned_of_and_another_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Config(options_dict={"resource": {}, "my-app": {"x": 1}})

    assert "[resource] is not known and has no effect. Did you mean resources?" in caplog.text
    assert "my-app" not in caplog.text


def test_known_options_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    Config(options_dict={"eth-network": {"bfactory.address": "", "OCEAN.address": ADDRESS}})
    Config(text="[DEFAULT]\nhome = /x\n[resources]\ndownloads.path = %(home)s/y\n")

    assert caplog.text == ""


def test_the_librarys_own_address_file_is_the_default() -> None:
    path = Path(Config(options_dict={}).address_file)

    assert path.is_absolute()
    assert "DTFactory" in json.loads(path.read_text(encoding="utf-8"))["mainnet"]


def test_no_secret_is_in_repr_log_or_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = Config(
        options_dict={
            "eth-network": {"network": f"https://node.example:1/{KEY}?key={KEY}"},
            "resources": {"provider.key": KEY, "provider.url": "http://[::1]:8030"},
        }
    )

    assert repr(config) == (
        "Config(network=https://node.example:1, metadata_cache_uri=(none), "
        "provider.url=http://::1:8030)"
    )
    assert KEY[:8] not in caplog.text
    for option, value in (("auth_token", KEY), ("provider.url", f"http://me:{KEY}@host")):
        with pytest.raises(ConfigError) as caught:
            Config(options_dict={"resources": {option: value}})
        assert KEY[:8] not in str(caught.value)
    config.set("eth-network", "network", "http://[")
    assert "network=…" in repr(config)


def test_a_config_can_be_copied_and_pickled() -> None:
    config = with_resources(provider__url="http://x")

    assert copy.deepcopy(config).provider_url == "http://x"
    assert pickle.loads(pickle.dumps(config)).provider_url == "http://x"


def test_importing_and_reading_the_config_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ocean_lib.config import Config; "
        f"Config(options_dict={{'resources': {{'provider.address': '{ADDRESS}'}}}}).address_file; "
        "heavy = {'web3', 'eth_account', 'eth_utils', 'requests', 'artifacts'}; "
        "sys.exit(bool(heavy & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(
    st.sampled_from([(o.section, o.name) for o in OPTIONS]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.integers() | st.floats(),
)
def test_any_value_is_read_or_refused_with_our_error(option: tuple[str, str], value: Any) -> None:
    section, name = option
    try:
        config = Config(options_dict={section: {name: value}})
    except ConfigError:
        return
    for attribute in dir(type(config)):
        if isinstance(getattr(type(config), attribute), property):
            getattr(config, attribute)
