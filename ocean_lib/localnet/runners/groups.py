"""Let the kernel count and bound what a job uses: a control group of its own, where one can be had.

What is added up from `/proc` leaves out whatever is not in a process: files in memory, detached
shared memory, what waits in sockets and pipes. A control group counts all of it. Root makes one
below its own (version 1) or below the nearest that hands out memory (version 2), as does a user to
whom part of the tree was delegated; for other users `systemd-run` asks the user's systemd.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["v1", "v2", "systemd"]
_PREFIX = "ocean-localnet-"
_USED_V1 = ("memory", "pids", "cpuacct")
# What stands beside the algorithm: bubblewrap, and in a group of systemd's the supervisor too.
_BESIDE_BYTES = {"v1": 8 * 1024**2, "v2": 8 * 1024**2, "systemd": 64 * 1024**2}
_BESIDE_TASKS = 16
_TRY_BYTES = 16 * 1024**2
_TRY_S = 20.0
_FOR_SYSTEMD = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


@dataclass(frozen=True)
class Groups:
    """Where control groups for jobs can be made.

    Attributes:
        kind: Version 1, version 2, or by `systemd-run`.
        parents: The folder that the new ones go below, for each controller; `""` is version 2.
    """

    kind: Kind
    parents: Mapping[str, str]

    def command(self, program: list[str], limits: Mapping[str, Any]) -> list[str]:
        """Return how a supervisor is started so that its job can have a group."""
        if self.kind != "systemd":
            return program
        memory = int(limits["memory_bytes"]) + _BESIDE_BYTES["systemd"]
        tasks = int(limits["threads"]) + _BESIDE_TASKS
        wanted = (f"MemoryMax={memory}", "MemorySwapMax=0", f"TasksMax={tasks}")
        options = [f"--property={item}" for item in wanted]
        return [*_systemd_run(), *options, "--", *program]

    def environment(self) -> dict[str, str]:
        """Return what `command` needs of the environment."""
        names = _FOR_SYSTEMD if self.kind == "systemd" else ()
        return {name: os.environ[name] for name in names if name in os.environ}

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for a document that another process reads."""
        return {"kind": self.kind, "parents": dict(self.parents)}


