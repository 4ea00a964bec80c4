"""Read and write the small JSON files of a state folder, which a user may have changed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ocean_lib.localnet import safe_json

HIGHEST_PORT = 65535


class DamagedFile(Exception):
    """A file that is not as the network wrote it; the text says in what."""


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        DamagedFile: If it cannot be read, or is not JSON.
    """
    try:
        return safe_json.loads(path.read_bytes())
    except OSError as error:
        raise DamagedFile(f"it cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise DamagedFile("it is empty" if not path.stat().st_size else "it is not JSON") from error


def write_json(path: Path, document: object, *, mode: int = 0o666) -> None:
    """Write a JSON file, whole or not at all.

    Args:
        path: The file.
        document: What it holds then.
        mode: Who may read it, within what the process allows.
    """
    unfinished = path.with_name(f"{path.name}.part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    unfinished.replace(path)


def read_ports(path: Path) -> dict[str, int]:
    """Return the ports that an earlier start kept; {} if there was none.

    Raises:
        DamagedFile: If it holds anything else than ports.
    """
    if not path.exists():
        return {}
    document = read_json(path)
    if not isinstance(document, dict) or not all(map(_is_port, document.values())):
        raise DamagedFile(f"it holds other things than ports from 1 to {HIGHEST_PORT}")
    return document


def _is_port(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 1 <= value <= HIGHEST_PORT
