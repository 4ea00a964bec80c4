"""A wallet signs as recorded, and its key stays in it."""

import copy
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from ocean_lib.exceptions import (
    InvalidAddress,
    InvalidInput,
    SigningFailed,
    WalletError,
    WrongPassword,
)
from ocean_lib.web3_internal.wallet import Wallet

KEY = "0x8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
ADDRESS = "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"
MNEMONIC = "test test test test test test test test test test test junk"
HEX = KEY[2:]
# The digits in any spelling: hex, or the bytes' repr or decimal value.
SECRETS = (HEX, repr(bytes.fromhex(HEX))[2:-1], str(int(HEX, 16)))


def holds_key(text: str) -> bool:
    return any(secret.lower() in text.lower() for secret in SECRETS)


@pytest.fixture
def wallet() -> Wallet:
    return Wallet(None, private_key=KEY)


@pytest.fixture(scope="module")
def keystore() -> dict:
    return dict(Account.encrypt(KEY, "secret", kdf="pbkdf2", iterations=10))


@pytest.mark.parametrize("key", [KEY, HEX, HEX.upper(), bytes.fromhex(HEX), f" {KEY}\n"])
def test_a_key_is_taken_in_every_usual_spelling(key):
    assert Wallet(None, private_key=key).address == ADDRESS


@pytest.mark.parametrize(
    "key",
    ["0x12", HEX[:-1], HEX + "0", "z" * 64, "0x" + "0" * 64, "f" * 64, b"\x01" * 31, 5, "ключ"],
)
def test_a_bad_key_is_refused_without_being_quoted(key):
    with pytest.raises(WalletError) as caught:
        Wallet(None, private_key=key)

    text = "".join(traceback.format_exception(caught.value))
    assert str(key) not in str(caught.value) or key == 5
    assert HEX[:-1] not in text
    assert caught.value.__context__ is None


def test_a_wallet_needs_a_key_or_a_keystore_with_its_password(keystore):
    with pytest.raises(AssertionError, match="private_key"):
        Wallet(None)
    with pytest.raises(InvalidInput, match="password"):
        Wallet(None, encrypted_key=keystore)


def test_the_key_must_belong_to_the_address_given():
    assert Wallet(None, KEY, address=ADDRESS.lower()).address == ADDRESS
    with pytest.raises(InvalidInput, match="belongs to"):
        Wallet(None, KEY, address="0xA78deb2Fa79463945C247991075E2a0e98Ba7A09")
    with pytest.raises(InvalidAddress):
        Wallet(None, KEY, address="0x12")


def test_the_key_is_in_no_dump_of_the_wallet(wallet):
    dumps = [repr(wallet), str(wallet), f"{wallet}", repr(vars(wallet)), repr(wallet.__dict__)]
    dumps += [wallet.keys_str(), repr([getattr(wallet, n, None) for n in dir(wallet)])]

    assert not any(holds_key(dump) for dump in dumps)


def test_a_wallet_cannot_be_pickled(wallet):
    with pytest.raises(WalletError, match="to_keystore"):
        pickle.dumps(wallet)


def test_a_copy_is_the_same_wallet(wallet):
    assert copy.copy(wallet) is wallet
    assert copy.deepcopy({"wallet": wallet})["wallet"] is wallet


@pytest.mark.parametrize("name", ["private_key", "key", "password", "no_such_thing"])
def test_the_old_secret_attributes_are_gone(wallet, name):
    assert not hasattr(wallet, name)
    with pytest.raises(AttributeError, match=name):
        getattr(wallet, name)


def test_the_one_way_out_is_named_unsafe(wallet):
    assert wallet.unsafe_private_key() == KEY


def test_keys_str_answers_without_the_private_key(wallet):
    assert wallet.keys_str().startswith(f"address: {ADDRESS}\npublic key: 0x")


def test_a_keystore_opens_from_dict_text_and_file(keystore, tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(keystore))

    sources = (keystore, json.dumps(keystore), path, str(path))

    assert {Wallet.from_keystore(None, s, "secret").address for s in sources} == {ADDRESS}
    assert Wallet(None, encrypted_key=keystore, password="secret").address == ADDRESS


def test_a_wrong_password_says_so_without_quoting_it(keystore):
    with pytest.raises(WrongPassword) as caught:
        Wallet.from_keystore(None, keystore, "".join(["hunt", "er2"]))

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "source",
    ["{not json", "[1]", {}, {"version": 3}, {"version": 9, "crypto": {}}, "/no/such/file", 5],
)
def test_a_broken_keystore_is_a_wallet_error(source):
    with pytest.raises(WalletError):
        Wallet.from_keystore(None, source, "secret")


