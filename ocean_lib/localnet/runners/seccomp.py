"""The system calls an algorithm cannot make, as a seccomp filter for the Linux kernel.

Seen from the algorithm a refused call fails with an errno; nothing is killed. Numbers above the
newest that this module knows, and those of another architecture, do not exist for it: so a call
that a later kernel adds is refused until somebody has thought about it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
_EPERM, _EACCES, _ENOSYS, _ENOTSUP = 1, 13, 38, 95
_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_ABOVE, _IF_ANY_BIT = 0x15, 0x25, 0x45
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_NEWEST = 462  # mseal, Linux 6.10
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_SEQPACKET = 1, 2, 5
_SET_ID_BITS = 0o6000
_NEW_NAMESPACES = 0x7E020000
_CLONE_FILES, _CLONE_THREAD = 0x400, 0x10000
_CREATES = 0o100 | 0o20000000  # O_CREAT, and the part of O_TMPFILE that is not O_DIRECTORY
_FILE_KIND, _CHARACTER_DEVICE, _BLOCK_DEVICE = 0o170000, 0o020000, 0o060000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_FIOSETOWN, _SIOCSPGRP, _FS_IOC_SETFLAGS, _FS_IOC_FSSETXATTR = (
    0x8901,
    0x8902,
    0x40086602,
    0x401C5820,
)
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15

# Numbers on x86_64 and on the architectures that share the generic table; 0 is none.
_CALLS = {
    "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171),
    "bpf": (321, 280), "chmod": (90, 0), "chown": (92, 0), "chroot": (161, 51),
    "clock_adjtime": (305, 266), "clock_settime": (227, 112), "clone": (56, 220),
    "clone3": (435, 435), "creat": (85, 0), "delete_module": (176, 106),
    "fanotify_init": (300, 262), "fchmod": (91, 52), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "fchown": (93, 55), "fchownat": (260, 54), "fcntl": (72, 25),
    "finit_module": (313, 273), "fremovexattr": (199, 16), "fsconfig": (431, 431),
    "fsetxattr": (190, 7), "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433),
    "futimesat": (261, 0), "init_module": (175, 105), "inotify_add_watch": (254, 27),
    "inotify_init": (253, 0), "inotify_init1": (294, 26), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "io_uring_setup": (425, 425), "ioctl": (16, 29),
    "ioperm": (173, 0), "iopl": (172, 0), "ioprio_set": (251, 30), "kcmp": (312, 272),
    "kexec_file_load": (320, 294), "kexec_load": (246, 104), "keyctl": (250, 219),
    "kill": (62, 129), "lchown": (94, 0), "lookup_dcookie": (212, 18),
    "lremovexattr": (198, 15), "lsetxattr": (189, 6), "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238), "mknod": (133, 0), "mknodat": (259, 33),
    "modify_ldt": (154, 0), "mount": (165, 40), "mount_setattr": (442, 442),
    "move_mount": (429, 429), "move_pages": (279, 239), "mq_open": (240, 180),
    "mq_unlink": (241, 181), "msgctl": (71, 187), "msgget": (68, 186), "msgrcv": (70, 188),
    "msgsnd": (69, 189), "name_to_handle_at": (303, 264), "nfsservctl": (180, 42),
    "open": (2, 0), "open_by_handle_at": (304, 265), "open_tree": (428, 428),
    "openat": (257, 56), "openat2": (437, 437), "perf_event_open": (298, 241),
    "personality": (135, 92), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41), "prlimit64": (302, 261), "process_madvise": (440, 440),
    "process_mrelease": (448, 448), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "reboot": (169, 142), "removexattr": (197, 14),
    "request_key": (249, 218), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "semctl": (66, 191), "semget": (64, 190),
    "semop": (65, 193), "semtimedop": (220, 192), "setdomainname": (171, 162),
    "sethostname": (170, 161), "setns": (308, 268), "setpgid": (109, 154),
    "setpriority": (141, 140), "setsid": (112, 157),
    "settimeofday": (164, 170), "setxattr": (188, 5), "shmat": (30, 196), "shmctl": (31, 195),
    "shmget": (29, 194), "socket": (41, 198), "socketpair": (53, 199), "swapoff": (168, 225),
    "swapon": (167, 224), "syslog": (103, 116), "tgkill": (234, 131), "tkill": (200, 130),
    "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282),
    "utime": (132, 0), "utimensat": (280, 88), "utimes": (235, 0), "vhangup": (153, 58),
}  # fmt: skip


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NEVER = _words(
    "acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module fanotify_init "
    "finit_module fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register "
    "ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie migrate_pages modify_ldt "
    "mount mount_setattr move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at "
    "open_tree perf_event_open pidfd_getfd pivot_root process_madvise process_mrelease "
    "process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key "
    "setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 unshare "
    "userfaultfd vhangup"
)
# Programs try these first and have another way, which the filter can look into.
_ABSENT = ("clone3", "io_uring_setup", "memfd_secret", "openat2")
# Memory that is in no process, where no control group counts it.
_UNCOUNTED = ("memfd_create", "shmget", "msgget")
# Without namespaces the same user's other processes and files are within reach.
_IPC = _words(
    "mq_open mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat shmctl "
    "shmget"
)
_OWNERS = ("chown", "fchown", "fchownat", "lchown")
_MODES_AND_TIMES = _words("chmod fchmod fchmodat fchmodat2 futimesat utime utimensat utimes")
_ATTRIBUTES = _words("setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr")
_WATCHES = ("inotify_init", "inotify_init1", "inotify_add_watch")
_SIGNALS = _words("tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal")
_OF_A_PROCESS = _words(
    "prlimit64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler"
)

_GROUPS = ("setsid", "setpgid")

_Code = list[tuple[int, int, int, int]]


class NoFilter(OSError):
    """A machine whose kernel or architecture takes no filter of ours."""


@dataclass(frozen=True)
class Reach:
    """What a filter is built for.

    Attributes:
        families: The address families of sockets that may be opened.
        alone: Whether nothing but this filter and Landlock keeps the algorithm from the files
            and processes of its user. Then it cannot change any file's mode, owner, times and
            attributes (mode and times only seem to change, because copying a file sets them),
            and cannot change other processes' limits.
        own_ipc: Whether System V memory, semaphores and queues are its own.
        signals: Whether it may send signals to single processes.
        one_group: Whether it stays in its process group and session, and only seems to leave.
        counted: Whether a control group counts memory that is in no process.
    """

    families: Sequence[int] = ()
    alone: bool = False
    own_ipc: bool = True
    signals: bool = True
    one_group: bool = False
    counted: bool = True


def build(reach: Reach, *, machine: str = "") -> bytes:
    """Assemble a filter.

    Args:
        reach: What it is for.
        machine: As in `os.uname().machine`; empty for this one.

    Returns:
        Instructions as the kernel reads them.

    Raises:
        NoFilter: If the architecture is not known.
    """
    machine = machine or os.uname().machine
    if machine not in _ARCHITECTURES:
        raise NoFilter(f"no system call numbers are known for {machine}")
    column = 0 if machine == "x86_64" else 1
    code: _Code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        _refuse(_ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_ABOVE, 0, 1, _NEWEST),
        _refuse(_ENOSYS),
    ]
    for names, rule in _rules(reach):
        for name in names:
            number = _CALLS[name][column]
            if number:
                code += [(_IF_EQUAL, 0, len(rule) + 1, number), *rule, (_LOAD, 0, 0, _NUMBER)]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def available() -> bool:
    """Tell whether the kernel takes filters."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_SECCOMP, _FILTER, None, 0, 0)
    # A kernel without filters does not even look for one at the address.
    return ctypes.get_errno() == errno.EFAULT


