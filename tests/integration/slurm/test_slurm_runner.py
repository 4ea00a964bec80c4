"""How jobs on a real Slurm end, and that none is lost or run twice whatever goes away."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.localnet.runners import Limits, RunnerJob, RunOutcome
from ocean_lib.localnet.runners.slurm import commands, job_files
from ocean_lib.localnet.runners.slurm.options import SlurmOptions
from ocean_lib.localnet.runners.slurm.runner import SlurmRunner
from tests import hostile, hostile_run, hostile_sieges
from tests.slurm_cluster import NODE, Cluster

OUT = "import os, time\nout = os.environ['OUTPUTS'] + '/'\n"
FOREVER = f"{OUT}open(out + 'runs', 'w').close()\ntime.sleep(600)\n"
SHORT = f"{OUT}open(out + 'runs', 'w').close()\ntime.sleep(2)\nprint('done')\n"


class Ground:
    """A network's folder with a runner and jobs.

    Args:
        folder: A new folder.
        changes: Other options of the runner.
    """

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        (folder / "slurm").mkdir(parents=True, exist_ok=True)
        self.options = SlurmOptions(**{"poll_s": 0.1, **changes})
        self.runner = self.new_runner()

    def new_runner(self) -> SlurmRunner:
        return SlurmRunner(self.folder, "test", self.options)

    def prepared(self, code: str, **limits: Any) -> RunnerJob:
        folder = self.folder / "jobs" / secrets.token_hex(16)
        return hostile_run.prepare(folder, code, Limits(**limits), "python3 $ALGO")

    def submit(self, code: str, **limits: Any) -> RunnerJob:
        job = self.prepared(code, **limits)
        self.runner.submit(job)
        return job

    def running(self, code: str, **limits: Any) -> RunnerJob:
        """Submit a job, and wait until its algorithm says that it runs."""
        job = self.submit(code, **limits)
        until(lambda: (job.folder / "data" / "outputs" / "runs").exists())
        return job

    def outcome(self, job: RunnerJob) -> RunOutcome:
        """Wait for a job's end."""
        until(lambda: self.runner.poll(job.job_id))
        found = self.runner.poll(job.job_id)
        assert found is not None
        return found


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def slurm_ids(slurm: Cluster, job: RunnerJob) -> list[str]:
    return slurm.ask(
        "squeue", "--noheader", "--states=all", f"--name=ocean-test-{job.job_id}", "--format=%i"
    ).split()


@contextmanager
def ground_in(folder: Path, slurm: Cluster, **changes: Any) -> Iterator[Ground]:
    ground = Ground(folder, **changes)
    try:
        yield ground
    finally:
        ground.runner.close()
        slurm.ask("scancel", "--user=0")
        until(lambda: not slurm.ask("squeue", "--noheader"))


@pytest.fixture
def ground(slurm: Cluster, tmp_path: Path) -> Iterator[Ground]:
    with ground_in(tmp_path, slurm) as made:
        yield made


def test_exit_status_results_and_log_come_back(ground: Ground) -> None:
    job = ground.submit(f"{OUT}open(out + 'a', 'w').close()\nprint('said')\nraise SystemExit(3)")

    outcome = ground.outcome(job)

    assert (outcome.reason, outcome.exit_code) == ("exited", 3)
    assert [str(path) for path in ground.runner.collect(job.job_id)] == ["a"]
    assert "said" in hostile_run.log_of(job)
    assert "[localnet] Slurm job " in hostile_run.log_of(job)


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        (FOREVER, {"wall_s": 1.0}, "wall_time"),
        (
            f"{OUT}import mmap\nheld = [mmap.mmap(-1, 2**23) for _ in range(40)]\n"
            "for one in held:\n    for at in range(0, 2**23, 4096): one[at] = 1\n"
            "time.sleep(600)",
            {"memory_bytes": 100 * 2**20},
            "memory",
        ),
    ],
)
def test_a_limit_ends_a_job_by_its_name(
    ground: Ground, code: str, limits: dict[str, Any], reason: str
) -> None:
    assert ground.outcome(ground.submit(code, **limits)).reason == reason


