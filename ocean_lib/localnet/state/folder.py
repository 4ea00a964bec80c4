"""State folders: new, empty or a network's own, never somebody's project; or a temporary one.

A temporary folder is held by its network, and removed once that is gone.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ocean_lib.localnet.errors import BadOption, LocalNetworkError
from ocean_lib.localnet.runners.folders import remove_tree
from ocean_lib.localnet.state.files import DamagedFile, read_keys

_KEYS = "keys.json"
# Without keys.json: killed as it first started.
_MARKS = ("keys.part", "keys.json.part", "chain.db", "network.db")
TEMPORARY = ".temporary"
"""In a temporary folder: its own name. A network that keeps the folder removes it."""
_NOBODYS = frozenset({TEMPORARY, ".gitignore", ".gitkeep", ".DS_Store", "lost+found"})
_FILES = (_KEYS, "generation.json", "address.json", "ports.json", "chain.db", "network.db")
_FOLDERS = ("files", "jobs", "tools")
_SHOWN = 3
_WAIT_S = 1.0  # for a network that is just ending
_PAUSE_S = 0.05


def take_folder(folder: Path) -> Path:
    """Return the folder, made if it is not there.

    Raises:
        BadOption: If it holds files of somebody else's, which are not touched, or cannot be used.
        LocalNetworkError: If it is a network's, and damaged.
    """
    try:
        if folder.is_dir():
            _check_own(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it is not writable")
    except BadOption:
        raise
    except (OSError, ValueError) as error:  # a null byte in the name is the latter
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileExistsError):
            reason = "it is a file"
        raise BadOption(
            f"the network cannot keep its state in {folder}: {reason}. Choose a folder that is "
            "new, empty or of an earlier network."
        ) from error
    return folder


def hold_folder(folder: Path) -> Callable[[], None]:
    """Keep other networks out of a folder until this process ends, or the answer is called.

    Raises:
        LocalNetworkError: If another one has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return lambda: None
    handle = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + _WAIT_S
    while lock_folder(handle) is False:
        if time.monotonic() >= deadline:
            os.close(handle)
            raise LocalNetworkError(
                f"the network cannot start: another one is running in {folder}. Stop it, or "
                "choose another folder."
            )
        time.sleep(_PAUSE_S)

    def let_go() -> None:
        # Closing alone is not enough while a child that was forked has it, too.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)

    return let_go


def lock_folder(handle: int) -> bool | None:
    """Try to lock an open folder; None where that cannot be done: the chain's file has a lock."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without such locks
        return None
    return True


def damaged(path: Path, error: DamagedFile) -> LocalNetworkError:
    """Say that the network cannot do without this file."""
    return LocalNetworkError(
        f"the network cannot start: {path} is damaged: {error}. Put a copy of it back, or start "
        "again in a folder that is new or empty."
    )


def _check_own(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    foreign = sorted(names - _NOBODYS)
    if not foreign:
        return
    if not _is_a_networks(folder, names):
        shown = ", ".join(foreign[:_SHOWN]) + (", ..." if len(foreign) > _SHOWN else "")
        raise BadOption(
            f"the network cannot keep its state in {folder}: it holds files that are not a "
            f"network's ({shown}), and some might be overwritten. Choose a folder that is new, "
            f"empty or of an earlier network, such as {folder / 'ocean-localnet'}."
        )
    for name in sorted(names.intersection(_FILES + _FOLDERS)):
        if (folder / name).is_dir() is (name in _FILES):
            is_, wanted = ("folder", "file") if name in _FILES else ("file", "folder")
            raise LocalNetworkError(
                f"the network cannot start: {folder / name} is a {is_}, and a {wanted} is "
                "expected. Move it away, and start again."
            )


def _is_a_networks(folder: Path, names: set[str]) -> bool:
    has_marks = any(name in names for name in _MARKS)
    if _KEYS not in names or (folder / _KEYS).is_dir():
        return has_marks
    try:
        read_keys(folder / _KEYS)
    except DamagedFile as error:
        if has_marks:
            raise damaged(folder / _KEYS, error) from error
        return False
    return True


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
