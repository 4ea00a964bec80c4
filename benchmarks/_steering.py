"""What a benchmark tells the server to do, and what the server has counted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any


class Steering:
    """The delay, the counters, and the file to download.

    Args:
        add_job: makes a job, given its owner, in how many seconds it ends, and its result URLs;
            returns its id.
    """

    def __init__(self, add_job: Callable[[str, float, list[str]], str]) -> None:
        self._add_job = add_job
        self.delay_s = 0.0
        self.file_bytes = 0
        self._requests: dict[str, int] = {}
        self._connections = 0

    def __enter__(self) -> Steering:
        self._folder = tempfile.TemporaryDirectory(prefix="ocean-bench-")
        self.file = Path(self._folder.name, "file")
        self.file.write_bytes(b"{}" * 1000)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def count(self, method: str, path: str, *, new_connection: bool) -> None:
        """Note one request of a client."""
        name = f"{method} {path}"
        self._requests[name] = self._requests.get(name, 0) + 1
        self._connections += new_connection

    def take(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what the benchmark wants; answer with what was counted since the last reset."""
        answer: dict[str, Any] = {
            "requests": sum(self._requests.values()),
            "connections": self._connections,
            "paths": dict(self._requests),
        }
        if order.get("reset"):
            self._requests, self._connections = {}, 0
        if "delay_s" in order:
            self.delay_s = order["delay_s"]
        if "file_bytes" in order:
            self.file_bytes = order["file_bytes"]
            with self.file.open("wb") as file:  # sparse: the disk is not what is measured
                file.truncate(self.file_bytes)
        if "jobs" in order:
            wanted = order["jobs"]
            answer["jobs"] = [
                self._add_job(owner, wanted.get("ends_in_s", 3600.0), wanted.get("urls", []))
                for owner in wanted["owners"]
            ]
        return answer
