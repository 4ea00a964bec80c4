"""What a hostile algorithm tries, as code that runs inside a job.

An attempt is a few lines that raise if they get nothing. All of them run in one job, and each is
judged on its own; what they would have changed is looked at from outside, too. No attempt does
harm where it succeeds: it opens and does not write, sends signal 0, sets what is already set, or
aims at victims that were made for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from textwrap import indent
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """One thing tried.

    Attributes:
        name: A short name.
        area: Where it belongs in the table.
        what: What was tried, in words.
        code: Lines of Python; they raise unless the attempt succeeds.
    """

    name: str
    area: str
    what: str
    code: str


FILES, CHANGES, NETWORK, PROCESSES, KERNEL, INPUTS = (
    "Read what is not its own",
    "Change what is not its own",
    "Reach a network",
    "Reach other processes",
    "Reach into the kernel",
    "Change its inputs",
)

ATTEMPTS = (
    Attempt("inherited files", FILES, "find a file descriptor that was left open",
            "[fd for fd in range(3, 1024) if is_open(fd)][0]"),
    Attempt("another job's input", FILES, "read an input of another job", "read(T.other)"),
    Attempt("the other jobs", FILES, "list the folder with all jobs", "os.listdir(T.jobs)"),
    Attempt("the Provider's key", FILES, "read `keys.json` of the network", "read(T.key)"),
    Attempt("the database", FILES, "read the network's database", "read(T.database)"),
    Attempt("its own control files", FILES, "read the runner's files of its own job",
            "read(T.control)"),
    Attempt("the home", FILES, "read a file of the user's home", "read(T.home + '/.ssh/id_rsa')"),
    Attempt("list the home", FILES, "list the user's home", "os.listdir(T.home)"),
    Attempt("/etc/shadow", FILES, "read `/etc/shadow`", "read('/etc/shadow')"),
    Attempt("/etc/passwd", FILES, "read `/etc/passwd`", "read('/etc/passwd')"),
    Attempt("/root", FILES, "list `/root` and `/home`",
            "os.listdir('/root'); os.listdir('/home')"),
    Attempt("through /proc", FILES, "read the key through `/proc/1/root` and `/proc/self/root`",
            "any_of(lambda: read('/proc/1/root' + T.key), "
            "lambda: read('/proc/self/root' + T.key), "
            "lambda: read('/proc/%d/root' % T.victim + T.key))"),
    Attempt("a link in the outputs", FILES, "read the key through a symbolic link it made",
            "os.symlink(T.key, OUT + '/key'); read(OUT + '/key')"),
    Attempt("a hard link", FILES, "make a hard link to the key in the outputs",
            "os.link(T.key, OUT + '/hard')"),
    Attempt("by handle", FILES, "open by file handle (`name_to_handle_at`)",
            "handle = ctypes.create_string_buffer(b'\\x80\\0\\0\\0', 256)\n"
            "call(303, -100, T.key.encode(), handle, ctypes.byref(ctypes.c_int()), 0)"),
    Attempt("watch the home", FILES, "watch the user's home with inotify",
            "fd = call(294, 0); call(254, fd, T.home.encode(), 0xfff)"),
    Attempt("environment", FILES, "find a variable of the network's environment",
            "os.environ['NETWORK_SECRET']"),
    Attempt("devices", FILES, "open a disk, memory, the kernel's log, the terminal",
            "any_of(*[lambda name=name: os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK)) "
            "for name in ('/dev/sda', '/dev/vda', '/dev/nvme0n1', '/dev/mem', '/dev/kmsg', "
            "'/dev/tty')])"),
    Attempt("write the key", CHANGES, "open the key for writing", "os.open(T.key, os.O_WRONLY)"),
    Attempt("truncate", CHANGES, "truncate a file of the home", "os.truncate(T.home + '/file', 0)"),
    Attempt("truncate by opening", CHANGES, "truncate with `O_RDONLY | O_TRUNC`",
            "os.open(T.home + '/file', os.O_RDONLY | os.O_TRUNC)"),
    Attempt("rename", CHANGES, "rename a file of the home",
            "os.rename(T.home + '/file', T.home + '/moved')\n"
            "os.rename(T.home + '/moved', T.home + '/file')"),
    Attempt("new file", CHANGES, "make a file in the home", "open(T.home + '/new', 'x')"),
    Attempt("move out", CHANGES, "move a file out of its own folders",
            "open(OUT + '/moved', 'w').close(); os.rename(OUT + '/moved', T.home + '/moved')"),
    Attempt("delete", CHANGES, "delete a file of the home", "os.unlink(T.home + '/file')"),
    Attempt("owner", CHANGES, "give the key to itself",
            "os.chown(T.key, os.getuid(), os.getgid())"),
    Attempt("attributes", CHANGES, "set an extended attribute of the key",
            "os.setxattr(T.key, 'user.localnet', b'x')"),
    Attempt("a program", CHANGES, "open a program of the system for writing",
            "os.open('/usr/bin/env', os.O_WRONLY)"),
    Attempt("a program's mode", CHANGES, "open the interpreter's wrapper for writing",
            "os.open(shutil.which('python3'), os.O_WRONLY)"),
    Attempt("the root", CHANGES, "make a file in `/`, `/usr`, `/etc` and `/dev`",
            "any_of(*[lambda name=name: leave_and_remove(name + '/localnet-was-here') "
            "for name in ('/', '/usr', '/etc', '/dev')])"),
    Attempt("setuid", CHANGES, "leave a setuid program in the outputs",
            "open(OUT + '/suid', 'w').close(); os.chmod(OUT + '/suid', 0o4755)\n"
            "if not os.stat(OUT + '/suid').st_mode & 0o4000: raise OSError('it is none')"),
    Attempt("setuid at once", CHANGES, "make a file that is setuid from the beginning",
            "os.open(OUT + '/suid2', os.O_CREAT | os.O_WRONLY, 0o4755)\n"
            "if not os.stat(OUT + '/suid2').st_mode & 0o4000: raise OSError('it is none')"),
    Attempt("a device", CHANGES, "make a device file in the outputs",
            "os.mknod(OUT + '/disk', 0o60600, os.makedev(8, 0))"),
    Attempt("mount", CHANGES, "mount a file system over its folders",
            "call(165, b'tmpfs', TMP.encode(), b'tmpfs', 0, b'')"),
    Attempt("bind mount", CHANGES, "bind the machine's root into its folders",
            "call(165, b'/', TMP.encode(), b'', 4096, b'')"),
    Attempt("change an input", INPUTS, "open an input for writing",
            "os.open(IN + '/file', os.O_WRONLY)"),
    Attempt("a new input", INPUTS, "make a file among the inputs", "open(IN + '/new', 'x')"),
    Attempt("rename an input", INPUTS, "rename an input",
            "os.rename(IN + '/file', IN + '/other')\n"
            "os.rename(IN + '/other', IN + '/file')"),
    Attempt("link an input", INPUTS, "make a hard link to an input in the outputs",
            "os.link(IN + '/file', OUT + '/input')"),
    Attempt("delete an input", INPUTS, "delete an input", "os.unlink(IN + '/file')"),
    Attempt("the algorithm", INPUTS, "open the algorithm's file for writing",
            "os.open(VOLUME + '/transformations/algorithm', os.O_WRONLY)"),
    Attempt("TCP", NETWORK, "connect to a TCP port of the machine",
            "socket.create_connection(('127.0.0.1', T.tcp4), 2)"),
    Attempt("TCP, IPv6", NETWORK, "connect to a TCP port over IPv6",
            "socket.create_connection(('::1', T.tcp6), 2)"),
    Attempt("UDP", NETWORK, "send UDP, over IPv4 and IPv6, and get an answer",
            "any_of(lambda: echo(socket.AF_INET, ('127.0.0.1', T.udp4)), "
            "lambda: echo(socket.AF_INET6, ('::1', T.udp6)))"),
    Attempt("Unix socket", NETWORK, "connect to a Unix socket by its path",
            "socket.socket(socket.AF_UNIX).connect(T.unix)"),
    Attempt("Unix datagrams", NETWORK, "send to a Unix socket from a socket pair",
            "pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
            "pair[0].sendto(b'x', T.unix_datagrams)"),
    Attempt("abstract Unix socket", NETWORK, "connect to an abstract Unix socket",
            "socket.socket(socket.AF_UNIX).connect(chr(0) + T.abstract)"),
    Attempt("netlink", NETWORK, "open a netlink socket", "socket.socket(16, socket.SOCK_RAW, 0)"),
    Attempt("raw sockets", NETWORK, "open a raw socket",
            "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"),
    Attempt("packet sockets", NETWORK, "open a packet socket",
            "socket.socket(17, socket.SOCK_RAW, 0)"),
    Attempt("vsock", NETWORK, "open a socket to the hypervisor", "socket.socket(40, 1, 0)"),
    Attempt("crypto sockets", NETWORK, "open a socket of the kernel's crypto",
            "socket.socket(38, 5, 0)"),
    Attempt("io_uring", NETWORK, "set up io_uring, which opens sockets past filters",
            "call(425, 4, ctypes.create_string_buffer(256))"),
    Attempt("see a process", PROCESSES, "find a process of its user by its number",
            "os.kill(T.victim, 0)"),
    Attempt("signal the network", PROCESSES, "signal the network's process",
            "os.kill(T.network, 0)"),
    Attempt("signal all", PROCESSES, "signal every process there is",
            "os.kill(-1, 0)\n"
            "if not is_seen(T.victim): raise OSError('only its own')"),
    Attempt("signal by io", PROCESSES, "have the kernel signal another process for it",
            "read_fd, write_fd = os.pipe(); fcntl.fcntl(read_fd, fcntl.F_SETOWN, T.victim)\n"
            "if not is_seen(T.victim): raise OSError('only its own')"),
    Attempt("signal by pidfd", PROCESSES, "signal through a process descriptor",
            "fd = call(434, T.victim, 0); call(424, fd, 0, None, 0)"),
    Attempt("command lines", PROCESSES, "read a command line of another process",
            "read('/proc/%d/cmdline' % T.victim)"),
    Attempt("environments", PROCESSES, "read the environment of the network's process",
            "read('/proc/%d/environ' % T.network)"),
    Attempt("/proc/1/environ", PROCESSES, "find the network's secret in `/proc/*/environ`",
            "for name in os.listdir('/proc'):\n"
            "    if name.isdigit():\n"
            "        try: text = open('/proc/%s/environ' % name, 'rb').read()\n"
            "        except OSError: continue\n"
            "        if b'NETWORK_SECRET' in text: break\n"
            "else: raise OSError('in none')"),
    Attempt("memory", PROCESSES, "read memory of another process (`process_vm_readv`)",
            "call(310, T.victim, None, 0, None, 0, 0)"),
    Attempt("ptrace", PROCESSES, "trace another process", "call(101, 0x4206, T.victim, 0, 0)"),
    Attempt("limits", PROCESSES, "change the limits of another process",
            "resource.prlimit(T.victim, resource.RLIMIT_CORE, (0, 0))"),
    Attempt("priority", PROCESSES, "slow another process down",
            "os.setpriority(os.PRIO_PROCESS, T.victim, 1)"),
    Attempt("cores", PROCESSES, "choose the cores of another process",
            "os.sched_setaffinity(T.victim, os.sched_getaffinity(0))"),
    Attempt("System V memory", PROCESSES, "read a System V memory segment of its user",
            "call(30, T.memory, None, 0o10000)"),
    Attempt("keyring", PROCESSES, "find a key in the session's keyring",
            "call(250, 10, -3, b'user', b'localnet', 0)"),
    Attempt("namespaces", PROCESSES, "enter another process's namespaces",
            "call(308, os.open('/proc/%d/ns/net' % T.victim, os.O_RDONLY), 0)"),
    Attempt("another user", KERNEL, "become another user", "os.setuid(12345)"),
    Attempt("setuid programs", KERNEL, "be able to gain rights from setuid programs",
            "if libc.prctl(39, 0, 0, 0, 0) != 0: raise OSError('no_new_privs')"),
    Attempt("user namespace", KERNEL, "make a user namespace with `unshare`",
            "call(272, 0x10000000)"),
    Attempt("user namespace, clone", KERNEL, "make a user namespace with `clone`",
            "made = call(56, 0x10000011, 0, 0, 0, 0)\nif made == 0: os._exit(0)"),
    Attempt("sysrq", KERNEL, "open `/proc/sysrq-trigger`, which can halt the machine",
            "os.open('/proc/sysrq-trigger', os.O_WRONLY)"),
    Attempt("sysctl", KERNEL, "open `/proc/sys/kernel/core_pattern` for writing",
            "os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)"),
    Attempt("kernel memory", KERNEL, "open `/proc/kcore` and `/proc/kallsyms` for reading",
            "any_of(lambda: os.open('/proc/kcore', os.O_RDONLY), "
            "lambda: real_addresses())"),
    Attempt("host name", KERNEL, "set the machine's name", "call(170, b'localhost', 9)"),
    Attempt("bpf", KERNEL, "load a program into the kernel", "call(321, 0, None, 0)"),
    Attempt("perf", KERNEL, "watch the machine's performance counters",
            "call(298, ctypes.create_string_buffer(b'\\x01\\0\\0\\0\\x70', 128), 0, -1, -1, 0)"),
    Attempt("userfaultfd", KERNEL, "handle page faults of the kernel", "call(323, 0)"),
    Attempt("personality", KERNEL, "run with an executable stack", "call(135, 0x0400000)"),
    Attempt("32-bit calls", KERNEL, "make calls by their x32 numbers",
            "call(0x40000000 + 39)"),
    Attempt("unknown calls", KERNEL, "make a call newer than the filter",
            "call(468, -100, b'/', None, 0, 0)"),
)  # fmt: skip

_PREFACE = """
import ctypes, fcntl, json, os, resource, shutil, socket, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
VOLUME, IN, OUT, TMP = (os.environ[name] for name in ("VOLUME", "INPUTS", "OUTPUTS", "TMPDIR"))

