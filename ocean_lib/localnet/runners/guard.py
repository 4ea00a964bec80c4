"""Watch that a running job keeps to its limits."""

from __future__ import annotations

import os
import time
from typing import Any, Protocol

from ocean_lib.localnet.runners.folders import written
from ocean_lib.localnet.runners.hidden import look_closely
from ocean_lib.localnet.runners.processes import (
    Process,
    available_bytes,
    descendants,
    newest_pid,
)

_LOOK_AGAIN_S = 0.2
_LOOK_AT_FOLDERS_S = 0.5
_MANY_NEW = 50
_NAMES_FOR_EACH_RESULT = 100
# What a job leaves to the machine, or half of what there was if that is less.
_MEMORY_LEFT_BYTES = 256 * 1024**2
_DISK_LEFT_BYTES = 512 * 1024**2

Excess = tuple[str, str]


class Counted(Protocol):
    """Counts what a job uses, and bounds its memory."""

    def cpu_s(self) -> float:
        """Return the CPU seconds of all processes, ended ones too."""

    def out_of_memory(self) -> bool:
        """Tell whether a process was ended for its memory."""


class Guard:
    """Looks at the processes and folders of one job, more closely when much happens.

    Args:
        limits: `Limits` as a dict.
        folders: Where the algorithm may write.
        group: What counts for the job, if anything does.
        age_s: How long ago the job began.

    Attributes:
        keeper: A process of ours among the job's, which does not count.
        top: The process below which the job's are; 0 for none that can be seen.
    """

    def __init__(
        self,
        limits: dict[str, Any],
        folders: list[str],
        group: Counted | None = None,
        *,
        age_s: float = 0.0,
    ) -> None:
        self._limits = limits
        self._folders = folders
        self._group = group
        self._device = os.stat(folders[0]).st_dev  # noqa: PTH116 (without pathlib it starts sooner)
        self.keeper = 0
        self.top = os.getpid()
        self._looked = time.monotonic()
        self._started = self._looked - age_s
        self._look_at_folders = self._looked + _LOOK_AT_FOLDERS_S
        self._free_when_looked = self._free_bytes()
        self._much_written = int(limits["output_bytes"]) // 4
        self._newest = newest_pid() or 0
        self._most_free = self._free_when_looked
        self._most_available = available_bytes() or 0
        self._memory_left = min(_MEMORY_LEFT_BYTES, self._most_available // 2)
        self._disk_left = min(_DISK_LEFT_BYTES, self._free_when_looked // 2)

    def excess(self) -> Excess | None:
        """Return the limit that is passed, with the figures; None while all is well."""
        now = time.monotonic()
        if now - self._started > float(self._limits["wall_s"]):
            return "wall_time", f"more than {self._limits['wall_s']:g} s"
        newest = newest_pid()
        many_new = newest is None or not 0 <= newest - self._newest < _MANY_NEW
        written_fast = self._free_bytes() < self._free_when_looked - self._much_written
        if now - self._looked < _LOOK_AGAIN_S and not many_new and not written_fast:
            return None
        self._looked = now
        self._newest = newest or 0
        below = descendants(self.top) if self.top else []
        processes = [item for item in below if item.pid != self.keeper]
        found = self._too_many(processes) or self._too_much(processes)
        if found is None and (written_fast or now >= self._look_at_folders):
            found = self.output_excess(processes)
            # Folders that take long to walk are not walked all the time.
            self._look_at_folders = now + _LOOK_AT_FOLDERS_S + 5 * (time.monotonic() - now)
            self._free_when_looked = self._free_bytes()
        return found

    def output_excess(self, processes: list[Process]) -> Excess | None:
        """Return whether too much is written, with the figures."""
        most = int(self._limits["output_bytes"])
        most_names = int(self._limits["output_files"]) * _NAMES_FOR_EACH_RESULT
        size, names = written(self._folders, most_bytes=most, most_names=most_names)
        if names > most_names:
            return "output_size", f"more than {most_names} names, or folders too deep"
        free = self._free_bytes()
        self._most_free = max(self._most_free, free)
        missing = self._most_free - free
        if size > most or (size + missing > most and self._holds_more(processes, most, size)):
            return "output_size", f"more than {most} bytes"
        if free < self._disk_left:
            return "output_size", f"less than {self._disk_left} bytes are free on the disk"
        return None

    def memory_excess(self) -> Excess | None:
        """Return whether the kernel ended a process for its memory, with the figures."""
        if self._group is not None and self._group.out_of_memory():
            return "memory", f"more than {self._limits['memory_bytes']} bytes"
        return None

    def _too_many(self, processes: list[Process]) -> Excess | None:
        if len(processes) > int(self._limits["processes"]):
            return "processes", f"more than {self._limits['processes']}"
        if sum(process.threads for process in processes) > int(self._limits["threads"]):
            return "processes", f"more than {self._limits['threads']} threads"
        return None

    def _too_much(self, processes: list[Process]) -> Excess | None:
        if self._group is None and self._much_in_memory(processes):
            return "memory", f"more than {self._limits['memory_bytes']} bytes"
        left = available_bytes()
        if left is not None and left < self._memory_left:
            return "memory", f"the machine has less than {self._memory_left} bytes left"
        if self._cpu_s(processes) > float(self._limits["cpu_s"]):
            return "cpu_time", f"more than {self._limits['cpu_s']} s"
        return self.memory_excess()

    def _cpu_s(self, processes: list[Process]) -> float:
        counted = self._group.cpu_s() if self._group is not None else 0.0
        used_s = 0.0
        if self.top == os.getpid():
            ended = os.times()
            used_s = ended.children_user + ended.children_system
        return max(counted, used_s + sum(process.cpu_s for process in processes))

    def _much_in_memory(self, processes: list[Process]) -> bool:
        most = int(self._limits["memory_bytes"])
        if sum(process.resident_bytes for process in processes) > most:
            return True
        available = available_bytes()
        if available is None:
            return False
        self._most_available = max(self._most_available, available)
        if self._most_available - available <= most:
            return False
        hidden = look_closely(processes)
        return hidden.unseen or hidden.memory_bytes(self._device) > most

    def _holds_more(self, processes: list[Process], most: int, size: int) -> bool:
        hidden = look_closely(processes)
        if size + hidden.file_bytes(self._device) > most:
            return True
        return hidden.unseen and self._most_free - self._free_bytes() > most

    def _free_bytes(self) -> int:
        status = os.statvfs(self._folders[0])
        return status.f_bavail * status.f_frsize
