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
        survivors: Processes of the job that are still alive.
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
          slow=True),
    Siege("names without end", "write more names than could ever be published",
          "for n in range(3000): open(f'{OUT}/{n}', 'w').close()\n" + _SLEEP,
          "ended: too many names", _ended("output_size"), {"output_files": 20}, slow=True),
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
