"""The wallet for free jobs: in its place, for its owner alone, made once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocean_lib.cli import free_wallet
from ocean_lib.cli.session import Session
from ocean_lib.exceptions import WalletError
from ocean_lib.web3_internal.wallet import Wallet

KEY = "0x" + "4c" * 32


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OCEAN_PRIVATE_KEY", "OCEAN_KEYSTORE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("platform", "variables", "wanted"),
    [
        ("linux", {}, "home/.local/share"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "home/.local/share"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "home/Library/Application Support"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local"),
        ("win32", {}, "home/AppData/Local"),
    ],
)
def test_it_is_in_the_users_data_folder(
    platform: str, variables: dict[str, str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    path = free_wallet.free_wallet_file()

    assert path == Path(wanted) / "ocean-compute" / "free-wallet.json"


def test_it_is_made_for_its_owner_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "wallet.json"

    assert free_wallet.make(path)
    kept = path.read_bytes()
    assert not free_wallet.make(path)

    assert path.read_bytes() == kept
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]
    assert free_wallet.read(path).address == json.loads(kept)["address"]


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    path.write_text("mine")

    assert not free_wallet.make(path)
    assert path.read_text() == "mine"


def test_of_many_at_once_one_makes_it_and_all_find_it_whole(tmp_path: Path) -> None:
    path, gate = tmp_path / "wallet.json", threading.Barrier(8)

    def one(_: int) -> tuple[bool, str]:
        gate.wait()
        return free_wallet.make(path), free_wallet.read(path).address

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(one, range(8)))

    assert [is_new for is_new, _ in made].count(True) == 1
    assert len({address for _, address in made}) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"private_key": "0x12", "address": "0x12"}', '{"address": 1}']
)
def test_what_is_no_such_wallet_is_told_and_left_alone(content: str, tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    path.write_text(content)

    with pytest.raises(WalletError, match=r"wallet\.json cannot be used: it is not a wallet"):
        free_wallet.read(path)
    assert path.read_text() == content


def test_a_key_of_another_address_is_not_used_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    path.write_text(json.dumps({"private_key": KEY, "address": "0x" + "12" * 20}))

    with pytest.raises(WalletError) as caught:
        free_wallet.read(path)
    assert "4c4c" not in str(caught.value)


def test_where_nothing_can_be_kept_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(WalletError, match=r"none for free jobs can be kept in .*wallet\.json"):
        free_wallet.make(tmp_path / "file" / "wallet.json")


def test_a_wallet_that_is_named_counts_more(
    data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCEAN_PRIVATE_KEY", KEY)
    session = Session()

    session.allow_free_wallet(make=True)

    assert session.wallet.address == Wallet(None, private_key=KEY).address
    assert list(data_home.iterdir()) == []


def test_only_commands_that_may_use_it_do(
    data_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    first = Session()
    first.allow_free_wallet(make=True)
    assert f"Made a wallet for free jobs, for you alone to read: {data_home}" in (
        capsys.readouterr().err
    )

    again = Session()
    again.allow_free_wallet()

    assert again.wallet.address == first.wallet.address
    assert capsys.readouterr().err == ""
    with pytest.raises(WalletError, match="No wallet"):
        Session().wallet  # noqa: B018
