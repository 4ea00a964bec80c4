"""A server whose every byte a test decides, to see what a client makes of it."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        return json.loads(self.body)


Reply = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """What a reply may use: the socket, the request, and whether the test is over."""

    sock: socket.socket
    request: Request | None
    over: threading.Event
    keep_alive: bool = True

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)


def answer(
    status: int, body: bytes | str, content_type: str = "application/json", **headers: str
) -> Reply:
    """A whole, correct HTTP answer."""
    content = body.encode() if isinstance(body, str) else body

    def reply(exchange: Exchange) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
        lines += [f"Content-Type: {content_type}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        exchange.send(("\r\n".join(lines) + "\r\n\r\n").encode() + content)

    return reply


def as_json(value: Any, status: int = 200) -> Reply:
    return answer(status, json.dumps(value))


def html(status: int) -> Reply:
    page = f"<!DOCTYPE HTML>\n<title>{status} X</title>\n<h1>X</h1>\n<p>It went wrong.</p>\n"
    return answer(status, page, "text/html; charset=utf-8")


def raw(data: bytes, *, close: bool = True) -> Reply:
    """These bytes, then the end of the connection."""

    def reply(exchange: Exchange) -> None:
        exchange.send(data)
        exchange.keep_alive = not close

    return reply


def reset(exchange: Exchange) -> None:
    """End the connection with a TCP reset."""
    exchange.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.keep_alive = False


def drip(prefix: bytes, piece: bytes, pause_s: float = 0.02) -> Reply:
    """Send `prefix`, then `piece` for ever, until the test is over or the client leaves."""

    def reply(exchange: Exchange) -> None:
        exchange.keep_alive = False
        exchange.send(prefix)
        while not exchange.over.wait(pause_s):
            exchange.send(piece)

    return reply


def silence(exchange: Exchange) -> None:
    """Say nothing until the test is over or the client leaves."""
    exchange.keep_alive = False
    exchange.sock.settimeout(0.05)
    while not exchange.over.is_set():
        try:
            if not exchange.sock.recv(1):
                return
        except TimeoutError:
            continue


@dataclass
class WireServer:
    """Answers on 127.0.0.1 as `route` decides; keeps every request.

    Attributes:
        route: gives the reply to a request.
        on_connect: if it returns a reply, that is done before anything is read.
        on_unread: if it returns a reply to a request line, that is done instead of reading the
            request: its bytes have come, but no program has seen them.
    """

    route: Callable[[Request], Reply]
    on_connect: Callable[[], Reply | None] = lambda: None
    on_unread: Callable[[str], Reply | None] | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> WireServer:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._reserved: socket.socket | None = None
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._serve_from_now_on()
        return self

    def _serve_from_now_on(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def stop_listening(self) -> None:
        """Refuse connections from now on; those that are open stay open, and so does the port."""
        if self._reserved is not None:
            return
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        # Bound, but not listening: nobody else gets the port, and who connects is refused.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", self.port))

    def go_down(self) -> None:
        """End all connections and refuse new ones, as a process that was killed."""
        self._over.set()
        self.stop_listening()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(5)
        for thread in self._threads:
            thread.join(5)

    def come_back(self) -> None:
        """Listen on the same port again."""
        self.go_down()
        assert self._reserved is not None
        self._listener, self._reserved = self._reserved, None
        self._listener.listen(128)
        self._serve_from_now_on()

    def __exit__(self, *_: object) -> None:
        self.go_down()
        if self._reserved is not None:
            self._reserved.close()

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(sock)
            thread = threading.Thread(
                target=self._serve, args=(sock, self.connections), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with sock:
            try:
                at_once = self.on_connect()
                if at_once is not None:
                    at_once(Exchange(sock, None, self._over))
                    return
                with sock.makefile("rb") as reader:
                    while True:
                        unread = self.on_unread and self.on_unread(_peek(sock))
                        if unread:
                            unread(Exchange(sock, None, self._over))
                            return
                        request = _read(reader, number)
                        if request is None:
                            return
                        self.requests.append(request)
                        exchange = Exchange(sock, request, self._over)
                        self.route(request)(exchange)
                        if not exchange.keep_alive:
                            return
            except OSError:
                return


def _peek(sock: socket.socket) -> str:
    """Return the request line without taking it from the socket."""
    while True:
        line, found, _ = sock.recv(4096, socket.MSG_PEEK).partition(b"\r\n")
        if found or not line:
            return line.decode("latin-1")


def _read(reader: Any, number: int) -> Request | None:
    """Read a request; None if the connection ends before it is whole."""
    line = reader.readline().decode("latin-1")
    if not line.endswith("\n"):
        return None
    method, target, _ = line.strip().split(" ", 2)
    headers: dict[str, str] = {}
    while True:
        header = reader.readline().decode("latin-1")
        if not header.endswith("\n"):
            return None
        if not header.strip():
            break
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    body = reader.read(length)
    return Request(method, target, headers, body, number) if len(body) == length else None


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll until the condition holds; fail the test if it does not in time."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"not so within {seconds} s: {condition}")
        threading.Event().wait(0.01)
