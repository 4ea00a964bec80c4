"""The only place that makes HTTP sessions."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

from ocean_lib.common.http_requests._connections import CALL, POOLS, Call
from ocean_lib.common.http_requests.deadline import Deadline, current_deadline
from ocean_lib.common.http_requests.limits import POOL_SIZE, Timeouts


class _BoundedAdapter(HTTPAdapter):
    """Sends a request on a connection that knows the deadline and hides the query."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        super().__init__(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOLS
        return manager

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        url = super().request_url(request, proxies)
        call = CALL.get()
        if call is None or self._is_socks(request, proxies):
            return url
        target, _, call.query = url.partition("?")
        return target

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
        deadline = current_deadline() or Deadline(self._timeouts.total_s)
        token = CALL.set(Call(deadline))
        try:
            return super().send(request, stream, timeout, verify, cert, proxies)
        finally:
            CALL.reset(token)

    @staticmethod
    def _is_socks(request: requests.PreparedRequest, proxies: Any) -> bool:
        # PySocks brings its own connection class, which would not put the query back.
        proxy = select_proxy(request.url or "", proxies)
        return bool(proxy) and str(proxy).lower().startswith("socks")


def get_requests_session(timeouts: Timeouts | None = None) -> requests.Session:
    """Make a session whose every call is bounded in time and keeps queries out of logs.

    Args:
        timeouts: connect, read and total times; the defaults if None.

    Returns:
        A session that keeps up to 64 connections a host alive, retries nothing by itself and
        keeps no cookies (many wallets may share it).
    """
    session = requests.Session()
    adapter = _BoundedAdapter(timeouts or Timeouts())
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "ocean-compute"
    return session
