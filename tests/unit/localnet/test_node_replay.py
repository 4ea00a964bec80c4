"""The network's node answers as a real one did: recorded exchanges of ocean-node 3.2.0, replayed.

Status, content type and body must be the recorded ones, but for what the tables here name.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ocean_lib.localnet.dialects.node.options import NodeOptions
from ocean_lib.localnet.faults import MissingImage, StuckJob
from tests.unit.localnet.node_replay import Node, node, told
from tests.vectors import nodes

Exchange = dict[str, Any]

STORIES = [
    "10 11 12 19 30",
    *("13 14", "15", "16", "24", "25", "27", "28", "32", "33", "50"),
    *("20", "21", "23", "26"),
    "41",
]
"""Recordings in the order in which they belong together: later ones read jobs of earlier ones."""

DIFFERENT_FIELDS = {
    "dateCreated": "a time",
    "dateFinished": "a time",
    "algoStartTimestamp": "a time",
    "algoStopTimestamp": "a time",
    "lockTx": "a transaction of this chain",
    "claimTx": "a transaction of this chain",
    "block": "a block of this chain",
    "datetime": "when it was published here",
    "txid": "a transaction of this chain",
    "orders": "counted when it was asked for",
    "filesize": "image.log tells of this network, and a tar's size is compared with its content",
}
DIFFERENT_TEXTS = {
    "image.log": "no image is pulled: the log says so, after the recorded last line",
    "the reason in configuration.log": "why a file cannot be read is told in this network's words",
    "the reason in algorithm.log": "why a program does not start is told in this network's words",
}
_WRITES_A_LOG = (10, 30)
"""States in which a log is written: it may or may not be there yet."""
AHEAD = "a job here does in milliseconds what takes a container engine seconds"
"""Where the recorded job still runs and ours has gone on, the fields are compared, not values."""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path) as started:
        yield started


def kept(number: str) -> list[Exchange]:
    """Return a recording; its job that runs for 10 s runs for one here."""
    text = json.dumps(nodes.load(number))
    if number == "16":
        text = text.replace('"maxJobDuration": 10,', '"maxJobDuration": 1,')
        text = text.replace('"maxJobDuration": 10}', '"maxJobDuration": 1}')
    exchanges: list[Exchange] = json.loads(text)
    return exchanges


def exchanges_of(story: str) -> list[Exchange]:
    found = [exchange for number in story.split() for exchange in kept(number)]
    if story == "13 14":
        last = len(kept("13")) - 2  # its last two came after the stop that 14 shows
        return [*found[:last], *found[last + 2 :], *found[last : last + 2]]
    return found


@pytest.mark.parametrize("story", STORIES)
def test_recorded_exchanges_get_the_recorded_answers(running: Node, story: str) -> None:
    if story == "24":
        running.faults.set(MissingImage())
    for exchange in exchanges_of(story):
        path, recorded = exchange["request"]["path"], exchange["response"]
        if path == "/":
            assert running.send(exchange["request"]).status_code == recorded["status"]
        elif path.endswith("/nonce"):
            replay_nonce(running, exchange)
        elif path.endswith(("/freeCompute", "/compute")) and is_start(exchange):
            replay_start(running, exchange)
        elif path.endswith("/computeStreamableLogs") and recorded["status"] == 200:
            replay_stream(running, exchange)
        else:
            replay(running, exchange)


def is_start(exchange: Exchange) -> bool:
    is_post = exchange["request"]["method"] == "POST"
    return is_post and exchange["response"]["status"] == 200


def replay(running: Node, exchange: Exchange) -> None:
    recorded = exchange["response"]
    for job in nodes.jobs_in(exchange):
        if exchange["request"]["method"] == "GET" and job["jobId"] in running.names:
            running.come_to(job, running.names[job["jobId"]])
    prepare_nonce(running, exchange)

    answered = running.send(exchange["request"])

    assert answered.status_code == recorded["status"], (exchange["request"], answered.text)
    assert answered.headers.get("Content-Type") == recorded["headers"].get("Content-Type")
    if "json" in (recorded.get("body") or {}):
        compare(running, exchange, answered)
    elif recorded["status"] == 200 and exchange["request"]["method"] == "GET":
        compare_file(running, exchange, answered)
    else:
        assert told(answered)["text"] == running.adapted(nodes.body_of(exchange).decode())


def replay_nonce(running: Node, exchange: Exchange) -> None:
    recorded = exchange["response"]["body"]["json"]
    address = exchange["request"]["query"].get("userAddress", "")
    if recorded["nonce"] != "0":
        running.store_nonce(address, int(recorded["nonce"]))

    assert running.send(exchange["request"]).get_json() == recorded


def prepare_nonce(running: Node, exchange: Exchange) -> None:
    """Let a signed request find the nonce that it found then."""
    request = exchange["request"]
    given = request.get("query") or (request.get("body") or {}).get("json") or {}
    names = ("consumerAddress", "address", "publisherAddress", "decrypterAddress")
    address = next((given[name] for name in names if given.get(name)), None)
    nonce = given.get("nonce")
    is_fresh = "is not a valid nonce" not in json.dumps(exchange["response"].get("body"))
    if given.get("signature") and is_fresh and str(nonce).isdigit():
        running.store_nonce(address, int(nonce) - 1)


def replay_start(running: Node, exchange: Exchange) -> None:
    (recorded,) = nodes.jobs_in(exchange)
    prepare_nonce(running, exchange)
    running.faults.set(StuckJob(10))

    answered = running.send(exchange["request"])

    assert answered.status_code == 200, answered.text
    (ours,) = answered.get_json()
    short = ours["jobId"].partition("-")[2]
    running.names[recorded["jobId"].partition("-")[2]] = short
    running.names[recorded["jobIdHash"]] = "0x" + hashlib.sha256(short.encode()).hexdigest()
    compare(running, exchange, answered)


def replay_stream(running: Node, exchange: Exchange) -> None:
    running.faults.clear()
    job_id = exchange["request"]["query"]["jobId"].partition("-")[2]
    running.come_to(
        {"status": 40, "algoStartTimestamp": "1", "dateFinished": None}, running.names[job_id]
    )
    expected, received = nodes.body_of(exchange)[:63], b""
    prepare_nonce(running, exchange)

    answered = running.send(exchange["request"])
    for chunk in answered.iter_encoded():
        received += chunk
        if len(received) >= len(expected):
            break
    answered.close()

    assert answered.status_code == 200
    assert "Content-Type" not in answered.headers
    assert sorted(frames(received)[:4]) == sorted(frames(expected)[:4])


def frames(log: bytes) -> list[bytes]:
    """Cut a log into its frames: which of two streams comes first is nobody's promise."""
    found = []
    while log:
        end = 8 + int.from_bytes(log[4:8], "big")
        found.append(log[:end])
        log = log[end:]
    return found


