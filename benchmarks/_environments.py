"""Environments to measure: this library's and ocean-lib 0.5.25's on Python 3.8."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLD_VERSION = "0.5.25"
OLD_PINS = ROOT / "interop" / "requirements-ocean-lib-0525.txt"
_TOOLS = ("pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack", "distutils-precedence")


@dataclass(frozen=True)
class Environment:
    """A virtual environment with one of the clients.

    Attributes:
        name: which.
        python: its interpreter.
        wheels_only: whether it was installed from wheels alone: no compiler, no build step.
        driver: the file that has the client at work.
    """

    name: str
    python: Path
    wheels_only: bool
    driver: str = "_driver.py"

    @property
    def command(self) -> Sequence[str | Path]:
        """What runs its driver."""
        return [self.python, "-I", Path(__file__).with_name(self.driver)]

    @property
    def site(self) -> Path:
        """Where its packages lie."""
        return next(self.python.parents[1].glob("lib/python*/site-packages"))

    def size_bytes(self, *, with_bytecode: bool = True) -> int:
        """Return what the client and its dependencies take on disk, without pip and the like.

        Args:
            with_bytecode: count what Python compiled from the modules, too.
        """
        return sum(
            file.stat().st_size
            for part in self._parts()
            for file in ([part] if part.is_file() else part.rglob("*"))
            if file.is_file() and (with_bytecode or file.suffix != ".pyc")
        )

    def packages(self) -> dict[str, str]:
        """Return the installed packages and their versions, without pip and the like."""
        names = [
            part.name.removesuffix(".dist-info").removesuffix(".egg-info")
            for part in self._parts()
            if part.name.endswith((".dist-info", ".egg-info"))
        ]
        return dict(sorted(tuple(name.split("-")[:2]) for name in names))

    def version(self) -> str:
        """Return the Python version."""
        code = "import platform; print(platform.python_version())"
        return _output([str(self.python), "-c", code])

    def facts(self) -> str:
        """Return the versions that its figures depend on."""
        wanted = ("requests", "urllib3", "web3", "eth_account", "eth_keys", "coincurve")
        packages = {name.lower().replace("-", "_"): v for name, v in self.packages().items()}
        found = [f"{name} {packages[name]}" for name in wanted if name in packages]
        return ", ".join([f"Python {self.version()}", *found])

    def _parts(self) -> list[Path]:
        return [part for part in self.site.iterdir() if not part.name.startswith(_TOOLS)]


def ours(cache: Path) -> Environment:
    """Install this working tree, as its users would get it: a wheel, and wheels for the rest."""
    pins = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()[:12]
    folder = cache / f"ocean-compute-{sys.version_info[0]}.{sys.version_info[1]}-{pins}"
    python = _made(folder, Path(sys.executable))
    with tempfile.TemporaryDirectory() as built:
        # A copy: building in place leaves a build folder, whose old files would get into the wheel.
        source = Path(built, "source")
        shutil.copytree(ROOT / "ocean_lib", source / "ocean_lib")
        for part in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
            shutil.copy(ROOT / part, source)
        _pip(python, "wheel", "--no-deps", "--wheel-dir", built, str(source))
        (wheel,) = Path(built).glob("*.whl")
        _pip(python, "install", "--only-binary", ":all:", str(wheel))
        _pip(python, "install", "--no-deps", "--force-reinstall", str(wheel))
    return Environment("ocean-compute", python, wheels_only=True)


def old(cache: Path) -> Environment | None:
    """Install ocean-lib 0.5.25 from PyPI; None where there is no Python 3.8."""
    found = _python38()
    if found is None:
        return None
    folder = cache / f"ocean-lib-{OLD_VERSION}"
    is_new = not folder.exists()
    python = _made(folder, found)
    marker = folder / "wheels-only"
    if is_new or not marker.exists():
        pins = ["--constraint", str(OLD_PINS)] if OLD_PINS.exists() else []
        wanted = [*pins, f"ocean-lib=={OLD_VERSION}"]
        wheels_only = _pip(python, "install", "--only-binary", ":all:", *wanted, check=False)
        if not wheels_only:
            _pip(python, "install", *wanted)
        marker.write_text(str(wheels_only), encoding="ascii")
    return Environment(f"ocean-lib {OLD_VERSION}", python, marker.read_text() == "True")


def _python38() -> Path | None:
    """Look for a Python 3.8 that runs: OCEAN_PYTHON38, the PATH, pyenv's versions."""
    candidates = [os.environ.get("OCEAN_PYTHON38"), shutil.which("python3.8")]
    if shutil.which("pyenv"):
        versions = Path(_output(["pyenv", "root"]), "versions")
        candidates += [str(path) for path in sorted(versions.glob("3.8.*/bin/python3.8"))]
    for candidate in filter(None, candidates):
        # A pyenv shim is there for every version, and refuses to run those not chosen.
        if _output([candidate, "-c", "import sys; print(sys.version_info[:2])"]) == "(3, 8)":
            return Path(candidate)
    return None


def _made(folder: Path, base: Path) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
    return python


def _pip(python: Path, *arguments: str, check: bool = True) -> bool:
    command = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"pip {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return done.returncode == 0


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:  # named, and not there
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
