"""What a user is told whose installation lacks a package."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ocean_lib import Wallet
from ocean_lib.common.utils.packages import needed_for
from ocean_lib.exceptions import PackageMissing
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.util import get_web3
from ocean_lib.web3_internal.signer import sign_text
from ocean_lib.web3_internal.utils import personal_ec_recover

KEY = "0x" + "01" * 32
OF_ETH_ACCOUNT: dict[str, Callable[[], Any]] = {
    "making a keystore": lambda: Wallet(None, private_key=KEY).to_keystore("password"),
    "a mnemonic": lambda: Wallet.from_mnemonic(None, "test " * 11 + "junk"),
    "a transaction": lambda: Wallet(None, private_key=KEY).sign_tx(TRANSACTION),
    "a signer that is no wallet": lambda: sign_text(Signer(), "text"),
    "who signed": lambda: personal_ec_recover("text", "0x" + "11" * 65),
}
TRANSACTION = {
    "nonce": 0,
    "gas": 21000,
    "gasPrice": 1,
    "chainId": 1,
    "value": 0,
    "to": "0x" + "1" * 40,
}


class Signer:
    address = Wallet(None, private_key=KEY).address

    def sign_message(self, signable_message: Any) -> bytes:
        return b""


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Let the package be missing, and with it what has it imported already."""
    monkeypatch.delitem(sys.modules, "ocean_lib.web3_internal._node", raising=False)
    for name in [package, *(n for n in sys.modules if n.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)


def test_a_missing_package_is_named_with_what_needs_it_and_what_brings_it(monkeypatch) -> None:
    without(monkeypatch, "web3")

    with pytest.raises(PackageMissing) as caught:
        get_web3("http://127.0.0.1:1")

    assert caught.value.name == "web3"
    assert str(caught.value) == (
        "The connection to a chain needs the package web3, which is not installed: pip install "
        "ocean-compute, in place of ocean-compute-core, which leaves it out."
    )


@pytest.mark.parametrize("work", OF_ETH_ACCOUNT)
def test_work_that_needs_eth_account_says_so(work: str, monkeypatch) -> None:
    without(monkeypatch, "eth_account")

    with pytest.raises(PackageMissing, match="needs the package eth_account"):
        OF_ETH_ACCOUNT[work]()


def test_the_signature_of_an_event_says_so_too(monkeypatch) -> None:
    without(monkeypatch, "eth_utils")

    with pytest.raises(PackageMissing, match="needs the package eth_utils"):
        DataToken("0x" + "1" * 40).get_event_signature("Transfer")


def test_an_old_clause_for_imports_still_catches(monkeypatch) -> None:
    without(monkeypatch, "eth_account")

    with pytest.raises(ModuleNotFoundError, match="keystore"):
        Wallet.from_keystore(None, {}, "password")


def test_another_failure_within_an_import_stays_what_it_is() -> None:
    with pytest.raises(ImportError, match="cannot import name") as caught, needed_for("This"):
        from ocean_lib import nothing_of_this_name  # noqa: F401

    assert not isinstance(caught.value, PackageMissing)


def test_a_missing_package_that_nobody_named_is_told_of_too() -> None:
    with pytest.raises(PackageMissing, match="needs the package No module"), needed_for("This"):
        raise ModuleNotFoundError("No module of this name")


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_the_error_can_be_copied_and_sent_to_another_process(again) -> None:
    error = PackageMissing("This needs the package x.", name="x")

    assert (again(error).name, str(again(error))) == ("x", "This needs the package x.")
