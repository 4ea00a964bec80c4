"""Where a redirect leads: the same place over TLS, or somewhere else."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

import requests

from ocean_lib.exceptions import MovedToHttps, RedirectRefused
from ocean_lib.http.redaction import SecretUrl, safe_url

MAX_REDIRECTS = 5
"""So many are followed, where any are: for a file behind a link that carries no signature."""

FOLLOWED = (301, 302, 303, 307, 308)

_PORTS = {"http": 80, "https": 443}


def location_of(response: requests.Response, url: str) -> str:
    """Return where a response redirects to, '' if it does not."""
    said = response.headers.get("location")
    if not (300 <= response.status_code < 400 and said):
        return ""
    kind = SecretUrl if isinstance(url, SecretUrl) else str
    try:
        # Header bytes come as latin-1; servers mean UTF-8.
        return kind(urljoin(url, said.encode("latin-1").decode("utf-8")))
    except ValueError:
        return kind(said)


def over_https(url: str, location: str) -> str:
    """Return a URL's origin over TLS if a redirect leads to just that, '' otherwise.

    That is the same host and path, at port 443 in place of 80 or at the same port.
    """
    try:
        old, new = urlsplit(url), urlsplit(location)
        is_same = (
            (old.scheme, new.scheme) == ("http", "https")
            and old.hostname == new.hostname
            and (old.path or "/") == (new.path or "/")
            and "@" not in new.netloc
            and (_port(new) == _port(old) or (_port(old), _port(new)) == (80, 443))
        )
    except ValueError:
        return ""
    return f"https://{new.netloc}" if is_same else ""


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)


def refused(
    response: requests.Response, url: str, location: str, operation: str, *, is_https: bool
) -> RedirectRefused:
    """Make the error for a redirect that is not followed."""
    kind = MovedToHttps if is_https else RedirectRefused
    return kind(
        f"Could not {operation}: {safe_url(url)} redirects to {safe_url(location)}, and a request "
        "is not sent on to another address. The address stands in the config, or as the "
        "serviceEndpoint in the asset's DDO: put the final one there, or ask the asset's "
        "publisher to.",
        operation=operation,
        status_code=response.status_code,
        url=safe_url(url),
    )
