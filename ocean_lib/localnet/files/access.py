"""Read the files that assets name: over HTTP with checked addresses, or from the own store."""

from __future__ import annotations

import contextlib
import hashlib
import mimetypes
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ocean_lib.localnet.files.web import (
    PLAINLY,
    Asking,
    FileUnavailable,
    Patience,
    file_name,
    open_url,
)

_PATH = re.compile(r"/files/(?P<token>[0-9a-f]{64})/(?P<name>[^/]+)")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class FileStore:
    """Keeps the network's private files in a folder: published datasets without a web server.

    A published file gets an unguessable URL that looks like this network's own address. Nothing
    answers at that URL: only the network, which knows the folder, can read what it names. So a
    data file can be published, and still never leaves the machine.

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


__all__ = ["Asking", "FileAccess", "FileUnavailable", "RemoteFile"]

_DESCRIBE_S = 20.0
_FETCH_S = 900.0
_DOWNLOAD_S = 3600.0
_CHUNK_BYTES = 64 * 1024
_KEPT = ("Content-Type", "Content-Length", "Content-Range")


@dataclass
class RemoteFile:
    """A file that is open for reading.

    Attributes:
        status: 200, or 206 for a part.
        headers: Content-Type, Content-Length and Content-Range as far as they are known.
        name: The file's name.
        chunks: The content; reading it to the end or closing it releases the connection.
    """

    status: int
    headers: dict[str, str]
    name: str
    chunks: Iterator[bytes]
    close: Any = field(default=lambda: None, repr=False)


class FileAccess:
    """Opens, describes and fetches files.

    Args:
        store: The network's own files.
        max_bytes: The largest file that is fetched for a job.
        allow_private: Whether files may lie at private and loopback addresses.
    """

    def __init__(
        self, store: FileStore, *, max_bytes: int = 1024**3, allow_private: bool = True
    ) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._allow_private = allow_private

    def describe(
        self, url: object, *, with_checksum: bool = False, asking: Asking = PLAINLY
    ) -> dict[str, Any]:
        """Tell whether a file can be read, and its length and type, as `fileinfo` does."""
        total_s = _FETCH_S if with_checksum else _DESCRIBE_S
        try:
            file = self._open(url, Patience(total_s), asking)
        except FileUnavailable:
            return {"valid": False}
        with contextlib.closing(file):
            details: dict[str, Any] = {
                "valid": True,
                "contentLength": file.headers.get("Content-Length", ""),
                "contentType": file.headers.get("Content-Type", "").partition(";")[0],
            }
            if with_checksum:
                digest = hashlib.sha256()
                try:
                    for chunk in self._whole(file):
                        digest.update(chunk)
                except FileUnavailable:
                    return {"valid": False}
                details.update(checksum=digest.hexdigest(), checksumType="sha256")
        return details

    def fetch(
        self,
        url: object,
        target: Path,
        *,
        given_up: Callable[[], bool] = lambda: False,
        asking: Asking | None = None,
    ) -> None:
        """Copy a file to `target`.

        Args:
            url: Where it is.
            target: Where it goes.
            given_up: Tells that nobody waits for it any more.
            asking: With which method and headers; None for GET and none.

        Raises:
            FileUnavailable: If it cannot be read whole, is too large, or was given up.
        """
        patience = Patience(_FETCH_S, given_up)
        file = self._open(url, patience, asking or PLAINLY)
        with contextlib.closing(file), target.open("wb") as output:
            for chunk in self._whole(file):
                patience.left_s()
                output.write(chunk)

    def open(self, url: object, *, byte_range: str | None = None) -> RemoteFile:
        """Open a file for reading.

        Args:
            url: Where it is.
            byte_range: A Range header to pass on.

        Raises:
            FileUnavailable: If it cannot be opened.
        """
        headers = {"Range": byte_range} if byte_range else {}
        return self._open(url, Patience(_DOWNLOAD_S), Asking(headers=headers))

    def _open(self, url: object, patience: Patience, asking: Asking = PLAINLY) -> RemoteFile:
        if not isinstance(url, str):
            raise FileUnavailable("the URL is not a text")
        path = self._store.find(url)
        if path is not None:
            return _open_path(path)
        opened = open_url(url, allow_private=self._allow_private, patience=patience, asking=asking)
        headers = {name: opened.header(name) for name in _KEPT if opened.header(name)}
        chunks = iter(lambda: opened.read(_CHUNK_BYTES), b"")
        return RemoteFile(
            opened.status, headers, Path(file_name(opened)).name, chunks, opened.close
        )

    def _whole(self, file: RemoteFile) -> Iterator[bytes]:
        size = 0
        for chunk in file.chunks:
            size += len(chunk)
            if size > self._max_bytes:
                raise FileUnavailable(f"it is larger than {self._max_bytes} bytes")
            yield chunk


def _open_path(path: Path) -> RemoteFile:
    headers = {"Content-Length": str(path.stat().st_size)}
    kind, _ = mimetypes.guess_type(path.name)
    headers["Content-Type"] = kind or "application/octet-stream"
    handle = path.open("rb")
    return RemoteFile(
        200, headers, path.name, iter(lambda: handle.read(_CHUNK_BYTES), b""), handle.close
    )
