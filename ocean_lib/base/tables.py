"""Tables for notebooks: everything is escaped, and long ids break where a page is narrow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

_LONG = re.compile(r"(\w{16})(?=\w{8})")
"""Places in an id, a hash or an address where a line may end."""


def html_table(rows: Iterable[Sequence[object]], head: Sequence[str] = ()) -> str:
    """Return an HTML table.

    Args:
        rows: the cells, row by row.
        head: names of the columns; none if empty.
    """
    lines = []
    if head:
        lines.append("".join(f"<th>{_cell(name)}</th>" for name in head))
    lines += ["".join(f"<td>{_cell(str(cell))}</td>" for cell in row) for row in rows]
    table = "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
    return table.encode("utf-8", "replace").decode()  # lone surrogates cannot be sent to a browser


def _cell(text: str) -> str:
    """Escape a text, and let words that are longer than a column break; what is copied is whole."""
    from html import escape  # notebooks only: its table of entities is large

    parts = _LONG.split(text)
    return "<wbr>".join(escape("".join(parts[i : i + 2])) for i in range(0, len(parts), 2))


def when(seconds: float | None) -> str:
    """Return a moment of epoch seconds as UTC text, '' for None."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return str(seconds)
