"""The example notebooks run from end to end, and show what is committed with them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import EXAMPLES, NOTEBOOKS, clean, execute, read, told


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_what_it_is_kept_with(notebook: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    kept = told(read(notebook))
    fresh = tmp_path / "fresh.ipynb"

    done = execute(notebook, fresh)

    assert done.returncode == 0, done.stderr[-3000:]
    assert told(read(fresh)) == kept, "run: python -m tests.notebooks"
    assert sum(output == "a picture" for cell in kept for output in cell) == 1
    warned = [
        output
        for cell in read(fresh)["cells"]
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr" and "Warning" in "".join(output["text"])
    ]
    assert warned == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_clean(notebook: Path) -> None:
    text = notebook.read_text(encoding="utf-8")

    assert f"{json.dumps(clean(read(notebook)), indent=1, ensure_ascii=False)}\n" == text
    assert not re.search(r"/home/|/Users/|/tmp|/root|[A-Z]:\\\\", text)
    for cell in read(notebook)["cells"]:
        assert "0x" not in "".join(cell["source"])  # neither keys nor addresses


def test_it_is_the_same_wherever_the_kernel_cuts_what_a_cell_prints() -> None:
    def printed(*texts: str) -> dict[str, Any]:
        outputs = [{"output_type": "stream", "name": "stdout", "text": [text]} for text in texts]
        return {"cells": [{"cell_type": "code", "outputs": outputs}]}

    assert told(printed("mine", "\ntheirs", "\n")) == told(printed("mine\n", "theirs\n"))
    assert told(printed("mine", "\ntheirs", "\n")) == [["mine\ntheirs\n"]]


def test_the_v3_notebook_shows_tables_and_what_is_refused() -> None:
    cells = read(EXAMPLES / "compute_to_data.ipynb")["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pages = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    tables = [page for page in pages if "<table>" in page]

    assert len(tables) == 7  # two assets, orders, a job, its status, its files, all jobs
    assert "stopped" in tables[-1]
    assert "cannot run raw algorithm" in json.dumps(outputs)


def test_the_model_that_was_trained_at_the_node_is_the_better_one() -> None:
    cells = told(read(EXAMPLES / "train_at_a_node.ipynb"))
    (line,) = (text for cell in cells for text in cell if "trained where the data is" in text)
    own, theirs = map(float, re.findall(r"([\d.]+)%", line))

    assert 50 < own < theirs - 1
    assert theirs > 90


def test_two_lines_name_the_network() -> None:
    """To start and stop it besides."""
    cells = read(EXAMPLES / "compute_to_data.ipynb")["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")

    lines = [line for line in code.splitlines() if "network" in line]

    assert lines == [
        "network = LocalNetwork().start()",
        "config = network.config",
        "owner, scientist = network.wallet(0), network.wallet(1)",
        "network.stop()",
    ]
