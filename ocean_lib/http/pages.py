"""A web page that a gateway puts in the place of what was asked for: a challenge, or a sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from ocean_lib.exceptions import DownloadError
from ocean_lib.http.redaction import server_words

CHALLENGE = (
    "A gateway before the server wants to see a browser, or a sign-in. Open the server's address "
    "in a browser on this network, or ask its operator to let programs through."
)
_BEGINNINGS = (b"<!doctype html", b"<html")
_NAMES = ("", ".htm", ".html", ".xhtml")


def is_page(body: bytes) -> bool:
    """Tell whether a body begins as a web page does."""
    return body[:512].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(_BEGINNINGS)


def title_of(page: bytes) -> str:
    """Return what a web page calls itself, fit for a message; '' if it does not."""
    found = re.search(rb"<title[^<>]*>([^<]*)<", page[:10_000], re.IGNORECASE)
    return server_words(found[1].decode("utf-8", "replace"), 100) if found else ""


def is_challenge(headers: Mapping[str, str]) -> bool:
    """Tell whether a gateway says itself that this is a page of its own."""
    return headers.get("cf-mitigated") == "challenge"


def not_a_page(
    pieces: Iterator[bytes], headers: Mapping[str, str], name: str, operation: str
) -> Iterator[bytes]:
    """Yield a file's content, if it is that and not a page in its place.

    Raises:
        DownloadError: a page came for what is not named as one.
    """
    first = next(pieces, b"")
    is_html = "html" in str(headers.get("content-type") or "").lower()
    is_named_so = PurePath(name).suffix.lower() in _NAMES
    if is_challenge(headers) or (is_html and is_page(first) and not is_named_so):
        title = title_of(first)
        raise DownloadError(
            f"Could not {operation}: a web page came in its place{title and f' ({title})'}. "
            f"{CHALLENGE}"
        )
    if first:
        yield first
    yield from pieces
