"""Recorded exchanges about published assets, prices and paid jobs, replayed on our node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.localnet.dialects.node.contract_calls import read
from ocean_lib.localnet.dialects.node.node_key import NodeKey
from ocean_lib.localnet.faults import MissingImage
from tests.unit.localnet.node_replay import Node, node
from tests.unit.localnet.node_world import NODE_KEY, TOKEN, WEI, fill_escrow, world
from tests.unit.localnet.test_node_replay import (
    Exchange,
    is_start,
    kept,
    prepare_nonce,
    replay,
    replay_nonce,
    replay_start,
)
from tests.vectors import nodes

PUBLISHING = [
    "02-publish-algorithm-encrypt-files",
    "02-publish-algorithm-encrypt-ddo",
    "02-publish-algorithm-validate-ddo",
    "02-publish-algorithm-fetch-ddo",
    "04-publish-dataset-encrypt-files",
    "04-publish-dataset-encrypt-ddo",
    "04-publish-dataset-validate-ddo",
    "04-publish-dataset-fetch-ddo",
    *("03", "06", "40", "43"),
]
"""Recordings about documents and prices; all on one node."""
PAID = ["44", "45", "48"]
NOT_OFFERED = ("/directCommand",)
"""Routes that this network has not."""
OF_THE_CONSUMER = {"consumerAddress": nodes.CONSUMER}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with node(tmp_path_factory.mktemp("published")) as started:
        yield started


@pytest.fixture
def paying(running: Node, story: str) -> Node:
    fill_escrow(running.chain, world().contracts, NodeKey(NODE_KEY))
    if story == "48":
        running.faults.set(MissingImage())
    return running


@pytest.mark.parametrize("story", PUBLISHING)
def test_what_was_recorded_about_documents_and_prices_is_answered(
    published: Node, story: str
) -> None:
    for exchange in kept(story):
        path = exchange["request"]["path"]
        if path in NOT_OFFERED or path == "/":
            continue
        if path.endswith("/nonce"):
            replay_nonce(published, exchange)
        elif path.endswith("/encrypt"):
            replay_encryption(published, exchange)
        elif path.endswith("/validate"):
            prepare_nonce(published, exchange)
            answered = published.send(exchange["request"], unchanged=True)
            assert answered.get_json() == exchange["response"]["body"]["json"]
        else:
            replay(published, exchange)


@pytest.mark.parametrize("story", PAID)
def test_recorded_paid_jobs_are_run_and_paid(paying: Node, story: str) -> None:
    for exchange in kept(story):
        path, recorded = exchange["request"]["path"], exchange["response"]
        if path.endswith("/nonce"):
            replay_nonce(paying, exchange)
        elif path.endswith("/compute") and is_start(exchange):
            replay_start(paying, exchange)
            if story == "44":
                check_chain(paying)
        elif path != "/":
            replay(paying, exchange)
        assert path != "/" or recorded["status"] == 200
    if story == "44":
        check_chain(paying)
        paying.settle()
        (exchange,) = kept("46")
        replay(paying, exchange)
        assert paying.escrow.locks() == {}
    if story == "48":
        (lock,) = paying.escrow.locks().values()
        assert lock.amount == WEI


def check_chain(paying: Node) -> None:
    """Compare the escrow with what was recorded after the start, and after the job's end."""
    chain = json.loads((nodes.FOLDER / "47-chain-calls.json").read_text())["calls"]
    recorded = next(call for call in chain if "locks" in call)
    (theirs,) = recorded["locks"]
    (ours,) = paying.escrow.locks().values()
    signature = "getUserFunds(address,address)", "(uint256,uint256)"
    (funds,) = read(paying.chain, paying.escrow.address, *signature, nodes.CONSUMER, TOKEN)
    (job,) = paying.json("GET", "/api/services/compute", query_string=OF_THE_CONSUMER)

    assert {"available": str(funds[0]), "locked": str(funds[1])} == recorded["result"]
    assert (ours.payer, str(ours.amount), ours.token) == (
        *(theirs["payer"], theirs["amount"], theirs["token"]),
    )
    assert ours.number == int(job["jobIdHash"], 16)
    assert int(theirs["jobId"]) == int(recorded_job("44")["jobIdHash"], 16)
    began = float(recorded_job("44")["dateCreated"])
    assert round(int(theirs["expiry"]) - began) == 3660 - 1  # its block came a second later
    assert abs(ours.expiry - float(job["dateCreated"]) - 3660) <= 2


def recorded_job(number: str) -> dict[str, Any]:
    found: dict[str, Any] = next(job for one in kept(number) for job in nodes.jobs_in(one))
    return found


def replay_encryption(running: Node, exchange: Exchange) -> None:
    """Compare what is inside: ECIES never gives the same text again."""
    prepare_nonce(running, exchange)

    answered = running.send(exchange["request"], unchanged=True)

    recorded, body = exchange["response"], exchange["request"]["body"]["json"]
    assert answered.status_code == recorded["status"]
    assert answered.headers["Content-Type"] == recorded["headers"]["Content-Type"]
    assert len(answered.text) == len(recorded["body"]["text"])
    key = NodeKey(NODE_KEY)
    assert json.loads(key.decrypt(bytes.fromhex(answered.text[2:]))) == body
    assert json.loads(key.decrypt(bytes.fromhex(recorded["body"]["text"][2:]))) == body
