"""Whatever signs: each kind works in every call, and one that fails or lies is found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import SignableMessage

from ocean_lib.exceptions import (
    InvalidAddress,
    InvalidInput,
    OceanError,
    ResultsWithheld,
    SignatureRejected,
    SigningFailed,
)
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.web3_internal.wallet import Wallet
from tests.players import DID, World, new_wallet, start
from tests.vectors import CONSUMER_KEY

ACCOUNT = Account.from_key(CONSUMER_KEY)


class Custom:
    """A signer of the user's own, whose answer takes some form."""

    def __init__(self, form: Callable[[Any], Any], address: str = ACCOUNT.address) -> None:
        self.address = address
        self._form = form

    def sign_message(self, message: SignableMessage) -> Any:
        return self._form(ACCOUNT.sign_message(message))


def low_v(signed: Any) -> bytes:
    """The last byte as some hardware wallets give it."""
    value = bytes(signed.signature)
    return value[:-1] + bytes([value[-1] - 27])


KINDS: dict[str, Callable[[], Any]] = {
    "Wallet": lambda: Wallet(None, private_key=CONSUMER_KEY),
    "LocalAccount": lambda: ACCOUNT,
    "bytes": lambda: Custom(lambda signed: bytes(signed.signature)),
    "bytearray": lambda: Custom(lambda signed: bytearray(signed.signature)),
    "hex with 0x": lambda: Custom(lambda signed: "0x" + bytes(signed.signature).hex()),
    "hex without 0x": lambda: Custom(lambda signed: bytes(signed.signature).hex()),
    "upper case hex": lambda: Custom(lambda signed: "0X" + bytes(signed.signature).hex().upper()),
    "HexBytes": lambda: Custom(lambda signed: signed.signature),
    "SignedMessage": lambda: Custom(lambda signed: signed),
    "v of 0 or 1": lambda: Custom(low_v),
    "address in lower case": lambda: Custom(lambda signed: signed, ACCOUNT.address.lower()),
}

CALLS: dict[str, Callable[[OceanCompute, str, Any], Any]] = {
    "start": lambda c, _, w: start(c, w),
    "result": lambda c, j, w: c.result(DID, j, w),
    "stop": lambda c, j, w: c.stop(DID, j, w),
    "stop_all": lambda c, _, w: c.stop_all(DID, w, confirm=True),
    "delete": lambda c, j, w: c.delete(DID, j, w),
}


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_signer_works_in_every_call(world: World, kind: str) -> None:
    signer = KINDS[kind]()
    compute = world.compute()

    job_id = start(compute, signer)
    for call in ("start", "result", "stop", "stop_all"):
        CALLS[call](compute, job_id, signer)
    assert compute.status(DID, job_id, signer)["status"] == 1
    assert len(compute.jobs(signer, DID)) == 2
    CALLS["delete"](compute, job_id, signer)

    assert world.provider.refused_signatures == 0
    assert {job["owner"] for job in world.provider.jobs} == {ACCOUNT.address}


BAD_ANSWERS: dict[str, Callable[[Any], Any]] = {
    "None": lambda _: None,
    "empty": lambda _: b"",
    "64 bytes": lambda signed: bytes(signed.signature)[:-1],
    "66 bytes": lambda signed: bytes(signed.signature) + b"\x1b",
    "a wrong recovery byte": lambda signed: bytes(signed.signature)[:-1] + b"\x02",
    "text that is no hex": lambda _: "0x" + "g" * 130,
    "short hex": lambda _: "0x12",
    "an int": lambda signed: int.from_bytes(signed.signature, "big"),
    "a dict": lambda signed: {"signature": signed.signature},
    "a coroutine's class": lambda _: object(),
}


def refuse(_: Any) -> Any:
    raise RuntimeError("the device says: key 0x" + "11" * 32)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", [*BAD_ANSWERS.values(), refuse], ids=[*BAD_ANSWERS, "raises"])
def test_a_signer_that_fails_is_said_and_nothing_signed_is_sent(
    world: World, call: str, answer: Callable[[Any], Any]
) -> None:
    signer = Custom(answer)

    with pytest.raises(SigningFailed, match=f"The signer of {ACCOUNT.address}") as caught:
        CALLS[call](world.compute(), "abc", signer)

    assert world.provider.count()[call.removesuffix("_all")] == 0
    assert "11" * 32 not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_nonce_is_not_lost_when_the_signer_fails(world: World) -> None:
    compute = world.compute()
    wallet = Wallet(None, private_key=CONSUMER_KEY)
    job_id = start(compute, wallet)
    world.forget_requests()

    with pytest.raises(SigningFailed):
        compute.stop(DID, job_id, Custom(lambda _: None))
    compute.stop(DID, job_id, wallet)

    assert world.provider.count()["nonce"] == 0
    assert world.provider.refused_signatures == 0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("start", SignatureRejected),
        ("stop", SignatureRejected),
        ("delete", SignatureRejected),
        ("result", ResultsWithheld),
    ],
)
def test_a_signer_that_lies_about_its_address_is_refused_after_one_renewal(
    world: World, call: str, error: type[OceanError]
) -> None:
    owner = new_wallet()
    job_id = start(world.compute(), owner)
    world.forget_requests()
    liar = Custom(lambda signed: signed, owner.address)

    with pytest.raises(error):
        CALLS[call](world.compute(), job_id, liar)

    assert world.provider.count()[call] == 2
    assert world.provider.count()["nonce"] == 2
    assert len(world.provider.jobs) == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("signer", "error"),
    [
        (Custom(lambda signed: signed, "0x" + ACCOUNT.address[2:].swapcase()), InvalidAddress),
        (Custom(lambda signed: signed, "me"), InvalidAddress),
        (type("NoAddress", (), {"sign_message": refuse})(), InvalidInput),
        (type("CannotSign", (), {"address": ACCOUNT.address})(), InvalidInput),
        (CONSUMER_KEY, InvalidInput),
    ],
    ids=["mistyped address", "no address text", "no address", "no sign_message", "a key"],
)
def test_what_cannot_sign_is_refused_before_any_request(
    world: World, call: str, signer: Any, error: type[OceanError]
) -> None:
    with pytest.raises(error) as caught:
        CALLS[call](world.compute(), "abc", signer)

    assert world.requests() == 0
    assert CONSUMER_KEY[2:] not in str(caught.value)
