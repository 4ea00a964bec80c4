"""Every recorded answer of ocean-node 3.2.0 gives the right value or the right error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from ocean_lib import exceptions
from ocean_lib.backends.node.answers import (
    error_of,
    find_job,
    job_of,
    jobs_of,
    readable,
    result_files,
)
from ocean_lib.backends.v3.answers import error_of as error_of_any
from ocean_lib.checks import is_job_id
from ocean_lib.exceptions import JobNotFound, MalformedResponse, OceanError, TooManyRequests
from ocean_lib.http.exchange import Answer
from ocean_lib.jobs.view import JobState
from tests.vectors import nodes

CASES = nodes.errors()

# What each refusal is, by the position in errors.json (which names the case).
REFUSALS = {
    "SignatureRejected": [0, 1, 2, 5, 6, 7, 8, 10, 11, 13, 25, 26, 38, 70, 97],
    "RequestInvalid": [
        *(9, 14, 15, 16, 28, 39, 41, 42, 44, 62, 67, 68, 85, 86, 87, 88, 89, 90, 91, 94)
    ],
    "EnvironmentUnavailable": [17, 18, 20, 47, 48, 49, 92, 93, 95],
    "AccessDenied": [19, 54, 83, 96, 104],
    "NotYourJob": [24],
    "JobNotFound": [27, 37],
    "ProviderFault": [29, 30, 32, 33, 34, 35],
    "EndpointNotFound": [36, 64],
    "WorkflowRefused": [45, 46, 63, 65, 79, 80, 100],
    "RawAlgorithmNotAllowed": [51, 102],
    "AlgorithmNotTrusted": [52, 53, 101, 103],
    "ImageNotFound": [73, 75, 114],
    "EscrowNotReady": [98, 99],
    "OrderNotValid": [105, 106, 107, 108, 109],
}
EXPECTED = {index: name for name, found in REFUSALS.items() for index in found}
REFUSED = [i for i, case in enumerate(CASES) if case["response"]["status"] >= 300]


def answer_of(exchange: dict[str, Any]) -> Answer:
    response = exchange["response"]
    return Answer(
        status_code=response["status"],
        body=nodes.body_of(exchange),
        headers=CaseInsensitiveDict(response["headers"]),
        asked_url=nodes.ROOT + exchange["request"]["path"],
        operation="ask",
    )


def error_from(exchange: dict[str, Any]) -> OceanError:
    """Make the error for an answer; typed, so that pytest shows it."""
    return error_of(answer_of(exchange))


def job(number: str, code: int, place: int = -1) -> dict[str, Any]:
    """Return a job of a recording in this state."""
    found = [
        job for one in nodes.load(number) for job in nodes.jobs_in(one) if job["status"] == code
    ]
    return found[place]


def test_every_refusal_has_its_place_in_the_table() -> None:
    assert len(CASES) == 116
    assert set(EXPECTED) == set(REFUSED)


@pytest.mark.parametrize("index", REFUSED)
def test_a_refusal_is_the_right_error_with_a_next_step(index: int) -> None:
    error = error_from(CASES[index])

    assert type(error).__name__ == EXPECTED[index], CASES[index]["case"]
    assert len(str(error).split(". ")) > 1
    if isinstance(error, exceptions.ResponseError):
        assert error.status_code == CASES[index]["response"]["status"]
        assert error.operation == "ask"
    if isinstance(error, exceptions.RequestInvalid):
        assert error.errors == {}


@pytest.mark.parametrize("index", [i for i in range(116) if i not in REFUSED])
def test_what_was_accepted_is_a_job_where_it_is_one(index: int) -> None:
    case = CASES[index]
    if not case["request"]["path"].endswith(("/freeCompute", "/compute")):
        return  # of the parts of the protocol that are for published assets

    (info,) = jobs_of(answer_of(case))

    assert job_of(info).id.startswith("0x")
    assert is_job_id(job_of(info).id)


@pytest.mark.parametrize("exchange", nodes.load("30"))
def test_what_is_said_about_tokens_is_understood(exchange: dict[str, Any]) -> None:
    if exchange["response"]["status"] < 300:
        return

    error = error_from(exchange)

    words = nodes.body_of(exchange).decode()
    expected = "RequestInvalid" if "Missing required" in words else "SignatureRejected"
    assert type(error).__name__ == expected


@pytest.mark.parametrize(("number", "wait_s"), [("90", 60.0), ("91", 20.0)])
@pytest.mark.parametrize("make", [error_of, error_of_any], ids=["node", "not yet known"])
def test_asking_too_often_says_how_long_to_wait(
    number: str, wait_s: float, make: Callable[[Answer], OceanError]
) -> None:
    answer = answer_of(nodes.load(number)[-1])

    error = make(answer)

    assert answer.may_change()
    assert isinstance(error, TooManyRequests)
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("number", "code", "state", "exit_code"),
    [
        ("10", 10, JobState.RUNNING, None),
        ("10", 40, JobState.RUNNING, None),
        ("10", 60, JobState.RUNNING, None),
        ("10", 71, JobState.FINISHED, 0),
        ("14", 71, JobState.STOPPED, 137),
        ("14", 60, JobState.RUNNING, None),
        ("15", 71, JobState.FAILED, 3),
        ("16", 71, JobState.TIMED_OUT, 137),
        ("25", 31, JobState.FAILED, None),
        ("32", 22, JobState.FAILED, None),
        ("33", 41, JobState.FAILED, None),
        ("34", 71, JobState.FAILED, 137),
    ],
)
def test_a_jobs_state_is_that_of_its_code_its_end_and_its_container(
    number: str, code: int, state: JobState, exit_code: int | None
) -> None:
    status = job_of(job(number, code)).status

    assert (status.state, status.exit_code, status.code) == (state, exit_code, code)
    assert status.is_finished is (state is not JobState.RUNNING)
    expected = {JobState.FINISHED: True, JobState.RUNNING: None}
    assert status.succeeded is expected.get(state, False)


def test_what_the_claim_pass_turned_into_a_success_stays_a_failure() -> None:
    jobs = [job_of(job) for one in nodes.load("18") for job in nodes.jobs_in(one)]

    assert [one.status.code for one in jobs].count(70) >= 2
    assert {one.status.state for one in jobs} == {JobState.FAILED}
    assert {one.status.succeeded for one in jobs} == {False}


def test_a_success_without_its_outputs_is_a_failure() -> None:
    info = job("10", 71)
    info["results"] = [file for file in info["results"] if file["type"] != "output"]

    assert job_of(info).status.state is JobState.FAILED


@pytest.mark.parametrize(
    ("code", "has_end", "state"),
    [(99, False, JobState.UNKNOWN), (99, True, JobState.UNKNOWN), (42, False, JobState.RUNNING)],
)
def test_an_unknown_code_passes_through(code: int, has_end: bool, state: JobState) -> None:
    info = job("10", 71) | {"status": code}
    if not has_end:
        info["dateFinished"] = None

    status = job_of(info).status

    assert (status.code, status.state) == (code, state)


def test_a_job_keeps_the_prefix_of_its_cluster_or_gets_it() -> None:
    started, seen = (nodes.jobs_in(one)[0] for one in nodes.load("10")[1:3])

    assert "-" in started["jobId"]
    assert "-" not in seen["jobId"]
    assert job_of(started).id == job_of(seen).id == started["jobId"]


def test_an_answer_with_other_jobs_is_not_taken_for_the_one_asked_for() -> None:
    everything = nodes.load("11")[1]
    asked = nodes.load("10")[2]["request"]["query"]["jobId"]
    infos = jobs_of(answer_of(everything))
    unknown = asked[:-4] + "0000"

    assert find_job(infos, asked, "look", nodes.ROOT)["jobId"] == asked.rpartition("-")[2]
    with pytest.raises(JobNotFound, match="knows no job") as caught:
        find_job(infos, unknown, "look", nodes.ROOT)
    assert caught.value.others == len(infos)


def test_files_are_named_by_their_index_and_kind() -> None:
    files = result_files(job("10", 71))

    assert [(file.index, file.name, file.kind) for file in files] == [
        (0, "image.log", "imageLog"),
        (1, "configuration.log", "configurationLog"),
        (2, "algorithm.log", "algorithmLog"),
        (3, "outputs.tar", "output"),
    ]
    assert result_files({"results": [{"filename": "x"}, 7, None]}) == []
    assert result_files({"results": None}) == []


def test_a_job_that_cannot_be_read_is_left_out_of_a_list(
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = job("10", 71)

    jobs = list(readable([{"jobId": "x"}, good]))

    assert [one.raw for one in jobs] == [good]
    assert "left out" in caplog.text


@pytest.mark.parametrize("said", [b"{}", b"[1]", b'[{"status": 1}]', b'[{"jobId": ""}]', b"no"])
def test_what_is_no_list_of_jobs_is_malformed(said: bytes) -> None:
    answer = Answer(200, said, {}, nodes.ROOT, "ask")

    with pytest.raises(MalformedResponse):
        jobs_of(answer)


def test_a_description_without_a_status_is_malformed() -> None:
    with pytest.raises(MalformedResponse, match="without a status"):
        job_of({"jobId": "x"})
