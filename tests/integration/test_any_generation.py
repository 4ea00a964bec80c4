"""One algorithm file and one program for every generation, and what docs/algorithms.md shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import blocks

ROOT = Path(__file__).parents[2]
ALGORITHM = ROOT / "examples" / "algorithms" / "classify.py"
TABLE = ROOT / "examples" / "data" / "tumours.csv"
GUIDE = ROOT / "docs" / "algorithms.md"
DID = "12" * 20


def block(language: str) -> str:
    (found,) = [one for one in blocks(GUIDE) if one.language == language and one.runner]
    return found.code


def laid_out(folder: Path, generation: str) -> dict[str, str]:
    """Lay out a job's folders as a generation does; returns the algorithm's environment.

    Both have INPUTS and OUTPUTS, since there is no `/data` here.
    """
    (folder / "outputs").mkdir(parents=True)
    is_v3 = generation == "v3"
    place = folder / "inputs" / DID / "0" if is_v3 else folder / "inputs" / "tumours.csv"
    place.parent.mkdir(parents=True)
    shutil.copy(TABLE, place)
    if not is_v3:
        (folder / "inputs" / "algoCustomData.json").write_text("{}")
    folders = {name.upper(): str(folder / name) for name in ("inputs", "outputs")}
    return {"PATH": os.environ["PATH"], **folders, **({"DIDS": f'["{DID}"]'} if is_v3 else {})}


@pytest.mark.parametrize("generation", ["v3", "node"])
def test_the_algorithm_reads_what_each_generation_lays_out(generation: str, tmp_path: Path) -> None:
    environment = laid_out(tmp_path, generation)

    ended = subprocess.run(
        [sys.executable, ALGORITHM], env=environment, capture_output=True, text=True, check=True
    )

    report = json.loads((tmp_path / "outputs" / "report.json").read_text())
    assert (report["rows"], report["accuracy"]) == (569, 0.9381)
    name = DID if generation == "v3" else "tumours.csv"
    assert ended.stdout.startswith(f"{name}: 569 rows, 30 features\n")


@pytest.mark.parametrize("generation", ["v3", "node"])
@pytest.mark.parametrize(
    ("language", "program", "file", "found"),
    [
        ("sh", "sh", "lines.txt", "570"),
        ("js", "node", "files.txt", "1"),
        ("python", sys.executable, "names.txt", None),
    ],
)
def test_the_guides_code_reads_both_layouts(
    language: str, program: str, file: str, found: str | None, generation: str, tmp_path: Path
) -> None:
    if not shutil.which(program):
        pytest.skip(f"no {program} here")
    environment = laid_out(tmp_path, generation)
    code = block(language)
    if language == "python":
        assert code.partition("def ")[2] in ALGORITHM.read_text()  # the guide shows the example's
        code += '\n(OUTPUTS / "names.txt").write_text(" ".join(name for name, _ in input_files()))'
    (tmp_path / "algorithm").write_text(code)

    subprocess.run([program, tmp_path / "algorithm"], env=environment, check=True)

    wanted = found or (DID if generation == "v3" else "tumours.csv")
    assert (tmp_path / "outputs" / file).read_text().strip() == wanted


@pytest.mark.parametrize("generation", ["v3", "node"])
def test_the_program_runs_on_every_generation(generation: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, ROOT / "examples" / "any_generation.py", generation],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert "569 rows, accuracy 93.8%" in ended.stdout
    folder = tmp_path / "any-generation-results" / generation
    assert json.loads((folder / "report.json").read_text())["rows"] == 569
    assert str(folder.relative_to(tmp_path) / "report.json") in ended.stdout


def test_without_a_generation_the_program_says_which_there_are(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, ROOT / "examples" / "any_generation.py", "v4"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (1, "Say which generation: v3 or node.\n")
