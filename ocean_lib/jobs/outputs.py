"""Downloading a job's files: every result and log, each on its own."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from ocean_lib.base.tables import html_table
from ocean_lib.exceptions import (
    DownloadError,
    OceanError,
    ResponseTooLarge,
    TransportError,
)
from ocean_lib.http.deadline import Attempts, Deadline, operation_limit, retry_after_s
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.files import (
    CHALLENGE,
    PIECE,
    announced_bytes,
    is_challenge,
    name_in_url,
    not_a_page,
    numbered,
    safe_file_name,
    write_whole,
)
from ocean_lib.http.limits import GATEWAY_STATUSES, TOO_MANY_REQUESTS
from ocean_lib.http.redaction import SecretUrl, one_line, safe_url
from ocean_lib.jobs.following import after

_RETRIED = {*GATEWAY_STATUSES, TOO_MANY_REQUESTS, 500}
"""A file's store also answers 500 for temporary faults: the request cannot be at fault."""


class DownloadWarning(UserWarning):
    """Some files of a job could not be downloaded; the report says which."""


@dataclass(frozen=True)
class JobFile:
    """One file of a job's outcome.

    Attributes:
        name: made safe for every platform.
        url: where it is; whoever has it can read the file, so no repr and no message shows it.
        is_log: whether it is a log.
        index: its place among the job's files.
        is_algorithms: of a log, whether it is what the algorithm wrote, not its back end.
        is_archive: whether it is a tar of all results.
        fetch: opens it where there is no URL: each time with a signature of its own.
    """

    name: str
    url: str = field(repr=False)
    is_log: bool
    index: int
    is_algorithms: bool = True
    is_archive: bool = False
    fetch: Callable[[], AbstractContextManager[Iterator[bytes]]] | None = field(
        default=None, repr=False, compare=False
    )


@dataclass(frozen=True)
class DownloadReport(Sequence[Path]):
    """The paths that were written, and what could not be.

    Attributes:
        paths: where the files are, results first.
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
        rows = [(path.name, "downloaded", str(path)) for path in self.paths]
        rows += [(name, "failed", one_line(error)) for name, error in self.failures.items()]
        return html_table(rows, ("file", "outcome", "where, or why not"))


class FileList(list[JobFile]):
    """Files of a job's outcome, with a table for notebooks; their URLs are not in it."""

    def _repr_html_(self) -> str:
        rows = ((file.name, "log" if file.is_log else "result") for file in self)
        return html_table(rows, ("file", "kind"))


def files_of(urls: Sequence[str], logs: Sequence[str]) -> FileList:
    """Name the files behind a job's URLs; no two names are the same."""
    files = FileList()
    names: set[str] = set()
    for index, url in enumerate([*urls, *logs]):
        is_log = index >= len(urls)
        fallback = f"log-{index - len(urls)}" if is_log else f"result-{index}"
        name = safe_file_name(name_in_url(url), fallback)
        while name.lower() in names:
            name = numbered(name, index)
        names.add(name.lower())
        files.append(JobFile(name, SecretUrl(url), is_log, index))
    return files


@dataclass(frozen=True)
class Source:
    """Where files come from.

    Attributes:
        http: sends the requests.
        provider: returns the URL of the Provider that named them.
    """

    http: HttpExchange
    provider: Callable[[], str]

    @contextmanager
    def pieces(
        self,
        file: JobFile,
        max_bytes: int | None,
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Iterator[bytes]]:
        """Open a file; see `_pieces`.

        The limit is set here and not in the generator, where it would also apply to the caller
        until the generator is closed.
        """
        with operation_limit(self.http.timeouts.file_total_s) as deadline:
            if file.fetch is not None:
                most = self.http.max_file_bytes if max_bytes is None else max_bytes
                with closing(_fetched(file, deadline, most, on_bytes)) as found:
                    yield found
                return
            with closing(_pieces(self, file, deadline, max_bytes, on_bytes)) as pieces:
                yield pieces


