"""Hostile algorithms that attack by doing too much, by staying alive, and by what they leave.

Each runs in a job of its own, with limits that end it soon, and bounds itself in time as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners import Limits

MEGABYTE = 1024**2


@dataclass(frozen=True)
class Result:
    """What came of a siege.

    Attributes:
        reason: Why the job ended.
        exit_code: With what status.
        seconds: How long it took.
        results: The names of the results.
        log: Its log, without the header; the ends of a long one.
        log_bytes: Size of the log.
        written_bytes: What is left in its folders.
        survivors: Processes of the job that are still alive; 0 for one that only its lock shows,
            -1 for a folder that cannot be removed.
    """

    reason: str
    exit_code: int | None
    seconds: float
    results: list[str]
    log: str
    log_bytes: int
    written_bytes: int
    survivors: list[int]


@dataclass(frozen=True)
class Siege:
    """One attack.

    Attributes:
        name: A short name.
        what: What was tried, in words.
        code: The algorithm.
        outcome: What happened, in words, when it is held.
        held: Tells from the result whether it is held.
        limits: What the job may use.
        stop: Stop the job when this file is in the outputs.
        slow: Whether it takes long, and the user who runs it makes no difference.
    """

    name: str
    what: str
    code: str
    outcome: str
    held: Callable[[Result], bool]
    limits: dict[str, Any] = field(default_factory=dict)
    stop: str = ""
    slow: bool = False

    def all_limits(self) -> Limits:
        """Return its limits; none of them is ever far away."""
        return Limits(
            **{"wall_s": 15.0, "cpu_s": 30, "memory_bytes": 512 * MEGABYTE, **self.limits}
        )


def _ended(reason: str) -> Callable[[Result], bool]:
    return lambda result: result.reason == reason


_START = "import os, signal, sys, threading, time\nOUT = os.environ['OUTPUTS']\n"
_DAEMON = """
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 65):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            for fd in range(3): os.close(fd)
            open(OUT + '/daemon', 'w').close()
            until = time.monotonic() + 60
            while time.monotonic() < until: time.sleep(0.05)
        os._exit(0)
    os.wait()
"""
_SLEEP = "until = time.monotonic() + 60\nwhile time.monotonic() < until: time.sleep(0.05)\n"

_RAW = """
import ctypes, fcntl, mmap, socket
libc = ctypes.PyDLL(None, use_errno=True)
def checked(result):
    if result == -1: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
