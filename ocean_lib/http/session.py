"""The only place that makes HTTP sessions."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, select_proxy

from ocean_lib.base.expiring import Expiring
from ocean_lib.base.forks import renew_in_children
from ocean_lib.http.connections import CALL, POOLS, Call
from ocean_lib.http.deadline import Deadline, current_deadline
from ocean_lib.http.limits import CACHE_LIFETIME_S, POOL_SIZE, Timeouts
from ocean_lib.http.reach import is_loopback
from ocean_lib.http.redaction import one_line


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
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOLS
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
        url = super().request_url(request, proxies) if proxies else request.path_url
        call = CALL.get()
        if call is None:
            return url
        if self._is_socks(request, proxies):
            call.target, call.is_sent = "", True
            return url
        call.target = url
        if call.is_sent is None:
            call.is_sent = False
        return _without_path(url) if call.hides_path else url.partition("?")[0]

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        if timeout is None:
            timeout = (self._timeouts.connect_s, self._timeouts.read_s)
        if isinstance(cert, list):
            cert = tuple(cert)  # urllib3 looks for a pool by it
        call = CALL.get()
        deadline = call.deadline if call else current_deadline() or Deadline(self._timeouts.total_s)
        if deadline.is_over:  # as for an attempt after the one that took all the time
            raise requests.exceptions.ConnectTimeout("no time is left", request=request)
        if call is not None:
            return super().send(request, stream, timeout, verify, cert, proxies)
        token = CALL.set(Call(deadline))
        try:
            return super().send(request, stream, timeout, verify, cert, proxies)
        finally:
            CALL.reset(token)

    @staticmethod
    def _is_socks(request: requests.PreparedRequest, proxies: Any) -> bool:
        # PySocks brings its own connection class, which would not put the query back.
        proxy = select_proxy(request.url or "", proxies) if proxies else None
        return bool(proxy) and str(proxy).lower().startswith("socks")


class _Session(requests.Session):
    """Does not do what requests does at every call, and no call of ours needs."""

    def __init__(self) -> None:
        super().__init__()
        self._remember_nothing()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        self._remember_nothing()
        renew_in_children(self, _renew_connections)

    def _remember_nothing(self) -> None:
        self._environment: Expiring[tuple[str, ...], tuple[dict[str, str], str | None]]
        self._environment = Expiring(256, CACHE_LIFETIME_S)
        self._prepared: Expiring[Hashable, requests.PreparedRequest]
        self._prepared = Expiring(256, CACHE_LIFETIME_S)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare the first request to an address as requests does, and copy it for those after.

        Preparing costs as much CPU as the way to the server and back, and from one call to the
        next only the query and the body differ.
        """
        if not (_is_plain(request) and self._adds_headers_only()):
            return super().prepare_request(request)
        query, body = request.params, request.data
        key = (
            request.method,
            request.url,
            tuple(request.headers.items()),
            tuple(self.headers.items()),
        )
        try:
            known = self._prepared.get(key)
        except TypeError:  # a header that cannot be: requests says so
            return super().prepare_request(request)
        if known is None:
            bare = requests.Request(request.method, request.url, request.headers)
            known = super().prepare_request(bare)
            self._prepared.put(key, known)
        prepared = known.copy()
        prepared.hooks = {"response": []}
        if query:
            prepared.url = f"{prepared.url}?{urlencode(query)}"
        if body:
            prepared.prepare_body(body, None)
        return prepared

    def _adds_headers_only(self) -> bool:
        return (
            self.auth is None
            and not self.params
            and self.hooks == {"response": []}
            and isinstance(self.headers, (dict, CaseInsensitiveDict))
        )

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
        """Look for a proxy and a CA bundle in the environment once a minute for each host.

        requests reads all variables twice at every call, which takes as long as sending it.
        This machine is never behind a proxy of the environment, whatever NO_PROXY says: the
        proxy's loopback is another's.
        """
        if proxies or not self.trust_env:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        host = urlsplit(url)[:2]
        found = self._environment.get(host)
        if found is None:
            bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
            is_here = is_loopback(urlsplit(url).hostname or "")
            found = {} if is_here else get_environ_proxies(url), bundle
            self._environment.put(host, found)
        env_proxies, bundle = found
        if verify is True or verify is None:
            verify = bundle or verify
        return {
            "proxies": {**self.proxies, **env_proxies},
            "stream": self.stream if stream is None else stream,
            "verify": self.verify if verify is None else verify,
            "cert": self.cert if cert is None else cert,
        }


def _without_path(url: str) -> str:
    """Hide the path of a target: "/path", or for a proxy "http://host/path"."""
    return ("" if url.startswith("/") else "/".join(url.split("/", 3)[:3])) + "/..."


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


def _is_plain(request: requests.Request) -> bool:
    """Whether only a query of texts and a body of bytes come to an address without either."""
    query, body, url = request.params, request.data, request.url
    return (
        isinstance(url, str)
        and not ("?" in url or "#" in url)
        and not (request.files or request.json or request.auth or request.cookies)
        and not any(request.hooks.values())
        and (not body or isinstance(body, bytes))
        and isinstance(query, dict)
        and all(isinstance(part, str) for pair in query.items() for part in pair)
    )


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
