"""Landlock: what of the file system, of TCP and of other processes an algorithm can reach."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Access = Literal["read", "list", "write", "device"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 16, 32, 128, 256
_MAKE_FIFO, _MAKE_SYM, _REFER, _TRUNCATE = 1024, 4096, 8192, 16384
_EVERYTHING = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_TCP = 0b11
_SCOPES = 0b11  # abstract Unix sockets, signals
_SIGNALS = 0b10
_RIGHTS: dict[Access, int] = {
    "read": _EXECUTE | _READ_FILE | _READ_DIR,
    "list": _READ_DIR,
    "device": _READ_FILE | _WRITE_FILE,
    "write": (
        _EXECUTE | _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR
        | _MAKE_REG | _MAKE_FIFO | _MAKE_SYM | _REFER | _TRUNCATE
    ),
}  # fmt: skip
# Below it a file that can be read can be truncated.
OLDEST = 3
SCOPES_SIGNALS = 6


def abi() -> int:
    """Return the kernel's version of Landlock; 0 without it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.uname().sysname != "Linux":
        return 0
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)))


def scope_signals() -> None:
    """Let this process, and all that come from it, signal nobody but each other.

    Raises:
        OSError: If the kernel cannot do that.
    """
    # A domain that does not say otherwise forbids to move files between folders.
    ruleset = _ruleset(struct.pack("=QQQ", _REFER, 0, _SIGNALS))
    _allow(ruleset, "/", _REFER)
    _enter(ruleset)


def restrict(rules: Iterable[tuple[str, Access]], *, tcp: bool, version: int) -> None:
    """Confine this process and all that come from it, for ever.

    Args:
        rules: Paths and what may be done below them; everything else cannot be opened, made,
            removed or run.
        tcp: Whether TCP may be used.
        version: Which version of Landlock to use, at most the kernel's.

    Raises:
        OSError: If the kernel refuses.
    """
    handled = _EVERYTHING[max(known for known in _EVERYTHING if known <= version)]
    attributes = struct.pack("=Q", handled)
    if version >= 4:
        attributes += struct.pack("=Q", 0 if tcp else _TCP)
    if version >= SCOPES_SIGNALS:
        attributes += struct.pack("=Q", _SCOPES)
    ruleset = _ruleset(attributes)
    for name, access in rules:
        rights = _RIGHTS[access] & handled
        if not Path(name).is_dir():
            rights &= _OF_FILES
        _allow(ruleset, name, rights)
    _enter(ruleset)


def _ruleset(attributes: bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    made = int(libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))
    _check(made, "create a ruleset")
    return made


def _allow(ruleset: int, name: str, rights: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.open(name, os.O_PATH | os.O_CLOEXEC)
    beneath = struct.pack("=Qi", rights, path)
    _check(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, beneath, 0), f"add {name}")
    os.close(path)


def _enter(ruleset: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.syscall(_RESTRICT_SELF, ruleset, 0), "restrict")
    os.close(ruleset)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"landlock, {what}: {os.strerror(number)}")
