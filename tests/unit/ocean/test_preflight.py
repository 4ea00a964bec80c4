"""Findings, and what they say when somebody does not answer or answers nonsense."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.select import compute_endpoint
from ocean_lib.backends.v3.rules import price_base
from ocean_lib.backends.v3.wrapped import WrappedBackend
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    AquariusError,
    ChainError,
    ConfigError,
    ConnectFailed,
    MalformedResponse,
    NoComputeService,
    OceanError,
    ProviderFault,
    RequestTimeout,
    ServiceUnavailable,
)
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.preflight.algorithm import uses_network
from ocean_lib.preflight.assets import FileProbe, access_findings, look_up, unreachable
from ocean_lib.preflight.chain import ChainReader, ChainUnknown
from ocean_lib.preflight.findings import Finding, Findings, collected, refused, unknown, warning
from ocean_lib.preflight.payment import Purse, order_findings
from tests.flows import raw_code

ROOT = Path(__file__).parents[3]
DID = "did:op:" + "1" * 40


def test_findings_say_what_is_wrong_the_worst_first() -> None:
    findings = Findings(
        [
            warning("w", "Slow.", "Wait."),
            unknown("u", "Silent.", "Ask again."),
            refused("r", "<b>No</b>.", "Pay.", DID),
        ]
    )

    assert str(findings) == (
        "Findings: 1 refused, 1 unknown, 1 warning.\n"
        "refused: <b>No</b>. [r]\n    Pay.\n"
        "unknown: Silent. [u]\n    Ask again.\n"
        "warning: Slow. [w]\n    Wait."
    )
    assert "&lt;b&gt;" in findings._repr_html_()
    assert (findings.codes, len(findings.errors), len(findings.unknowns)) == (["w", "u", "r"], 1, 1)
    assert json.loads(json.dumps(findings.as_dicts()))[2]["subject"] == DID
    assert pickle.loads(pickle.dumps(findings)) == findings


@pytest.mark.parametrize(
    ("found", "ok", "can_order"),
    [
        ([], True, True),
        ([warning("w", "", "")], True, True),
        ([unknown("u", "", "")], False, False),
        ([refused("r", "", "")], False, False),
        ([refused("not-ordered", "", ""), warning("w", "", "")], False, True),
        ([refused("not-ordered", "", ""), refused("balance-too-low", "", "")], False, False),
    ],
)
def test_what_is_not_known_is_not_ok(found: list[Finding], ok: bool, can_order: bool) -> None:
    assert (Findings(found).ok, Findings(found).can_order) == (ok, can_order)


def test_no_findings_read_well() -> None:
    assert str(Findings()) == "Nothing found that stands in the way."
    assert Findings()._repr_html_() == "<p>Nothing found that stands in the way.</p>"
    assert collected([refused("r", "", ""), refused("r", "", "")]).codes == ["r"]


def test_findings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        refused("r", "", "").code = "x"  # type: ignore[misc]


# --- somebody does not answer


@pytest.mark.parametrize(
    "error", [ConnectFailed("x"), RequestTimeout("x"), AquariusError("x"), MalformedResponse("x")]
)
def test_a_silent_metadata_cache_is_unknown(error: OceanError) -> None:
    def ask(_: str) -> Asset:
        raise error

    found = look_up(ask, DID)

    assert isinstance(found, Finding)
    assert (found.severity, found.code, found.subject) == ("unknown", "asset-unknown", DID)


def test_an_asset_without_a_data_token_is_unknown() -> None:
    found = look_up(lambda did: Asset(dictionary={"id": did}), DID)

    assert isinstance(found, Finding)
    assert "dataToken" in found.what


def test_access_rules_that_cannot_be_read_are_unknown(dataset_ddo: dict[str, Any]) -> None:
    dataset_ddo["credentials"] = {"allow": "everybody"}

    (found,) = access_findings(Asset(dictionary=dataset_ddo), "0x" + "1" * 40)

    assert (found.severity, found.code) == ("unknown", "access-rules-unreadable")


class _Provider:
    """A Provider's client whose calls all fail."""

    def __init__(self, error: OceanError) -> None:
        self.error = error
        self.asked = 0

    def files_reachable(self, *_: object) -> list[bool]:
        self.asked += 1
        raise self.error

    check_single_file_info = get_nonce = get_provider_document = files_reachable


def probe_of(provider: _Provider, url: str) -> FileProbe:
    return FileProbe(url, lambda root: WrappedBackend(root, provider))


def test_a_silent_provider_is_told_once_and_not_asked_again() -> None:
    provider = _Provider(ServiceUnavailable("away"))
    probe = probe_of(provider, "http://user:secret@provider/api?token=secret")

    first = probe.of_asset("data set", DID)

    assert isinstance(first, Finding)
    assert (first.severity, first.code) == ("unknown", "provider-unknown")
    assert "secret" not in str(first)
    assert probe.of_asset("data set", DID) is None
    assert probe.of_url("http://x") is None
    assert probe.of_nonce("0x1") is None
    assert provider.asked == 1


def test_a_provider_that_fails_on_an_asset_cannot_open_its_files() -> None:
    probe = probe_of(_Provider(ProviderFault("500")), "http://provider")
    found = probe.of_asset("data set", DID)
    nonce = probe.of_nonce("0x1")

    assert isinstance(found, Finding)
    assert isinstance(nonce, Finding)
    assert (found.severity, found.code) == ("refused", "files-not-readable")
    assert (nonce.severity, nonce.code) == ("unknown", "provider-unknown")
    assert probe.of_url("http://x") is False


