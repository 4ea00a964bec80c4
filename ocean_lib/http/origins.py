"""Where a URL leads: its origin, which entries of the user mean it, how near it is, redirects."""

from __future__ import annotations

import enum
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from ocean_lib.checks import check_url, shown_url
from ocean_lib.exceptions import ConnectFailed, InvalidInput, MovedToHttps, RedirectRefused
from ocean_lib.http.redaction import SecretUrl, safe_url

if TYPE_CHECKING:
    import requests

MAX_REDIRECTS = 5
"""So many are followed, where any are: for a file behind a link that carries no signature."""

FOLLOWED = (301, 302, 303, 307, 308)

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
        InvalidUrl: it is not an absolute http(s) URL.
    """
    parts = urlsplit(check_url(url, may_have_login=True))
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])


def root_of(url: str) -> str:
    """Return a URL up to its path, as it is written."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"


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


class Reach(enum.IntEnum):
    """Who can reach an address; who is there may send to others that are not nearer."""

    PUBLIC = 0
    PRIVATE = 1
    LOCAL = 2


def addresses_of(url: str, *, look_up: bool = True) -> list[str] | None:
    """Return the addresses of a URL's host; None if it has none, or they cannot be known.

    Args:
        url: of which the host counts, as requests reads it.
        look_up: ask the resolver; otherwise only what can be told without it.
    """
    host, port = _host_of(url)
    if look_up:
        return _looked_up(host, port) if host else None
    if is_loopback(host):
        return ["127.0.0.1"]
    ip = _literal(host)
    return None if ip is None else [str(ip)]


def has_host(url: str) -> bool:
    """Whether this is an http(s) URL with a host that can be looked up."""
    return url.lower().startswith(("http://", "https://")) and bool(_host_of(url)[0])


def _host_of(url: str) -> tuple[str, int | None]:
    from urllib3.util import parse_url  # reading a config needs no urllib3

    try:
        parts = parse_url(url)
    except ValueError:  # urllib3's own is one
        return "", None
    return (parts.host or "").strip("[]"), parts.port


def _looked_up(host: str, port: int | None) -> list[str] | None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def reach_of(addresses: Iterable[str]) -> Reach:
    """Return the nearest reach among addresses."""
    found = (_reach(ipaddress.ip_address(text.partition("%")[0])) for text in addresses)
    return max(found, default=Reach.PUBLIC)


def is_loopback(host: str) -> bool:
    """Tell without asking anybody whether a host is this machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    ip = _literal(name)
    ip = ip and (_inside(ip) or ip)
    return ip is not None and (ip.is_loopback or ip.is_unspecified)


def _reach(ip: Address) -> Reach:
    ip = _inside(ip) or ip
    if ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
        return Reach.LOCAL
    return Reach.PUBLIC if ip.is_global else Reach.PRIVATE


def _inside(ip: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # 127.1, and other old spellings
    except (OSError, UnicodeError):
        return None


def admitted(
    url: str, operation: str, given_by: Callable[[], str], *, is_direct: bool
) -> list[str]:
    """Return the only addresses to open a link at; empty where a proxy finds them.

    Args:
        url: the link, or where it redirects to.
        operation: what is done, in words that follow "Could not".
        given_by: gives the URL of the server that handed the link out.
        is_direct: whether this machine connects, and not a proxy.

    Raises:
        ConnectFailed: the host is unknown.
        RedirectRefused: it is nearer to this machine than the server that names it.
    """
    addresses = addresses_of(url, look_up=is_direct)
    if addresses is None and is_direct and has_host(url):
        # Not left to whoever connects: a name may be found there, and be this machine.
        raise ConnectFailed(
            f"Could not {operation}: the host of {safe_url(url)} is unknown. Check that this "
            "machine can look up names, or ask the operator of the server that names it."
        )
    reach = reach_of(addresses or ())
    if reach > Reach.PUBLIC and reach > reach_of(addresses_of(given_by()) or ()):
        raise RedirectRefused(
            f"Could not {operation}: {safe_url(url)} is a private address, or this machine "
            f"itself, and the server that names it, {safe_url(given_by())}, is not. Ask its "
            "operator for a link that can be reached from outside.",
            operation=operation,
            url=safe_url(url),
        )
    return (is_direct and addresses) or []


def too_many_redirects(url: str, operation: str) -> RedirectRefused:
    """Make the error for a link that leads on and on."""
    return RedirectRefused(
        f"Could not {operation}: {safe_url(url)} is the end of more than {MAX_REDIRECTS} "
        "redirects. Ask whoever runs the server that keeps the file.",
        operation=operation,
        url=safe_url(url),
    )


def location_of(response: requests.Response, url: str) -> str:
    """Return where a response redirects to, '' if it does not."""
    said = response.headers.get("location")
    if not (300 <= response.status_code < 400 and said):
        return ""
    kind = SecretUrl if isinstance(url, SecretUrl) else str
    try:
        # Header bytes come as latin-1; servers mean UTF-8.
        return kind(urljoin(url, said.encode("latin-1").decode("utf-8")))
    except ValueError:
        return kind(said)


def over_https(url: str, location: str) -> str:
    """Return a URL's origin over TLS if a redirect leads to just that, '' otherwise.

    That is the same host and path, at port 443 in place of 80 or at the same port.
    """
    try:
        old, new = urlsplit(url), urlsplit(location)
        is_same = (
            (old.scheme, new.scheme) == ("http", "https")
            and old.hostname == new.hostname
            and (old.path or "/") == (new.path or "/")
            and "@" not in new.netloc
            and (_port(new) == _port(old) or (_port(old), _port(new)) == (80, 443))
        )
    except ValueError:
        return ""
    return f"https://{new.netloc}" if is_same else ""


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)


def redirect_refused(
    response: requests.Response, url: str, operation: str
) -> RedirectRefused | None:
    """Make the error for a redirect of a request that stays where it is; None without one."""
    location = location_of(response, url)
    if not location:
        return None
    kind = MovedToHttps if over_https(url, location) else RedirectRefused
    return refused(response, url, location, operation, kind)


def refused(
    response: requests.Response,
    url: str,
    location: str,
    operation: str,
    kind: type[RedirectRefused] = RedirectRefused,
) -> RedirectRefused:
    """Make the error for a redirect that is not followed."""
    return kind(
        f"Could not {operation}: {safe_url(url)} redirects to {safe_url(location)}, and a request "
        "is not sent on to another address. The address stands in the config, or as the "
        "serviceEndpoint in the asset's DDO: put the final one there, or ask the asset's "
        "publisher to.",
        operation=operation,
        status_code=response.status_code,
        url=safe_url(url),
    )
