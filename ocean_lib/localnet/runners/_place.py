"""The folders of a job, and what of the machine an algorithm may see."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

DATA = Path("/data")
TOOLS = Path("/localnet/bin")
WRITABLE = ("outputs", "logs")
READ_ONLY = ("inputs", "transformations", "ddos")
# Of /etc only what the loader and TLS need; names of users, hosts and services stay hidden.
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/ssl/certs",
)
_WITH_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")


@dataclass(frozen=True)
class Place:
    """The folders that a tier arranges.

    Attributes:
        data: The job's data folder.
        control: The job's own folder for the runner.
        tools: The interpreter's wrappers.
        interpreters: What the wrappers' interpreter needs outside the system's folders.
        allow_network: Whether the algorithm may use the network.
    """

    data: Path
    control: Path
    tools: Path
    interpreters: tuple[Path, ...]
    allow_network: bool

    def system(self) -> list[Path]:
        """Return what of the machine's system is there to be read."""
        names = [*_SYSTEM, *(_WITH_NETWORK if self.allow_network else ())]
        return [path for path in map(Path, names) if path.exists()]

    def mounts(self) -> list[tuple[Path, Path, bool]]:
        """Return source, target and whether it is writable, for tiers with a root of their own."""
        mounts = [(self.data / name, DATA / name, True) for name in WRITABLE]
        mounts += [(self.data / name, DATA / name, False) for name in READ_ONLY]
        mounts.append((self.data / "tmp", Path("/tmp"), True))  # noqa: S108 (inside, its own)
        mounts.append((self.tools, TOOLS, False))
        # The interpreter last: it may itself be below /tmp.
        mounts += [(path, path, False) for path in self.interpreters if path.exists()]
        return mounts


@dataclass(frozen=True)
class Launch:
    """How an algorithm is started in a tier.

    Attributes:
        argv: The command.
        confine: What the supervisor's child does before it becomes that command.
    """

    argv: list[str]
    confine: dict[str, Any] = field(default_factory=dict)


class Tier(Protocol):
    """One way to separate."""

    @property
    def name(self) -> str:
        """Its name, as users give it."""

    @property
    def own_root(self) -> bool:
        """Whether the algorithm's folders are below `/data`."""

    @property
    def cuts_network(self) -> bool:
        """Whether it keeps an algorithm from the network."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What else an algorithm's author must know, for the log."""

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""


def interpreter_paths(python: str) -> tuple[Path, ...]:
    """Return what an interpreter needs beside the system's folders: itself and its library.

    Only the parts of a prefix that Python uses, so that a prefix which is somebody's home does
    not show the home.
    """
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), Path(python).resolve().parents[1]]
    outside = [path for path in prefixes if not path.is_relative_to("/usr")]
    parts = ("bin", "lib", "lib64", "pyvenv.cfg", "ssl")
    return tuple(dict.fromkeys(path / part for path in outside for part in parts))


def write_wrappers(tools: Path, python: str) -> None:
    """Make `python` and `python3` start an interpreter.

    They are scripts and not links, because the interpreter of a virtual environment must be
    started by its own path.

    Args:
        tools: The folder for them; it is created.
        python: The interpreter.
    """
    tools.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        wrapper = tools / name
        wrapper.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)


def usual_python() -> str:
    """Return this interpreter's path: a virtual environment's own, else where it really is."""
    in_environment = sys.prefix != sys.base_prefix
    return sys.executable if in_environment else str(Path(sys.executable).resolve())
