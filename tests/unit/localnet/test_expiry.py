"""What becomes of jobs' files when their lifetime is over, also when a kill comes in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ocean_lib.localnet.dialects.v3.jobs import V3Layout
from ocean_lib.localnet.files.access import FileAccess, FileStore
from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.expiry import Expiry
from ocean_lib.localnet.jobs.records import JobRecord, JobStage
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.runners.local import LocalRunner
from ocean_lib.localnet.state.database import Database
from tests.unit.localnet.test_jobs import request

LIFETIME_S = 3600.0
FILES = ("one.txt", "below/two.txt", "below/further/three.txt")


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.005)


def fill(folder: Path) -> Path:
    """Write what a job leaves: results and a log."""
    for name in FILES:
        path = folder / "data" / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{folder.name} {name}")
    (folder / "control").mkdir()
    (folder / "control" / "algorithm.log").write_text(f"the log of {folder.name}")
    return folder


def content(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


@contextmanager
def expiring(
    folder: Path, ages_s: dict[str, float], lifetime_s: float = LIFETIME_S
) -> Iterator[Expiry]:
    """Run an expiry that knows of jobs which ended so long ago."""
    expiry = Expiry(folder, lifetime_s)
    expiry.start((job_id, time.time() - age_s) for job_id, age_s in ages_s.items())
    yield expiry
    expiry.close()


def test_at_a_start_the_files_of_expired_jobs_go_and_the_others_stay(tmp_path: Path) -> None:
    old, young = fill(tmp_path / "old"), fill(tmp_path / "young")
    running = fill(tmp_path / "running")
    before = content(young), content(running)
    with expiring(tmp_path, {"old": LIFETIME_S + 1, "young": LIFETIME_S - 60}):
        until(lambda: not old.exists())

    assert (content(young), content(running)) == before


def test_files_go_when_their_time_has_come_and_not_before(tmp_path: Path) -> None:
    first, second = fill(tmp_path / "first"), fill(tmp_path / "second")
    with expiring(tmp_path, {}, lifetime_s=0.1) as expiry:
        ended = time.time()
        expiry.add("second", ended + 0.05)
        expiry.add("first", ended)
        until(lambda: not (first / "control").exists())
        first_s, second_was_there = time.time() - ended, second.exists()
        until(lambda: not second.exists())
        second_s = time.time() - ended

    assert first_s > 0.1
    assert second_s > 0.15
    assert second_was_there or first_s > 0.15


def test_who_expires_first_goes_first_however_late_it_is_known(tmp_path: Path) -> None:
    late, early = fill(tmp_path / "late"), fill(tmp_path / "early")
    with expiring(tmp_path, {"late": 0}) as expiry:
        expiry.add("early", time.time() - LIFETIME_S - 1)
        until(lambda: not early.exists())

    assert len(content(late)) == len(FILES) + 1


def test_a_lifetime_without_end_keeps_everything(tmp_path: Path) -> None:
    kept = fill(tmp_path / "kept")
    with expiring(tmp_path, {"kept": 1e9}, lifetime_s=float("inf")) as expiry:
        over = expiry.is_over(0.0)

    assert not over
    assert content(kept)


def test_nothing_outside_of_the_folder_is_touched(tmp_path: Path) -> None:
    outside, jobs = fill(tmp_path / "outside"), tmp_path / "jobs"
    before = content(outside)
    results = fill(jobs / "links") / "data" / "outputs"
    (results / "folder").symlink_to(outside)
    (results / "file").symlink_to(outside / "control" / "algorithm.log")
    (results / "up").symlink_to("../../..")
    (jobs / "moved").symlink_to(outside)
    (jobs / "replaced").symlink_to(outside)
    fill(jobs / "last")
    names = ["links", "moved", "../outside"]
    with expiring(jobs, dict.fromkeys(names, LIFETIME_S + 1)) as expiry:
        expiry.add("replaced", 0.0)
        expiry.add("last", time.time() - LIFETIME_S)
        until(lambda: not (jobs / "last").exists())

    assert content(outside) == before
    assert not (jobs / "links").exists()
    assert (jobs / "moved").is_symlink()
    assert (jobs / "replaced").is_symlink()


def test_files_that_cannot_be_deleted_do_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, next_one = fill(tmp_path / "broken"), fill(tmp_path / "next")
    number, real = broken.stat().st_ino, os.listdir

    def listdir(folder: int) -> list[str]:
        if os.fstat(folder).st_ino == number:
            raise OSError(5, "Input/output error")
        return real(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    with expiring(tmp_path, {"broken": LIFETIME_S + 2, "next": LIFETIME_S + 1}):
        until(lambda: not next_one.exists())

    assert "the files of job broken cannot be deleted" in caplog.text
    assert broken.exists()


# With the engine and its store


@contextmanager
def engine(
    folder: Path, lifetime_s: float = LIFETIME_S
) -> Iterator[tuple[JobEngine, JobStore, Database]]:
    """Make an engine as a network does, and do not start it."""
    database = Database(folder / "network.db")
    store = JobStore(database)
    runner = LocalRunner(folder / "tools", isolation="limits")
    made = JobEngine(
        store,
        runner,
        FileAccess(FileStore(folder / "files"), allow_private=True),
        folder / "jobs",
        layout=V3Layout(),
        results_lifetime_s=lifetime_s,
    )
    yield made, store, database
    made.close()
    database.close()


def ended(folder: Path, store: JobStore, database: Database, age_s: float) -> JobRecord:
    """Make a job that ended so long ago."""
    job_id = store.create(request()).job_id
    store.finish(
        job_id,
        JobStage.FINISHED,
        results=[PurePosixPath(name) for name in FILES],
        log_path="algorithm.log",
    )
    with database.transaction() as connection:
        connection.execute(
            "UPDATE jobs SET finished = finished - ? WHERE job_id = ?", (age_s, job_id)
        )
    fill(folder / "jobs" / job_id)
    return store.get(job_id)


def test_an_expired_job_stays_known_without_its_files(tmp_path: Path) -> None:
    with engine(tmp_path) as (running, store, database):
        old = ended(tmp_path, store, database, LIFETIME_S + 1)
        young = ended(tmp_path, store, database, 0)
        running.start()
        until(lambda: not (tmp_path / "jobs" / old.job_id).exists())
        served = [running.open_result(young, name) for name in (*FILES, "algorithm.log")]

        assert [store.get(old.job_id), store.get(young.job_id)] == [old, young]
        assert running.open_result(old, "algorithm.log") is None
        for handle in served:
            assert handle is not None
            os.close(handle)


def test_a_job_that_ends_without_results_expires_too(tmp_path: Path) -> None:
    with engine(tmp_path, lifetime_s=0.1) as (running, store, _):
        job = store.create(request())
        store.advance(job.job_id, JobStage.RUNNING)
        folder = fill(tmp_path / "jobs" / job.job_id)
        running.start()
        until(lambda: not folder.exists())
        after = store.get(job.job_id)

    assert (after.status, after.ended, after.log_path) == (70, True, "algorithm.log")


def test_what_a_kill_left_of_a_deleted_job_goes_at_the_next_start(tmp_path: Path) -> None:
    with engine(tmp_path, lifetime_s=float("inf")) as (running, store, database):
        deleted, kept = (ended(tmp_path, store, database, 0) for _ in range(2))
        store.mark_removed([deleted])
        running.start()
        left = {path.name for path in (tmp_path / "jobs").iterdir()}

    assert left == {kept.job_id}


def test_a_job_that_is_deleted_before_its_end_names_no_results(tmp_path: Path) -> None:
    with engine(tmp_path) as (_, store, _):
        job = store.create(request())
        store.mark_removed([job])
        store.finish(job.job_id, JobStage.FINISHED, results=[PurePosixPath("late.txt")])

        assert store.get(job.job_id).result_paths == ()


KILLED = """
import itertools, os, signal, sys, time
from pathlib import Path
from tests.unit.localnet.test_expiry import engine

