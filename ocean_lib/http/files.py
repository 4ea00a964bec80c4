"""A file from a server: its encoding undone, no web page in its place, a safe name, whole on disk.

A Content-Encoding is undone once, and bounded piece by piece. urllib3 would undo as many layers as
a server names, and those that some other package has made it able to undo: the same file would
then come differently on two machines.
"""

from __future__ import annotations

import errno
import filecmp
import itertools
import os
import re
import secrets
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from email.message import Message
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from urllib3.exceptions import DecodeError

from ocean_lib.checks import printable
from ocean_lib.exceptions import DownloadError, OceanError, ResponseTooLarge
from ocean_lib.http.redaction import one_line, server_words

PIECE = 64 * 1024

MAX_NAME_BYTES = 180

MAX_SAME_NAMES = 10_000
"""So many files of one name, with different contents, may lie in one folder."""

CHALLENGE = (
    "A gateway before the server wants to see a browser, or a sign-in. Open the server's address "
    "in a browser on this network, or ask its operator to let programs through."
)
_GZIP = ("gzip", "x-gzip")
_MAGIC = b"\x1f\x8b"
_PAGE_BEGINNINGS = (b"<!doctype html", b"<html")
_PAGE_NAMES = ("", ".htm", ".html", ".xhtml")
_LONGEST_SEEN = 1000
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\xb9\xb2\xb3])", re.IGNORECASE
)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


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


def is_page(body: bytes) -> bool:
    """Tell whether a body begins as a web page does."""
    return body[:512].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(_PAGE_BEGINNINGS)


def title_of(page: bytes) -> str:
    """Return what a web page calls itself, fit for a message; '' if it does not."""
    found = re.search(rb"<title[^<>]*>([^<]*)<", page[:10_000], re.IGNORECASE)
    return server_words(found[1].decode("utf-8", "replace"), 100) if found else ""


def is_challenge(headers: Mapping[str, str]) -> bool:
    """Tell whether a gateway says itself that this is a page of its own."""
    return headers.get("cf-mitigated") == "challenge"


def not_a_page(
    pieces: Iterator[bytes], headers: Mapping[str, str], name: str, operation: str
) -> Iterator[bytes]:
    """Yield a file's content, if it is that and not a page in its place.

    Raises:
        DownloadError: a page came for what is not named as one.
    """
    first = next(pieces, b"")
    is_html = "html" in str(headers.get("content-type") or "").lower()
    is_named_so = PurePath(name).suffix.lower() in _PAGE_NAMES
    if is_challenge(headers) or (is_html and is_page(first) and not is_named_so):
        title = title_of(first)
        raise DownloadError(
            f"Could not {operation}: a web page came in its place{title and f' ({title})'}. "
            f"{CHALLENGE}"
        )
    if first:
        yield first
    yield from pieces


def safe_file_name(name: str, fallback: str) -> str:
    """Return a file name that stays in its folder, on every platform.

    Args:
        name: what a server calls the file; its last path component counts, by either separator.
        fallback: used when nothing usable is left.
    """
    from pathvalidate import sanitize_filename  # only who downloads pays for its import

    last = name.replace("\\", "/").rsplit("/", 1)[-1].encode("utf-8", "replace").decode()
    last = one_line(last, _LONGEST_SEEN).lstrip(". ")
    clean = str(sanitize_filename(last, platform="universal", replacement_text="_"))
    clean = clean.strip(". ")
    if _DEVICE.fullmatch(clean.split(".")[0].strip()):
        clean = "_" + clean  # Windows ignores blanks and what follows the dot
    if not clean.strip("_"):
        return fallback
    stem, dot, suffix = clean.rpartition(".")
    if not stem or len(suffix) > 16:
        stem, dot, suffix = clean, "", ""
    room = MAX_NAME_BYTES - len((dot + suffix).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + suffix


def numbered(name: str, index: int) -> str:
    """Return the name with a number before its suffix: report.json, 2 → report-2.json."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{index}{dot}{suffix}" if stem else f"{name}-{index}"


def name_in_headers(content_disposition: str | None) -> str:
    """Return the file name a Content-Disposition header gives, '' if none."""
    if not content_disposition:
        return ""
    message = Message()
    message["content-disposition"] = content_disposition
    try:
        return str(message.get_filename() or "")
    except (LookupError, ValueError, UnicodeError):
        return ""


def name_in_url(url: str) -> str:
    """Return the last component of a URL's path, '' without one."""
    try:
        return unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    except ValueError:
        return ""


def write_whole(
    pieces: Iterable[bytes],
    folder: Path,
    name: str,
    index: int,
    *,
    taken: Collection[Path] = (),
    replace: bool = False,
    max_bytes: int | None = None,
    operation: str = "download the file",
) -> Path:
    """Write the pieces beside their place, then move them there at once.

    A file written by the same call is never overwritten: the new one gets its index into its
    name. A failed transfer leaves nothing behind, and what was there before as it was.

    Args:
        pieces: the content.
        folder: made if it is not there.
        name: as `safe_file_name` gives it.
        index: which file of its asset or job this is.
        taken: paths written in the same call.
        replace: a file that was there before the call gives way, so that nobody reads an old
            one for the new; otherwise nothing is ever overwritten, whoever wrote it and when:
            the new one gets its index, and then a count, into its name, unless the content is
            the same.
        max_bytes: refuse more than this.
        operation: what is done, in words that follow "Could not".

    Returns:
        Where the file lies.

    Raises:
        DownloadError: the disk says no.
        ResponseTooLarge: there are more than `max_bytes`.
    """
    part = folder / f".{secrets.token_hex(8)}.part"
    failure: Exception
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = 0
        with part.open("wb") as file:
            for piece in pieces:
                written += len(piece)
                if max_bytes is not None and written > max_bytes:
                    raise ResponseTooLarge(
                        f"Could not {operation}: it is longer than the {max_bytes} bytes "
                        "allowed. Allow more, or ask for another file.",
                        operation=operation,
                    )
                file.write(piece)
        return _place(part, folder, name, index, taken, replace)
    except OceanError:
        raise  # of the transfer; some are OSErrors too
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or type(error).__name__
        failure = DownloadError(
            f"Could not {operation}: writing to {printable(str(folder), limit=300)} failed "
            f"({reason}). Check the folder and the free space."
        )
    finally:
        with suppress(OSError, ValueError):
            part.unlink()
    raise failure


def _place(
    part: Path, folder: Path, name: str, index: int, taken: Collection[Path], replace: bool
) -> Path:
    target = folder / name
    if replace and target not in taken and (target.is_file() or not target.exists()):
        part.replace(target)
        return target
    for candidate in _candidates(name, index):
        target = folder / candidate
        if target not in taken and (_claim(part, target) or _has_content(target, part)):
            return target
    raise FileExistsError(errno.EEXIST, "no name is free")


def _candidates(name: str, index: int) -> Iterator[str]:
    yield name
    yield (indexed := numbered(name, index))
    for count in range(2, MAX_SAME_NAMES):
        yield numbered(indexed, count)


def _claim(part: Path, target: Path) -> bool:
    """Move the file to a place that nothing has; tell whether it was free.

    Neither way overwrites, whatever other threads and processes do in the same moment.
    """
    try:
        if os.name == "nt":
            part.rename(target)  # refused there if the target exists
            return True
        os.link(part, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS or target.exists():
            raise
        part.replace(target)  # a file system without hard links
    return True


def _has_content(target: Path, part: Path) -> bool:
    is_file = target.is_file() and not target.is_symlink()
    return is_file and filecmp.cmp(part, target, shallow=False)
