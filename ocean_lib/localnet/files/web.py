"""Open a URL that a publisher chose: checked hop by hop, pinned to the checked address, bounded.

A host is looked up once for each hop, and the connection goes to the address that was checked:
a name that means another address a moment later (DNS rebinding) gains nothing. Proxies of the
environment are not used, because they would look names up for themselves. Redirects are followed
here, each checked as the first URL was; from a public address none leads to a private one.
"""

from __future__ import annotations

import base64
import functools
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from ocean_lib.localnet.files import addresses

CONNECT_S = 5.0
IDLE_S = 30.0
_POLL_S = 0.25
_MAX_REDIRECTS = 5
_MAX_URL = 16 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_KEEPS_METHOD = (307, 308)
_OF_THE_CONNECTION = {"content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"}
_PORTS = {"http": 80, "https": 443}


class FileUnavailable(Exception):
    """A file that cannot be read; the text says why and never names the URL."""


@dataclass(frozen=True)
class Asking:
    """How a URL is asked for.

    Attributes:
        method: GET or POST.
        headers: Sent along, but for those that are about the connection; never to another origin
            that it redirects to.
    """

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)

    def after(self, status: int, url: str, location: str) -> Asking:
        """Return how the place is asked for that a redirect leads to."""
        method = self.method if status in _KEEPS_METHOD else "GET"
        headers = self.headers if _origin(url) == _origin(location) else {}
        return Asking(method, headers)


PLAINLY = Asking()


