"""Methods that can be called on a class as well as on an instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from ocean_lib.base.frames import forgets_locals

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class class_callable(Generic[S, P, R]):  # noqa: N801 - a decorator, named like one
    """Let a method be called on the class, on an instance that the class shares.

    ocean.py's methods are static; ours need a session and caches. `Class.method(...)` runs on
    `Class.shared()`, `instance.method(...)` on the instance. An error that leaves it takes no
    signature along (see `forgets_locals`).
    """

    def __init__(self, function: Callable[Concatenate[S, P], R]) -> None:
        self._function = forgets_locals(function)
        self.__doc__ = function.__doc__

    def __get__(self, instance: S | None, owner: Any) -> Callable[P, R]:
        target = cast(S, owner.shared()) if instance is None else instance
        return cast("Callable[P, R]", self._function.__get__(target))
