"""Let the set faults happen to the requests that the REST side gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, Response, g, request

from ocean_lib.localnet.dialects.v3.answers import HtmlError, page
from ocean_lib.localnet.dialects.v3.validation import parameters
from ocean_lib.localnet.faults import CutShort, Drop, Faults, MoveNonce, Operation, Unavailable
from ocean_lib.localnet.http.server import HANG_UP
from ocean_lib.localnet.state.database import NonceBook

_BY_ENDPOINT: dict[str, Operation] = {
    "provider.discovery": "discovery",
    "provider.nonce": "nonce",
    "provider.initialize": "initialize",
    "provider.fileinfo": "fileinfo",
    "provider.encrypt": "encrypt",
    "provider.download": "download",
    "compute.start": "start",
    "compute.stop": "stop",
    "compute.delete": "delete",
    "compute.result": "results",
}


def with_faults(app: Flask, faults: Faults, nonces: NonceBook) -> None:
    """Hook faults into an application.

    Args:
        app: Provider and metadata cache.
        faults: What goes wrong.
        nonces: The Provider's nonces.
    """

    @app.before_request
    def before() -> Response | None:
        operation = _operation()
        if operation is None or not faults.active:
            return None
        faults.delay(operation)
        drop = faults.take(Drop, operation)
        if drop is not None:
            g.hang_up = True
            if not drop.after:
                _hang_up()
                return Response(status=503)
        if faults.take(Unavailable, operation) is not None:
            return page(503)
        data = _parameters()
        if data.get("signature") and faults.take(MoveNonce, operation) is not None:
            nonces.advance(str(data.get("consumerAddress")))
        return None

    @app.after_request
    def after(response: Response) -> Response:
        if g.get("hang_up", False):
            _hang_up()
        operation = _operation()
        if operation is not None and faults.take(CutShort, operation) is not None:
            # The server closes a connection whose answer is shorter than it said.
            whole, half = response.iter_encoded(), (response.content_length or 0) // 2
            response.response = _first_bytes(whole, half)
        return response


def _operation() -> Operation | None:
    endpoint = request.endpoint or ""
    if endpoint == "compute.status":
        return "result" if _parameters().get("signature") else "status"
    if endpoint.startswith("aquarius."):
        return "metadata"
    return _BY_ENDPOINT.get(endpoint)


def _parameters() -> dict[str, Any]:
    try:
        return parameters(request)
    except HtmlError:
        return {}


def _first_bytes(pieces: Iterable[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        if count <= 0:
            return
        yield piece[:count]
        count -= len(piece)


def _hang_up() -> None:
    hang_up = request.environ.get(HANG_UP)
    if hang_up is not None:
        hang_up()
