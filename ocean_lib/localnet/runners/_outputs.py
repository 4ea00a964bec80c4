"""Which files below an outputs folder become results."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from ocean_lib.localnet.runners import Limits


def list_outputs(folder: Path, limits: Limits) -> tuple[PurePosixPath, ...]:
    """List the regular files below `folder`, in order of their names.

    Symbolic links are neither followed nor listed, nor are devices, sockets, pipes and files
    with another hard link; number and total size are capped.

    Args:
        folder: An outputs folder that an untrusted algorithm wrote.
        limits: `output_files` and `output_bytes` bound the list.

    Returns:
        Paths relative to `folder`.
    """
    found: list[PurePosixPath] = []
    total = 0
    for directory, subfolders, names in os.walk(folder, followlinks=False):
        subfolders.sort()
        for name in sorted(names):
            path = Path(directory, name)
            try:
                status = path.lstat()
                relative = PurePosixPath(path.relative_to(folder).as_posix())
                str(relative).encode("utf-8")
            except (OSError, UnicodeEncodeError):
                continue
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                continue
            total += status.st_size
            if len(found) >= limits.output_files or total > limits.output_bytes:
                return tuple(found)
            found.append(relative)
    return tuple(found)


def remove_tree(folder: Path) -> None:
    """Delete a folder that an algorithm wrote, whatever permissions it left behind."""
    for directory, subfolders, _ in os.walk(folder, followlinks=False):
        for name in [".", *subfolders]:
            path = Path(directory, name)
            if not path.is_symlink():
                try:
                    path.chmod(0o700)
                except OSError:
                    continue
    _remove(folder)


def _remove(folder: Path) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                _remove(Path(entry.path))
            else:
                Path(entry.path).unlink()
        except OSError:
            continue
    try:
        folder.rmdir()
    except OSError:
        return
