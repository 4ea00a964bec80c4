"""Slurm's options, its words for how jobs end, and what is read into its answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.runners import Limits, RunnerJob, RunOutcome
from ocean_lib.localnet.runners.slurm import commands, endings, job_files
from ocean_lib.localnet.runners.slurm.commands import Seen, SlurmAway, SlurmRefuses
from ocean_lib.localnet.runners.slurm.endings import Left
from ocean_lib.localnet.runners.slurm.options import USUAL, SlurmOptions

ENDED_WELL, FAILED = RunOutcome("exited", 0), RunOutcome("exited", 3)
BY_TERM, BY_KILL = RunOutcome("exited", -15), RunOutcome("exited", -9)
STOPPED, ORPHANED = RunOutcome("stopped", -9), RunOutcome("orphaned", -9)


def options(**given: str) -> SlurmOptions:
    return SlurmOptions.from_texts({**USUAL, **given})


def test_the_usual_options_are_usable() -> None:
    assert options() == SlurmOptions()


def test_options_are_read() -> None:
    found = options(
        partition="long,short", account="med-1", cpus="4", poll_s="0.5", python="/opt/python",
        arguments="--qos=low --constraint='a b' --exclusive",
    )  # fmt: skip

    arguments = ("--qos=low", "--constraint=a b", "--exclusive")
    assert found == SlurmOptions("long,short", "med-1", 4, arguments, "/opt/python", 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("partition", "-x"), ("partition", "a b"), ("account", "a\nb"), ("account", "$(id)"),
        ("cpus", "0"), ("cpus", "two"), ("cpus", "1e9"), ("poll_s", "-1"), ("poll_s", "nan"),
        ("python", "python3"), ("arguments", "'"), ("arguments", "job.sh"),
        ("arguments", "--wrap=id"), ("arguments", "--mem=0"), ("arguments", "-p x"),
        ("arguments", "--qos"[:4]), ("arguments", "--comment='a\nb'"), ("arguments", "--array=1-9"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(BadOption, match=f"runner option {name} "):
        options(**{name: value})


@pytest.mark.parametrize(
    ("left", "state", "stop", "reason", "exit_code"),
    [
        (Left(ENDED_WELL), "COMPLETED", False, "exited", 0),
        (Left(FAILED), None, True, "exited", 3),
        (Left(ENDED_WELL), "CANCELLED", True, "exited", 0),
        (Left(RunOutcome("memory", -9), signalled=True), "CANCELLED", True, "memory", -9),
        (Left(STOPPED, signalled=True), "CANCELLED", True, "stopped", -9),
        (Left(BY_TERM, signalled=True), None, True, "stopped", -15),
        (Left(STOPPED, signalled=True), "CANCELLED", False, "cancelled", -9),
        (Left(BY_TERM, signalled=True), "PREEMPTED", False, "preempted", -15),
        (Left(STOPPED, signalled=True), "TIMEOUT", False, "wall_time", -9),
        (Left(STOPPED, signalled=True), None, False, "cancelled", -9),
        (Left(BY_KILL), "OUT_OF_MEMORY", False, "memory", -9),
        (Left(BY_KILL), "FAILED", False, "exited", -9),
        (Left(ORPHANED, whole=False), "NODE_FAIL", False, "node_failed", -9),
        (Left(ORPHANED, whole=False), "FAILED", False, "lost", -9),
        (Left(RunOutcome("wall_time", -9), whole=False), "FAILED", False, "wall_time", -9),
        (None, "NODE_FAIL", False, "node_failed", None),
        (None, "BOOT_FAIL", True, "node_failed", None),
        (None, "CANCELLED", True, "stopped", None),
        (None, "DEADLINE", False, "wall_time", None),
        (None, "COMPLETED", False, "lost", None),
        (None, None, False, "lost", None),
    ],
)
def test_how_a_job_ended(
    left: Left | None, state: str | None, stop: bool, reason: str, exit_code: int | None
) -> None:
    seen = None if state is None else Seen("7", state, "n1")

    found = endings.outcome(left, seen, stop_asked=stop)

    assert (found.reason, found.exit_code) == (reason, exit_code)


@pytest.mark.parametrize(
    ("left", "certain"),
    [
        (Left(ENDED_WELL), True),
        (Left(RunOutcome("exited", -11)), True),
        (Left(RunOutcome("wall_time", -9), signalled=True), True),
        (Left(BY_KILL), False),
        (Left(ENDED_WELL, signalled=True), False),
        (Left(ENDED_WELL, whole=False), False),
    ],
)
def test_the_scheduler_is_asked_only_where_it_may_have_ended_the_job(
    left: Left, certain: bool
) -> None:
    assert left.is_certain is certain


def test_of_two_jobs_of_one_name_the_one_that_runs_counts() -> None:
    ended, waits, runs = Seen("1", "COMPLETED"), Seen("2", "PENDING"), Seen("3", "RUNNING")

    assert endings.of_several([ended, waits, runs]) == runs
    assert endings.of_several([ended, waits]) == waits
    assert endings.of_several([ended, Seen("4", "NODE_FAIL")]).state == "NODE_FAIL"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Seen("1", "PENDING", reason="Resources"), ""),
        (Seen("1", "RUNNING", reason="PartitionTimeLimit"), ""),
        (
            Seen("1", "PENDING", reason="InvalidQOS"),
            "the cluster does not know the quality of service (Slurm: InvalidQOS)",
        ),
    ],
)
def test_a_wait_without_hope_is_known_by_its_reason(seen: Seen, why: str) -> None:
    assert endings.hopeless(seen) == why


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program in the place of each of Slurm's commands."""
    for name in ("sbatch", "squeue", "scancel", "sinfo", "sacct"):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def submit(**changes: Any) -> str:
    limits = Limits(**{"wall_s": 90.0, "memory_bytes": 2**30, **changes})
    chosen = SlurmOptions("long", "med", 2, ("--qos=low",))
    return commands.submit(chosen, limits, "ocean-x-1", Path("/a/100%/log"), ["/s", "$(id)", "a b"])


