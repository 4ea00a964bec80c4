"""Whatever a node answers, there is a value or one of our errors."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocean_lib import FileInput
from ocean_lib.backends.node import calls
from ocean_lib.backends.node.answers import job_of, jobs_of, result_files, words_of
from ocean_lib.backends.node.environments import chosen, environments_of
from ocean_lib.backends.signing import Credential
from ocean_lib.exceptions import OceanError
from ocean_lib.http.exchange import Answer, HttpExchange
from tests.vectors import nodes

ANY = settings(max_examples=80, suppress_health_check=list(HealthCheck))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def changed(document: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents like this one, in which some values are something else, or are missing."""
    return st.dictionaries(st.sampled_from(sorted(document)), JSON, max_size=4).map(
        lambda others: {k: v for k, v in (document | others).items() if v != "gone"}
    )


JOB = next(job for one in nodes.load("10") for job in nodes.jobs_in(one) if job["status"] == 71)
PLACE = nodes.load("05")[0]["response"]["body"]["json"][0]
FREE = changed(PLACE["free"])


@ANY
@given(changed(JOB))
def test_any_description_of_a_job(document: dict[str, Any]) -> None:
    with contextlib.suppress(OceanError):
        job = job_of(document)
        assert isinstance(job.status.code, int)
        assert job.status.succeeded in (True, False, None)
        hash(job.status)
    assert all(isinstance(file.index, int) for file in result_files(document))


@ANY
@given(st.lists(st.tuples(changed(PLACE), FREE), max_size=2), JSON)
def test_any_list_of_environments(places: list[Any], other: Any) -> None:
    for said in ([place | {"free": free} for place, free in places], other):
        found = environments_of(said)
        for one in found or ():
            one.fits({"cpu": 1}, 60)
            one.has_room({})
            one.admits(nodes.CONSUMER)
        if found is not None:
            with contextlib.suppress(OceanError):
                assert chosen(found, {}, None, nodes.CONSUMER).is_free
            assert isinstance(found._repr_html_(), str)


@ANY
@given(
    st.integers(200, 599), st.binary(max_size=60) | JSON.map(lambda said: json.dumps(said).encode())
)
def test_any_answer_of_any_status(status: int, body: bytes) -> None:
    answer = Answer(status, body, {}, nodes.ROOT, "ask")

    with contextlib.suppress(OceanError):
        assert isinstance(jobs_of(answer), list)
    assert isinstance(words_of(answer), str)


CALLS = {
    "nonce": ("GET", lambda http, url: calls.get_nonce(http, "GET", url, nodes.CONSUMER)),
    "environments": ("GET", calls.get_environments),
    "file": ("POST", lambda http, url: calls.file_reaches(http, url, FileInput(url="http://x"))),
    "status": ("GET", lambda http, url: calls.get_jobs(http, url, nodes.CONSUMER, "x")),
    "stop": (
        "PUT",
        lambda http, url: calls.put_stop(http, url, nodes.CONSUMER, "x", Credential("0x", 1)),
    ),
    "token": (
        "POST",
        lambda http, url: calls.create_token(http, url, nodes.CONSUMER, Credential("0x", 1)),
    ),
}


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
@given(said=JSON)
def test_any_answer_to_a_call(name: str, said: Any) -> None:
    method, call = CALLS[name]
    with responses.RequestsMock() as wire:
        wire.add(method, f"{nodes.ROOT}/x", body=json.dumps(said))

        with contextlib.suppress(OceanError):
            call(HttpExchange(), f"{nodes.ROOT}/x")  # type: ignore[operator]
