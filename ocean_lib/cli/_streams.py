"""The three standard streams, when one is closed, full, or nobody reads it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


@contextlib.contextmanager
def all_open() -> Iterator[None]:
    """Put a stream that reads and keeps nothing where one is closed (`>&-`): Python has None."""
    with contextlib.ExitStack() as stack:
        for name, mode in _STREAMS:
            if getattr(sys, name) is None:
                null = stack.enter_context(open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123
                setattr(sys, name, null)
                stack.callback(setattr, sys, name, None)
        for stream in (sys.stdout, sys.stderr):
            # A name in another alphabet must not end a run.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        yield


def forget(stream: TextIO) -> None:
    """Send what is left in the buffer nowhere, or Python complains on its way out."""
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
