"""Tiers without namespaces: the algorithm runs among the machine's files, which it cannot reach."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners import _landlock, _seccomp
from ocean_lib.localnet.runners._landlock import Access
from ocean_lib.localnet.runners._place import READ_ONLY, WRITABLE, Launch, Place

_NO_SIGNALS = "signals to single processes are refused, its own included"
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
    return (_seccomp.AF_INET, _seccomp.AF_INET6) if place.allow_network else ()


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
    def notes(self) -> tuple[str, ...]:
        """What else an algorithm's author must know."""
        common = (
            "modes and times of files do not change when they are set, and there is no shared "
            "memory between processes by name"
        )
        alone = self._in_use() >= _landlock.SCOPES_SIGNALS
        return (common,) if alone else (common, _NO_SIGNALS)

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""
        version = self._in_use()
        if version < _landlock.OLDEST:
            raise OSError(
                f"the kernel has Landlock {version}, and {_landlock.OLDEST} is needed (Linux 6.2)"
            )
        instructions = _seccomp.build(
            _families(place), alone=True, signals=version >= _landlock.SCOPES_SIGNALS
        )
        confine: dict[str, Any] = {
            "drop_capabilities": True,
            "filter": instructions.hex(),
            "landlock": {
                "rules": _rules(place),
                "tcp": place.allow_network,
                "version": version,
            },
        }
        return Launch(list(argv), confine)

    def _in_use(self) -> int:
        found = _landlock.abi()
        return min(found, self._version) if self._version else found


def _rules(place: Place) -> list[tuple[str, Access]]:
    rules: list[tuple[str, Access]] = [(str(place.data), "list")]
    rules += [(str(place.data / name), "write") for name in (*WRITABLE, "tmp")]
    readable = [place.data / name for name in READ_ONLY]
    readable += [*place.system(), place.tools, *place.interpreters, *map(Path, _FIGURES)]
    rules += [(str(path), "read") for path in readable if path.exists()]
    rules += [(f"/dev/{name}", "device") for name in _DEVICES]
    return rules


class SandboxExec:
    """macOS' `sandbox-exec`. Not tested by us: we have no macOS."""

    name = "sandbox-exec"
    own_root = False
    cuts_network = True
    notes: tuple[str, ...] = ()

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""
        program = shutil.which(self.name)
        if program is None:
            raise FileNotFoundError(f"{self.name} is not installed; it belongs to macOS")
        return Launch([program, "-p", sandbox_profile(place), *argv])


def sandbox_profile(place: Place) -> str:
    """Write the profile of a job in macOS' sandbox language.

    Args:
        place: The job's folders.
    """
    system = ("/usr", "/bin", "/sbin", "/System", "/Library", "/private/etc/ssl", "/opt/homebrew")
    readable = [place.data, place.tools, *place.interpreters, *map(Path, system)]
    writable = [place.data / name for name in (*WRITABLE, "tmp")]
    lines = [
        "(version 1)",
        "(deny default)",
        "(allow process-fork)",
        "(allow process-exec)",
        "(allow sysctl-read)",
        "(allow signal (target same-sandbox))",
        "(allow file-read-metadata)",
        '(allow file-read* (literal "/"))',
        *(f"(allow file-read* (subpath {_quoted(path)}))" for path in readable),
        *(f"(allow file-write* (subpath {_quoted(path)}))" for path in writable),
        '(allow file-read* (literal "/dev/random") (literal "/dev/urandom"))',
        '(allow file-read* file-write-data (literal "/dev/null") (literal "/dev/zero"))',
        "(allow network*)" if place.allow_network else "(deny network*)",
    ]
    if place.allow_network:
        # Names are resolved by a service of the system's.
        lines.append('(allow mach-lookup (global-name "com.apple.dnssd.service"))')
        lines.append('(deny network-outbound (subpath "/private/var/run"))')
    return "\n".join(lines)


def _quoted(path: Path) -> str:
    # The profile is about real paths: /tmp is a link on macOS.
    text = str(path.resolve()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


class OnlyLimits:
    """Nothing is separated: limits, a clean environment, and no sockets where seccomp works."""

    name = "limits"
    own_root = False

    notes: tuple[str, ...] = ()

    @property
    def cuts_network(self) -> bool:
        """Whether it keeps an algorithm from the network."""
        return self._filter(()) != ""

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""
        confine = {"drop_capabilities": True, "filter": self._filter(_families(place))}
        return Launch(list(argv), confine)

    def _filter(self, families: Sequence[int]) -> str:
        if not _seccomp.available():
            return ""
        try:
            return _seccomp.build(families, alone=False, signals=True).hex()
        except _seccomp.NoFilter:
            return ""
