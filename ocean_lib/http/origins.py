"""Origins: scheme, host and port of a server, and which of them the user means by an entry."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from ocean_lib.checks import check_url, shown_url
from ocean_lib.exceptions import InvalidInput

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where a server is; its text has no port that the scheme implies."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, by its spelling: no name is looked up."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host == "localhost"
        return bool((getattr(address, "ipv4_mapped", None) or address).is_loopback)

    def covers(self, other: Origin) -> bool:
        """Whether the other is this one, or the same host with https in place of http."""
        if other == self:
            return True
        upgraded = other.port == self.port or (self.port, other.port) == (80, 443)
        return (
            other.host == self.host
            and (self.scheme, other.scheme) == ("http", "https")
            and upgraded
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@lru_cache(maxsize=256)
def origin_of(url: str) -> Origin:
    """Return the origin of a URL.

    Raises:
        InvalidUrl: it is no absolute http(s) URL.
    """
    parts = urlsplit(check_url(url, may_have_login=True))
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])


class Entry(NamedTuple):
    """What the user wrote for one or more origins: `*`, a host, a host and port, or an origin."""

    text: str
    origin: Origin
    any_scheme: bool
    any_port: bool

    def covers(self, origin: Origin) -> bool:
        """Whether this origin is meant."""
        if self.text == "*":
            return True
        if not self.any_scheme:
            return self.origin.covers(origin)
        return self.origin.host == origin.host and (
            self.any_port or self.origin.port == origin.port
        )


@lru_cache(maxsize=64)
def entries_of(text: str) -> tuple[Entry, ...]:
    """Read a list of hosts and origins, with commas or blanks between them.

    Raises:
        InvalidInput: something in it is neither.
    """
    return tuple(_entry(word) for word in text.replace(",", " ").split())


def _entry(word: str) -> Entry:
    if word == "*":
        return Entry(word, Origin("https", "", 443), True, True)
    has_scheme = "://" in word
    url = word if has_scheme else f"https://{word}"
    try:
        parts = urlsplit(check_url(url))
    except InvalidInput:
        parts = None
    if parts is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidInput(f"{shown_url(word)} is not a host or an origin")
    return Entry(word, origin_of(url), not has_scheme, not has_scheme and parts.port is None)
