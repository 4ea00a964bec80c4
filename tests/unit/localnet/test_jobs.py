"""Jobs in the store: their wire shape, their states, their nonces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from ocean_lib.localnet.dialects.v3.jobs import SHOWN_AS, STATUS_TEXTS, job_document
from ocean_lib.localnet.dialects.v3.signatures import NonceCounters
from ocean_lib.localnet.jobs.records import (
    AlgorithmSource,
    InputFiles,
    JobRequest,
    JobStage,
    Termination,
)
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.runners import RunOutcome
from ocean_lib.localnet.state.database import Database
from tests.unit.localnet.recorded import answer

START = answer("10-compute-start-algorithm-did", "provider", "POST", "/compute")[0]
NEVER_RAN = {"exitCode": None, "OOMKilled": None}
FINISHED = answer("13-compute-result-finished", "provider", "GET", "/compute")[0]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "network.db")
    yield database
    database.close()


def request(**changes: Any) -> JobRequest:
    values: dict[str, Any] = {
        "owner": START["owner"],
        "agreement_id": START["agreementId"],
        "inputs": (InputFiles(START["inputDID"][0], ("http://x",), {"id": "d"}),),
        "algorithm": AlgorithmSource(START["algoDID"], "http://y", "", "python3 $ALGO", "p:3"),
        "wall_s": 60.0,
        "allow_network": False,
    }
    return JobRequest(**{**values, **changes})


def like(recorded: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Put our job's own values into the recorded document, and the one key that is ours."""
    names = ("jobId", "dateCreated", "dateFinished", "resultsUrl", "algorithmLogUrl")
    names += ("terminationDetails",)
    return {**recorded, **{name: own[name] for name in names}}


def test_a_new_job_looks_as_the_recorded_one(database: Database) -> None:
    job = job_document(JobStore(database).create(request()), "http://h", authorised=True)

    assert job == like(START, job)
    assert (job["algorithmLogUrl"], job["resultsUrl"], job["dateFinished"]) == (None, "", None)


def test_a_finished_job_looks_as_the_recorded_one(database: Database) -> None:
    store = JobStore(database)
    created = store.create(request())
    results = [PurePosixPath("result.json"), PurePosixPath("a b/ü.txt")]
    store.finish(created.job_id, JobStage.FINISHED, results=results, log_path="algorithm.log")
    job = job_document(store.get(created.job_id), "http://h", authorised=True)

    assert job == like(FINISHED, job)
    assert job["resultsUrl"][0] == f"http://h/results/{created.token}/result.json"
    assert job["resultsUrl"][1].endswith("/a%20b/%C3%BC.txt")
    assert job["algorithmLogUrl"].endswith("/algorithm.log")


def test_who_is_not_authorised_misses_four_keys(database: Database) -> None:
    job = job_document(JobStore(database).create(request()), "http://h", authorised=False)

    assert set(START) - set(job) == {"resultsUrl", "algorithmLogUrl", "resultsDid", "owner"}


def test_anybody_is_told_how_the_algorithm_ended(database: Database) -> None:
    store = JobStore(database)
    job_ids = [store.create(request()).job_id for _ in range(3)]
    store.finish(job_ids[0], JobStage.FINISHED, termination=Termination(3, False))
    store.finish(job_ids[1], JobStage.DATA_FAILED)
    told = [
        job_document(store.get(job_id), "http://h", authorised=False)["terminationDetails"]
        for job_id in job_ids
    ]

    assert told == [{"exitCode": 3, "OOMKilled": False}] + [NEVER_RAN] * 2


