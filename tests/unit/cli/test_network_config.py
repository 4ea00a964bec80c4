"""The config in a network's folder: renewed while it is as it was written, kept when it is not."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.cli.embedded import keep_config
from ocean_lib.config import Config


def options(port: int) -> dict[str, dict[str, Any]]:
    """The options of a network at this port, in a folder with a hard name."""
    return {
        "eth-network": {"network": "http://127.0.0.1:8545", "address.file": "/100%/wörk/a.json"},
        "resources": {"provider.url": f"http://127.0.0.1:{port}"},
        "localnet": {"state": "/100%/wörk"},
    }


def kept(folder: Path, port: int) -> tuple[Path, list[str]]:
    said: list[str] = []
    return keep_config(folder, options(port), said.append), said


def provider_url(path: Path) -> str:
    return Config(str(path)).provider_url


def test_a_config_is_written_that_the_client_reads(tmp_path: Path) -> None:
    path, said = kept(tmp_path, 8030)

    assert path == tmp_path / "config.ini"
    assert provider_url(path) == "http://127.0.0.1:8030"
    assert Config(str(path)).get("localnet", "state") == "/100%/wörk"
    assert said == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.ini"]


def test_a_config_that_nobody_changed_is_renewed(tmp_path: Path) -> None:
    kept(tmp_path, 8030)
    path, said = kept(tmp_path, 8031)

    assert path == tmp_path / "config.ini"
    assert provider_url(path) == "http://127.0.0.1:8031"
    assert said == []


def test_what_the_user_added_stays_and_is_used(tmp_path: Path) -> None:
    first, _ = kept(tmp_path, 8030)
    mine = first.read_text("utf-8") + "# mine\n[timeout]\nread = 7\n"
    first.write_text(mine, "utf-8")
    path, said = kept(tmp_path, 8030)

    assert path == first
    assert path.read_text("utf-8") == mine
    assert said == []


@pytest.mark.parametrize(
    "mine",
    [
        "# mine\n[resources]\nprovider.url = http://127.0.0.1:9000\n",
        "[resources]\nprovider.url = http://127.0.0.1:8030\n",
        "no config at all",
        "",
        "\udcff",
    ],
)
def test_a_config_that_leads_elsewhere_stays_and_another_one_is_named(
    tmp_path: Path, mine: str
) -> None:
    theirs = tmp_path / "config.ini"
    theirs.write_text(mine, "utf-8", "surrogateescape")
    path, said = kept(tmp_path, 8030)
    again, _ = kept(tmp_path, 8031)

    assert theirs.read_text("utf-8", "surrogateescape") == mine
    assert path == again == tmp_path / "config.ini.new"
    assert provider_url(path) == "http://127.0.0.1:8031"
    assert str(theirs) in said[0]
    assert str(path) in said[0]


def test_a_value_that_the_user_changed_is_not_changed_back(tmp_path: Path) -> None:
    first, _ = kept(tmp_path, 8030)
    mine = first.read_text("utf-8").replace(":8030", ":9000")
    first.write_text(mine, "utf-8")
    kept(tmp_path, 8030)

    assert first.read_text("utf-8") == mine


def test_a_link_is_not_replaced(tmp_path: Path) -> None:
    kept(tmp_path, 8030)
    (tmp_path / "config.ini").rename(tmp_path / "mine.ini")
    (tmp_path / "config.ini").symlink_to("mine.ini")
    before = (tmp_path / "mine.ini").read_bytes()
    path, _ = kept(tmp_path, 8031)

    assert path == tmp_path / "config.ini.new"
    assert (tmp_path / "config.ini").is_symlink()
    assert (tmp_path / "mine.ini").read_bytes() == before


def test_a_folder_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.ini").mkdir()
    path, said = kept(tmp_path, 8030)

    assert path == tmp_path / "config.ini.new"
    assert len(said) == 1


def test_the_file_is_an_ini_like_any_other(tmp_path: Path) -> None:
    path, _ = kept(tmp_path, 8030)
    parser = configparser.ConfigParser()

    assert parser.read(path, "utf-8") == [str(path)]
    assert parser.get("localnet", "state") == "/100%/wörk"
