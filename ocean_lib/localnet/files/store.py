"""The network's private files: published datasets that live in no web server.

A published file gets an unguessable URL that looks like this network's own address. Nothing
answers at that URL: only the Provider, which knows the folder, can read what it names. So a data
file can be published without a web server, and still never leaves the machine.
"""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

_PATH = re.compile(r"/files/(?P<token>[0-9a-f]{64})/(?P<name>[^/]+)")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class FileStore:
    """Keeps published files in a folder, one subfolder per file.

    Args:
        folder: Where the files are; it is created.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, content: bytes | Path, name: str) -> str:
        """Keep a copy of a file.

        Args:
            content: The bytes, or a path to copy from.
            name: What the file is called; only its last part counts.

        Returns:
            The path part of its URL.
        """
        name = Path(name).name
        if not name or name in (".", ".."):
            raise ValueError(f"a published file needs a name, got {name!r}")
        token = secrets.token_hex(32)
        target = self._folder / token / name
        target.parent.mkdir()
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
        return f"/files/{token}/{quote(name)}"

    def find(self, url: str) -> Path | None:
        """Return the file that a URL names, or None if it is not one of this store.

        The port is not looked at, so that files published before a restart on another port are
        still found.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        match = _PATH.fullmatch(parts.path)
        if match is None or parts.hostname not in _LOOPBACK or parts.scheme != "http":
            return None
        path = self._folder / match["token"] / unquote(match["name"])
        if path.parent.parent != self._folder or not path.is_file():
            return None
        return path
