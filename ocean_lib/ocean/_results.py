"""Bringing a job's files home: every result and log, each on its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from ocean_lib.common.http_requests.exchange import HttpExchange
from ocean_lib.common.http_requests.files import name_in_url, numbered, safe_file_name, write_whole
from ocean_lib.common.http_requests.redaction import printable, safe_url
from ocean_lib.common.utils.html_table import html_table
from ocean_lib.exceptions import (
    DownloadError,
    OceanError,
    ResponseTooLarge,
    TransportError,
)

TRANSFER_ATTEMPTS = 4
"""How often a broken transfer is taken up again, where the server allows ranges."""


class DownloadWarning(UserWarning):
    """Some files of a job could not be downloaded; the report says which."""


@dataclass(frozen=True)
class JobFile:
    """One file of a job's outcome.

    Attributes:
        name: made safe for every platform.
        url: where it lies; may carry secrets, so it is not in the repr.
        is_log: whether it is a log.
        index: its place among the job's files.
    """

    name: str
    url: str = field(repr=False)
    is_log: bool
    index: int


@dataclass(frozen=True)
class DownloadReport(Sequence[Path]):
    """The paths that were written, and what could not be.

    Attributes:
        paths: where the files lie, results first.
        failures: name of a file to why it is not there.
    """

    paths: tuple[Path, ...]
    failures: dict[str, OceanError]

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | Sequence[Path]:
        return self.paths[index]

    def __len__(self) -> int:
        return len(self.paths)

    def _repr_html_(self) -> str:
        rows = [(path.name, "downloaded", path) for path in self.paths]
        rows += [(name, "failed", error) for name, error in self.failures.items()]  # type: ignore[misc]
        return html_table(rows, ("file", "outcome", "where"))


def files_of(urls: Sequence[str], logs: Sequence[str]) -> list[JobFile]:
    """Name the files behind a job's URLs; no two names are the same."""
    files: list[JobFile] = []
    names: set[str] = set()
    for index, url in enumerate([*urls, *logs]):
        is_log = index >= len(urls)
        fallback = f"log-{index - len(urls)}" if is_log else f"result-{index}"
        name = safe_file_name(name_in_url(url), fallback)
        while name.lower() in names:
            name = numbered(name, index)
        names.add(name.lower())
        files.append(JobFile(name, url, is_log, index))
    return files


def read_file(http: HttpExchange, file: JobFile, max_bytes: int) -> bytes:
    """Return a small file's content.

    Raises:
        ResponseTooLarge: it is longer than `max_bytes`.
        DownloadError, TransportError: it could not be read.
    """
    content = bytearray()
    with closing(_pieces(http, file, lambda _: None)) as pieces:
        for piece in pieces:
            content += piece
            if len(content) > max_bytes:
                raise ResponseTooLarge(
                    f"Could not read {file.name} into memory: it is longer than {max_bytes} "
                    "bytes. Use download, which writes to disk as it comes.",
                    operation=f"read {file.name}",
                )
    return bytes(content)


def download_files(
    http: HttpExchange,
    files: Sequence[JobFile],
    folder: Path,
    *,
    max_bytes: int | None,
    on_bytes: Callable[[int], None],
) -> DownloadReport:
    """Download files one after the other; one that fails does not keep the others away.

    Args:
        http: sends the requests.
        files: what to bring.
        folder: made if it is not there.
        max_bytes: refuse a file that is longer.
        on_bytes: told of every piece.

    Returns:
        The paths, and what failed.

    Raises:
        DownloadError: there were files, and none could be brought.
    """
    paths: list[Path] = []
    failures: dict[str, OceanError] = {}
    for file in files:
        try:
            with closing(_pieces(http, file, on_bytes)) as pieces:
                path = write_whole(
                    pieces,
                    folder,
                    file.name,
                    file.index,
                    taken=paths,
                    replace=True,
                    max_bytes=max_bytes,
                    operation=f"download {file.name}",
                )
            paths.append(path)
        except OceanError as error:
            failures[file.name] = error
    if failures:
        _say_what_failed(files, failures)
    return DownloadReport(tuple(paths), failures)


def _say_what_failed(files: Sequence[JobFile], failures: dict[str, OceanError]) -> None:
    told = "; ".join(f"{name}: {printable(error, 200)}" for name, error in failures.items())
    if len(failures) == len(files):
        raise DownloadError(f"None of the job's {len(files)} file(s) could be downloaded: {told}")
    warnings.warn(
        f"{len(failures)} of {len(files)} files could not be downloaded: {told}",
        DownloadWarning,
        stacklevel=5,
    )


def _pieces(
    http: HttpExchange, file: JobFile, on_bytes: Callable[[int], None]
) -> Generator[bytes, None, None]:
    """Yield a file's content, taking a broken transfer up where it stopped if that is possible."""
    done = 0
    version = ""
    for attempt in range(1, TRANSFER_ATTEMPTS + 1):
        headers = {"Accept-Encoding": "identity"}
        if done:
            headers |= {"Range": f"bytes={done}-", "If-Range": version}
        try:
            with http.stream(
                file.url, operation=f"download {file.name}", headers=headers, follow_redirects=True
            ) as (response, pieces):
                _check(response, file, done)
                version = version or _version(response)
                for piece in pieces:
                    done += len(piece)
                    on_bytes(len(piece))
                    yield piece
                return
        except TransportError:
            # Without a version nobody can tell whether the rest is of the same file.
            if attempt == TRANSFER_ATTEMPTS or (done and not version):
                raise


def _version(response: object) -> str:
    headers = getattr(response, "headers", {})
    etag = str(headers.get("etag") or "")
    if etag and not etag.startswith("W/"):
        return etag
    return str(headers.get("last-modified") or "") if headers.get("accept-ranges") else ""


def _check(response: object, file: JobFile, done: int) -> None:
    status = int(getattr(response, "status_code", 0))
    if status == (206 if done else 200):
        return
    if done and status == 200:
        raise DownloadError(
            f"Could not download {file.name}: the connection broke after {done} bytes, and the "
            "server cannot take it up there. Try again."
        )
    hint = (
        "The link may have expired: get a new one with job.result()."
        if status in (401, 403, 404, 410)
        else "Try again later."
    )
    raise DownloadError(
        f"Could not download {file.name}: {safe_url(file.url)} answered HTTP {status}. {hint}"
    )
