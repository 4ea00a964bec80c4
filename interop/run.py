"""Run other V3 clients, each in an environment of its own, against the embedded network."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import ours

from ocean_lib.localnet import LocalNetwork

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = Path(os.environ.get("OCEAN_INTEROP_CACHE", ROOT / ".interop"))
DATASET = ROOT / "examples" / "data" / "tumours.csv"
ALGORITHM = HERE / "algorithms" / "count.py"
WAITING = HERE / "algorithms" / "wait.py"
REQUIREMENTS = HERE / "requirements-ocean-lib-0525.txt"
DOCUMENT = ROOT / "docs" / "interop.md"
BEGIN, END = "<!-- scripts/interop --write -->", "<!-- the end of what it wrote -->"

Command: TypeAlias = Sequence[str | Path]

INSTALL_TIMEOUT_S = 900
FLOW_TIMEOUT_S = 300

STEPS = {
    "publish_algorithm": "publish two algorithms",
    "publish_dataset": "publish a dataset for compute, trusting one",
    "find": "find them: by owner, by text",
    "mint": "mint datatokens",
    "order": "order dataset and algorithm, find the orders",
    "start_by_did": "start, by DID",
    "status": "status until finished",
    "result": "result: read the files and the log",
    "start_raw": "start raw code, to its result",
    "stop": "stop a running job",
    "all_jobs": "status of all jobs, and of an unknown one",
    "refusal": "refused: an algorithm that is not trusted",
    "trust": "trust it later (update of the DDO), start it",
    "download": "download what was ordered for access",
}


class CannotRunError(Exception):
    """A client could not be installed or run; the text says why."""


class MissingError(CannotRunError):
    """This machine lacks what the client runs on, so it is left out."""


@dataclass
class Outcome:
    """What one client did."""

    name: str
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    why_not: str = ""
    left_out: bool = False
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it could not be run here though it should, or a step went otherwise."""
        if self.why_not:
            return not self.left_out
        return any(not step["ok"] for step in self.steps.values())


# Installing


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


