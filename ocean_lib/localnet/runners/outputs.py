"""Which files below an outputs folder become results, and what becomes of the others."""

from __future__ import annotations

import contextlib
import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocean_lib.localnet.runners import Limits
from ocean_lib.localnet.runners.folders import Entry, remove_tree, walk

__all__ = ["LOG_NAME", "Collected", "collect_outputs", "remove_tree"]

LOG_NAME = "algorithm.log"
_LOG_AS_RESULT = "outputs-algorithm.log"
_DEEPEST = 32
_LONGEST_BYTES = 1024


@dataclass(frozen=True)
class Collected:
    """What was found.

    Attributes:
        results: The files to publish, as paths below the folder.
        left_out: How many names are not published, by the reason.
    """

    results: tuple[PurePosixPath, ...]
    left_out: dict[str, int]

    def describe(self) -> str:
        """Say what is left out; empty if nothing is."""
        if not self.left_out:
            return ""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        return f"not published of the outputs: {reasons}"


def collect_outputs(folder: Path, limits: Limits) -> Collected:
    """Find the regular files below a folder, in order of their names.

    Symbolic links are neither followed nor published, nor are devices, sockets, pipes and files
    with another hard link; number and total size are capped. What can do harm when somebody
    looks at the folder later goes away: links, special files, and rights to run.

    Args:
        folder: An outputs folder that an untrusted algorithm wrote. Nothing of it runs any more.
        limits: `output_files` and `output_bytes` bound the results.
    """
    _free_the_logs_name(folder)
    found: list[PurePosixPath] = []
    left_out: Counter[str] = Counter()
    total = 0
    for entry in walk(folder, unlock=True):
        if stat.S_ISDIR(entry.status.st_mode):
            if len(entry.folders) >= _DEEPEST:
                left_out["folders that lie too deep"] += 1
            continue
        reason = _not_a_result(entry)
        if not reason:
            total += entry.status.st_size
            if len(found) >= limits.output_files:
                reason = f"beyond {limits.output_files} files"
            elif total > limits.output_bytes:
                reason = f"beyond {limits.output_bytes} bytes"
        if reason:
            left_out[reason] += 1
            continue
        _make_plain(entry)
        found.append(PurePosixPath(*entry.folders, entry.name))
    return Collected(tuple(found), dict(left_out))


def _not_a_result(entry: Entry) -> str:
    kind = entry.status.st_mode
    if not stat.S_ISREG(kind):
        with contextlib.suppress(OSError):
            os.unlink(entry.name, dir_fd=entry.parent_fd)
        return "symbolic links" if stat.S_ISLNK(kind) else "devices, pipes or sockets"
    if entry.status.st_nlink != 1:
        return "files with another hard link"
    path = PurePosixPath(*entry.folders, entry.name)
    try:
        encoded = str(path).encode("utf-8")
    except UnicodeEncodeError:
        return "names that are no UTF-8"
    if any(byte < 32 or byte == 127 for byte in encoded):
        return "names with control characters"
    if len(encoded) > _LONGEST_BYTES or len(entry.folders) > _DEEPEST:
        return "files that lie too deep"
    return ""


def _make_plain(entry: Entry) -> None:
    with contextlib.suppress(OSError):
        os.chmod(entry.name, 0o600, dir_fd=entry.parent_fd)


def _free_the_logs_name(folder: Path) -> None:
    # Results and log are served side by side: one name cannot be both.
    with contextlib.suppress(OSError):
        if not (folder / _LOG_AS_RESULT).is_symlink() and not (folder / _LOG_AS_RESULT).exists():
            (folder / LOG_NAME).rename(folder / _LOG_AS_RESULT)
