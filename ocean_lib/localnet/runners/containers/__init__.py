"""Run algorithms in containers of their own images: Docker, or Podman through the same API."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.runners import named
from ocean_lib.localnet.runners.named import NamedRunner, RunnerUnusable

if TYPE_CHECKING:
    from ocean_lib.localnet.runners.containers.engine import Engine
    from ocean_lib.localnet.runners.containers.runner import ContainerRunner

OPTIONS = MappingProxyType(
    {
        "engine": "",  # where DOCKER_HOST says, else the first of the usual sockets
        "pull": "missing",
        "network": "default",  # for algorithms that may use one
        "grace_s": "60",
        "seccomp": "",  # a file with a profile in place of the engine's own
    }
)
_PULL = ("missing", "always", "never")


def check(asked: NamedRunner) -> None:
    """See `NamedRunner.check`."""
    _connected(asked).close()


def make(asked: NamedRunner, folder: Path) -> ContainerRunner:
    """See `NamedRunner.make`."""
    from ocean_lib.localnet.runners.containers.runner import ContainerRunner
    from ocean_lib.localnet.state.folder import TEMPORARY

    engine = _connected(asked)
    options = asked.options_with(OPTIONS)
    # What is in a temporary folder, nobody can continue with.
    grace_s = 0.0 if (folder / TEMPORARY).exists() else float(options["grace_s"])
    return ContainerRunner(
        engine, folder, pull=options["pull"], network=options["network"], grace_s=grace_s
    )


def _connected(asked: NamedRunner) -> Engine:
    options = asked.options_with(OPTIONS)
    if asked.isolation not in (None, named.CONTAINER):
        raise BadOption(
            f"isolation (--isolation): {asked.isolation!r} is for processes of this machine; the "
            f"runner {asked.name!r} has the isolation {named.CONTAINER!r}, or leave it out"
        )
    if options["pull"] not in _PULL:
        known = ", ".join(_PULL)
        raise BadOption(f"runner option pull: expected one of {known}; got {options['pull']!r}")
    if not options["grace_s"].isdecimal():
        text = f"runner option grace_s: expected whole seconds; got {options['grace_s']!r}"
        raise BadOption(text)
    if find_spec("docker") is None:
        raise RunnerUnusable(
            "the package that talks to container engines is not installed: "
            'pip install "ocean-compute[localnet,containers]"'
        )
    from ocean_lib.localnet.runners.containers.engine import Engine

    return Engine(options["engine"], seccomp=_profile(options["seccomp"]))


def _profile(path: str) -> str:
    if not path:
        return ""
    try:
        text = Path(path).read_text(encoding="utf-8")
        json.loads(text)
    except (OSError, ValueError) as error:
        raise BadOption(f"runner option seccomp: {path} is not a profile: {error}") from error
    return text
