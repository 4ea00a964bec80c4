"""Arguments of waits and downloads, checked before anything is asked; types of any."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import enforce_typing

from ocean_lib.checks import printable
from ocean_lib.exceptions import InvalidInput

F = TypeVar("F", bound=Callable[..., Any])

LONGEST_PAUSE_S = 365 * 24 * 3600.0
"""No platform sleeps for as long as a float can say."""


def enforce_types(function: F) -> F:
    """Check the arguments' types at each call; the wrong one raises TypeError.

    As `enforce_typing` does it, without losing the function's types to a type checker.
    """
    checked: F = enforce_typing.enforce_types(function)
    return checked


def check_seconds(name: str, value: object, *, or_none: bool = False) -> None:
    """Check a span of time: a number of seconds from 0 on, infinity too.

    Args:
        name: what to call it in the message.
        value: the span.
        or_none: whether None will do.

    Raises:
        InvalidInput: it is anything else.
    """
    if (value is None and or_none) or _number(value) >= 0:
        return
    raise _wrong(name, f"seconds from 0 on{' or None' if or_none else ''}", value)


def check_pause(name: str, value: object, *, or_none: bool = True) -> None:
    """Check a pause between polls: positive seconds, a year at most.

    Args:
        name: what to call it in the message.
        value: the pause.
        or_none: whether None will do.

    Raises:
        InvalidInput: it is anything else.
    """
    if (value is None and or_none) or 0 < _number(value) <= LONGEST_PAUSE_S:
        return
    wanted = "positive seconds (a year at most)"
    raise _wrong(name, f"{wanted} or None" if or_none else wanted, value)


def check_callback(name: str, value: object) -> None:
    """Check that something can be called, or is None.

    Args:
        name: what to call it in the message.
        value: the callback.

    Raises:
        InvalidInput: it is anything else.
    """
    if value is not None and not callable(value):
        raise _wrong(name, "a function that takes a JobStatus, or None", value)


def check_whole(name: str, value: Any, *, least: int) -> int:
    """Return a whole number as int.

    Args:
        name: what to call it in the message.
        value: an int, or what Python takes for one, such as numpy's integers.
        least: the smallest that will do.

    Raises:
        InvalidInput: it is anything else.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number >= least:
        return number
    raise _wrong(name, f"a whole number from {least} on", value)


def check_text(name: str, value: object) -> str:
    """Return a text.

    Args:
        name: what to call it in the message.
        value: the text.

    Raises:
        InvalidInput: it is anything else.
    """
    if isinstance(value, str):
        return value
    raise _wrong(name, "text", value)


def check_folder(name: str, value: Any) -> Path:
    """Return the path of a folder, with `~` resolved.

    Args:
        name: what to call it in the message.
        value: text, or an `os.PathLike` of text. The folder need not be there.

    Raises:
        InvalidInput: it is anything else, no file system can hold it, or there is no such home.
    """
    try:
        path = Path(value).expanduser()
        if b"\0" not in os.fsencode(path):
            return path
    except (TypeError, RuntimeError, UnicodeEncodeError):
        pass
    wanted = "the path of a folder (text or pathlib.Path, `~user` only of a user there is)"
    raise _wrong(name, wanted, str(value) if isinstance(value, Path) else value)


def _number(value: object) -> float:
    """Return a number as float; one that is none, or too large for a float, as NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _wrong(name: str, wanted: str, value: object) -> InvalidInput:
    shown = repr(float(value)) if isinstance(value, float) else printable(value)
    return InvalidInput(f"{name} must be {wanted}, got {shown}.")
