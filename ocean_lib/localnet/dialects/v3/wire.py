"""Requests read and answers written as the servers of the era do, byte for byte.

The real Provider is Flask on an old Werkzeug. It answers in two JSON spellings (compact with a
newline where Flask made the body, spaced where `json.dumps` did) and with HTML error pages. A
request lacks parameters in the order and with the texts of the real one.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Request, Response

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.eip191 import UnreadableSignature

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


SIGNATURE_TEXT = "Invalid signature provided."


class InvalidRequest(Exception):
    """A request whose parameters fail validation.

    Args:
        errors: The texts of each field.
    """

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("Validation error")
        self.errors = errors


@dataclass
class FieldChecks:
    """Checks of one request, run field by field.

    A field that bails ends the validation at once when it is missing; the others are collected.
    """

    data: dict[str, Any]
    errors: dict[str, list[str]] = field(default_factory=dict)

    def require(self, name: str, *, bail: bool = False) -> None:
        """Note a field that is absent or empty; the integer 0 counts as absent."""
        if not self.data.get(name):
            self._add(name, f"The {name} field is required.")
            if bail:
                raise InvalidRequest(self.errors)

    def require_without(self, name: str, other: str) -> None:
        """Note a field that is absent or empty while `other` is absent; empty is not absent."""
        if other not in self.data and not self.data.get(name):
            self._add(name, f"The {name} field is required when {other} is not present.")

    def require_with_all(self, name: str, others: tuple[str, ...]) -> None:
        """Note a field that is absent or empty while all of `others` are there."""
        if all(other in self.data for other in others) and not self.data.get(name):
            listed = ", ".join(others)
            self._add(name, f"The {name} field is required when {listed} are present.")

    def refuse(self, name: str, text: str) -> None:
        """Note a field whose value will not do."""
        self._add(name, text)

    def check_signature(self, verify: Callable[[str], bool]) -> None:
        """Note a signature that is well formed but wrong.

        Args:
            verify: Tells whether a signature is right.

        Raises:
            HtmlError: If it is missing or malformed, where the real Provider fails with 500.
        """
        signature = self.data.get("signature")
        if not signature or not isinstance(signature, str):
            raise HtmlError(500, "The signature is missing.")
        try:
            right = verify(signature)
        except UnreadableSignature as error:
            raise HtmlError(500, f"The signature is malformed: {error}.") from error
        if not right:
            self._add("signature", SIGNATURE_TEXT)

    def done(self) -> None:
        """Raise what was noted, if anything was.

        Raises:
            InvalidRequest: With every noted field.
        """
        if self.errors:
            raise InvalidRequest(self.errors)

    def _add(self, name: str, text: str) -> None:
        self.errors.setdefault(name, []).append(text)


def parameters(request: Request) -> dict[str, Any]:
    """Read a request's parameters: the query string if there is one, else the JSON body.

    A body that is JSON's null has none of them.

    Raises:
        HtmlError: If the body is not JSON, or neither an object nor null.
    """
    if request.args:
        return dict(request.args.items())
    body = _json(request)
    return {} if body is None else _object(body)


def json_object(request: Request) -> dict[str, Any]:
    """Read a request's JSON body, whatever its query string says.

    Raises:
        HtmlError: If it is not a JSON object.
    """
    return _object(_json(request))


def _json(request: Request) -> Any:
    if not request.is_json or not request.data:
        return None
    try:
        return safe_json.loads(request.data)
    except ValueError as error:
        raise HtmlError(400, f"Failed to decode JSON object: {error}") from error


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise HtmlError(500, "The JSON body is not an object.")
    return body
