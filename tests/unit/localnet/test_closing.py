"""Closing many things of which some cannot be closed."""

from __future__ import annotations

from functools import partial

import pytest

from ocean_lib.localnet.closing import close_all


def _fail(closed: list[str], error: BaseException) -> None:
    closed.append(type(error).__name__)
    raise error


def test_everything_is_closed_and_the_first_failure_is_told() -> None:
    closed: list[str] = []
    with pytest.raises(OSError, match="first"):
        close_all(
            [
                partial(_fail, closed, OSError("first")),
                partial(_fail, closed, KeyboardInterrupt()),
                partial(closed.append, "last"),
            ]
        )

    assert closed == ["OSError", "KeyboardInterrupt", "last"]


def test_nothing_is_raised_if_nothing_fails() -> None:
    closed: list[str] = []
    close_all([partial(closed.append, "one"), partial(closed.append, "two")])

    assert closed == ["one", "two"]
