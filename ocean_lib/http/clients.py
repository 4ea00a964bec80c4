"""A client of the user's own: what it must offer, and what its failures mean."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.exceptions import ConnectFailed, ConnectionBroken, InvalidInput, MalformedResponse
from ocean_lib.http.redaction import one_line, safe_url

_OPTIONS = ("params", "data", "headers", "timeout", "allow_redirects", "stream")
_VERBS = ("get", "post", "put", "delete")


def check_client(client: Any) -> Any:
    """Return the client; None means one of ours.

    Raises:
        InvalidInput: it cannot be called as a session is.
    """
    if client is None or _can_request(client):
        return client
    raise InvalidInput(
        "An HTTP client must be a requests.Session, or an object with a method "
        f"request(method, url, *, {', '.join(_OPTIONS)}), or with {', '.join(_VERBS)} that take "
        "the same, which return what is like a requests.Response; "
        f"got {_described(client)}. httpx clients take different "
        "arguments; wrap yours in an object with this request method."
    )


def _can_request(client: Any) -> bool:
    if getattr(client, "request", None) is not None:
        return _takes(client.request, "GET", "http://host")
    verbs = [getattr(client, verb) for verb in _VERBS if hasattr(client, verb)]
    return bool(verbs) and all(_takes(verb, "http://host") for verb in verbs)


def _takes(method: Any, *arguments: str) -> bool:
    if not callable(method):
        return False
    try:
        inspect.signature(method).bind(*arguments, **dict.fromkeys(_OPTIONS))
    except TypeError:
        return False
    except ValueError:
        pass  # it does not say what it takes
    return True


def _described(client: Any) -> str:
    if isinstance(client, type):
        return f"the class {_name(client)} itself, not an object of it"
    return printable(client)


def by_verbs(client: Any, operation: str) -> Callable[..., Any]:
    """Return what sends a request with a client that has no method but those named after verbs.

    Raises:
        ConnectFailed: the client offers none for the verb, so nothing is sent.
    """

    def request(method: str, url: str, **options: Any) -> Any:
        found = getattr(client, method.lower(), None)
        if found is not None:
            return found(url, **options)
        raise ConnectFailed(
            f"Could not {operation}: the HTTP client in use ({_name(type(client))}) has no method "
            f"{method.lower()}, which this call needs. Nothing was sent."
        )

    return request


def check_response(response: Any, client: Any, url: str, operation: str) -> None:
    """Check that what a client returned can be read as a response of requests.

    Raises:
        MalformedResponse: it cannot.
    """
    is_readable = isinstance(getattr(response, "status_code", None), int)
    headers = getattr(response, "headers", None)
    if is_readable and hasattr(headers, "get") and hasattr(response, "iter_content"):
        return
    raise MalformedResponse(
        f"Could not {operation}: the HTTP client in use ({_name(type(client))}) returned a "
        f"{_name(type(response))}, which is not like a requests.Response: status_code, headers "
        "and iter_content() are needed.",
        operation=operation,
        url=safe_url(url),
    )


def failure_of_client(error: Exception, client: Any, url: str, operation: str) -> ConnectionBroken:
    """Make the error for one that only its client knows; its text may hold secrets."""
    return ConnectionBroken(
        f"Could not {operation}: the HTTP client in use ({_name(type(client))}) raised "
        f"{_name(type(error))} at {safe_url(url)}. The server may have got the request or not. "
        "Errors that requests raises would tell more."
    )


def _name(kind: type) -> str:
    return one_line(kind.__name__, 80)
