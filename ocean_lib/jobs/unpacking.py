"""Results that come as one archive: unpacked as they come, each file whole or not at all."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ocean_lib.exceptions import DownloadError, OceanError, ResponseTooLarge
from ocean_lib.http.files import PIECE, numbered, safe_file_name, write_whole
from ocean_lib.http.redaction import one_line

MAX_FILES = 100_000
"""An archive of more files is refused: so many would fill the folder's index, not the disk."""

MAX_DEPTH = 32
MAX_PATH_CHARS = 1024
MAX_HEADER_BYTES = 1024 * 1024
"""Headers that only name the next file are held in memory; none is nearly as long."""

_BLOCK = 512
_TOP = "outputs"
_NAMING = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


@dataclass
class Unpacked:
    """What came out of an archive.

    Attributes:
        paths: where the files are.
        failures: name of a file to why it is not there.
    """

    paths: list[Path] = field(default_factory=list)
    failures: dict[str, OceanError] = field(default_factory=dict)


class _Member(tarfile.TarInfo):
    """A header that must not take more memory than a header needs."""

    def _proc_member(self, tar: Any) -> Any:
        if self.type in _NAMING and self.size > MAX_HEADER_BYTES:
            raise tarfile.ReadError("a header is too long")
        return super()._proc_member(tar)  # type: ignore[misc]


class _Reader:
    """The file that tarfile reads: pieces as they come, and whether the archive has an end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._buffer = b""
        self._tail = b""

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._buffer += piece
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        self._tail = (self._tail + data)[-2 * _BLOCK :]
        return data

    def is_whole(self) -> bool:
        """Read to the end; tell whether the archive's end mark is there."""
        while self.read(PIECE):
            pass
        return self._tail == bytes(2 * _BLOCK)


def unpack(
    pieces: Iterable[bytes],
    folder: Path,
    name: str,
    *,
    max_bytes: int,
    taken: Collection[Path] = (),
) -> Unpacked:
    """Unpack an archive of results into a folder, as it comes.

    Links, devices, sparse files and names that lead out of the folder are refused, and do not
    keep the other files away. What is wrong with the archive itself, or its transfer, is a failure
    under its own name: the files before are whole.

    Args:
        pieces: the archive, a plain tar.
        folder: made if it is not there.
        name: of the archive.
        max_bytes: refuse files that say that they are longer, together, before they are read.
        taken: paths written in the same call; nothing is ever overwritten.
    """
    done, operation, left = Unpacked(), f"download {name}", max_bytes
    names: set[str] = set()
    try:
        with _members(pieces, operation) as members:
            for index, (member, content) in enumerate(members):
                try:
                    place = _place_of(member)
                    if place is None:
                        continue
                    left -= member.size
                    if left < 0:
                        raise _too_large(operation, max_bytes)
                    while str(place).casefold() in names:  # not every file system tells case apart
                        place = place.with_name(numbered(place.name, index))
                    names.add(str(place).casefold())
                    path = write_whole(
                        content(),
                        _folder_of(folder, place),
                        place.name,
                        index,
                        taken=[*taken, *done.paths],
                        operation=operation,
                    )
                except _Refused as error:
                    shown = one_line(member.name, 200)
                    done.failures[shown] = DownloadError(
                        f"Could not {operation}: {shown!r} in the archive is refused: {error}. Let "
                        "the algorithm write plain files."
                    )
                else:
                    done.paths.append(path)
    except OceanError as error:
        done.failures[name] = error
    return done


def _folder_of(folder: Path, place: PurePosixPath) -> Path:
    """Return the folder for a file.

    Raises:
        _Refused: a file is there in its place.
    """
    for part in place.parts[:-1]:
        folder = folder / part
        if folder.exists() and not folder.is_dir():
            raise _Refused("a file has the name of its folder")
    return folder


def _too_large(operation: str, max_bytes: int) -> ResponseTooLarge:
    return ResponseTooLarge(
        f"Could not {operation}: its files are longer than the {max_bytes} bytes allowed.",
        operation=operation,
    ).advised("allow-more")


