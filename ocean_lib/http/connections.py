"""The sessions we make: connections that end in time, show no secret, and know what was sent.

Three things urllib3 does not offer, put where its classes are meant to be extended:

- Its read time-out starts again with every byte, so a server that drips holds a call for ever.
  Here every read of the socket gets what is left of the operation's deadline.
- It logs each request's target at DEBUG and repeats it in its errors, signature included. Here
  the target travels beside the one that is shown, and takes its place on the request line only.
- It calls a TLS handshake that takes too long a read time-out, as if a request had been sent.
"""

from __future__ import annotations

import http.client
import math
import os
import socket
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, select_proxy

from ocean_lib.base.expiring import Expiring
from ocean_lib.base.forks import renew_in_children
from ocean_lib.http.deadline import Deadline, current_deadline
from ocean_lib.http.limits import CACHE_LIFETIME_S, LEAST_S, POOL_SIZE, Timeouts
from ocean_lib.http.origins import is_loopback
from ocean_lib.http.redaction import SecretUrl, one_line


@dataclass
class Call:
    """One request: what is asked, and what it carries past requests and urllib3.

    Attributes:
        deadline: for every read of the socket.
        method: the verb.
        url: what was asked for.
        operation: what is asked, in words that follow "Could not".
        params: the query.
        body: JSON, encoded.
        headers: further request headers.
        addresses: the only ones to connect to, since these were checked; empty for the host's.
        place: where it was sent; not `url` where that host wanted https before.
        target: what goes on the request line in place of what urllib3 shows; '' for the same.
        is_sent: whether some of the request went out; None if another's connection had it.
        is_link: whether it leads to somebody else's server, and carries no signature of ours.
    """

    deadline: Deadline
    method: str = "GET"
    url: str = field(default="", repr=False)
    operation: str = ""
    params: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    addresses: Sequence[str] = ()
    place: str = field(default="", repr=False)
    target: str = field(default="", repr=False)
    is_sent: bool | None = None
    is_link: bool = False


CALL: ContextVar[Call | None] = ContextVar("ocean_http_call", default=None)


