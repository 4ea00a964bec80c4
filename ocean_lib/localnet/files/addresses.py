"""Which addresses the Provider may connect to when an asset names a URL.

Never those that only mean something from inside a machine or a cloud: link-local, multicast,
unspecified, and the metadata services, which give credentials to whoever asks. Private and
loopback addresses only where whoever publishes has this machine anyway.
"""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA_SERVICES = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google Cloud and most others; link-local anyway
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google Cloud
        "100.100.100.200",  # Alibaba Cloud
        "192.0.0.192",  # Oracle Cloud, classic
        "168.63.129.16",  # Azure's host, a public address
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressNotAllowed(Exception):
    """A host that is unknown, or at an address that must not be asked."""


def resolve(host: str, port: int) -> list[Address]:
    """Look a host up, once.

    Raises:
        AddressNotAllowed: If it is unknown.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressNotAllowed("its host is unknown") from error
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def check(addresses: list[Address], *, allow_private: bool) -> bool:
    """Check all addresses of a host; one that is bad is enough to refuse it.

    Args:
        addresses: Where the host is.
        allow_private: Whether private and loopback addresses will do.

    Returns:
        Whether all of them are public.

    Raises:
        AddressNotAllowed: If one of them must not be asked.
    """
    plain = [inner for address in addresses for inner in (address, *_inside(address))]
    for ip in plain:
        if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA_SERVICES:
            raise AddressNotAllowed("its address is not allowed")
    public = all(_is_public(ip) for ip in plain)
    if not public and not allow_private:
        raise AddressNotAllowed("its address is private, and only public ones are allowed here")
    return public


def _is_public(ip: Address) -> bool:
    # What only wraps another address is as public as that one, which is looked at too.
    return ip.is_global or bool(_inside(ip))


def _inside(ip: Address) -> tuple[Address, ...]:
    """Return the IPv4 addresses that an IPv6 address leads to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ()
    wrapped = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        wrapped.append(ipaddress.IPv4Address(ip.packed[-4:]))
    return tuple(inner for inner in wrapped if inner is not None)
