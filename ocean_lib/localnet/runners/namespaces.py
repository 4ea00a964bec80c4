"""Tiers with namespaces: the algorithm has a root, a process table and a network of its own."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from ocean_lib.localnet.runners import seccomp
from ocean_lib.localnet.runners.enter import KERNEL_FILES
from ocean_lib.localnet.runners.launch import program
from ocean_lib.localnet.runners.place import Launch, Place
from ocean_lib.localnet.runners.supervisor import FILTER_FD

_HELP_S = 20.0
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 (its own)
_SHARED_MEMORY_BYTES = 64 * 1024**2
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def _filter(place: Place) -> str:
    # With the machine's network come its abstract Unix sockets; without, its own are harmless.
    unix = () if place.allow_network else (seccomp.AF_UNIX,)
    families = (seccomp.AF_INET, seccomp.AF_INET6, *unix)
    try:
        return seccomp.build(seccomp.Reach(families, counted=place.counted)).hex()
    except seccomp.NoFilter:
        return ""  # the namespaces separate without it


class Bubblewrap:
    """bubblewrap, as Flatpak uses it."""

    name = "bwrap"
    own_root = True
    cuts_network = True
    missing: tuple[str, ...] = ()

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""
        command = [_found("bwrap"), "--unshare-user", "--unshare-all"]
        command += ["--die-with-parent", *_no_more_namespaces()]
        command += ["--new-session", "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000"]
        command += ["--hostname", "algorithm"]
        if place.allow_network:
            command.append("--share-net")
        for source, target, writable in place.mounts():
            command += ["--bind" if writable else "--ro-bind", str(source), str(target)]
        command += _seen(place.machine(), links=True)
        command += _seen(place.beyond(), links=False)
        command += ["--proc", "/proc"]
        for name in KERNEL_FILES:
            command += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
        command += _devices(place)
        for path, shown in (*place.machine(), *place.beyond()):
            command += () if shown else ("--remount-ro", str(path))
        command += ["--remount-ro", "/", "--chdir", str(place.cwd)]
        instructions = _filter(place)
        if instructions:
            command += ["--seccomp", str(FILTER_FD)]
        confine = {"filter": instructions, "filter_by_program": bool(instructions)}
        return Launch([*command, "--", *argv], confine)


class Unshare:
    """`unshare` of util-linux, and a root that `enter` builds."""

    name = "unshare"
    own_root = True
    cuts_network = True
    missing: tuple[str, ...] = ()

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:
        """Return how `argv` is started in this tier."""
        plan = place.control / "mounts.json"
        root = place.control / "root"
        root.mkdir(exist_ok=True)
        document = {
            "root": str(root),
            "machine": [[str(path), shown] for path, shown in place.machine()],
            "beyond": [[str(path), shown] for path, shown in place.beyond()],
            "job": [
                [str(source), str(target), writable] for source, target, writable in place.mounts()
            ],
            "cwd": str(place.cwd),
            "new_network": not place.allow_network,
            "filter": _filter(place),
            "argv": list(argv),
        }
        plan.write_text(json.dumps(document), encoding="utf-8")
        flags = ["--user", "--map-root-user", "--mount", "--pid", "--ipc", "--uts"]
        flags += ["--fork", "--kill-child"]
        if not place.allow_network:
            flags.append("--net")
        return Launch([_found("unshare"), *flags, "--", *program("enter"), str(plan)])


def _seen(rules: Iterable[tuple[Path, bool]], *, links: bool) -> list[str]:
    arguments: list[str] = []
    for path, shown in rules:
        if not shown:
            arguments += ["--tmpfs", str(path)]
        elif links and path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        else:
            arguments += ["--ro-bind", str(path), str(path)]
    return arguments


def _found(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed")
    return path


def _devices(place: Place) -> list[str]:
    # Root of the machine could else change the mode of its devices, which are the same ones.
    arguments = ["--dev", "/dev"]
    for name in _DEVICES:
        arguments += ["--remount-ro", f"/dev/{name}"]
    if _understands("--size"):
        arguments += ["--size", str(_SHARED_MEMORY_BYTES), "--tmpfs", _SHARED_MEMORY]
    else:  # a file system in memory would have no limit
        arguments += ["--bind", str(place.data / "tmp"), _SHARED_MEMORY]
    return [*arguments, "--remount-ro", "/dev"]


def _no_more_namespaces() -> tuple[str, ...]:
    # Namespaces within would widen what of the kernel can be reached.
    return ("--disable-userns",) if _understands("--disable-userns") else ()


@functools.cache
def _understands(option: str) -> bool:
    # Both of the options asked for came with bubblewrap 0.8.
    shown = subprocess.run(  # noqa: S603 (fixed arguments)
        [_found("bwrap"), "--help"],
        capture_output=True,
        text=True,
        timeout=_HELP_S,
        check=False,
    )
    return option in shown.stdout
