"""What a package index and a pip user get to see."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import ocean_lib
from ocean_lib.cli.app import app

ROOT = Path(__file__).parents[2]
FOR_INDEX = ROOT / "scripts" / "_for_index.py"
HOME = "https://code.example/team/ocean-compute"
LINK = re.compile(r"\]\(([^)]+)\)")


def prepared(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, FOR_INDEX, folder, url]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_version_is_one() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert re.findall(r'^version = "(.+)"$', project, re.MULTILINE) == [ocean_lib.__version__]


def test_on_an_index_every_link_of_the_readme_leads_to_the_release(tmp_path: Path) -> None:
    done = prepared(tmp_path, f"{HOME}/")
    assert done.returncode == 0, done.stderr
    version = ocean_lib.__version__
    links = LINK.findall((tmp_path / "README.md").read_text(encoding="utf-8"))

    inside = [link for link in links if link.startswith(HOME)]
    assert f"{HOME}/raw/v{version}/docs/images/compute-to-data.svg" in inside
    assert len(inside) > 20
    assert all(link.startswith("https://") for link in links)
    for link in inside:
        path = re.sub(rf"^{re.escape(HOME)}/(raw|blob)/v{re.escape(version)}/", "", link)
        assert (ROOT / path.partition("#")[0]).exists(), link


def test_the_project_names_its_own_urls_and_no_others(tmp_path: Path) -> None:
    own = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    prepared(tmp_path, HOME)
    text = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")

    assert "https://" not in own
    table = text.partition("[project.urls]")[2]
    assert set(re.findall(r"https://\w+\.\w+(?:/[\w-]+){2}", table)) == {HOME}


@pytest.mark.parametrize("url", ["", "http://code.example/x", "code.example/x"])
def test_a_url_that_is_none_changes_nothing(tmp_path: Path, url: str) -> None:
    done = prepared(tmp_path, url)

    assert done.returncode == 2
    assert "must be https://..." in done.stderr
    assert (tmp_path / "README.md").read_bytes() == (ROOT / "README.md").read_bytes()


def helps(command: click.Command, path: str = "ocean-compute") -> Iterator[tuple[str, str]]:
    """Yield the help of a command and of all below it."""
    context = click.Context(command, info_name=path)
    yield path, command.get_help(context)
    for name, inner in getattr(command, "commands", {}).items():
        yield from helps(inner, f"{path} {name}")


def test_help_names_no_file_that_a_pip_user_lacks() -> None:
    told = dict(helps(app))

    assert len(told) > 25
    ours = re.compile(r"\bdocs/|\.md\b|\.example\b|\bexamples/|\bscripts/")
    assert [path for path, text in told.items() if ours.search(text)] == []
