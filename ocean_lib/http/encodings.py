"""A body as the server keeps it: its Content-Encoding is undone once, and bounded piece by piece.

urllib3 would undo as many layers as a server names, and those that some other package has made it
able to undo: the same file would then come differently on two machines.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import requests
from urllib3.exceptions import DecodeError

ACCEPTED = "gzip, deflate"
"""What is asked for, and the most that is undone."""

PIECE = 64 * 1024

_GZIP = ("gzip", "x-gzip")
_MAGIC = b"\x1f\x8b"


def encoding_of(headers: Any) -> str:
    """Return how a body is encoded, '' if it is not."""
    said = str(headers.get("content-encoding") or "").lower()
    named = (name.strip() for name in said.split(","))
    return ", ".join(name for name in named if name not in ("", "identity"))


def is_known(encoding: str) -> bool:
    """Whether this one can be undone; more than one layer never is."""
    return encoding in ("", "deflate", *_GZIP)


def announced_bytes(headers: Any) -> int | None:
    """Return how long a body is announced to be when it is decoded, None if nobody knows."""
    said = str(headers.get("content-length") or "")
    if encoding_of(headers) or not (said.isascii() and said.isdigit() and len(said) < 20):
        return None
    return int(said)


def body_of(response: requests.Response, encoding: str, name: str = "") -> Iterator[bytes]:
    """Yield a body, decoded.

    Args:
        response: with its body still unread, if its client is requests'.
        encoding: as `encoding_of` gives it.
        name: of the file that the body is. What is called .gz is a gzip file afterwards: an
            encoding that is the file itself is left as it is.

    Raises:
        DecodeError: the body is not encoded as it says.
    """
    if not isinstance(response, requests.Response) or response._content_consumed:  # type: ignore[attr-defined]
        yield from response.iter_content(PIECE)  # a client of the user's own has decoded it
        return
    pieces: Iterator[bytes] = response.raw.stream(PIECE, decode_content=False)
    if encoding in _GZIP and name.lower().endswith((".gz", ".tgz")):
        head = _head(pieces)
        pieces = itertools.chain((head,), pieces)
        encoding = encoding if _holds_gzip(head) else ""
    yield from _decoded(pieces, encoding) if encoding else pieces


def _head(pieces: Iterator[bytes]) -> bytes:
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= PIECE:
            break
    return bytes(head)


def _holds_gzip(head: bytes) -> bool:
    try:
        return zlib.decompressobj(31).decompress(head, 2) == _MAGIC
    except zlib.error:
        return True  # not even encoded: decoding it says so


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    unpack: Any = None
    has_begun = False
    for piece in pieces:
        while piece:
            if unpack is None:
                if has_begun:  # gzip files may stand one after the other, and be padded
                    piece = piece.lstrip(b"\0")
                    if not piece:
                        break
                unpack, has_begun = _unpacker(encoding, piece), True
            yield from _unpacked(unpack, piece)
            piece = unpack.unused_data
            if unpack.eof:
                unpack = None
    if unpack is not None:
        raise DecodeError("it ends too early")


def _unpacker(encoding: str, first: bytes) -> Any:
    if encoding in _GZIP:
        return zlib.decompressobj(31)
    # By RFC 9110 deflate has zlib's header; many servers send it without.
    return zlib.decompressobj(15 if first[0] & 0x0F == 8 else -15)


def _unpacked(unpack: Any, piece: bytes) -> Iterator[bytes]:
    """Yield what a piece unpacks to, never more than a piece at a time."""
    while not unpack.eof:
        try:
            unpacked = unpack.decompress(piece, PIECE)
        except zlib.error as error:
            raise DecodeError(str(error)) from error
        if unpacked:
            yield unpacked
        piece = unpack.unconsumed_tail
        if not piece and len(unpacked) < PIECE:
            return
