"""Which folders a network takes for its state: never one with other people's files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ocean_lib.localnet import LocalNetworkError
from ocean_lib.localnet._state_folder import take_folder

KEYS = json.dumps({"deployer": "0x1", "provider": "0x2", "compute": "0x3", "accounts": []})


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
        {"keys.json": "not JSON", "chain.db": ""},
    ],
)
def test_a_folder_with_somebody_elses_files_is_refused_and_left_as_it_is(
    tmp_path: Path, files: dict[str, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(LocalNetworkError) as caught:
        take_folder(tmp_path)

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
