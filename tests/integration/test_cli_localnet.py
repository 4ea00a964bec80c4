"""`ocean-compute localnet`: whose files it leaves alone, what it prints, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli_driver import DEADLINE_S, CommandLine

MINE = {"config.ini": "[mine]\n", ".gitignore": "build/\n", "address.json": "{}\n"}


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """A command line in a folder with a blank and a letter of another alphabet."""
    folder = tmp_path / "my wörk"
    folder.mkdir()
    return CommandLine(folder, {})


def _ended(running: subprocess.Popen[str], *numbers: int) -> tuple[str, str]:
    """Read until the network runs, end it, and return what stdout and stderr had to say."""
    assert running.stdout is not None
    told = ""
    try:
        for text in running.stdout:
            told += text
            if "OCEAN_KEYSTORE" in text and "or" not in text.split():
                break
        for number in numbers:
            running.send_signal(number)
        rest, err = running.communicate(timeout=DEADLINE_S)
    finally:
        running.kill()
    assert running.returncode == 0, err
    return told + rest, err


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_project_is_not_taken_for_a_state_folder(line: CommandLine) -> None:
    for name, text in MINE.items():
        (line.folder / name).write_text(text)
    said = line.run("localnet", "--state", ".", code=2)

    assert "address.json, config.ini" in said.err
    assert "Choose a folder that is new" in said.err
    assert _contents(line.folder) == MINE


def test_an_empty_state_is_not_the_current_folder(line: CommandLine) -> None:
    said = line.run("localnet", "--state", "", code=2)

    assert "'--state': it is empty" in said.err
    assert _contents(line.folder) == {}


@pytest.mark.parametrize(("folder", "expected"), [("", "it is empty"), ("mine/x", "directory")])
def test_a_folder_that_cannot_be_is_refused_before_the_first_job(
    line: CommandLine, folder: str, expected: str
) -> None:
    (line.folder / "mine").touch()
    said = line.run("quickstart", "--to", folder, code=2)

    assert "'--to'" in said.err
    assert expected in said.err
    assert "Starting" not in said.err
    assert _contents(line.folder) == {"mine": ""}


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        (("--isolation", "foo"), 2, "isolation (--isolation): expected one of bwrap"),
        (("--runner", "foo"), 2, "runner (--runner): expected one of docker"),
        (("--runner-option", "foo"), 2, "--runner-option: expected NAME=VALUE; got 'foo'"),
        (("--runner-option", "pull=never"), 2, "for a runner with a name; pass runner="),
        (("--host", "0.0.0.0"), 2, "--expose"),
        (("--generation", "v4"), 2, "'v3', 'node'"),
        (("--rate-limit", "5"), 2, "these settings are for generation='node'"),
        (("--state", "x" * 300), 2, "cannot keep its state"),
        (("--chain-url", "foo"), 2, "not an http(s) URL"),
        (("--chain-url", ""), 2, "not an http(s) URL"),
        (("--chain-url", "http://127.0.0.1:9"), 6, "no JSON-RPC answer from http://127.0.0.1:9"),
    ],
)
def test_what_is_wrong_with_an_option_has_the_documented_status(
    line: CommandLine, options: tuple[str, str], code: int, expected: str
) -> None:
    given = options if "--state" in options else ("--temporary", *options)
    said = line.run("localnet", *given, code=code)

    assert expected in said.err
    assert said.out == ""


def test_what_it_prints_to_copy_can_be_copied_from_any_folder(line: CommandLine) -> None:
    out, _ = _ended(line.started("localnet"), signal.SIGINT)
    exports = [text.strip() for text in out.splitlines() if text.strip().startswith("export")]
    shell = "\n".join([*exports, 'echo "$CONFIG_FILE"', 'echo "$OCEAN_KEYSTORE"'])
    shown = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    config, keystore = map(Path, shown.splitlines())

    state = line.folder / "ocean-localnet"
    assert config == state / "config.ini"
    assert keystore == state / "wallets" / "consumer.json"
    assert config.is_file()
    assert keystore.is_file()


def test_its_folder_is_taken_again_with_the_users_own_gitignore(line: CommandLine) -> None:
    state = line.folder / "ocean-localnet"
    _ended(line.started("localnet"), signal.SIGINT, signal.SIGTERM)
    at_first, keys = (state / ".gitignore").read_text(), (state / "keys.json").read_text()
    (state / ".gitignore").write_text("!wallets\n")
    _ended(line.started("localnet"), signal.SIGTERM)

    assert at_first == "*\n"
    assert (state / ".gitignore").read_text() == "!wallets\n"
    assert (state / "keys.json").read_text() == keys


def test_a_nodes_network_has_a_config_without_a_chain(line: CommandLine) -> None:
    out, _ = _ended(line.started("localnet", "--generation", "node"), signal.SIGINT)
    config = (line.folder / "ocean-localnet" / "config.ini").read_text("utf-8")
    refused = line.run("localnet", code=2)

    assert "provider.url = http://127.0.0.1:" in config
    assert "eth-network" not in config
    assert "rpc url" not in out.lower().replace("_", " ")
    assert "OCEAN_KEYSTORE=" in out
    assert "of a network of generation node, not v3" in refused.err


def test_a_config_that_the_user_changed_is_kept(line: CommandLine) -> None:
    state = line.folder / "ocean-localnet"
    _ended(line.started("localnet"), signal.SIGINT)
    config = state / "config.ini"
    mine = config.read_text("utf-8").replace("http://127", "http://127.0.0.1:9/?was=127") + "#\n"
    config.write_text(mine, "utf-8")
    out, err = _ended(line.started("localnet"), signal.SIGINT)

    assert config.read_text("utf-8") == mine
    assert f"{config} was edited and points at another network" in err
    assert f"export CONFIG_FILE='{state}/config.ini.new'" in out
    assert (state / "config.ini.new").is_file()


def test_a_wallet_of_the_users_own_need_not_name_its_address(line: CommandLine) -> None:
    state = line.folder / "ocean-localnet"
    _ended(line.started("localnet"), signal.SIGINT)
    wallet = state / "wallets" / "consumer.json"
    content = json.loads(wallet.read_text())
    del content["address"]
    wallet.write_text(json.dumps(content))
    out, _ = _ended(line.started("localnet"), signal.SIGINT)

    assert f"export OCEAN_KEYSTORE='{wallet}'" in out
    assert json.loads(wallet.read_text()) == content


@pytest.mark.parametrize("mine", ["", "{", "[]", '{"address": 5}', None])
def test_a_wallet_that_is_none_is_named(line: CommandLine, mine: str | None) -> None:
    wallet = line.folder / "ocean-localnet" / "wallets" / "consumer.json"
    wallet.parent.mkdir(parents=True)
    (line.folder / "ocean-localnet" / "chain.db").touch()
    if mine is None:
        wallet.mkdir()
    else:
        wallet.write_text(mine)
    said = line.run("localnet", code=1)

    assert f"{wallet} is not a keystore. Move it away" in said.err
    assert wallet.is_dir() or wallet.read_text() == mine


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
def test_closing_the_terminal_takes_a_temporary_networks_keys_away(line: CommandLine) -> None:
    out, err = _ended(line.started("localnet", "--temporary"), signal.SIGHUP)
    config = next(text for text in out.splitlines() if "CONFIG_FILE=" in text).partition("=")[2]

    assert "The network is stopped." in err
    assert not Path(config).parent.exists()
