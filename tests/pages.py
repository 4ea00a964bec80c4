"""The code blocks of our Markdown pages, and who runs them.

A comment above a block says it for that block and all after it, until the next such comment:

    <!-- run by tests/integration/test_pages.py -->
    <!-- python: run by tests/integration/test_jobs.py -->
    <!-- console, yaml: not run: transcripts of real runs, ids shortened -->

The languages before the colon are those it is about; without them, all. Blocks of `text` show
output; where test_pages.py runs a page, it compares them.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUTPUT = "text"
_MARK = re.compile(
    r"<!-- (?:(?P<languages>[a-z, ]+): )??(?P<how>run by|not run:) (?P<what>[^>]+?) -->"
)
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"# (?P<name>[\w/-]+\.\w+)\n")


@dataclass(frozen=True)
class Block:
    """One block of code.

    Attributes:
        language: what stands behind the fence.
        code: its text.
        runner: the file that runs it, '' if none does.
        reason: why it is not run, '' if it is.
        line: where it begins.
    """

    language: str
    code: str
    runner: str
    reason: str
    line: int

    @property
    def file(self) -> str:
        """The file that it is the content of, by the comment in its first line; '' if none."""
        named = _FILE.match(self.code)
        return named["name"] if named else ""


def shows(output: str, wanted: str) -> bool:
    """Tell whether a program printed this; `...` is anything, and blanks do not count."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(wanted, output, options)


def pages() -> list[Path]:
    """Return every Markdown page that users read."""
    docs = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
    return [*sorted(ROOT.glob("*.md")), *sorted(docs), *sorted((ROOT / "examples").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page; Sphinx's directives are none."""
    text = page.read_text(encoding="utf-8")
    fences = [(match.start(), match) for match in _FENCE.finditer(text)]
    marks = [(match.start(), match) for match in _MARK.finditer(text)]
    of_language: dict[str, re.Match[str]] = {}
    for place, match in sorted([*fences, *marks], key=lambda found: found[0]):
        if match.re is _MARK:
            names = re.findall(r"\w+", match["languages"] or "")
            of_language = {**of_language, **dict.fromkeys(names, match)} if names else {"": match}
        elif not match["language"].startswith("{"):
            mark = of_language.get(match["language"], of_language.get(""))
            is_run = mark is not None and mark["how"] == "run by"
            yield Block(
                language=match["language"],
                code=match["code"],
                runner=mark["what"] if mark and is_run else "",
                reason=mark["what"] if mark and not is_run else "",
                line=text.count("\n", 0, place) + 1,
            )
