"""Answers in the form of a node's: Express' JSON, texts and error pages."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

from eth_utils.address import to_checksum_address
from flask import Request, Response

from ocean_lib.localnet import safe_json

SERVICES = "/api/services"
ASSETS = "/api/aquarius/assets"
INTERNAL = "Internal Server Error"
_ADDRESS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})")


class Refused(Exception):
    """A request that the node refuses; each route has its own form for it.

    Args:
        status: The HTTP status.
        text: The reason, in the node's words.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class BadBody(Exception):
    """A body that is said to be JSON, and is not."""


def as_json(value: Any, status: int = 200) -> Response:
    """Answer as Express' `res.json`."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Response(text, status, content_type="application/json; charset=utf-8")


def as_text(text: str, status: int) -> Response:
    """Answer as Express' `res.send` of a text."""
    return Response(text, status, content_type="text/html; charset=utf-8")


def json_refusal(error: Refused) -> Response:
    """Answer as refused starts are: the reason as a JSON string."""
    return as_json(error.text, error.status)


def text_refusal(error: Refused) -> Response:
    """Answer as most refusals are: the reason as plain text."""
    return as_text(error.text, error.status)


def token_refusal(error: Refused) -> Response:
    """Answer as refusals about auth tokens are."""
    return as_json({"error": error.text}, error.status)


def hidden_refusal(error: Refused) -> Response:  # noqa: ARG001 (whatever it was)
    """Answer as refused stops and states are: without the reason."""
    return as_text(INTERNAL, 500)


def refusing(
    form: Callable[[Refused], Response], answer: Callable[[], Response]
) -> Callable[[], Response]:
    """Return what answers a request, and refuses it in the form of its route."""

    def answered() -> Response:
        try:
            return answer()
        except Refused as error:
            return form(error)

    return answered


def page(status: int, text: str) -> Response:
    """Answer with Express' error page."""
    body = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n'
        f"</head>\n<body>\n<pre>{html.escape(text, quote=False)}</pre>\n</body>\n</html>\n"
    )
    return as_text(body, status)


def body_of(request: Request) -> dict[str, Any]:
    """Read a JSON object from a body; a body of another type has no fields.

    Raises:
        BadBody: If it is said to be JSON, and is not.
    """
    if not request.is_json or not request.data:
        return {}
    try:
        body = safe_json.loads(request.data)
    except ValueError as error:
        raise BadBody(str(error)) from error
    return _as_javascript(body) if isinstance(body, dict) else {}


def _as_javascript(value: Any) -> Any:
    """Return the same without floats that are whole: JavaScript has one kind of numbers."""
    if isinstance(value, dict):
        return {name: _as_javascript(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_javascript(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def require(data: dict[str, Any], command: str, *fields: str) -> None:
    """Refuse a request that lacks a field, in the order in which the node looks at them."""
    for name in fields:
        value = data.get(name)
        # What JavaScript takes for false; an empty list is there.
        if value is None or value is False or value == "" or value == 0:
            raise Refused(
                400,
                f'Missing one ( "{name}" ) or more required field(s) for command: "{command}". '
                f"Required fields: {','.join(fields)}",
            )


def check_address(address: object, name: str = "consumerAddress") -> None:
    """Refuse what is not an address: 40 digits, and in mixed case its checksum is right."""
    found = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if found is not None:
        digits = found[1]
        if digits in (digits.lower(), digits.upper(), to_checksum_address(f"0x{digits}")[2:]):
            return
    raise Refused(400, f'Parameter : "{name}" is not a valid web3 address')
