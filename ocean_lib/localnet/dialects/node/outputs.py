"""What a node hands out of a job: three logs, and the outputs in one archive."""

from __future__ import annotations

import contextlib
import os
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.records import LOG_NAME, JobRecord
from ocean_lib.localnet.runners.folders import open_below
from ocean_lib.localnet.runners.outputs import remove_tree

OUTPUTS = "outputs.tar"
_TOP = "outputs"
_KINDS = {
    "image.log": "imageLog",
    "configuration.log": "configurationLog",
    LOG_NAME: "algorithmLog",
    OUTPUTS: "output",
}
_AT_THE_END = (LOG_NAME, OUTPUTS)
_CHUNK_BYTES = 64 * 1024
_REMEMBERED = 10_000
_USER = 1000
_ARCHIVE_END = bytes(2 * tarfile.BLOCKSIZE)


class ResultFiles:
    """The files of jobs, as they are there by now.

    Args:
        engine: Keeps them.
    """

    def __init__(self, engine: JobEngine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._ended: dict[str, list[dict[str, Any]]] = {}

    def listed(self, job: JobRecord) -> list[dict[str, Any]]:
        """List the files of a job; those that are not there shift the indexes."""
        if job.finished is None:
            return self._list(job)
        if not self._engine.keeps_files(job):
            return []
        # Nothing changes any more: a poll of many jobs need not look at each one's folder.
        with self._lock:
            found = self._ended.get(job.job_id)
        if found is None:
            found = self._list(job)
            with self._lock:
                self._ended[job.job_id] = found
                if len(self._ended) > _REMEMBERED:
                    del self._ended[next(iter(self._ended))]
        return found

    def open(self, job: JobRecord, index: float) -> tuple[str, int] | None:
        """Open a file of a job by its index; None if there is none.

        Returns:
            Its name, and a descriptor.
        """
        for file in self.listed(job):
            if file["index"] == index:
                handle = self._opened(job, file["filename"])
                return None if handle is None else (file["filename"], handle)
        return None

    def _list(self, job: JobRecord) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name, kind in _KINDS.items():
            handle = self._opened(job, name)
            if handle is not None:
                size = os.fstat(handle).st_size
                os.close(handle)
                entry = {"filename": name, "filesize": size, "type": kind, "index": len(found)}
                found.append(entry)
        return found

    def _opened(self, job: JobRecord, name: str) -> int | None:
        if name in _AT_THE_END and job.finished is None:
            return None
        return self._engine.open_log(job, name)


def content(handle: int) -> Iterator[bytes]:
    """Read an open file to its end, and close it."""
    with os.fdopen(handle, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def pack(folder: Path, found: Sequence[PurePosixPath]) -> None:
    """Put the outputs of a job into one archive, and remove them.

    Args:
        folder: The job's folder.
        found: The files, as paths below `data/outputs`.
    """
    outputs, packed = folder / "data" / "outputs", folder / "control" / OUTPUTS
    if not packed.exists():  # else by a network that was killed right after it
        unfinished = packed.with_name(f"{OUTPUTS}.part")
        _pack(unfinished, folder, found)
        unfinished.replace(packed)
    remove_tree(outputs)


def _pack(archive_path: Path, folder: Path, found: Sequence[PurePosixPath]) -> None:
    with archive_path.open("wb") as target:
        # Not closed: that would fill it up to 10 kB, as no container engine does.
        archive = tarfile.TarFile(fileobj=target, mode="w", format=tarfile.PAX_FORMAT)
        names = dict.fromkeys(parent for path in found for parent in reversed(path.parents))
        archive.addfile(_folder(PurePosixPath(_TOP)))
        for name in names:
            if name.parts:
                archive.addfile(_folder(_TOP / name))
        for path in found:
            _add(archive, folder, path)
        target.write(_ARCHIVE_END)


def _folder(path: PurePosixPath) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(str(path))
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o777, int(time.time())
    entry.uname = entry.gname = "root"
    return entry


def _add(archive: tarfile.TarFile, folder: Path, path: PurePosixPath) -> None:
    handle = open_below(folder, ("data", "outputs", *path.parts))
    if handle is None:
        return
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        entry = tarfile.TarInfo(str(_TOP / path))
        entry.size, entry.mtime, entry.mode = status.st_size, int(status.st_mtime), 0o644
        entry.uid = entry.gid = _USER
        with contextlib.suppress(OSError):  # it became shorter: nobody runs that could do it
            archive.addfile(entry, file)