def test_a_stop_leaves_no_survivors(ground: Ground) -> None:
    siege = next(one for one in hostile_sieges.SIEGES if one.name == "ignores SIGTERM")
    token = secrets.token_hex(8)
    job = hostile_run.prepare(
        ground.folder / "jobs" / secrets.token_hex(16),
        hostile_sieges.program(siege),
        siege.all_limits(),
        f"cd $OUTPUTS; python3 $ALGO {token}",
    )
    ground.runner.submit(job)
    until(lambda: (job.folder / "data" / "outputs" / "daemon").exists())
    assert hostile_run.processes_with(token)

    ground.runner.stop(job.job_id)

    assert ground.outcome(job).reason == "stopped"
    assert hostile_run.processes_with(token) == []


def test_of_many_jobs_some_wait_and_all_end(slurm: Cluster, tmp_path: Path) -> None:
    with ground_in(tmp_path, slurm, cpus=4) as ground:
        running = [ground.running(FOREVER) for _ in range(2)]
        waiting = [ground.submit("print('done')") for _ in range(5)]
        until(lambda: all(slurm_ids(slurm, job) for job in waiting))
        begun = [ground.runner.has_begun(job.job_id) for job in waiting]
        ground.runner.stop(waiting[0].job_id)
        first = ground.outcome(waiting[0])
        for job in running:
            ground.runner.stop(job.job_id)
        outcomes = [ground.outcome(job) for job in waiting[1:]]

        assert begun == [False] * 5
        assert first == RunOutcome("stopped", None)
        assert ground.runner.collect(waiting[0].job_id) == ()
        assert [(one.reason, one.exit_code) for one in outcomes] == [("exited", 0)] * 4


