"""The 116 refusals and odd answers of ocean-node 3.2.0, replayed, and which of them differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ocean_lib.localnet.dialects.node.node_key import NodeKey
from tests.unit.localnet.node_replay import Node, node, told
from tests.unit.localnet.node_world import NODE_KEY, fill_escrow, world
from tests.unit.localnet.test_node_replay import compare_jobs, replay_start
from tests.vectors import nodes

pytestmark = pytest.mark.slow

NO_REGISTRY = "images are not looked for: the fault MissingImage refuses one"
OTHER_WORDS = "the reason is the JSON parser's, and Python's has other words"
OTHER_SIZE = "this network's machine has other resources than the recorded one"
DIFFERENT = {
    NO_REGISTRY: ("free container without tag and checksum",),
    OTHER_WORDS: ("body is not JSON",),
    OTHER_SIZE: ("paid resources too large",),
}
REASONS = {case: reason for reason, cases in DIFFERENT.items() for case in cases}
CASES = {case["case"]: case for case in nodes.errors()}
SAME = [name for name in CASES if name not in REASONS]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with node(tmp_path_factory.mktemp("node")) as started:
        start = nodes.load("10")[1]
        replay_start(started, start)
        started.faults.clear()
        (job,) = nodes.jobs_in(start)
        job_id = started.names[job["jobId"].partition("-")[2]]
        started.come_to({"status": 71, "dateFinished": "1"}, job_id)
        fill_escrow(started.chain, world().contracts, NodeKey(NODE_KEY))
        yield started


def send(running: Node, case: dict[str, Any]) -> TestResponse:
    """Send a recorded request, with the stored nonce as it was then."""
    request = case["request"]
    given = request.get("query") or (request.get("body") or {}).get("json") or {}
    address, nonce = given.get("consumerAddress"), str(given.get("nonce"))
    if address and nonce.isdigit():
        stored = int(nonce) - 1
        if "is not a valid nonce" in json.dumps(case["response"]["body"]):
            stored = int(nonce) if "lower" not in case["case"] else int(nonce) + 1
        running.store_nonce(address, max(stored, 0))
    return running.send(request)


def is_alike(running: Node, case: dict[str, Any], answered: TestResponse) -> bool:
    recorded = case["response"]
    kind = recorded["headers"].get("Content-Type")
    if (answered.status_code, answered.headers.get("Content-Type")) != (recorded["status"], kind):
        return False
    if nodes.jobs_in(case):
        return True
    return told(answered) == running.adapted(recorded.get("body") or {"text": ""})


@pytest.mark.parametrize("name", SAME)
def test_a_recorded_refusal_is_given_here_too(running: Node, name: str) -> None:
    case = CASES[name]

    answered = send(running, case)

    assert is_alike(running, case, answered), (answered.status_code, answered.text)
    for recorded in nodes.jobs_in(case):
        (ours,) = answered.get_json()
        told_alike = {"jobId": "", "jobIdHash": "", "status": recorded["status"]}
        expected = running.adapted(recorded)
        if case["request"]["method"] == "PUT":  # a stop tells of the job that was there
            compare_jobs([ours], [expected])
        else:
            assert {**ours, **told_alike}.keys() == expected.keys()
            for field in ("owner", "environment", "resources", "maxJobDuration", "metadata"):
                assert ours[field] == expected[field]


@pytest.mark.parametrize("name", REASONS)
def test_what_is_said_to_differ_does(running: Node, name: str) -> None:
    case = CASES[name]

    answered = send(running, case)

    assert not is_alike(running, case, answered)
    assert (answered.status_code == 200) == (REASONS[name] is NO_REGISTRY)
    if REASONS[name] is OTHER_SIZE:
        assert answered.json == "Not enough cpu resources. Requested 50, but max is 16"


def test_a_refusal_moves_no_nonce_and_what_was_signed_well_does(running: Node) -> None:
    address = nodes.CONSUMER
    for name, moves in {
        "free bad signature (zeroes)": False,
        "free environment missing": False,
        "free unknown environment of a known cluster": True,
        "free far more ram than allowed": True,
        "result jobId missing": False,
        "stop jobId missing": False,
        "stop unknown cluster": True,
    }.items():
        send(running, CASES[name])
        nonce = CASES[name]["request"].get("query") or CASES[name]["request"]["body"]["json"]

        assert running.nonce(address) == int(nonce["nonce"]) - (0 if moves else 1), name


def test_every_recorded_case_is_replayed_or_named() -> None:
    assert len(CASES) == 116
    assert set(REASONS) <= set(CASES)
    assert len(SAME) == 113
