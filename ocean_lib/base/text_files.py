"""Text as people's tools write it: with a byte order mark or without, in UTF-8 or marked UTF-16."""

from __future__ import annotations

import codecs
import io
import os
from pathlib import Path

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARK = "\ufeff"


def read_text(path: str | os.PathLike[str]) -> str:
    """Return a file's text, without byte order mark and carriage returns.

    Args:
        path: of the file; `~` stands for the home.

    Raises:
        OSError: it cannot be read.
        UnicodeError: it is not text.
    """
    content = Path(path).expanduser().read_bytes()
    return io.TextIOWrapper(io.BytesIO(content), encoding=encoding_of(content)).read()


def encoding_of(content: bytes) -> str:
    """Return the encoding that a file's first bytes tell; it writes the mark again, if any."""
    if content.startswith(_UTF_16):
        return "utf-16"
    return "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"


def without_mark(text: str) -> str:
    """Return a text without the byte order mark that a file reader left in it."""
    return text.removeprefix(_MARK)


def why_unreadable(error: OSError | ValueError) -> str:
    """Say in a few words why `read_text` failed; never what the file holds."""
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return "it is not UTF-8 text"
