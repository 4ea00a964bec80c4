"""Take a state folder: a new one, an empty one or a network's own, never somebody's project."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

from ocean_lib.localnet._errors import BadOption

_MARKS = ("keys.part", "chain.db", "network.db")  # without keys.json: killed as it first started
_NOBODYS = frozenset({".gitignore", ".gitkeep", ".DS_Store", "lost+found"})
_SHOWN = 3


def take_folder(folder: Path) -> Path:
    """Return the folder, made if it is not there.

    Raises:
        BadOption: If it holds files of somebody else's, which are not touched, or cannot be used.
    """
    try:
        if folder.is_dir():
            _check_own(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it is not writable")
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror or str(error)
        raise BadOption(
            f"the network cannot keep its state in {folder}: {reason}. Choose a folder that is "
            "new, empty or of an earlier network."
        ) from error
    return folder


def _check_own(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    foreign = sorted(names - _NOBODYS)
    if not foreign or _is_a_networks(folder, names):
        return
    shown = ", ".join(foreign[:_SHOWN]) + (", ..." if len(foreign) > _SHOWN else "")
    raise BadOption(
        f"the network cannot keep its state in {folder}: it holds files that are not a network's "
        f"({shown}), and some might be overwritten. Choose a folder that is new, empty or of an "
        f"earlier network, such as {folder / 'ocean-localnet'}."
    )


def _is_a_networks(folder: Path, names: set[str]) -> bool:
    if "keys.json" not in names:
        return any(name in names for name in _MARKS)
    try:
        keys = json.loads((folder / "keys.json").read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(keys, dict) and {"deployer", "provider", "accounts"} <= keys.keys()
