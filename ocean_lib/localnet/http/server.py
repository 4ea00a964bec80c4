"""Serve a WSGI application from a thread, on loopback at first, and leave nothing behind."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
MAX_HEADER_BYTES = 64 * 1024
HANG_UP = "ocean_localnet.hang_up"
"""In a request's WSGI environment: call it to close the connection without an answer."""
_WILDCARDS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 (only looked up)
_JOIN_S = 5.0
_MAX_CONNECTIONS = 512
_STALLED_S = 60.0
_NOT_THIS_NAME = (
    b"This network is not known by that name. Use 127.0.0.1, localhost or another address; a proxy "
    b"in front of it has to send one of them as Host."
)


class PortInUse(Exception):
    """A port that was asked for is taken."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_local_name(host: str) -> bool:
    """Tell whether a host name of a URL always means the machine of whoever asks."""
    return is_loopback(host) or host.lower().endswith(".localhost")


def check_free(host: str, port: int) -> None:
    """Try whether a server could listen here; with port 0, on any port.

    Raises:
        PortInUse: If it could not.
    """
    _listen(host, port).close()


class HttpServer:
    """A waitress server with a thread of its own.

    When all connections are taken, the one that has been idle longest makes room for the next. On
    loopback it answers to addresses and `localhost` only: by a name of their own that leads here
    (DNS rebinding), strangers' pages could read everything from a browser on this machine.

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
        self._max_connections = _connections()
        server: Any = create_server(
            _to_local_names(app) if is_loopback(host) else app,
            map=self._map,
            sockets=[self._listener],
            threads=threads,
            # Beyond our own limit: the map holds the listener and the trigger too.
            connection_limit=self._max_connections + 8,
            channel_timeout=120,
            asyncore_use_poll=True,  # select() breaks on the 1024th open file of the process
            max_request_body_size=max_body_bytes,
            max_request_header_size=MAX_HEADER_BYTES,
        )
        server.channel_class = _channel_class()
        self._server = server
        self._stopping = False
        self._next_look = 0.0
        self._sending: dict[Any, float] = {}
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
            self._make_room()
            self._close_stalled()
            self._server.asyncore.loop(
                timeout=1.0, map=self._map, use_poll=self._server.adj.asyncore_use_poll, count=1
            )

    def _make_room(self) -> None:
        """Close the connection that has been idle longest, if there is no room for another."""
        channels = self._server.active_channels
        if len(channels) >= self._max_connections:
            idle = [one for one in channels.values() if not one.requests]
            if idle:
                longest = min(idle, key=lambda one: (one.total_outbufs_len > 0, one.last_activity))
                longest.handle_close()

    def _close_stalled(self) -> None:
        """Close connections whose clients took nothing since the last look: each holds a thread."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _STALLED_S
        channels = list(self._server.active_channels.values())
        sending = {one: one.last_activity for one in channels if one.total_outbufs_len}
        for channel, active in sending.items():
            if self._sending.get(channel) == active:
                channel.handle_close()
        self._sending = sending

    def _close_connections(self) -> None:
        for channel in list(self._server.active_channels.values()):
            with contextlib.suppress(OSError):
                channel.handle_close()  # which wakes a worker that waits to write


def _connections() -> int:
    """Return how many connections may be open: the network has two servers, and files too."""
    try:
        import resource
    except ImportError:  # Windows
        return _MAX_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        _MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(_MAX_CONNECTIONS, files // 4)
    )


def _to_local_names(app: Callable[..., Any]) -> Callable[..., Any]:
    def checked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _is_local_or_address(environ.get("HTTP_HOST", "")):
            answer: Iterable[bytes] = app(environ, start_response)
            return answer
        length = str(len(_NOT_THIS_NAME))
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", length)]
        start_response("403 Forbidden", headers)
        return [_NOT_THIS_NAME]

    return checked


def _is_local_or_address(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return not host or is_local_name(name) or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


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
        raise PortInUse(f"cannot listen on {host}: it is not an address of this machine") from error
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


App = Callable[..., Iterable[bytes]]
_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, Range"),
    ("Access-Control-Max-Age", "600"),
]
_EXPOSED = "Content-Disposition, Content-Range"


def with_cors(app: App) -> App:
    """Wrap a WSGI application so that pages of loopback origins may use it, and no others.

    ocean.js runs in pages, so both ports answer what browsers ask before they let a page read
    across origins. The real services allow every origin. Here that would let any page on the web
    that a user happens to open read the network on their machine.
    """

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN", "")
        if not _is_local(origin):
            return app(environ, start_response)
        allowed = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        asks = "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        if environ["REQUEST_METHOD"] == "OPTIONS" and asks:
            start_response("204 No Content", [*allowed, *_PREFLIGHT, ("Content-Length", "0")])
            return []
        allowed.append(("Access-Control-Expose-Headers", _EXPOSED))

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [pair for pair in headers if not pair[0].lower().startswith("access-control-")]
            return start_response(status, [*kept, *allowed], *more)

        return app(environ, start)

    return wrapped


def _is_local(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and is_local_name(host)
