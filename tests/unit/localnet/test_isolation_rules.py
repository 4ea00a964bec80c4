"""The rules of the isolation tiers, as far as they can be told without running anything."""

from __future__ import annotations

import struct
import sysconfig
from pathlib import Path

import pytest

from ocean_lib.localnet.runners import seccomp
from ocean_lib.localnet.runners.place import private_folders
from ocean_lib.localnet.runners.seccomp import Reach

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


INET = (seccomp.AF_INET, seccomp.AF_INET6)


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
        (56, (0x3D0F00,), ALLOW),  # a thread
        (56, (0x3D0B00,), ERRNO | EPERM),  # with descriptors of its own
        (319, (), ALLOW),  # memfd_create
        (112, (), ALLOW),  # setsid
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
    code = seccomp.build(Reach(INET), machine="x86_64")

    assert decide(code, number, *arguments) == expected


@pytest.mark.parametrize(
    ("reach", "number", "expected"),
    [
        (Reach(counted=False), 319, ERRNO | ENOSYS),  # memfd_create
        (Reach(counted=False), 29, ERRNO | ENOSYS),  # shmget
        (Reach(counted=False), 68, ERRNO | ENOSYS),  # msgget
        (Reach(own_ipc=False), 29, ERRNO | EPERM),
        (Reach(own_ipc=False), 31, ERRNO | EPERM),  # shmctl
        (Reach(one_group=True), 112, ERRNO),  # setsid seems to work
        (Reach(one_group=True), 109, ERRNO),  # setpgid
    ],
)
def test_what_cannot_be_counted_or_held_together_is_refused(
    reach: Reach, number: int, expected: int
) -> None:
    assert decide(seccomp.build(reach, machine="x86_64"), number) == expected


def test_a_filter_without_families_opens_no_socket() -> None:
    code = seccomp.build(Reach(alone=True), machine="x86_64")

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
    code = seccomp.build(Reach(alone=True, signals=False), machine="x86_64")

    assert decide(code, number, *arguments) == expected


def test_signals_are_left_to_landlock_where_it_knows_them() -> None:
    code = seccomp.build(Reach(alone=True), machine="x86_64")

    assert decide(code, 62, 4711, 9) == ALLOW


def test_numbers_are_those_of_the_architecture() -> None:
    code = seccomp.build(Reach(INET), machine="aarch64")

    assert decide(code, 198, 2, 1, architecture=ARM) == ALLOW
    assert decide(code, 198, 1, 1, architecture=ARM) == ERRNO | EACCES
    assert decide(code, 117, 16, architecture=ARM) == ERRNO | EPERM
    assert decide(code, 41, 2, 1, architecture=X86) == ERRNO | ENOSYS


def test_an_architecture_without_numbers_has_no_filter() -> None:
    with pytest.raises(seccomp.NoFilter, match="vax"):
        seccomp.build(Reach(), machine="vax")


@pytest.mark.parametrize("own", ["/usr", "/usr/local/lib", sysconfig.get_paths()["stdlib"]])
def test_a_folder_that_programs_need_is_not_hidden_where_a_network_starts_in_it(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own)
    assert private_folders(tmp_path) == (tmp_path.resolve(),)

    monkeypatch.chdir(tmp_path)
    assert private_folders(None) == (tmp_path.resolve(),)
