"""`publish`, `update`, `credentials`, `search` and `show`, as a publisher uses them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ocean_lib.cli import main
from ocean_lib.cli.embedded import keep_config
from ocean_lib.localnet import LocalNetwork
from tests.integration.cli_driver import DEADLINE_S, CommandLine, Said, documented_keys

DATA = "name: Zebras\nauthor: a test\nlicense: CC0-1.0\nfiles: [table.csv]\nprice: 1\n"
CODE = (
    "name: Count\nauthor: a test\nlicense: CC0-1.0\n"
    "files: [{content: print(1), name: count.py}]\n"
    'container: {image: python, tag: "3.11", entrypoint: python3 $ALGO}\n'
)
SOMEBODY = "0x" + "12" * 20


class InProcess:
    """Runs commands in this process, as one of the network's accounts.

    Attributes:
        address: of the account.
    """

    def __init__(self, network: LocalNetwork, account: int, config: Path, capsys: Any) -> None:
        self.address = network.wallet(account).address
        self._environment = {
            "CONFIG_FILE": str(config),
            "OCEAN_PRIVATE_KEY": network.accounts[account].key.hex(),
        }
        self._capsys = capsys

    def run(self, *arguments: str, code: int = 0) -> Said:
        """Run a command that ends with this status."""
        self._capsys.readouterr()
        with pytest.MonkeyPatch.context() as patched:
            for name, value in self._environment.items():
                patched.setenv(name, value)
            ended = main(list(arguments))
        said = Said(ended, *self._capsys.readouterr())
        assert ended == code, said.err
        return said

    def json(self, *arguments: str, code: int = 0) -> Said:
        """Run a command with --json, and compare the keys with those of the document."""
        said = self.run(*arguments, "--json", code=code)
        name = next(n for n in (" ".join(arguments[:2]), arguments[0]) if n in documented_keys())
        shown = said.json.get("error", said.json)
        more = {"mistakes"} if shown.get("type") == "InvalidDescription" else set()
        assert set(shown) == documented_keys()["error" if "error" in said.json else name] | more
        return said


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the commands run, with descriptions."""
    for name in ("OCEAN_KEYSTORE", "PROVIDER_URL", "NETWORK_URL", "METADATA_CACHE_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("a\n1\n")
    (tmp_path / "data.yaml").write_text(DATA)
    (tmp_path / "code.yaml").write_text(CODE)
    return tmp_path


@pytest.fixture
def accounts(network: LocalNetwork, folder: Path, capsys: Any) -> list[InProcess]:
    config = keep_config(folder, network.options, print)
    return [InProcess(network, account, config, capsys) for account in (0, 1)]


@pytest.fixture
def publisher(accounts: list[InProcess]) -> InProcess:
    return accounts[0]


@pytest.fixture
def other(accounts: list[InProcess]) -> InProcess:
    return accounts[1]


@pytest.fixture
def dataset(publisher: InProcess) -> str:
    return str(publisher.json("publish", "dataset", "data.yaml")["did"])


def test_what_is_shown_is_edited_and_becomes_what_is_published(
    publisher: InProcess, dataset: str, folder: Path
) -> None:
    shown = publisher.run("show", dataset).out
    assert yaml.safe_load(shown)["name"] == "Zebras"
    (folder / "mine.yaml").write_text(shown.replace("Zebras", "Striped horses", 1))

    planned = publisher.json("update", dataset, "mine.yaml", "--dry-run")
    done = publisher.run("update", dataset, "mine.yaml")
    again = publisher.json("update", dataset, "mine.yaml")

    assert (planned["changed"], planned["tx_hashes"]) == (False, [])
    assert planned["differences"] == [
        {"path": "name", "before": "Zebras", "after": "Striped horses"}
    ]
    assert "name: Zebras -> Striped horses" in done.err
    assert "costs about: 0.0" in done.err
    assert "transactions  0x" in done.out
    assert again["differences"] == []
    assert publisher.json("show", dataset)["description"]["name"] == "Striped horses"


def test_words_and_owner_find_it(publisher: InProcess, dataset: str) -> None:
    owner = publisher.address
    found = publisher.json("search", "zebras", "--type", "dataset", "--owner", owner)
    shown = publisher.run("search", "Zebras").out

    assert {"did": dataset, "type": "dataset", "name": "Zebras", "publisher": owner} in found[
        "assets"
    ]
    assert shown.splitlines()[0].split() == ["DID", "TYPE", "NAME", "PUBLISHER"]
    assert dataset in shown
    assert publisher.json("search", "zebras", "--owner", SOMEBODY)["assets"] == []
    assert publisher.run("search", "unicorns").err == "Nothing was found.\n"


def test_every_mistake_is_told_with_its_line_and_nothing_is_sent(
    publisher: InProcess, dataset: str, folder: Path
) -> None:
    (folder / "wrong.yaml").write_text("name: 7\nprize: 1\ncompute: {cpu: many}\n")

    for command in (("publish", "dataset"), ("update", dataset)):
        said = publisher.run(*command, "wrong.yaml", code=2).err
        assert "\n  line 1: name must be text, got 7; put it in quotes.\n" in said
        assert "\n  line 2: prize is not known; did you mean price?\n" in said
    error = publisher.run("update", dataset, "wrong.yaml", "--json", code=2)["error"]

    assert [(one["path"], one["line"]) for one in error["mistakes"]] == [
        ("name", 1),
        ("prize", 2),
        ("compute.cpu", 3),
    ]
    assert error["type"] == "InvalidDescription"


def test_an_algorithm_that_changes_says_whom_it_breaks(
    publisher: InProcess, other: InProcess, folder: Path
) -> None:
    algorithm = publisher.json("publish", "algorithm", "code.yaml")["did"]
    (folder / "data.yaml").write_text(f"{DATA}compute: {{trusted_algorithms: [{algorithm}]}}\n")
    mine, theirs = (
        line.json("publish", "dataset", "data.yaml")["did"] for line in (publisher, other)
    )
    (folder / "code.yaml").write_text(CODE.replace("print(1)", "print(2)"))

    kept = publisher.json("update", algorithm, "code.yaml", "--keep-files")
    changed = publisher.json("update", algorithm, "code.yaml")

    assert kept["differences"] == []
    assert (changed["refreshed"], changed["broken"]) == ([mine], [theirs])
    assert publisher.json("trust", "explain", mine, algorithm)["trusted"] is True
    assert other.json("trust", "explain", theirs, algorithm, code=5)["trusted"] is False
    assert other.json("trust", "refresh", theirs, algorithm)["changed"] is True


def test_who_may_use_it_is_changed_by_its_publisher_only(
    publisher: InProcess, other: InProcess, dataset: str
) -> None:
    refused = other.json("credentials", "allow", dataset, SOMEBODY, code=5)
    planned = publisher.json("credentials", "allow", dataset, SOMEBODY, "--dry-run")
    publisher.json("credentials", "allow", dataset, SOMEBODY)
    denied = publisher.json("credentials", "deny", dataset, SOMEBODY)
    removed = publisher.json("credentials", "remove", dataset, SOMEBODY)

    assert publisher.address in refused["error"]["message"]
    assert planned["changed"] is False
    assert {one["path"] for one in denied["differences"]} == {
        "credentials.allow",
        "credentials.deny",
    }
    assert removed["changed"] is True
    assert "credentials" not in publisher.json("show", dataset)["description"]


def test_it_is_disabled_and_enabled_without_a_file(publisher: InProcess, dataset: str) -> None:
    publisher.json("update", dataset, "--disable")
    disabled = publisher.json("show", dataset)["description"].get("disabled")
    publisher.json("update", dataset, "--enable")

    assert disabled is True
    assert "disabled" not in publisher.json("show", dataset)["description"]
    for nothing in ((), ("data.yaml", "--disable")):
        assert "Give FILE, or one of" in publisher.run("update", dataset, *nothing, code=2).err


def test_tokens_are_minted_for_the_wallet_itself(publisher: InProcess, dataset: str) -> None:
    said = publisher.json("mint", dataset, "--amount", "3")

    assert said["to"] == publisher.address
    assert said["balance"] == "3"


def test_the_schema_is_printed_for_an_editor(publisher: InProcess) -> None:
    schema = publisher.run("publish", "--schema").json

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(CODE), schema)


README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_commands_run_as_pasted_from_an_empty_folder(tmp_path: Path) -> None:
    section = README.read_text().partition("## On the command line")[2]
    block = section.partition("```sh\n")[2].partition("```")[0]
    programs = tmp_path / "bin"
    programs.mkdir()
    # What an installation puts beside Python.
    (programs / "ocean-compute").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m ocean_lib.cli "$@"\n'
    )
    (programs / "ocean-compute").chmod(0o755)
    folder = tmp_path / "empty"
    folder.mkdir()
    line = CommandLine(folder, {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"})

    shell = subprocess.Popen(
        ["sh", "-e"],
        cwd=folder,
        env=line.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = shell.communicate(block, timeout=4 * DEADLINE_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)

    assert shell.returncode == 0, err
    assert "#" not in block, "zsh takes a comment for arguments"
    assert (folder / "results" / "mean.txt").read_text() == "2.0"
    assert out.endswith("2.0")
    assert "The network is stopped." in err
    assert json.loads((folder / "job.json").read_text())["job_id"] in out
