"""A job on an Ocean Node from its inputs to its files: a URL in the config, no chain, no order."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ocean_lib
from ocean_lib import (
    AlgorithmMetadata,
    ComputeInput,
    ComputeJob,
    Config,
    FileInput,
    JobState,
    Ocean,
    Wallet,
)
from ocean_lib.backends.backend import Listed
from ocean_lib.exceptions import (
    ConfigError,
    ImageNotFound,
    InvalidDid,
    InvalidInput,
    JobError,
    NotOffered,
    ProviderNotTrusted,
    StartUncertain,
    TransportError,
)
from ocean_lib.jobs import starting
from ocean_lib.jobs.client import SeenJobs
from ocean_lib.jobs.plan import Algorithm, JobPlan
from ocean_lib.jobs.starting import Attempt, Starts
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.fake_node import FakeNode, recorded
from tests.players import DID, ORDER, World
from tests.vectors import nodes
from tests.wire import answer, as_json

WALLET = Wallet(None, private_key=nodes.CONSUMER_KEY)
META = AlgorithmMetadata(
    {
        "rawcode": "print(1)",
        "language": "python",
        "container": {"image": "python", "tag": "3.11-slim", "entrypoint": "python3 $ALGO"},
    }
)
INPUTS = [FileInput(url="http://files.example/table.csv")]
FRAMES = next(
    nodes.body_of(one) for one in nodes.load("13") if (one.get("response") or {}).get("chunks")
)


def compute_at(node: FakeNode, **options: str) -> OceanCompute:
    return Ocean(Config(options_dict={"resources": {"provider.url": node.url, **options}})).compute


def submit(compute: OceanCompute, **more: Any) -> ComputeJob:
    return compute.submit(INPUTS, WALLET, algorithm_meta=META, **more)


def test_a_job_from_its_inputs_to_its_files(tmp_path: Path) -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        job = submit(
            compute,
            environment=compute.environments()[0].id,
            resources={"cpu": 1, "ram": 1, "disk": 1, "gpu": 0},
            max_duration=60,
            metadata={"note": "our run"},
            envs={"MODE": "fast"},
        )
        status = job.wait(poll_interval=0.01, progress=False)

        assert (status.state, status.succeeded) == (JobState.FINISHED, True)
        report = job.download(tmp_path, progress=False)
        assert sorted(path.name for path in report) == [
            *("algorithm.log", "configuration.log", "image.log", "result.json")
        ]
        assert not report.failures
        assert json.loads((tmp_path / "result.json").read_text())["total"] == 42
        assert (tmp_path / "algorithm.log").read_text().endswith("total 42\n")
        assert job.result_json()["total"] == 42
        assert job.open("result.json").read().startswith(b"{")
        assert job.logs() == "inputs ['algoCustomData.json', 'table.csv']\ntotal 42\n"
        assert job.logs(tail=1) == "total 42\n"
        with pytest.raises(JobError, match="result"):
            job.open("nothing.json")
        body = next(r.json() for r in node.server.requests if r.method == "POST")
        assert body["datasets"] == [
            {
                "fileObject": {
                    "type": "url",
                    "url": "http://files.example/table.csv",
                    "method": "GET",
                }
            }
        ]


def test_warm_calls_are_one_request_each(tmp_path: Path) -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        submit(compute)
        asked = []

        def counted(act: Any) -> Any:
            node.forget()
            value = act()
            asked.append(node.asked)
            return value

        job = counted(lambda: submit(compute))
        counted(job.status)
        counted(job.stop)
        counted(lambda: compute.stop(job.did, job.job_id, WALLET))
        node.jobs[job.job_id.rpartition("-")[2]].stop_requested = False
        job.wait(poll_interval=0.01, progress=False)
        counted(job.files)
        counted(lambda: job.open("image.log"))
        counted(lambda: job.download(tmp_path, progress=False))

    assert asked == [
        ["POST freeCompute"],
        ["GET compute"],
        ["PUT compute"],
        ["PUT compute"],
        [],
        ["GET computeResult"],
        ["GET computeResult"] * 4,
    ]


def test_a_job_is_taken_up_again_by_its_id() -> None:
    with FakeNode() as node:
        job = submit(compute_at(node))
        again = compute_at(node)
        kept = json.loads(json.dumps(job.to_dict()))

        for same in (
            ComputeJob.from_dict(kept, again, WALLET),
            again.job("", job.job_id, WALLET),
            again.jobs(WALLET)[0],
        ):
            assert same.job_id == job.job_id
            assert same.status().job_id == job.job_id
            assert "on ," not in repr(same)
        with pytest.raises(InvalidDid):
            again.job("", "abc", WALLET)
        with pytest.raises(InvalidInput, match="start with the cluster"):
            again.status("", job.job_id.rpartition("-")[2], WALLET)


def test_the_log_is_followed_from_its_first_line_to_its_last() -> None:
    with FakeNode(states=[recorded("10", 10), recorded("10", 40), recorded("10", 71)]) as node:
        node.log = FRAMES
        job = submit(compute_at(node))

        lines = "".join(job.logs(follow=True)).splitlines()

    assert lines[:4] == ["tick 0", "tick 1", "tick 2", "to stderr"]
    assert lines.count("tick 0") == 1
    assert "GET computeResult" not in node.asked


def test_the_log_of_a_job_that_was_too_fast_is_read_at_its_end() -> None:
    with FakeNode(states=[recorded("10", 10), recorded("10", 71)]) as node:
        job = submit(compute_at(node))

        assert "".join(job.logs(follow=True)).endswith("total 42\n")
        assert "GET computeStreamableLogs" not in node.asked


def test_a_stream_that_breaks_is_taken_up_without_telling_anything_twice() -> None:
    def broken(exchange: Any) -> None:
        piece = FRAMES[:100]
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        exchange.keep_alive = False

    states = [recorded("10", 40), recorded("10", 40), recorded("10", 71)]
    with FakeNode(states=states) as node:
        node.log = FRAMES
        node.faults["GET", "computeStreamableLogs"] = [broken]
        job = submit(compute_at(node))

        lines = "".join(job.logs(follow=True)).splitlines()

    assert node.asked.count("GET computeStreamableLogs") == 2
    assert lines[:3] == ["tick 0", "tick 1", "tick 2"]
    assert lines.count("tick 1") == 1


def test_following_is_for_the_whole_log() -> None:
    with FakeNode() as node, pytest.raises(InvalidInput, match="follow"):
        submit(compute_at(node)).logs(follow=True, tail=1)  # type: ignore[call-overload]


def test_a_stop_waits_for_the_end_if_asked_to() -> None:
    states = [recorded("10", 40), recorded("14", 40), recorded("14", 71)]
    with FakeNode(states=states) as node:
        job = submit(compute_at(node))

        status = job.stop(wait=True)

        assert status.state is JobState.STOPPED
        assert status.succeeded is False
        assert node.asked.count("PUT compute") == 1


@pytest.mark.parametrize("code", [42, 61, 62])
def test_a_failure_that_was_seen_is_not_forgotten_when_the_code_says_finished(code: int) -> None:
    failing = recorded("10", 40) | {"status": code}
    ended = recorded("10", 71) | {"status": 70}
    with FakeNode(states=[recorded("10", 40), failing, ended]) as node:
        job = submit(compute_at(node))
        seen: list[JobState] = []

        status = job.wait(
            poll_interval=0.01, progress=False, on_update=lambda s: seen.append(s.state)
        )

        assert seen == [JobState.RUNNING, JobState.RUNNING, JobState.FAILED]
        assert (status.state, status.succeeded, status.code) == (JobState.FAILED, False, 70)
        unaware = compute_at(node).job("", job.job_id, WALLET)
        assert unaware.status().succeeded, "who has not seen it cannot know"


def test_a_start_whose_answer_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "LOOK_PAUSES_S", (0.01, 0.01))
    with FakeNode() as node:
        compute = compute_at(node)
        others = [submit(compute) for _ in range(2)]
        node.faults["POST", "freeCompute"] = ["lost"]

        job = submit(compute)

        assert job.job_id not in [other.job_id for other in others]
        assert len(node.jobs) == 3
        assert job.status().job_id == job.job_id


def test_a_start_that_never_arrived_is_uncertain_and_says_how_to_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starting, "LOOK_PAUSES_S", (0.01, 0.01))

    def nothing(exchange: Any) -> None:
        exchange.keep_alive = False

    with FakeNode() as node:
        node.faults["POST", "freeCompute"] = [nothing]
        with pytest.raises(StartUncertain, match=r"compute\.jobs\(wallet\).*oceanCompute"):
            submit(compute_at(node))
        assert node.asked.count("POST freeCompute") == 1


def test_eight_lost_starts_at_once_find_each_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "LOOK_PAUSES_S", (0.01, 0.05))
    with FakeNode() as node:
        compute = compute_at(node)
        submit(compute)
        node.faults["POST", "freeCompute"] = ["lost"] * 4
        found: list[str] = []

        def one() -> None:
            found.append(submit(compute).job_id)

        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(set(found)) == 4


def test_200_jobs_are_awaited_with_one_request_a_round() -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        jobs = [submit(compute) for _ in range(200)]
        node.forget()

        statuses = compute.wait_all(jobs, poll_interval=0.01, progress=False)

        assert {status.state for status in statuses} == {JobState.FINISHED}
        assert node.asked == ["GET compute"] * 2


def test_a_token_is_used_and_made_worthless() -> None:
    with FakeNode() as node:
        compute = compute_at(node, auth_token="on")
        submit(compute)
        submit(compute)

        assert node.asked.count("POST auth/token") == 1
        assert compute.forget_auth_token(WALLET)
        assert node.tokens == {}
        assert not compute.forget_auth_token(WALLET)


def test_a_job_without_data_names_its_environment() -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        with pytest.raises(InvalidInput, match="at least one"):
            compute.submit([], WALLET, algorithm_meta=META)
        name = compute.environments()[0].id

        compute.submit([], WALLET, algorithm_meta=META, environment=name)

        assert node.server.requests[-1].json()["datasets"] == []


def test_a_wait_bears_a_node_that_is_asked_too_often() -> None:
    crowded = answer(403, nodes.body_of(nodes.load("91")[-1]), "text/plain")
    with FakeNode() as node:
        compute = compute_at(node, **{"timeout.total": "4"})
        job = submit(compute)
        node.faults["GET", "compute"] = [crowded, crowded]

        assert job.wait(poll_interval=0.01, progress=False).succeeded


def test_what_a_node_does_not_have_says_what_to_use() -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        job = submit(compute)
        for act in (job.delete, job.result):
            with pytest.raises(NotOffered):
                act()


LATER = ComputeInput("did:op:" + "ab" * 32, ORDER, "service")


@pytest.mark.parametrize(
    ("inputs", "more", "says"),
    [
        ([LATER], {}, "later generation"),
        ([ComputeInput(DID, ORDER, 4)], {}, "metadata cache is the Ocean Node"),
        ([*INPUTS, LATER], {}, "later generation"),
        (
            INPUTS,
            {
                "algorithm_did": DID,
                "algorithm_tx_id": ORDER,
                "algorithm_data_token": WALLET.address,
            },
            "no published assets",
        ),
        (INPUTS, {"job_id": "7a" * 16}, "stopped job"),
        (INPUTS, {"output": {"publishOutput": 1}}, "publishOutput"),
    ],
)
def test_what_is_not_offered_yet_is_told_before_anything_is_sent(
    inputs: Any, more: dict[str, Any], says: str
) -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        with pytest.raises(NotOffered, match=says) as caught:
            compute.submit(inputs, WALLET, algorithm_meta=META, **more)

        assert "Nothing was started" in str(caught.value)
        assert set(node.asked) <= {"GET /"}


@pytest.mark.parametrize("service", ["encrypt", "initialize", "download"])
def test_neither_publishing_nor_ordering_is_sent_to_a_node(service: str) -> None:
    with FakeNode() as node:
        ocean = Ocean({"resources": {"provider.url": node.url}})

        with pytest.raises(NotOffered, match="neither publishes nor orders"):
            getattr(ocean.data_provider, f"build_{service}_endpoint")(node.url)
        assert node.asked == ["GET /"]


def test_a_refusal_that_quotes_the_algorithm_does_not_show_its_variables() -> None:
    words = 'Unable to extract docker image null from algoritm: {"envs":{"KEY":"secret"}}'
    with FakeNode() as node:
        node.faults["POST", "freeCompute"] = [as_json(words, 500)]
        with pytest.raises(ImageNotFound, match="extract docker image null") as caught:
            submit(compute_at(node), envs={"KEY": "secret"})
    assert "secret" not in f"{caught.value} {caught.value.provider_text}"


def test_an_environment_that_costs_money_is_not_sent_to() -> None:
    with FakeNode() as node:
        del node.environments[0]["free"]
        compute = compute_at(node)
        name = compute.environments()[0].id

        with pytest.raises(NotOffered, match="costs money"):
            submit(compute, environment=name)
        assert "POST freeCompute" not in node.asked


def test_everything_works_without_a_chain_and_what_needs_one_says_so() -> None:
    with FakeNode() as node:
        ocean = Ocean({"resources": {"provider.url": node.url}})
        job = submit(ocean.compute)

        assert job.wait(poll_interval=0.01, progress=False).succeeded
        with pytest.raises(NotOffered, match="metadata cache is the Ocean Node"):
            ocean.assets.resolve(DID)
        for act in (lambda: ocean.web3, lambda: ocean.get_data_token(WALLET.address)):
            with pytest.raises(ConfigError, match="needs a chain, and no network is configured"):
                act()


def test_a_job_names_its_environment_and_keeps_its_generation() -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        job = submit(compute)
        kept = job.to_dict()

        assert job.environment == node.environments[0]["id"]
        assert kept["generation"] == job.generation == "node"
        again = ComputeJob.from_dict(kept, compute, WALLET)
        assert (again.generation, again.environment) == ("node", "")
        assert again.status().environment == again.environment == job.environment
        assert compute.jobs(WALLET)[0].to_dict() == kept
        older = {key: value for key, value in kept.items() if key != "generation"}
        unknown = ComputeJob.from_dict(older, compute, WALLET)
        assert unknown.generation == ""
        unknown.status()
        assert unknown.to_dict() == kept
        with pytest.raises(InvalidInput, match="'v9'; this version knows v3 and node"):
            ComputeJob.from_dict(kept | {"generation": "v9"}, compute, WALLET)


def test_a_stop_is_one_request_for_a_job_that_was_just_seen_and_none_after_its_end() -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        job, other = submit(compute), submit(compute)
        again = ComputeJob.from_dict(other.to_dict(), compute, WALLET)
        node.forget()

        job.stop()
        assert node.asked == ["PUT compute"], "its start has just been answered"
        other.status()
        node.forget()
        other.stop()
        assert node.asked == ["PUT compute"]
        other.wait(poll_interval=0.01, progress=False)
        node.forget()
        other.stop()
        assert node.asked == []
        again.stop()
        assert node.asked == ["GET compute"], "who has not seen it looks first: it has ended"


@pytest.mark.parametrize("key", ["owner", "environment", "metadata"])
def test_an_answer_that_names_another_starts_job_is_uncertain(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "LOOK_PAUSES_S", (0.01, 0.01))
    with FakeNode() as node:
        compute = compute_at(node)
        first = submit(compute)
        told = dict(node.jobs.popitem()[1].document()) | {key: {"oceanCompute": "0"}}
        node.faults["POST", "freeCompute"] = [as_json([told])]

        with pytest.raises(StartUncertain, match="oceanCompute") as caught:
            submit(compute)

    assert caught.value.candidates == (first.job_id,) or key == "environment"


def test_a_lost_start_is_looked_for_in_the_environment_it_was_sent_to() -> None:
    with FakeNode() as node:
        backend = compute_at(node).client.backends.configured()
        plan = JobPlan(tuple(INPUTS), Algorithm(meta=META), WALLET.address)
        node.faults["POST", "freeCompute"] = ["lost"]
        with pytest.raises(TransportError):
            backend.start(plan, WALLET, Attempt(plan, Starts(SeenJobs()), plan.marker))
        (job,) = backend.listed(WALLET.address).jobs
        elsewhere = replace(job, status=replace(job.status, environment="0x1-0x2"))
        candidates = backend.candidates(plan, lambda _: False)

        assert [one.job_id for one in candidates.among(Listed([job], time.time()), 1)] == [job.id]
        assert candidates.among(Listed([elsewhere], time.time()), 1) == []


def test_a_node_that_was_not_chosen_gets_no_signature() -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        submit(compute)
        compute._config.set("resources", "provider.url", "https://other.example")

        with pytest.raises(ProviderNotTrusted):
            compute.client.backends.at(node.url).stop(_ref(node), WALLET)


def _ref(node: FakeNode) -> Any:
    from ocean_lib.backends.backend import JobRef

    return JobRef("", f"{node.cluster}-{1:064x}", WALLET.address)


def test_a_v3_provider_refuses_what_only_nodes_have_and_files() -> None:
    with World() as world:
        compute = Ocean(world.config()).compute
        data = [ComputeInput(DID, ORDER, 4)]
        for extra in (
            {"environment": "x"},
            {"resources": {"cpu": 1}},
            {"max_duration": 1},
            {"metadata": {"a": 1}},
            {"envs": {"A": "b"}},
        ):
            with pytest.raises(NotOffered, match=next(iter(extra))):
                compute.submit(data, WALLET, algorithm_meta=META, **extra)
        with pytest.raises(InvalidInput, match="published data sets only"):
            compute.submit(INPUTS, WALLET, algorithm_meta=META)
        sent = [request for request in world.provider.server.requests if request.method == "POST"]
        assert not any("compute" in request.path for request in sent)


@pytest.mark.parametrize(
    "wrong",
    [
        {"resources": {"cpu": -1}},
        {"resources": {"cpu": "1"}},
        {"resources": {"": 1}},
        {"max_duration": 0},
        {"metadata": {1: 2}},
        {"envs": {"A": 1}},
        {"envs": {"A=B": "1"}},
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(wrong: Any) -> None:
    with FakeNode() as node:
        with pytest.raises((InvalidInput, TypeError)):
            submit(compute_at(node), **wrong)
        assert node.asked == []


def test_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "nodes.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    blocks = [block for block in blocks if "escrow" not in block]  # test_escrow.py runs that
    monkeypatch.chdir(tmp_path)
    with FakeNode() as node:
        known = vars(ocean_lib) | {name: getattr(ocean_lib, name) for name in ocean_lib.__all__}
        for block in blocks:
            exec(block, known | {"node_url": node.url, "wallet": WALLET})

    assert blocks
    assert (tmp_path / "results" / "result.json").exists()
