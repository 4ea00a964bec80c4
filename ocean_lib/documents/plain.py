"""Turn a DDO's parts into plain JSON values, and check the parts of one that was received."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ocean_lib.checks import MAX_JSON_DEPTH, parse_json, printable
from ocean_lib.exceptions import InvalidDocument, InvalidInput


def plain(value: Any) -> Any:
    """Return a deep copy in which every object with an `as_dictionary` has become its dict.

    Args:
        value: a JSON value, or one that holds such objects.

    Raises:
        InvalidInput: it nests deeper than 200 levels. (Not left to Python's recursion limit:
            eth-account raises that so far that the process would end.)
    """
    return _plain(value, MAX_JSON_DEPTH)


def _plain(value: Any, levels: int) -> Any:
    if levels < 0:
        raise InvalidInput("The document is nested too deeply to be an asset's.")
    if hasattr(value, "as_dictionary"):
        return _plain(value.as_dictionary(), levels - 1)
    if isinstance(value, dict):
        return {key: _plain(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, levels - 1) for item in value]
    return copy.deepcopy(value)


def in_order(values: Mapping[str, Any], order: Iterable[str]) -> dict[str, Any]:
    """Return the values with the keys of `order` first, in that order.

    Checksums are made over JSON text, so a document must leave in the order it came in.

    Args:
        values: what to put in order.
        order: keys, which need not be in `values`.
    """
    result = {key: values[key] for key in order if key in values}
    result.update(values)
    return result


def parsed_json(text: str, name: str) -> Any:
    """Parse JSON text.

    Args:
        text: what to parse.
        name: what to call it in the message.

    Raises:
        InvalidInput: it is no JSON.
    """
    try:
        return parse_json(text)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{name} is no JSON: {printable(str(error))}.") from None


def as_dict(value: Any, name: str) -> dict[str, Any]:
    """Return the value if it is a dict; its JSON text is parsed first.

    Args:
        value: part of a document.
        name: what to call it in the message.

    Raises:
        InvalidInput: it is no dict.
    """
    if isinstance(value, str):
        value = parsed_json(value, name)
    if not isinstance(value, dict):
        raise InvalidInput(f"{name} must be a dict, got {printable(value)}.")
    return value


def as_list(value: Any, name: str) -> list[Any]:
    """Return the value if it is a list.

    Args:
        value: part of a document.
        name: what to call it in the message.

    Raises:
        InvalidInput: it is no list.
    """
    if not isinstance(value, list):
        raise InvalidInput(f"{name} must be a list, got {printable(value)}.")
    return value


def required(values: Any, key: str, name: str) -> Any:
    """Return `values[key]`.

    Args:
        values: part of a document.
        key: the key that must be there.
        name: what to call `values` in the message.

    Raises:
        InvalidDocument: `values` is no dict, or the key is missing; the message names it.
    """
    if not isinstance(values, Mapping):
        raise InvalidDocument(
            f"{name} must be a dict with the key '{key}', got {printable(values)}."
        )
    if key not in values:
        found = printable(", ".join(map(str, values)) or "no keys at all", limit=200)
        raise InvalidDocument(f"{name} has no '{key}'; it has {found}.")
    return values[key]
