"""Standard streams that are closed, full, or not read: never a traceback, always the status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NOBODY = "http://127.0.0.1:9"
KEY = {"OCEAN_PRIVATE_KEY": "0x" + "4c" * 32}
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def shell(redirected: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run a command with redirections that a shell does."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("OCEAN_")}
    ended = subprocess.run(
        ["bash", "-c", f'exec "$@" {redirected}', "-", sys.executable, "-W", "error"]
        + ["-m", "ocean_lib.cli", *arguments],
        env={**bare, "CONFIG_FILE": "", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("redirected", "out"), [(">&-", ""), ("2>&-", "ocean-compute "), (">&- 2>&- <&-", "")]
)
def test_a_closed_stream_is_as_good_as_one_that_nobody_reads(redirected: str, out: str) -> None:
    code, shown, said = shell(redirected, "--version")

    assert (code, shown[:14], said) == (0, out, "")


def test_a_failure_keeps_its_status_where_it_cannot_be_told() -> None:
    failing = ("jobs", "--provider", NOBODY)

    assert shell("2>&-", *failing, **KEY) == (6, "", "")
    assert shell(">&-", *failing, "--json", **KEY) == (6, "", "")


def test_a_closed_stdin_is_no_terminal_to_ask_at() -> None:
    code, _, said = shell("<&-", "wallet", "show")

    assert code == 2
    assert said.startswith("Error: No wallet: ")


@needs_full
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_a_full_disk_is_told_once_on_stderr(options: tuple[str, ...]) -> None:
    said = "Error: The output could not be written: No space left on device.\n"

    assert shell(">/dev/full", "wallet", "show", *options, **KEY) == (1, "", said)


@needs_full
def test_a_failure_is_told_on_stderr_where_its_document_cannot_be_written() -> None:
    code, _, said = shell(">/dev/full", "jobs", "--json", **KEY)

    assert code == 2
    assert said.startswith("Error: No config: ")
    assert said.count("\n") == 1


@needs_full
def test_a_command_does_its_work_where_nobody_can_be_told(tmp_path: Path) -> None:
    new = ("wallet", "new", str(tmp_path / "new.json"))

    assert shell("2>/dev/full", *new, OCEAN_WALLET_PASSWORD="secret")[0] == 0
    assert (tmp_path / "new.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("--help",), ("wait", "--help"), (), ("completion", "fish")],
    ids=" ".join,
)
def test_whoever_stops_reading_is_not_bothered(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "ocean_lib.cli", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr) == (141, "")
