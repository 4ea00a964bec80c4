"""Every failure has the exit status that docs/cli.md promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ocean_lib import exceptions as e
from ocean_lib.base.mistake import Mistake
from ocean_lib.cli.errors import MEANINGS, CommandError, ExitCode, exit_code_of

DOC = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_numbers_never_change() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "ERROR": 1,
        "USAGE": 2,
        "JOB_FAILED": 3,
        "TIMED_OUT": 4,
        "REFUSED": 5,
        "UNREACHABLE": 6,
        "NOT_FOUND": 7,
        "UNCERTAIN": 8,
        "HUNG_UP": 129,
        "INTERRUPTED": 130,
        "BROKEN_PIPE": 141,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (e.ConfigError(""), ExitCode.USAGE),
        (e.InvalidDid(""), ExitCode.USAGE),
        (e.WrongPassword(""), ExitCode.USAGE),
        (e.NoComputeService(""), ExitCode.USAGE),
        (e.JobTimeoutError(""), ExitCode.TIMED_OUT),
        (e.AlgorithmNotTrusted(""), ExitCode.REFUSED),
        (e.AssetNotConsumable(1), ExitCode.REFUSED),
        (e.NotYourAsset("", "", ""), ExitCode.REFUSED),
        (e.InvalidDescription("", [Mistake("", "")]), ExitCode.USAGE),
        (e.SignatureRejected(""), ExitCode.REFUSED),
        (e.ResultsWithheld(""), ExitCode.REFUSED),
        (e.InsufficientBalance(""), ExitCode.REFUSED),
        (e.CostAboveLimit(""), ExitCode.REFUSED),
        (e.TransactionFailed(""), ExitCode.REFUSED),
        (e.ConnectFailed(""), ExitCode.UNREACHABLE),
        (e.RequestTimeout(""), ExitCode.UNREACHABLE),
        (e.ServiceUnavailable(""), ExitCode.UNREACHABLE),
        (e.EndpointNotFound(""), ExitCode.UNREACHABLE),
        (e.AquariusError("", status_code=502), ExitCode.UNREACHABLE),
        (e.AquariusError("", status_code=504), ExitCode.UNREACHABLE),
        (e.AquariusError("", status_code=500), ExitCode.ERROR),
        (e.AssetNotFound(""), ExitCode.NOT_FOUND),
        (e.JobNotFound(""), ExitCode.NOT_FOUND),
        (e.JobError(""), ExitCode.NOT_FOUND),
        (e.StartUncertain(""), ExitCode.UNCERTAIN),
        (e.TransactionTimeout(""), ExitCode.UNCERTAIN),
        (e.DownloadError(""), ExitCode.ERROR),
        (e.MalformedResponse(""), ExitCode.ERROR),
        (e.ProviderFault(""), ExitCode.ERROR),
        (RuntimeError(), ExitCode.ERROR),
        (CommandError("", ExitCode.NOT_FOUND), ExitCode.NOT_FOUND),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_a_failure_gives_its_status(error: Exception, code: ExitCode) -> None:
    assert exit_code_of(error) is code


def test_the_document_lists_every_status_with_its_meaning() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", DOC.read_text("utf-8"), re.MULTILINE)

    assert rows == [(str(int(c)), c.reason, meaning) for c, meaning in MEANINGS.items()]