def read_members(
    pieces: Iterable[bytes], is_wanted: Callable[[str], bool], max_bytes: int, operation: str
) -> dict[str, bytes]:
    """Return the small files of an archive whose names are wanted, without its top folder.

    Raises:
        ResponseTooLarge: they are longer than `max_bytes` together.
        DownloadError: it is no such archive, or it was cut short.
    """
    found: dict[str, bytes] = {}
    left = max_bytes
    with _members(pieces, operation) as members:
        for member, content in members:
            try:
                place = _place_of(member)
            except _Refused:
                continue
            if place is None or not is_wanted(str(place)):
                continue
            left -= member.size
            if left < 0:
                raise ResponseTooLarge(
                    f"Could not {operation}: {one_line(place, 200)} is longer than the limit for "
                    "what is held in memory (max_answer_bytes). Use download, which writes to "
                    "disk as it comes.",
                    operation=operation,
                )
            found[str(place)] = b"".join(content())
    return found


class _Refused(Exception):
    """Why a member is not unpacked."""


def _place_of(member: tarfile.TarInfo) -> PurePosixPath | None:
    """Return where a file belongs below the folder; None for a folder, made when needed.

    Raises:
        _Refused: it is no plain file, or leads elsewhere.
    """
    parts = PurePosixPath(member.name).parts
    if member.name.startswith(("/", "\\")) or ".." in parts:
        raise _Refused("its name leads out of the folder")
    if member.isdir():
        return None
    if member.issym() or member.islnk():
        raise _Refused("it is a link")
    if not member.isreg() or member.issparse():
        raise _Refused("it is not a plain file")
    _check_as_data(member)
    if len(parts) > MAX_DEPTH:
        raise _Refused(f"it lies more than {MAX_DEPTH} folders deep")
    kept = parts[1:] if parts[:1] == (_TOP,) and len(parts) > 1 else parts
    if not kept:
        raise _Refused("it has no name")
    place = PurePosixPath(*(safe_file_name(part, "_") for part in kept))
    if len(str(place)) > MAX_PATH_CHARS:
        raise _Refused(f"its path has more than {MAX_PATH_CHARS} characters")
    return place


def _check_as_data(member: tarfile.TarInfo) -> None:
    """Let Python's own filter look, too, where this Python has it."""
    data_filter = getattr(tarfile, "data_filter", None)
    if data_filter is None:
        return
    try:
        data_filter(member, "/nowhere")
    except tarfile.TarError as error:
        raise _Refused(type(error).__name__) from None


@contextmanager
def _members(
    pieces: Iterable[bytes], operation: str
) -> Iterator[Iterator[tuple[tarfile.TarInfo, Callable[[], Iterator[bytes]]]]]:
    """Open an archive; what is wrong with it becomes a DownloadError, also from the contents."""
    reader = _Reader(pieces)
    failure = ""
    try:
        with tarfile.open(fileobj=reader, mode="r|", tarinfo=_Member) as tar:  # type: ignore[call-overload]
            yield ((member, _content_of(tar, member)) for member in _each(tar, operation))
            is_whole = reader.is_whole()
        if not is_whole:
            failure = "its end is missing"
    except tarfile.TarError as error:
        failure = one_line(error, 100)
    if failure:
        raise DownloadError(
            f"Could not {operation}: the archive is damaged or was cut short ({failure}). Try "
            "again."
        )


def _each(tar: tarfile.TarFile, operation: str) -> Iterator[tarfile.TarInfo]:
    for index, member in enumerate(tar):
        if index >= MAX_FILES:
            raise DownloadError(
                f"Could not {operation}: the archive has more than {MAX_FILES} files. Let the "
                "algorithm pack them into one."
            )
        yield member
        tar.members = []  # type: ignore[attr-defined]  # it would keep all headers in memory


def _content_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Callable[[], Iterator[bytes]]:
    def content() -> Iterator[bytes]:
        file: IO[bytes] | None = tar.extractfile(member)
        left = member.size
        while file is not None and left:
            piece = file.read(min(left, PIECE))
            if not piece:
                raise tarfile.ReadError("a file is cut short")
            left -= len(piece)
            yield piece

    return content