def test_what_a_job_may_use_and_where_it_goes_reaches_sbatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "other")
    monkeypatch.setenv("SLURM_JOB_ID", "9")
    monkeypatch.setenv("SECRET", "s")
    stand_in(
        tmp_path, monkeypatch, f"env > {tmp_path}/env; printf '%s\\n' \"$@\" > {tmp_path}/args"
    )
    submit()
    arguments = (tmp_path / "args").read_text().splitlines()
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}

    assert {
        "--time=4", "--mem=1216M", "--cpus-per-task=2", "--partition=long", "--account=med",
        "--qos=low", "--no-requeue", "--job-name=ocean-x-1", "--output=/a/100%%/log",
    } <= set(arguments)  # fmt: skip
    assert arguments[-3:] == ["/s", "$(id)", "a b"]
    assert not {"SBATCH_PARTITION", "SLURM_JOB_ID", "SECRET"} & names


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("Batch job submission failed: Unable to contact slurm controller", SlurmAway),
        ("Batch job submission failed: Socket timed out on send/recv operation", SlurmAway),
        ("Batch job submission failed: Job violates accounting/QOS policy: "
         "QOSMaxSubmitJobPerUserLimit", SlurmAway),
        ("invalid partition specified: x", SlurmRefuses),
        ("Memory specification can not be satisfied", SlurmRefuses),
        ("unrecognized option '--x'", SlurmRefuses),
    ],
)  # fmt: skip
def test_what_passes_is_told_apart_from_what_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, error: type[Exception]
) -> None:
    stand_in(tmp_path, monkeypatch, f'echo "sbatch: error: {said}" >&2; exit 1')

    with pytest.raises(error, match=said.partition(":")[0]):
        submit()


def test_the_queue_is_read_for_our_own_jobs_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["1|PENDING||ocean-x-aa|Resources", "2|RUNNING|n[1-2]|other|None", "odd",
             "3|COMPLETED|n1|ocean-x-aa|None", "4|RUNNING|n1|ocean-y-bb|None"]  # fmt: skip
    (tmp_path / "queue").write_text("\n".join(lines))
    stand_in(tmp_path, monkeypatch, f"cat {tmp_path}/queue")

    found = commands.jobs("ocean-x-")

    assert found == {
        "aa": [Seen("1", "PENDING", "", "Resources"), Seen("3", "COMPLETED", "n1", "None")]
    }


def test_the_accounting_is_used_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "echo 'CANCELLED by 0|n1'")
    told = commands.accounted("5")
    stand_in(tmp_path, monkeypatch, "echo 'Slurm accounting storage is disabled' >&2; exit 1")

    assert told == Seen("5", "CANCELLED", "n1")
    assert commands.accounted("5") is None


def test_an_order_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    job = RunnerJob("ab", tmp_path, "python3 $ALGO", "i:t", Limits(), variables={"a": "'\n$"})
    order = job_files.Order(job, tmp_path.parent, "bwrap", "/p")
    job_files.write_order(order)

    assert job_files.read_order(tmp_path / "control") == order


def test_a_job_is_claimed_once(tmp_path: Path) -> None:
    assert [job_files.claim(tmp_path, "1"), job_files.claim(tmp_path, "2")] == [True, False]
    assert job_files.is_claimed(tmp_path)


def test_what_is_left_is_read_also_if_only_the_supervisor_was_there(tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.mkdir()
    nothing = job_files.all_left(control)
    outcome = {"reason": "exited", "exit_code": 3}
    (control / "outcome.json").write_text(json.dumps(outcome))
    half = job_files.all_left(control)
    job_files.leave(control, {"outcome": outcome, "signalled": True})

    assert nothing is None
    assert half == Left(FAILED, whole=False)
    assert job_files.all_left(control) == Left(FAILED, signalled=True)
