"""How near a host is: a public one must not send this machine to its own network or to itself."""

from __future__ import annotations

import enum
import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence

from urllib3.util import parse_url

from ocean_lib.exceptions import ConnectFailed, RedirectRefused
from ocean_lib.http.redaction import safe_url

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(enum.IntEnum):
    """Who can reach an address; who is there may send to others that are not nearer."""

    PUBLIC = 0
    PRIVATE = 1
    LOCAL = 2


def admitted(
    url: str, operation: str, given_by: Callable[[], str], *, is_direct: bool
) -> Sequence[str]:
    """Return the addresses of a link's host, none for those that whoever connects has to find.

    Args:
        url: of the link, or where it redirects to.
        operation: what is done, in words that follow "Could not".
        given_by: gives the URL of the server that named the link; asked where it matters only.
        is_direct: whether no proxy is between, which would look the name up for itself.

    Raises:
        RedirectRefused: the host is nearer to this machine than the server that named it.
        ConnectFailed: the host is unknown.
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
    return (is_direct and addresses) or ()


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
