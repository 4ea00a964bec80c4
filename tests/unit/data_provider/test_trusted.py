"""Which Providers get signatures, by the config alone: no name is looked up for it."""

from __future__ import annotations

import pytest

from ocean_lib.backends.signing import check_trusted
from ocean_lib.config import Config
from ocean_lib.exceptions import ConfigError, ProviderNotTrusted
from ocean_lib.http.origins import origin_of

DID = "did:op:" + "12" * 20
HOME = "https://provider.example"
HERE = "http://127.0.0.1:8030"
TRUSTED = [
    (HOME, "", f"{HOME}/api/v1/services/compute"),
    (HOME, "", "https://PROVIDER.example:443/x"),
    ("http://provider.example", "", HOME),
    ("http://provider.example:8030", "", "https://provider.example:8030"),
    (HERE, "", "http://127.0.0.1:9"),
    (HERE, "", "http://localhost:8030"),
    ("http://localhost:8030", "", "https://127.9.9.9"),
    ("http://[::1]:8030", "", "http://[::ffff:127.0.0.1]:1"),
    ("", "provider.example", f"{HOME}:8030/x"),
    ("", "provider.example:8030", f"{HOME}:8030/x"),
    ("", "a.example, https://provider.example/", HOME),
    ("", "a.example\n  provider.example", "http://provider.example"),
    ("", "http://provider.example", HOME),
    ("", "[2001:db8::1]:80", "http://[2001:db8::1]/x"),
    ("", "*", "http://anything.example:1"),
    (HOME, "*", "http://127.0.0.1:9"),
]
NOT_TRUSTED = [
    ("", "", HOME),
    ("", "", HERE),
    (HOME, "", "http://provider.example"),
    (HOME, "", f"{HOME}:8443"),
    ("http://provider.example", "", "https://provider.example:8030"),
    ("http://provider.example:8030", "", HOME),
    (HOME, "", "https://evil.provider.example"),
    (HOME, "", "https://provider.example.evil"),
    (HOME, "", "https://provider.exampl"),
    (HOME, "", "https://evil.example/provider.example"),
    (HOME, "", "http://127.0.0.1:8030"),
    (HERE, "", HOME),
    (HERE, "", "http://127.0.0.1.example"),
    (HERE, "", "http://localhost.example"),
    (HERE, "", "http://0.0.0.0:8030"),
    (HERE, "", "http://169.254.169.254"),
    ("", "provider.example:8030", HOME),
    ("", HOME, "http://provider.example"),
    ("", "provider.example", "https://evil.provider.example"),
    ("", "127.0.0.1:8030", "http://127.0.0.1:9"),
]


def config_of(url: str, trusted: str) -> Config:
    return Config(options_dict={"resources": {"provider.url": url, "provider.trusted": trusted}})


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROVIDER_URL", "PROVIDER_TRUSTED"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("configured", "trusted", "url"), TRUSTED)
def test_a_provider_that_the_config_names_is_trusted(
    configured: str, trusted: str, url: str
) -> None:
    check_trusted(config_of(configured, trusted), url, DID)


@pytest.mark.parametrize(("configured", "trusted", "url"), NOT_TRUSTED)
def test_any_other_is_refused_with_the_line_to_add(configured: str, trusted: str, url: str) -> None:
    config = config_of(configured, trusted)

    with pytest.raises(ProviderNotTrusted) as caught:
        check_trusted(config, url, DID)

    error = caught.value
    assert (error.origin, error.did) == (str(origin_of(url)), DID)
    assert error.origin in str(error)
    assert DID in str(error)
    assert str(error).endswith(f"provider.trusted = {error.trusted}")
    check_trusted(config_of(configured, error.trusted), url, DID)


@pytest.mark.parametrize(
    "entry",
    [
        "https://",
        "ftp://provider.example",
        "https://provider.example/path",
        "provider.example?key=1",
        "https://me:hunter2@provider.example",
        "me:hunter2@provider.example",
        "provider.example:port",
        "provider.example:0",
        "*.example, https://[::1",
    ],
)
def test_what_is_no_host_and_no_origin_is_refused_without_its_password(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"provider\.trusted") as caught:
        config_of("", f"a.example, {entry}")

    assert "hunter2" not in str(caught.value)


def test_the_environment_can_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_TRUSTED", "provider.example")

    check_trusted(Config(options_dict={}), HOME)


def test_a_config_can_trust_from_now_on() -> None:
    config = config_of("", "a.example")

    config.trust_provider(HOME)

    check_trusted(config, HOME)
    check_trusted(config, "https://a.example")
    with pytest.raises(ConfigError):
        config.trust_provider("https://provider.example/path")
