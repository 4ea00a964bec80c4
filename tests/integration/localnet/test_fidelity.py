"""The network answers as the real Provider and Aquarius did: 113 recorded requests, replayed.

Each recorded request is sent again with this network's own assets, orders and signatures in
place of the recorded ones. Status, content type, the answer's shape, every error text and what
happened to the nonce must be the recorded ones, but for the few that are named as refused here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.integration.localnet.conftest import World
from tests.integration.localnet.handmade import SERVICES, sign

VECTORS = Path(__file__).parents[2] / "vectors" / "provider-v3" / "errors.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))
# There is no operator-service behind this Provider: its runner is in the same process.
NOT_SERVED = {"operator-service"}
# The real Provider looks at no documentId, so that a used signature can be good for another one.
REFUSED_HERE = {
    ("status", "unknown did"),
    ("status", "other dataset, same job"),
    ("delete", "unknown did"),
}
SERVED = [case for case in CASES if case["group"] not in NOT_SERVED]
REFUSED = [case for case in SERVED if (case["group"], case["case"]) in REFUSED_HERE]
REPLAYED = [case for case in SERVED if case not in REFUSED]

CONSUMER = "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"
OTHER_CONSUMER = "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
DATASET = "f91e135532b149C6C4876F211386dc734F57138a"
OPEN_DATASET = "31ecF60a19EE96dbA18C84E5E6D134d5f52d6590"
ALGORITHM = "67CFd4DD4439b59AFCe2ADE10E441f4F52b37f09"
OTHER_ALGORITHM = "40D16e1A344f089932FA21CCfa452A9d6a70A2FB"
DATASET_ORDER = "0x9f895759d0a4bd1039818c92bfd3f7613ee6d9128956efd6e5007fea439e33ce"
ALGORITHM_ORDER = "0x52e8e40fa45cbc6a15f9c0c829dd02f0ed1c8358b59c2a958c39416243554ac6"
OPEN_ORDER = "0x4edfe78a2c56be575bd030932834f76065cebf2f8a9ad59461a72c7868b2c53e"
ACCESS_ORDER = "0x5d403d2e2e45580341174e5d3e3d647cc91ef37f69a92b995b66c6307cf654db"
OTHER_ORDER = "0x852d83fe8807e455ba41718cb55a4490e2fa20a9daec9dfa34956f542ced920d"
JOB = "0d775d4b693044f99485a07edbae078d"
STOPPABLE_JOB = "d479fd42dcb44d679932fbce1ac481c3"
EXTENSIONS = {"embeddedNetwork", "terminationDetails"}  # declared in docs/localnet.md
EXACT = {"error", "message", "errors", "path", "status", "statusText", "removed", "stopreq"}

Sign = Callable[[World, str, int], str]


def _right(world: World, text: str, nonce: int) -> str:
    return sign(world.consumer.account, f"{text}{nonce}")


def _by_another_key(world: World, text: str, nonce: int) -> str:
    return sign(world.stranger.account, f"{text}{nonce}")


def _with_small_v(world: World, text: str, nonce: int) -> str:
    signature = _right(world, text, nonce)
    return f"{signature[:-2]}{int(signature[-2:], 16) - 27:02x}"


def _over_lower_case(world: World, text: str, nonce: int) -> str:
    address = world.consumer.address
    return _right(world, text.replace(address, address.lower()), nonce)


SIGNERS: dict[str, Sign | None] = {
    "random 65 byte signature": None,
    "empty signature": None,
    "short signature": None,
    "non-hex signature": None,
    "unrecoverable signature": None,
    "signed by another key": _by_another_key,
    "another consumer stops my job with his own signature": _by_another_key,
    "message without nonce": lambda world, text, _: sign(world.consumer.account, text),
    "future nonce (current+1)": lambda world, text, nonce: _right(world, text, nonce + 1),
    "stale nonce": lambda world, text, nonce: _right(world, text, nonce - 1),
    "nonce as timestamp": lambda world, text, _: _right(world, text, int(time.time())),
    "signature v=0/1 instead of 27/28": _with_small_v,
    "signature without 0x": lambda world, text, nonce: _right(world, text, nonce)[2:],
    "checksum address, message signed with lower-case address": _over_lower_case,
}


class Replay:
    """One recorded case, adapted to a world."""

    def __init__(self, world: World, case: dict[str, Any]) -> None:
        self.world = world
        self.case = case
        self.job = self._job()

    def _job(self) -> str:
        if JOB not in json.dumps(self.case) and STOPPABLE_JOB not in json.dumps(self.case):
            return JOB
        if self.case["group"] not in ("status", "stop", "delete"):
            return JOB
        return _ended_job(self.world)

    def adapt(self, text: str) -> str:
        world = self.world
        names = {
            DATASET: world.dataset.removeprefix("did:op:"),
            OPEN_DATASET: world.open_dataset.removeprefix("did:op:"),
            ALGORITHM: world.algorithm.removeprefix("did:op:"),
            OTHER_ALGORITHM: world.other_algorithm.removeprefix("did:op:"),
            DATASET_ORDER: world.dataset_order,
            ALGORITHM_ORDER: world.algorithm_order,
            OPEN_ORDER: world.open_order,
            ACCESS_ORDER: world.access_order,
            CONSUMER: world.consumer.address,
            CONSUMER.lower(): world.consumer.address.lower(),
            OTHER_CONSUMER: world.stranger.address,
            JOB: self.job,
            STOPPABLE_JOB: self.job,
        }
        if OTHER_ORDER in text:
            names[OTHER_ORDER] = world.consumer.order(world.publisher, world.other_algorithm, 3)
        for recorded, own in names.items():
            text = text.replace(recorded, own)
        return text

    def send(self) -> Any:
        request = self.case["request"]
        url = urlsplit(self.adapt(request["url"].replace("%3A", ":")))
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        body: Any = self.adapt(request["body"])
        headers = {}
        if body:
            headers["Content-Type"] = "application/json"
        if self.case["case"] == "POST json without content-type":
            headers = {"Content-Type": ""}
        signed = url.path == f"{SERVICES}/compute"
        if signed and body.startswith("{") and body.endswith("}") and "signature" in body:
            body = json.dumps(self._sign(json.loads(body), none_word=False))
        elif signed and "signature" in query:
            query = self._sign(query, none_word="None" in self.case["case"])
        return self.world.consumer.http.request(
            request["method"],
            self.world.network.provider_url + url.path,
            params=query,
            data=body.encode() or None,
            headers=headers,
            timeout=30,
        )

    def _sign(self, data: dict[str, Any], *, none_word: bool) -> dict[str, Any]:
        signer = SIGNERS.get(self.case["case"], _right)
        if signer is None:
            return data
        owner = str(data.get("consumerAddress", ""))
        missing = "None" if none_word else ""
        text = f"{owner}{data.get('jobId', missing)}{data.get('documentId', missing)}"
        nonce = int(self.world.consumer.nonce(owner)) if owner else 0
        return {**data, "signature": signer(self.world, text, nonce)}


def _ended_job(world: World) -> str:
    """Run a job to its end; it must have a result, as the recorded ones have."""
    answer = world.consumer.start(world.dataset, world.dataset_order, **world.by_did)
    job_id = str(answer.json()[0]["jobId"])
    ended = world.consumer.ended(job_id)
    assert ended["resultsUrl"], world.consumer.read(ended["algorithmLogUrl"])
    return job_id


def _first_object(text: str) -> Any:
    # Long bodies are recorded in part: their first object tells their shape.
    try:
        return json.loads(text)
    except ValueError:
        return [json.JSONDecoder().raw_decode(text[1:])[0]]


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def assert_alike(recorded: Any, answered: Any, *, name: str = "", exact: bool = False) -> None:
    """Compare keys and kinds of values, and the texts of errors."""
    exact = exact or name in EXACT
    if isinstance(recorded, dict):
        assert set(recorded) == set(answered) - EXTENSIONS
        for key, value in recorded.items():
            assert_alike(value, answered[key], name=key, exact=exact)
    elif isinstance(recorded, list) and not exact and recorded:
        assert answered
        assert_alike(recorded[0], answered[0])
    elif exact:
        assert answered == recorded
    else:
        assert _kind(answered) is _kind(recorded)


def _label(case: dict[str, Any]) -> str:
    return f"{case['group']}-{re.sub('[^A-Za-z0-9]+', '-', case['case'])}"


@pytest.mark.parametrize("case", REPLAYED, ids=_label)
def test_a_recorded_request_gets_the_recorded_answer(world: World, case: dict[str, Any]) -> None:
    replay = Replay(world, case)
    body = replay.adapt(case["body"])
    nonce_before = int(world.consumer.nonce())
    started = time.monotonic()
    answer = replay.send()
    elapsed = time.monotonic() - started
    nonce_after = int(world.consumer.nonce())

    assert answer.status_code == case["status"], answer.text
    assert answer.headers["Content-Type"] == case["content_type"]
    if case["status"] == 500:
        recorded_page = body.removesuffix("\n")
        assert answer.text.startswith(recorded_page)
        assert "<p>Reason: " in answer.text
    elif case["content_type"].startswith("text/html"):
        assert answer.text == body
    else:
        assert answer.text.endswith("\n") == body.endswith("\n") or len(case["body"]) >= 1500
        assert ('": ' in answer.text) == ('": ' in body)
        whole = len(case["body"]) < 1500
        if whole:
            assert_alike(_first_object(body), answer.json())
        else:
            assert set(_first_object(body)[0]) == set(answer.json()[0]) - EXTENSIONS
    assert elapsed < 10.0  # where the real one blocks for 20
    if case["nonce_before"] != "2":  # that one was read for two different addresses
        moved = int(case["nonce_after"]) - int(case["nonce_before"])
        assert nonce_after - nonce_before == moved


@pytest.mark.parametrize("case", REFUSED, ids=_label)
def test_a_recorded_request_for_a_document_that_is_not_the_jobs_is_refused(
    world: World, case: dict[str, Any]
) -> None:
    replay = Replay(world, case)
    nonce_before = world.consumer.nonce()
    answer = replay.send()

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["documentId"]
    assert world.consumer.nonce() == nonce_before


def test_every_recorded_case_is_replayed_or_named() -> None:
    groups = {case["group"] for case in CASES} - {case["group"] for case in SERVED}

    assert len(CASES) == 113
    assert len(REFUSED) == len(REFUSED_HERE)
    assert groups == NOT_SERVED
