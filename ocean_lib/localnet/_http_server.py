"""Serve a WSGI application on loopback from a thread, and stop without leaving anything."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

_JOIN_S = 5.0


class PortInUse(Exception):
    """A port that was asked for is taken."""


class HttpServer:
    """A waitress server on 127.0.0.1 with a thread of its own.

    Args:
        app: The WSGI application.
        port: The port, or 0 for one that the system chooses.
        name: The thread's name.
        threads: How many requests are answered at the same time.
        max_body_bytes: The longest request body; longer ones are answered with 413.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        app: Callable[..., Any],
        port: int = 0,
        *,
        name: str,
        threads: int = 8,
        max_body_bytes: int = 4 * 1024**2,
    ) -> None:
        from waitress.server import create_server

        # A queue under load is the server's business, not a warning to its user.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._listener = _listen(self.host, port)
        self._map: dict[int, Any] = {}
        self._server: Any = create_server(
            app,
            map=self._map,
            sockets=[self._listener],
            threads=threads,
            connection_limit=1024,
            channel_timeout=120,
            max_request_body_size=max_body_bytes,
        )
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def url(self) -> str:
        """The server's base URL, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Begin to answer; connections were already queued since construction."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, end the threads and release the port."""
        if self._thread.is_alive():
            self._server.trigger.pull_trigger(self._close_connections)
            self._thread.join(_JOIN_S)
        self._close_connections()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=_JOIN_S)
        self._listener.close()

    def _run(self) -> None:
        while self._map:
            self._server.asyncore.loop(
                timeout=1.0, map=self._map, use_poll=self._server.adj.asyncore_use_poll, count=1
            )

    def _close_connections(self) -> None:
        self._server.asyncore.close_all(self._map, ignore_all=True)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"cannot listen on {host}:{port}: {error.strerror or error}. Stop the process that "
            "uses the port, or choose another one."
        ) from error
    return listener
