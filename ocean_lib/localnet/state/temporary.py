"""Temporary state folders: each is held by its network, and removed once that is gone."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ocean_lib.localnet.runners.folders import remove_tree
from ocean_lib.localnet.state.folder import TEMPORARY, hold_folder, lock_folder

_PREFIX = "ocean-localnet-"
_log = logging.getLogger(__name__)


def make_temporary() -> tuple[Path, Callable[[], None]]:
    """Make a folder that this process holds; the second value removes it."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    let_go = hold_folder(folder)
    # Only a folder that is held gets the mark: without it nobody else removes the folder.
    (folder / TEMPORARY).write_text(folder.name, encoding="utf-8")

    def remove() -> None:
        try:
            with contextlib.suppress(OSError):
                _remove(folder)
        finally:
            let_go()

    return folder, remove


def remove_abandoned() -> None:
    """Remove the temporary folders of this user's networks that were killed.

    Only folders that carry their own name, and that no process holds any more.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # another start was quicker
            if _is_temporary(folder):
                _remove_if_free(folder)


def _remove_if_free(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # Again: who held it may have removed it, or begun to keep it.
        if lock_folder(handle) and _is_temporary(folder):
            _remove(folder)
            _log.info("removed %s: its network was killed", folder)
    finally:
        os.close(handle)


def _is_temporary(folder: Path) -> bool:
    """Whether it is ours and carries its own name: a copy, or one named alike, does not."""
    try:
        if folder.lstat().st_uid != os.getuid():
            return False
        handle = os.open(folder / TEMPORARY, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, encoding="utf-8") as mark:
            return mark.read(256) == folder.name
    except (OSError, ValueError):
        return False


def _remove(folder: Path) -> None:
    """Remove a folder, its mark last: what cannot be removed now can be at the next start."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        elif path.name != TEMPORARY:
            path.unlink(missing_ok=True)
    if [path.name for path in folder.iterdir()] == [TEMPORARY]:
        (folder / TEMPORARY).unlink()
        folder.rmdir()