def test_a_password_must_be_text(keystore):
    with pytest.raises(InvalidInput):
        Wallet.from_keystore(None, keystore, 5)


def test_a_wallet_goes_into_a_keystore_and_back(wallet):
    stored = wallet.to_keystore("pässword")

    assert not holds_key(json.dumps(stored))
    assert Wallet.from_keystore(None, stored, "pässword").address == ADDRESS
    with pytest.raises(InvalidInput):
        wallet.to_keystore("")


def test_a_mnemonic_gives_the_known_accounts():
    first = Wallet.from_mnemonic(None, MNEMONIC)
    second = Wallet.from_mnemonic(None, MNEMONIC, account_path="m/44'/60'/0'/0/1")

    assert first.address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert second.address == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def test_loading_a_mnemonic_switches_nothing_on_for_others():
    Wallet.from_mnemonic(None, MNEMONIC)

    with pytest.raises(AttributeError):
        Account.from_mnemonic(MNEMONIC)


@pytest.mark.parametrize(
    ("words", "path"), [("alpha bravo charlie", "m/44'/60'/0'/0/0"), (MNEMONIC, "nonsense")]
)
def test_a_bad_mnemonic_is_refused_without_being_quoted(words, path):
    with pytest.raises(WalletError) as caught:
        Wallet.from_mnemonic(None, words, account_path=path)

    assert words not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_a_wallet_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)

    assert Wallet.from_env(None, "SOME_KEY").address == ADDRESS
    with pytest.raises(WalletError, match="OTHER_KEY"):
        Wallet.from_env(None, "OTHER_KEY")


def test_two_new_wallets_differ():
    assert Wallet.create().address != Wallet.create().address


def test_a_message_is_signed_as_eth_account_does(wallet):
    message = encode_defunct(text="hello")

    assert wallet.sign_message(message) == Account.sign_message(message, KEY)
    assert wallet.sign(message) == wallet.sign_message(message)


def test_signing_what_is_no_message_fails_cleanly(wallet):
    with pytest.raises(SigningFailed, match="encode_defunct") as caught:
        wallet.sign_message("plain text")

    assert caught.value.__context__ is None


def test_a_sign_only_wallet_signs_a_complete_transaction(wallet):
    tx = {"to": ADDRESS, "nonce": 7, "gas": 21000, "gasPrice": 10**9, "chainId": 8996}
    given = dict(tx)

    raw = wallet.sign_tx(tx)

    assert Account.recover_transaction(raw) == ADDRESS
    assert raw == Account.sign_transaction({**tx, "value": 0}, KEY).raw_transaction
    assert tx == given


def test_a_sign_only_wallet_names_the_fields_it_lacks(wallet):
    with pytest.raises(InvalidInput, match="chainId, gas, gasPrice"):
        wallet.sign_tx({"to": ADDRESS}, fixed_nonce=1)


def test_a_transaction_of_another_account_is_refused(wallet):
    with pytest.raises(InvalidInput, match="signs for"):
        wallet.sign_tx({"from": "0xA78deb2Fa79463945C247991075E2a0e98Ba7A09"})


def test_fields_that_make_no_transaction_fail_without_the_key(wallet):
    with pytest.raises(SigningFailed) as caught:
        wallet.sign_tx({"to": "x", "nonce": 1, "gas": 1, "gasPrice": 1, "chainId": 1})

    assert not holds_key("".join(traceback.format_exception(caught.value)))


def test_nothing_of_the_key_is_logged(caplog, keystore):
    caplog.set_level(logging.DEBUG)

    wallet = Wallet.from_keystore(None, keystore, "secret")
    wallet.sign_message(encode_defunct(text="x"))
    wallet.sign_tx({"to": ADDRESS, "nonce": 7, "gas": 21000, "gasPrice": 1, "chainId": 1})

    assert not holds_key(caplog.text)


def test_importing_the_wallet_loads_neither_web3_nor_eth_account():
    code = (
        "import sys, ocean_lib.web3_internal.wallet, ocean_lib.web3_internal.signer;"
        "sys.exit(any(m in sys.modules for m in ('web3', 'eth_account')))"
    )

    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)

    assert done.returncode == 0