class Group:
    """One job's control group.

    Args:
        groups: `Groups` as a dict.
        name: The group's name; who made it is the process whose number it ends with.
    """

    def __init__(self, groups: Mapping[str, Any], name: str) -> None:
        self._kind: Kind = groups["kind"]
        if self._kind == "systemd":
            self._folders = {"": _own_folders()[""]}
        else:
            self._folders = {key: Path(path, name) for key, path in groups["parents"].items()}
        self._memory = self._folders.get("memory") or self._folders[""]

    def make(self, limits: Mapping[str, Any]) -> None:
        """Make it, with the limits.

        Raises:
            OSError: If the kernel refuses.
        """
        if self._kind == "systemd":
            return
        self.remove()  # one of a process that had the same number
        memory = str(int(limits["memory_bytes"]) + _BESIDE_BYTES[self._kind])
        for folder in self._folders.values():
            folder.mkdir()
        if self._kind == "v1":
            (self._memory / "memory.limit_in_bytes").write_text(memory)
            _write_if_there(self._memory / "memory.memsw.limit_in_bytes", memory)
        else:
            (self._memory / "memory.max").write_text(memory)
            _write_if_there(self._memory / "memory.swap.max", "0")
        tasks = self._folders.get("pids") or self._folders.get("")
        if tasks is not None:
            _write_if_there(tasks / "pids.max", str(int(limits["threads"]) + _BESIDE_TASKS))

    def enter(self) -> None:
        """Move this process, and all that come from it, into the group."""
        if self._kind == "systemd":
            return
        for folder in self._folders.values():
            (folder / "cgroup.procs").write_text("0")

    def out_of_memory(self) -> bool:
        """Tell whether the kernel ended a process of the group for its memory."""
        name = "memory.oom_control" if self._kind == "v1" else "memory.events"
        return _figure(self._memory / name, "oom_kill") > 0

    def used_bytes(self) -> int:
        """Return how much memory is counted now."""
        name = "memory.usage_in_bytes" if self._kind == "v1" else "memory.current"
        return int((self._memory / name).read_text())

    def cpu_s(self) -> float:
        """Return the CPU seconds of all processes, ended ones too; 0 if they are not counted."""
        if "cpuacct" in self._folders:
            return int((self._folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        if "" in self._folders:
            return _figure(self._folders[""] / "cpu.stat", "usage_usec") / 1e6
        return 0.0

    def remove(self) -> None:
        """Remove it, if it is empty."""
        if self._kind == "systemd":
            return  # systemd does
        for folder in self._folders.values():
            with contextlib.suppress(OSError):
                folder.rmdir()


def name_for(pid: int) -> str:
    """Return the name of the group that a process makes."""
    return f"{_PREFIX}{pid}"


@functools.cache
def find_groups() -> Groups | None:
    """Return where groups can be made that really count, or None; found out once."""
    if sys.platform != "linux":
        return None
    for groups in _candidates():
        try:
            if _counts(groups):
                return groups
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
    return None


def _candidates() -> Iterable[Groups]:
    own = _own_folders()
    if "memory" in own:
        parents = {name: str(own[name]) for name in _USED_V1 if name in own}
        _remove_left(parents.values())
        yield Groups("v1", parents)
        return
    parent = _hands_out_memory(own[""]) if "" in own else None
    if parent is not None:
        _remove_left([str(parent)])
        yield Groups("v2", {"": str(parent)})
    if "" in own and shutil.which("systemd-run") and os.environ.get("XDG_RUNTIME_DIR"):
        yield Groups("systemd", {})


def group_of(pid: int) -> Group | None:
    """Return the control group that somebody else put a process into, to read its figures."""
    try:
        folders = _own_folders(str(pid))
    except OSError:
        return None
    kind = "v1" if "memory" in folders else "v2"
    main = folders.get("memory") or folders.get("")
    if main is None:
        return None
    alike = {name: str(path.parent) for name, path in folders.items() if path.name == main.name}
    return Group({"kind": kind, "parents": alike}, main.name)


def _own_folders(process: str = "self") -> dict[str, Path]:
    """Return a process' folder for each controller; `""` is version 2."""
    mounts: dict[str, tuple[str, str]] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, _, kind = line.partition(" - ")
        root, point = place.split()[3:5]
        if kind.startswith("cgroup2 "):
            mounts[""] = root, point
        elif kind.startswith("cgroup "):
            mounts.update((name, (root, point)) for name in kind.split()[2].split(","))
    found: dict[str, Path] = {}
    for line in Path("/proc", process, "cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            if name in mounts:
                root, point = mounts[name]
                found[name] = Path(point, os.path.relpath(path, root))
    return {name: path for name, path in found.items() if path.is_dir()}


def _hands_out_memory(folder: Path) -> Path | None:
    # A group with processes of its own cannot hand out memory; the nearest above that does can.
    for above in (folder, *folder.parents):
        control = above / "cgroup.subtree_control"
        if not control.exists():
            return None
        if not (above / "cgroup.type").exists():  # the root of all may have both
            with contextlib.suppress(OSError):
                control.write_text("+memory +pids")
        if "memory" in control.read_text().split() and os.access(above, os.W_OK):
            return above
    return None


def _remove_left(parents: Iterable[str]) -> None:
    """Remove the groups of supervisors and wardens that were killed."""
    for parent in parents:
        for folder in Path(parent).glob(f"{_PREFIX}*"):
            maker = folder.name.removeprefix(_PREFIX)
            if maker.isdigit() and not Path("/proc", maker).exists():
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _counts(groups: Groups) -> bool:
    """Try whether memory that is in no process is counted."""
    limits = {"memory_bytes": 4 * _TRY_BYTES, "threads": 64}
    document = {**groups.as_dict(), "limits": limits}
    code = (
        f"import sys; sys.path.append({str(Path(__file__).parents[3])!r}); "
        f"from ocean_lib.localnet.runners.groups import try_out; try_out({document!r})"
    )
    command = groups.command([sys.executable, "-I", "-S", "-c", code], limits)
    done = subprocess.run(  # noqa: S603 (our own program, no shell)
        command, env=groups.environment(), capture_output=True, timeout=_TRY_S, check=False
    )
    return done.returncode == 0 and done.stdout.strip() == b"counted"


def try_out(groups: dict[str, Any]) -> None:
    """Say `counted` if a file in memory counts for a group; a program of its own."""
    group = Group(groups, name_for(os.getpid()))
    try:
        group.make(groups["limits"])
        child = os.fork()
        if child == 0:
            group.enter()
            os.write(os.memfd_create("counted"), bytes(_TRY_BYTES))
            os._exit(0 if group.used_bytes() >= _TRY_BYTES else 1)
        _, status = os.waitpid(child, 0)
        if status == 0:
            os.write(1, b"counted\n")
    finally:
        group.remove()


def _systemd_run() -> list[str]:
    program = shutil.which("systemd-run") or "systemd-run"
    whose = [] if os.getuid() == 0 else ["--user"]
    return [program, *whose, "--scope", "--quiet", "--collect"]


def _write_if_there(path: Path, text: str) -> None:
    if path.exists():
        path.write_text(text)


def _figure(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[0] == name), 0)
