"""The engine goes on whatever happens to one job."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ocean_lib.localnet.jobs.records import AlgorithmSource
from ocean_lib.localnet.jobs.store import JobStore
from tests.unit.localnet.test_expiry import engine
from tests.unit.localnet.test_jobs import request
from tests.wire import wait_until

NOWHERE = AlgorithmSource("", "ftp://x", "", "python3 $ALGO", "p:3")


def test_workers_outlive_a_database_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    with engine(tmp_path) as (running, store, _):
        running.start()
        with monkeypatch.context() as patched:
            patched.setattr(JobStore, "finish", locked)
            for _ in range(2 * running.at_once):
                running.enqueue(store.create(request(inputs=(), algorithm=NOWHERE)))
            wait_until(lambda: caplog.text.count("cannot be ended") == 2 * running.at_once)
        last = store.create(request(inputs=(), algorithm=NOWHERE))
        running.enqueue(last)
        wait_until(lambda: store.get(last.job_id).ended)

        assert store.count_unfinished() == 2 * running.at_once