class T:
    pass

for name, value in json.loads(%(targets)r).items():
    setattr(T, name, value)

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def call(number, *arguments):
    if os.uname().machine != "x86_64":
        raise OSError("numbers are known for x86_64 only")
    plain = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    result = libc.syscall(ctypes.c_long(number), *plain)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def any_of(*actions):
    errors = []
    for action in actions:
        try:
            return action()
        except Exception as error:
            errors.append(error)
    raise errors[-1]

def is_open(fd):
    try:
        # Python holds the algorithm itself open.
        return not os.path.samestat(os.fstat(fd), os.stat(sys.argv[0]))
    except OSError:
        return False

def leave_and_remove(path):
    open(path, "x").close()
    os.unlink(path)

def is_seen(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True

def echo(family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.settimeout(1)
        sender.sendto(b"x", address)
        sender.recv(1)

def real_addresses():
    with open("/proc/kallsyms") as file:
        if int(file.readline().split()[0], 16) == 0:
            raise OSError("zeros")

def attempt(name, action):
    try:
        action()
    except BaseException as error:
        said = str(error) or type(error).__name__
        print(json.dumps({"attempt": name, "got": False, "said": said}), flush=True)
    else:
        print(json.dumps({"attempt": name, "got": True, "said": ""}), flush=True)
"""


def program(targets: dict[str, Any]) -> str:
    """Write the algorithm that makes all attempts.

    Args:
        targets: What `T` has in the attempts' code.
    """
    parts = [_PREFACE % {"targets": json.dumps(targets)}]
    for number, item in enumerate(ATTEMPTS):
        parts.append(f"def attempt_{number}():\n{indent(item.code, '    ')}\n")
        parts.append(f"attempt({item.name!r}, attempt_{number})\n")
    # Modes and times may only seem to change: what counts is seen from outside.
    parts.append("""
for action in (
    lambda: os.chmod(T.key, 0o777), lambda: os.utime(T.key, (0, 0)),
    lambda: os.chmod(IN + "/file", 0o777), lambda: os.chmod("/dev/null", T.null_mode),
    lambda: os.chmod(T.home, 0o777),
):
    try:
        action()
    except OSError:
        pass
print(json.dumps({"attempt": "all", "got": False, "said": ""}), flush=True)
""")
    return "".join(parts)
