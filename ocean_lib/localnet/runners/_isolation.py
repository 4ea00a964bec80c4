"""What separates an algorithm from the machine: tiers, strongest first, probed by running one.

`bwrap` and `unshare` give the algorithm namespaces of its own: it sees the system's programs
read-only, the folders of its job below `/data`, no other process, and no network unless the
dataset allows it. `limits` separates nothing. Whether a tier works depends on the kernel and on
its policies, so each is tried once by really running a program in it.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

DATA = Path("/data")
TOOLS = Path("/localnet/bin")
WRITABLE = ("outputs", "logs")
READ_ONLY = ("inputs", "transformations", "ddos")
_ENTER = Path(__file__).with_name("_enter.py")
_PROBE_S = 20.0
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


class UnknownIsolation(ValueError):
    """An isolation that was asked for but does not work on this machine."""


class Tier(Protocol):
    """One way to separate."""

    name: str
    separates: bool

    def command(self, place: Place, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` in this tier."""


class _Limits:
    name = "limits"
    separates = False

    def command(self, place: Place, argv: Sequence[str]) -> list[str]:  # noqa: ARG002
        return list(argv)


class _Bubblewrap:
    name = "bwrap"
    separates = True

    def command(self, place: Place, argv: Sequence[str]) -> list[str]:
        command = [str(shutil.which("bwrap")), "--unshare-user", "--unshare-all"]
        command += ["--die-with-parent", *_no_more_namespaces()]
        command += ["--new-session", "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000"]
        command += ["--hostname", "algorithm"]
        if place.allow_network:
            command.append("--share-net")
        for path in _system_paths(place):
            if path.is_symlink():
                command += ["--symlink", str(path.readlink()), str(path)]
            else:
                command += ["--ro-bind", str(path), str(path)]
        command += ["--proc", "/proc", "--dev", "/dev"]
        for source, target, writable in _job_mounts(place):
            command += ["--bind" if writable else "--ro-bind", str(source), str(target)]
        return [*command, "--remount-ro", "/", "--chdir", str(DATA), "--", *argv]


class _Unshare:
    name = "unshare"
    separates = True

    def command(self, place: Place, argv: Sequence[str]) -> list[str]:
        plan = place.control / "mounts.json"
        root = place.control / "root"
        root.mkdir(exist_ok=True)
        document = {
            "root": str(root),
            "system": [str(path) for path in _system_paths(place)],
            "job": [
                [str(source), str(target), writable]
                for source, target, writable in _job_mounts(place)
            ],
            "cwd": str(DATA),
            "new_network": not place.allow_network,
            "argv": list(argv),
        }
        plan.write_text(json.dumps(document), encoding="utf-8")
        flags = ["--user", "--map-root-user", "--mount", "--pid", "--ipc", "--uts"]
        flags += ["--fork", "--kill-child"]
        if not place.allow_network:
            flags.append("--net")
        python = [sys.executable, "-I", "-S", str(_ENTER), str(plan)]
        return [str(shutil.which("unshare")), *flags, "--", *python]


LIMITS: Tier = _Limits()
_PROGRAMS: tuple[Tier, ...] = (_Bubblewrap(), _Unshare())
NAMES = (*(tier.name for tier in _PROGRAMS), LIMITS.name)


@functools.cache
def _no_more_namespaces() -> tuple[str, ...]:
    # Since bubblewrap 0.8. Namespaces within would widen what of the kernel can be reached.
    shown = subprocess.run(  # noqa: S603 (fixed arguments)
        [str(shutil.which("bwrap")), "--help"],
        capture_output=True,
        text=True,
        timeout=_PROBE_S,
        check=False,
    )
    return ("--disable-userns",) if "--disable-userns" in shown.stdout else ()


@functools.cache
def available_tiers(python: str = "") -> tuple[Tier, ...]:
    """Return the tiers that work on this machine, strongest first; `limits` always does.

    Args:
        python: An interpreter that must run in them; empty for the usual one.
    """
    python = python or usual_python()
    return (*(tier for tier in _PROGRAMS if _works(tier, python)), LIMITS)


def tier_named(name: str | None, python: str = "") -> Tier:
    """Return the strongest tier that works, or the one asked for.

    Args:
        name: A tier's name; None for the strongest.
        python: An interpreter that must run in it; empty for the usual one.

    Raises:
        UnknownIsolation: If that tier does not exist or does not work here.
    """
    tiers = available_tiers(python) if name != LIMITS.name else (LIMITS,)
    for tier in tiers:
        if name in (None, tier.name):
            return tier
    known = ", ".join(tier.name for tier in tiers)
    raise UnknownIsolation(f"isolation {name!r} does not work on this machine; these do: {known}")


def _works(tier: Tier, python: str) -> bool:
    if sys.platform != "linux" or shutil.which(tier.name) is None:
        return False
    with tempfile.TemporaryDirectory(prefix="ocean-probe-") as name:
        folder = Path(name)
        for part in (*WRITABLE, *READ_ONLY, "tmp"):
            (folder / "data" / part).mkdir(parents=True)
        (folder / "control").mkdir()
        write_wrappers(folder / "tools", python)
        paths = interpreter_paths(python)
        place = Place(folder / "data", folder / "control", folder / "tools", paths, False)
        # It must write where it may, not where it may not, not see this machine's files, and
        # find the interpreter.
        script = (
            f"touch /data/outputs/proof && ! touch /data/inputs/x && ! test -e {name} "
            "&& test -r /proc/self/stat && python3 -c 'import json' && python -c ''"
        )
        try:
            done = subprocess.run(  # noqa: S603 (our own arguments)
                tier.command(place, ["/bin/sh", "-c", script]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={"PATH": f"{TOOLS}:/usr/bin:/bin"},
                timeout=_PROBE_S,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0 and (folder / "data" / "outputs" / "proof").exists()


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


def _system_paths(place: Place) -> list[Path]:
    names = [*_SYSTEM, *(_WITH_NETWORK if place.allow_network else ())]
    return [path for path in map(Path, names) if path.exists()]


def _job_mounts(place: Place) -> list[tuple[Path, Path, bool]]:
    mounts = [(place.data / name, DATA / name, True) for name in WRITABLE]
    mounts += [(place.data / name, DATA / name, False) for name in READ_ONLY]
    mounts.append((place.data / "tmp", Path("/tmp"), True))  # noqa: S108 (inside, its own)
    mounts.append((place.tools, TOOLS, False))
    # The interpreter last: it may itself be below /tmp.
    mounts += [(path, path, False) for path in place.interpreters if path.exists()]
    return mounts
