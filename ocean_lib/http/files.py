"""Bring a file home: a safe name, pieces straight to disk, whole or not at all."""

from __future__ import annotations

import errno
import filecmp
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from email.message import Message
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ocean_lib.checks import printable
from ocean_lib.exceptions import DownloadError, OceanError, ResponseTooLarge
from ocean_lib.http.redaction import one_line

MAX_NAME_BYTES = 180

MAX_SAME_NAMES = 10_000
"""So many files of one name, with different contents, may lie in one folder."""

_LONGEST_SEEN = 1000
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\xb9\xb2\xb3])", re.IGNORECASE
)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


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
    """Return the last component of a URL's path, '' if there is none."""
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
