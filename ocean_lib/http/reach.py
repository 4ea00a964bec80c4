"""How near a host is: a public one must not send this machine to its own network or to itself."""

from __future__ import annotations

import enum
import ipaddress
import socket
from collections.abc import Iterable

from urllib3.util import parse_url

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


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
