"""Errors that take no secret along: what our frames knew is forgotten when an error leaves them.

A traceback keeps every frame that an error went through, and some programs show their local
variables: pytest with -l, rich, error trackers.
"""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def forgets_locals(function: Callable[P, R]) -> Callable[P, R]:
    """Let an error that leaves this function keep no local variable of it and of what it called.

    For functions that are given, make or pass on a key, a password or a signature.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        before = sys.exc_info()[1]
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            forget_locals(error, before)
            raise
        finally:
            del args, kwargs, before

    return call


def forget_locals(error: BaseException, before: BaseException | None) -> None:
    """Clear the frames of an error and of its causes, but not of one that was handled before.

    Frames that still run keep what they have: call it where nothing secret is known.

    Args:
        error: what is on its way out.
        before: what `sys.exc_info()` told before the work began.
    """
    todo: list[BaseException | None] = [error]
    done = {id(None), id(before)}
    while todo:
        one = todo.pop()
        if one is None or id(one) in done:
            continue
        done.add(id(one))
        traceback.clear_frames(one.__traceback__)
        todo += [one.__cause__, one.__context__]
