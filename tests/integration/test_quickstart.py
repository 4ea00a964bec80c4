"""The example a new user runs first: it exits 0, and its figures follow from the data."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import blocks, shows
from tests.wire import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the examples, so that a test may change them."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path / "examples" / "quickstart.py"


def ended(example: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, example, *arguments],
        cwd=example.parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run(example: Path) -> tuple[str, dict]:
    done = ended(example)
    assert done.returncode == 0, done.stderr
    newest = max((example.parents[1] / "quickstart-results").glob("*/by-did"))
    assert str(newest.parent) in done.stdout
    return done.stdout, json.loads((newest / "report.json").read_text())


def test_the_quickstart_runs_and_its_figures_follow_from_the_data(example: Path) -> None:
    own = example.parents[1] / "quickstart-results" / "by-did" / "report.json"
    own.parent.mkdir(parents=True)
    own.write_text("somebody's own")
    told, report = run(example)
    before = _files(example)
    assert before[own] == b"somebody's own"
    assert "did:op:" in told
    assert "transaction 0x" in told
    assert " 70 Job finished" in told
    assert f"accuracy {report['accuracy']:.1%}" in told
    assert "gave the same figures" in told
    (shown,) = (block.code for block in blocks(ROOT / "README.md") if "93.8%" in block.code)
    vary = re.compile(r"(0x)?[0-9a-f]{32,64}|\d+\.\d s$", re.MULTILINE)  # ids and times
    assert shows(told, vary.sub("...", shown))

    data = example.parent / "data" / "tumours.csv"
    header, *rows = data.read_text().splitlines()
    turned = [row.replace("malignant", "x").replace("benign", "malignant") for row in rows[:40]]
    turned = [row.replace(",x", ",benign") for row in turned]
    data.write_text("\n".join([header, *turned, *rows[40:-9]]) + "\n")
    _, changed = run(example)

    assert changed["rows"] == report["rows"] - 9
    assert changed["accuracy"] < report["accuracy"]
    assert changed["classes"] != report["classes"]
    assert before.items() <= _files(example).items()


def test_the_quickstart_of_a_node_tells_the_same_story(example: Path) -> None:
    done = ended(example, "node")
    assert done.returncode == 0, done.stderr
    (report,) = (example.parents[1] / "quickstart-results").glob("*/node/report.json")
    figures = json.loads(report.read_text())

    assert " 71 Job settling" in done.stdout
    assert f"accuracy {figures['accuracy']:.1%}" in done.stdout
    assert figures["rows"] == 569


def test_an_argument_that_is_no_generation_is_one_line(example: Path) -> None:
    done = ended(example, "v4")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Give no argument for Ocean V3, or `node` for an Ocean Node.\n"


def test_results_that_cannot_be_written_are_one_line_before_anything_is_done(
    example: Path,
) -> None:
    folder = example.parents[1]
    (folder / "quickstart-results").touch()
    done = ended(example)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"The results cannot be written to {folder / 'quickstart-results'}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_reader_that_leaves_ends_it_quietly(example: Path) -> None:
    with subprocess.Popen(
        [sys.executable, example],
        cwd=example.parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        told = process.stderr.read()

    assert (process.returncode, told) == (141, "")
    assert str(example) not in _processes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(example: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, example],
            cwd=example.parents[1],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "\nStopped: [Errno 28] No space left on device\n"


def test_ctrl_c_leaves_nothing_running(example: Path) -> None:
    algorithm = example.parent / "algorithms" / "classify.py"
    token = secrets.token_hex(8)  # in the algorithm's command line, which every sandbox shows
    sleep = [sys.executable, "-c", "import time; time.sleep(600)", token]
    algorithm.write_text(f"import os\nos.execv({sys.executable!r}, {sleep!r})\n")
    process = subprocess.Popen(
        [sys.executable, example],
        cwd=example.parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: "40" in _read_states(process), 60)
        wait_until(lambda: token in _processes(), 60)

        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode != 0
    assert "nothing is left running" in told
    left = _processes()
    assert token not in left
    assert str(example.parents[1]) not in left.replace(str(example), "")


def _files(example: Path) -> dict[Path, bytes]:
    """Return the results of all runs so far."""
    results = (example.parents[1] / "quickstart-results").rglob("*")
    return {path: path.read_bytes() for path in results if path.is_file()}


def _processes() -> str:
    """Return the command lines of all that runs here."""
    ps = ["ps", "-eww", "-o", "args"]
    return subprocess.run(ps, capture_output=True, text=True, check=True).stdout


def _read_states(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline() if process.stdout else ""
