"""What a consumer sets for a service or an algorithm, checked against what its document offers.

The form is that of DDO 4's `consumerParameters`: `name`, `type` (text, number, boolean, select),
`required`, `default`, and for a select `options`, a list of dicts from a value to its label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.exceptions import InvalidInput

_KINDS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "boolean": bool,
}


def filled(
    given: Mapping[str, Any], offered: Sequence[Mapping[str, Any]], *, name: str, of: str
) -> dict[str, Any]:
    """Return values with the defaults of what is required and not given.

    Args:
        given: values by the parameters' names.
        offered: the parameters of the document; without any, everything is passed on.
        name: what to call the values in messages.
        of: whose parameters they are.

    Raises:
        InvalidInput: there is no such parameter, a required one is missing, or a value is not of
            its type.
    """
    known = {str(one.get("name")): one for one in offered}
    if not known:
        return dict(given)
    for key, value in given.items():
        if key not in known:
            raise InvalidInput(
                f"{name} has {printable(key)}, which is not a parameter of {of}. It has: "
                f"{', '.join(known)}."
            )
        _check(value, known[key], f"{name}[{key!r}] of {of}")
    found = dict(given)
    for key, one in known.items():
        if one.get("required") and key not in found:
            if one.get("default") in (None, ""):
                raise InvalidInput(f"{of} requires the parameter {key!r}: give it in {name}.")
            found[key] = one["default"]
    return found


def _check(value: Any, offered: Mapping[str, Any], name: str) -> None:
    kind = str(offered.get("type"))
    if kind == "select":
        options = _options(offered.get("options"))
        if options and str(value) not in options:
            raise InvalidInput(
                f"{name} must be one of {', '.join(options)}, got {printable(value)}."
            )
    expected = _KINDS.get(kind, object)
    is_flag = isinstance(value, bool) and kind != "boolean"
    if not isinstance(value, expected) or (is_flag and kind == "number"):
        raise InvalidInput(f"{name} must be a {kind}, got {printable(value)}.")


def _options(found: Any) -> list[str]:
    """Return the values of a select; documents have them as a list, or as its JSON text."""
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return []
    entries = found if isinstance(found, list) else []
    return [str(key) for entry in entries if isinstance(entry, Mapping) for key in entry]
