"""What a dialect says of a job's folder: where files lie, and what an algorithm is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ocean_lib.localnet.jobs.store import InputFiles, JobRequest


class JobLayout(Protocol):
    """One dialect's folders and environment variables; all paths are below the data folder."""

    @property
    def algorithm(self) -> str:
        """Where the algorithm's file lies."""

    def input_files(self, asset: InputFiles) -> Iterable[tuple[str, str]]:
        """Tell the path and the URL of each of an asset's files."""

    def documents(self, asset: InputFiles) -> Mapping[str, str]:
        """Return the text of each file that describes an asset, by its path."""

    def variables(self, request: JobRequest) -> Mapping[str, str]:
        """Return the environment variables that do not depend on the machine."""

    def folder_variables(self) -> Mapping[str, str]:
        """Return the variables that name folders: each a path, '' for the data folder itself."""
