"""What a Ctrl-C says: what was sent by then, and what was not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupted_saying(text: str) -> Iterator[None]:
    """Let a KeyboardInterrupt inside say this, unless what it interrupted has said more."""
    said = ""
    try:
        yield
        return
    except KeyboardInterrupt as stop:
        said = str(stop)
    raise KeyboardInterrupt(said or text)
