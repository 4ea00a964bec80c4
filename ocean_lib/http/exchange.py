"""One HTTP exchange: build, send, read within bounds, map what failed.

`HttpExchange.send` gives an `Answer` for every status (what a status means is the caller's
business) and raises when no answer came. Reads may be retried here; a signed call never is: its
nonce may be used up, so a new attempt needs a new signature.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

import requests

from ocean_lib.base.expiring import Expiring
from ocean_lib.base.forks import renew_in_children
from ocean_lib.checks import parse_json
from ocean_lib.exceptions import (
    InvalidInput,
    MalformedResponse,
    MovedToHttps,
    OceanError,
    RequestTimeout,
    TransportError,
)
from ocean_lib.http.clients import by_verbs, check_client, check_response, failure_of_client
from ocean_lib.http.connections import CALL, Call, get_requests_session, proxy_of
from ocean_lib.http.deadline import Attempts, operation_limit, retry_after_s
from ocean_lib.http.failures import FAILURES, failure_of, no_time, strange_encoding, too_long
from ocean_lib.http.files import (
    PIECE,
    body_of,
    encoding_of,
    is_known,
    is_page,
    name_in_headers,
    title_of,
)
from ocean_lib.http.limits import (
    ACCEPTED,
    CACHE_LIFETIME_S,
    GATEWAY_STATUSES,
    LEAST_S,
    MAX_ANSWER_BYTES,
    MAX_FILE_BYTES,
    TOO_MANY_REQUESTS,
    Timeouts,
)
from ocean_lib.http.origins import (
    FOLLOWED,
    MAX_REDIRECTS,
    admitted,
    location_of,
    over_https,
    redirect_refused,
    refused,
    root_of,
    too_many_redirects,
)
from ocean_lib.http.redaction import safe_url, server_words

NOT_PICKLED = (
    "What holds connections (Ocean, OceanCompute, DataServiceProvider...) cannot be pickled or "
    "copied. Send its config in its place, and make Ocean(config) there."
)

_CROWDED = b"Too many active connections"
_CROWDED_S = 20.0
"""So long to wait where too many clients ask: a node counts those of the last minute."""

_TRY_AGAIN = re.compile(r"[Tt]ry again in (\d{1,4}) seconds")


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever the status, before anybody says what it means.

    Attributes:
        status_code: the HTTP status.
        body: the whole body, decoded from its transfer encoding.
        headers: of the response; their names may be asked for in small letters.
        asked_url: where it was asked; may hold secrets, so show `url`.
        operation: what was asked, in words.
        sent_bytes: how long the body of the request was.
    """

    status_code: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    asked_url: str = field(repr=False)
    operation: str
    sent_bytes: int = 0

    @property
    def url(self) -> str:
        """Where it was asked, without query."""
        return safe_url(self.asked_url)

    @property
    def date(self) -> str:
        """The server's clock, as its Date header gives it, '' if it does not."""
        return str(self.headers.get("date") or "")

    @property
    def retry_after_s(self) -> float | None:
        """After how many seconds the server wants to be asked again; None if it did not say.

        An Ocean Node says it in its words alone, and of too many clients not at all.
        """
        said = retry_after_s(self.headers)
        if said is not None or not self.is_too_often:
            return said
        words = _TRY_AGAIN.search(self.text())
        return float(words[1]) if words else _CROWDED_S if self.status_code == 403 else None

    @property
    def is_too_often(self) -> bool:
        """Whether too many requests were the reason: 429, or a node's 403 for too many clients."""
        if self.status_code == 403:
            return self.body.startswith(_CROWDED)
        return self.status_code == TOO_MANY_REQUESTS

    def text(self) -> str:
        """Return the server's words, fit for a message."""
        return server_words(self.body[:100_000].decode("utf-8", "replace"))

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            MalformedResponse: it is not JSON.
        """
        with suppress(ValueError):
            return parse_json(self.body)
        words = self.text() or "an empty body"
        if is_page(self.body):
            words = (
                f"a web page ({title_of(self.body) or words}), as gateways send to check a "
                "browser or to ask for a sign-in"
            )
        raise self.malformed("JSON", words)

    def malformed(self, expected: str, got: str) -> MalformedResponse:
        """Make the error for an answer of the wrong form."""
        return MalformedResponse(
            f"Could not {self.operation}: expected {expected} from {self.url}, got {got} "
            f"(HTTP {self.status_code}). Check that the URL is that of the right service.",
            operation=self.operation,
            status_code=self.status_code,
            provider_text=self.text(),
            url=self.url,
        )

    def may_change(self) -> bool:
        """Whether the same read may be answered otherwise a moment later.

        A gateway's status tells of a server that is away, unless the body is a Provider's own
        error: the Provider also refuses with 503.
        """
        if self.status_code not in GATEWAY_STATUSES:
            return self.is_too_often
        with suppress(MalformedResponse):
            said = self.json()
            return not (isinstance(said, dict) and "error" in said)
        return True

    def too_often(self) -> str:
        """Say what to do about a 429."""
        wait = "a while" if self.retry_after_s is None else f"{self.retry_after_s:g} s"
        return f"It is asked too often by this client or its network; try again in {wait}."

    def too_large(self) -> str:
        """Say what to do about a request that is too large."""
        return (
            f"The request is too large for the server or a gateway before it: its body has "
            f"{self.sent_bytes} bytes. Send less, such as an algorithm by DID or by `url` in place "
            "of `rawcode`, or ask the server's operator to allow more."
        )


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
        self.forget_places()

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

    def forget_places(self) -> None:
        """Ask over http again where a host wanted https."""
        self._over_https: Expiring[str, str] | None = None  # most hosts want none

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        json_body: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = False,
    ) -> Answer:
        """Send one request and read its whole answer, whatever its status.

        Args:
            method: the verb.
            url: absolute, http or https.
            operation: what is asked, in words that follow "Could not".
            params: the query; encoded here.
            json_body: sent as JSON.
            data: sent as it is, with the Content-Type in `headers`.
            headers: further request headers.
            retry: for unsigned reads only: try again when no answer came, a gateway spoke in the
                server's place or it was asked too often, and when the same host wants https.

        Raises:
            TransportError: no answer came; `may_have_arrived` tells whether the server may have
                acted.
            RedirectRefused: the server answered with a redirect.
            ResponseTooLarge: the answer is longer than `max_answer_bytes`.
            InvalidUrl: the URL cannot be asked.
            InvalidInput: `json_body` holds what JSON cannot; nothing was sent.
        """
        body, fault = data, ""
        try:
            if json_body is not None:
                body = json.dumps(json_body, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            fault = type(error).__name__
        if fault:
            raise InvalidInput(
                f"Could not {operation}: what is to be sent must hold JSON values only, that is "
                f"text, finite numbers, lists and dicts ({fault})."
            )
        with operation_limit(self.timeouts.total_s) as deadline:
            call = Call(deadline, method, url, operation, params, body, headers or {})
            attempts = None
            while True:
                try:
                    response = self._open(call)
                    content = b"".join(self._pieces(response, call, most=self.max_answer_bytes))
                except (MovedToHttps, TransportError) as error:
                    attempts = attempts or Attempts(deadline)
                    if not (retry and _passes(error, attempts)):
                        raise
                    continue
                status, told = response.status_code, response.headers
                answer = Answer(status, content, told, url, operation, len(body or b""))
                if not (retry and status >= 400 and answer.may_change()):
                    return answer
                attempts = attempts or Attempts(deadline)
                if not attempts.again(answer.retry_after_s or 0.0):
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
            call = Call(deadline, "GET", url, operation, params, headers=headers)
            response = self._open(call) if given_by is None else self._open_link(call, given_by)
            try:
                yield response, self._pieces(response, call, name)
            finally:
                _close(response)

    def _open_link(self, call: Call, given_by: Callable[[], str]) -> requests.Response:
        """Open a file past redirects; the call has the URL where it was in the end."""
        call.is_link = True
        for _ in range(MAX_REDIRECTS + 1):
            is_direct = not proxy_of(self.client, call.url)
            call.addresses = admitted(call.url, call.operation, given_by, is_direct=is_direct)
            response = self._open(call)
            location = location_of(response, call.url)
            if not location:
                return response
            _close(response)
            if response.status_code not in FOLLOWED:
                raise refused(response, call.url, location, call.operation)
            call.url, call.params = location, None
        raise too_many_redirects(call.url, call.operation)

    def _open(self, call: Call) -> requests.Response:
        """Send a request, and return the response with its body unread."""
        left = call.deadline.remaining()
        if left <= 0:
            raise no_time(call.operation, call.url, call.deadline)
        client = self._client if self._client is not None else self.client
        request = getattr(client, "request", None) or by_verbs(client, call.operation)
        call.place = call.url
        if self._over_https is not None and not call.is_link:
            call.place = self._place_of(call.url, self._over_https)
        call.target, call.is_sent = "", None
        headers = {"Accept-Encoding": ACCEPTED, **call.headers}
        if call.body is not None:
            headers.setdefault("Content-Type", "application/json")
        connect_s = call.deadline.connect_s or self.timeouts.connect_s
        read_s = call.deadline.read_s or self.timeouts.read_s
        failure: OceanError | None = None
        token = CALL.set(call)
        try:
            response: requests.Response = request(
                call.method,
                call.place,
                params=dict(call.params) if call.params else None,
                data=call.body,
                headers=headers,
                timeout=(max(LEAST_S, min(connect_s, left)), max(LEAST_S, min(read_s, left))),
                allow_redirects=False,
                stream=True,
            )
        except OceanError:
            raise
        except Exception as error:  # noqa: BLE001 - ours, or raised again there
            failure = self._failure(error, call, call.place)
        finally:
            CALL.reset(token)
        # Raised here, outside the handler, so that the lower error (it may hold the URL) is
        # not attached to ours.
        if failure is not None:
            raise failure
        if not self._is_own:
            check_response(response, client, call.place, call.operation)
        call.is_sent = True
        if 300 <= response.status_code < 400 and not call.is_link:
            self._refuse_redirect(response, call)
        return response

    def _refuse_redirect(self, response: requests.Response, call: Call) -> None:
        """Refuse to be sent elsewhere; remember it if that is the same place over TLS."""
        failure = redirect_refused(response, call.place, call.operation)
        if failure is None:
            return
        _close(response)
        if isinstance(failure, MovedToHttps):
            with self._lock:
                self._over_https = self._over_https or Expiring(256, CACHE_LIFETIME_S)
            origin = over_https(call.place, location_of(response, call.place))
            self._over_https.put(root_of(call.place), origin)
        raise failure

    @staticmethod
    def _place_of(url: str, over_https: Expiring[str, str]) -> str:
        """Return where to ask for a URL: over TLS where its host wanted that before."""
        root = root_of(url)
        found = over_https.get(root)
        return url if found is None else type(url)(found + url[len(root) :])

    def _pieces(
        self, response: requests.Response, call: Call, name: str = "", most: int | None = None
    ) -> Iterator[bytes]:
        """Yield the body, decoded; nothing of it once the deadline has passed."""
        read = 0
        is_ours = isinstance(response, requests.Response) and not response._content_consumed  # type: ignore[attr-defined]
        try:
            if is_ours and not response.headers.get("content-encoding"):
                pieces = response.raw.stream(PIECE, decode_content=False)
            else:
                pieces = _decoded(response, call, name)
            for piece in pieces:
                read += len(piece)
                if most is not None and read > most:
                    raise too_long(call.operation, call.url, response.status_code, most)
                yield piece
                if call.deadline.remaining() <= 0:
                    raise no_time(call.operation, call.url, call.deadline, may_have_arrived=True)
            return
        except OceanError:
            raise
        except Exception as error:  # noqa: BLE001 - ours, or raised again there
            failure = self._failure(error, call, call.url)
        finally:
            with suppress(Exception):  # as in `_close`, without the call
                response.close()
        raise failure

    def _failure(self, error: Exception, call: Call, url: str) -> OceanError:
        """Make our error of a lower layer's, without its text's secrets.

        A fault of our own is raised again: it has to be seen as it is.
        """
        if isinstance(error, FAILURES) or (self._is_own and isinstance(error, ValueError)):
            proxy = proxy_of(self._client, url)
            return failure_of(
                error, url, call.operation, call.deadline, proxy=proxy, is_sent=call.is_sent
            )
        if self._is_own:
            raise error
        return failure_of_client(error, self._client, url, call.operation)


def _passes(error: OceanError, attempts: Attempts) -> bool:
    """Wait before a read is sent again after an error; False if it is not worth it."""
    if isinstance(error, MovedToHttps):
        return True
    return not isinstance(error, RequestTimeout) and attempts.again()


def _decoded(response: requests.Response, call: Call, name: str) -> Iterator[bytes]:
    """Yield a body whose headers name an encoding, or that another client reads."""
    encoding = encoding_of(response.headers)
    if is_known(encoding):
        name = name or name_in_headers(response.headers.get("content-disposition"))
        return body_of(response, encoding, name)
    if response.status_code >= 300:
        return iter(())  # the status says enough
    raise strange_encoding(call.operation, call.url, response.status_code, encoding)


def _close(response: Any) -> None:
    with suppress(Exception):  # closing is a courtesy; nothing of it may replace the real outcome
        response.close()