"""
# A program of a few instructions: each process forks the next one and is gone before anybody can
# read its number. After ten seconds there is no next one.
_CHAIN = (
    "b8c9000000 31ff 0f05 4989c7 4983c70a"  # until = time() + 10
    "b839000000 0f05 85c0 750e"  # fork(), and the parent exits
    "b8c9000000 31ff 0f05 4c39f8 72e7"  # time(), and on if it is before
    "b83c000000 31ff 0f05"
)
_CHAINS = f"""
import fcntl, struct
os.mkdir(OUT + '/sub'); open(OUT + '/sub/result', 'w').close()
lock = open(OUT + '/alive', 'w'); fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock.fileno(), True)
code = bytes.fromhex({_CHAIN!r})
ident = bytes.fromhex('7f454c46020101').ljust(16, bytes(1))
head = struct.pack('<16sHHIQQQIHHHHHH', ident, 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
size = 120 + len(code)
part = struct.pack('<IIQQQQQQ', 1, 5, 0, 0x400000, 0x400000, size, size, 4096)
with open(os.open(OUT + '/chain', os.O_CREAT | os.O_WRONLY, 0o700), 'wb') as file:
    file.write(head + part + code)
for _ in range(3):
    if os.fork() == 0: os.execv(OUT + '/chain', ['chain'])
"""
_DELETED = (
    _RAW
    + """
def deleted(n):
    file = open(f'{OUT}/{n}', 'w+b', buffering=0); os.unlink(f'{OUT}/{n}')
    file.write(b'x' * 2**24)
    return file
"""
)


_MANY = {"processes": 8000, "threads": 8000}


def _memory_or_refused(result: Result) -> bool:
    refused = ("not implemented", "not permitted", "File too large")
    return result.reason == "memory" or any(text in result.log for text in refused)


SIEGES = (
    Siege("forks without end", "fork in every process, without end",
          "until = time.monotonic() + 3\n"
          "while time.monotonic() < until:\n"
          "    try: os.fork()\n"
          "    except OSError: pass\n" + _SLEEP,
          "ended: too many processes", _ended("processes"), {"processes": 64}),
    Siege("threads without end", "start threads without end",
          "threading.stack_size(65536)\n"
          "for _ in range(1500): threading.Thread(target=time.sleep, args=(60,)).start()\n",
          "ended: too many threads, or refused more",
          lambda result: result.reason == "processes" or "can't start new thread" in result.log,
          {"threads": 200, "wall_s": 5.0}),
    Siege("fills the disk", "write file after file",
          "chunk = b'x' * 2**20\n"
          "for n in range(400):\n"
          "    with open(f'{OUT}/{n}', 'wb') as file: file.write(chunk)\n"
          "    time.sleep(0.01)\n" + _SLEEP,
          "ended: too much output", _ended("output_size"), {"output_bytes": 16 * MEGABYTE}),
    Siege("fills the disk unseen", "write deleted files that it keeps open",
          "chunk, kept = b'x' * 2**20, []\n"
          "for n in range(200):\n"
          "    kept.append(open(f'{OUT}/{n}', 'wb', buffering=0)); os.unlink(f'{OUT}/{n}')\n"
          "    kept[-1].write(chunk); time.sleep(0.01)\n" + _SLEEP,
          "ended: too much output", _ended("output_size"), {"output_bytes": 16 * MEGABYTE}),
    Siege("one huge file", "write one file without end",
          "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
          "with open(OUT + '/huge', 'wb', buffering=0) as file:\n"
          "    for _ in range(400): file.write(b'x' * 2**20)\n",
          "refused at the limit: File too large",
          lambda result: "File too large" in result.log and result.written_bytes <= 4 * MEGABYTE,
          {"file_size_bytes": 2 * MEGABYTE}),
    Siege("10,000 names", "write 10,000 files",
          "for n in range(10_000): open(f'{OUT}/{n:05}', 'w').close()\n",
          "1000 published, the log tells of the others",
          lambda result: len(result.results) == 1000 and "9000 beyond 1000 files" in result.log,
          {"wall_s": 60.0}, slow=True),
    Siege("names without end", "write more names than could ever be published",
          "for n in range(3000): open(f'{OUT}/{n}', 'w').close()\n" + _SLEEP,
          "ended: too many names", _ended("output_size"), {"output_files": 20, "wall_s": 60.0},
          slow=True),
    Siege("folders without end", "nest folders beyond the longest path",
          "for _ in range(3000):\n    os.mkdir('x' * 9); os.chdir('x' * 9)\n"
          "open('deep', 'w').close()\n",
          "ended, and removed", _ended("output_size"), slow=True),
    Siege("allocates", "fill the memory",
          "kept = []\nwhile True: kept.append(bytearray(2**24))\n",
          "refused at the limit: MemoryError",
          lambda result: "MemoryError" in result.log or result.reason == "memory",
          {"memory_bytes": 128 * MEGABYTE}),
    Siege("allocates in many", "fill the memory from many processes",
          "for _ in range(6):\n"
          "    if os.fork() == 0: break\n"
          "kept = bytearray(60 * 2**20)\n" + _SLEEP,
          "ended: too much memory", _ended("memory"), {"memory_bytes": 128 * MEGABYTE}),
    Siege("computes", "use all cores from many processes",
          "for _ in range(3):\n"
          "    if os.fork() == 0: break\n"
          "until = time.monotonic() + 20\nwhile time.monotonic() < until: pass\n",
          "ended: too much CPU time", _ended("cpu_time"), {"cpu_s": 1}, slow=True),
    Siege("stays", "sleep for ever", _SLEEP, "ended: its time was up", _ended("wall_time"),
          {"wall_s": 0.5}),
    Siege("ignores SIGTERM", "ignore every signal, detach twice (`setsid`), and be stopped",
          _DAEMON + "daemon()\n"
          "for number in range(1, 65):\n"
          "    try: signal.signal(number, signal.SIG_IGN)\n"
          "    except (OSError, ValueError): pass\n" + _SLEEP,
          "all of it gone", _ended("stopped"), stop="daemon"),
    Siege("detaches", "leave a daemon behind and end",
          _DAEMON + "daemon()\nuntil = time.monotonic() + 5\n"
          "while not os.path.exists(OUT + '/daemon') and time.monotonic() < until: pass\n",
          "the daemon is gone", lambda result: result.reason == "exited" and result.exit_code == 0),
    Siege("prints 1 GB", "print a gigabyte",
          "chunk = b'x' * 2**20\nfor _ in range(1024): os.write(1, chunk)\n",
          "the log ends at its limit",
          lambda result: result.exit_code == 0 and result.log_bytes < 1.1 * MEGABYTE
          and "the log is full" in result.log,
          {"log_bytes": MEGABYTE, "wall_s": 60.0}, slow=True),
    Siege("chains", "outlive the job as processes that fork and exit at once",
          _CHAINS, "all of it gone",
          lambda result: result.reason == "exited" and result.exit_code == 0
          and result.results == ["alive", "chain", "sub/result"], _MANY),
    Siege("chains, stopped", "the same, and be stopped",
          _CHAINS + "open(OUT + '/started', 'w').close()\n" + _SLEEP, "all of it gone",
          _ended("stopped"), _MANY, stop="started"),
    Siege("mapped files", "write deleted files that it keeps mapped",
          _DELETED + "libc.mmap.restype = ctypes.c_long\n"
          "for n in range(16):\n"
          "    file = deleted(n)\n"
          "    checked(libc.mmap(None, ctypes.c_long(4096), 1, 1, file.fileno(), 0))\n"
          "    file.close(); time.sleep(0.01)\n" + _SLEEP,
          "ended: too much output", _ended("output_size"), {"output_bytes": 64 * MEGABYTE}),
    Siege("files in flight", "write deleted files that wait in a socket",
          _DELETED + "ours, theirs = socket.socketpair()\n"
          "for n in range(16):\n"
          "    with deleted(n) as file: socket.send_fds(ours, [b'x'], [file.fileno()])\n"
          "    time.sleep(0.01)\n" + _SLEEP,
          "ended: too much output", _ended("output_size"), {"output_bytes": 64 * MEGABYTE}),
    Siege("memory files", "fill files in memory, behind thousands of open descriptors",
          _RAW + "for _ in range(6):\n"
          "    if os.fork() == 0:\n"
          "        try:\n"
          "            for _ in range(900): os.dup(0)\n"
          "        except OSError: pass\n"
          "        time.sleep(60)\n"
          "filler = os.fork()\n"
          "if filler: os.waitpid(filler, 0); sys.exit('refused')\n"
          "for n in range(20): os.write(os.memfd_create(str(n)), b'x' * 2**24)\n" + _SLEEP,
          "ended: too much memory, or refused", _memory_or_refused,
          {"memory_bytes": 128 * MEGABYTE, "wall_s": 8.0}),
    Siege("System V memory", "fill shared memory and let go of it",
          _RAW + "libc.shmat.restype = ctypes.c_void_p\nmade = []\n"
          "try:\n"
          "    for _ in range(20):\n"
          "        made.append(checked(libc.shmget(0, ctypes.c_size_t(2**24), 0o600)))\n"
          "        at = libc.shmat(made[-1], None, 0); ctypes.memset(at, 1, 2**24)\n"
          "        libc.shmdt(ctypes.c_void_p(at))\n"
          "    until = time.monotonic() + 5\n"
          "    while time.monotonic() < until: time.sleep(0.05)\n"
          "finally:\n"
          "    for one in made: libc.shmctl(one, 0, None)\n",
          "ended: too much memory, or refused", _memory_or_refused,
          {"memory_bytes": 128 * MEGABYTE}),
    Siege("full sockets", "fill sockets that nobody reads",
          _RAW + "for _ in range(3): os.fork()\n"
          "kept = []\n"
          "try:\n"
          "    while True:\n"
          "        kept += socket.socketpair()\n"
          "        for one in kept[-2:]:\n"
          "            one.setblocking(False)\n"
          "            try:\n"
          "                while True: one.send(b'x' * 65536)\n"
          "            except BlockingIOError: pass\n"
          "except OSError: pass\n" + _SLEEP,
          "ended: too much memory", _ended("memory"), {"memory_bytes": 128 * MEGABYTE}),
    Siege("memory given back", "fill shared memory and give it back to the kernel",
          _RAW + "for _ in range(20):\n"
          "    area = mmap.mmap(-1, 2**24); area.write(b'x' * 2**24)\n"
          "    area.madvise(mmap.MADV_DONTNEED); globals().setdefault('kept', []).append(area)\n"
          + _SLEEP,
          "ended: too much memory", _ended("memory"), {"memory_bytes": 128 * MEGABYTE}),
    Siege("evil names", "write links, pipes, sockets, and names that mislead",
          "import socket\nos.chdir(OUT)\n"
          "for name in ('ok', 'new\\nline', '..evil', '...', 'a' * 200, 'esc\\x1b[2J',\n"
          "             b'\\xff\\xfe', 'back\\\\slash', '%2e%2e', 'algorithm.log'):\n"
          "    open(name, 'w').close()\n"
          "os.symlink('/etc/passwd', 'link'); os.symlink('..', 'up'); os.symlink('ok', 'soft')\n"
          "os.mkfifo('pipe'); os.mkdir('locked'); open('locked/in', 'w').close()\n"
          "open('one', 'w').close(); os.link('one', 'two')\n"
          "os.symlink('/', 'locked/root')\nos.chmod('locked', 0)\n"
          "os.unlink(os.environ['LOGS'] + '/algorithm.log')\n"
          "os.symlink('/etc/passwd', os.environ['LOGS'] + '/algorithm.log')\n",
          "the eight plain files are published, the rest is not",
          lambda result: result.results == [
              "%2e%2e", "...", "..evil", "a" * 200, "back\\slash", "ok", "outputs-algorithm.log",
              "locked/in",
          ] and "root:" not in result.log),
    Siege("writes its log", "overwrite its log, with more than a log may have",
          "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
          "print('printed', flush=True)\n"
          "with open(os.environ['LOGS'] + '/algorithm.log', 'w') as file:\n"
          "    file.write('written ' * 2**18)\n",
          "what was printed stays, the log ends at its limit",
          lambda result: "printed" in result.log and "written" in result.log
          and result.log_bytes < 1.1 * MEGABYTE, {"log_bytes": MEGABYTE}),
)  # fmt: skip


def program(siege: Siege) -> str:
    """Return the whole algorithm of a siege."""
    return _START + siege.code


def bytes_below(folder: Path) -> int:
    """Add up what is left below a folder that is not too deep."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
