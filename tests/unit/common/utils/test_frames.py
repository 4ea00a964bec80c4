"""An error that leaves a function that forgets keeps no local variable of it."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ocean_lib.base.frames import forgets_locals
from ocean_lib.exceptions import WalletError
from ocean_lib.web3_internal.wallet import Wallet

KEY = "8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"


class Failed(Exception):
    """What goes wrong here."""


def fail(secret: str, cause: BaseException | None = None) -> None:
    raise Failed from cause


@contextmanager
def passing(secret: str) -> Iterator[None]:
    yield


@forgets_locals
def forgetful(secret: str, *, again: str) -> None:
    """Fail, deep below."""
    with passing(secret):
        for copied in (secret, again):
            fail(copied)


@forgets_locals
def forgetful_twice(secret: str) -> None:
    try:
        fail(secret)
    except Failed as error:
        fail(secret, error)


def kept_of(act: Callable[[], object], *, but: tuple[str, ...] = ()) -> list[str]:
    """Return what an act's error and its causes keep, but in frames of these names."""
    try:
        act()
    except Exception as error:
        one: BaseException | None = error
    else:
        raise AssertionError("it did not fail")
    found = []
    while one is not None:
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_code.co_name not in ("kept_of", "<lambda>", *but):
                found += [repr(value) for value in frame.f_locals.values()]
        one = one.__cause__ or one.__context__
    return found


def test_the_error_keeps_no_local_variable_of_what_was_called() -> None:
    assert "hush" not in str(kept_of(lambda: forgetful("hush", again="hush hush")))


def test_nor_does_its_cause() -> None:
    assert "hush" not in str(kept_of(lambda: forgetful_twice("hush")))


def test_without_it_they_are_kept() -> None:
    assert "hush" in str(kept_of(lambda: inspect.unwrap(forgetful)("hush", again="")))


def test_an_error_that_was_handled_before_keeps_its_own() -> None:
    def outer() -> None:
        try:
            fail("theirs")
        except Failed:
            forgetful("hush", again="")

    kept = str(kept_of(outer))

    assert "theirs" in kept
    assert "hush" not in kept


def test_signature_and_docstring_stay() -> None:
    assert str(inspect.signature(forgetful)) == "(secret: 'str', *, again: 'str') -> 'None'"
    assert forgetful.__doc__ == "Fail, deep below."


@pytest.mark.parametrize("key", [KEY + "0", KEY[:-1], f"{KEY} x", bytes.fromhex(KEY + "00")])
@pytest.mark.parametrize(
    "use",
    [
        lambda key: Wallet(None, private_key=key),
        lambda key: Wallet(None, key),
    ],
    ids=["by name", "by position"],
)
def test_a_key_that_cannot_be_used_is_in_no_frame(
    use: Callable[[str | bytes], object], key: str | bytes
) -> None:
    with pytest.raises(WalletError):
        use(key)

    assert KEY[:20] not in str(kept_of(lambda: use(key)))
    assert repr(bytes.fromhex(KEY[:40]))[2:-1] not in str(kept_of(lambda: use(key)))
