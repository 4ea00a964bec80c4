"""What is written where: results on stdout, everything said beside them on stderr."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

import click

# Control characters, and those that reorder a line: a server's text must not steer a terminal.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_STATE_COLOURS = {"finished": "green", "running": "cyan", "failed": "red", "timed out": "red"}


def one_line(text: object) -> str:
    """Return a text on one line, without characters that steer a terminal."""
    return _UNSAFE.sub("", " ".join(str(text).split()))


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def coloured(text: str, stream: TextIO, **style: Any) -> str:
    """Return the text in colour where somebody sees it and has not declined (NO_COLOR)."""
    wanted = is_terminal(stream) and not os.environ.get("NO_COLOR")
    return click.style(text, **style) if wanted and _knows_colours() else text


def _knows_colours() -> bool:
    # Windows' terminal has no TERM, and knows them.
    return os.environ.get("TERM", "" if os.name == "posix" else "xterm") not in ("", "dumb")


class Output:
    """Writes a command's outcome: for people, or as one JSON document.

    Attributes:
        as_json: one JSON document on stdout, and nothing else there.
        quiet: say nothing beside the outcome.
    """

    def __init__(self) -> None:
        self.as_json = False
        self.quiet = False
        self._is_within_line = False

    def say(self, text: str) -> None:
        """Say something beside the outcome, on stderr."""
        self._beside(f"{text}\n", on_new_line=True)

    def say_piece(self, text: str) -> None:
        """Pass on a piece of a log on stderr as it comes; it may end within a line."""
        self._beside(_safe(text, sys.stderr), on_new_line=False)

    def _beside(self, text: str, *, on_new_line: bool) -> None:
        if self.quiet or not text:
            return
        start = "\n" if on_new_line and self._is_within_line else ""
        self._is_within_line = not text.endswith("\n")
        try:
            click.echo(start + text, err=True, nl=False)
        except BrokenPipeError:
            raise
        except OSError:  # what is done counts, not that nobody could be told
            self.quiet = True

    def document(self, document: Mapping[str, Any]) -> None:
        """Write the JSON document, whole or not at all."""
        text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
        click.echo(text.encode("utf-8", "replace").decode("utf-8"))

    def fields(self, document: Mapping[str, Any], *, also: Mapping[str, Any] | None = None) -> None:
        """Write names and values: aligned, or as JSON.

        Args:
            document: what to write.
            also: more for the JSON document.
        """
        if self.as_json:
            self.document({**document, **(also or {})})
            return
        shown = {name: value for name, value in document.items() if value not in (None, "")}
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            click.echo(f"{name.replace('_', ' '):<{width}}  {_cell(name, value)}")

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table for people; where the terminal is too narrow, one block per row.

        Nothing is cut, so that every id can be copied.
        """
        cells = [[one_line("" if cell is None else cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
        total = sum(widths) + 2 * (len(widths) - 1)
        if is_terminal(sys.stdout) and total > shutil.get_terminal_size().columns:
            for row in cells:
                self.fields(dict(zip(headers, row, strict=True)))
                click.echo()
            return
        for line in ([header.upper() for header in headers], *cells):
            padded = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
            click.echo("  ".join(padded).rstrip())

    def raw(self, text: str) -> None:
        """Write text as it is; on a terminal without what would steer it."""
        self.raw_piece(text if text.endswith("\n") else f"{text}\n")

    def raw_piece(self, text: str) -> None:
        """Write a piece of a text as `raw` does, without an end of line."""
        click.echo(_safe(text, sys.stdout), nl=False, color=True)


def _safe(text: str, stream: TextIO) -> str:
    return _UNSAFE.sub("", text) if is_terminal(stream) else text


def _cell(name: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    text = one_line(value)
    if name == "state" and text in _STATE_COLOURS:
        return coloured(text, sys.stdout, fg=_STATE_COLOURS[text])
    return text


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
