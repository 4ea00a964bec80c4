"""The quick way to sign gives the bytes that eth-account gives, with and without coincurve."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.web3_internal.signer import OwnKey, sign_text
from ocean_lib.web3_internal.wallet import Wallet

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEYS = st.integers(min_value=1, max_value=ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
KEY = b"\x84" * 32


@given(KEYS, st.binary(max_size=300))
def test_address_and_signature_are_eth_accounts(key, message):
    own = OwnKey(key)

    account = Account.from_key(key)
    assert own.address == account.address
    assert own.sign_personal(message) == bytes(
        account.sign_message(encode_defunct(primitive=message)).signature
    )


def test_without_coincurve_the_same_comes_from_eth_keys(monkeypatch):
    quick = OwnKey(KEY)
    monkeypatch.setitem(sys.modules, "coincurve", None)  # importing it now fails

    slow = OwnKey(KEY)

    assert slow._sign_hash.__code__ is not quick._sign_hash.__code__
    assert slow.address == quick.address
    assert slow.sign_personal(b"text") == quick.sign_personal(b"text")


def test_a_wallet_signs_bytes_as_it_signs_the_message_of_them():
    wallet = Wallet(None, KEY)

    signature = wallet.sign_personal(b"text")

    assert signature == bytes(wallet.sign_message(encode_defunct(b"text")).signature)
    assert sign_text(wallet, "text") == "0x" + signature.hex()


def test_a_subclass_with_its_own_way_of_signing_is_asked():
    class Asking(Wallet):
        asked = 0

        def sign_message(self, signable_message: Any) -> Any:
            self.asked += 1
            return super().sign_message(signable_message)

    wallet = Asking(None, KEY)

    signature = sign_text(wallet, "text")

    assert wallet.asked == 1
    assert signature == sign_text(Wallet(None, KEY), "text")


def test_a_wallets_address_is_that_of_its_key():
    wallet = Wallet(None, KEY)

    with pytest.raises(AttributeError, match="that of its key"):
        wallet.address = "0x" + "1" * 40

    assert wallet.address == Account.from_key(KEY).address


@pytest.mark.parametrize("name", ["_key", "_sign_hash"])
def test_neither_the_key_nor_what_signs_shows_it(name):
    wallet = Wallet(None, KEY)

    assert KEY.hex() not in repr(getattr(wallet, name)) + repr(vars(wallet))
    assert repr(KEY)[2:-1] not in repr(getattr(wallet, name)) + repr(vars(wallet))
