"""Let the set faults happen to the requests that the REST side gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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
            # The server closes a connection whose answer is shorter than it said; one that did
            # not say its length has to be closed here.
            size = response.content_length
            ending = request.environ.get(HANG_UP, _nothing) if size is None else _nothing
            whole, half = response.iter_encoded(), (size or g.get("size", 0)) // 2
            response.response = _first_bytes(whole, half, ending)
        return response


def _first_bytes(
    pieces: Iterable[bytes], count: int, ending: Callable[[], object]
) -> Iterator[bytes]:
    for piece in pieces:
        if count <= 0:
            break
        yield piece[:count]
        count -= len(piece)
    ending()


def _nothing() -> None:
    """Leave the end to the server."""


def _hang_up() -> None:
    request.environ.get(HANG_UP, _nothing)()
