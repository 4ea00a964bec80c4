"""A full queue of several owners, and many clients that poll: a small run of the benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "localnet_load.py"


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    shown = subprocess.run(
        [sys.executable, str(BENCHMARK), "--jobs", "12", "--clients", "6", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return dict(json.loads(shown.stdout))


def test_every_queued_job_runs_and_never_more_at_once_than_allowed(
    figures: dict[str, Any],
) -> None:
    assert figures["ran"] == 12
    assert figures["most_at_once"] <= 2


def test_an_owner_of_many_jobs_does_not_keep_the_others_waiting(figures: dict[str, Any]) -> None:
    # Of four owners one queued half of all jobs before the others came; two run at a time.
    assert figures["ahead_at_most"] <= 3


def test_every_poll_under_load_is_answered(figures: dict[str, Any]) -> None:
    assert figures["polls"] > 50
    assert figures["poll_faults"] == 0


def test_queued_jobs_are_not_kept_in_memory(figures: dict[str, Any]) -> None:
    # 12 jobs with a quarter of a megabyte each, twice: as a document and as a request.
    assert figures["memory_most_mb"] - figures["memory_before_mb"] < 60


def test_a_full_queue_is_a_clear_error(figures: dict[str, Any]) -> None:
    assert "The queue is full: 12 jobs are waiting or running" in figures["when_full"]
