"""What somebody who looks sees: a state and the time; a text where a notebook has no widgets."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib.http.deadline import Deadline
from ocean_lib.jobs.progress import progress_bar, spinner


@pytest.fixture
def _kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's kernel, without ipywidgets."""
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]


def test_a_spinner_shows_state_and_time_and_no_made_up_share(capsys):
    with spinner(True, "Job") as shown:
        shown.say("Running algorithm")
        shown.say("finished", ended=True)

    told = capsys.readouterr().err
    assert re.search(r"\rJob: [-|/\\] Running algorithm \[00:00\]", told)
    assert re.search(r"\rJob: finished \[00:00\]", told)
    assert "%" not in told


def test_a_spinner_turns_while_nothing_changes(capsys, monkeypatch):
    monkeypatch.setattr("ocean_lib.jobs.progress._TURN_S", 0.01)
    marks: set[str] = set()
    deadline = Deadline(30)
    with spinner(True, "Job") as shown:
        shown.say("Running algorithm")
        while len(marks) < 4 and not deadline.is_over:
            marks |= set(re.findall(r"Job: (\S) Running", capsys.readouterr().err))

    assert marks == set("|/-\\")


@pytest.mark.parametrize("make", [progress_bar, lambda wanted: spinner(wanted, "Job")])
@pytest.mark.parametrize("wanted", [None, False])
def test_in_a_pipe_nothing_is_shown(capsys, make: Any, wanted):
    with make(wanted):
        pass

    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_kernel")
def test_a_notebook_without_widgets_gets_text(capsys):
    with progress_bar(None, desc="2 file(s)", total=2) as bar:
        bar.update(2)

    assert "2 file(s): 100%" in capsys.readouterr().err


def test_without_a_stderr_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)

    with spinner(None, "Job") as shown:
        shown.say("Running algorithm")
