"""Which parameters a request must have, in the order and with the texts of the real Provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Request

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.dialects.v3.answers import HtmlError
from ocean_lib.localnet.dialects.v3.signatures import UnreadableSignature

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