def read_file(source: Source, file: JobFile, max_bytes: int) -> bytes:
    """Return a small file's content.

    Raises:
        ResponseTooLarge: it is longer than `max_bytes`.
        DownloadError, TransportError: it could not be read.
    """
    with source.pieces(file, max_bytes) as pieces:
        return b"".join(pieces)


def read_end(source: Source, file: JobFile, lines: int, max_bytes: int) -> bytes:
    """Return the last lines of a file of any length, at most `max_bytes`.

    Raises:
        DownloadError, TransportError: it could not be read.
    """
    end = bytearray()
    with source.pieces(file, None) as pieces:
        for piece in pieces:
            end += piece
            if len(end) > 2 * max_bytes:
                del end[:-max_bytes]
    return last_lines(bytes(end[-max_bytes:]), lines)


def last_lines(text: bytes, lines: int) -> bytes:
    """Return the last lines of a text, ends included."""
    at = len(text)
    while lines > 0 and at > 0:
        at = text.rfind(b"\n", 0, at - 1) + 1
        lines -= 1
    return text[at:]


def download_files(
    source: Source,
    files: Sequence[JobFile],
    folder: Path,
    *,
    max_bytes: int | None,
    on_bytes: Callable[[int], None],
) -> DownloadReport:
    """Download files one after the other; a failed one does not stop the others.

    Args:
        source: where they come from.
        files: what to download.
        folder: created if it does not exist.
        max_bytes: refuse longer files; None for the announced length, or else the config's limit.
        on_bytes: told of every piece.

    Returns:
        The paths, and what failed.

    Raises:
        DownloadError: there were files, and none could be downloaded.
    """
    paths: list[Path] = []
    failures: dict[str, OceanError] = {}
    for file in files:
        try:
            with source.pieces(file, max_bytes, on_bytes) as pieces:
                operation = f"download {file.name}"
                if file.is_archive:
                    from ocean_lib.jobs.unpacking import unpack  # it loads tarfile

                    most = source.http.max_file_bytes if max_bytes is None else max_bytes
                    done = unpack(pieces, folder, file.name, max_bytes=most, taken=paths)
                    paths += done.paths
                    failures |= done.failures
                    continue
                path = write_whole(
                    pieces, folder, file.name, file.index, taken=paths, operation=operation
                )
            paths.append(path)
        except OceanError as error:
            failures[file.name] = error
    if failures:
        _say_what_failed(files, paths, failures)
    return DownloadReport(tuple(paths), failures)


def _say_what_failed(
    files: Sequence[JobFile], paths: Sequence[Path], failures: dict[str, OceanError]
) -> None:
    told = "; ".join(f"{name}: {one_line(error.what, 200)}" for name, error in failures.items())
    advice = next((error.advice for error in failures.values() if error.advice), None)
    if not paths:
        none = DownloadError(f"None of the job's {len(files)} file(s) could be downloaded: {told}")
        none.advice = advice
        raise none
    warnings.warn(
        f"{len(failures)} of {len(failures) + len(paths)} files could not be downloaded: "
        f"{told} {advice or ''}".strip(),
        DownloadWarning,
        stacklevel=4,  # the line that called ComputeJob.download
    )


