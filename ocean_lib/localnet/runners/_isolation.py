"""Choose what separates algorithms from the machine: the strongest tier that works here.

Whether a tier works depends on the kernel and on its policies (Ubuntu 24.04 has bubblewrap and
forbids it the namespaces it needs), so each is tried by really running the interpreter in it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from ocean_lib.localnet.runners import CannotRun, Limits
from ocean_lib.localnet.runners._filters import Landlock, OnlyLimits, SandboxExec
from ocean_lib.localnet.runners._launch import supervise
from ocean_lib.localnet.runners._namespaces import Bubblewrap, Unshare
from ocean_lib.localnet.runners._place import (
    DATA,
    READ_ONLY,
    TOOLS,
    WRITABLE,
    Launch,
    Place,
    Tier,
    interpreter_paths,
    usual_python,
    write_wrappers,
)

LIMITS: Tier = OnlyLimits()
SEPARATING: tuple[Tier, ...] = (Bubblewrap(), Unshare(), Landlock(), SandboxExec())
NAMES = (*(tier.name for tier in SEPARATING), LIMITS.name)
_PROBE_S = 20.0
_probing = threading.Lock()
_probed: dict[tuple[Tier, str], str] = {}
_WHAT_TO_DO = """\
Choose one:
  - Linux: install bubblewrap (apt install bubblewrap), where policy lets it make namespaces. Ubuntu
    24.04 and later must be told: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0
  - in a container: start it with --security-opt seccomp=unconfined --security-opt
    apparmor=unconfined --security-opt systempaths=unconfined
  - any Linux from 6.2 on with Landlock needs neither: it is missing here, or switched off
  - if you would run every algorithm yourself: LocalNetwork(isolation="limits"), or --isolation
    limits on the command line. Then algorithms can read and change what you can."""


class UnknownIsolation(ValueError):
    """An isolation that was asked for but does not work on this machine."""


class Refused:
    """No tier: nothing separates algorithms here, and nobody said that nothing need to.

    The network starts all the same, so that assets can be published and ordered; a job ends
    with the reason.

    Args:
        reasons: Why each tier does not work.
    """

    name = "refused"
    own_root = False
    cuts_network = False
    notes: tuple[str, ...] = ()

    def __init__(self, reasons: dict[str, str]) -> None:
        tried = "\n".join(f"  - {name}: {reason}" for name, reason in reasons.items())
        self.reason = (
            "nothing on this machine separates an algorithm from your files and your network, so "
            f"no algorithm is run. Tried:\n{tried}\n{_WHAT_TO_DO}"
        )

    def launch(self, place: Place, argv: Sequence[str]) -> Launch:  # noqa: ARG002
        """Refuse.

        Raises:
            CannotRun: Always.
        """
        raise CannotRun(self.reason)


def why_not(tier: Tier, python: str) -> str:
    """Run an interpreter in a tier, once, and return what is wrong with that; empty if it works.

    Args:
        tier: The tier.
        python: The interpreter.
    """
    with _probing:
        if (tier, python) not in _probed:
            _probed[tier, python] = _run_probe(tier, python)
        return _probed[tier, python]


def _run_probe(tier: Tier, python: str) -> str:
    if os.name != "posix":
        return "it needs a POSIX system"
    try:
        with tempfile.TemporaryDirectory(prefix="ocean-probe-") as name:
            return _probe(tier, python, Path(name).resolve())
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)


def available_tiers(python: str = "") -> tuple[Tier, ...]:
    """Return the tiers that work on this machine, strongest first; `limits` always does.

    Args:
        python: An interpreter that must run in them; empty for the usual one.
    """
    python = python or usual_python()
    return (*(tier for tier in SEPARATING if not why_not(tier, python)), LIMITS)


def tier_named(name: str | None, python: str = "") -> Tier:
    """Return the strongest tier that separates, or the one asked for.

    Args:
        name: A tier's name; None for the strongest. Only who asks for `limits` gets it.
        python: An interpreter that must run in it; empty for the usual one.

    Returns:
        The tier; `Refused` if none was asked for and none works.

    Raises:
        UnknownIsolation: If the tier that was asked for does not exist or does not work here.
    """
    python = python or usual_python()
    if name is None:
        reasons: dict[str, str] = {}
        for tier in SEPARATING:
            reasons[tier.name] = why_not(tier, python)
            if not reasons[tier.name]:
                return tier
        return Refused(reasons)
    if name == LIMITS.name:
        return LIMITS
    for tier in SEPARATING:
        if tier.name == name:
            reason = why_not(tier, python)
            if not reason:
                return tier
            break
    else:
        reason = "there is no such isolation"
    known = ", ".join(tier.name for tier in available_tiers(python))
    raise UnknownIsolation(
        f"isolation {name!r} does not work on this machine; these do: {known} ({reason})"
    )


def _probe(tier: Tier, python: str, folder: Path) -> str:
    data, control = folder / "data", folder / "control"
    for part in (*WRITABLE, *READ_ONLY, "tmp"):
        (data / part).mkdir(parents=True)
    control.mkdir()
    (folder / "secret").write_text("secret", encoding="utf-8")
    log = control / "algorithm.log"
    log.touch()
    write_wrappers(folder / "tools", python)
    place = Place(data, control, folder / "tools", interpreter_paths(python), False)
    seen, tools = (DATA, TOOLS) if tier.own_root else (data, place.tools)
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = _CODE.format(port=server.getsockname()[1])
        # It must write where it may, not where it may not, not read this machine's files, find
        # the interpreter, and not reach the network.
        script = (
            f"touch {seen}/outputs/proof && ! true > {seen}/inputs/x && ! cat {folder}/secret "
            f"&& exec python3 -c '{code}'"
        )
        environment = {"PATH": f"{tools}:/usr/bin:/bin"}
        launch = tier.launch(place, ["/bin/sh", "-c", script])
        limits = Limits(wall_s=_PROBE_S).as_dict()
        supervisor = supervise(
            launch, data=data, control=control, environment=environment, limits=limits
        )
        with supervisor:
            supervisor.wait(2 * _PROBE_S)
    if (data / "outputs" / "proof").exists() and log.read_text().endswith("separated\n"):
        return ""
    said = log.read_text(errors="replace").strip().splitlines()
    return said[-1][:200] if said else "the interpreter does not run in it"


_CODE = """\
import json, socket
try:
    socket.create_connection(("127.0.0.1", {port}), 2)
except OSError:
    print("separated")
else:
    print("the network is within reach")
"""
