"""Signatures equal the recorded ones, whoever signs."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.exceptions import InvalidAddress, InvalidInput, SigningFailed
from ocean_lib.web3_internal.signer import Signer, check_signer, sign_text, signer_address
from ocean_lib.web3_internal.transactions import sign_hash
from ocean_lib.web3_internal.wallet import Wallet

VECTORS = Path(__file__).parents[2] / "vectors" / "provider-v3"
PUBLISHER = "0x5d75837394b078ce97bc289fa8d75e21000573520bfa7784a9d28ccaae602bf8"
CONSUMER = "0x8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
GOOD = Account.sign_message(encode_defunct(text="text"), CONSUMER)


def recorded(name: str) -> dict:
    return json.loads((VECTORS / f"{name}.json").read_text())


def signers(key: str) -> list[Signer]:
    account = Account.from_key(key)
    as_bytes = SimpleNamespace(
        address=account.address, sign_message=lambda m: account.sign_message(m).signature
    )
    as_hex = SimpleNamespace(
        address=account.address, sign_message=lambda m: bytes(as_bytes.sign_message(m)).hex()
    )
    return [Wallet(None, key), account, as_bytes, as_hex]


def encrypt_exchange(name: str) -> tuple[str, str]:
    """Return the signed text and the signature of a recorded encrypt call."""
    exchanges = recorded(name)["exchanges"]
    nonce = next(e for e in exchanges if "/nonce?" in e["target"])
    body = json.loads(next(e for e in exchanges if "/encrypt" in e["target"])["request_body"])
    return f"{body['documentId']}{json.loads(nonce['response_body'])['nonce']}", body["signature"]


@pytest.mark.parametrize("name", ["01-publish-algorithm", "02-publish-dataset-compute"])
def test_the_recorded_encrypt_signature_is_made_by_every_kind_of_signer(name):
    text, signature = encrypt_exchange(name)

    assert {sign_text(signer, text) for signer in signers(PUBLISHER)} == {signature}


def test_the_recorded_start_signature_is_made_byte_for_byte():
    exchanges = recorded("10-compute-start-algorithm-did")["exchanges"]
    nonce = json.loads(next(e for e in exchanges if "/nonce?" in e["target"])["response_body"])
    body = json.loads(
        next(e for e in exchanges if e["method"] == "POST" and e["target"].endswith("/compute"))[
            "request_body"
        ]
    )
    text = f"{body['consumerAddress']}{body['documentId']}{nonce['nonce']}"

    assert sign_text(Wallet(None, CONSUMER), text) == body["signature"]


def test_the_recorded_proof_is_made_by_sign_hash():
    ddo = json.loads(recorded("02-publish-dataset-compute")["exchanges"][0]["response_body"])
    asset_id = ddo["id"].replace("did:op:", "0x")

    signature = sign_hash(encode_defunct(text=asset_id), Wallet(None, PUBLISHER))

    assert signature == ddo["proof"]["signatureValue"]


@given(st.text())
def test_any_text_signed_is_recovered_to_its_signer(text):
    wallet = Wallet(None, CONSUMER)
    signature = sign_text(wallet, text)

    recovered = Account.recover_message(encode_defunct(text=text), signature=signature)

    assert recovered == wallet.address
    assert len(signature) == 132
    assert signature[-2:] in ("1b", "1c")


def test_text_without_utf8_form_is_refused():
    with pytest.raises(InvalidInput, match="surrogates"):
        sign_text(Wallet(None, CONSUMER), "\ud800")


def fake(answer) -> SimpleNamespace:
    return SimpleNamespace(
        address=Account.from_key(CONSUMER).address,
        sign_message=lambda m: answer() if callable(answer) else answer,
    )


def test_a_recovery_byte_of_0_or_1_becomes_27_or_28():
    raw = bytes(GOOD.signature)

    assert sign_text(fake(raw[:-1] + bytes([raw[-1] - 27])), "text") == "0x" + raw.hex()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        "0x",
        "0x12",
        bytes(64),
        bytes(66),
        bytes(64) + b"\x25",
        "g" * 130,
        5,
        SimpleNamespace(signature=None),
        "0x" + "00" * 64 + "1d",
    ],
)
def test_what_is_no_signature_is_refused(answer):
    with pytest.raises(SigningFailed, match="65 bytes"):
        sign_text(fake(answer), "text")


def test_what_a_signer_raises_is_not_passed_on():
    def leak():
        raise RuntimeError(f"hsm said {CONSUMER}")

    with pytest.raises(SigningFailed, match="RuntimeError") as caught:
        sign_text(fake(leak), "text")

    assert CONSUMER not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "obj",
    [
        None,
        "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7",
        SimpleNamespace(),
        SimpleNamespace(address=5, sign_message=print),
        SimpleNamespace(address="0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"),
    ],
)
def test_what_cannot_sign_is_refused_before_anything_is_sent(obj):
    with pytest.raises(InvalidInput, match="wallet is needed"):
        check_signer(obj)


def test_a_wrong_checksum_in_a_signers_address_is_refused():
    with pytest.raises(InvalidAddress):
        check_signer(
            SimpleNamespace(
                address="0x02354a1F160A3fd7ac8b02ee91F04104440B28E7", sign_message=print
            )
        )


def test_a_signers_address_is_given_in_checksum_spelling():
    signer = fake(None)
    signer.address = signer.address.lower()

    assert signer_address(signer) == "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"
    assert check_signer(signer) is signer