class Patience:
    """How long a whole reading may last, and whether it is still wanted.

    Args:
        total_s: Seconds from now to the last byte.
        given_up: Tells that nobody waits for it any more.
    """

    def __init__(self, total_s: float, given_up: Callable[[], bool] = lambda: False) -> None:
        self._end = time.monotonic() + total_s
        self._given_up = given_up

    def left_s(self) -> float:
        """Return how many seconds are left.

        Raises:
            FileUnavailable: If none are, or it was given up.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise FileUnavailable("reading it took too long")
        if self._given_up():
            raise FileUnavailable("it is not wanted any more")
        return left


class OpenUrl:
    """An answer with status 200 or 206, open for reading.

    Args:
        url: Where it came from, after redirects.
        response: The answer.
        connection: Is closed with it.
    """

    def __init__(
        self, url: str, response: http.client.HTTPResponse, connection: http.client.HTTPConnection
    ) -> None:
        self.url = url
        self.status = response.status
        self._response = response
        self._connection = connection

    def header(self, name: str) -> str:
        """Return a header, or ''."""
        return self._response.getheader(name) or ""

    def read(self, size: int) -> bytes:
        """Read what is there, at most `size` bytes; empty at the end.

        Raises:
            FileUnavailable: If it broke off, or takes too long.
        """
        try:
            data = self._response.read1(size)
        except (OSError, http.client.HTTPException) as error:
            raise _broken(error) from error
        if not data and self._response.length:
            raise FileUnavailable("reading it broke off before its end")
        return data

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        self._connection.close()


def open_url(
    url: str, *, allow_private: bool, patience: Patience, asking: Asking = PLAINLY
) -> OpenUrl:
    """Open a URL for reading.

    Args:
        url: An http or https URL.
        allow_private: Whether private and loopback addresses will do.
        patience: How long it may take.
        asking: With which method and headers.

    Raises:
        FileUnavailable: If it must not or cannot be read.
    """
    for _ in range(_MAX_REDIRECTS + 1):
        target, authorization, host = _split(url)
        public = _checked(host, allow_private)
        connection = _connect(target.scheme, target.hostname or "", host, patience)
        try:
            response = _ask(connection, target, authorization, asking)
        except BaseException:
            connection.close()
            raise
        opened = OpenUrl(url, response, connection)
        if opened.status in (200, 206):
            return opened
        opened.close()
        location = opened.header("Location")
        if opened.status not in _REDIRECTS or not location:
            raise FileUnavailable(f"its server answered {opened.status}")
        patience.left_s()
        before, url = url, _absolute(url, location)
        asking = asking.after(opened.status, before, url)
        allow_private = allow_private and not public
    raise FileUnavailable("there are too many redirects")


def file_name(opened: OpenUrl) -> str:
    """Return what a file is called: by its server, or by its URL."""
    _, found, name = opened.header("Content-Disposition").partition("filename=")
    name = name.partition(";")[0].strip().strip('"') if found else ""
    return name or unquote(urlsplit(opened.url).path)


class _Host:
    def __init__(self, addresses: list[addresses.Address], port: int) -> None:
        self.addresses = addresses
        self.port = port


def _split(url: str) -> tuple[Any, str, _Host]:
    if len(url) > _MAX_URL:
        raise FileUnavailable(f"its URL is longer than {_MAX_URL} characters")
    try:
        given = urlsplit(url)
        if given.scheme.lower() not in _PORTS or not given.hostname:
            raise FileUnavailable("only http and https URLs can be read")
        request = requests.PreparedRequest()
        request.prepare_url(url, None)  # quotes, and spells international hosts
        target = urlsplit(str(request.url))
        port = target.port or _PORTS[target.scheme]
    except ValueError as error:
        raise FileUnavailable("the URL is malformed") from error
    try:
        found = addresses.resolve(target.hostname or "", port)
    except addresses.AddressNotAllowed as error:
        raise FileUnavailable(str(error)) from error
    authorization = ""
    if target.username is not None:
        words = f"{unquote(target.username)}:{unquote(target.password or '')}"
        authorization = "Basic " + base64.b64encode(words.encode()).decode()
    return target, authorization, _Host(found, port)


def _checked(host: _Host, allow_private: bool) -> bool:
    try:
        return addresses.check(host.addresses, allow_private=allow_private)
    except addresses.AddressNotAllowed as error:
        raise FileUnavailable(str(error)) from error


def _connect(scheme: str, name: str, host: _Host, patience: Patience) -> http.client.HTTPConnection:
    """Connect to the first of the checked addresses that answers."""
    reason: OSError | None = None
    for address in dict.fromkeys(host.addresses):
        pause = min(CONNECT_S, patience.left_s())
        try:
            plain = socket.create_connection((str(address), host.port), pause)
        except OSError as error:
            reason = error
            continue
        try:
            wrapped = (
                _tls().wrap_socket(plain, server_hostname=name) if scheme == "https" else plain
            )
        except (OSError, ValueError) as error:
            plain.close()
            raise _unreachable(error) from error
        connection = http.client.HTTPConnection(name, host.port)
        connection.sock = _BoundedSocket(wrapped, patience)
        return connection
    raise _unreachable(reason) from reason


def _ask(
    connection: http.client.HTTPConnection, target: Any, authorization: str, asking: Asking
) -> http.client.HTTPResponse:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    headers = {
        "Host": target.netloc.rpartition("@")[2],
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "ocean-compute-localnet",
        "Connection": "close",
    }
    if authorization:
        headers["Authorization"] = authorization
    ours = {name.lower() for name in headers} | _OF_THE_CONNECTION
    headers |= {name: value for name, value in asking.headers.items() if name.lower() not in ours}
    try:
        connection.request(asking.method, path, headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(error) from error


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()


def _absolute(url: str, location: str) -> str:
    try:
        # Header bytes come as latin-1; browsers and servers mean UTF-8.
        return urljoin(url, location.encode("latin-1").decode("utf-8"))
    except ValueError as error:
        raise FileUnavailable("it redirects to a malformed URL") from error


def _unreachable(error: BaseException | None) -> FileUnavailable:
    return FileUnavailable(f"it cannot be reached ({type(error).__name__})")


def _broken(error: BaseException) -> FileUnavailable:
    return FileUnavailable(f"reading it broke off ({type(error).__name__})")


@functools.cache
def _tls() -> ssl.SSLContext:
    # The system's authorities and those that requests brings: the real Provider uses the latter.
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


class _BoundedSocket:
    """A socket of which http.client gets what it uses, each read bounded by a patience."""

    def __init__(self, real: socket.socket, patience: Patience) -> None:
        self._real = real
        self._patience = patience
        self._is_read = False

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        self._is_read = True
        return io.BufferedReader(_BoundedReader(self._real, self._patience))

    def sendall(self, data: bytes) -> None:
        self._real.settimeout(min(IDLE_S, self._patience.left_s()))
        self._real.sendall(data)

    def close(self) -> None:
        # As with real sockets, who still reads keeps it open: http.client counts on it.
        if not self._is_read:
            self._real.close()


class _BoundedReader(io.RawIOBase):
    def __init__(self, real: socket.socket, patience: Patience) -> None:
        super().__init__()
        self._real = real
        self._patience = patience

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        super().close()
        self._real.close()

    def readinto(self, buffer: Any) -> int:
        idle_until = time.monotonic() + IDLE_S
        while True:
            self._real.settimeout(min(_POLL_S, self._patience.left_s()))
            try:
                return self._real.recv_into(buffer)
            except TimeoutError:
                if time.monotonic() > idle_until:
                    raise