class _BoundedReader(socket.SocketIO):
    """A socket's raw reader that asks the deadline before each read."""

    deadline: Deadline
    sock: socket.socket
    idle_s: float | None

    def readinto(self, buffer: Any) -> int | None:
        left = self.deadline.remaining()
        if left <= 0:
            raise TimeoutError("the operation's deadline has passed")
        if left != math.inf:
            self.sock.settimeout(left if self.idle_s is None else min(self.idle_s, left))
        return super().readinto(buffer)


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        call = CALL.get()
        if call is not None:
            # The reader that the socket made for itself learns of the deadline. A second one
            # around it would cost more than all else we do for an answer.
            reader: Any = self.fp.raw
            reader.__class__ = _BoundedReader
            reader.sock, reader.deadline, reader.idle_s = sock, call.deadline, sock.gettimeout()


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
            self.timeout = max(LEAST_S, call.deadline.capped(self.timeout))
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


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class _BoundedAdapter(HTTPAdapter):
    """Sends a request on a connection that knows the deadline and hides the query."""

    __attrs__ = [*HTTPAdapter.__attrs__, "_timeouts"]  # noqa: RUF012  (what a copy gets)

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._pools: dict[Hashable, Any] = {}
        super().__init__(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._pools = {}
        super().__setstate__(state)  # type: ignore[misc]

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Find the pool of a host asked before without taking URL and settings apart again."""
        if proxies or not isinstance(request.url, str):
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        origin = request.url[: request.url.find("/", len("https://"))]
        key = (origin, verify, cert)
        pool = self._pools.get(key)
        if pool is None or pool.pool is None:  # closed, to make room for other hosts
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if len(self._pools) >= POOL_SIZE:
                self._pools.clear()
            self._pools[key] = pool
        return pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """Return what urllib3 shows of the target; the call carries the whole of it."""
        url = super().request_url(request, proxies) if proxies else request.path_url
        call = CALL.get()
        if call is None:
            return url
        if proxies and _is_socks(request, proxies):
            call.target, call.is_sent = "", True
            return url
        call.target = url
        if call.is_sent is None:
            call.is_sent = False
        return _without_path(url) if isinstance(call.url, SecretUrl) else url.partition("?")[0]


def _is_socks(request: requests.PreparedRequest, proxies: Any) -> bool:
    # PySocks brings its own connection class, which would not put the query back.
    return str(select_proxy(request.url or "", proxies)).lower().startswith("socks")


def _without_path(url: str) -> str:
    """Hide the path of a target: "/path", or for a proxy "http://host/path"."""
    return ("" if url.startswith("/") else "/".join(url.split("/", 3)[:3])) + "/..."


_PLAIN = {"params", "data", "headers", "timeout", "allow_redirects", "stream"}
_NO_HOOKS: dict[str, list[Any]] = {"response": []}


class _Session(requests.Session):
    """Skips what requests does at every call and no call of ours needs."""

    def __init__(self) -> None:
        super().__init__()
        self._remember_nothing()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        self._remember_nothing()
        renew_in_children(self, _renew_connections)

    def _remember_nothing(self) -> None:
        self._known: Expiring[Hashable, tuple[requests.PreparedRequest, dict[str, Any]]]
        self._known = Expiring(256, CACHE_LIFETIME_S)
        self._own_cookies = self.cookies

    def request(self, method: Any, url: Any, *args: Any, **asked: Any) -> requests.Response:
        """Send a request; a plain one, whose redirect is not followed, as the one before it.

        Preparing, and reading proxy and CA bundle from the environment, cost more CPU than the way
        to the server and back. From one call to the next only the query (of texts) and the body (of
        bytes) differ, so the rest is believed for a minute.
        """
        query, body = asked.get("params") or {}, asked.get("data")
        is_plain = (
            not args
            and asked.keys() <= _PLAIN
            and (asked.get("allow_redirects"), asked.get("stream")) == (False, True)
            and isinstance(query, dict)
            and {str}.issuperset(map(type, (*query, *query.values())))
            and (not body or isinstance(body, bytes))
            and isinstance(url, str)
            and not ("?" in url or "#" in url)
            and (self.auth, self.cookies, self.hooks) == (None, self._own_cookies, _NO_HOOKS)
            and not self.params
            and isinstance(self.headers, (dict, CaseInsensitiveDict))
        )
        headers = asked.get("headers") or {}
        known = None
        try:
            if is_plain:
                shared = tuple(self.headers.items()), tuple((self.proxies or {}).items())
                settings = shared, self.verify, self.cert, self.trust_env
                key = method, url, tuple(headers.items()), settings
                known = self._known.get(key)
        except TypeError:  # a header or a setting that cannot be: requests says so
            is_plain = False
        if not is_plain:
            return super().request(method, url, *args, **asked)
        if known is None:
            known = (
                self.prepare_request(requests.Request(method, url, headers)),
                dict(self.merge_environment_settings(url, {}, True, None, None)),
            )
            self._known.put(key, known)
        request = known[0].copy()
        request.hooks = {"response": []}
        if query:
            request.url = f"{request.url}?{urlencode(query)}"
        if body:
            request.prepare_body(body, None)
        times = asked.get("timeout")
        if times is None or CALL.get() is None:
            return self.send(request, timeout=times, allow_redirects=False, **known[1])
        return self.get_adapter(url).send(request, timeout=times, **known[1])

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        """Send within the operation's deadline, or the time-outs of this session."""
        times = getattr(self.get_adapter(str(request.url)), "_timeouts", None) or Timeouts()
        if settings.get("timeout") is None:
            settings["timeout"] = (times.connect_s, times.read_s)
        if isinstance(settings.get("cert"), list):
            settings["cert"] = tuple(settings["cert"])  # urllib3 looks for a pool by it
        if CALL.get() is not None:
            return super().send(request, **settings)
        deadline = current_deadline() or Deadline(times.total_s)
        if deadline.is_over:  # as for an attempt after the one that took all the time
            raise requests.exceptions.ConnectTimeout("no time is left", request=request)
        token = CALL.set(Call(deadline))
        try:
            return super().send(request, **settings)
        finally:
            CALL.reset(token)

    def resolve_redirects(
        self, *args: Any, yield_requests: bool = False, **kwargs: Any
    ) -> Iterator[Any]:
        """Do not look at a redirect that is not to be followed.

        requests prepares the next request in any case, and reads the whole body of the redirect
        for it, however long that is.
        """
        if not yield_requests:
            yield from super().resolve_redirects(*args, **kwargs)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """Read proxy and CA bundle from the environment.

        This machine is never behind a proxy of the environment, whatever NO_PROXY says: the
        proxy's loopback is another's.
        """
        if proxies or not self.trust_env:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        is_here = is_loopback(urlsplit(url).hostname or "")
        if verify is True or verify is None:
            verify = bundle or verify
        return {
            "proxies": {**self.proxies, **({} if is_here else get_environ_proxies(url))},
            "stream": self.stream if stream is None else stream,
            "verify": self.verify if verify is None else verify,
            "cert": self.cert if cert is None else cert,
        }


def proxy_of(client: Any, url: str) -> str:
    """Name the proxy that a session asks a URL through, without its password; '' for none."""
    if not isinstance(client, requests.Session):
        return ""
    try:
        settings = client.merge_environment_settings(url, {}, None, None, None)
        proxy = select_proxy(url, settings["proxies"])
    except ValueError:
        return ""
    scheme, sep, rest = str(proxy or "").rpartition("://")
    host = rest.rpartition("@")[2].partition("/")[0]
    return one_line(f"{scheme}{sep}{host}" if scheme.isalnum() else host, 100)


def _renew_connections(session: _Session) -> None:
    for prefix, adapter in list(session.adapters.items()):
        if isinstance(adapter, _BoundedAdapter):
            session.mount(prefix, _BoundedAdapter(adapter._timeouts))


def get_requests_session(timeouts: Timeouts | None = None) -> requests.Session:
    """Make a session whose every call is bounded in time and keeps queries out of logs.

    Args:
        timeouts: connect, read and total times; the defaults if None.

    Returns:
        A session that keeps up to 64 connections a host alive, retries nothing by itself and
        keeps no cookies (many wallets may share it).
    """
    session = _Session()
    adapter = _BoundedAdapter(timeouts or Timeouts())
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "ocean-compute"
    renew_in_children(session, _renew_connections)
    return session
