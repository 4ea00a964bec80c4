"""Connections that end in time, show urllib3's log no secret, and know what was sent.

Three things urllib3 does not offer, put where its classes are meant to be extended:

- Its read time-out starts anew with every byte, so a server that drips holds a call for ever.
  Here every read of the socket gets what is left of the operation's deadline.
- It logs each request's target at DEBUG and repeats it in its errors, signature included. Here
  the target travels beside the one that is shown, and takes its place on the request line only.
- It calls a TLS handshake that takes too long a read time-out, as if a request had been sent.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions

from ocean_lib.http.deadline import Deadline


@dataclass
class Call:
    """What a request carries past urllib3.

    Attributes:
        deadline: for every read of the socket.
        hides_path: whether the path is a secret as the query is.
        target: what goes on the request line in place of what urllib3 shows; '' for the same.
        is_sent: whether some of the request went out; None if another's connection had it.
        addresses: the only ones to connect to, since these were checked; none for the host's.
    """

    deadline: Deadline
    hides_path: bool = False
    target: str = ""
    is_sent: bool | None = None
    addresses: Sequence[str] = ()


CALL: ContextVar[Call | None] = ContextVar("ocean_http_call", default=None)


class _BoundedReader(io.RawIOBase):
    """A socket's raw reader that asks the deadline before each read."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline
        self._idle_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.remaining()
        if left <= 0:
            raise TimeoutError("the operation's deadline has passed")
        if left != float("inf"):
            self._sock.settimeout(left if self._idle_s is None else min(self._idle_s, left))
        return self._raw.readinto(buffer)

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        call = CALL.get()
        if call is not None:
            raw: Any = self.fp.detach()
            self.fp = io.BufferedReader(_BoundedReader(raw, sock, call.deadline))


class _Bounded:
    """Mixed into urllib3's connections."""

    response_class: Any = _BoundedResponse
    timeout: Any
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        call = CALL.get()
        if call is None or not call.addresses:
            return super()._new_conn()  # type: ignore[misc,no-any-return]
        name, failure = self._dns_host, None
        try:
            for self._dns_host in call.addresses:
                try:
                    return super()._new_conn()  # type: ignore[misc,no-any-return]
                except urllib3.exceptions.HTTPError as error:
                    failure = error
            raise failure or OSError("no address")
        finally:
            self._dns_host = name  # TLS needs the name

    def connect(self) -> None:
        call = CALL.get()
        if call is None:
            return super().connect()  # type: ignore[misc,no-any-return]
        if isinstance(self.timeout, (int, float)):
            # 0 would mean non-blocking; a deadline that is over is noticed before the next read.
            self.timeout = max(0.001, call.deadline.capped(self.timeout))
        # Without TLS, urllib3 connects only after it has put the request together.
        put, call.is_sent = call.is_sent, False
        super().connect()  # type: ignore[misc]
        call.is_sent = put
        return None

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        call = CALL.get()
        if call is not None:
            call.is_sent = True
            url = call.target or url
        super().putrequest(method, url, *args, **kwargs)  # type: ignore[misc]


class _HTTPConnection(_Bounded, urllib3.connection.HTTPConnection):
    pass


class _HTTPSConnection(_Bounded, urllib3.connection.HTTPSConnection):
    pass


class _HTTPPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


POOLS = {"http": _HTTPPool, "https": _HTTPSPool}
