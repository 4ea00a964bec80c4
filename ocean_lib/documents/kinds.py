"""The kinds of values in an asset's description: how each is checked, and its JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from ocean_lib.checks import check_address, check_did, printable
from ocean_lib.exceptions import InvalidInput

_MOST_BASE = 2**256 - 1  # what a contract can hold
_MOST_SECONDS = 2**31 - 1  # 68 years; servers count in 32 bits
_MOST_UNITS = 2**31 - 1
_LONGEST_NAME = 200
_SIZE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?(kb|mb|gb|tb)", re.IGNORECASE)


class Unfit(Exception):
    """A value that is not of the kind; the text follows its path, a hint may follow that.

    Attributes:
        suggestion: how to write it.
    """

    def __init__(self, what: str, suggestion: str = "") -> None:
        super().__init__(what)
        self.suggestion = suggestion


@dataclass(frozen=True)
class Kind:
    """One kind of values.

    Attributes:
        name: in the documentation.
        check: returns the value to use, or raises `Unfit`.
        schema: what JSON Schema can say of it.
        item: the kind of a list's entries, which are checked one by one.
    """

    name: str
    check: Callable[[Any], Any]
    schema: dict[str, Any]
    item: Kind | None = None


def listed(kind: Kind, name: str) -> Kind:
    """Return the kind of lists of a kind."""
    return Kind(name, _list, {"type": "array", "items": kind.schema}, kind)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise Unfit(f"must be a list, got {shown(value)}")
    return list(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not _is_unicode(value):
        number = isinstance(value, (int, float, date)) and not isinstance(value, bool)
        # YAML reads 3.10 as 3.1.
        raise Unfit(f"must be text, got {shown(value)}", "put it in quotes" if number else "")
    return value


def _content(value: Any) -> str:
    if not isinstance(value, str) or not _is_unicode(value):
        raise Unfit(f"must be text, got {shown(value)}")
    return value


def _line(value: Any) -> str:
    text = _text(value)
    if len(text.splitlines()) > 1 or text != text.rstrip("\r\n"):
        raise Unfit(f"must be one line of text, got {shown(text)}")
    return text


def _file_name(value: Any) -> str:
    text = _line(value)
    is_name = text not in (".", "..") and not {"/", "\\", "\0"} & {*text}
    if not is_name or len(text.encode()) > _LONGEST_NAME:
        raise Unfit(f"must be a file's name of at most {_LONGEST_NAME} bytes, got {shown(text)}")
    return text


def _is_unicode(text: str) -> bool:
    return text.encode("utf-8", "ignore").decode() == text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit(f"must be true or false, got {shown(value)}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unfit(f"must be a number, got {shown(value)}")
    if (isinstance(value, float) and not math.isfinite(value)) or value < 0:
        raise Unfit(f"must be a number from 0 on, got {shown(value)}")
    return value


def _amount(value: Any) -> float:
    from ocean_lib.ocean.util import to_base_18

    number = _number(value)
    try:
        fits = to_base_18(number) <= _MOST_BASE
    except InvalidInput:
        fits = False
    if not fits:
        raise Unfit(
            "must have 18 decimals at most, and be no larger than a token contract can hold, got "
            + shown(value)
        )
    return number


def _above_nothing(value: Any) -> float:
    amount = _amount(value)
    if not amount:
        raise Unfit("must be more than 0, or nobody could order")
    return amount


def _whole(what: str, least: int, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        number = _number(value)
        if number != int(number) or not least <= number <= most:
            raise Unfit(f"must be {what}, from {least} to {most}, got {shown(value)}")
        return int(number)

    return check


def _size(value: Any) -> str:
    if not isinstance(value, str) or not _SIZE.fullmatch(value):
        raise Unfit(f"must be a number and its unit, got {shown(value)}", "such as 512mb or 4gb")
    return value.lower()


def _library(check: Callable[..., str]) -> Callable[[Any], str]:
    def fits(value: Any) -> str:
        try:
            return check(value, name="it")
        except InvalidInput as error:
            raise Unfit(str(error).removeprefix("it ").removesuffix(".")) from None

    return fits


def shown(value: object) -> str:
    """Return a value as it is shown in a message: short, and on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > 300:
        return "far more"
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return repr(value)
    return str(value) if isinstance(value, date) else printable(value)


_BREAKS = r"\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_LINES = rf"^[^{_BREAKS}]*[^\s{_BREAKS}][^{_BREAKS}]*$"
TEXT = Kind("text", _text, {"type": "string", "pattern": r"\S"})
LINE = Kind("text", _line, {"type": "string", "pattern": _LINES})
FILE_NAME = Kind(
    "file name",
    _file_name,
    {"allOf": [LINE.schema, {"pattern": r"^(?!\.{1,2}$)[^/\\\x00]*$"}], "maxLength": _LONGEST_NAME},
)
CONTENT = Kind("text", _content, {"type": "string"})
FLAG = Kind("true or false", _flag, {"type": "boolean"})
AMOUNT = Kind("amount of tokens", _amount, {"type": "number", "minimum": 0})
CAP = Kind("amount of tokens", _above_nothing, {"type": "number", "exclusiveMinimum": 0})
SIZE = Kind(
    "size", _size, {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})?[kmgtKMGT][bB]$"}
)
DID = Kind(
    "DID",
    _library(check_did),
    {"type": "string", "pattern": "^did:op:[0-9a-fA-F]{40}([0-9a-fA-F]{24})?$|^did:ope:.{64}$"},
)
ADDRESS = Kind(
    "address", _library(check_address), {"type": "string", "pattern": "^0[xX][0-9a-fA-F]{40}$"}
)
DIDS, ADDRESSES, TEXTS = (
    listed(kind, name) for kind, name in ((DID, "DIDs"), (ADDRESS, "addresses"), (TEXT, "texts"))
)


def _integers(name: str, what: str, least: int, most: int) -> Kind:
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Kind(name, _whole(what, least, most), schema)


SECONDS = _integers("seconds", "whole seconds", 0, _MOST_SECONDS)
RUN_TIME = _integers("seconds", "whole seconds", 1, _MOST_SECONDS)
COUNT = _integers("whole number", "a whole number", 0, _MOST_UNITS)
CORES = _integers("whole number", "a whole number", 1, _MOST_UNITS)
