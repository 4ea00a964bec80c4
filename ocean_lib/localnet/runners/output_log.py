"""Keep what an algorithm prints in a file of bounded size, as it came or in Docker's frames.

A frame is a byte for the stream (1 output, 2 error), three zeros, the length in four bytes, and a
line. It needs nothing but the standard library.
"""

from __future__ import annotations

import os
import struct

_FULL = b"[the log is full; the rest is dropped]\n"
_LONGEST_FRAME = 16 * 1024
OUTPUT, ERROR = 1, 2


class OutputLog:
    """The log of one algorithm.

    Args:
        path: The file; it is there.
        most_bytes: How long it may get.
        framed: Whether to keep it in frames.
    """

    def __init__(self, path: str, most_bytes: int, *, framed: bool) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._room = most_bytes
        self._framed = framed
        self._begun = {OUTPUT: b"", ERROR: b""}

    def write(self, stream: int, data: bytes) -> None:
        """Add what came from a stream; of frames whole lines, the rest waits for its end."""
        if not self._framed:
            self._add(data[: max(self._room, 0)], len(data), b"\n" + _FULL)
            return
        *lines, rest = (self._begun[stream] + data).split(b"\n")
        whole = [line + b"\n" for line in lines]
        cut = len(rest) - len(rest) % _LONGEST_FRAME
        self._begun[stream] = rest[cut:]
        for line in (*whole, rest[:cut]):
            self._add_frames(stream, line)

    def close(self) -> None:
        """Add lines without an end, and close the file."""
        for stream, rest in self._begun.items():
            self._add_frames(stream, rest)
        os.close(self._file)

    def _add_frames(self, stream: int, line: bytes) -> None:
        for at in range(0, len(line), _LONGEST_FRAME):
            frame = _frame(stream, line[at : at + _LONGEST_FRAME])
            fits = len(frame) <= self._room
            self._add(frame if fits else b"", len(frame), _frame(ERROR, _FULL))

    def _add(self, kept: bytes, size: int, full: bytes) -> None:
        if kept:
            os.write(self._file, kept)
        if self._room >= 0 and size > self._room:
            os.write(self._file, full)
            self._room = -1
        elif self._room >= 0:
            self._room -= size


def _frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload
