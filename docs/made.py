"""The parts of the site that are made from the code when it is built.

A page says `<!-- made: NAME -->` where the function `NAME` of this module puts its Markdown.
`python docs/made.py NAME` prints one.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ocean_lib
from ocean_lib import exceptions
from ocean_lib.backends.node import answers as node
from ocean_lib.backends.v3 import answers as v3
from ocean_lib.cli.errors import MEANINGS, exit_code_of
from ocean_lib.config import OPTIONS
from ocean_lib.documents.schema import tables as description
from ocean_lib.exceptions import OceanError
from ocean_lib.jobs.view import JobState
from ocean_lib.localnet.dialects.node import jobs as node_jobs
from ocean_lib.localnet.dialects.v3 import jobs as v3_jobs

__all__ = [
    "architecture",
    "config",
    "description",
    "errors",
    "exit_status",
    "filled",
    "others",
    "states",
]

ROOT = Path(__file__).parents[1]
PACKAGE = Path(ocean_lib.__file__).parent
Edges = Mapping[str, set[str]]
_MARK = re.compile(r"<!-- made: (\w+) -->")


def filled(text: str) -> str:
    """Return a page with what its marks name."""
    return _MARK.sub(lambda mark: globals()[mark[1]](), text)


def _table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


# --- config


def config() -> str:
    """Return every option, with the words of config.ini.example."""
    words = _words_of_example()
    parts = []
    for section in dict.fromkeys(option.section for option in OPTIONS):
        rows = [
            (
                f"`{option.name}`",
                f"`{option.default}`" if option.default else "",
                f"`{option.env}`" if option.env else "",
                words[option.name],
            )
            for option in OPTIONS
            if option.section == section
        ]
        parts.append(f"## `[{section}]`\n\n{_table(('option', 'default', 'variable', ''), rows)}")
    return "\n".join(parts)


def _words_of_example() -> dict[str, str]:
    """Return what the example says of each option, without its variable."""
    found: dict[str, str] = {}
    for block in (ROOT / "config.ini.example").read_text(encoding="utf-8").split("\n\n"):
        said = re.findall(r"^; (?![\w.]+ =)(.*)$", block, re.MULTILINE)
        text = re.sub(r"\s*(Environment: [^.]*\.|\([A-Z_]+\))", "", " ".join(said))
        for name in re.findall(r"^(?:; )?([\w.]+) =", block, re.MULTILINE):
            found[name] = text.replace("|", "\\|").replace("*", "\\*")
    return found


# --- errors and exit statuses


def error_classes(above: type[OceanError] = OceanError) -> Iterator[type[OceanError]]:
    """Yield every error of the library, each after its parent."""
    yield above
    for kind in above.__subclasses__():
        if kind.__module__ == exceptions.__name__:
            yield from error_classes(kind)


def errors() -> str:
    """Return the tree of errors, and the meaning and attributes of each."""
    tree = inspect.getdoc(exceptions) or ""
    drawn = tree[tree.index("OceanError\n") :].partition("\n\n")[0]
    parts = [f"```text\n{inspect.cleandoc('    ' + drawn)}\n```\n"]
    parts += [_error(kind) for kind in error_classes()]
    return "\n".join(parts)


def _error(kind: type[OceanError]) -> str:
    builtins = [f"`{base.__name__}`" for base in kind.__bases__ if base.__module__ == "builtins"]
    also = f"; also a {', '.join(builtins)}" if builtins and kind is not OceanError else ""
    parent = kind.__bases__[0].__name__
    above = f"A [{parent}](#{parent.lower()}){also}. " if kind is not OceanError else ""
    code = exit_code_of(_blank(kind))
    return (
        f"({kind.__name__.lower()})=\n## {kind.__name__}\n\n{above}"
        f"Exit status {int(code)} ({code.reason.replace('_', ' ')}).\n\n"
        f"```{{eval-rst}}\n.. autoexception:: ocean_lib.exceptions.{kind.__name__}\n"
        "   :no-index-entry:\n```\n"
    )


def _blank(kind: type[OceanError]) -> OceanError:
    """Return an error of a class without its arguments, which the exit status does not need."""
    blank = type(kind.__name__, (kind,), {"__init__": Exception.__init__})("")
    if isinstance(blank, exceptions.ResponseError):
        blank.status_code = 0
    return blank  # type: ignore[no-any-return]


def exit_status() -> str:
    """Return the exit statuses of the command line."""
    rows = [(str(int(code)), f"`{code.reason}`", MEANINGS[code]) for code in MEANINGS]
    return _table(("status", "reason", "meaning"), rows)


# --- states


def states() -> str:
    """Return what each status code means on each generation, as the client reads it."""
    return (
        f"## V3 Provider\n\n{_states(v3.job_of, 'provider-v3', _V3_JOB, _V3_END)}\n"
        f"## Ocean Node\n\n{_states(node.job_of, 'ocean-node', _NODE_JOB, _NODE_END)}"
    )


_V3_JOB = {"jobId": "1" * 32, "agreementId": "0x", "owner": "", "stopreq": 0, "dateCreated": "1"}
_V3_END = {"dateFinished": "2"}
_NODE_JOB = {"jobId": "1", "dateCreated": "1", "results": [{"type": "output", "index": 0}]}
_NODE_END = {"dateFinished": "2", "terminationDetails": {"exitCode": 0, "OOMKilled": False}}


def _states(job_of: Any, vectors: str, job: Mapping[str, Any], end: Mapping[str, Any]) -> str:
    words = {**_words_of_network(vectors), **_recorded_words(vectors)}
    rows = []
    for code in range(100):
        text = words.get(code, "")
        running, ended = (
            job_of({**job, **more, "status": code, "statusText": text}).status
            for more in ({"dateFinished": None}, end)
        )
        if running.state is not JobState.UNKNOWN:
            values = (f"`{running.state.name}`", f"`{ended.state.name}`", str(ended.succeeded))
            rows.append((str(code), text, *values))
    return _table(("code", "text", "without an end", "with an end", "`succeeded`"), rows)


def _words_of_network(folder: str) -> dict[int, str]:
    """Return the text of each code on the embedded network, where none was recorded."""
    if folder == "ocean-node":
        return {code: text.strip() for code, text in reversed(node_jobs._STATUS.values())}
    return {int(stage): text.strip() for stage, text in v3_jobs.STATUS_TEXTS.items()}


def _recorded_words(folder: str) -> dict[int, str]:
    """Return the text that each code was recorded with."""
    pair = re.compile(r'\\?"status\\?": ?(\d+),\s*\\?"statusText\\?": ?\\?"([^"\\]*)')
    found: dict[int, str] = {}
    for path in sorted((ROOT / "tests" / "vectors" / folder).glob("*.json")):
        for code, text in pair.findall(path.read_text(encoding="utf-8")):
            found.setdefault(int(code), text.strip())
    return found


# --- pages


def others() -> str:
    """Return the pages beside docs/index.md that no list of pages names."""
    docs = ROOT / "docs"
    listed = {
        line.strip().lstrip("/")
        for index in docs.rglob("index.md")
        for line in index.read_text(encoding="utf-8").splitlines()
    }
    pages = sorted(path.stem for path in docs.glob("*.md"))
    return "\n".join(f"/{name}" for name in pages if name not in {*listed, "index", "README"})


# --- architecture


def architecture() -> str:
    """Return a drawing of who imports whom, by package, from the top down."""
    imports = _imports()
    levels = _levels(imports)
    return _svg(levels, imports)


def _room(name: str) -> str:
    """Return the package below ocean_lib that a module is in; single modules are one room."""
    parts = name.split(".")
    return parts[1] if len(parts) > 2 or (PACKAGE / parts[-1]).is_dir() else "(modules)"


def _imports() -> dict[str, dict[str, int]]:
    """Return how many imports lead from each package to each other one, those in functions too."""
    found: dict[str, dict[str, int]] = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        here = _room(name.removesuffix(".__init__"))
        to = found.setdefault(here, {})
        for entry in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(entry, ast.ImportFrom) and (entry.module or "").startswith("ocean_lib."):
                there = _room(str(entry.module))
                if there != here:
                    to[there] = to.get(there, 0) + 1
    return {name: to for name, to in found.items() if name != "ocean_lib"}


_ROWS = (
    ("cli", "testing"),
    ("ocean",),
    ("preflight", "assets", "data_provider"),
    ("jobs", "documents", "common"),
    ("backends", "models"),
    ("http", "web3_internal"),
    ("(modules)", "base"),
)
"""The rows of the drawing; the build fails if a package is in none."""


def _levels(imports: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    missing = set(imports) - {name for row in _ROWS for name in row} - {"localnet"}
    if missing:
        raise ValueError(f"docs/made.py draws no row with {', '.join(sorted(missing))}")
    return [[name for name in row if name in imports] for row in _ROWS]


def _lines(room: str) -> int:
    files = PACKAGE.glob("*.py") if room == "(modules)" else (PACKAGE / room).rglob("*.py")
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def _down(places: Mapping[str, tuple[int, int]], imports: Mapping[str, Mapping[str, int]]) -> Edges:
    """Return which package below each one it imports, without those it reaches by another one."""
    below = {
        name: {other for other in imports[name] if other in places and places[other][1] > y}
        for name, (_, y) in places.items()
    }

    def reached(name: str) -> set[str]:
        return below[name].union(*(reached(other) for other in below[name]))

    return {
        name: {other for other in to if not any(other in reached(by) for by in to - {other})}
        for name, to in below.items()
    }


def _svg(levels: list[list[str]], imports: Mapping[str, Mapping[str, int]]) -> str:
    places = _places(levels)
    below = _down(places, imports)
    lines = [
        f'<path d="M{x} {y + 44} L{places[other][0]} {places[other][1]}"/>'
        for name, (x, y) in places.items()
        for other in sorted(below[name])
    ]
    boxes = [_box(name, x, y) for name, (x, y) in places.items()]
    height = max(y for _, y in places.values()) + 60
    return (
        f'<svg class="architecture" viewBox="0 0 760 {height}" role="img" '
        'aria-label="The packages of ocean_lib; a line leads from a package to one it imports">'
        f'<g stroke="currentColor" opacity="0.6">{"".join(lines)}</g>{"".join(boxes)}</svg>\n'
    )


def _places(levels: list[list[str]]) -> dict[str, tuple[int, int]]:
    found = {}
    for row, names in enumerate(levels):
        step = 580 // len(names)
        for column, name in enumerate(names):
            found[name] = (step // 2 + column * step, 8 + row * 84)
    return {**found, "localnet": (680, 8 + 3 * 84)}


def _box(name: str, x: int, y: int) -> str:
    about = f"{_lines(name):,} lines"
    return (
        f'<rect x="{x - 68}" y="{y}" width="136" height="44" rx="6"/>'
        f'<text x="{x}" y="{y + 19}">{name}</text>'
        f'<text x="{x}" y="{y + 36}" class="about">{about}</text>'
    )


if __name__ == "__main__":
    print(globals()[sys.argv[1]]())
