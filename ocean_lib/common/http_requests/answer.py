"""What a server answered, before anybody says what it means."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests

from ocean_lib.common.http_requests import safe_json
from ocean_lib.common.http_requests.redaction import safe_url, server_words
from ocean_lib.exceptions import MalformedResponse


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
    """

    status_code: int
    body: bytes = field(repr=False)
    content_type: str
    url: str
    operation: str
    date: str = ""

    @classmethod
    def of(cls, response: requests.Response, body: bytes, url: str, operation: str) -> Answer:
        """Make an answer of a response and as much of its body as was read."""
        return cls(
            status_code=response.status_code,
            body=body,
            content_type=str(response.headers.get("content-type") or ""),
            url=safe_url(url),
            operation=operation,
            date=str(response.headers.get("date") or ""),
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
        raise self.malformed("JSON", self.text() or "an empty body")

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
        if self.status_code not in (502, 503, 504):
            return False
        with suppress(MalformedResponse):
            said = self.json()
            return not (isinstance(said, dict) and "error" in said)
        return True
