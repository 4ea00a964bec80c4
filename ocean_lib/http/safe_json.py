"""JSON from outside, refused when it nests too deeply.

Python's parser recurses in C and trusts the interpreter's recursion limit to stop it. py_ecc,
which eth-account imports, raises that limit to 100,000, and a hundred kilobytes of "[" then end
the whole process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

MAX_DEPTH = 200

_OUTSIDE_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?|([\[{])|([\]}])', re.DOTALL)


def loads(
    body: bytes | str, *, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """Parse JSON.

    Args:
        body: what came.
        object_pairs_hook: makes an object of its names and values; may raise ValueError.

    Raises:
        ValueError: it is not JSON, or nests deeper than 200 levels.
    """
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        steps = (
            bool(found[1]) - bool(found[2])
            for found in _OUTSIDE_STRINGS.finditer(body)
            if found[1] or found[2]
        )
        if any(depth > MAX_DEPTH for depth in accumulate(steps)):
            raise ValueError(f"it nests deeper than {MAX_DEPTH} levels")
    return json.loads(body, object_pairs_hook=object_pairs_hook)


def is_json(value: Any) -> bool:
    """Tell whether a value can be sent as JSON (NaN and infinity cannot)."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