numbers, unlink = itertools.count(), os.unlink

def killing(*names, **options):
    if next(numbers) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    unlink(*names, **options)

with engine(Path(sys.argv[1])) as (running, _, _):
    os.unlink = killing
    running.start()
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0, 5, 12, 20])
def test_a_kill_in_the_middle_loses_no_other_file_and_the_next_start_ends_it(
    tmp_path: Path, moment: int
) -> None:
    with engine(tmp_path) as (_, store, database):
        old = [ended(tmp_path, store, database, LIFETIME_S + n) for n in (1, 2, 3)]
        young = [ended(tmp_path, store, database, age_s) for age_s in (0, 60)]
    folders = [tmp_path / "jobs" / job.job_id for job in (*old, *young)]
    before = [content(folder) for folder in folders]
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(moment)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[3], timeout=60, check=False)
    between = [content(folder) for folder in folders]
    with engine(tmp_path) as (running, store, _):
        known = [store.get(job.job_id) for job in (*old, *young)]
        running.start()
        until(lambda: not any(folder.exists() for folder in folders[:3]))

    assert killed.returncode == -signal.SIGKILL
    assert any(between[:3])
    assert (between[:3] == before[:3]) is (moment == 0)
    assert between[3:] == before[3:] == [content(folder) for folder in folders[3:]]
    assert known == [*old, *young]
