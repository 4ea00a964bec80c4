"""Let pages that this machine serves to itself use the network from a browser, and no others.

ocean.js runs in pages, so both ports answer what browsers ask before they let a page read across
origins. The real services allow every origin; here that would let any page on the web that its
user happens to open read the network on their machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from ocean_lib.localnet.http.server import is_local_name

App = Callable[..., Iterable[bytes]]
_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE"),
    ("Access-Control-Allow-Headers", "Content-Type, Range"),
    ("Access-Control-Max-Age", "600"),
]
_EXPOSED = "Content-Disposition, Content-Range"


def with_cors(app: App) -> App:
    """Wrap a WSGI application so that pages of loopback origins may use it."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN", "")
        if not _is_local(origin):
            return app(environ, start_response)
        allowed = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        asks = "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        if environ["REQUEST_METHOD"] == "OPTIONS" and asks:
            start_response("204 No Content", [*allowed, *_PREFLIGHT, ("Content-Length", "0")])
            return []
        allowed.append(("Access-Control-Expose-Headers", _EXPOSED))

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [pair for pair in headers if not pair[0].lower().startswith("access-control-")]
            return start_response(status, [*kept, *allowed], *more)

        return app(environ, start)

    return wrapped


def _is_local(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and is_local_name(host)
