"""Every refusal recorded on ocean-node 3.2.0, through a server that answers with it.

Where the client makes such a call, it is made through the public API; what is refused is one of our
errors, the right one, and what was accepted a value. The calls that this client does not make yet
(orders, documents, payments) go through the same transport.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ocean_lib import AlgorithmMetadata, ComputeJob, Config, FileInput, Ocean, Wallet
from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.node.answers import check_ok
from ocean_lib.backends.signing import MOST_USED_NONCES
from ocean_lib.checks import is_job_id
from ocean_lib.exceptions import OceanError, ResponseError
from ocean_lib.http import deadline
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.clock import Clock
from tests.fake_node import PREFIX, recorded
from tests.unit.backends.node.test_answers import EXPECTED
from tests.vectors import nodes
from tests.wire import Reply, Request, WireServer, answer, as_json

CASES = nodes.errors()
WALLET = Wallet(None, private_key=nodes.CONSUMER_KEY)
JOB = recorded("10", 71)
JOB_ID = f"{JOB['environment'].partition('-')[0]}-{JOB['jobId']}"
META = AlgorithmMetadata(
    {"rawcode": "1", "container": {"image": "a", "tag": "b", "entrypoint": "c $ALGO"}}
)
FILE = FileInput(url="http://files.example/table.csv")
OURS = {
    *(("POST", "freeCompute"), ("GET", "computeResult"), ("PUT", "compute")),
    *(("GET", "computeStreamableLogs"), ("POST", "fileInfo")),
}
IDS = [f"{number}: {case['case']}" for number, case in enumerate(CASES)]


def name_of(exchange: dict[str, Any]) -> tuple[str, str]:
    request = exchange["request"]
    return request["method"], request["path"].removeprefix(PREFIX).strip("/")


def recorded_reply(case: dict[str, Any], request: Request) -> Reply:
    """Answer as recorded; a job that was started is the one that was asked for now."""
    response, said = case["response"], (case["response"].get("body") or {}).get("json")
    if name_of(case) == ("POST", "freeCompute") and nodes.jobs_in(case):
        body = request.json()
        kept = {key: body[key] for key in ("environment", "metadata")}
        return as_json([copy.deepcopy(said[0]) | kept | {"owner": body["consumerAddress"]}])
    kind = response["headers"].get("Content-Type", "text/plain")
    return answer(response["status"], nodes.body_of(case), kind)


@contextmanager
def node(case: dict[str, Any]) -> Iterator[tuple[WireServer, OceanCompute]]:
    """Serve what a client asks for besides, and the recorded answer to the call of a case."""
    others = {
        ("GET", ""): nodes.load("00")[0],
        ("GET", "computeEnvironments"): nodes.load("05")[0],
        ("GET", "nonce"): nodes.load("01")[0],
    }

    def route(request: Request) -> Reply:
        name = request.method, request.path.removeprefix(PREFIX).strip("/")
        if name == name_of(case):
            return recorded_reply(case, request)
        if name == ("GET", "compute"):
            return as_json([JOB])
        return answer(200, nodes.body_of(others[name]))

    with WireServer(route) as server:
        config = Config(options_dict={"resources": {"provider.url": server.url}})
        yield server, Ocean(config).compute


def call(case: dict[str, Any], compute: OceanCompute, url: str) -> Any:
    """Make the call of a case."""
    method, name = name_of(case)
    if name == "freeCompute":
        return compute.submit([FILE], WALLET, algorithm_meta=META)
    job = compute.job("", JOB_ID, WALLET)
    if name == "computeResult":
        return job.open("image.log").read()
    if method == "PUT":
        return job.last_status if job.stop().is_finished else compute.stop("", JOB_ID, WALLET)
    if name == "computeStreamableLogs":
        with compute.client.follow(JobRef("", JOB_ID, WALLET.address), WALLET) as pieces:
            return b"".join(pieces)
    body = (case["request"].get("body") or {}).get("json")
    sent = HttpExchange().send(method, url, operation="ask", json_body=body)
    return check_ok(sent).body


def expected_of(index: int) -> str:
    """Return the error's name: a stop that is refused without words may be a stale nonce."""
    is_stop = name_of(CASES[index]) == ("PUT", "compute")
    return "SignatureRejected" if is_stop else EXPECTED[index]


@pytest.fixture(autouse=True)
def _waits_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock().rules(monkeypatch, deadline)


@pytest.mark.parametrize("index", sorted(EXPECTED), ids=[IDS[index] for index in sorted(EXPECTED)])
def test_a_recorded_refusal_is_the_right_error_and_is_not_repeated(
    index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[index]
    if name_of(case) == ("PUT", "compute"):
        monkeypatch.setitem(JOB, "dateFinished", None)  # what has ended is not stopped

    with node(case) as (server, compute), pytest.raises(OceanError) as caught:
        call(case, compute, f"{server.url}{case['request']['path']}")

    expected = expected_of(index)
    assert type(caught.value).__name__ == expected
    if isinstance(caught.value, ResponseError):
        assert caught.value.status_code == case["response"]["status"]
    asked = server.paths().count(f"{case['request']['method']} {case['request']['path']}")
    is_refused = expected == "SignatureRejected" and name_of(case) in OURS
    is_of_nonce = b"is not a valid nonce" in nodes.body_of(case)
    renewals = (MOST_USED_NONCES if is_of_nonce else 1) if is_refused else 0
    assert asked == 1 + renewals, "a refused signature is renewed; nothing else is repeated"


@pytest.mark.parametrize(
    "case", [case for index, case in enumerate(CASES) if index not in EXPECTED]
)
def test_what_was_accepted_is_a_value(case: dict[str, Any]) -> None:
    with node(case) as (server, compute):
        value = call(case, compute, f"{server.url}{case['request']['path']}")

    if isinstance(value, ComputeJob):
        assert is_job_id(value.job_id)
        assert value.last_status is not None
        assert value.environment == server.requests[-1].json()["environment"]
    else:
        assert value is not None


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("fileInfo url not reachable", ["input-unreachable"]),
        ("fileInfo empty", ["input-unreachable"]),
        ("fileInfo unknown did", ["input-unreachable"]),
        ("fileInfo by did", []),
    ],
)
def test_what_a_node_says_of_a_file_is_a_finding(name: str, codes: list[str]) -> None:
    case = nodes.case(name)

    with node(case) as (_, compute):
        found = compute.check([FILE], WALLET, algorithm_meta=META)

    assert found.codes == codes


def test_the_replay_is_of_all_cases() -> None:
    accepted = len([case for case in CASES if case["response"]["status"] < 300])

    assert (len(CASES), accepted + len(EXPECTED)) == (116, 116)
    assert sum(name_of(case) in OURS for case in CASES) > 60