def _pieces(
    source: Source,
    file: JobFile,
    deadline: Deadline,
    max_bytes: int | None,
    on_bytes: Callable[[int], None],
) -> Generator[bytes, None, None]:
    """Yield a file's content, resuming a broken transfer if that is possible."""
    attempts = Attempts(deadline)
    done = renewed_at = limit = 0
    version = ""
    while True:
        try:
            with source.http.stream(
                file.url,
                operation=f"download {file.name}",
                headers={"Range": f"bytes={done}-", "If-Range": version} if done else None,
                name=file.name,
                given_by=source.provider,
            ) as (response, pieces):
                said = response.headers
                _check_status(response.status_code, said, file, done)
                if done:
                    _check_rest(said, file, done, version)
                else:
                    version = _version(said)
                    announced = announced_bytes(said)
                    limit = source.http.max_file_bytes if announced is None else announced
                    limit = limit if max_bytes is None else max_bytes
                    _check_size(announced or 0, file, limit)
                    name = file.name if not file.is_log else "log.txt"
                    pieces = not_a_page(pieces, said, name, f"download {file.name}")
                for piece in pieces:
                    done += len(piece)
                    _check_size(done, file, limit)
                    on_bytes(len(piece))
                    yield piece
                    if done - renewed_at >= PIECE:  # one byte at a time is no progress
                        renewed_at = done
                        attempts.renew()
                return
        except (TransportError, DownloadError) as error:
            wait_s = getattr(error, "retry_after_s", 0.0)
            # Without a version it is unknown whether the rest is of the same file.
            if wait_s is None or (done and not version) or not attempts.again(wait_s):
                raise


def _fetched(
    file: JobFile, deadline: Deadline, max_bytes: int, on_bytes: Callable[[int], None]
) -> Generator[bytes, None, None]:
    """Yield a file without a URL; one that breaks off is fetched again, and its start skipped."""
    if file.fetch is None:
        return
    attempts = Attempts(deadline)
    done = 0
    while True:
        try:
            with file.fetch() as pieces:
                for piece in after(done, pieces):
                    done += len(piece)
                    _check_size(done, file, max_bytes)
                    on_bytes(len(piece))
                    yield piece
            return
        except (TransportError, DownloadError) as error:
            wait_s = getattr(error, "retry_after_s", 0.0)
            if wait_s is None or not attempts.again(wait_s):
                raise


def _check_size(size: int, file: JobFile, max_bytes: int) -> None:
    if size > max_bytes:
        raise ResponseTooLarge(
            f"Could not download {file.name}: it is longer than the {max_bytes} bytes allowed.",
            operation=f"download {file.name}",
            url=safe_url(file.url),
        ).advised("allow-more")


def _version(headers: Mapping[str, str]) -> str:
    """Return what identifies this content for If-Range, '' if nothing does."""
    if headers.get("content-encoding"):
        return ""  # what was decoded cannot be counted in the bytes that a range is made of
    etag = str(headers.get("etag") or "")
    if etag and not etag.startswith("W/"):
        return etag
    return str(headers.get("last-modified") or "") if headers.get("accept-ranges") else ""


def _check_status(status: int, headers: Mapping[str, str], file: JobFile, done: int) -> None:
    if status == (206 if done else 200):
        return
    if done and status == 200:
        raise DownloadError(
            f"Could not download {file.name}: the connection broke after {done} bytes, and the "
            "server cannot resume it there, or has other content by now. Try again."
        )
    said = f"Could not download {file.name}: {safe_url(file.url)} answered HTTP {status}."
    if is_challenge(headers):
        failure = DownloadError(f"{said} {CHALLENGE}")
    elif status in (401, 403, 404, 410):
        failure = DownloadError(said).advised("new-link")
    else:
        failure = DownloadError(f"{said} Try again later.")
    if status in _RETRIED:
        failure.retry_after_s = retry_after_s(headers) or 0.0
    raise failure


def _check_rest(headers: Mapping[str, str], file: JobFile, done: int, version: str) -> None:
    """Check that a part is the rest of the same content."""
    part = re.match(r"\s*bytes\s+(\d+)-", str(headers.get("content-range") or ""), re.IGNORECASE)
    begins_there = part is not None and int(part[1]) == done
    is_same = str(headers.get("etag") or version) == version or not version.startswith('"')
    if begins_there and is_same:
        return
    raise DownloadError(
        f"Could not download {file.name}: the connection broke after {done} bytes, and the server "
        "then sent other content, not the rest of the same. Try again."
    )
