"""`enforce_types` for functions, without losing their types to a type checker."""

from collections.abc import Callable
from typing import Any, TypeVar

import enforce_typing

F = TypeVar("F", bound=Callable[..., Any])


def enforce_types(function: F) -> F:
    """Check the arguments' types at each call; the wrong one raises TypeError."""
    checked: F = enforce_typing.enforce_types(function)
    return checked