def test_a_job_of_an_earlier_network_says_nothing_of_its_algorithms_end(tmp_path: Path) -> None:
    path = tmp_path / "network.db"
    database = Database(path)
    job_id = JobStore(database).create(request()).job_id
    JobStore(database).finish(job_id, JobStage.FINISHED, termination=Termination(0, False))
    with database.transaction() as connection:
        connection.execute("ALTER TABLE jobs DROP COLUMN termination")
    database.close()

    database = Database(path)
    ended = job_document(JobStore(database).get(job_id), "http://h", authorised=True)
    new = job_document(JobStore(database).create(request()), "http://h", authorised=True)
    database.close()

    assert (ended["status"], "terminationDetails" in ended) == (70, False)
    assert new["terminationDetails"] == NEVER_RAN


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (RunOutcome("exited", 0), 0),
        (RunOutcome("exited", 3), 3),
        (RunOutcome("exited", -11), 139),
        (RunOutcome("stopped", -9), 137),
        (RunOutcome("memory", -9), 137),
        (RunOutcome("output_size", 0), 137),
        (RunOutcome("lost", None), None),
    ],
)
def test_an_exit_status_is_that_of_a_container(outcome: RunOutcome, status: int | None) -> None:
    assert outcome.exit_status == status


def test_every_state_has_its_text() -> None:
    assert {SHOWN_AS.get(stage, stage) for stage in JobStage} == set(STATUS_TEXTS)
    assert STATUS_TEXTS[JobStage.RUNNING] == "Running algorithm "


def test_an_ended_job_stays_as_it_is(database: Database) -> None:
    store = JobStore(database)
    job_id = store.create(request()).job_id
    store.finish(job_id, JobStage.DATA_FAILED)
    before = store.get(job_id)
    store.advance(job_id, JobStage.RUNNING)
    store.finish(job_id, JobStage.FINISHED, time_exceeded=True)

    assert store.get(job_id) == before


def test_a_stop_shows_the_status_before(database: Database) -> None:
    store = JobStore(database)
    job = store.create(request())
    store.advance(job.job_id, JobStage.RUNNING)
    [stopped] = store.request_stop([job])
    store.finish(job.job_id, JobStage.FINISHED, time_exceeded=True)

    assert (stopped.status, stopped.stop_request) == (40, 1)
    assert store.get(job.job_id).stop_request == 1


def test_jobs_are_selected_by_owner_job_and_order(database: Database) -> None:
    store = JobStore(database)
    one = store.create(request())
    two = store.create(request(agreement_id="0x2"))
    store.create(request(owner="other"))

    assert [job.job_id for job in store.select(one.owner)] == [one.job_id, two.job_id]
    assert [job.job_id for job in store.select(one.owner, agreement_id="0x2")] == [two.job_id]
    assert store.select("other", one.job_id) == []
    assert store.by_token(one.token) == one
    assert store.count_unfinished() == 3


def test_a_request_survives_the_database(database: Database) -> None:
    assert JobStore(database).create(request()).request == request()
    assert json.loads(request().to_json())["owner"] == START["owner"]


def test_nonces_start_as_a_number_and_become_text(database: Database) -> None:
    nonces = NonceCounters(database)
    unseen = nonces.wire("0xA")
    nonces.advance("0xA")

    assert unseen == 0
    assert type(unseen) is int
    assert nonces.wire("0xA") == "1"
    assert nonces.wire("0xa") == 0


def test_a_nonce_is_spent_once(database: Database) -> None:
    nonces = NonceCounters(database)
    with ThreadPoolExecutor(8) as pool:
        spent = list(pool.map(lambda _: nonces.spend("0xA", 0), range(32)))

    assert spent.count(True) == 1
    assert nonces.value("0xA") == 1


def test_what_fails_in_a_transaction_is_undone(database: Database) -> None:
    nonces = NonceCounters(database)
    with pytest.raises(RuntimeError, match="broken"), database.transaction():
        nonces.advance("0xA")
        raise RuntimeError("broken")

    assert nonces.value("0xA") == 0


def test_state_outlives_the_connection(tmp_path: Path) -> None:
    first = Database(tmp_path / "x.db")
    NonceCounters(first).advance("0xA")
    first.close()
    second = Database(tmp_path / "x.db")
    value = NonceCounters(second).value("0xA")
    second.close()

    assert value == 1


def test_a_request_is_read_by_who_runs_the_job_and_forgotten_at_its_end(database: Database) -> None:
    store = JobStore(database)
    job = store.create(request())
    listed = store.select(job.owner)[0].request_json
    before = store.get(job.job_id).request_json
    store.finish(job.job_id, JobStage.FINISHED)

    assert (listed, store.get(job.job_id).request_json) == ("", "")
    assert before == request().to_json()
