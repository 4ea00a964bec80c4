"""The example notebook runs from end to end, and is kept clean."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "compute_to_data.ipynb"

# In a process of its own: what Jupyter warns of is not ours to fail on.
EXECUTE = """
import sys
import nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
place = {"metadata": {"path": sys.argv[2]}}
try:
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
finally:
    nbformat.write(notebook, sys.argv[3])
"""


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return found


def test_it_runs_from_end_to_end(tmp_path):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    executed = tmp_path / "executed.ipynb"

    run = subprocess.run(
        [sys.executable, "-c", EXECUTE, NOTEBOOK, NOTEBOOK.parent, executed],
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode == 0, run.stderr[-3000:]
    outputs = [
        output
        for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
    ]
    text = json.dumps(outputs)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1
    pages = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    tables = [page for page in pages if "<table>" in page]
    assert len(tables) == 7  # two assets, orders, a job, its status, its files, all jobs
    assert "Job finished" in text
    assert "cannot run raw algorithm" in text
    assert "stopped" in tables[-1]
    assert re.search(r"Job \[\d\d:\d\d\]|Job: ", text)  # the state and the time
    assert not [o for o in outputs if o.get("name") == "stderr" and "Warning" in o["text"]]


def test_it_is_kept_without_outputs_and_traces_of_a_machine():
    for cell in cells():
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"127\.0\.0\.1|localhost|/home/|/Users/|/tmp|[A-Z]:\\\\", text)
    assert "0x" not in text  # neither keys nor addresses


def test_two_lines_name_the_network():
    """To start and stop it besides."""
    code = "\n".join("".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code")

    lines = [line for line in code.splitlines() if "network" in line]

    assert lines == [
        "network = LocalNetwork().start()",
        "config = network.config",
        "owner, scientist = network.wallet(0), network.wallet(1)",
        "network.stop()",
    ]
