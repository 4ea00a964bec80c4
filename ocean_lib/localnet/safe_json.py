"""JSON from outside, with a bound on how deep it nests and how large its numbers are.

Python's own parser recurses in C and relies on the interpreter's recursion limit to stop; py-ecc,
which py-evm and eth-account import, sets that limit to 100,000. A hundred kilobytes of ``[`` then
end the whole process (seen on Python 3.10 and 3.11).

A number beyond the largest float, such as 1e999, is read as infinity and written as ``Infinity``,
which is not JSON: one document of that kind would spoil every list that it is in.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 100

_ESCAPE = re.compile(r"\\.", re.DOTALL)
_STRING = re.compile(r'"[^"]*"?')
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def loads(body: bytes | str) -> Any:
    """Parse JSON, bytes in UTF-8.

    Raises:
        ValueError: It is not JSON, nests deeper than ``MAX_DEPTH``, or has a number that no float
            holds.
        TypeError: It is neither bytes nor text.
    """
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    if not isinstance(text, str):
        raise TypeError(f"expected JSON as text, got {type(text).__name__}")
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text)
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def _check_depth(text: str) -> None:
    depth = 0
    for character in _STRING.sub("", _ESCAPE.sub("", text)):
        depth += _STEPS.get(character, 0)
        if depth > MAX_DEPTH:
            raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
