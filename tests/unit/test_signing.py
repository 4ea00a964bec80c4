"""How long a wallet's next nonce is remembered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ocean_lib.backends import signing
from ocean_lib.backends.signing import Signatures
from ocean_lib.exceptions import ImageNotFound, SignatureRejected
from ocean_lib.http.limits import Timeouts

CALLS_WAIT_S = 10
WALLET: object = SimpleNamespace(address="a")


class Wire:
    """A back end whose stored nonce is 7 whenever it is asked, and whose signature is the nonce."""

    root = "http://127.0.0.1"
    config = None
    http = SimpleNamespace(timeouts=Timeouts())
    nonce_rule = "exact"
    token_lifetime_s = 60.0

    def nonce(self, address: str) -> int:
        return 7

    def sign(self, signer: object, text: str, nonce: int) -> str:
        return str(nonce)

    def token(self, signer: object) -> str:
        return "token"


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Signatures:
    monkeypatch.setattr(signing, "KEPT", 3)
    return Signatures()


def call(
    book: Signatures,
    address: str,
    send: Callable[[str], str] = lambda signed: signed,
    wire: Wire = Wire(),  # noqa: B008
) -> str:
    """Make a signed call whose value is its signature."""
    return book.call(wire, WALLET, address, "", lambda given: send(given.signature))  # type: ignore[arg-type]


def test_an_address_among_the_last_ones_is_not_asked_for_again(book: Signatures) -> None:
    first = [call(book, address) for address in "abcab"]

    assert first == ["7", "7", "7", "8", "8"]


def test_the_address_that_was_used_longest_ago_is_forgotten(book: Signatures) -> None:
    for address in "abcad":
        call(book, address)

    assert [call(book, address) for address in "ab"] == ["9", "7"]


def test_no_more_addresses_are_kept_than_were_meant_to(book: Signatures) -> None:
    for number in range(100):
        call(book, str(number))

    assert len(book._accounts) == 3


def test_an_address_with_a_call_under_way_keeps_its_turn(book: Signatures) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def hold(signed: str) -> str:
        has_begun.set()
        assert may_end.wait(CALLS_WAIT_S)
        return signed

    holder = threading.Thread(target=call, args=(book, "a", hold))
    holder.start()
    assert has_begun.wait(CALLS_WAIT_S)
    for address in "bcdef":
        call(book, address)
    said: list[str] = []
    other = threading.Thread(target=lambda: said.append(call(book, "a")))
    other.start()
    may_end.set()
    holder.join(CALLS_WAIT_S)
    other.join(CALLS_WAIT_S)

    assert said == ["8"]


def test_where_any_higher_nonce_will_do_the_next_one_is_signed(book: Signatures) -> None:
    wire = Wire()
    wire.nonce_rule = "above"

    assert [call(book, "a", wire=wire) for _ in range(3)] == ["8", "9", "10"]


def test_where_any_higher_nonce_will_do_a_failure_leads_to_the_next_one(book: Signatures) -> None:
    def fail(_: str) -> str:
        raise ImageNotFound("no such image", operation="start the job", url="")

    wire = Wire()
    wire.nonce_rule = "above"
    wire.nonce = lambda _: next(stored)  # type: ignore[method-assign]
    stored = iter((7,))
    call(book, "a", wire=wire)
    with pytest.raises(ImageNotFound):
        call(book, "a", fail, wire)

    assert call(book, "a", wire=wire) == "10"


def test_a_nonce_that_was_refused_is_asked_for_again(book: Signatures) -> None:
    def refuse_8(signed: str) -> str:
        if signed == "8":
            raise SignatureRejected("refused", operation="start the job", url="")
        return signed

    wire = Wire()
    wire.nonce_rule = "above"
    wire.nonce = lambda _: next(stored)  # type: ignore[method-assign]
    stored = iter((7, 20))

    assert call(book, "a", refuse_8, wire) == "21"
