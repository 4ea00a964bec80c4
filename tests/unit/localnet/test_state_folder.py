"""Which folders a network takes for its state: never one with other people's files."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from ocean_lib.localnet import LocalNetworkError
from ocean_lib.localnet.state.files import DamagedFile, kept_keys, make_keys, read_ports, write_json
from ocean_lib.localnet.state.folder import (
    TEMPORARY,
    hold_folder,
    make_temporary,
    remove_abandoned,
    take_folder,
)

KEYS = json.dumps(asdict(make_keys("a seed", 1)))


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "files",
    [
        {"config.ini": "[mine]"},
        {"address.json": "{}"},
        {".gitignore": "build/\n", "main.py": ""},
        {"keys.json": '{"api": "secret"}'},
        {"keys.json": "[]"},
    ],
)
def test_a_folder_with_somebody_elses_files_is_refused_and_left_as_it_is(
    tmp_path: Path, files: dict[str, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(LocalNetworkError) as caught:
        take_folder(tmp_path)

    assert str(caught.value).count("the network cannot keep its state in") == 1
    assert str(tmp_path) in str(caught.value)
    assert max(files) in str(caught.value)
    assert "Choose a folder that is new, empty or of an earlier network" in str(caught.value)
    assert _contents(tmp_path) == files


@pytest.mark.parametrize(
    "files",
    [
        {},
        {".gitignore": "*\n"},
        {".gitkeep": "", ".DS_Store": ""},
        {"keys.json": KEYS},
        {"keys.json": KEYS, "notes.txt": "mine"},
        {"keys.part": ""},
        {"chain.db": ""},
    ],
)
def test_an_empty_folder_and_a_networks_own_are_taken(
    tmp_path: Path, files: dict[str, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    assert take_folder(tmp_path) == tmp_path
    assert _contents(tmp_path) == files


def test_a_new_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = take_folder(tmp_path / "a" / "b")

    assert folder.stat().st_mode & 0o777 == 0o700


def test_many_files_are_not_all_named(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"file{number}").touch()
    with pytest.raises(LocalNetworkError, match=r"\(file0, file1, file2, \.\.\.\)"):
        take_folder(tmp_path)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(LocalNetworkError, match="state: it is a file"):
        take_folder(tmp_path / "state")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_folder_that_cannot_be_made_is_refused_with_the_reason() -> None:
    with pytest.raises(LocalNetworkError, match=r"keep its state in /proc/x: .+ Choose a folder"):
        take_folder(Path("/proc/x"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LocalNetworkError, match="it is not writable"):
            take_folder(tmp_path)
    finally:
        tmp_path.chmod(0o700)


# A network's own folder, damaged


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (KEYS[:100], "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it does not hold the keys deployer, provider, compute and accounts"),
        (KEYS.replace("compute", "computer"), "it does not hold the keys"),
        (KEYS.replace("0x", "0y", 1), "one of its keys is not a private key"),
        (json.dumps({**json.loads(KEYS), "accounts": 3}), "one of its keys is not a private key"),
        (
            json.dumps({**json.loads(KEYS), "provider": f"0x{0:064x}"}),
            "one of its keys is not a private key",
        ),
    ],
)
def test_damaged_keys_are_named_and_not_shown(tmp_path: Path, text: str, reason: str) -> None:
    for name, content in (("keys.json", text), ("chain.db", "")):
        (tmp_path / name).write_text(content)
    with pytest.raises(LocalNetworkError) as caught:
        take_folder(tmp_path)

    told = str(caught.value)
    assert f"{tmp_path / 'keys.json'} is damaged: {reason}" in told
    assert "Put a copy of it back" in told
    assert json.loads(KEYS)["provider"][2:] not in told
    assert (tmp_path / "keys.json").read_text() == text


@pytest.mark.parametrize("name", ["keys.json", "address.json", "ports.json", "network.db"])
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "chain.db").touch()
    (tmp_path / name).mkdir()
    with pytest.raises(LocalNetworkError) as caught:
        take_folder(tmp_path)

    assert f"{tmp_path / name} is a folder, and a file is expected" in str(caught.value)


@pytest.mark.parametrize("name", ["files", "jobs", "tools"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "chain.db").touch()
    (tmp_path / name).touch()
    with pytest.raises(LocalNetworkError) as caught:
        take_folder(tmp_path)

    assert f"{tmp_path / name} is a file, and a folder is expected" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"port": "8030"}', '{"port": 0}', '{"port": 65536}']
    + ['{"port": true}', '{"port": 8030.5}', '{"port": NaN}', "\udcff"],
)
def test_ports_that_are_none_are_told_from_ports(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(DamagedFile):
        read_ports(path)


def test_ports_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    before = read_ports(path)
    write_json(path, {"port": 8030, "rpc_port": 65535})

    assert before == {}
    assert read_ports(path) == {"port": 8030, "rpc_port": 65535}
    assert [entry.name for entry in tmp_path.iterdir()] == ["ports.json"]


def test_keys_are_read_as_they_were_made_and_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = kept_keys(path, None, 3)

    assert kept_keys(path, None, 1) == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_is_held_by_one_until_that_one_lets_go(tmp_path: Path) -> None:
    let_go = hold_folder(tmp_path)
    with pytest.raises(LocalNetworkError, match=f"another one is running in {tmp_path}"):
        hold_folder(tmp_path)
    let_go()

    hold_folder(tmp_path)()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_was_forked_does_not_keep_a_folder(tmp_path: Path) -> None:
    let_go = hold_folder(tmp_path)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(writing)
        os.read(reading, 1)  # until the parent closes its end
        os._exit(0)
    let_go()
    try:
        hold_folder(tmp_path)()
    finally:
        os.close(writing)
        os.waitpid(child, 0)
        os.close(reading)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for temporary folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _abandoned(folder: Path, mark: str | None = None) -> Path:
    """Make what a network that was killed leaves; an algorithm has locked one of its folders."""
    locked = folder / "jobs" / "job" / "data"
    locked.mkdir(parents=True)
    (locked / "input.csv").write_text("1")
    locked.chmod(0)
    (folder / "keys.json").write_text(KEYS)
    (folder / TEMPORARY).write_text(folder.name if mark is None else mark)
    return folder


def test_a_temporary_folder_that_nobody_holds_is_removed(temporary: Path) -> None:
    _abandoned(temporary / "ocean-localnet-killed")

    remove_abandoned()

    assert list(temporary.iterdir()) == []


def test_a_temporary_folder_that_somebody_holds_stays(temporary: Path) -> None:
    folder, remove = make_temporary()
    (folder / "keys.json").write_text(KEYS)
    remove_abandoned()
    there = _contents(folder)
    remove()

    assert there == {"keys.json": KEYS, TEMPORARY: folder.name}
    assert not folder.exists()


def test_a_removal_that_was_cut_off_is_ended(temporary: Path) -> None:
    folder = _abandoned(temporary / "ocean-localnet-killed")
    (folder / "keys.json").unlink()

    remove_abandoned()

    assert not folder.exists()


def test_folders_that_only_look_like_temporary_ones_stay(temporary: Path) -> None:
    copied = _abandoned(temporary / "ocean-localnet-copy", mark="ocean-localnet-original")
    kept = _abandoned(temporary / "ocean-localnet-demo")
    (kept / TEMPORARY).unlink()
    elsewhere = _abandoned(temporary / "project")
    (temporary / "ocean-localnet-link").symlink_to(elsewhere)
    (temporary / "ocean-localnet-file").write_text("mine")
    odd = temporary / "ocean-localnet-pipe"
    odd.mkdir()
    os.mkfifo(odd / TEMPORARY)

    remove_abandoned()

    assert (temporary / "ocean-localnet-file").read_text() == "mine"
    assert all((folder / "keys.json").exists() for folder in (copied, kept, elsewhere))
    assert (odd / TEMPORARY).exists()
