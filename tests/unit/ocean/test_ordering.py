"""What is not worth its tokens is not paid: no such asset, no such service, too little."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.v3 import orders as _ordering
from ocean_lib.exceptions import (
    AssetNotFound,
    ConfigError,
    ConnectFailed,
    InvalidAddress,
    InvalidDid,
    InvalidInput,
    InvalidUrl,
    MalformedResponse,
    OceanError,
    RequestTimeout,
)
from ocean_lib.http.deadline import current_deadline, time_limit
from ocean_lib.ocean.ocean_assets import OceanAssets

TOKEN = "0x16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"
DID = "did:op:" + TOKEN[2:]
COMPUTE, METADATA = 4, 0
KEY = "0x" + "c0ffee01" * 8
WALLET = SimpleNamespace(
    address="0x02354A1F160A3fd7ac8b02ee91F04104440B28E7", sign_message=lambda _: None
)


class Paid(Exception):
    """All checks are passed: the payer's balance is asked for."""


class Token:
    """Stands where the chain would be asked."""

    def __init__(self, address: str, **_: Any) -> None:
        self.address = address

    def balanceOf(self, account: str) -> int:
        raise Paid


@pytest.fixture(autouse=True)
def _no_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ordering, "DataToken", Token)


@pytest.fixture
def ddo(dataset_ddo: dict[str, Any]) -> dict[str, Any]:
    assert dataset_ddo["id"] == DID
    return dataset_ddo


@pytest.fixture
def asset_of(ddo: dict[str, Any]) -> Callable[[str], Asset]:
    def look(did: str) -> Asset:
        if did != DID:
            raise AssetNotFound(f"no {did}.", status_code=404)
        return Asset(dictionary=ddo)

    return look


def pay(amount: Any = 1, did: Any = DID, index: Any = COMPUTE, **more: Any) -> str:
    given = {"token_address": TOKEN, "fee_receiver": None, "from_wallet": WALLET} | more
    return OceanAssets.pay_for_service(
        amount=amount, did=did, service_id=index, web3=SimpleNamespace(), **given
    )


def compute_main(ddo: dict[str, Any]) -> dict[str, Any]:
    (service,) = [each for each in ddo["service"] if each["index"] == COMPUTE]
    main: dict[str, Any] = service["attributes"]["main"]
    return main


@pytest.mark.parametrize(
    "did",
    [
        None,
        0,
        True,
        b"did:op:" + b"1b" * 20,
        [],
        10**5000,
        "",
        KEY,
        "0x1",
        "did:op:x",
        "did:op:" + KEY,
    ],
    ids=lambda did: type(did).__name__,
)
def test_what_is_no_did_is_refused_first(did):
    with pytest.raises(InvalidDid) as caught:
        pay(did=did, token_address=None, from_wallet=None)

    assert "c0ffee" not in str(caught.value)


@pytest.mark.parametrize("address", [None, 5, b"x", "0x1", KEY, int])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InvalidAddress, match="token_address"):
        pay(token_address=address)


@pytest.mark.parametrize("name", ["consumer", "fee_receiver"])
def test_an_account_that_is_none_is_refused_before_the_chain_is_asked(name):
    with pytest.raises(InvalidAddress, match=f"^{name} must be"):
        pay(**{name: "0x1"})


@pytest.mark.parametrize("index", [10**5000, 2**256], ids=["huge", "one more"])
def test_an_index_that_no_contract_holds_is_refused_without_a_lookup(index):
    with pytest.raises(InvalidInput, match=r"service_id.*Nothing was sent"):
        pay(index=index)


@pytest.mark.parametrize(
    ("index", "fault"),
    [(77, "has no service of index 77"), (METADATA, "is its metadata and cannot be ordered")],
)
def test_a_service_that_cannot_be_ordered_is_not_paid(asset_of, index, fault):
    with pytest.raises(InvalidInput, match=fault) as caught:
        pay(index=index, asset_of=asset_of)

    said = str(caught.value)
    assert said.endswith("Services that can be ordered: 4 (compute). Nothing was sent.")


