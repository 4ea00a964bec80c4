"""The shapes of answers: the JSON and HTML bodies of the era's servers, byte for byte.

The real Provider is Flask on an old Werkzeug. It answers in two JSON spellings (compact with a
newline where Flask made the body, spaced where `json.dumps` did) and with HTML error pages.
"""

from __future__ import annotations

import html
import json
from http import HTTPStatus
from typing import Any

from flask import Response

_INTERNAL = (
    "The server encountered an internal error and was unable to complete your request. Either "
    "the server is overloaded or there is an error in the application."
)
_DESCRIPTIONS = {
    404: (
        "The requested URL was not found on the server. If you entered the URL manually please "
        "check your spelling and try again."
    ),
    405: "The method is not allowed for the requested URL.",
    500: _INTERNAL,
    503: (
        "The server is temporarily unable to service your request due to maintenance downtime or "
        "capacity problems. Please try again later."
    ),
}


class HtmlError(Exception):
    """An answer that the real server gives as an HTML page.

    Args:
        status: The HTTP status.
        reason: Why; the real server does not say it on a 500, this one adds it to the page.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def compact(value: Any, status: int = 200) -> Response:
    """Answer as Flask's `jsonify`: sorted keys, no blanks, a newline."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True) + "\n"
    return Response(text, status, content_type="application/json")


def spaced(value: Any, status: int = 200) -> Response:
    """Answer as `json.dumps`: keys in their order, blanks, no newline."""
    return Response(json.dumps(value), status, content_type="application/json")


def refused(text: str) -> Response:
    """Answer 400 with one error text."""
    return compact({"error": text}, 400)


def invalid(errors: dict[str, list[str]]) -> Response:
    """Answer 400 with the texts of every field that failed validation."""
    return compact({"errors": errors, "message": "Validation error"}, 400)


def unavailable(text: str, context: dict[str, Any]) -> Response:
    """Answer 503 with the error's text and the request's parameters."""
    return spaced({"error": text, "context": context}, 503)


def page(status: int, reason: str = "") -> Response:
    """Answer with an HTML page in the form of the era's Werkzeug.

    Args:
        status: The HTTP status.
        reason: On 400 the whole text; on 500 an extra paragraph; ignored otherwise.
    """
    title = HTTPStatus(status).phrase
    if status == 400:
        paragraphs = [reason]
    elif status == 500 and reason:
        paragraphs = [_INTERNAL, f"Reason: {reason}"]
    else:
        paragraphs = [_DESCRIPTIONS.get(status, title)]
    body = "".join(f"<p>{html.escape(text, quote=False)}</p>\n" for text in paragraphs)
    text = (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n'
        f"<title>{status} {title}</title>\n<h1>{title}</h1>\n{body}"
    )
    return Response(text, status, content_type="text/html; charset=utf-8")
