"""The values of a document as queries compare them, and the wildcards to find them with."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

WORDS = re.compile(r"\w+", re.UNICODE)
_MAX_WILDCARD = 256
_MAX_LEAF = 32_766  # Lucene's own limit: wildcards do not look further into a value
_GLOB_PART = re.compile(r"\\(.)|(\*)|(\?)|(.)", re.DOTALL)


class BadQuery(ValueError):
    """A query that is not understood."""


def values_at(document: Any, path: str) -> Iterator[Any]:
    """Yield the leaf values below a dotted path; lists count as all of their items."""
    if isinstance(document, list):
        for item in document:
            yield from values_at(item, path)
    elif not path:
        yield from _leaves(document)
    elif isinstance(document, dict):
        for key, value in document.items():
            if path == key:
                yield from _leaves(value)
            elif path.startswith(f"{key}."):
                yield from values_at(value, path[len(key) + 1 :])


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield value


def spelled_of(value: Any) -> str:
    """Return a value as it is compared: as text, in lower case."""
    return str(value).lower()


class Leaf(NamedTuple):
    """One value of a document.

    Attributes:
        spelled: The value in lower case.
        words: Its words, as `words_of` spells them.
    """

    spelled: str
    words: str

    @property
    def parts(self) -> list[str]:
        """The value and each of its words, as wildcards are tried on them."""
        return [self.spelled[:_MAX_LEAF], *self.words[1:_MAX_LEAF].split("\0")]


class Leaves:
    """The values of one document, each prepared once for all the clauses that ask for it.

    Args:
        document: The document.
        deadline: When, by `time.monotonic`, nobody waits for the answer any more.
    """

    def __init__(self, document: dict[str, Any], deadline: float = math.inf) -> None:
        self._document = document
        self._deadline = deadline
        self._kept: dict[str, list[Leaf]] = {}

    def at(self, path: str) -> list[Leaf]:
        """Return the leaf values below a dotted path; all of them below an empty one.

        Raises:
            BadQuery: If the deadline is over.
        """
        if time.monotonic() > self._deadline:
            raise BadQuery("it takes too long; ask for less at a time")
        if path not in self._kept:
            spelled = map(spelled_of, values_at(self._document, path))
            self._kept[path] = [Leaf(text, words_of(text)) for text in spelled]
        return self._kept[path]


def words_of(text: str) -> str:
    """Return the words of a text, each between two NULs, so that a phrase is a part of it."""
    return "".join(f"\0{word}" for word in WORDS.findall(text)) + "\0"


def glob(text: str) -> Callable[[str], bool]:
    r"""Build a test for * (any characters) and ? (one character), where \ escapes.

    Each piece between two stars is searched for once, from the left. A regular expression would
    try every way to share the text out among the stars, and never come to an end.

    Raises:
        BadQuery: If it is too long.
    """
    if len(text) > _MAX_WILDCARD:
        raise BadQuery(f"a word with wildcards is longer than {_MAX_WILDCARD}")
    pieces: list[list[str]] = [[]]
    for escaped, star, any_one, plain in _GLOB_PART.findall(text):
        if star:
            pieces.append([])
        else:
            pieces[-1].append("." if any_one else re.escape(escaped or plain))
    first, *others = [re.compile("".join(piece), re.DOTALL) for piece in pieces]
    if not others:
        return lambda found: first.fullmatch(found) is not None
    *inner, last = others
    head, tail, least = len(pieces[0]), len(pieces[-1]), sum(map(len, pieces))

    def fits(found: str) -> bool:
        at, end = head, len(found) - tail
        if len(found) < least or not first.match(found) or not last.match(found, end):
            return False
        for piece in inner:
            place = piece.search(found, at, end)
            if place is None:
                return False
            at = place.end()
        return True

    return fits
