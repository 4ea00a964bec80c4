"""The folders of a job, and what of the machine an algorithm may see."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

DATA = Path("/data")
TOOLS = Path("/localnet/bin")
WRITABLE = ("outputs", "logs")
READ_ONLY = ("inputs", "transformations", "ddos")
NO_DATA = f"{DATA} (the folders are in VOLUME, INPUTS, OUTPUTS and LOGS)"
# Of /etc only what the loader, TLS and interpreters need; names of users, hosts and services stay
# hidden. Where Landlock refuses a file many programs give up that would do without it.
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
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/pki/ca-trust/extracted",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/mime.types",
    "/etc/perl",
)
_SYSTEM_PATTERNS = ("python3*", "java-*")  # below /etc
# Where projects are kept, in containers above all.
_NEVER = ("/usr/src", "/usr/local/src")
_LAYOUT = ("bin", "sbin", "lib", "lib32", "lib64", "libexec", "share", "include", "etc", "games")
_ETC = Path("/etc")
_WITH_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")


@dataclass(frozen=True)
class Place:
    """The folders that a tier arranges.

    Attributes:
        data: The job's data folder.
        control: The job's own folder for the runner.
        tools: The interpreter's wrappers.
        interpreters: What the wrappers' interpreter needs.
        allow_network: Whether the algorithm may use the network.
        private: Folders that must not be seen, wherever they are.
        counted: Whether a control group counts what the job uses.
        cwd: Where the algorithm begins, for tiers with a root of their own.
    """

    data: Path
    control: Path
    tools: Path
    interpreters: tuple[Path, ...]
    allow_network: bool
    private: tuple[Path, ...] = ()
    counted: bool = False
    cwd: Path = DATA

    def machine(self) -> list[tuple[Path, bool]]:
        """Return what of the machine's system is shown, and what below that is hidden again.

        What comes later is laid over what came earlier.
        """
        system = self._system()
        hidden = _below(system, (*map(Path, _NEVER), *self.private))
        return [*((path, True) for path in system), *((path, False) for path in hidden)]

    def beyond(self) -> list[tuple[Path, bool]]:
        """Return what of the interpreter the system's folders do not show, likewise."""
        there = self.machine()
        parts = [path for path in self.interpreters if path.exists() and not _shown(path, there)]
        hidden = _below(parts, self.private)
        return [*((path, True) for path in parts), *((path, False) for path in hidden)]

    def visible(self) -> list[Path]:
        """Return the same as paths that may be read with all below, for who cannot hide again."""
        rules = [*self.machine(), *self.beyond()]
        hidden = {path for path, shown in rules if not shown}
        # By where they lead: /lib is often a link into /usr.
        tops = [path.resolve() for path, shown in rules if shown]
        return [part for top in tops for part in _without(top, hidden)]

    def mounts(self) -> list[tuple[Path, Path, bool]]:
        """Return source, target and whether it is writable, for tiers with a root of their own.

        The machine is laid over them: the interpreter may itself be below /tmp.
        """
        mounts = [(self.data / name, DATA / name, True) for name in WRITABLE]
        mounts += [(self.data / name, DATA / name, False) for name in READ_ONLY]
        mounts.append((self.data / "tmp", Path("/tmp"), True))  # noqa: S108 (inside, its own)
        mounts.append((self.tools, TOOLS, False))
        return mounts

    def _system(self) -> list[Path]:
        names = [*_SYSTEM, *(_WITH_NETWORK if self.allow_network else ())]
        found = [path for path in map(Path, names) if path.exists()]
        return found + [path for name in _SYSTEM_PATTERNS for path in sorted(_ETC.glob(name))]


def _below(shown: Iterable[Path], private: Iterable[Path]) -> list[Path]:
    """Return the private folders that lie below shown ones, those above others first."""
    tops = list(shown)
    found = {path for path in private if path.is_dir() and any(top in path.parents for top in tops)}
    return sorted(found, key=lambda path: len(path.parts))


def _shown(path: Path, rules: Iterable[tuple[Path, bool]]) -> bool:
    """Tell whether the last of the rules that is about a path shows it."""
    found = False
    for top, shown in rules:
        if path.is_relative_to(top):
            found = shown
    return found


def _without(path: Path, hidden: set[Path]) -> Iterable[Path]:
    if path in hidden:
        return
    if not any(path in inner.parents for inner in hidden):
        yield path
        return
    for child in path.iterdir():
        # What a link leads to is for another rule to show.
        if not child.is_symlink():
            yield from _without(child, hidden)


def private_folders(state: Path | None) -> tuple[Path, ...]:
    """Return folders that must be hidden: the network's, and where this process works.

    Args:
        state: The network's folder, if it has one.
    """
    found = () if state is None else (state.resolve(),)
    try:
        here = Path.cwd().resolve()
    except OSError:  # it was removed
        return found
    return found if here in _public() else (*found, here)


def _public() -> set[Path]:
    # Folders of the system's and the interpreter's, where nobody keeps a project.
    tops = [Path("/"), Path("/usr"), Path("/usr/local")]
    layout = [top / name for top in tops for name in ("", *_LAYOUT)]
    return {path.resolve() for path in (*layout, *map(Path, sysconfig.get_paths().values()))}


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
    def missing(self) -> tuple[str, ...]:
        """What works elsewhere and not here, for the log."""

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""


def interpreter_paths(python: str) -> tuple[Path, ...]:
    """Return what an interpreter needs: itself and its library.

    Only the parts of a prefix that Python uses, so that a prefix which is somebody's home does
    not show the home.
    """
    prefixes = [Path(os.path.normpath(name)) for name in (sys.prefix, sys.base_prefix)]
    prefixes += [path.resolve() for path in prefixes]
    prefixes.append(Path(python).resolve().parents[1])
    parts = ("bin", "lib", "lib64", "pyvenv.cfg", "ssl")
    return tuple(dict.fromkeys(path / part for path in prefixes for part in parts))


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
    if sys.prefix == sys.base_prefix:
        return str(Path(sys.executable).resolve())
    # Its last part, a link, makes it the environment's; the folders before may be spelt anyhow.
    return str(Path(sys.executable).parent.resolve() / Path(sys.executable).name)
