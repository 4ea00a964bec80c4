"""Tables for notebooks; everything in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone


def html_table(rows: Iterable[Sequence[object]], head: Sequence[str] = ()) -> str:
    """Return an HTML table.

    Args:
        rows: the cells, row by row.
        head: names of the columns; none if empty.
    """
    from html import escape  # notebooks only: its table of entities is large

    lines = []
    if head:
        lines.append("".join(f"<th>{escape(name)}</th>" for name in head))
    lines += ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    table = "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
    return table.encode("utf-8", "replace").decode()  # lone surrogates cannot be sent to a browser


def when(seconds: float | None) -> str:
    """Return a moment of epoch seconds as UTC text, '' for None."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return str(seconds)
