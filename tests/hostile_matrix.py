"""Run the hostile algorithms on every tier here, as this user and as an ordinary one."""

from __future__ import annotations

import functools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocean_lib.localnet.runners.isolation import available_tiers
from tests.hostile_run import NOTHING, OLD_LANDLOCK

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "tests" / "hostile_run.py"
_PATIENCE_S = 900
_SYSTEM_PYTHON = "/usr/bin/python3"
_USABLE = (
    "import sys; assert sys.version_info >= (3, 10); sys.path.insert(0, {root!r}); "
    "from ocean_lib.localnet.runners.isolation import tier_named; print(tier_named({tier!r}).name)"
)


@dataclass(frozen=True)
class Ground:
    """Where the hostile algorithms are let loose.

    Attributes:
        tier: The isolation, or `OLD_LANDLOCK`.
        user: The name of the user who runs the network.
    """

    tier: str
    user: str

    def __str__(self) -> str:
        return f"{self.tier}, {self.user}"

    @property
    def is_this_user(self) -> bool:
        return self.user == pwd.getpwuid(os.getuid()).pw_name


@functools.cache
def grounds() -> tuple[Ground, ...]:
    """Find the tiers that work, for this user and, where this one is root, for another."""
    here = pwd.getpwuid(os.getuid()).pw_name
    tiers = [tier.name for tier in available_tiers()]
    if "landlock" in tiers:
        tiers.insert(tiers.index("landlock") + 1, OLD_LANDLOCK)
    found = [Ground(tier, here) for tier in tiers]
    if os.getuid() == 0:
        ordinary = [Ground(tier, "nobody") for tier in tiers if tier != OLD_LANDLOCK]
        found += [ground for ground in ordinary if _usable(ground)]
    return tuple(found)


def control() -> Ground | None:
    """Return where the attempts can be made without a runner: never as root."""
    ordinary = [ground.user for ground in grounds() if ground.user != "root"]
    return Ground(NOTHING, ordinary[0]) if ordinary else None


def run(ground: Ground, *, thorough: bool = True) -> dict[str, Any]:
    """Let them loose and return what `hostile_run` tells.

    Args:
        ground: Where.
        thorough: Whether to run everything everywhere, also where it makes no difference.
    """
    alike = not ground.is_this_user or ground.tier in ("limits", OLD_LANDLOCK)
    options = ["--quick"] if alike and not thorough else []
    parent = Path(tempfile.mkdtemp(prefix="ocean-hostile-"))
    try:
        parent.chmod(0o711)
        folder = parent / "ground"
        if not ground.is_this_user:
            # It makes the folder itself, in one that it may write to.
            (parent / "own").mkdir()
            shutil.chown(parent / "own", ground.user)
            folder = parent / "own" / "ground"
        arguments = [ground.tier, str(folder), *options]
        done = _as_user(ground, [str(PROGRAM), *arguments])
    finally:
        shutil.rmtree(parent, ignore_errors=True)
    if done.returncode != 0:
        raise RuntimeError(f"{ground}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run_all(*, thorough: bool = True) -> dict[str, dict[str, Any]]:
    """Run everything, some grounds at a time: most of it is waiting."""
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda ground: run(ground, thorough=thorough), grounds())
        return {str(ground): found for ground, found in zip(grounds(), results, strict=True)}


def _usable(ground: Ground) -> bool:
    code = _USABLE.format(root=str(ROOT), tier=ground.tier)
    try:
        return _as_user(ground, ["-c", code]).stdout.strip() == ground.tier
    except (OSError, subprocess.SubprocessError):
        return False


def _as_user(ground: Ground, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    if ground.is_this_user:
        return subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False,
            timeout=_PATIENCE_S, env=environment, cwd="/",
        )  # fmt: skip
    user = pwd.getpwnam(ground.user)
    return subprocess.run(
        [_SYSTEM_PYTHON, *arguments], capture_output=True, text=True, check=False,
        timeout=_PATIENCE_S, env=environment, cwd="/", user=user.pw_uid, group=user.pw_gid,
        extra_groups=[],
    )  # fmt: skip
