"""How long a wallet's next nonce is remembered."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from ocean_lib.data_provider._nonces import NonceBook

from ocean_lib.data_provider import _nonces
from ocean_lib.http.deadline import Deadline

ROOT = "http://127.0.0.1"
CALLS_WAIT_S = 10


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> NonceBook:
    monkeypatch.setattr(_nonces, "KEPT", 3)
    return NonceBook()


def call(book: NonceBook, address: str, send: Callable[[str], str] = lambda signed: signed) -> str:
    """Sign a call whose signature is the nonce; the Provider says 7 when it is asked."""
    return book.signed(ROOT, address, Deadline(60), fetch=lambda: 7, sign=str, send=send)


def test_an_address_among_the_last_ones_is_not_asked_for_again(book: NonceBook) -> None:
    first = [call(book, address) for address in "abcab"]

    assert first == ["7", "7", "7", "8", "8"]


def test_the_address_that_was_used_longest_ago_is_forgotten(book: NonceBook) -> None:
    for address in "abcad":
        call(book, address)

    assert [call(book, address) for address in "ab"] == ["9", "7"]


def test_no_more_addresses_are_kept_than_were_meant_to(book: NonceBook) -> None:
    for number in range(100):
        call(book, str(number))

    assert len(book._accounts) == 3


def test_an_address_with_a_call_under_way_keeps_its_turn(book: NonceBook) -> None:
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
