"""Choose what separates algorithms from the machine: the strongest tier that works here.

Whether a tier works depends on the kernel and on its policies (Ubuntu 24.04 has bubblewrap and
forbids it the namespaces it needs), so each is tried by really running the interpreter in it; and
again where the network's own folders lie within what algorithms can see of the system.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from ocean_lib.localnet.runners import CannotRun, Limits
from ocean_lib.localnet.runners.filters import Landlock, OnlyLimits
from ocean_lib.localnet.runners.launch import supervise
from ocean_lib.localnet.runners.namespaces import Bubblewrap, Unshare
from ocean_lib.localnet.runners.place import (
    DATA,
    READ_ONLY,
    TOOLS,
    WRITABLE,
    Launch,
    Place,
    Tier,
    interpreter_paths,
    private_folders,
    usual_python,
    write_wrappers,
)

LIMITS: Tier = OnlyLimits()
SEPARATING: tuple[Tier, ...] = (Bubblewrap(), Unshare(), Landlock())
NAMES = (*(tier.name for tier in SEPARATING), LIMITS.name)
_PROBE_S = 20.0
_MOST_FILES = 100
_probing = threading.Lock()
_probed: dict[tuple[Tier, str, tuple[Path, ...]], str] = {}
_log = logging.getLogger(__name__)
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
    missing: tuple[str, ...] = ()

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


def why_not(tier: Tier, python: str, state: Path | None = None) -> str:
    """Run an interpreter in a tier, once, and return what is wrong with that; empty if it works.

    Args:
        tier: The tier.
        python: The interpreter.
        state: The network's folder, which must not be seen in it.
    """
    # Folders that nothing shows are alike; any other is tried itself.
    within = tuple(path for path in private_folders(state) if _is_within_shown(path, python))
    with _probing:
        if (tier, python, within) not in _probed:
            _probed[tier, python, within] = _run_probe(tier, python, state)
        return _probed[tier, python, within]


def _is_within_shown(path: Path, python: str) -> bool:
    seen = Place(path, path, path, interpreter_paths(python), True)
    return any(path.is_relative_to(top) for top, _ in (*seen.machine(), *seen.beyond()))


def _run_probe(tier: Tier, python: str, state: Path | None) -> str:
    if os.name != "posix":
        return "it needs a POSIX system"
    try:
        # As a job's folder will be: within the network's.
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=state) as name:
            return _probe(tier, python, Path(name).resolve(), private_folders(state))
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)


def available_tiers(python: str = "") -> tuple[Tier, ...]:
    """Return the tiers that work on this machine, strongest first; `limits` always does.

    Args:
        python: An interpreter that must run in them; empty for the usual one.
    """
    python = python or usual_python()
    return (*(tier for tier in SEPARATING if not why_not(tier, python)), LIMITS)


def tier_named(name: str | None, python: str = "", state: Path | None = None) -> Tier:
    """Return the strongest tier that separates, or the one asked for.

    Why a stronger one was lost is logged.

    Args:
        name: A tier's name; None for the strongest. Only who asks for `limits` gets it.
        python: An interpreter that must run in it; empty for the usual one.
        state: The network's folder, which must not be seen in it.

    Returns:
        The tier; `Refused` if none was asked for and none works.

    Raises:
        UnknownIsolation: If the tier that was asked for does not exist or does not work here.
    """
    python = python or usual_python()
    if name is None:
        return _strongest(python, state)
    if name == LIMITS.name:
        return LIMITS
    for tier in SEPARATING:
        if tier.name == name:
            reason = why_not(tier, python, state)
            if not reason:
                return tier
            break
    else:
        reason = "there is no such isolation"
    known = ", ".join(tier.name for tier in available_tiers(python))
    raise UnknownIsolation(
        f"isolation {name!r} does not work on this machine; these do: {known} ({reason})"
    )


def _strongest(python: str, state: Path | None) -> Tier:
    reasons: dict[str, str] = {}
    for tier in SEPARATING:
        reason = why_not(tier, python, state)
        if not reason:
            if reasons:
                told = "; ".join(f"{lost} does not work: {why}" for lost, why in reasons.items())
                _log.warning("isolation %s is used. %s.", tier.name, told)
            return tier
        reasons[tier.name] = reason
    return Refused(reasons)


def _probe(tier: Tier, python: str, folder: Path, private: tuple[Path, ...]) -> str:
    data, control = folder / "data", folder / "control"
    for part in (*WRITABLE, *READ_ONLY, "tmp"):
        (data / part).mkdir(parents=True)
    control.mkdir()
    secret = folder / "secret"
    secret.write_text("secret", encoding="utf-8")
    log = control / "algorithm.log"
    log.touch()
    write_wrappers(folder / "tools", python)
    interpreters = interpreter_paths(python)
    place = Place(data, control, folder / "tools", interpreters, False, private)
    seen, tools = (DATA, TOOLS) if tier.own_root else (data, place.tools)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = _CODE.format(port=port, secrets=[str(secret), *_files(private, interpreters)])
        (data / "transformations" / "algorithm").write_text(code, encoding="utf-8")
        # It must write where it may, not where it may not, not read this machine's files, find
        # the interpreter, and not reach the network.
        script = (
            f"touch {seen}/outputs/proof && ! true > {seen}/inputs/x "
            f"&& exec python3 {seen}/transformations/algorithm"
        )
        environment = {"PATH": f"{tools}:/usr/bin:/bin"}
        launch = tier.launch(place, ["/bin/sh", "-c", script])
        limits = Limits(wall_s=_PROBE_S).as_dict()
        supervisor = supervise(
            launch,
            data=data,
            control=control,
            environment=environment,
            limits=limits,
            groups=None,
        )
        with supervisor:
            supervisor.wait(2 * _PROBE_S)
    if (data / "outputs" / "proof").exists() and log.read_text().endswith("separated\n"):
        return ""
    said = log.read_text(errors="replace").strip().splitlines()
    return said[-1][:200] if said else "the interpreter does not run in it"


def _files(private: Iterable[Path], interpreters: Sequence[Path]) -> list[str]:
    """Return files that an algorithm must not read, without those of the interpreter."""
    found: list[str] = []
    for folder in private:
        for path in sorted(folder.iterdir())[:_MOST_FILES]:
            of_python = any(path.is_relative_to(part) for part in interpreters)
            if path.is_file() and os.access(path, os.R_OK) and not of_python:
                found.append(str(path))
    return found


_CODE = """\
import socket
for name in {secrets!r}:
    try:
        open(name).close()
    except OSError:
        continue
    print(name, "can be read")
    break
else:
    try:
        socket.create_connection(("127.0.0.1", {port}), 2)
    except OSError:
        print("separated")
    else:
        print("the network is within reach")
"""