def compare(running: Node, exchange: Exchange, answered: TestResponse) -> None:
    """Compare JSON; of lists of jobs those that this recording started."""
    recorded, ours = exchange["response"]["body"]["json"], answered.get_json()
    if exchange["request"]["path"].endswith("auth/token") and answered.status_code == 200:
        running.names[recorded["token"]] = ours["token"]
    name_times(running, recorded, ours)
    expected = running.adapted(recorded)
    if nodes.jobs_in(exchange):
        compare_jobs(ours, expected)
    else:
        is_offer = exchange["request"]["path"].endswith("/computeEnvironments")
        assert_alike(ours, expected, exact=not is_offer)


def name_times(running: Node, recorded: Any, ours: Any) -> None:
    """Let the recorded times of NFTs stand for ours."""
    if isinstance(recorded, list) and isinstance(ours, list):
        for one, mine in zip(recorded, ours, strict=False):
            name_times(running, one, mine)
    elif isinstance(recorded, dict) and "indexedMetadata" in recorded:
        theirs = recorded["indexedMetadata"]["nft"]["created"]
        running.names[theirs] = ours["indexedMetadata"]["nft"]["created"]


def compare_jobs(ours: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    mine = {job["jobId"] for job in ours}
    expected = [job for job in expected if job["jobId"] in mine]
    assert len(expected) == len(ours)
    for job, recorded in zip(ours, expected, strict=True):
        if recorded["status"] in _WRITES_A_LOG and recorded["results"] is not None:
            recorded["results"] = job["results"]
        assert_alike(job, recorded, exact=job["status"] == recorded["status"])


def assert_alike(ours: Any, expected: Any, *, exact: bool, name: str = "") -> None:
    if isinstance(expected, dict) and isinstance(ours, dict):
        assert set(ours) == set(expected), name
        for key in expected:
            assert_alike(ours[key], expected[key], exact=exact, name=key)
    elif name in DIFFERENT_FIELDS:
        assert type(ours) is type(expected) or not exact, name
    elif isinstance(expected, list) and isinstance(ours, list) and (exact or ours):
        assert len(ours) == len(expected) or not exact, (name, ours, expected)
        for mine, theirs in zip(ours, expected, strict=False):
            assert_alike(mine, theirs, exact=exact, name=name)
    elif exact:
        assert ours == expected, name


def compare_file(running: Node, exchange: Exchange, answered: TestResponse) -> None:
    """Compare a file of a job, or the state of one."""
    expected, ours = nodes.body_of(exchange), answered.get_data()
    text = expected.decode("utf-8", "replace")
    if expected.startswith(b"outputs/"):
        assert unpacked(ours) == unpacked(expected)
    elif "Pulling from library/python" in text:
        assert text.splitlines()[-1] in ours.decode().splitlines()
    elif text.startswith("Writing algocustom"):
        lines = running.adapted(text).splitlines()
        mine = ours.decode().splitlines()
        assert mine[:-1] == lines[:-1]
        assert mine[-1].split(": ")[0] == lines[-1].split(": ")[0]
    elif "executable file not found" in text:
        assert b'exec: "nosuchprogram": executable file not found in $PATH' in ours
    elif expected[:1] in (b"\x01", b"\x02"):
        assert_same_log(ours, expected, exchange)
    else:
        assert ours == expected


def assert_same_log(ours: bytes, expected: bytes, exchange: Exchange) -> None:
    mine, theirs = frames(ours), frames(expected)
    if b"tick" in expected:  # how far it came is a matter of time
        assert theirs[0] in mine
        assert set(mine) <= {*theirs, *mine[len(theirs) :]}
        return
    if b"env MY_VAR" in expected:  # the rest of it is about the container
        same = [one for one in theirs if b"env MY_VAR" in one or b"file /data/inputs" in one]
        assert len(same) == 3
        assert set(same) <= set(mine)
        return
    assert sorted(mine) == sorted(theirs), exchange["request"]


def unpacked(data: bytes) -> dict[str, bytes | None]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = {one.name: archive.extractfile(one) for one in archive}
        return {name: None if file is None else file.read() for name, file in files.items()}


def test_every_requests_limit_and_every_address_limit_are_the_recorded_ones(tmp_path: Path) -> None:
    options = NodeOptions(rate_limit=30, max_connections=10)
    with node(tmp_path, options) as running:
        running.client.get("/")  # the harness asked once for the environments
        limited = [one for one in nodes.load("90") if one["response"]["status"] == 429]
        for _ in range(28):
            assert running.client.get("/api/services/nonce").status_code == 200

        for exchange in limited:
            answered = running.send(exchange["request"])
            assert answered.status_code == 429
            assert told(answered) == exchange["response"]["body"]
            assert answered.content_type == exchange["response"]["headers"]["Content-Type"]
    assert len(limited) == 3


def test_more_addresses_than_may_ask_are_refused_in_the_recorded_words(tmp_path: Path) -> None:
    recorded = nodes.load("91")[-1]["response"]
    with node(tmp_path, NodeOptions(max_connections=10)) as running:
        answers = [
            running.client.get("/api/services/nonce", headers={"X-Forwarded-For": f"10.0.0.{n}"})
            for n in range(13)  # and the harness itself: 14 of 10
        ]

    assert [one.status_code for one in answers] == [200] * 9 + [403] * 4
    assert answers[-1].status_code == recorded["status"]
    assert told(answers[-1]) == recorded["body"]


def test_discovery_and_environments_are_the_recorded_ones(running: Node) -> None:
    root = nodes.load("00")[0]["response"]["body"]["json"]
    ours = running.json("GET", "/")

    assert set(ours) - {"embeddedNetwork"} == set(root)
    for name in ("nodeId", "providerAddress", "nodePublicKey", "software", "version"):
        assert ours[name] == root[name]
    for name, place in ours["serviceEndpoints"].items():
        assert root["serviceEndpoints"][name] == place
    for exchange in nodes.load("05"):
        replay(running, exchange)


def test_a_jobs_hash_is_made_as_the_recorded_ones() -> None:
    jobs = [job for story in STORIES for one in exchanges_of(story) for job in nodes.jobs_in(one)]

    for job in jobs:
        short = job["jobId"].rpartition("-")[2]
        assert job["jobIdHash"] == "0x" + hashlib.sha256(short.encode()).hexdigest()
    assert len(jobs) > 50
