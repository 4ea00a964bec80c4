"""Every code block of every page is run by a test, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocean_lib import exceptions
from ocean_lib.config import Config
from ocean_lib.documents.description import read_description
from tests.pages import OUTPUT, ROOT, Block, blocks, pages

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}


def ours(language: str) -> list[Block]:
    """Return the blocks of all pages that this file runs."""
    return [
        block
        for page in PAGES.values()
        for block in blocks(page)
        if block.language == language and block.runner.endswith(Path(__file__).name)
    ]


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_run_or_says_why_not(name: str) -> None:
    unsaid = [
        f"{name}:{block.line} ({block.language or 'no language'})"
        for block in blocks(PAGES[name])
        if block.language != OUTPUT and not block.runner and not block.reason
    ]

    assert unsaid == []


@pytest.mark.parametrize("name", PAGES)
def test_whoever_is_said_to_run_a_block_reads_the_page(name: str) -> None:
    for runner in {block.runner for block in blocks(PAGES[name])} - {""}:
        text = (ROOT / runner).read_text(encoding="utf-8")
        assert Path(name).name in text or "tests.pages" in text, runner


def test_marks_hold_until_the_next_one(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- run by a.py -->\n```python\n# x.py\n1\n```\n"
        "<!-- sh, yaml: not run: no shell here -->\n```sh\nls\n```\n```python\n2\n```\n"
        "```{toctree}\nx\n```\n<!-- not run: ends here -->\n```python\n3\n```\n"
    )

    found = [(block.language, block.runner, block.reason, block.file) for block in blocks(page)]

    assert found == [
        ("python", "a.py", "", "x.py"),
        ("sh", "", "no shell here", ""),
        ("python", "a.py", "", ""),
        ("python", "", "ends here", ""),
    ]


def test_configs_are_read(caplog: pytest.LogCaptureFixture) -> None:
    shown = ours("ini")

    for block in shown:
        config = Config(text=block.code)
        assert config.provider_url or config.trusted_providers

    assert len(shown) >= 3
    assert caplog.text == "", "an option in them is not known"


def test_descriptions_are_read(tmp_path: Path) -> None:
    (tmp_path / "tumours.csv").touch()
    shown = ours("yaml")

    for block in shown:
        (tmp_path / block.file).write_text(block.code)
        assert read_description(tmp_path / block.file).values["name"]

    assert shown


def test_every_error_has_a_cause_and_a_fix() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| \[`(\w+)`\]\(reference/errors\.md#(\w+)\) \| .+ \| .+ \|$", page, re.M)
    # Nobody meets these: each is raised as one of its kinds.
    above = {"OceanError", "TransportError", "ResponseError", "ProviderError"}
    kinds = {
        name
        for name, kind in vars(exceptions).items()
        if isinstance(kind, type) and issubclass(kind, exceptions.OceanError)
    }

    assert {name for name, _ in told} == kinds - above
    assert all(anchor == name.lower() for name, anchor in told)
