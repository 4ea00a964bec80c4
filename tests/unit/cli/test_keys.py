"""Where keys come from, and that they never come from an argument."""

from __future__ import annotations

import io
import json
from pathlib import Path

import click
import pytest

from ocean_lib.cli import asking, main
from ocean_lib.cli.app import app
from ocean_lib.exceptions import WalletError
from ocean_lib.web3_internal.wallet import Wallet

KEY = "0x" + "4c" * 32
ADDRESS = Wallet(None, private_key=KEY).address
DID = "did:op:" + "12" * 20


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OCEAN_PRIVATE_KEY", "OCEAN_KEYSTORE", "OCEAN_WALLET_PASSWORD", "CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    from eth_account import Account

    path = tmp_path / "wallet.json"
    path.write_text(json.dumps(Account.encrypt(KEY, "secret", kdf="pbkdf2", iterations=1)))
    return path


def all_commands(group: click.Group = app) -> list[click.Command]:
    found: list[click.Command] = []
    for command in group.commands.values():
        found += all_commands(command) if isinstance(command, click.Group) else [command]
    return found


def test_a_keystore_is_opened_with_a_password_file(keystore: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\nmore\n")

    wallet = asking.open_wallet(asking.KeySources(keystore, tmp_path / "password"))

    assert wallet.address == ADDRESS


def test_a_keystore_is_opened_with_the_environments_password(
    keystore: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCEAN_KEYSTORE", str(keystore))
    monkeypatch.setenv("OCEAN_WALLET_PASSWORD", "secret")

    assert asking.open_wallet(asking.KeySources()).address == ADDRESS


def test_a_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEAN_PRIVATE_KEY", KEY)

    assert asking.open_wallet(asking.KeySources()).address == ADDRESS


def test_two_wallets_in_the_environment_are_one_too_many(
    keystore: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCEAN_PRIVATE_KEY", KEY)
    monkeypatch.setenv("OCEAN_KEYSTORE", str(keystore))

    with pytest.raises(WalletError, match="Unset one of them"):
        asking.open_wallet(asking.KeySources())
    assert asking.KeySources(keystore).file() == keystore


def test_without_a_terminal_nothing_is_asked(keystore: Path) -> None:
    with pytest.raises(WalletError, match="No wallet"):
        asking.open_wallet(asking.KeySources())
    with pytest.raises(WalletError, match="needs its password"):
        asking.open_wallet(asking.KeySources(keystore))


def test_an_address_is_read_from_a_keystore_without_a_password(
    keystore: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wallet", "show", "--keystore", str(keystore), "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"address": ADDRESS, "tokens": {}}


def test_a_wallet_that_only_watches_signs_nothing() -> None:
    with pytest.raises(WalletError):
        asking.Watcher(ADDRESS).sign_message(None)


@pytest.mark.parametrize(
    ("keystore", "said"),
    [("gone.json", "There is no keystore file"), ("empty.json", "does not hold a JSON object")],
)
def test_a_keystore_that_is_none_is_bad_usage(
    tmp_path: Path, keystore: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.json").touch()
    (tmp_path / "password").write_text("x")
    options = [
        "--keystore",
        str(tmp_path / keystore),
        "--password-file",
        str(tmp_path / "password"),
    ]

    assert main(["wallet", "show", *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", [["wallet", "show"], ["order", DID]], ids=" ".join)
def test_a_keystore_that_is_nested_too_deeply_is_bad_usage(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OCEAN_WALLET_PASSWORD", "secret")
    monkeypatch.setenv("PROVIDER_URL", "http://127.0.0.1:9")
    (tmp_path / "deep.json").write_text('{"address":' * 100_000)

    assert main([*command, "--keystore", str(tmp_path / "deep.json")]) == 2
    assert "deep.json" in capsys.readouterr().err


def test_no_command_takes_a_key_as_an_argument() -> None:
    options = {name for command in all_commands() for p in command.params for name in p.opts}

    assert not {o for o in options if "key" in o.replace("keystore", "") or "mnemonic" in o}
    assert {o for o in options if "password" in o} == {"--password-file"}


@pytest.mark.parametrize(
    "arguments", [["order", DID, KEY], ["--private-key", KEY], ["wait", f"--private-key={KEY}"]]
)
def test_a_key_typed_in_the_wrong_place_is_not_repeated(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    said = capsys.readouterr()
    assert "4c4c4c" not in said.out + said.err


@pytest.mark.slow
def test_a_new_wallet_is_for_its_owner_only_and_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCEAN_WALLET_PASSWORD", "secret")
    path = tmp_path / "new.json"

    assert main(["wallet", "new", str(path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["keystore"] == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert asking.open_wallet(asking.KeySources(path)).address == made["address"]

    before = path.read_text()
    assert main(["wallet", "new", str(path)]) == 2
    assert path.read_text() == before
