"""What a node hands out of a job: three logs, and the outputs in one archive."""

from __future__ import annotations

import contextlib
import os
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.provisioning import LOG_NAME
from ocean_lib.localnet.jobs.records import JobRecord
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
_USER = 1000
_ARCHIVE_END = bytes(2 * tarfile.BLOCKSIZE)


def result_files(engine: JobEngine, job: JobRecord) -> list[dict[str, Any]]:
    """List the files of a job that are there by now; those that are not shift the indexes."""
    found: list[dict[str, Any]] = []
    for name, kind in _KINDS.items():
        handle = _opened(engine, job, name)
        if handle is not None:
            size = os.fstat(handle).st_size
            os.close(handle)
            entry = {"filename": name, "filesize": size, "type": kind, "index": len(found)}
            found.append(entry)
    return found


def open_file(engine: JobEngine, job: JobRecord, index: float) -> tuple[str, int] | None:
    """Open a file of a job by its index; None if there is none.

    Returns:
        Its name, and a descriptor.
    """
    for file in result_files(engine, job):
        if file["index"] == index:
            handle = _opened(engine, job, file["filename"])
            return None if handle is None else (file["filename"], handle)
    return None


def _opened(engine: JobEngine, job: JobRecord, name: str) -> int | None:
    if name in _AT_THE_END and job.finished is None:
        return None
    return engine.open_log(job, name)


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
    with (folder / "control" / OUTPUTS).open("wb") as target:
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
    remove_tree(folder / "data" / "outputs")


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
