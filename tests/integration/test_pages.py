"""Pages of docs/ run as a reader would: block after block, in an empty folder, output compared."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.pages import OUTPUT, ROOT, Block, blocks, pages, shows

DOCS = ROOT / "docs"
DEADLINE_S = 180
# Read in this order in one session: names and files carry over.
STORIES = {
    "the tutorials on V3": [
        *("algorithm.md", "publish.md", "trust.md"),
        *("order-and-run.md", "results.md", "debug.md"),
    ],
    "the tutorials on a node": ["algorithm.md", "node.md", "paid-job.md"],
    "an app's own tests": ["test-your-app.md"],
    "how-to": ["../how-to/keys.md", "../how-to/proxies.md", "../how-to/many-wallets.md"],
}
PAGES = {"README.md": ["../../README.md"], "start.md": ["../start.md"], **STORIES}


def run_by_us(names: Iterable[str]) -> list[tuple[str, Block]]:
    """Return the blocks that are ours to run, and the output after them, with their pages."""
    found = []
    for name in names:
        ours = False
        for block in blocks(DOCS / "tutorials" / name):
            ours = bool(block.runner) and (ROOT / block.runner).name == Path(__file__).name
            if ours:
                found.append((name, block))
    return found


class Reader:
    """Somebody who follows pages in a folder.

    Args:
        folder: an empty one, which is the current one.
        capsys: shows what was printed.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._shown = ""
        programs = folder / ".bin"
        programs.mkdir()
        for name, start in {
            "ocean-compute": "-m ocean_lib.cli",
            "python": "",
            "python3": "",
        }.items():
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {start} "$@"\n')
            (programs / name).chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def follow(self, page: str, block: Block) -> None:
        """Do what a block says."""
        place = f"{page}:{block.line}"
        if block.language == OUTPUT:
            self._compare(place, block.code)
        elif block.file:
            (self._folder / block.file).write_text(block.code)
        elif block.language == "python":
            self._capsys.readouterr()
            exec(compile(block.code, place, "exec"), self._names)
            self._shown = self._capsys.readouterr().out
        else:
            self._shown = self._shell(place, block.code)

    def leave(self) -> None:
        """End what was left running."""
        if "network" in self._names:
            self._names["network"].stop()

    def _shell(self, place: str, code: str) -> str:
        done = subprocess.run(
            ["sh", "-e"],
            input=code,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, f"{place}: {done.stderr}{done.stdout}"
        return done.stdout

    def _compare(self, place: str, wanted: str) -> None:
        assert shows(self._shown, wanted), f"{place} says\n{wanted}\nand it was\n{self._shown}"


@pytest.mark.parametrize("story", PAGES)
def test_its_blocks_run_and_show_what_it_says(
    story: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG_FILE", "OCEAN_KEYSTORE", "OCEAN_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    told = run_by_us(PAGES[story])
    reader = Reader(tmp_path, capsys)

    try:
        for page, block in told:
            reader.follow(page, block)
    finally:
        reader.leave()

    assert len(told) >= len(PAGES[story])


def test_every_page_that_names_us_is_in_a_story() -> None:
    listed = {(DOCS / "tutorials" / name).resolve() for names in PAGES.values() for name in names}
    ours = {
        page
        for page in pages()
        if any(block.runner.endswith(Path(__file__).name) for block in blocks(page))
    }

    assert ours == listed
