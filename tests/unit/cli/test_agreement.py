"""A Provider that was agreed to is kept in the config file, and all else there stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ocean_lib.cli.asking import _remember
from ocean_lib.config import Config
from ocean_lib.exceptions import ConfigError

ORIGIN = "https://provider.example:8030"
TEXTS = {
    "no section": ("[eth-network]\nnetwork = http://node\n", ORIGIN),
    "empty": ("", ORIGIN),
    "an empty section": ("[resources]", ORIGIN),
    "not set": ("[resources]\n# why\nprovider.url = http://x\n[util]\na = %%\n", ORIGIN),
    "empty option": ("[resources]\nprovider.trusted =\n", ORIGIN),
    "one": ("[resources]\nprovider.trusted = a.example\n", f"{ORIGIN}, a.example"),
    "a colon": ("[resources]\nPROVIDER.trusted:a.example", f"{ORIGIN}, a.example"),
    "lines": (
        "[resources]\nprovider.trusted =\n  a.example\n  b.example\n",
        f"{ORIGIN}\na.example\nb.example",
    ),
    "in another section": ("[util]\nprovider.trusted = x\n[resources]\n", ORIGIN),
    "a comment": ("[resources]\n; provider.trusted = x\n", ORIGIN),
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROVIDER_URL", "PROVIDER_TRUSTED", "NETWORK_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("text", "trusted"), TEXTS.values(), ids=TEXTS)
def test_it_is_put_before_what_is_there(tmp_path: Path, text: str, trusted: str) -> None:
    path = tmp_path / "config.ini"
    path.write_text(text, encoding="utf-8")
    before = Config(text=text)

    _remember(path, ORIGIN)

    after = Config(path)
    assert after.trusted_providers == trusted
    assert [line for line in text.splitlines() if line not in path.read_text("utf-8")] in (
        [],
        [line for line in text.splitlines() if "trusted" in line],
    )
    after.set("resources", "provider.trusted", before.get("resources", "provider.trusted"))
    assert {name: dict(after[name]) for name in after} == {n: dict(before[n]) for n in before}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", ["[resources]\r\n; é\r\n", "; é\r\n", "\r\n[other]\r\nx = é\r\n"])
def test_how_the_file_is_written_stays(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "config.ini"
    path.write_bytes(text.encode(encoding))

    _remember(path, ORIGIN)

    written = path.read_bytes()
    assert Config(path).trusted_providers == ORIGIN
    assert written.startswith(text.encode(encoding)[:3])
    lines = written.decode(encoding).replace("\r\n", "|")
    assert "\n" not in lines
    assert "é" in lines


def test_rights_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "config.ini", tmp_path / "link.ini"
    path.write_text("[resources]\n", encoding="utf-8")
    path.chmod(0o600)
    link.symlink_to(path)

    _remember(link, ORIGIN)

    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Config(path).trusted_providers == ORIGIN
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_what_would_not_count_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.ini"
    path.write_text("[resources]\n", encoding="utf-8")
    monkeypatch.setenv("PROVIDER_TRUSTED", "a.example")

    with pytest.raises(ConfigError):
        _remember(path, ORIGIN)

    assert path.read_text(encoding="utf-8") == "[resources]\n"


def test_a_file_that_is_gone_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.ini"):
        _remember(tmp_path / "config.ini", ORIGIN)