@pytest.mark.parametrize(
    ("reached", "words"),
    [([True], ""), ([], "is empty"), ([True, False, False], "file 1, 2 of"), ([False], "file 0")],
)
def test_files_are_named_by_their_place(reached: list[bool], words: str) -> None:
    assert words in unreachable("data set", DID, reached)
    assert bool(unreachable("data set", DID, reached)) is bool(words)


class _Chain(ChainAccess):
    """A chain that fails in one way."""

    def __init__(self, error: OceanError) -> None:
        super().__init__(Config(options_dict={}))
        self.error = error
        self.asked = 0

    @property
    def web3(self) -> Any:
        self.asked += 1
        raise self.error


@pytest.fixture
def dataset(dataset_ddo: dict[str, Any]) -> Asset:
    return Asset(dictionary=dataset_ddo)


@pytest.mark.parametrize("error", [ConfigError("none"), ConnectFailed("down"), ChainError("no")])
def test_without_a_chain_orders_and_balances_are_unknown(dataset: Asset, error: OceanError) -> None:
    service = dataset.get_service("compute")
    assert service is not None
    reader = ChainReader(_Chain(error))
    purse = Purse(reader, "0x" + "1" * 40)

    (order,) = order_findings(reader, "0x" + "1" * 64, dataset, service, "0x1")
    assert list(purse.to_order(dataset, service)) == []
    (balance,) = purse.findings()

    assert (order.severity, order.code) == ("unknown", "order-unknown")
    assert (balance.severity, balance.code) == ("unknown", "balance-unknown")
    assert str(error) in order.what


def test_a_chain_that_is_down_is_not_asked_again() -> None:
    chain = _Chain(ConnectFailed("down"))
    reader = ChainReader(chain)
    for _ in range(3):
        with pytest.raises(ChainUnknown, match="down"):
            reader.transaction("0x" + "1" * 64)

    assert chain.asked == 1


class _Eth:
    def get_balance(self, _: str) -> int:
        return 0


class _Web3:
    eth = _Eth()


def test_the_wallets_chain_serves_where_the_config_names_none() -> None:
    web3: Any = _Web3()

    assert ChainReader(_Chain(ConfigError("none")), web3).has_ether("0x1") is False
    with pytest.raises(ChainUnknown):
        ChainReader(_Chain(ConnectFailed("down")), web3).has_ether("0x1")


NO_PRICES: list[Any] = [None, "x", "", " ", "0x1", True, [], {}, [1], [[1e5000]], b"1"]
NO_PRICES += [-1, "-1e-30", "NaN", "sNaN", float("nan"), "Infinity", float("inf"), -float("inf")]
NO_PRICES += [10**5000, "1e60", "1e5000", "1e999998", "1e999999999999999999999", "9" * 5000]


@pytest.mark.parametrize(
    "cost", NO_PRICES, ids=lambda cost: "huge" if cost == 10**5000 else repr(cost)[:20]
)
def test_a_cost_that_is_none_is_told(dataset: Asset, cost: object) -> None:
    service = dataset.get_service("compute")
    assert service is not None
    service.main["cost"] = cost
    reader = ChainReader(_Chain(ConnectFailed("down")))

    (found,) = Purse(reader, "0x1").to_order(dataset, service)

    assert found.code == "price-unreadable"
    assert len(found.what) < 300


@pytest.mark.parametrize(
    ("cost", "base"),
    [(1.0, 10**18), ("0.1", 10**17), (0, 0), ("-0", 0), (1e-5, 10**13), ("1e-99999999", 0)]
    + [("123456789.1234567891234567895", 123456789123456789123456789), ("1e59", 10**77)],
)
def test_a_price_is_that_of_the_provider(dataset: Asset, cost: object, base: int) -> None:
    service = dataset.get_service("compute")
    assert service is not None
    service.main["cost"] = cost

    assert price_base(service) == base


@pytest.mark.parametrize("endpoint", [None, "", 0, 5, 10**40, [1], {"a": 1}, True], ids=str)
def test_a_compute_service_that_is_nowhere_is_none(
    dataset_ddo: dict[str, Any], endpoint: object
) -> None:
    dataset_ddo["service"][-1]["serviceEndpoint"] = endpoint

    with pytest.raises(NoComputeService, match="no compute service with a serviceEndpoint"):
        compute_endpoint(Asset(dictionary=dataset_ddo))


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("import json\n", ""),
        ("# requests are welcome: https://x\n", ""),
        ("a = 1\n  from urllib.request import urlopen\n", "from urllib.request import urlopen"),
        ("import requests", "import requests"),
        ("#!/bin/sh\ncurl -s x\n", "curl -s x"),
        ("import httplib_of_ours", ""),
    ],
)
def test_code_that_seems_to_use_the_network_is_seen(code: str, line: str) -> None:
    assert uses_network(raw_code(code)) == line


ADVICE = re.compile(r'(?:advised|Advice\.of)\(\s*"[a-z-]+"')


def test_the_guide_lists_every_code_there_is() -> None:
    sources = [
        path.read_text("utf-8")
        for path in (ROOT / "ocean_lib").rglob("*.py")
        if re.search(
            r"ocean_lib/preflight/|backends/v3/(?:trust|offers)|backends/node/(?:rules|asset_findings)|models/algorithm_metadata",
            str(path),
        )
    ]
    used = {
        code
        for text in sources
        for code in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', ADVICE.sub("", text))
        if code not in ("utf-8",)
    }
    guide = (ROOT / "docs" / "preflight.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `([a-z-]+)`", guide, re.MULTILINE))

    assert used == listed
