"""Recovering who signed: recorded signatures of ocean-lib, and everything malformed."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.localnet.dialects.v3.signatures import is_auth_token, signed_by
from ocean_lib.localnet.eip191 import UnreadableSignature, message_hash, recover
from tests.unit.localnet.recorded import CONSUMER, CONSUMER_KEY, answer, last

ACCOUNT = Account.from_key(CONSUMER_KEY)


def _sign(text: str) -> str:
    return "0x" + ACCOUNT.sign_message(encode_defunct(text=text)).signature.hex().removeprefix("0x")


@pytest.mark.parametrize("label", ["10-compute-start-algorithm-did", "20-compute-start-raw"])
def test_a_recorded_start_was_signed_by_its_consumer(label: str) -> None:
    nonce = int(answer(label, "provider", "GET", "/nonce")["nonce"])
    body = json.loads(last(label, "provider", "POST", "/compute")["request_body"])
    text = f"{CONSUMER}{body['jobId']}{body['documentId']}"

    assert signed_by(CONSUMER, text, nonce, body["signature"])
    assert not signed_by(CONSUMER, text, nonce + 1, body["signature"])


@pytest.mark.parametrize("label", ["12-compute-status-finished", "22-compute-stop"])
def test_a_recorded_query_was_signed_by_its_consumer(label: str) -> None:
    nonce = int(answer(label, "provider", "GET", "/nonce")["nonce"])
    method = "PUT" if "stop" in label else "GET"
    target = last(label, "provider", method, "/compute")["target"]
    query = dict(parse_qsl(urlsplit(target).query))
    text = f"{CONSUMER}{query['jobId']}{query['documentId']}"

    assert signed_by(CONSUMER, text, nonce, query["signature"])


@given(st.text())
def test_the_prefix_counts_bytes(text: str) -> None:
    assert recover(text, _sign(text)) == CONSUMER
    assert len(message_hash(text)) == 32


def test_an_address_matches_in_any_letter_case() -> None:
    assert signed_by(CONSUMER.lower(), "text", 5, _sign("text5"))


def test_all_spellings_of_v_count() -> None:
    signature = _sign("text")
    small = f"{signature[:-2]}{int(signature[-2:], 16) - 27:02x}"

    assert recover("text", small) == CONSUMER
    assert recover("text", f"{small[:-2]}{int(small[-2:], 16) + 30:02x}") == CONSUMER
    assert recover("text", signature.removeprefix("0x")) == CONSUMER


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("0x12", "invalid signature, expecting bytes of length 65, got 1"),
        ("zz", "Non-hexadecimal digit found"),
        ("0x1", "Odd-length string"),
        ("", "invalid signature, expecting bytes of length 65, got 0"),
        ("0x" + f"{5:064x}{1:064x}1b", "failed to recover ECDSA public key"),
        ("0x" + "00" * 65, "failed to recover ECDSA public key"),
        ("é" * 130, ""),
    ],
)
def test_what_cannot_be_recovered_says_why(signature: str, message: str) -> None:
    with pytest.raises(UnreadableSignature) as error:
        recover("text", signature)

    assert message in str(error.value)


@given(st.binary(min_size=65, max_size=65))
def test_any_65_bytes_give_an_address_or_our_error(data: bytes) -> None:
    try:
        address = recover("text", data.hex())
    except UnreadableSignature:
        return
    assert address.startswith("0x")


@pytest.mark.parametrize(("age_s", "good"), [(0, True), (23 * 3600, True), (25 * 3600, False)])
def test_an_auth_token_is_good_for_a_day(age_s: int, good: bool) -> None:
    seconds = int(time.time()) - age_s
    token = f"{_sign(f'Ocean Protocol Authentication{chr(10)}{seconds}')}-{seconds}"

    assert is_auth_token(token)
    assert signed_by(CONSUMER, "whatever", 3, token) is good


def test_an_auth_token_from_the_future_is_good_as_with_the_real_provider() -> None:
    seconds = int(time.time()) + 3600
    token = f"{_sign(f'Ocean Protocol Authentication{chr(10)}{seconds}')}-{seconds}"

    assert signed_by(CONSUMER, "whatever", 3, token)


@pytest.mark.parametrize("seconds", ["", "²", "-5", "1e3", "9" * 5000])
def test_what_has_no_time_is_not_an_auth_token(seconds: str) -> None:
    assert not is_auth_token(f"0x{'11' * 65}-{seconds}")
