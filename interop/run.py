"""Run other clients, each in an environment of its own, against the embedded network."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import ours
from installing import (
    CACHE,
    HERE,
    ROOT,
    CannotRunError,
    Command,
    MissingError,
    install_ocean_js,
    install_ocean_js_for_nodes,
    install_ocean_lib,
    output_of,
    say,
)

from ocean_lib.localnet import LocalNetwork, NodeOptions

DATASET = ROOT / "examples" / "data" / "tumours.csv"
ALGORITHM = HERE / "algorithms" / "count.py"
FLAT_ALGORITHM = HERE / "algorithms" / "count_flat.py"
WAITING = HERE / "algorithms" / "wait.py"
DOCUMENT = ROOT / "docs" / "interop.md"
BEGIN, END = "<!-- scripts/interop --write -->", "<!-- the end of what it wrote -->"

FLOW_TIMEOUT_S = 300

V3_STEPS = {
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
NODE_STEPS = {
    "environments": "find the node, list its environments",
    "file_info": "ask what is known of a file",
    "start": "start a free job: raw code on a file",
    "status": "status until finished",
    "result": "read the log and the archive of the outputs",
    "logs": "stream the log of a running job",
    "stop": "stop a running job",
    "token": "make an auth token, use it, invalidate it",
    "refusals": "refused: what is asked for, who asks",
    "publish": "publish an algorithm, and a dataset that trusts it",
    "order": "ask for the price, order both",
    "pay": "deposit in the escrow, authorize the node",
    "paid_start": "start a paid job by DID, to its result",
    "settled": "see it claimed and settled",
}
STEPS = {"v3": V3_STEPS, "node": NODE_STEPS}


@dataclass
class Outcome:
    """What one client did."""

    name: str
    generation: str = "v3"
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


def _told_of_node(network: LocalNetwork) -> dict[str, Any]:
    """Say what a client has to know of a node, with two accounts of its own."""
    return {
        "node_url": network.provider_url,
        "keys": ["0x" + bytes(account.key).hex() for account in network.accounts[:2]],
        "rpc_url": network.rpc_url,
        "contracts": json.loads(network.address_file.read_text())["development"],
        "dataset_url": network.publish_file(DATASET),
        "algorithm_url": network.publish_file(FLAT_ALGORITHM),
        "bytes": DATASET.stat().st_size,
        "lines": len(DATASET.read_text().splitlines()),
        "raw_code": FLAT_ALGORITHM.read_text(),
        "waiting_code": WAITING.read_text(),
    }


def _run_client(command: Command, told: dict[str, Any], outcome: Outcome) -> None:
    """Run a client's flow; its steps are lines of JSON on stdout, all else goes to a log file."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYENV_ROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    log = CACHE / f"{outcome.name.replace(' ', '-')}.log"
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
        first = next(iter(STEPS[outcome.generation]))
        outcome.steps[first] = {
            "ok": False,
            "detail": f"the client did not start, exit {done.returncode}; see {log}",
            "seconds": 0.0,
        }


CLIENTS: dict[str, tuple[str, str, Callable[[], Command]]] = {
    "ocean-lib": ("ocean-lib 0.5.25", "v3", install_ocean_lib),
    "ocean-js": ("ocean.js 0.17.1", "v3", install_ocean_js),
    "ocean-js-node": ("ocean.js 8.6.2", "node", install_ocean_js_for_nodes),
}


def run(only: str | None = None) -> list[Outcome]:
    """Run the clients, and ours on what each of them published.

    Args:
        only: A key of `CLIENTS`, to run that one alone.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for number, (key, (name, generation, install)) in enumerate(CLIENTS.items()):
        if only in (None, key):
            run_it = _run_at_node if generation == "node" else _run_one
            outcomes += run_it(Outcome(name, generation), install, 3 * number)
    return outcomes


def _run_at_node(outcome: Outcome, install: Callable[[], Command], _: int) -> list[Outcome]:
    try:
        command = install()
        settling = NodeOptions(claim_first_s=1, claim_every_s=1)
        with LocalNetwork(generation="node", jobs_at_once=4, node=settling) as network:
            say(f"{outcome.name} on {network!r}")
            _timed(outcome, lambda: _run_client(command, _told_of_node(network), outcome))
    except CannotRunError as error:
        outcome.why_not, outcome.left_out = str(error), isinstance(error, MissingError)
    return [outcome]


def _run_one(outcome: Outcome, install: Callable[[], Command], first_account: int) -> list[Outcome]:
    own = Outcome(f"ours, on the assets of {outcome.name.split()[0]}")
    try:
        command = install()
        with LocalNetwork() as network:
            say(f"{outcome.name} on {network!r}")
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
    """Spell what the clients did as a Markdown table for each generation."""
    not_run = [f"Not run: {one.name}: {one.why_not}." for one in outcomes if one.why_not]
    tables = [
        _table(ran, steps)
        for generation, steps in STEPS.items()
        if (ran := [one for one in outcomes if one.generation == generation and not one.why_not])
    ]
    return "\n\n".join([*tables, *not_run])


def _table(ran: Sequence[Outcome], steps: dict[str, str]) -> str:
    lines = [
        "| step | " + " | ".join(outcome.name for outcome in ran) + " |",
        "|---|" + "---|" * len(ran),
    ]
    for step, words in steps.items():
        lines.append(f"| {words} | " + " | ".join(_cell(one, step) for one in ran) + " |")
    lines.append("| seconds | " + " | ".join(f"{one.seconds:.0f}" for one in ran) + " |")
    return "\n".join(lines)


def versions() -> str:
    """Say with what this was run."""
    node = output_of(["node", "--version"]) or "none"
    return (
        "ocean-lib 0.5.25 on Python 3.8; `@oceanprotocol/lib` 0.17.1 with web3.js 1.10.4, and 8.6.2"
        f" with ethers 6.15.0, on Node.js {node.removeprefix('v')}; the network on Python"
        f" {platform.python_version()}, {platform.system()}."
    )


def write_document(text: str) -> None:
    """Put the text between the two marks of docs/interop.md."""
    document = DOCUMENT.read_text()
    before, rest = document.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


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
