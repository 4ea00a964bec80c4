"""What may be shown of a URL, and of a server's words."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from ocean_lib.checks import PUBLIC_ID
from ocean_lib.http.limits import MAX_TEXT

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# Neither looks past the next "<", so that no body takes longer than its length.
_TAG = re.compile(r"<[^<>]*>")
_TITLE = re.compile(r"<title>[^<]*</title>", re.IGNORECASE)
# A signature or key is 64 hex digits or more; a transaction hash is exactly 64, and useful.
_LONG_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{65,}(?:-\d+)?")
# A V3 job's id has 32, an address or a V3 DID 40: these are public, as are the ids of a node.
_SHORTEST_SECRET = 48
_LONG_IN_PATH = re.compile(f"(?P<public>{PUBLIC_ID})|(?:0x)?[0-9a-fA-F]{{{_SHORTEST_SECRET},}}")
# Also of a URL that was itself encoded.
_QUERY = re.compile(r"(?<=[a-zA-Z0-9/])(?:\?|%3F)[^\s\"'<>]+", re.IGNORECASE)


class SecretUrl(str):
    """A URL that gives what lies behind it to whoever has it: no more than the host is shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"SecretUrl({safe_url(self)!r})"


def safe_url(url: str) -> str:
    """Return the URL without user, password, query and fragment: they may carry secrets.

    So may the path: of a `SecretUrl` it is not shown, of others what is as long as a key is not.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(unreadable URL)"
    path = "/…" if isinstance(url, SecretUrl) else parts.path
    if len(path) > _SHORTEST_SECRET:
        path = _LONG_IN_PATH.sub(lambda run: run["public"] or "…", path)
    return one_line(urlunsplit((parts.scheme, host, path, "", "")), 200)


def one_line(text: object, limit: int = MAX_TEXT) -> str:
    """Return the text on one line, without control characters, cut to `limit` characters."""
    line = _CONTROL.sub(" ", str(text))
    if not line.isprintable():  # lone surrogates, for one, which no terminal can be sent
        line = "".join(c if c.isprintable() else " " for c in line)
    line = line.strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def server_words(body: str, limit: int = MAX_TEXT) -> str:
    """Return what a server said, fit for a message.

    HTML loses its tags; anything as long as a signature and the query of any URL are taken out,
    since the real Provider repeats the request's parameters in some of its errors.
    """
    if "<html" in body[:200].lower() or body.lstrip()[:1] == "<":
        from html import unescape  # its table of entities; only an error page needs it

        body = unescape(_TAG.sub(" ", _TITLE.sub(" ", body)))
    body = _QUERY.sub("?…", _LONG_HEX.sub("0x…", body))
    return one_line(re.sub(r"\s+", " ", body), limit)
