"""Read the files that assets name: over HTTP with checked addresses, or from the own store."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import mimetypes
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests

from ocean_lib.localnet._file_store import FileStore

_TIMEOUT_S = (5.0, 60.0)
_MAX_REDIRECTS = 5
_CHUNK_BYTES = 64 * 1024
_METADATA_SERVICES = (ipaddress.ip_address("fd00:ec2::254"),)


class FileUnavailable(Exception):
    """A file that cannot be read; the text says why and never names the URL."""


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
    """

    def __init__(self, store: FileStore, *, max_bytes: int = 1024**3) -> None:
        self._store = store
        self._max_bytes = max_bytes

    def describe(self, url: object, *, with_checksum: bool = False) -> dict[str, Any]:
        """Tell whether a file can be read, and its length and type, as `fileinfo` does."""
        try:
            file = self.open(url)
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
                for chunk in file.chunks:
                    digest.update(chunk)
                details.update(checksum=digest.hexdigest(), checksumType="sha256")
        return details

    def fetch(self, url: object, target: Path) -> None:
        """Copy a file to `target`.

        Raises:
            FileUnavailable: If it cannot be read whole, or is too large.
        """
        file = self.open(url)
        size = 0
        with contextlib.closing(file), target.open("wb") as output:
            try:
                for chunk in file.chunks:
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise FileUnavailable(f"it is larger than {self._max_bytes} bytes")
                    output.write(chunk)
            except requests.RequestException as error:
                raise FileUnavailable(f"reading it broke off ({type(error).__name__})") from error

    def open(self, url: object, *, byte_range: str | None = None) -> RemoteFile:
        """Open a file for reading.

        Args:
            url: Where it is.
            byte_range: A Range header to pass on.

        Raises:
            FileUnavailable: If it cannot be opened.
        """
        if not isinstance(url, str):
            raise FileUnavailable("the URL is not a text")
        path = self._store.find(url)
        if path is not None:
            return _open_path(path)
        return _open_http(url, byte_range)


def _open_path(path: Path) -> RemoteFile:
    headers = {"Content-Length": str(path.stat().st_size)}
    kind, _ = mimetypes.guess_type(path.name)
    headers["Content-Type"] = kind or "application/octet-stream"
    handle = path.open("rb")
    return RemoteFile(
        200, headers, path.name, iter(lambda: handle.read(_CHUNK_BYTES), b""), handle.close
    )


def _open_http(url: str, byte_range: str | None) -> RemoteFile:
    headers = {"Accept-Encoding": "identity"}
    if byte_range:
        headers["Range"] = byte_range
    session = requests.Session()
    # No credentials of this machine's user may travel with a publisher's URL.
    session.auth = _no_credentials
    for _ in range(_MAX_REDIRECTS + 1):
        _check_address(url)
        try:
            response = session.get(
                url, headers=headers, stream=True, timeout=_TIMEOUT_S, allow_redirects=False
            )
        except (requests.RequestException, ValueError) as error:
            session.close()
            raise FileUnavailable(f"it cannot be reached ({type(error).__name__})") from error
        if not response.is_redirect:
            return _opened(url, response, session)
        url = urljoin(url, response.headers["Location"])
        response.close()
    session.close()
    raise FileUnavailable("there are too many redirects")


def _opened(url: str, response: requests.Response, session: requests.Session) -> RemoteFile:
    def close() -> None:
        response.close()
        session.close()

    if response.status_code not in (200, 206):
        close()
        raise FileUnavailable(f"its server answered {response.status_code}")
    kept = ("Content-Type", "Content-Length", "Content-Range")
    headers = {name: response.headers[name] for name in kept if name in response.headers}
    name = _file_name(response.headers.get("Content-Disposition", ""), url)
    chunks = response.iter_content(_CHUNK_BYTES)
    return RemoteFile(response.status_code, headers, name, chunks, close)


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _file_name(disposition: str, url: str) -> str:
    _, found, name = disposition.partition("filename=")
    name = name.partition(";")[0].strip().strip('"') if found else ""
    return Path(name or unquote(urlsplit(url).path)).name


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FileUnavailable("the URL is malformed") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FileUnavailable("only http and https URLs can be read")
    try:
        found = socket.getaddrinfo(parts.hostname, port or 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FileUnavailable("its host is unknown") from error
    for *_, address in found:
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        # Cloud metadata services give credentials to whoever asks from inside.
        if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA_SERVICES:
            raise FileUnavailable("its address is not allowed")
