"""The notebooks in examples/: run afresh, cleaned of what differs from run to run, compared.

`python -m tests.notebooks` executes all and writes their outputs, which are committed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
SHOWN = ("image/png", "text/html", "text/plain")

# In a process of its own: what Jupyter warns of is not ours to fail on.
_EXECUTE = """
import sys
import nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
place = {"metadata": {"path": sys.argv[2]}}
try:
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
finally:
    nbformat.write(notebook, sys.argv[3])
"""
# What no two runs have in common: ids, times, and what the machine is.
_VARIES = re.compile(
    r"(?:0x|did:op:)?[0-9a-fA-F]{8,}(?:\.\.\.[0-9a-fA-F]*)?|\d{4}-\d\d-\d\d|\d\d:\d\d(?::\d\d)?"
    r"|127\.0\.0\.1:\d+|\d+\.\d+ s\b|\d{10}\.\d+|^\[localnet\].*$"
    # How far a job is when it is first seen.
    r"|Warming up|Job started|Configuring volumes|Provisioning success|Running algorithm ?",
    re.MULTILINE,
)


def execute(notebook: Path, to: Path) -> subprocess.CompletedProcess[str]:
    """Run a notebook from end to end, and write it with its outputs."""
    command: list[str | Path] = [sys.executable, "-c", _EXECUTE, notebook, notebook.parent, to]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def read(notebook: Path) -> dict[str, Any]:
    """Return a notebook's document."""
    found: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    return found


def clean(document: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without progress bars, and without what tells of the machine."""
    for cell in document["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["outputs"] = _whole(_kept(cell["outputs"]))
    language = {"name": "python"}
    document["metadata"] = {
        "kernelspec": document["metadata"]["kernelspec"],
        "language_info": language,
    }
    return document


def _kept(outputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for output in outputs:
        data = output.get("data")
        if output.get("name") == "stderr" or (data and _is_widget(data)):
            continue
        if data is not None:
            yield {**output, "metadata": {}, "data": {k: data[k] for k in SHOWN if k in data}}
        else:
            yield output


def _whole(outputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a cell prints in one output: where the kernel cuts it is chance."""
    whole: list[dict[str, Any]] = []
    for output in outputs:
        if whole and "name" in output and output["name"] == whole[-1].get("name"):
            printed = "".join([*whole.pop()["text"], *output["text"]])
            output = {**output, "text": printed.splitlines(keepends=True)}
        whole.append(output)
    return whole


def _is_widget(data: dict[str, Any]) -> bool:
    return any("widget" in kind for kind in data)


def told(document: dict[str, Any]) -> list[list[str]]:
    """Return what each code cell shows, without what differs from run to run."""
    return [
        [_same(output) for output in _whole(_kept(cell["outputs"]))]
        for cell in document["cells"]
        if cell["cell_type"] == "code"
    ]


def _same(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        return "a picture"
    text = data.get("text/html") or data.get("text/plain") or output.get("text", "")
    return _VARIES.sub("*", "".join(text))


def main() -> int:
    for notebook in NOTEBOOKS:
        done = execute(notebook, notebook)
        if done.returncode:
            print(done.stderr[-3000:], file=sys.stderr)
            return 1
        text = json.dumps(clean(read(notebook)), indent=1, ensure_ascii=False)
        notebook.write_text(f"{text}\n", encoding="utf-8")
        print(f"{notebook.name}: {len(text) // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