def install(instructions: bytes) -> None:
    """Put this process and all that come from it under a filter, for ever.

    Args:
        instructions: What `build` returned. The process must have no_new_privs.

    Raises:
        NoFilter: If the kernel does not take it.
    """

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(instructions) // 8, instructions)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) != 0:
        number = ctypes.get_errno()
        raise NoFilter(number, f"seccomp: {os.strerror(number)}")


def _rules(reach: Reach) -> Iterable[tuple[Sequence[str], _Code]]:
    yield _NEVER, [_refuse(_EPERM)]
    yield _ABSENT, [_refuse(_ENOSYS)]
    if not reach.own_ipc:
        yield _IPC, [_refuse(_EPERM)]
    if not reach.counted:
        yield _UNCOUNTED, [_refuse(_ENOSYS)]
    if reach.one_group:
        yield _GROUPS, [_refuse(0)]
    # A thread with descriptors of its own would hide files from whoever looks at its process.
    apart = _none(0, (_CLONE_THREAD,), mask=_CLONE_THREAD | _CLONE_FILES)
    yield ("clone",), _no_bits(0, _NEW_NAMESPACES) + apart
    yield ("personality",), _only(0, (0, 0xFFFFFFFF))
    kinds = _only(1, (_SOCK_STREAM, _SOCK_DGRAM), mask=0xF)
    yield ("socket",), _only(0, reach.families, _EACCES) + kinds
    # A pair of datagram sockets could be pointed at other sockets' addresses.
    pairs = _only(1, (_SOCK_STREAM, _SOCK_SEQPACKET), mask=0xF)
    yield ("socketpair",), _only(0, (AF_UNIX,)) + pairs
    yield ("openat",), _created(2, 3)
    yield ("open",), _created(1, 2)
    yield ("creat",), _no_bits(1, _SET_ID_BITS)
    devices = (_CHARACTER_DEVICE, _BLOCK_DEVICE)
    yield ("mknod",), _no_bits(1, _SET_ID_BITS) + _none(1, devices, mask=_FILE_KIND)
    yield ("mknodat",), _no_bits(2, _SET_ID_BITS) + _none(2, devices, mask=_FILE_KIND)
    requests: tuple[int, ...] = (_TIOCSTI, _TIOCLINUX)
    if reach.alone:
        requests += (_FIOSETOWN, _SIOCSPGRP, _FS_IOC_SETFLAGS, _FS_IOC_FSSETXATTR)
        yield from _alone_rules(signals=reach.signals)
    else:
        yield ("chmod", "fchmod"), _no_bits(1, _SET_ID_BITS)
        yield ("fchmodat", "fchmodat2"), _no_bits(2, _SET_ID_BITS)
    yield ("ioctl",), _none(1, requests)


