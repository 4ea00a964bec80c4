"""What is shown: aligned, whole, in colour only where somebody sees it, safe for a terminal."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from ocean_lib.cli.output import Output, coloured, one_line

ROWS = [("a" * 32, "finished", "did:op:" + "b" * 40)]
HEADERS = ("job", "state", "data set")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make stdout a terminal of some width."""

    def of_width(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)

    return of_width


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(HEADERS, ROWS)

    head, row = capsys.readouterr().out.splitlines()
    assert head.index("DATA SET") == row.index("did:op:")


def test_on_a_narrow_terminal_a_table_becomes_blocks_and_nothing_is_cut(
    capsys: pytest.CaptureFixture[str], terminal: Any
) -> None:
    terminal(60)

    Output().table(HEADERS, ROWS)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"job       {ROWS[0][0]}"
    assert lines[2] == f"data set  {ROWS[0][2]}"
    assert max(map(len, lines)) <= 60


def test_states_are_coloured_on_a_terminal(
    capsys: pytest.CaptureFixture[str], terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal(80)
    assert "\x1b[" in coloured("x", sys.stdout, fg="red")

    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("x", sys.stdout, fg="red") == "x"

    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert coloured("x", sys.stdout, fg="red") == "x"


@pytest.mark.skipif(os.name != "posix", reason="no TERM there")
def test_a_terminal_without_a_name_gets_no_colours(
    capsys: pytest.CaptureFixture[str], terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal(80)
    monkeypatch.delenv("TERM")

    assert coloured("x", sys.stdout, fg="red") == "x"


def test_in_a_pipe_nothing_is_coloured() -> None:
    assert coloured("x", sys.stdout, fg="red") == "x"


def test_a_servers_text_cannot_steer_a_terminal(
    capsys: pytest.CaptureFixture[str], terminal: Any
) -> None:
    terminal(80)

    assert one_line("a\x1b[31m\nb\u202e") == "a[31m b"
    Output().raw("log\x1b]0;title\x07\n\tline\n")
    assert capsys.readouterr().out == "log]0;title\n\tline\n"


def test_in_a_pipe_a_log_comes_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Output().raw("log\x1b[0m\n")

    assert capsys.readouterr().out == "log\x1b[0m\n"


def test_quiet_says_nothing_beside_the_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.quiet = True

    out.say("so far so good")
    out.fields({"job id": "x"})

    assert capsys.readouterr() == ("job id  x\n", "")
