"""One HTTP exchange: build, send, read within bounds, map what failed.

`HttpExchange.send` gives an `Answer` for every status (what a status means is the caller's
business) and raises for what is no answer. Reads may be retried here; a signed call never is:
its nonce may be used up, so a new attempt needs a new signature.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import requests

from ocean_lib.base.expiring import Expiring
from ocean_lib.base.forks import renew_in_children
from ocean_lib.exceptions import (
    ConnectFailed,
    InvalidInput,
    MalformedResponse,
    MovedToHttps,
    OceanError,
    RedirectRefused,
    RequestTimeout,
    ResponseTooLarge,
    TransportError,
)
from ocean_lib.http.answer import Answer
from ocean_lib.http.clients import (
    check_client,
    check_response,
    failure_of_client,
    method_of,
)
from ocean_lib.http.connections import CALL, Call
from ocean_lib.http.deadline import (
    Deadline,
    current_deadline,
    request_times,
    time_limit,
)
from ocean_lib.http.encodings import ACCEPTED, body_of, encoding_of, is_known
from ocean_lib.http.failures import FAILURES, failure_of, no_time
from ocean_lib.http.limits import (
    CACHE_LIFETIME_S,
    MAX_ANSWER_BYTES,
    MAX_FILE_BYTES,
    READ_ATTEMPTS,
    Timeouts,
)
from ocean_lib.http.reach import Reach, addresses_of, has_host, reach_of
from ocean_lib.http.redaction import SecretUrl, one_line, safe_url
from ocean_lib.http.redirects import (
    FOLLOWED,
    MAX_REDIRECTS,
    location_of,
    over_https,
    refused,
)
from ocean_lib.http.retrying import Attempts
from ocean_lib.http.session import get_requests_session, proxy_of

NOT_PICKLED = (
    "What holds connections (Ocean, OceanCompute, DataServiceProvider...) cannot be pickled or "
    "copied. Send its config in its place, and make Ocean(config) there."
)

_LEAST_S = 0.001


class HttpExchange:
    """Sends requests, one answer each.

    Args:
        client: a `requests.Session`, or anything with its `request` method or the methods named
            after the verbs, which returns what is like a `requests.Response`. None makes our own
            pooled session at the first call. A client of yours is used as it is: whether it logs
            URLs is up to it.
        timeouts: connect, read and total times.
        max_answer_bytes: longer answers are refused.
        max_file_bytes: the longest file that is taken where the server announces no length.

    Raises:
        InvalidInput: the client cannot be called as a session is.
    """

    def __init__(
        self,
        client: Any = None,
        *,
        timeouts: Timeouts | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_file_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self.max_answer_bytes = max_answer_bytes
        self.max_file_bytes = max_file_bytes
        self._client = check_client(client)
        self._is_own = client is None
        self._renew()
        renew_in_children(self, HttpExchange._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._over_https: Expiring[str, str] = Expiring(256, CACHE_LIFETIME_S)

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    @property
    def client(self) -> Any:
        """The session in use; made at the first call if none was given."""
        with self._lock:
            if self._client is None:
                self._client = get_requests_session(self.timeouts)
            return self._client

    @client.setter
    def client(self, client: Any) -> None:
        check_client(client)
        with self._lock:
            self._client = client
            self._is_own = client is None

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        json_body: Any = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = False,
    ) -> Answer:
        """Send one request and read its whole answer.

        Args:
            method: the verb.
            url: absolute, http or https.
            operation: what is asked, in words that follow "Could not".
            params: the query; encoded here.
            json_body: sent as JSON.
            headers: further request headers.
            retry: for unsigned reads only: try again when no answer came, a gateway spoke in the
                server's place or it was asked too often, and when the same host wants https.

        Returns:
            The answer, whatever its status.

        Raises:
            TransportError: no answer came; `may_have_arrived` tells whether the server may have
                acted.
            RedirectRefused: the server answered with a redirect.
            ResponseTooLarge: the answer is longer than `max_answer_bytes`.
            InvalidUrl: the URL cannot be asked.
            InvalidInput: `json_body` holds what is no JSON; nothing was sent.
        """
        body = None if json_body is None else _encoded(json_body, operation)
        with operation_limit(self.timeouts.total_s) as deadline:
            attempts = Attempts(deadline, READ_ATTEMPTS if retry else 1)
            while True:
                try:
                    answer = self._once(method, url, operation, params, body, deadline, headers)
                except RequestTimeout:
                    raise
                except MovedToHttps:
                    if not retry:
                        raise
                except TransportError:
                    if not attempts.again():
                        raise
                else:
                    if not (answer.may_change() and attempts.again(answer.retry_after_s or 0.0)):
                        return answer

    @contextmanager
    def stream(
        self,
        url: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        name: str = "",
        given_by: Callable[[], str] | None = None,
    ) -> Iterator[tuple[requests.Response, Iterator[bytes]]]:
        """GET a file, whose body is read piece by piece.

        Args:
            url: absolute, http or https.
            operation: what is asked, in words that follow "Could not".
            params: the query; encoded here.
            headers: further request headers.
            name: what the file is called, '' for what the response calls it.
            given_by: only for a link, which carries no signature of ours: gives the URL of the
                server that handed it out. Redirects are followed then, and neither link nor
                redirect may lead nearer to this machine than that server is itself.

        Yields:
            The response, and its body in pieces; both end with the `with` block.

        Raises:
            TransportError: no answer came, also from the iterator.
            MalformedResponse: the body is not encoded as it says, likewise.
            RedirectRefused: a redirect, or an address, that must not be followed.
        """
        headers = {"Accept-Encoding": "identity", **(headers or {})}
        with operation_limit(self.timeouts.file_total_s) as deadline:
            response, url = self._opened(url, operation, params, deadline, headers, given_by)
            try:
                yield response, self._pieces(response, url, operation, deadline, name)
            finally:
                _close(response)

    def _opened(
        self,
        url: str,
        operation: str,
        params: Mapping[str, str] | None,
        deadline: Deadline,
        headers: Mapping[str, str],
        given_by: Callable[[], str] | None,
    ) -> tuple[requests.Response, str]:
        """Open a file, past redirects if it is a link; return where it was in the end, too."""
        if given_by is None:
            return self._open("GET", url, operation, params, None, deadline, headers), url
        for _ in range(MAX_REDIRECTS + 1):
            addresses = self._admitted(url, operation, given_by)
            response = self._requested(
                "GET", url, operation, params, None, deadline, headers, addresses
            )
            location = location_of(response, url)
            if not location:
                return response, url
            _close(response)
            if response.status_code not in FOLLOWED:
                raise refused(response, url, location, operation, is_https=False)
            url, params = location, None
        raise RedirectRefused(
            f"Could not {operation}: {safe_url(url)} is the end of more than {MAX_REDIRECTS} "
            "redirects. Ask whoever runs the server that keeps the file.",
            operation=operation,
            url=safe_url(url),
        )

    def _admitted(self, url: str, operation: str, given_by: Callable[[], str]) -> list[str]:
        """Return the addresses of a link's host, none for those that whoever connects finds."""
        is_direct = not proxy_of(self.client, url)
        addresses = addresses_of(url, look_up=is_direct)
        if addresses is None and is_direct and has_host(url):
            # Not left to whoever connects: a name may be found there, and be this machine.
            raise ConnectFailed(
                f"Could not {operation}: the host of {safe_url(url)} is unknown. Check that this "
                "machine can look up names, or ask the operator of the server that names it."
            )
        reach = reach_of(addresses or ())
        if reach > Reach.PUBLIC and reach > reach_of(addresses_of(given_by()) or ()):
            raise RedirectRefused(
                f"Could not {operation}: {safe_url(url)} is a private address, or this machine "
                f"itself, and the server that names it, {safe_url(given_by())}, is not. Ask its "
                "operator for a link that can be reached from outside.",
                operation=operation,
                url=safe_url(url),
            )
        return (is_direct and addresses) or []

    def _once(
        self,
        method: str,
        url: str,
        operation: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        deadline: Deadline,
        headers: Mapping[str, str] | None,
    ) -> Answer:
        response = self._open(method, url, operation, params, body, deadline, headers)
        try:
            content = bytearray()
            for piece in self._pieces(response, url, operation, deadline):
                content += piece
                if len(content) > self.max_answer_bytes:
                    raise ResponseTooLarge(
                        f"Could not {operation}: {safe_url(url)} sent more than "
                        f"{self.max_answer_bytes} bytes, the limit for an answer "
                        "(max_answer_bytes). Check that the URL is that of the right service.",
                        operation=operation,
                        status_code=response.status_code,
                        url=safe_url(url),
                    )
        finally:
            _close(response)
        return Answer.of(response, bytes(content), url, operation, len(body or b""))

    def _open(
        self,
        method: str,
        url: str,
        operation: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request that is answered where it is sent, or not at all."""
        url = self._place_of(url)
        response = self._requested(method, url, operation, params, body, deadline, headers)
        location = location_of(response, url)
        if not location:
            return response
        _close(response)
        origin = over_https(url, location)
        if origin:
            self._over_https.put(_origin(url), origin)
        raise refused(response, url, location, operation, is_https=bool(origin))

    def forget_places(self) -> None:
        """Ask over http again where a host wanted https."""
        self._over_https.clear()

    def _place_of(self, url: str) -> str:
        """Return where to ask for a URL: over TLS where its host wanted that before."""
        origin = _origin(url)
        found = self._over_https.get(origin)
        return url if found is None else type(url)(found + url[len(origin) :])

    def _requested(
        self,
        method: str,
        url: str,
        operation: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        deadline: Deadline,
        extra_headers: Mapping[str, str] | None,
        addresses: Sequence[str] = (),
    ) -> requests.Response:
        headers = {"Accept-Encoding": ACCEPTED, **(extra_headers or {})}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if deadline.is_over:
            raise no_time(operation, url, deadline)
        # Never 0, which urllib3 refuses: the deadline may pass between the line above and here.
        connect_s, read_s = request_times(self.timeouts.connect_s, self.timeouts.read_s)
        timeout = (
            max(_LEAST_S, deadline.capped(connect_s)),
            max(_LEAST_S, deadline.capped(read_s)),
        )
        client = self.client
        send = method_of(client, method, operation)
        call = Call(deadline, hides_path=isinstance(url, SecretUrl), addresses=addresses)
        token = CALL.set(call)
        try:
            response: requests.Response = self._mapped(
                lambda: send(
                    url,
                    params=dict(params) if params else None,
                    data=body,
                    headers=headers,
                    timeout=timeout,
                    allow_redirects=False,
                    stream=True,
                ),
                url,
                operation,
                deadline,
            )
        finally:
            CALL.reset(token)
        if not self._is_own:
            check_response(response, client, url, operation)
        return response

    def _pieces(
        self,
        response: requests.Response,
        url: str,
        operation: str,
        deadline: Deadline,
        name: str = "",
    ) -> Iterator[bytes]:
        encoding = encoding_of(response.headers)
        if not is_known(encoding):
            if response.status_code >= 300:
                return  # the status says enough
            raise MalformedResponse(
                f"Could not {operation}: {safe_url(url)} sent it encoded as "
                f"{one_line(encoding, 60)}, and was asked for {ACCEPTED} at most. Ask the "
                "server's operator.",
                operation=operation,
                status_code=response.status_code,
                url=safe_url(url),
            )
        pieces = body_of(response, encoding, name)
        while True:
            if deadline.is_over:
                raise no_time(operation, url, deadline, may_have_arrived=True)
            piece = self._mapped(lambda: next(pieces, b""), url, operation, deadline)
            if not piece:
                return
            yield piece

    def _mapped(self, act: Callable[[], Any], url: str, operation: str, deadline: Deadline) -> Any:
        """Run a lower layer's call; its failures become ours, without its texts' secrets."""
        failure: OceanError
        try:
            return act()
        except OceanError:
            raise
        except Exception as error:
            call = CALL.get()
            if isinstance(error, FAILURES) or (self._is_own and isinstance(error, ValueError)):
                is_sent = True if call is None else call.is_sent
                proxy = proxy_of(self._client, url)
                failure = failure_of(error, url, operation, deadline, proxy=proxy, is_sent=is_sent)
            elif self._is_own:
                raise  # a fault of ours, which has to be seen as it is
            else:
                failure = failure_of_client(error, self._client, url, operation)
        # Raised here, outside the handler, so that the lower error (it may hold the URL) is
        # not attached to ours.
        raise failure


@contextmanager
def operation_limit(
    seconds: float, *, connect_s: float | None = None, read_s: float | None = None
) -> Iterator[Deadline]:
    """Give the deadline in force, or start one (see `time_limit`): an operation has just one."""
    deadline = current_deadline()
    if deadline is not None:
        yield deadline
        return
    with time_limit(seconds, connect_s=connect_s, read_s=read_s) as deadline:
        yield deadline


def _encoded(document: Any, operation: str) -> bytes:
    kind = ""
    try:
        return json.dumps(document, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = type(error).__name__
    raise InvalidInput(
        f"Could not {operation}: what is to be sent must hold JSON values only, that is text, "
        f"finite numbers, lists and dicts ({kind})."
    )


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"


def _close(response: Any) -> None:
    with suppress(Exception):  # closing is a courtesy; nothing of it may replace the real outcome
        response.close()