def _alone_rules(*, signals: bool) -> Iterable[tuple[Sequence[str], _Code]]:
    yield (*_OWNERS, *_WATCHES), [_refuse(_EPERM)]
    yield _MODES_AND_TIMES, [_refuse(0)]
    yield _ATTRIBUTES, [_refuse(_ENOTSUP)]
    yield _OF_A_PROCESS, _only(0, (0,))
    yield ("setpriority",), _only(0, (0,)) + _only(1, (0,))
    yield ("ioprio_set",), _only(0, (1,)) + _only(1, (0,))
    yield ("fcntl",), _none(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX))
    if not signals:
        yield _SIGNALS, [_refuse(_EPERM)]
        yield ("kill",), _only(0, (0,))  # its own process group


def _refuse(number: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _ERRNO | number)


def _argument(index: int, mask: int) -> _Code:
    # The lower half: the kernel ignores the upper one of these arguments, so must the filter.
    code: _Code = [(_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * index)]
    return [*code, (_AND, 0, 0, mask)] if mask else code


def _only(index: int, values: Sequence[int], number: int = _EPERM, *, mask: int = 0) -> _Code:
    left = range(len(values), 0, -1)
    tests: _Code = [(_IF_EQUAL, skip, 0, value) for skip, value in zip(left, values, strict=True)]
    return [*_argument(index, mask), *tests, _refuse(number)]


def _none(index: int, values: Sequence[int], *, mask: int = 0) -> _Code:
    tests: _Code = []
    for value in values:
        tests += [(_IF_EQUAL, 0, 1, value), _refuse(_EPERM)]
    return [*_argument(index, mask), *tests]


def _no_bits(index: int, bits: int) -> _Code:
    return [*_argument(index, 0), (_IF_ANY_BIT, 0, 1, bits), _refuse(_EPERM)]


def _created(flags: int, mode: int) -> _Code:
    rule = _no_bits(mode, _SET_ID_BITS)
    return [*_argument(flags, 0), (_IF_ANY_BIT, 0, len(rule), _CREATES), *rule]
