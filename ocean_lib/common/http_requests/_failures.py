"""What a lower layer's failure means: which of our errors, in words without secrets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import requests
import urllib3.exceptions

from ocean_lib.common.http_requests.deadline import Deadline
from ocean_lib.common.http_requests.redaction import one_line, safe_url
from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    InvalidUrl,
    MalformedResponse,
    OceanError,
    RequestTimeout,
)


def no_time(
    operation: str, url: str, deadline: Deadline, *, may_have_arrived: bool = False
) -> RequestTimeout:
    return RequestTimeout(
        f"Could not {operation}: the time for the whole operation "
        f"({_seconds(deadline.seconds)}) was used up at {safe_url(url)}. "
        "Try again, or allow more time (timeout.total, or time_limit()).",
        may_have_arrived=may_have_arrived,
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


def failure_of(error: Exception, url: str, operation: str, deadline: Deadline) -> OceanError:
    causes = list(_causes(error))
    where = safe_url(url)

    def any_of(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if any_of(
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
        urllib3.exceptions.LocationParseError,
        UnicodeError,
    ):
        return InvalidUrl(f"Could not {operation}: {where!r} is no URL that can be asked.")
    # Before the connect time-out: urllib3's NewConnectionError is a subclass of that.
    if any_of(
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ProxyError,
        socket.gaierror,
        ConnectionRefusedError,
    ):
        reason = next((c.strerror for c in causes if isinstance(c, OSError) and c.strerror), "")
        return ConnectFailed(
            f"Could not {operation}: no connection to {where}"
            f"{f' ({one_line(reason, 100)})' if reason else ''}. "
            "Check that the server runs and that the URL in the config is right."
        )
    if any_of(urllib3.exceptions.ConnectTimeoutError, requests.exceptions.ConnectTimeout):
        return RequestTimeout(
            f"Could not {operation}: no connection to {where} in time. "
            "Check the address, or allow more time (timeout.connect).",
            may_have_arrived=False,
        )
    if any_of(urllib3.exceptions.SSLError):
        return ConnectFailed(
            f"Could not {operation}: the TLS connection to {where} failed. "
            "Check the server's certificate and the URL's scheme (http or https)."
        )
    if any_of(TimeoutError, urllib3.exceptions.ReadTimeoutError, requests.exceptions.Timeout):
        if deadline.is_over:
            return no_time(operation, url, deadline, may_have_arrived=True)
        return RequestTimeout(
            f"Could not {operation}: {where} stopped answering. "
            "Try again, or allow more time (timeout.read)."
        )
    if any_of(urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError):
        return MalformedResponse(
            f"Could not {operation}: the answer of {where} is not compressed as it says. "
            "Check that the URL is that of the right service.",
            operation=operation,
            url=where,
        )
    return ConnectionBroken(
        f"Could not {operation}: the connection to {where} ended before a whole answer came. "
        "The server may have restarted; try again."
    )