@pytest.mark.parametrize("amount", [0, 0.5, "0.999999999999999999"])
def test_less_than_the_price_is_not_paid(asset_of, amount):
    with pytest.raises(InvalidInput) as caught:
        pay(amount, asset_of=asset_of)

    said = str(caught.value)
    assert f"costs 1, and the amount is {amount}" in said
    assert said.endswith("Pay what order() says, or more. Nothing was sent.")


@pytest.mark.parametrize("amount", [1, 1.0, "1", "1.000000000000000001", 3])
def test_the_price_and_more_is_paid(asset_of, amount):
    with pytest.raises(Paid):
        pay(amount, asset_of=asset_of)


@pytest.mark.parametrize(("cost", "amount"), [(0, 0), ("0", 0), (0.1, 0.1), ("2.5", "2.5")])
def test_whatever_way_a_price_is_written_it_is_what_to_pay(ddo, asset_of, cost, amount):
    compute_main(ddo)["cost"] = cost

    with pytest.raises(Paid):
        pay(amount, asset_of=asset_of)


@pytest.mark.parametrize("cost", [None, "free", -1, [], "NaN", "Infinity", "1e5000"])
def test_a_price_that_nobody_can_pay_is_the_publishers_to_mend(ddo, asset_of, cost):
    compute_main(ddo)["cost"] = cost

    with pytest.raises(InvalidInput, match=r"costs more than|no price.*Ask the publisher") as error:
        pay(asset_of=asset_of)

    assert str(error.value).endswith("Nothing was sent.")


def test_a_service_without_its_main_part_is_not_paid(ddo, asset_of):
    (service,) = [each for each in ddo["service"] if each["index"] == COMPUTE]
    service["attributes"] = {}

    with pytest.raises(InvalidInput, match=r"main.*Nothing was sent"):
        pay(asset_of=asset_of)


def test_an_asset_that_the_cache_does_not_have_is_not_paid(ddo):
    def look(did: str) -> Asset:
        raise AssetNotFound(f"no {did}.", status_code=404)

    with pytest.raises(AssetNotFound, match=rf"^no {DID}\. Nothing was sent\.$"):
        pay(asset_of=look)


@pytest.mark.parametrize("spelling", [DID.lower(), TOKEN, TOKEN.lower(), TOKEN[2:]])
def test_an_asset_is_found_under_any_spelling_that_ocean_py_took(asset_of, spelling):
    with pytest.raises(Paid):
        pay(did=spelling, asset_of=asset_of)
    with pytest.raises(InvalidInput, match="index 77"):
        pay(did=spelling, index=77, asset_of=asset_of)


AWAY = [
    ConnectFailed("away"),
    RequestTimeout("slow"),
    MalformedResponse("no DDO", status_code=200),
    ConfigError("no metadata_cache_uri"),
    InvalidUrl("no URL"),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_when_the_cache_cannot_be_asked_it_is_paid_all_the_same_and_logged(error, caplog):
    def look(did: str) -> Asset:
        raise error

    with caplog.at_level(logging.WARNING), pytest.raises(Paid):
        pay(0.5, index=77, asset_of=look)

    assert "paid for without checking the asset" in caplog.text


def test_a_silent_cache_does_not_hold_the_payment_up_for_long():
    left: list[float] = []

    def look(did: str) -> Asset:
        deadline = current_deadline()
        assert deadline is not None
        left.append(deadline.remaining())
        raise RequestTimeout("slow")

    with time_limit(600), pytest.raises(Paid):
        pay(asset_of=look)

    assert left[0] <= _ordering.LOOK_UP_S
    assert current_deadline() is None


def test_when_the_callers_time_is_over_nothing_is_paid():
    def look(did: str) -> Asset:
        deadline = current_deadline()
        assert deadline is not None
        deadline.pause(60)
        raise RequestTimeout("The time is over.")

    with time_limit(0.001), pytest.raises(RequestTimeout, match=r"over\. Nothing was sent"):
        pay(asset_of=look)


def test_on_the_class_nothing_is_looked_up():
    with pytest.raises(Paid):
        pay(0.5, index=77)


def test_errors_of_the_lookup_that_are_not_ours_are_not_swallowed():
    def look(did: str) -> Asset:
        raise KeyError("a fault of the caller's own")

    assert not issubclass(KeyError, OceanError)
    with pytest.raises(KeyError):
        pay(asset_of=look)
