"""Logs as a container engine frames them: a stream's number, a length, and the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

HEADER_BYTES = 8
_STREAMS = (0, 1, 2)


class FrameDecoder:
    """Takes the frames out of a log that comes in pieces.

    A frame's header is the stream (1 stdout, 2 stderr), three zero bytes and the length, big
    endian. A log that does not begin with one is plain text and passes unchanged: a node writes
    its own words there where no container was started.
    """

    def __init__(self) -> None:
        self._header = b""
        self._left = 0
        self._is_plain = False
        self._has_begun = False

    def feed(self, piece: bytes) -> bytes:
        """Return the text in a piece; a header or frame may go on in the next one."""
        if self._is_plain:
            return piece
        text = bytearray()
        at = 0
        while at < len(piece):
            if self._left:
                payload = piece[at : at + self._left]
                text += payload
                self._left -= len(payload)
                at += len(payload)
                continue
            more = HEADER_BYTES - len(self._header)
            self._header += piece[at : at + more]
            at += more
            if not self._may_be_header():
                self._is_plain = True
                return bytes(text) + self.end() + piece[at:]
            if len(self._header) == HEADER_BYTES:
                self._left = int.from_bytes(self._header[4:], "big")
                self._header, self._has_begun = b"", True
        return bytes(text)

    def end(self) -> bytes:
        """Return what is left at the end of the log: the beginning of no frame."""
        rest, self._header = self._header, b""
        return b"" if self._has_begun and not self._is_plain else rest

    def _may_be_header(self) -> bool:
        head = self._header
        return head[0] in _STREAMS and not any(head[1:4])


def unframed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text of a log that comes in pieces."""
    decoder = FrameDecoder()
    for piece in pieces:
        text = decoder.feed(piece)
        if text:
            yield text
    rest = decoder.end()
    if rest:
        yield rest
