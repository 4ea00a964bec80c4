"""Serve a WSGI application from a thread, on loopback at first, and leave nothing behind."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

LOOPBACK = "127.0.0.1"
MAX_HEADER_BYTES = 64 * 1024
HANG_UP = "ocean_localnet.hang_up"
"""In a request's WSGI environment: call it to close the connection without an answer."""
_WILDCARDS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 (only looked up)
_JOIN_S = 5.0


class PortInUse(Exception):
    """A port that was asked for is taken."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_place(host: str, port: int) -> None:
    """Try whether a server could listen here; with port 0, on any port.

    Raises:
        PortInUse: If it could not.
    """
    _listen(host, port).close()


class HttpServer:
    """A waitress server with a thread of its own.

    Args:
        app: The WSGI application.
        port: The port, or 0 for one that the system chooses.
        name: The thread's name.
        host: The address to listen on.
        threads: How many requests are answered at the same time.
        max_body_bytes: The longest request body; longer ones are answered with 413. Headers of
            more than `MAX_HEADER_BYTES` are answered with 431.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        port: int = 0,
        *,
        name: str,
        host: str = LOOPBACK,
        threads: int = 8,
        max_body_bytes: int = 4 * 1024**2,
    ) -> None:
        from waitress.server import create_server

        # A queue under load is the server's business, not a warning to its user.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self.host = host
        self._listener = _listen(host, port)
        self._map: dict[int, Any] = {}
        server: Any = create_server(
            app,
            map=self._map,
            sockets=[self._listener],
            threads=threads,
            connection_limit=1024,
            channel_timeout=120,
            max_request_body_size=max_body_bytes,
            max_request_header_size=MAX_HEADER_BYTES,
        )
        server.channel_class = _channel_class()
        self._server = server
        self._stopping = False
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def url(self) -> str:
        """The server's base URL, without a slash at the end; never with a wildcard address."""
        host = _WILDCARDS.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def listens_everywhere(self) -> bool:
        """Whether it listens on all of the machine's addresses."""
        return self.host in _WILDCARDS

    def start(self) -> None:
        """Begin to answer; connections were already queued since construction."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, end the threads and release the port."""
        self._stopping = True
        if self._thread.is_alive():
            self._server.pull_trigger()
            self._thread.join(_JOIN_S)
        # Nobody reads the trigger any more. It is a pipe that must outlive the workers: once it is
        # closed, its number may be another file's, which a worker would write into.
        self._server.pull_trigger = _nothing
        self._listener.close()
        self._close_connections()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=_JOIN_S)
        self._server.asyncore.close_all(self._map, ignore_all=True)

    def _run(self) -> None:
        while self._map and not self._stopping:
            self._server.asyncore.loop(
                timeout=1.0, map=self._map, use_poll=self._server.adj.asyncore_use_poll, count=1
            )

    def _close_connections(self) -> None:
        for channel in list(self._server.active_channels.values()):
            with contextlib.suppress(OSError):
                channel.handle_close()  # which wakes a worker that waits to write


def _nothing() -> None:
    """Stand in for a trigger that nobody waits for."""


def _channel_class() -> type[Any]:
    """Build waitress' connection class with a way for the application to hang up."""
    from waitress.channel import HTTPChannel
    from waitress.task import WSGITask

    class Task(WSGITask):
        def get_environment(self) -> Any:
            environ = super().get_environment()
            environ[HANG_UP] = self._hang_up
            return environ

        def _hang_up(self) -> None:
            connection = self.channel.socket
            if connection is not None:
                with contextlib.suppress(OSError):  # the client was quicker
                    connection.shutdown(socket.SHUT_RDWR)

    class Channel(HTTPChannel):
        task_class = Task

    return Channel


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise PortInUse(f"cannot listen on {host}: it is no address of this machine") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"cannot listen on {host}:{port}: {error.strerror or error}. Stop the process that "
            "uses the port, or choose another one."
        ) from error
    return listener
