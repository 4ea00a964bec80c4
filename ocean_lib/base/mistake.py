"""A mistake in a text or a dict that somebody wrote: where it is, what it is, what was meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_SHOWN = 50


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        path: of the value, such as `compute.trusted_algorithms[0]`; '' for the whole.
        what: what is wrong with it, in words that follow the path.
        line: of the text, from 1 on; None where there is no text.
        suggestion: what was probably meant, or how to write it; '' if nothing is likely.
    """

    path: str
    what: str
    line: int | None = None
    suggestion: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the mistake as a dict that JSON can hold."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the mistake in one sentence."""
        place = "" if self.line is None else f"line {self.line}: "
        said = f"{place}{self.path} {self.what}".replace("  ", " ").strip()
        if not self.suggestion:
            return f"{said}."
        return f"{said}; {self.suggestion}" + ("" if self.suggestion.endswith("?") else ".")


def in_words(source: str, mistakes: Sequence[Mistake]) -> str:
    """Say what is wrong with a text: one mistake on the same line, several on lines of their own.

    Args:
        source: what to call the text.
        mistakes: at least one.
    """
    if len(mistakes) == 1:
        return f"{source}: {mistakes[0]}"
    listed = "".join(f"\n  {mistake}" for mistake in mistakes[:_SHOWN])
    if len(mistakes) > _SHOWN:
        listed += f"\n  and {len(mistakes) - _SHOWN} more"
    return f"{source} has {len(mistakes)} mistakes:{listed}"
