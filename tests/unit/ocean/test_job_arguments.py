"""What a job handle is given is checked before anything is asked, and shown without harm."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.v3.answers import job_of
from ocean_lib.exceptions import InvalidInput, JobError
from ocean_lib.http.limits import Timeouts
from ocean_lib.jobs.client import JobClient
from ocean_lib.jobs.outputs import FileList, files_of
from ocean_lib.ocean.compute_job import ComputeJob, JobList
from ocean_lib.ocean.ocean_compute import OceanCompute

DID = "did:op:" + "1b" * 20
JOB_ID = "7a" * 16
WALLET = SimpleNamespace(
    address="0x02354A1F160A3fd7ac8b02ee91F04104440B28E7", sign_message=lambda _: b""
)
KEY = "0x" + "c0ffee01" * 8
LONG = "x" * 5_000_000
HUGE = 10**5000
FINISHED = {"jobId": JOB_ID, "status": 70, "statusText": "Job finished", "stopreq": 0}


def named(value: object) -> str:
    """Name a test's value; some are too long for that."""
    return type(value).__name__


class Integer:
    """What numpy's integers are to Python."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class Client(JobClient):
    """Stands in for the real one: writes down whatever is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.http = SimpleNamespace(timeouts=Timeouts())  # type: ignore[assignment]

    def job(self, ref: Any) -> Any:
        self.asked.append("status")
        return job_of(FINISHED)

    def listed(self, owner: str, did: str | None = None) -> Any:
        self.asked.append("jobs")
        return [job_of({"inputDID": [DID], **FINISHED})]

    def result(self, ref: Any, signer: Any) -> Any:
        self.asked.append("result")
        return {"did": ref.did, "urls": [], "logs": []}

    def outputs(self, ref: Any, signer: Any) -> FileList:
        self.asked.append("result")
        return files_of([], [])

    def root_of(self, ref: Any) -> str:
        return "http://provider"


class Compute(OceanCompute):
    """`OceanCompute` on that client."""

    def __init__(self) -> None:
        self.client = Client()
        self.http = self.client.http

    @property
    def asked(self) -> list[str]:
        return self.client.asked  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def compute() -> Compute:
    return Compute()


@pytest.fixture
def job(compute: Compute) -> ComputeJob:
    return ComputeJob(compute.client, JobRef(DID, JOB_ID, WALLET.address), WALLET)  # type: ignore[arg-type]


def refused(act: Callable[[], Any], expected: str) -> str:
    """Return the message of the InvalidInput; it is short, and shows no key."""
    with pytest.raises(InvalidInput, match=expected) as caught:
        act()
    said = str(caught.value)
    assert len(said) < 500
    assert "c0ffee" not in said
    return said


# --- waiting


@pytest.mark.parametrize("jobs", [None, 3, 1.5, object(), int, Path("x")], ids=named)
def test_waiting_for_what_is_no_list_of_jobs_is_refused(compute, jobs):
    refused(lambda: compute.wait_all(jobs), f"list of ComputeJobs, got {type(jobs).__name__}")


def test_waiting_for_a_bare_job_says_how_to_wait_for_one(compute, job):
    said = refused(lambda: compute.wait_all(job), "list of ComputeJobs, got ComputeJob")

    assert "[job]" in said
    assert "job.wait()" in said
    assert compute.asked == []


