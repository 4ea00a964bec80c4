"""Tiers without namespaces: the algorithm runs among the machine's files, which it cannot reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners import landlock, seccomp
from ocean_lib.localnet.runners.landlock import Access
from ocean_lib.localnet.runners.place import NO_DATA, READ_ONLY, WRITABLE, Launch, Place

_MISSING = (
    NO_DATA,
    "multiprocessing.Pool, Queue and Lock, and all else that needs /dev/shm",
    "System V IPC",
    "changing modes and times of files (it only seems to work)",
)
_MISSING_OLD = (
    "signals to single processes",
    "process groups and sessions of its own (setsid only seems to work)",
)
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Figures about the machine, nothing about its processes.
_FIGURES = (
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/filesystems",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
)


def _families(place: Place) -> tuple[int, ...]:
    return (seccomp.AF_INET, seccomp.AF_INET6) if place.allow_network else ()


def _one_group(version: int) -> bool:
    # Without scopes for signals nothing but the process group holds a job together.
    return version < landlock.SCOPES_SIGNALS


class Landlock:
    """Landlock for files, TCP and signals, and seccomp for sockets and all it does not know.

    Args:
        version: Which version of Landlock to use; 0 for the kernel's.
    """

    name = "landlock"
    own_root = False
    cuts_network = True

    def __init__(self, version: int = 0) -> None:
        self._version = version

    @property
    def missing(self) -> tuple[str, ...]:
        """What works elsewhere and not here, for the log."""
        return (*_MISSING, *(_MISSING_OLD if _one_group(self._in_use()) else ()))

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""
        version = self._in_use()
        if version < landlock.OLDEST:
            raise OSError(
                f"the kernel has Landlock {version}, and {landlock.OLDEST} is needed (Linux 6.2)"
            )
        one_group = _one_group(version)
        reach = seccomp.Reach(
            _families(place),
            alone=True,
            own_ipc=False,
            signals=not one_group,
            one_group=one_group,
            counted=place.counted,
        )
        confine: dict[str, Any] = {
            "drop_capabilities": True,
            "ended_by": "group" if one_group else "domain",
            "filter": seccomp.build(reach).hex(),
            "landlock": {
                "rules": _rules(place),
                "tcp": place.allow_network,
                "version": version,
            },
        }
        return Launch(list(argv), confine)

    def _in_use(self) -> int:
        found = landlock.abi()
        return min(found, self._version) if self._version else found


def _rules(place: Place) -> list[tuple[str, Access]]:
    rules: list[tuple[str, Access]] = [(str(place.data), "list")]
    rules += [(str(place.data / name), "write") for name in (*WRITABLE, "tmp")]
    readable = [place.data / name for name in READ_ONLY]
    readable += [*place.visible(), place.tools, *map(Path, _FIGURES)]
    rules += [(str(path), "read") for path in readable if path.exists()]
    rules += [(f"/dev/{name}", "device") for name in _DEVICES]
    return rules


class OnlyLimits:
    """Nothing is separated: limits, a clean environment, and no sockets where seccomp works."""

    name = "limits"
    own_root = False

    @property
    def missing(self) -> tuple[str, ...]:
        """What works elsewhere and not here, for the log."""
        return (NO_DATA, "System V IPC")

    @property
    def cuts_network(self) -> bool:
        """Whether it keeps an algorithm from the network."""
        return self._filter(seccomp.Reach()) != ""

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""
        one_group = _one_group(landlock.abi())
        reach = seccomp.Reach(
            _families(place), own_ipc=False, one_group=one_group, counted=place.counted
        )
        instructions = self._filter(reach)
        confine: dict[str, Any] = {"drop_capabilities": True, "filter": instructions}
        if instructions or not one_group:
            confine["ended_by"] = "group" if one_group else "domain"
        return Launch(list(argv), confine)

    def _filter(self, reach: seccomp.Reach) -> str:
        if not seccomp.available():
            return ""
        try:
            return seccomp.build(reach).hex()
        except seccomp.NoFilter:
            return ""
