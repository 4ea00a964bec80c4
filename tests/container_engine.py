"""A container engine for tests, and an image made of this machine's own Python.

Where DOCKER_HOST names an engine, that one is used. Else `dockerd` is started, if it is installed
and this is root: on a socket and with a data folder of its own, without any network. No registry
is needed: the image is a tar with the interpreter, a shell and their libraries.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

IMAGE = "ocean-test-python:1"
ALSO = ("python:3.8", "python:3.10", "python:3.11")
"""What other tests call the image."""
PACKAGE = "only_in_the_image"
"""A package that is nowhere but in the image; its `answer` is 42."""
HOW = (
    "needs a container engine: install Debian's docker.io and run the tests as root, or name an "
    "engine on this machine in DOCKER_HOST"
)
_START_S = 60
_LEFT_OUT = {"test", "tests", "site-packages", "idlelib", "tkinter", "ensurepip", "turtledemo"}
_LEFT_OUT |= {"__pycache__", "lib2to3", "config"}


def why_none() -> str:
    """Return why there is no engine and none can be started; empty if there can be one."""
    if os.environ.get("DOCKER_HOST"):
        return ""
    if shutil.which("dockerd") is None or os.getuid() != 0:
        return HOW
    return ""


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """Run an engine, with the image in it, and yield where it listens."""
    given = os.environ.get("DOCKER_HOST")
    if given:
        _make_image(given)
        yield given
        return
    url = f"unix://{folder}/docker.sock"
    command = ["dockerd", "-H", url, "--data-root", str(folder / "data"), "--exec-root",
               str(folder / "exec"), "--pidfile", str(folder / "dockerd.pid"), "--bridge=none",
               "--iptables=false", "--ip-masq=false"]  # fmt: skip
    with (folder / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _make_image(url, daemon, folder / "dockerd.log")
        yield url
    finally:
        daemon.terminate()
        daemon.wait(60)
        _unmount_below(folder)


def _unmount_below(folder: Path) -> None:
    """Unmount what the engine left: the machine's network, once a container has used that."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", place], check=False)


@contextmanager
def short_folder() -> Iterator[Path]:
    """Make a folder with a short path: a socket's may have about 100 characters."""
    with tempfile.TemporaryDirectory(prefix="oc-") as name:
        yield Path(name)


def main() -> int:
    """Run a command with an engine in DOCKER_HOST, and return its exit status."""
    reason = why_none()
    if reason:
        print(f"Skipped: {reason}")  # noqa: T201 (for who runs it)
        return 0
    with short_folder() as folder, engine(folder) as url:
        environment = {**os.environ, "DOCKER_HOST": url}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


def client(url: str) -> Any:
    """Return the engine's client."""
    import docker

    return docker.APIClient(url, version="auto", timeout=60)


def _make_image(
    url: str, daemon: subprocess.Popen[bytes] | None = None, log: Path | None = None
) -> None:
    from ocean_lib.localnet.runners.containers.engine import Engine

    deadline = time.monotonic() + _START_S
    while True:
        try:
            Engine(url).close()
            break
        except Exception as error:
            ended = daemon is not None and daemon.poll() is not None
            if ended or time.monotonic() > deadline:
                told = log.read_text(errors="replace")[-2000:] if log else ""
                raise RuntimeError(f"the engine does not start: {error}\n{told}") from error
            time.sleep(0.1)
    api = client(url)
    name, _, tag = IMAGE.partition(":")
    if not api.images(name):
        api.import_image_from_data(python_root(), repository=name, tag=tag)
    for other in ALSO:
        api.tag(IMAGE, *other.split(":"))
    api.close()


def python_root() -> bytes:
    """Return a root file system, as a tar: Python, a shell, and what they are linked with."""
    content = io.BytesIO()
    library = Path(sysconfig.get_paths(vars={"base": sys.base_prefix})["stdlib"])
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = Path(sys.base_prefix, "bin", version)
    programs = [Path("/bin/sh"), interpreter, *library.glob("lib-dynload/*.so")]
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in ("data", "tmp", "etc", "proc", "sys", "dev"):
            _add_folder(tar, name)
        _add(tar, Path("/bin/sh"), "bin/sh")
        _add(tar, interpreter, f"usr/local/bin/{version}")
        for link in ("python", "python3"):
            _add_link(tar, f"usr/local/bin/{link}", version)
        tar.add(library, f"usr/local/lib/{version}", filter=_wanted)
        for path in _linked(programs):
            _add(tar, path, str(path)[1:])
        _add_text(tar, f"usr/local/lib/{version}/site-packages/{PACKAGE}.py", "answer = 42\n")
        _add_text(tar, "etc/passwd", "root:x:0:0::/:/bin/sh\n")
    return content.getvalue()


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if any(part in _LEFT_OUT or part.startswith("config-") for part in Path(entry.name).parts):
        return None
    entry.uid = entry.gid = 0
    entry.mode |= 0o555 if entry.isdir() else 0o444
    return entry


def _linked(programs: list[Path]) -> list[Path]:
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False)
    found = re.findall(r"(/[^ \t]+\.so[^ \t]*) \(0x", done.stdout)
    return [Path(path) for path in sorted(set(found))]


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tar.gettarinfo(str(path.resolve()), name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.REGTYPE, 0o755, 0, 0
    entry.size = path.stat().st_size
    with path.open("rb") as file:
        tar.addfile(entry, file)


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry)


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o644, len(text)
    tar.addfile(entry, io.BytesIO(text.encode()))


if __name__ == "__main__":
    sys.exit(main())