def test_who_else_ended_a_job_is_told_apart(ground: Ground, slurm: Cluster) -> None:
    job = ground.running(FOREVER)
    slurm.ask("scancel", *slurm_ids(slurm, job))
    cancelled = ground.outcome(job)

    job = ground.running(FOREVER)
    slurm.ask("sbatch", "--partition=urgent", "--exclusive", "--wrap=true", "--output=/dev/null")
    preempted = ground.outcome(job)

    job = ground.running(FOREVER)
    slurm.ask("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    failed = ground.outcome(job)
    slurm.ask("scontrol", "update", f"NodeName={NODE}", "State=RESUME")

    assert [cancelled.reason, preempted.reason, failed.reason] == [
        "cancelled", "preempted", "node_failed",
    ]  # fmt: skip
    assert ground.runner.collect(job.job_id) == ()


def test_a_job_that_the_cluster_will_never_run_is_refused(slurm: Cluster, tmp_path: Path) -> None:
    with ground_in(tmp_path, slurm, partition="short") as ground:
        waits_for_ever = ground.outcome(ground.submit("", wall_s=3600.0))
    with ground_in(tmp_path, slurm) as ground:
        too_large = ground.outcome(ground.submit("", memory_bytes=2**50))

    assert (waits_for_ever.reason, too_large.reason) == ("refused", "refused")
    assert "asks for more" in waits_for_ever.detail
    assert "Memory specification can not be satisfied" in too_large.detail


def test_a_folder_that_the_node_does_not_have_is_named(slurm: Cluster, tmp_path: Path) -> None:
    with ground_in(tmp_path, slurm, python="/nowhere/python") as ground:
        outcome = ground.outcome(ground.submit(""))

    assert outcome.reason == "lost"
    assert "does the interpreter run there?" in outcome.detail


def test_the_jobs_go_on_without_the_controller_and_the_next_one_waits(
    ground: Ground, slurm: Cluster
) -> None:
    job = ground.running(SHORT)
    slurm.end("slurmctld")
    meanwhile = ground.submit("print('done')")

    assert ground.outcome(job) == RunOutcome("exited", 0)
    slurm.start_controller()
    assert ground.outcome(meanwhile) == RunOutcome("exited", 0)
    assert len(slurm_ids(slurm, meanwhile)) == 1


def test_another_runner_takes_up_waiting_running_and_ended_jobs(
    slurm: Cluster, tmp_path: Path
) -> None:
    with ground_in(tmp_path, slurm, cpus=4) as ground:
        ended = ground.running(SHORT)
        running = ground.running(FOREVER)
        waiting = ground.submit("print('done')")
        until(lambda: slurm_ids(slurm, waiting))
        never = ground.prepared("")
        (never.folder / "control").mkdir()
        ground.runner.close()
        until(lambda: job_files.left(ended.folder / "control"))
        # As if the network had been killed before it could note the number.
        (running.folder / "control" / "slurm.id").unlink()

        ground.runner = ground.new_runner()
        taken = [ground.runner.take_up(job) for job in (ended, running, waiting, never)]

        assert taken == [True, True, True, False]
        assert ground.outcome(ended) == RunOutcome("exited", 0)
        assert ground.outcome(waiting) == RunOutcome("exited", 0)
        until(lambda: ground.runner.has_begun(running.job_id))
        ground.runner.stop(running.job_id)
        assert ground.outcome(running).reason == "stopped"


def test_a_job_that_was_submitted_twice_runs_once(ground: Ground, slurm: Cluster) -> None:
    job = ground.prepared(f"{OUT}open('/data/outputs/' + str(time.time()), 'w').close()")
    (job.folder / "control").mkdir()
    job_files.write_order(job_files.Order(job, ground.folder))
    ground.runner.take_up(job)  # and submits it, as nobody knows of it
    until(lambda: slurm_ids(slurm, job))
    until(lambda: job_files.left(job.folder / "control"))
    name, control = f"ocean-test-{job.job_id}", job.folder / "control"
    script = str(ground.folder / "slurm" / "job.sh")
    line = (script, *ground.runner.line(job)[1:])
    second = commands.submit(ground.options, job.limits, name, control / "second.log", line)
    until(lambda: slurm.ask("squeue", "--noheader", "--states=CD", f"--jobs={second}"))

    assert ground.outcome(job) == RunOutcome("exited", 0)
    assert len(ground.runner.collect(job.job_id)) == 1
    assert "has this job" in (control / "second.log").read_text()


def test_nothing_of_a_job_is_read_by_a_shell_outside(ground: Ground, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    text = f"\n#SBATCH --partition=urgent\n$(touch {planted})`touch {planted}`'; touch {planted} #"
    made = ground.prepared("import os; print(repr(os.environ['TEXT']))")
    job = RunnerJob(
        **{**vars(made), "image": text, "variables": {"TEXT": text}, "algorithm": made.algorithm}
    )
    ground.runner.submit(job)

    assert ground.outcome(job) == RunOutcome("exited", 0)
    assert not planted.exists()
    assert repr(text) in hostile_run.log_of(job)


def test_a_hostile_algorithm_gets_nothing_on_a_node(slurm: Cluster, tmp_path: Path) -> None:
    told = hostile_run.run_attempts(tmp_path, hostile_run.ON_SLURM)

    got = [name for name, attempt in told["attempts"].items() if attempt["got"]]
    assert (got, told["changed"]) == ([], [])
    assert set(told["attempts"]) >= {attempt.name for attempt in hostile.ATTEMPTS}, told["log"]


@pytest.mark.parametrize("name", ["forks without end", "allocates in many", "chains, stopped"])
def test_a_siege_is_held_on_a_node(slurm: Cluster, tmp_path: Path, name: str) -> None:
    siege = next(one for one in hostile_sieges.SIEGES if one.name == name)

    result = hostile_run.run_siege(tmp_path, hostile_run.ON_SLURM, siege)

    assert result.survivors == []
    assert siege.held(result), result
