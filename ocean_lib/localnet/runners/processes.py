"""Which processes are below another one, and what they use."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

_LINUX = sys.platform == "linux"
_PAGE_BYTES = resource.getpagesize()
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process as it was when it was looked at.

    Attributes:
        pid: Its number.
        parent: Its parent's number.
        threads: How many threads it has.
        cpu_s: What it and the children it has waited for have used.
        resident_bytes: What it holds in memory.
        thread: The number of a thread that runs: its own, unless its first thread has ended. What
            the process holds is shown there only.
        ended: Whether only its exit status is left.
    """

    pid: int
    parent: int
    threads: int
    cpu_s: float
    resident_bytes: int
    thread: int
    ended: bool = False


def descendants(pid: int) -> list[Process]:
    """Return the processes below `pid`; a detached one only if `pid` adopts orphans."""
    children: dict[int, list[Process]] = {}
    for process in _from_proc() if _LINUX else _from_ps():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    left = [pid]
    while left:
        below = children.pop(left.pop(), [])
        found += below
        left += [process.pid for process in below]
    return found


def is_running(pid: int) -> bool:
    """Tell whether a process is there and more than its exit status."""
    return any(process.pid == pid and not process.ended for process in _from_proc())


def tasks_of_user(user: int) -> int:
    """Return how many threads a user has; 0 where that cannot be told."""
    if not _LINUX:
        return 0
    count = 0
    for process in _from_proc():
        try:
            if os.stat(f"/proc/{process.pid}").st_uid == user:  # noqa: PTH116 (one of many)
                count += process.threads
        except OSError:
            continue
    return count


def newest_pid() -> int | None:
    """Return the number of the newest process of all, which is cheap; None if unknown."""
    try:
        with open("/proc/loadavg", "rb") as file:  # noqa: PTH123 (many times a second)
            return int(file.read().split()[-1])
    except (OSError, ValueError, IndexError):
        return None


def available_bytes() -> int | None:
    """Return how much memory the machine has left; None if unknown.

    What lies ready for one CPU counts too, which can be some hundred megabytes. The kernel's own
    figure leaves it out, so that a program seems to use nothing while it takes from there.
    """
    available = _figures("/proc/meminfo", b"MemAvailable:")
    if not available:
        return None
    return available[0] * 1024 + sum(_figures("/proc/zoneinfo", b"count:")) * _PAGE_BYTES


def _figures(path: str, name: bytes) -> list[int]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (many times a second)
            fields = [line.split() for line in file if name in line]
            return [int(found[1]) for found in fields if found[0] == name]
    except (OSError, ValueError, IndexError):
        return []


def _from_proc() -> Iterable[Process]:
    for name in os.listdir("/proc"):  # noqa: PTH208 (several times a second)
        if not name.isdigit():
            continue
        try:
            fields = _stat(name)
            ended = fields[0] in (b"Z", b"X")
            # Threads outlive the first one, which then shows nothing of what they hold.
            thread = _running_thread(name) if ended and int(fields[17]) > 1 else name
            resident_pages = int((fields if thread == name else _stat(thread))[21])
        except OSError:
            continue
        yield Process(
            pid=int(name),
            parent=int(fields[1]),
            threads=int(fields[17]),
            cpu_s=sum(map(int, fields[11:15])) / _TICKS_PER_S,
            resident_bytes=resident_pages * _PAGE_BYTES,
            thread=int(thread),
            ended=ended and thread == name,
        )


def _stat(name: str) -> list[bytes]:
    with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 (one of many)
        # The name, in brackets, may hold anything.
        return file.read().rpartition(b")")[2].split()


def _running_thread(name: str) -> str:
    """Return a thread of a process other than its first; the first if there is none any more."""
    others = os.listdir(f"/proc/{name}/task")  # noqa: PTH208 (one of many)
    return next((other for other in others if other != name), name)


def _from_ps() -> Iterable[Process]:
    shown = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid=,rss=,time="],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in shown.stdout.splitlines():
        pid, parent, kilobytes, time = line.split()
        cpu_s = 0.0
        for part in time.replace("-", ":").split(":"):
            cpu_s = cpu_s * 60 + float(part)
        resident_bytes = int(kilobytes) * 1024
        yield Process(int(pid), int(parent), 1, cpu_s, resident_bytes, int(pid))
