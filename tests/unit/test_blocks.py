"""Every code block of every page is run by a test, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import OUTPUT, ROOT, blocks, pages

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}


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
