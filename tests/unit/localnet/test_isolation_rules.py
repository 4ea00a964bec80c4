"""The rules of the isolation tiers, as far as they can be told without running anything."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ocean_lib.localnet.runners import _seccomp
from ocean_lib.localnet.runners._filters import sandbox_profile
from ocean_lib.localnet.runners._place import Place

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
X86, ARM = 0xC000003E, 0xC00000B7
EPERM, EACCES, ENOSYS = 1, 13, 38


def decide(code: bytes, number: int, *arguments: int, architecture: int = X86) -> int:
    """Run a filter as the kernel would, and return its verdict."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    program = list(struct.iter_unpack("=HBBI", code))
    at = value = 0
    while True:
        what, true, false, constant = program[at]
        at += 1
        if what == 0x20:
            value = struct.unpack_from("=I", data, constant)[0]
        elif what == 0x54:
            value &= constant
        elif what == 0x06:
            return int(constant)
        else:
            met = {0x15: value == constant, 0x25: value > constant, 0x45: bool(value & constant)}
            at += true if met[what] else false


INET = (_seccomp.AF_INET, _seccomp.AF_INET6)


@pytest.mark.parametrize(
    ("number", "arguments", "expected"),
    [
        (0, (), ALLOW),  # read
        (41, (2, 1), ALLOW),  # socket, TCP
        (41, (2, 2 | 0o2000000), ALLOW),  # UDP, close on exec
        (41, (2, 3), ERRNO | EPERM),  # raw
        (41, (1, 1), ERRNO | EACCES),  # Unix
        (41, (1 << 32 | 1, 1), ERRNO | EACCES),  # the kernel looks at the lower half
        (41, (16, 3), ERRNO | EACCES),  # netlink
        (53, (1, 1), ALLOW),  # a pair of streams
        (53, (1, 2), ERRNO | EPERM),  # a pair of datagrams
        (56, (0x01200011,), ALLOW),  # fork
        (56, (0x10000011,), ERRNO | EPERM),  # with a user namespace
        (435, (), ERRNO | ENOSYS),  # clone3, which hides its flags
        (101, (16,), ERRNO | EPERM),  # ptrace
        (257, (0, 0, 0o101, 0o4755), ERRNO | EPERM),  # openat, setuid
        (257, (0, 0, 0o0, 0o4755), ALLOW),  # a mode that does not count
        (257, (0, 0, 0o101, 0o755), ALLOW),
        (133, (0, 0o060600), ERRNO | EPERM),  # mknod, a disk
        (133, (0, 0o010600), ALLOW),  # a pipe
        (16, (0, 0x5412), ERRNO | EPERM),  # type into a terminal
        (16, (0, 1 << 32 | 0x5412), ERRNO | EPERM),
        (16, (0, 0x5401), ALLOW),
        (463, (), ERRNO | ENOSYS),  # newer than the filter
        (0x40000000, (), ERRNO | ENOSYS),  # x32
    ],
)
def test_the_filter_decides(number: int, arguments: tuple[int, ...], expected: int) -> None:
    code = _seccomp.build(INET, alone=False, signals=True, machine="x86_64")

    assert decide(code, number, *arguments) == expected


def test_a_filter_without_families_opens_no_socket() -> None:
    code = _seccomp.build((), alone=True, signals=True, machine="x86_64")

    assert {decide(code, 41, family, 1) for family in range(50)} == {ERRNO | EACCES}


@pytest.mark.parametrize(
    ("number", "arguments", "expected"),
    [
        (90, (0, 0o777), ERRNO),  # chmod seems to work
        (92, (0, 0, 0), ERRNO | EPERM),  # chown
        (302, (0, 7), ALLOW),  # its own limits
        (302, (4711, 7), ERRNO | EPERM),  # another's
        (141, (0, 0, 5), ALLOW),  # its own priority
        (141, (2, 0, 5), ERRNO | EPERM),  # all of its user's
        (72, (3, 8, 4711), ERRNO | EPERM),  # F_SETOWN
        (72, (3, 1), ALLOW),
        (62, (4711, 9), ERRNO | EPERM),  # kill
        (62, (0, 15), ALLOW),  # its own group
        (234, (1, 1, 6), ERRNO | EPERM),  # tgkill
    ],
)
def test_without_namespaces_other_processes_and_files_are_out_of_reach(
    number: int, arguments: tuple[int, ...], expected: int
) -> None:
    code = _seccomp.build((), alone=True, signals=False, machine="x86_64")

    assert decide(code, number, *arguments) == expected


def test_signals_are_left_to_landlock_where_it_knows_them() -> None:
    code = _seccomp.build((), alone=True, signals=True, machine="x86_64")

    assert decide(code, 62, 4711, 9) == ALLOW


def test_numbers_are_those_of_the_architecture() -> None:
    code = _seccomp.build(INET, alone=False, signals=True, machine="aarch64")

    assert decide(code, 198, 2, 1, architecture=ARM) == ALLOW
    assert decide(code, 198, 1, 1, architecture=ARM) == ERRNO | EACCES
    assert decide(code, 117, 16, architecture=ARM) == ERRNO | EPERM
    assert decide(code, 41, 2, 1, architecture=X86) == ERRNO | ENOSYS


def test_an_architecture_without_numbers_has_no_filter() -> None:
    with pytest.raises(_seccomp.NoFilter, match="vax"):
        _seccomp.build((), alone=False, signals=True, machine="vax")


def test_a_profile_for_macos_names_real_folders_and_quotes_them(tmp_path: Path) -> None:
    place = Place(tmp_path / 'a "b', tmp_path / "control", tmp_path / "tools", (), False)
    profile = sandbox_profile(place)

    assert profile.startswith("(version 1)\n(deny default)")
    assert '(allow file-write* (subpath "' + str(tmp_path).replace('"', '\\"') in profile
    assert 'a \\"b/outputs"))' in profile
    assert profile.count("file-write* (subpath") == 3
    assert "(deny network*)" in profile
    assert str(tmp_path / "control") not in profile
