"""Walk and remove folders that an untrusted algorithm wrote, however deep and however locked."""

from __future__ import annotations

import contextlib
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_NAME_BYTES = 512  # even an empty file takes room
_DEEPEST = 64
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """A name below a folder.

    Attributes:
        parent_fd: Its folder, open until the next entry is asked for.
        folders: The names of the folders above it.
        name: Its own name.
        status: What `lstat` says.
    """

    parent_fd: int
    folders: tuple[str, ...]
    name: str
    status: os.stat_result


def walk(folder: str | Path, *, unlock: bool = False, deepest: int = _DEEPEST) -> Iterator[Entry]:
    """Yield every name below a folder, each folder's own names in order before its folders'.

    No symbolic link is followed, also not when the tree changes meanwhile, and no path grows
    too long, because each folder is opened from the one above.

    Args:
        folder: Where to begin.
        unlock: Whether to change the mode of folders that cannot be read.
        deepest: Folders below so many others are told, and not entered.
    """
    try:
        top = os.open(folder, _OPEN_FOLDER)
    except OSError:
        return
    # One open folder for each level: the way down to where the walk is.
    way: list[tuple[int, tuple[str, ...], deque[str]]] = []
    try:
        way.append((top, (), deque()))
        yield from _names(*way[-1])
        while way:
            parent_fd, folders, below = way[-1]
            if not below:
                os.close(parent_fd)
                way.pop()
                continue
            name = below.popleft()
            if len(way) >= deepest:
                continue
            child = _open_below(parent_fd, name, unlock=unlock)
            if child is not None:
                way.append((child, (*folders, name), deque()))
                yield from _names(*way[-1])
    finally:
        for parent_fd, _, _ in way:
            os.close(parent_fd)


def _names(folder_fd: int, folders: tuple[str, ...], below: deque[str]) -> Iterator[Entry]:
    try:
        names = sorted(os.listdir(folder_fd))
    except OSError:
        return
    for name in names:
        try:
            status = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            below.append(name)
        yield Entry(folder_fd, folders, name, status)


def _open_below(parent_fd: int, name: str, *, unlock: bool) -> int | None:
    try:
        return os.open(name, _OPEN_FOLDER, dir_fd=parent_fd)
    except PermissionError:
        if not unlock:
            return None
    except OSError:
        return None
    try:
        os.chmod(name, 0o700, dir_fd=parent_fd)
        return os.open(name, _OPEN_FOLDER, dir_fd=parent_fd)
    except OSError:
        return None


def open_below(folder: str | Path, names: Sequence[str]) -> int | None:
    """Open a plain file without following a link anywhere below a folder.

    Args:
        folder: Where to begin; it is ours.
        names: The folders on the way down, and the file's name.

    Returns:
        A descriptor to read from; None if there is no such file, or it has another hard link.
    """
    try:
        parent = os.open(folder, _OPEN_FOLDER)
    except OSError:
        return None
    try:
        for name in names[:-1]:
            below = os.open(name, _OPEN_FOLDER, dir_fd=parent)
            os.close(parent)
            parent = below
        handle = os.open(names[-1], _OPEN_FILE, dir_fd=parent)
    except (OSError, ValueError):
        return None
    finally:
        os.close(parent)
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
        return handle
    os.close(handle)
    return None


def written(folders: list[str], *, most_bytes: int, most_names: int) -> tuple[int, int]:
    """Add up what lies below folders, and stop counting where it is too much.

    Args:
        folders: Where to look.
        most_bytes: How many bytes are allowed.
        most_names: How many names are allowed.

    Returns:
        Bytes and names; either is above what is allowed if there is too much, or if folders lie
        so deep in each other that nobody could use them.
    """
    size = names = 0
    for folder in folders:
        for entry in walk(folder):
            size += entry.status.st_size + _NAME_BYTES
            names += 1
            if len(entry.folders) >= _DEEPEST - 1:
                names = most_names + 1
            if size > most_bytes or names > most_names:
                return size, names
    return size, names


def remove_tree(folder: Path) -> None:
    """Delete a folder that an algorithm wrote, whatever permissions and depth it left behind."""
    if folder.is_symlink():
        return
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    try:
        top = os.open(folder, _OPEN_FOLDER)
    except OSError:
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _empty(top: int) -> None:
    # Folders within folders are moved up to the top, so that no depth is too much.
    stuck: set[str] = set()
    moved = 0
    while names := [name for name in os.listdir(top) if name not in stuck]:
        for name in names:
            child = _unlinked_or_open(top, name)
            if child is not None:
                try:
                    os.fchmod(child, 0o700)
                    for below in os.listdir(child):  # noqa: PTH208 (a path may be too long)
                        moved += 1
                        _move_up(child, below, top, f".removed-{os.getpid()}-{moved}")
                except OSError:
                    pass  # it stays, and so does its folder
                finally:
                    os.close(child)
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=top)
            stuck.add(name)


def _unlinked_or_open(parent_fd: int, name: str) -> int | None:
    try:
        os.unlink(name, dir_fd=parent_fd)
    except OSError:
        return _open_below(parent_fd, name, unlock=True)
    return None


def _move_up(parent_fd: int, name: str, top: int, new_name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=parent_fd)
        return
    with contextlib.suppress(OSError):
        os.chmod(name, 0o700, dir_fd=parent_fd)
    with contextlib.suppress(OSError):
        os.rename(name, new_name, src_dir_fd=parent_fd, dst_dir_fd=top)
