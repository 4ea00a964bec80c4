"""A job's status: a typed value that is also the dict ocean.py returned."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.backends.v3.answers import job_of
from ocean_lib.exceptions import MalformedResponse
from ocean_lib.jobs.view import JobState, JobStatus
from tests import vectors

JOB = {
    "jobId": "7a" * 16,
    "status": 40,
    "statusText": "Running algorithm ",
    "stopreq": 0,
    "dateCreated": 1624528800.25,
    "dateFinished": None,
}


def status_of(**changes: Any) -> JobStatus:
    return job_of({**JOB, **changes}).status


@pytest.mark.parametrize(
    ("code", "stopreq", "state", "succeeded"),
    [
        (1, 0, JobState.RUNNING, None),
        (10, 0, JobState.RUNNING, None),
        (20, 0, JobState.RUNNING, None),
        (30, 0, JobState.RUNNING, None),
        (40, 0, JobState.RUNNING, None),
        (40, 1, JobState.RUNNING, None),
        (50, 0, JobState.RUNNING, None),
        (60, 0, JobState.RUNNING, None),
        (70, 0, JobState.FINISHED, None),
        (70, None, JobState.FINISHED, None),
        (70, 1, JobState.STOPPED, False),
        (70, 2, JobState.TIMED_OUT, False),
        (31, 0, JobState.FAILED, False),
        (32, 0, JobState.FAILED, False),
        (32, 1, JobState.FAILED, False),
        (45, 0, JobState.UNKNOWN, None),
    ],
)
def test_the_code_and_the_stop_request_say_the_state(code, stopreq, state, succeeded):
    status = status_of(status=code, stopreq=stopreq)

    assert (status.state, status.succeeded) == (state, succeeded)
    assert status.is_finished == (state not in (JobState.RUNNING, JobState.UNKNOWN))
    assert status.stop_requested == (stopreq == 1)


NEVER_RAN = {"exitCode": None, "OOMKilled": None}


@pytest.mark.parametrize(
    ("details", "stopreq", "state", "succeeded"),
    [
        ({"exitCode": 0, "OOMKilled": False}, 0, JobState.FINISHED, True),
        ({"exitCode": 0}, 0, JobState.FINISHED, True),
        ({"exitCode": 1, "OOMKilled": False}, 0, JobState.FAILED, False),
        ({"exitCode": 137, "OOMKilled": True}, 0, JobState.FAILED, False),
        ({"exitCode": 0, "OOMKilled": True}, 0, JobState.FAILED, False),
        (NEVER_RAN, 0, JobState.FAILED, False),
        ({"exitCode": 137, "OOMKilled": False}, 1, JobState.STOPPED, False),
        ({"exitCode": 0, "OOMKilled": False}, 1, JobState.STOPPED, False),
        (NEVER_RAN, 1, JobState.STOPPED, False),
        ({"exitCode": 137, "OOMKilled": False}, 2, JobState.TIMED_OUT, False),
    ],
)
def test_an_exit_code_tells_a_crash_from_a_success(details, stopreq, state, succeeded):
    status = status_of(status=70, stopreq=stopreq, terminationDetails=details)

    assert (status.state, status.succeeded, status.is_finished) == (state, succeeded, True)
    assert (status.exit_code, status.oom_killed) == (details["exitCode"], details.get("OOMKilled"))


@pytest.mark.parametrize("code", [1, 40, 60])
def test_a_running_job_has_no_exit_code_and_has_not_failed(code):
    status = status_of(status=code, terminationDetails=NEVER_RAN)

    assert (status.state, status.succeeded) == (JobState.RUNNING, None)
    assert (status.exit_code, status.oom_killed) == (None, None)


@pytest.mark.parametrize(
    "details", [None, "0", [], {}, {"OOMKilled": True}, {"exitCode": "x"}, {"exitCode": True}]
)
def test_what_tells_no_exit_code_changes_nothing(details):
    status = status_of(status=70, terminationDetails=details)

    assert (status.state, status.succeeded) == (JobState.FINISHED, None)
    assert status.exit_code is None


def test_an_exit_code_is_shown():
    crashed = status_of(status=70, terminationDetails={"exitCode": 137, "OOMKilled": True})

    assert "failed" in crashed._repr_html_()
    assert "exit code 137, out of memory" in crashed._repr_html_()


def test_an_unknown_code_with_an_end_has_ended_but_nobody_knows_how():
    status = status_of(status=99, dateFinished=1624528900)

    assert (status.state, status.is_finished, status.succeeded) == (JobState.UNKNOWN, True, None)


@pytest.mark.parametrize("ended", [None, "", 0, "0", float("nan"), float("inf"), 10**400, [], "x"])
def test_what_is_no_date_is_no_end(ended):
    assert not status_of(dateFinished=ended).is_finished


def test_it_equals_the_old_dict_and_is_used_like_one():
    old = {"ok": True, "status": 40, "statusText": "Running algorithm "}
    status = status_of()

    assert status == old
    assert old == status
    assert status != {**old, "ok": False}
    assert status["status"] == 40
    assert status.get("nothing", "else") == "else"
    assert "ok" in status
    assert dict(status) == {**status} == old
    assert list(status.items()) == list(old.items())
    assert len(status) == 3
    assert json.loads(json.dumps(status.as_dict())) == old
    assert status_of(status=31)["ok"] is False
    with pytest.raises(KeyError):
        status["jobId"]


def test_two_looks_are_equal_if_they_saw_the_same():
    assert status_of() == status_of()
    assert hash(status_of()) == hash(status_of())
    assert status_of() != status_of(stopreq=1)
    assert status_of() != 40


def test_it_cannot_be_changed_and_survives_copies():
    status = status_of()

    with pytest.raises(FrozenInstanceError):
        status.code = 70
    assert pickle.loads(pickle.dumps(status)) == copy.deepcopy(status) == status


@pytest.mark.parametrize("code", [None, "", "x", True, 1.5, [], {}, "9" * 5000])
def test_a_job_without_a_status_is_an_error(code):
    with pytest.raises(MalformedResponse, match="without a status"):
        status_of(status=code)


def test_a_code_may_come_as_text():
    assert status_of(status="70", stopreq="1").state is JobState.STOPPED


@given(
    st.dictionaries(
        st.sampled_from([*JOB, "terminationDetails", "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_any_description_gives_a_status_or_our_error(job):
    try:
        status = job_of(job).status
    except MalformedResponse:
        return

    assert isinstance(status.is_finished, bool)
    assert status._repr_html_().startswith("<table>")


def test_every_job_of_the_recordings_is_read():
    seen = set()
    for path in vectors.FOLDER.glob("[0-9]*.json"):
        for exchange in json.loads(path.read_text()).get("exchanges", []):
            body = (exchange.get("response_body") or "").strip()
            if "/compute" in exchange["target"] and body.startswith("[{") and body.endswith("}]"):
                seen |= {job_of(job).status.state for job in json.loads(body)}

    assert {JobState.RUNNING, JobState.FINISHED, JobState.STOPPED} <= seen


def test_what_a_notebook_shows_is_escaped():
    shown = status_of(statusText="<script>alert(1)</script>", jobId="<b>")._repr_html_()

    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;" in shown
    assert "2021-06-24 10:00:00 UTC" in shown