WRONG = {
    "timeout": [-1, float("nan"), "60", True, KEY, LONG, b"1", Decimal(1), HUGE, -HUGE, [], int],
    "poll_interval": [0, -1, float("inf"), 1e300, "5", True, KEY, LONG, HUGE, object()],
    "patience": [None, -1, float("nan"), "5", False, KEY, LONG, HUGE],
    "on_update": ["x", KEY, LONG, 0, False, b"x", [], object()],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_wait_cannot_use_is_refused_before_anything_is_asked(compute, job, name, capsys):
    for value in WRONG[name]:
        wrong = {name: value}
        expected = f"^{name} must be .*, got "

        refused(lambda wrong=wrong: job.wait(progress=True, **wrong), expected)
        refused(lambda wrong=wrong: asyncio.run(job.wait_async(**wrong)), expected)
        refused(lambda wrong=wrong: compute.wait_all([job], progress=True, **wrong), expected)

    assert compute.asked == []
    assert capsys.readouterr().err == ""  # no bar was begun either


@pytest.mark.parametrize(
    "workers", [None, "4", KEY, LONG, 0, -1, 1.5, float("nan"), True, [], int], ids=named
)
def test_a_number_of_workers_that_cannot_work_is_refused(compute, job, workers):
    refused(
        lambda: compute.wait_all([job], max_workers=workers),
        "max_workers must be a whole number from 1 on, got ",
    )

    assert compute.asked == []


def test_jobs_are_not_taken_from_a_generator_before_the_rest_is_checked(compute, job):
    taken = []

    def submitted() -> Any:
        taken.append(job)
        yield job

    refused(lambda: compute.wait_all(submitted(), timeout="60"), "timeout")
    assert taken == []


def test_numbers_that_python_takes_for_whole_will_do(compute, job):
    assert compute.wait_all([job], max_workers=Integer(3))[0].is_finished
    assert compute.wait_all((each for each in [job]), timeout=float("inf"))[0].is_finished


# --- lists of jobs


@pytest.mark.parametrize(
    "state", ["FINISHED", KEY, LONG, 3, [], {}, object(), HUGE, b"x"], ids=named
)
def test_a_state_there_is_not_is_refused_with_those_there_are(compute, state):
    said = refused(lambda: compute.jobs(WALLET, state=state), "There is no job state")

    assert "'finished'" in said
    assert compute.asked == []


def test_a_kept_job_that_is_not_the_wallets_shows_no_key(compute):
    kept = {"did": DID, "job_id": JOB_ID, "owner": KEY}

    said = refused(lambda: ComputeJob.from_dict(kept, compute, WALLET), "belongs to")

    assert "64 hex digits, not shown" in said


@pytest.mark.parametrize("wrong", [None, KEY, WALLET, Compute, {}, object()], ids=named)
def test_a_job_is_made_again_with_an_ocean_compute_or_not_at_all(wrong):
    kept = {"did": DID, "job_id": JOB_ID, "owner": WALLET.address}

    with pytest.raises(TypeError, match="compute must be an OceanCompute, got") as caught:
        ComputeJob.from_dict(kept, wrong, WALLET)

    assert "c0ffee" not in str(caught.value)


@pytest.mark.parametrize("order_tx", [HUGE, 5, b"x", ["x"]], ids=named)
def test_the_order_of_a_kept_job_is_text(compute, order_tx):
    kept = {"did": DID, "job_id": JOB_ID, "owner": WALLET.address, "order_tx": order_tx}

    refused(lambda: ComputeJob.from_dict(kept, compute, WALLET), "order_tx must be text")


# --- results


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"x"


NO_FOLDERS = [None, 0, 1.5, True, b"x", bytearray(b"x"), [], {}, HUGE, int, object(), BytesPath()]
NO_FOLDERS += ["~nosuchuser/x", Path("~nosuchuser/x"), "nul\0", "\ud800", "\0" + KEY, "\0" + LONG]


def test_a_folder_that_cannot_be_one_is_refused_before_a_request_is_signed(compute, job):
    for folder in NO_FOLDERS:
        refused(lambda folder=folder: job.download(folder), "folder must be the path of a folder")

    assert compute.asked == []


@pytest.mark.parametrize(
    "most", ["5", "", KEY, LONG, b"5", -1, 1.5, float("nan"), True, [], int], ids=named
)
def test_a_limit_that_is_no_number_of_bytes_is_refused_before_a_request_is_signed(
    compute, job, tmp_path, most
):
    refused(
        lambda: job.download(tmp_path, max_bytes=most),
        "max_bytes must be a whole number from 0 on, got ",
    )

    assert compute.asked == []


@pytest.mark.parametrize("folder", ["new", Path("new"), "~/new", os.fsdecode(b"\xff")])
def test_any_path_a_folder_may_have_passes_the_check(compute, job, folder):
    with pytest.raises(JobError, match="no output"):
        job.download(folder, max_bytes=Integer(5))

    assert compute.asked == ["result"]


@pytest.mark.parametrize(
    "name", [0, 1.5, b"report.json", [], {}, HUGE, object(), Path("x")], ids=named
)
def test_a_files_name_is_text_or_nothing_is_asked(compute, job, name):
    refused(lambda: job.open(name), "name must be text, got ")
    refused(lambda: job.result_json(name), "name must be text, got ")
    refused(lambda: job.open(None), "name must be text, got None")

    assert compute.asked == []


@pytest.mark.parametrize("name", [KEY, LONG], ids=["key", "long"])
def test_a_name_that_is_no_files_is_shown_without_harm(job, name):
    for act in (job.open, job.result_json):
        with pytest.raises(JobError, match="has no result") as caught:
            act(name)

        assert len(str(caught.value)) < 500
        assert "c0ffee" not in str(caught.value)


# --- copies


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_job_cannot_be_pickled_and_says_what_to_keep_instead(job, protocol):
    for thing in (job, [job], JobList([job])):
        with pytest.raises(TypeError, match=r"job\.to_dict\(\).*compute\.job\("):
            pickle.dumps(thing, protocol)


def test_a_copy_of_a_job_is_a_handle_of_its_own_on_the_same_job(job):
    job.status()

    other = copy.copy(job)

    assert other is not job
    assert vars(other) == vars(job)
