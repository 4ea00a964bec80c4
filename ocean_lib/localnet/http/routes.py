"""A Flask application made of a table of routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Flask, Request, Response

from ocean_lib.localnet.faults import Operation


@dataclass(frozen=True)
class Endpoint:
    """One row of the table.

    Attributes:
        method: The HTTP method.
        path: The path, in Flask's spelling.
        operation: What it is called in the faults; None if no fault is for it.
        answer: Builds the answer, from the parts of the path.
    """

    method: str
    path: str
    operation: Operation | None
    answer: Callable[..., Response]


class RoutedApp:
    """Answers by the table.

    Args:
        routes: The table.
    """

    def __init__(self, routes: Iterable[Endpoint]) -> None:
        self.flask = Flask("ocean_lib.localnet", static_folder=None)
        # The era's Flask was strict about slashes and never redirected.
        self.flask.url_map.redirect_defaults = False
        self.flask.url_map.merge_slashes = False
        self._operations: dict[str, Operation | None] = {}
        for route in routes:
            endpoint = f"{route.method} {route.path}"
            self._operations[endpoint] = route.operation
            self.flask.add_url_rule(route.path, endpoint, route.answer, methods=[route.method])

    def operation(self, request: Request) -> Operation | None:
        """Tell which operation a request is for; None if no fault is for it."""
        return self._operations.get(request.endpoint or "")
