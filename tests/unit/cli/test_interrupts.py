"""SIGTERM and SIGHUP end a command as Ctrl-C does, with a status of their own."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ocean_lib.cli import main
from ocean_lib.ocean.ocean_compute import OceanCompute

ADDRESS = "0x" + "12" * 20
JOBS = ["jobs", "--address", ADDRESS, "--provider", "http://127.0.0.1:9"]
HANDLED = (signal.SIGTERM, signal.SIGHUP)
STATUS = {"SIGTERM": (143, "terminated"), "SIGHUP": (129, "hung_up")}


@pytest.fixture
def come(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let signals come while jobs are listed, in a process that handles none of them yet."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in HANDLED}
    monkeypatch.delenv("CONFIG_FILE", raising=False)

    def these(*numbers: int) -> None:
        def jobs(*_: object) -> list[object]:
            try:
                signal.raise_signal(numbers[0])
            finally:
                for number in numbers[1:]:
                    signal.raise_signal(number)
            return []

        monkeypatch.setattr(OceanCompute, "jobs", jobs)

    yield these
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", STATUS)
def test_a_signal_is_told_like_ctrl_c_with_a_status_of_its_own(
    name: str, come: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, reason = STATUS[name]
    come(getattr(signal, name))

    assert main([*JOBS, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["error"] == {
        "type": "Interrupted",
        "reason": reason,
        "exit_code": code,
        "message": "Interrupted.",
    }
    assert main(JOBS) == code
    assert capsys.readouterr() == ("", "Interrupted.\n")


def test_a_signal_that_comes_twice_is_told_once(
    come: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    come(signal.SIGHUP, signal.SIGHUP, signal.SIGTERM)

    assert main(JOBS) == 129
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_signal_that_is_ignored_stays_ignored(
    come: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    come(signal.SIGHUP)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main(JOBS) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_signals_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["--version"]) == 0

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_runs_in_any_thread(capsys: pytest.CaptureFixture[str]) -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["--version"])))
    thread.start()
    thread.join()

    assert codes == [0]
