"""How much waits in the pipes and Unix sockets of another process.

The kernel tells it of a descriptor. So one of the process's is copied, asked, and closed again,
which needs the right to trace the process: a supervisor has it over its job.
"""

from __future__ import annotations

import _thread
import ctypes
import fcntl
import os
import stat
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from ocean_lib.localnet.runners.processes import Process

_PIDFD_GETFD = 438  # on every architecture, since Linux 5.6
_SOL_SOCKET, _SO_DOMAIN = 1, 39
_AF_UNIX = 1
_libc = ctypes.CDLL(None)


@contextmanager
def process_handle(process: Process) -> Iterator[int]:
    """Hold a process by a descriptor; -1 where that is not possible."""
    if sys.platform != "linux":
        yield -1
        return
    try:
        # One of a thread is known since Linux 6.9.
        of_thread = 0 if process.thread == process.pid else os.O_EXCL
        handle = os.pidfd_open(process.thread, of_thread)
    except (AttributeError, OSError):
        yield -1
        return
    try:
        yield handle
    finally:
        os.close(handle)


def waiting_bytes(handle: int, descriptor: int) -> int | None:
    """Return how much memory waits in a pipe or Unix socket, at least.

    Of a socket that is what was sent through it and not yet read, with the kernel's own part
    (SIOCOUTQ); of a pipe it is the bytes in it.

    Args:
        handle: The process, from `process_handle`.
        descriptor: Its number in that process.

    Returns:
        The bytes; None if it cannot be told.
    """
    if handle < 0:
        return None
    copy = _libc.syscall(_PIDFD_GETFD, handle, descriptor, 0)
    if copy < 0:
        return None
    request = _request_for(copy)
    if request is None:
        # The job has put something else there, and closing that may take as long as it likes.
        _thread.start_new_thread(os.close, (copy,))
        return None
    try:
        return int(struct.unpack("i", fcntl.ioctl(copy, request, bytes(4)))[0])
    finally:
        os.close(copy)


def _request_for(copy: int) -> int | None:
    mode = os.fstat(copy).st_mode
    if stat.S_ISFIFO(mode):
        return termios.FIONREAD
    domain, size = ctypes.c_int(), ctypes.c_uint(4)
    asked = (copy, _SOL_SOCKET, _SO_DOMAIN, ctypes.byref(domain), ctypes.byref(size))
    is_unix = _libc.getsockopt(*asked) == 0 and domain.value == _AF_UNIX
    return termios.TIOCOUTQ if is_unix else None
