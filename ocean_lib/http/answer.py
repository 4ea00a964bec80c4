"""What a server answered, before anybody says what it means."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests

from ocean_lib.exceptions import MalformedResponse
from ocean_lib.http import safe_json
from ocean_lib.http.limits import GATEWAY_STATUSES, TOO_MANY_REQUESTS
from ocean_lib.http.pages import is_page, title_of
from ocean_lib.http.redaction import safe_url, server_words
from ocean_lib.http.retrying import retry_after_s


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever the status.

    Attributes:
        status_code: the HTTP status.
        body: the whole body, decoded from its transfer encoding.
        content_type: as the server named it, '' if it did not.
        url: where it was asked, without query.
        operation: what was asked, in words.
        date: the server's clock, as its Date header gives it, '' if it does not.
        retry_after_s: after how many seconds the server wants to be asked again; None if it did
            not say.
        sent_bytes: how long the body of the request was.
    """

    status_code: int
    body: bytes = field(repr=False)
    content_type: str
    url: str
    operation: str
    date: str = ""
    retry_after_s: float | None = None
    sent_bytes: int = 0

    @classmethod
    def of(
        cls,
        response: requests.Response,
        body: bytes,
        url: str,
        operation: str,
        sent_bytes: int = 0,
    ) -> Answer:
        """Make an answer of a response and as much of its body as was read."""
        return cls(
            status_code=response.status_code,
            body=body,
            content_type=str(response.headers.get("content-type") or ""),
            url=safe_url(url),
            operation=operation,
            date=str(response.headers.get("date") or ""),
            retry_after_s=retry_after_s(response.headers),
            sent_bytes=sent_bytes,
        )

    def text(self) -> str:
        """Return the server's words, fit for a message."""
        return server_words(self.body[:100_000].decode("utf-8", "replace"))

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            MalformedResponse: it is not JSON.
        """
        try:
            return safe_json.loads(self.body)
        except ValueError:
            pass
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

    def is_gateways(self) -> bool:
        """Tell a server that is away from one that says no: the Provider also says no with 503."""
        if self.status_code not in GATEWAY_STATUSES:
            return False
        with suppress(MalformedResponse):
            said = self.json()
            return not (isinstance(said, dict) and "error" in said)
        return True

    def may_change(self) -> bool:
        """Tell whether the same read may be answered otherwise a moment later."""
        return self.status_code == TOO_MANY_REQUESTS or self.is_gateways()

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
