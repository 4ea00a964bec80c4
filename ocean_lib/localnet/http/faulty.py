"""Let the set faults happen to the requests that the REST side gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Response, g, request

from ocean_lib.localnet.dialects.dialect import Servers
from ocean_lib.localnet.faults import CutShort, Drop, Faults, MoveNonce, Unavailable
from ocean_lib.localnet.http.server import HANG_UP


def with_faults(servers: Servers, faults: Faults) -> None:
    """Hook faults into a dialect's servers.

    Args:
        servers: What answers the requests.
        faults: What goes wrong.
    """

    @servers.app.before_request
    def before() -> Response | None:
        operation = servers.operation(request)
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
            return servers.unavailable()
        move_nonce = servers.move_nonce(request)
        if move_nonce is not None and faults.take(MoveNonce, operation) is not None:
            move_nonce()
        return None

    @servers.app.after_request
    def after(response: Response) -> Response:
        if g.get("hang_up", False):
            _hang_up()
        operation = servers.operation(request)
        if operation is not None and faults.take(CutShort, operation) is not None:
            # The server closes a connection whose answer is shorter than it said.
            whole, half = response.iter_encoded(), (response.content_length or 0) // 2
            response.response = _first_bytes(whole, half)
        return response


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
