"""What a lower layer's failure means: which of our errors, in words without secrets."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import requests
import urllib3.exceptions

from ocean_lib.checks import printable
from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    InvalidUrl,
    MalformedResponse,
    OceanError,
    RequestTimeout,
    ResponseTooLarge,
)
from ocean_lib.http.deadline import Deadline
from ocean_lib.http.limits import ACCEPTED
from ocean_lib.http.redaction import one_line, safe_url

FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)

_MISSING_FILE = re.compile(r"Could not find .*TLS (?P<what>.+), invalid path: (?P<path>.*)")
_BAD_URLS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationParseError,
)
_CONNECT_TIMEOUTS = (urllib3.exceptions.ConnectTimeoutError, requests.exceptions.ConnectTimeout)
_TIMEOUTS = (TimeoutError, urllib3.exceptions.ReadTimeoutError, requests.exceptions.Timeout)
_SERVER_HINT = "Check that the server runs and that the URL in the config is right."
_PROXY_HINT = (
    "Check the proxy: HTTP_PROXY, HTTPS_PROXY or ALL_PROXY in the environment names it, or the "
    "session; NO_PROXY names what is asked without."
)
_BUNDLE_HINT = "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE in the environment, or the session's verify"


def no_time(
    operation: str, url: str, deadline: Deadline, *, may_have_arrived: bool = False
) -> RequestTimeout:
    """Make the error for an operation whose time is over."""
    return RequestTimeout(
        f"Could not {operation}: the time for the whole operation "
        f"({_seconds(deadline.seconds)}) was used up at {safe_url(url)}. "
        "Try again, or allow more time (timeout.total, or time_limit()).",
        may_have_arrived=may_have_arrived,
    )


def too_long(operation: str, url: str, status: int, most: int) -> ResponseTooLarge:
    """Make the error for an answer beyond its limit."""
    return ResponseTooLarge(
        f"Could not {operation}: {safe_url(url)} sent more than {most} bytes, the limit for an "
        "answer (max_answer_bytes). Check that the URL is that of the right service.",
        operation=operation,
        status_code=status,
        url=safe_url(url),
    )


def strange_encoding(operation: str, url: str, status: int, encoding: str) -> MalformedResponse:
    """Make the error for a body in an encoding that was not asked for."""
    return MalformedResponse(
        f"Could not {operation}: {safe_url(url)} sent it encoded as {one_line(encoding, 60)}, "
        f"and was asked for {ACCEPTED} at most. Ask the server's operator.",
        operation=operation,
        status_code=status,
        url=safe_url(url),
    )


def _seconds(seconds: float | None) -> str:
    return "no limit" if seconds is None else f"{seconds:g} s"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk through an error and all it wraps (requests and urllib3 put the cause into args)."""
    todo: list[Any] = [error]
    seen: set[int] = set()
    while todo:
        item = todo.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        todo += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]


@dataclass(frozen=True)
class _Failed:
    """A request that failed.

    Attributes:
        operation: what was asked, in words.
        url: where.
        deadline: of the operation.
        causes: the error and all it wraps.
        proxy: through which it went, '' for none.
        is_sent: whether some of it went out; None if nobody knows.
    """

    operation: str
    url: str
    deadline: Deadline
    causes: tuple[BaseException, ...]
    proxy: str
    is_sent: bool | None

    def has(self, *kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in self.causes)

    @property
    def where(self) -> str:
        through = f" through the proxy {self.proxy}" if self.proxy else ""
        return f"{safe_url(self.url)}{through}"

    @property
    def why(self) -> str:
        texts = (c.strerror for c in self.causes if isinstance(c, OSError) and c.strerror)
        reason = one_line(next(texts, ""), 100)
        return f" ({reason})" if reason else ""

    def not_connected(self, what: str, hint: str) -> ConnectFailed:
        return ConnectFailed(f"Could not {self.operation}: {what}. {hint}")


def failure_of(
    error: Exception,
    url: str,
    operation: str,
    deadline: Deadline,
    *,
    proxy: str = "",
    is_sent: bool | None = None,
) -> OceanError:
    """Make our error of a lower layer's."""
    failed = _Failed(operation, url, deadline, tuple(_causes(error)), proxy, is_sent)
    for meaning in _MEANINGS:
        found = meaning(failed)
        if found is not None:
            return found
    return ConnectionBroken(
        f"Could not {operation}: the connection to {failed.where} ended before a whole answer "
        "came. The server may have restarted; try again."
    )


