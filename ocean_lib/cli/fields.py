"""Values of a description, by name: of the right type, and none that is not known."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from ocean_lib.checks import check_did
from ocean_lib.exceptions import InvalidInput

_MOST_BASE = 2**256 - 1  # what a contract can hold
_MOST_SECONDS = 2**31 - 1  # 68 years; servers count in 32 bits


class Fields:
    """The names and values of one part of a description.

    Args:
        values: what stands there.
        where: what to call it in messages.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where
        self._known: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without a default it must be there."""
        value = self._take(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip() or not _is_unicode(value):
            got = "nothing" if value is None else _short(value)
            raise self._fault(name, f"must be text, got {got}", _quotes(value))
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts, [] if it is not there."""
        values = self._take(name)
        values = [] if values is None else values
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            raise self._fault(name, "must be a list of texts")
        return values

    def dids(self, name: str) -> list[str]:
        """Return a list of DIDs, [] if it is not there."""
        return [
            check_did(did, name=f"{self._where}: {name}[{place}]")
            for place, did in enumerate(self.texts(name))
        ]

    def entries(self, name: str) -> list[Any]:
        """Return a list with something in it."""
        values = self._take(name)
        if not isinstance(values, list) or not values:
            raise self._fault(name, "must be a list with at least one entry")
        return values

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._fault(name, f"must be true or false, got {value!r}")
        return value

    def is_false(self, name: str) -> bool:
        """Tell whether a part is switched off with `false`."""
        return self._take(name) is False

    def number(self, name: str, default: float) -> float:
        """Return a number from 0 on."""
        value = self._take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._fault(name, f"must be a number, got {_short(value)}")
        if (isinstance(value, float) and not math.isfinite(value)) or value < 0:
            raise self._fault(name, f"must be a number from 0 on, got {value!r}")
        return value

    def amount(self, name: str, default: float) -> float:
        """Return an amount of tokens that can be paid: a number from 0 on, exact on the chain."""
        from ocean_lib.ocean.util import to_base_18

        value = self.number(name, default)
        try:
            fits = to_base_18(value) <= _MOST_BASE
        except InvalidInput:
            fits = False
        if not fits:
            raise self._fault(
                name,
                "must have 18 decimals at most, and be no larger than a token contract can hold, "
                f"got {_short(value)}",
            )
        return value

    def seconds(self, name: str, default: int, *, least: int = 0) -> int:
        """Return a whole number of seconds, `least` or more."""
        value = self.number(name, default)
        if value != int(value) or not least <= value <= _MOST_SECONDS:
            wanted = f"whole seconds, from {least} to {_MOST_SECONDS}"
            raise self._fault(name, f"must be {wanted}, got {_short(value)}")
        return int(value)

    def part(self, name: str, *, required: bool = False) -> Fields:
        """Return the fields below a name; none if it is not there."""
        value = self._take(name)
        if value is None and not required:
            value = {}
        if not isinstance(value, dict):
            raise self._fault(name, "must be a mapping (indented `name: value` lines)")
        return Fields(value, f"{self._where}: {name}")

    def check_all_known(self) -> None:
        """Refuse names that are not known: what they say would be lost without a word.

        Raises:
            InvalidInput: there is one.
        """
        for name in self._values:
            if name not in self._known:
                near = difflib.get_close_matches(str(name), self._known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(self._known)}"
                raise InvalidInput(f"{self._where}: {name!r} is not known; {hint}")

    def _take(self, name: str) -> Any:
        if name not in self._known:
            self._known.append(name)
        return self._values.get(name)

    def _fault(self, name: str, fault: str, hint: str = "") -> InvalidInput:
        return InvalidInput(f"{self._where}: {name} {fault}.{hint}")


def _short(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 300:
        return "far more"
    return str(value) if isinstance(value, date) else repr(value)


def _is_unicode(text: str) -> bool:
    return text.encode("utf-8", "ignore").decode() == text


def _quotes(value: object) -> str:
    """Say how a text that looks like a number is written: YAML reads 3.10 as 3.1."""
    return " Put it in quotes." if isinstance(value, (int, float, date)) else ""
