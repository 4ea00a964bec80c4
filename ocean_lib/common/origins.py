"""Origins: scheme, host and port of a server."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from ocean_lib.common.validation import check_url

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