def _unusable_address(failed: _Failed) -> OceanError | None:
    """Tell a wrong URL from a proxy that cannot be used: requests calls both URLs."""
    if not (failed.has(*_BAD_URLS) or (failed.has(UnicodeError) and not failed.is_sent)):
        return None
    if not (failed.proxy and _is_url(failed.url)):
        where = repr(safe_url(failed.url))
        return InvalidUrl(f"Could not {failed.operation}: {where} is not a URL that can be asked.")
    hint = _PROXY_HINT
    if failed.proxy.lower().startswith("socks"):
        hint = f"A SOCKS proxy needs a package more: pip install requests[socks]. {hint}"
    return failed.not_connected(f"{failed.proxy!r} cannot be used as a proxy", hint)


def _is_url(url: str) -> bool:
    try:
        requests.Request("GET", url).prepare()
    except ValueError:  # also what requests raises for a URL
        return False
    return url.lower().startswith(("http://", "https://"))


def _missing_file(failed: _Failed) -> OceanError | None:
    found = next(filter(None, (_MISSING_FILE.search(str(c)) for c in failed.causes)), None)
    if found is None:
        return None
    is_bundle = "CA" in found["what"]
    what = "CA bundle" if is_bundle else found["what"].replace("certificate", "client certificate")
    return failed.not_connected(
        f"the {what} {printable(found['path'], limit=300)} is not there",
        f"Check {_BUNDLE_HINT if is_bundle else 'the cert of the session'}.",
    )


def _no_connection(failed: _Failed) -> OceanError | None:
    # Before the connect time-out: urllib3's NewConnectionError is a subclass of that.
    if not failed.has(
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ProxyError,
        socket.gaierror,
        ConnectionRefusedError,
    ):
        return None
    hint = _PROXY_HINT if failed.proxy else _SERVER_HINT
    return failed.not_connected(f"no connection to {failed.where}{failed.why}", hint)


def _too_late(failed: _Failed) -> OceanError | None:
    if not failed.has(*_TIMEOUTS, *_CONNECT_TIMEOUTS):
        return None
    is_unsent = failed.is_sent is False or failed.has(*_CONNECT_TIMEOUTS)
    if failed.deadline.is_over:
        return no_time(
            failed.operation, failed.url, failed.deadline, may_have_arrived=not is_unsent
        )
    if is_unsent and (failed.proxy or failed.has(*_CONNECT_TIMEOUTS)):
        what = f"no connection to {failed.where} in time"
        hint = "Check the address, or allow more time (timeout.connect)."
        hint = _PROXY_HINT if failed.proxy else hint
    elif is_unsent:
        what = f"{failed.where} took the connection, but answered no TLS handshake in time"
        hint = (
            "It may speak http and not https: check the URL's scheme, or allow more time "
            "(timeout.connect)."
        )
    else:
        what = f"{failed.where} stopped answering"
        hint = "Try again, or allow more time (timeout.read)."
    return RequestTimeout(
        f"Could not {failed.operation}: {what}. {hint}", may_have_arrived=not is_unsent
    )


def _no_tls(failed: _Failed) -> OceanError | None:
    if failed.is_sent or not failed.has(urllib3.exceptions.SSLError, ssl.SSLError):
        return None
    if failed.is_sent is None and failed.has(ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return None  # it may as well have been the end of a connection that was in use
    return failed.not_connected(
        f"the TLS connection to {failed.where} failed{failed.why}",
        "Check the server's certificate, the URL's scheme (http or https) and the CA bundle "
        f"({_BUNDLE_HINT}).",
    )


def _bad_compression(failed: _Failed) -> OceanError | None:
    if not failed.has(urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError):
        return None
    return MalformedResponse(
        f"Could not {failed.operation}: the answer of {failed.where} is not compressed as it "
        "says. Check that the URL is that of the right service.",
        operation=failed.operation,
        url=safe_url(failed.url),
    )


def _ended_early(failed: _Failed) -> OceanError | None:
    if failed.is_sent is not False:
        return None
    hint = _PROXY_HINT if failed.proxy else _SERVER_HINT
    return failed.not_connected(f"no connection to {failed.where}{failed.why}", hint)


_MEANINGS: tuple[Callable[[_Failed], OceanError | None], ...] = (
    _unusable_address,
    _missing_file,
    _no_connection,
    _too_late,
    _no_tls,
    _bad_compression,
    _ended_early,
)
