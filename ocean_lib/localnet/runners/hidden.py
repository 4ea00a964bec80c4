"""What a job holds beyond the names in its folders and the memory in its processes.

Looking closely takes long, so a guard does it seldom, unless the machine has lost more than the job
may use. What can be measured is added up, and what cannot be is told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from ocean_lib.localnet.runners.channels import process_handle, waiting_bytes
from ocean_lib.localnet.runners.processes import Process, is_running

_OF_MEMORY = ("/dev/zero", "/memfd:", "/SYSV", "/dev/shm/")  # noqa: S108 (names of mappings)
_STATUS = ("RssAnon:", "RssFile:", "VmPTE:", "VmSwap:")
_PIPE_BYTES = 64 * 1024
_SOCKET_BYTES = 416 * 1024  # what a program may make of it without being asked


@dataclass
class Hidden:
    """What was found.

    Attributes:
        files: Size of the deleted files that are held open, by device and inode.
        shared: Size of shared memory that is mapped, by inode.
        private_bytes: Memory of the processes themselves, with page tables and what is swapped.
        channels: What pipes and sockets can hold, by their names.
        waiting: What waits in those that could be asked, at least.
        unseen: Whether there is something whose size cannot be told.
    """

    files: dict[tuple[int, int], int] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)
    private_bytes: int = 0
    channels: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    unseen: bool = False

    def file_bytes(self, device: int) -> int:
        """Return what deleted files on a device take."""
        return sum(size for (where, _), size in self.files.items() if where == device)

    def known_bytes(self) -> int:
        """Return what is in memory for certain, whatever the machine has lost."""
        return self.private_bytes + sum(self.waiting.values())

    def memory_bytes(self, device: int) -> int:
        """Return what is in memory, at most; files on `device` are not."""
        in_memory = sum(self.files.values()) - self.file_bytes(device)
        held = sum(self.shared.values()) + sum(self.channels.values())
        return self.private_bytes + held + in_memory


def look_closely(processes: Iterable[Process]) -> Hidden:
    """Look at every descriptor and mapping of processes."""
    found = Hidden()
    deleted: set[str] = set()
    for process in processes:
        try:
            _look_at_descriptors(process, found)
            _look_at_mappings(process.thread, found, deleted)
            _look_at_status(process.thread, found)
        except OSError:
            # If it has not ended, it does not let itself be looked at.
            found.unseen = found.unseen or is_running(process.pid)
    known = {str(inode) for _, inode in found.files}
    found.unseen = found.unseen or not deleted <= known
    return found


def _look_at_descriptors(process: Process, found: Hidden) -> None:
    folder = f"/proc/{process.thread}/fd"
    with process_handle(process) as handle:
        for name in os.listdir(folder):  # noqa: PTH208 (one of many)
            try:
                status = os.stat(f"{folder}/{name}")  # noqa: PTH116 (one of many)
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    found.files[status.st_dev, status.st_ino] = status.st_blocks * 512
                elif stat.S_ISFIFO(status.st_mode):
                    _look_into(f"pipe {status.st_ino}", _PIPE_BYTES, handle, int(name), found)
                elif stat.S_ISSOCK(status.st_mode):
                    _look_at_socket(process.thread, name, status.st_ino, handle, found)
            except FileNotFoundError:
                continue  # closed meanwhile


def _look_at_socket(thread: int, name: str, inode: int, handle: int, found: Hidden) -> None:
    carried = _carried_descriptors(thread, name)
    found.unseen = found.unseen or bool(carried)
    # One that is none of Unix may take its time to be closed, and is not copied.
    of_unix = -1 if carried is None else handle
    _look_into(f"socket {inode}", _SOCKET_BYTES, of_unix, int(name), found)


def _look_into(channel: str, most: int, handle: int, descriptor: int, found: Hidden) -> None:
    if channel in found.channels:
        return  # another process's, too
    found.channels[channel] = most
    waiting = waiting_bytes(handle, descriptor)
    if waiting is not None:
        found.waiting[channel] = waiting


def _carried_descriptors(thread: int, name: str) -> int | None:
    # Since Linux 5.6 a Unix socket tells how many descriptors wait in it.
    with open(f"/proc/{thread}/fdinfo/{name}", "rb") as file:  # noqa: PTH123 (one of many)
        told = [line for line in file if line.startswith(b"scm_fds:")]
    return int(told[0].split()[1]) if told else None


def _look_at_mappings(thread: int, found: Hidden, deleted: set[str]) -> None:
    with open(f"/proc/{thread}/maps", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        for line in file:
            fields = line.split(None, 5)
            if len(fields) < 6 or fields[4] == "0":
                continue
            start, _, end = fields[0].partition("-")
            inode, name = fields[4], fields[5].rstrip("\n")
            if name.startswith(_OF_MEMORY):
                upto = int(fields[2], 16) + int(end, 16) - int(start, 16)
                found.shared[inode] = max(found.shared.get(inode, 0), upto)
            elif name.endswith(" (deleted)"):
                deleted.add(inode)


def _look_at_status(thread: int, found: Hidden) -> None:
    with open(f"/proc/{thread}/status", encoding="utf-8") as file:  # noqa: PTH123 (one of many)
        for line in file:
            if line.startswith(_STATUS):
                found.private_bytes += int(line.split()[1]) * 1024
