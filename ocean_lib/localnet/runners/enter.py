"""Build a root of its own for an algorithm, move into it, drop every right, and become it.

A program of its own: the `unshare` tier starts it in fresh user, mount, pid, ipc, uts and network
namespaces. It needs nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners import rights, seccomp

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 32, 4096, 16384, 1 << 18
_ATIME_FLAGS = 1024 | 2048 | (1 << 21)  # noatime, nodiratime, relatime
_MNT_DETACH = 2
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Below /proc. Where root of the machine starts a job, its rights on them need no capability.
KERNEL_FILES = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "driver", "mtrr")
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    arguments = (source.encode(), target.encode(), kind.encode(), flags, options.encode())
    _check(_libc.mount(*arguments), f"mount {target}")


def _bind(source: str, target: Path, *, writable: bool) -> None:
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(source, str(target), "", _MS_BIND | _MS_REC)
    # Flags that the machine set on the file system are locked and must be named again.
    present = os.statvfs(target).f_flag
    flags = _MS_NOSUID | present & (_MS_NODEV | _MS_NOEXEC | _ATIME_FLAGS)
    if not writable:
        flags |= _MS_RDONLY
    _mount("", str(target), "", _MS_REMOUNT | _MS_BIND | flags)


def _lay_over(root: Path, rules: list[tuple[str, bool]], *, links: bool) -> None:
    for name, shown in rules:
        target = root / name.lstrip("/")
        if not shown:
            target.mkdir(parents=True, exist_ok=True)  # it may lie within another one
            _mount("tmpfs", str(target), "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=755")
        elif links and Path(name).is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(Path(name).readlink())
        else:
            _bind(name, target, writable=False)


def _build(plan: dict[str, Any]) -> Path:
    root = Path(plan["root"])
    _mount("", "/", "", _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", str(root), "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=755")
    for source, target_name, writable in plan["job"]:
        _bind(source, root / target_name.lstrip("/"), writable=writable)
    _lay_over(root, plan["machine"], links=True)
    _lay_over(root, plan["beyond"], links=False)
    for name, shown in (*plan["machine"], *plan["beyond"]):
        if not shown:
            flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV
            _mount("", str(root / name.lstrip("/")), "", flags)
    for name in _DEVICES:
        # A device can be written to on a read-only mount; what cannot be changed is its mode.
        _bind(f"/dev/{name}", root / "dev" / name, writable=False)
    (root / "dev" / "shm").mkdir()
    _mount("tmpfs", str(root / "dev" / "shm"), "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64m")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        (root / "dev" / name).symlink_to(f"/proc/self/fd/{number}")
    (root / "dev" / "fd").symlink_to("/proc/self/fd")
    (root / "proc").mkdir()
    _mount("proc", str(root / "proc"), "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    return root


def _move_into(root: Path) -> None:
    old = root / "old"
    old.mkdir()
    os.chdir(root)
    pivot_root = {"x86_64": 155, "aarch64": 41, "riscv64": 41}.get(os.uname().machine)
    if pivot_root is None:
        raise OSError(f"pivot_root has no known number on {os.uname().machine}")
    _check(_libc.syscall(pivot_root, b".", b"old"), "pivot_root")
    os.chdir("/")
    _check(_libc.umount2(b"/old", _MNT_DETACH), "umount the machine's root")
    Path("/old").rmdir()
    # Nothing may be added to the root; its mounts keep their own flags.
    _mount("", "/", "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)


def _loopback_up() -> None:
    # A new network namespace has a loopback of its own, switched off. Libraries expect it.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _allow_no_more_namespaces() -> None:
    try:
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
    except OSError:
        return  # not every kernel lets a namespace say so


def _hide_the_kernel() -> None:
    for name in KERNEL_FILES:
        path = f"/proc/{name}"
        if Path(path).exists():
            _mount(path, path, "", _MS_BIND | _MS_REC)
            flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
            _mount("", path, "", flags)


def main() -> None:
    """Enter the root that the plan describes and become the algorithm."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    _libc.sethostname(b"algorithm", 9)
    if plan["new_network"]:
        _loopback_up()
    _move_into(_build(plan))
    os.chdir(plan["cwd"])
    _allow_no_more_namespaces()
    _hide_the_kernel()
    rights.drop_capabilities()
    rights.gain_no_rights()
    if plan["filter"]:
        seccomp.install(bytes.fromhex(plan["filter"]))
    os.execve(plan["argv"][0], plan["argv"], dict(os.environ))  # noqa: S606 (its purpose)
