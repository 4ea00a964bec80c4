"""Install other clients from their registries, each in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = Path(os.environ.get("OCEAN_INTEROP_CACHE", ROOT / ".interop"))
REQUIREMENTS = HERE / "requirements-ocean-lib-0525.txt"
INSTALL_TIMEOUT_S = 900

Command: TypeAlias = Sequence[str | Path]


class CannotRunError(Exception):
    """A client could not be installed or run; the text says why."""


class MissingError(CannotRunError):
    """This machine lacks what the client runs on, so it is left out."""


def say(text: str) -> None:
    """Tell what is going on."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _install(command: Command, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the commands are those below
            command, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRunError(f"{command[0]}: {error}") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise CannotRunError(f"{' '.join(map(str, command[:4]))} failed: {' / '.join(last)}")


def output_of(command: Command) -> str | None:
    """Return what a command prints; None if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - the commands are those below
            command, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def _installed(folder: Path, wanted: str) -> Iterator[bool]:
    """Yield whether the folder already holds what is wanted; remember it when the body succeeds."""
    stamp = folder / ".installed"
    key = sha256(wanted.encode()).hexdigest()
    done = stamp.is_file() and stamp.read_text() == key
    if not done and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    yield done
    stamp.write_text(key)


def _python38() -> str:
    candidates: list[str | Path] = [os.environ.get("OCEAN_PYTHON38", ""), "python3.8"]
    for version in (output_of(["pyenv", "versions", "--bare"]) or "").splitlines():
        if version.startswith("3.8."):
            candidates.append(Path(output_of(["pyenv", "prefix", version]) or "", "bin", "python"))
    for candidate in filter(None, candidates):
        executable = output_of(
            [str(candidate), "-c", "import sys; print(sys.executable, *sys.version_info[:2])"]
        )
        if executable and executable.endswith(" 3 8"):
            return executable.removesuffix(" 3 8")
    raise MissingError(
        "ocean-lib 0.5.25 needs Python 3.8, and none was found: put python3.8 on the PATH, install"
        " one with pyenv, or name one in OCEAN_PYTHON38"
    )


def install_ocean_lib() -> Command:
    """Install ocean-lib 0.5.25 from PyPI; return the command that runs its flow."""
    python = _python38()
    folder = CACHE / "ocean-lib-0.5.25"
    interpreter = folder / "bin" / "python"
    with _installed(folder, python + REQUIREMENTS.read_text()) as done:
        if not done:
            say("installing ocean-lib 0.5.25 for Python 3.8 (about a minute, the first time)")
            _install([python, "-m", "venv", folder])
            pip = [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check"]
            # Two of the old packages have a setup.py and nothing else.
            _install([*pip, "wheel==0.45.1", "setuptools<81"])
            _install([*pip, "--no-deps", "-r", str(REQUIREMENTS)])
    return [interpreter, "-u", HERE / "ocean_lib_0525.py"]


def install_ocean_js() -> Command:
    """Install ocean.js 0.17 from npm; return the command that runs its flow."""
    return _install_from_npm("0.17", HERE / "ocean_js")


def install_ocean_js_for_nodes() -> Command:
    """Install ocean.js 8.6.2 from npm; return the command that runs its flow."""
    return _install_from_npm("8.6.2", HERE / "ocean_js_node")


def _install_from_npm(release: str, source: Path) -> Command:
    version = output_of(["node", "--version"])
    if not version or int(version.lstrip("v").split(".")[0]) < 18 or not shutil.which("npm"):
        raise MissingError(
            f"ocean.js needs Node.js 18 or newer with npm, found {version or 'none'}"
        )
    folder = CACHE / f"ocean-js-{release}"
    package = (source / "package.json").read_text()
    with _installed(folder, package + version.split(".")[0]) as done:
        if not done:
            say(f"installing ocean.js {release} (a minute, the first time)")
            shutil.copytree(source, folder, dirs_exist_ok=True)
            npm = [
                "npm",
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ]
            _install(npm, cwd=folder)
        shutil.copy(source / "flow.mjs", folder)  # modules are looked for beside it
    return ["node", folder / "flow.mjs"]