def _output(command: Command) -> str | None:
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
    for version in (_output(["pyenv", "versions", "--bare"]) or "").splitlines():
        if version.startswith("3.8."):
            candidates.append(Path(_output(["pyenv", "prefix", version]) or "", "bin", "python"))
    for candidate in filter(None, candidates):
        executable = _output(
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
            _say("installing ocean-lib 0.5.25 for Python 3.8 (about a minute, the first time)")
            _install([python, "-m", "venv", folder])
            pip = [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check"]
            # Two of the old packages have a setup.py and nothing else.
            _install([*pip, "wheel==0.45.1", "setuptools<81"])
            _install([*pip, "--no-deps", "-r", str(REQUIREMENTS)])
    return [interpreter, "-u", HERE / "ocean_lib_0525.py"]


def install_ocean_js() -> Command:
    """Install ocean.js 0.17 from npm; return the command that runs its flow."""
    version = _output(["node", "--version"])
    if not version or int(version.lstrip("v").split(".")[0]) < 18 or not shutil.which("npm"):
        raise MissingError(
            f"ocean.js needs Node.js 18 or newer with npm, found {version or 'none'}"
        )
    source, folder = HERE / "ocean_js", CACHE / "ocean-js-0.17"
    package = (source / "package.json").read_text()
    with _installed(folder, package + version.split(".")[0]) as done:
        if not done:
            _say("installing ocean.js 0.17 (about half a minute, the first time)")
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


# Running


def _told(network: LocalNetwork, first_account: int) -> dict[str, Any]:
    """Say what a client has to know of the network, with two accounts of its own."""
    keys = [account.key for account in network.accounts[first_account : first_account + 2]]
    return {
        "rpc_url": network.rpc_url,
        "provider_url": network.provider_url,
        "provider_address": network.provider_address,
        "metadata_cache_url": network.metadata_cache_url,
        "address_file": str(network.address_file),
        "keys": ["0x" + bytes(key).hex() for key in keys],
        "dataset_url": network.publish_file(DATASET),
        "algorithm_url": network.publish_file(ALGORITHM),
        "algorithm_sha256": sha256(ALGORITHM.read_bytes()).hexdigest(),
        "lines": len(DATASET.read_text().splitlines()),
        "raw_code": ALGORITHM.read_text(),
        "waiting_code": WAITING.read_text(),
    }


def _run_client(command: Command, told: dict[str, Any], outcome: Outcome) -> None:
    """Run a client's flow; its steps are lines of JSON on stdout, all else goes to a log file."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYENV_ROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    log = CACHE / f"{outcome.name.split()[0]}.log"
    with log.open("w") as errors, tempfile.TemporaryDirectory() as elsewhere:
        try:
            done = subprocess.run(  # noqa: S603 - the commands are those above
                command,
                input=json.dumps(told),
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=elsewhere,
                env=environment,
                text=True,
                timeout=FLOW_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CannotRunError(f"still running after {FLOW_TIMEOUT_S} s; see {log}") from error
    for line in done.stdout.splitlines():
        told_back = json.loads(line)
        if "assets" in told_back:
            outcome.assets = told_back["assets"]
        else:
            outcome.steps[told_back.pop("step")] = told_back
    if not outcome.steps:
        outcome.steps["publish_algorithm"] = {
            "ok": False,
            "detail": f"the client did not start, exit {done.returncode}; see {log}",
            "seconds": 0.0,
        }


CLIENTS: dict[str, tuple[str, Callable[[], Command]]] = {
    "ocean-lib": ("ocean-lib 0.5.25", install_ocean_lib),
    "ocean-js": ("ocean.js 0.17.1", install_ocean_js),
}


def run(only: str | None = None) -> list[Outcome]:
    """Run the clients, and ours on what each of them published.

    Args:
        only: A key of `CLIENTS`, to run that one alone.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for number, (key, (name, install)) in enumerate(CLIENTS.items()):
        if only in (None, key):
            outcomes += _run_one(Outcome(name), install, 3 * number)
    return outcomes


def _run_one(outcome: Outcome, install: Callable[[], Command], first_account: int) -> list[Outcome]:
    own = Outcome(f"ours, on the assets of {outcome.name.split()[0]}")
    try:
        command = install()
        with LocalNetwork() as network:
            _say(f"{outcome.name} on {network!r}")
            _timed(outcome, lambda: _run_client(command, _told(network, first_account), outcome))
            if outcome.assets:
                _timed(own, lambda: _run_own(network, outcome.assets, first_account, own))
    except CannotRunError as error:
        outcome.why_not, outcome.left_out = str(error), isinstance(error, MissingError)
    return [outcome, own] if own.steps else [outcome]


def _timed(outcome: Outcome, run_it: Callable[[], None]) -> None:
    started = time.monotonic()
    run_it()
    outcome.seconds = time.monotonic() - started


def _run_own(
    network: LocalNetwork, assets: dict[str, str], first_account: int, own: Outcome
) -> None:
    lines = len(DATASET.read_text().splitlines())
    own.steps = ours.run(network, assets, first_account, lines, ALGORITHM.read_bytes())


# Telling


def _cell(outcome: Outcome, step: str) -> str:
    if step not in outcome.steps:
        return "-"
    told = outcome.steps[step]
    detail = " ".join(str(told["detail"]).split()).replace("|", "\\|")
    detail = re.sub(r"did:op:[0-9a-fA-F]{40}", "did:op:…", detail)
    if not told["ok"]:
        return f"**differs**: {detail[:300]}"
    return "ok" if detail in ("", "did:op:…") else f"ok ({detail})"


def table(outcomes: Sequence[Outcome]) -> str:
    """Spell what the clients did as a Markdown table."""
    ran = [outcome for outcome in outcomes if not outcome.why_not]
    not_run = [f"Not run: {one.name}: {one.why_not}." for one in outcomes if one.why_not]
    if not ran:
        return "\n\n".join(not_run)
    lines = [
        "| step | " + " | ".join(outcome.name for outcome in ran) + " |",
        "|---|" + "---|" * len(ran),
    ]
    for step, words in STEPS.items():
        lines.append(f"| {words} | " + " | ".join(_cell(one, step) for one in ran) + " |")
    lines.append("| seconds | " + " | ".join(f"{one.seconds:.0f}" for one in ran) + " |")
    return "\n\n".join(["\n".join(lines), *not_run])


def versions() -> str:
    """Say with what this was run."""
    node = _output(["node", "--version"]) or "none"
    return (
        f"ocean-lib 0.5.25 on Python 3.8; `@oceanprotocol/lib` 0.17.1 with web3.js 1.10.4 on"
        f" Node.js {node.removeprefix('v')}; the network on Python {platform.python_version()},"
        f" {platform.system()}."
    )


def write_document(text: str) -> None:
    """Put the text between the two marks of docs/interop.md."""
    document = DOCUMENT.read_text()
    before, rest = document.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, and say by the exit status whether all went as with real services.

    Args:
        arguments: The command line; None for the process's own.

    Returns:
        0, or 1 if a client failed or a step differs, or 2 if none can be run on this machine.
    """
    parser = argparse.ArgumentParser(prog="scripts/interop", description=__doc__)
    parser.add_argument("--only", choices=CLIENTS, help="run one client")
    parser.add_argument("--write", action="store_true", help="put the table into docs/interop.md")
    options = parser.parse_args(arguments)
    outcomes = run(options.only)
    text = f"{table(outcomes)}\n\n{versions()}"
    print(text)  # noqa: T201
    if options.write:
        write_document(text)
    if any(outcome.failed for outcome in outcomes):
        return 1
    return 0 if any(outcome.steps for outcome in outcomes) else 2


if __name__ == "__main__":
    sys.exit(main())
