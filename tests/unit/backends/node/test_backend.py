"""A node behind the interface of every back end: what is asked, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from ocean_lib import FileInput, Wallet
from ocean_lib.backends.backend import JobRef, Listed
from ocean_lib.backends.discovery import Discovery
from ocean_lib.backends.node.backend import NodeBackend
from ocean_lib.backends.signing import Signatures
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    ConnectionBroken,
    DownloadError,
    EnvironmentUnavailable,
    EscrowNotReady,
    ImageNotFound,
    InvalidInput,
    JobError,
    JobNotFound,
    NotOffered,
    NotYourJob,
    ProviderFault,
    SignatureRejected,
    TooManyRequests,
)
from ocean_lib.http.deadline import time_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.jobs.outputs import JobFile, Source, read_file
from ocean_lib.jobs.plan import MARKER, Algorithm, JobPlan
from ocean_lib.jobs.view import Job, JobState
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from tests.fake_node import FakeNode, recorded
from tests.vectors import nodes
from tests.wire import answer, as_json

WALLET = Wallet(None, private_key=nodes.CONSUMER_KEY)
OTHER = Wallet(None, private_key="0x" + "7" * 64)
META = AlgorithmMetadata(
    {"rawcode": "print(1)", "container": {"image": "a", "tag": "b", "entrypoint": "c $ALGO"}}
)


class Attempt:
    """One start, as the client tells it."""

    def sending(self) -> Any:
        return nullcontext()

    def answered(self, job: Job) -> Job:
        return job


def no_asset(did: str) -> Any:
    raise AssertionError(f"{did} was looked up")


def plan(**fields: Any) -> JobPlan:
    files = (FileInput(url="http://files.example/a.csv"),)
    return JobPlan(files, Algorithm(meta=META), fields.pop("consumer", WALLET.address), **fields)


@contextmanager
def node(*, use_token: bool = False, **options: Any) -> Iterator[tuple[FakeNode, NodeBackend]]:
    with FakeNode(**options) as fake:
        http = HttpExchange()
        signatures = Signatures(use_token=use_token)
        config = Config(options_dict={"resources": {"provider.url": fake.url}})
        found = Discovery(http, 60)
        yield fake, NodeBackend(fake.url, http, found, signatures, config, no_asset)


def started(backend: NodeBackend, wallet: Wallet = WALLET, **fields: Any) -> JobRef:
    job = backend.start(plan(consumer=wallet.address, **fields), wallet, Attempt())
    return JobRef("", job.id, wallet.address)


def read(backend: NodeBackend, file: JobFile) -> bytes:
    return read_file(Source(HttpExchange(), lambda: backend.root), file, 1_000_000)


def test_the_first_start_asks_what_it_needs_and_a_warm_one_nothing() -> None:
    with node() as (fake, backend):
        started(backend)
        assert fake.asked == ["GET /", "GET computeEnvironments", "GET nonce", "POST freeCompute"]
        fake.forget()

        ref = started(backend)

        assert fake.asked == ["POST freeCompute"]
        assert ref.job_id.startswith(f"{fake.cluster}-")


def test_a_named_environment_is_looked_up_once_since_it_may_cost_money() -> None:
    with node() as (fake, backend):
        name = fake.environments[0]["id"]

        started(backend, environment=name)
        started(backend, environment=name)

        assert fake.asked.count("GET computeEnvironments") == 1
        assert fake.asked.count("POST freeCompute") == 2
        assert fake.server.requests[-1].json()["environment"] == name


def test_a_start_sends_what_was_planned() -> None:
    with node() as (fake, backend):
        started(
            backend,
            resources={"cpu": 1, "ram": 1},
            max_duration_s=60,
            metadata={"note": "x"},
            envs={"A": "b"},
        )

        body = fake.server.requests[-1].json()

    assert body["resources"] == [{"id": "cpu", "amount": 1}, {"id": "ram", "amount": 1}]
    assert body["maxJobDuration"] == 60
    assert body["algorithm"]["envs"] == {"A": "b"}
    assert body["metadata"].pop(MARKER)
    assert body["metadata"] == {"note": "x"}


def test_environments_that_changed_are_asked_for_anew() -> None:
    with node() as (fake, backend):
        started(backend)
        for one in fake.environments:
            one["id"] = one["id"][:-4] + "0000"
        fake.forget()

        started(backend)

        assert fake.asked == [
            "POST freeCompute",
            "GET computeEnvironments",
            "POST freeCompute",
        ]


def test_a_busy_environment_gets_no_second_start_if_there_is_no_other() -> None:
    busy = nodes.load("61")[0]["response"]
    with node() as (fake, backend):
        started(backend)
        fake.forget()
        fake.faults["POST", "freeCompute"] = [as_json(busy["body"]["json"], busy["status"])]

        with pytest.raises(EnvironmentUnavailable, match=r"available cpu\. .*later"):
            started(backend)

        assert fake.asked == ["POST freeCompute", "GET computeEnvironments"]


def test_what_does_not_fit_is_not_sent() -> None:
    with node() as (fake, backend), pytest.raises(EnvironmentUnavailable):
        started(backend, resources={"cpu": 64})
    assert not any("POST" in one for one in fake.asked)


def refused(index: int) -> None:
    """Start at a node that answers as in a case of errors.json."""
    case = nodes.errors()[index]["response"]
    with node() as (fake, backend):
        fake.faults["POST", "freeCompute"] = [as_json(case["body"]["json"], case["status"])]
        try:
            started(backend)
        finally:
            assert fake.asked.count("POST freeCompute") == 1
    raise AssertionError("it was started")


def test_a_refused_start_is_told_and_not_sent_again() -> None:
    with pytest.raises(ImageNotFound, match="python:latest for x86_64"):
        refused(75)
    with pytest.raises(EscrowNotReady, match="does not have enough funds"):
        refused(98)
    with pytest.raises(EnvironmentUnavailable, match="environments"):
        refused(20)


def test_a_nonce_that_moved_elsewhere_is_asked_for_once() -> None:
    with node() as (fake, backend):
        started(backend)
        fake.nonces[WALLET.address] += 5
        fake.forget()

        started(backend)

        assert fake.asked == ["POST freeCompute", "GET nonce", "POST freeCompute"]


def test_24_starts_of_8_threads_of_one_wallet_all_start() -> None:
    with node() as (fake, backend):
        started(backend)

        def three() -> None:
            for _ in range(3):
                started(backend)

        threads = [threading.Thread(target=three) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(fake.jobs) == 25
        assert fake.asked.count("GET nonce") == 1


def test_a_status_is_one_request_and_keeps_the_id() -> None:
    with node() as (fake, backend):
        ref = started(backend)
        fake.forget()

        job = backend.job(ref)

        assert fake.asked == ["GET compute"]
        assert job.id == ref.job_id
        assert job.status.state is JobState.RUNNING
        assert backend.job(ref).status.state is JobState.FINISHED


def test_a_job_of_another_node_or_wallet_is_not_found() -> None:
    with node() as (_, backend):
        ref = started(backend)
        elsewhere = "0x" + "1" * 64 + ref.job_id[66:]
        unknown = ref.job_id[:-4] + "ffff"
        for job_id, owner in (
            (elsewhere[:-1] + "f", ref.owner),
            (unknown, ref.owner),
            (ref.job_id, OTHER.address),
        ):
            with pytest.raises(JobNotFound):
                backend.job(JobRef("", job_id, owner))


def test_a_fault_of_the_node_is_not_taken_for_an_unknown_job() -> None:
    broken = answer(500, "Internal Server Error", "text/plain")
    with node() as (fake, backend):
        ref = started(backend)
        fake.faults["GET", "compute"] = [broken, broken]

        with pytest.raises(ProviderFault):
            backend.job(ref)


def test_results_are_named_and_read_by_index_with_a_nonce_each() -> None:
    with node() as (fake, backend):
        ref = started(backend)
        backend.job(ref)
        backend.job(ref)
        fake.forget()

        files = backend.outputs(ref, WALLET)
        contents = {file.name: read(backend, file) for file in files}

        assert [file.name for file in files] == [
            *("outputs.tar", "image.log", "configuration.log", "algorithm.log")
        ]
        assert fake.asked == ["GET computeResult"] * 4
        assert len({r.query["nonce"] for r in fake.server.requests}) == 4
    assert contents["outputs.tar"].startswith(b"outputs/")
    assert contents["algorithm.log"].endswith(b"total 42\n")
    assert b"\x00" not in contents["algorithm.log"]


def test_an_empty_answer_for_a_file_with_a_size_is_an_error() -> None:
    with node(files={}) as (_, backend):
        ref = started(backend)
        backend.job(ref)
        file = backend.outputs(ref, WALLET)[0]

        with pytest.raises(JobError, match="answer is empty"):
            read(backend, file)


def test_a_file_that_is_cut_short_is_an_error() -> None:
    with node(files={3: b"outputs/"}) as (_, backend):
        ref = started(backend)
        backend.job(ref)

        with pytest.raises(DownloadError, match="8 of its 2560 bytes"):
            read(backend, backend.outputs(ref, WALLET)[0])


def looked_at(number: str) -> list[dict[str, Any]]:
    """Return the states that the looks of a recording show, one after the other."""
    looks = [one for one in nodes.load(number) if one["request"]["method"] == "GET"]
    return [job for one in looks for job in nodes.jobs_in(one)]


def test_the_log_that_is_listed_after_the_end_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ocean_lib.backends.node.backend.LOG_PAUSES_S", (0.0,))
    publishing, without_log, with_log = looked_at("62")
    with node(states=[publishing, without_log, without_log, with_log]) as (fake, backend):
        ref = started(backend)
        backend.job(ref)
        assert backend.job(ref).status.is_finished
        fake.forget()

        files = backend.outputs(ref, WALLET)

        assert {file.name: file.index for file in files} == {
            "outputs.tar": 3,
            "image.log": 0,
            "configuration.log": 1,
            "algorithm.log": 2,
        }
        assert fake.asked == ["GET compute"] * 2
        backend.outputs(ref, WALLET)
        assert fake.asked == ["GET compute"] * 2


def test_a_log_that_never_comes_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocean_lib.backends.node.backend.LOG_PAUSES_S", (0.0, 0.0))
    with node(states=[looked_at("62")[1]]) as (fake, backend):
        ref = started(backend)
        fake.forget()

        found = [backend.outputs(ref, WALLET) for _ in range(2)]

        assert [[file.name for file in files] for files in found] == [
            ["outputs.tar", "image.log", "configuration.log"]
        ] * 2
        assert fake.asked == ["GET compute"] * 3


def test_an_archive_that_the_node_still_writes_is_left_out() -> None:
    publishing, without_log, _ = looked_at("62")
    with node(states=[publishing | {"results": without_log["results"]}]) as (_, backend):
        files = backend.outputs(started(backend), WALLET)

    assert [file.name for file in files] == ["image.log", "configuration.log"]


def test_a_file_whose_size_is_not_told_may_be_empty() -> None:
    ended = recorded("10", 71)
    for listed in ended["results"]:
        listed.pop("filesize")
    with node(states=[ended], files={}) as (_, backend):
        ref = started(backend)
        backend.job(ref)

        assert read(backend, backend.outputs(ref, WALLET)[1]) == b""


def test_somebody_elses_results_are_refused_as_such() -> None:
    with node() as (_, backend):
        ref = started(backend)
        backend.job(ref)
        backend.job(ref)
        files = backend.outputs(JobRef("", ref.job_id, OTHER.address), OTHER)

        with pytest.raises(NotYourJob, match="another wallet"):
            read(backend, files[0])


def test_a_stop_shows_the_job_with_its_request() -> None:
    with node() as (fake, backend):
        ref = started(backend)
        fake.forget()

        job = backend.stop(ref, WALLET)

        assert fake.asked == ["PUT compute"]
        assert job.status.stop_requested
        with pytest.raises(JobNotFound):
            backend.stop(JobRef("", ref.job_id[:-3] + "fff", ref.owner), WALLET)


def test_a_stop_after_the_nonce_moved_is_made_once_more() -> None:
    with node() as (fake, backend):
        ref = started(backend)
        fake.nonces[WALLET.address] += 5

        assert backend.stop(ref, WALLET).status.stop_requested
        assert fake.asked[-3:] == ["PUT compute", "GET nonce", "PUT compute"]


def test_a_stop_in_the_queue_says_what_will_come_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queued = recorded("10", 40) | {"status": 1, "statusText": "Job queued"}
    with node(states=[queued]) as (_, backend):
        backend.stop(started(backend), WALLET)

    assert "runs it all the same" in caplog.text


def test_all_jobs_that_run_are_stopped_one_by_one() -> None:
    with node(states=[recorded("10", 40)]) as (fake, backend):
        for _ in range(2):
            started(backend)

        stopped = backend.stop_all("", WALLET.address, WALLET)

        assert len(stopped) == 2
        assert all(job.stop_requested for job in fake.jobs.values())


def test_what_a_node_does_not_have_is_told_without_asking() -> None:
    with node() as (fake, backend):
        ref = started(backend)
        fake.forget()
        with pytest.raises(NotOffered, match="deletes no jobs"):
            backend.delete(ref, WALLET)
        with pytest.raises(NotOffered, match="no URLs"):
            backend.result(ref, WALLET)
        with pytest.raises(NotOffered, match="go on with"):
            started(backend, resumed_job_id="abc")
        assert fake.asked == []


def test_the_log_of_a_running_job_is_followed() -> None:
    framed = next(
        nodes.body_of(one) for one in nodes.load("13") if (one.get("response") or {}).get("chunks")
    )
    with node(log=framed) as (_, backend):
        ref = started(backend)
        with pytest.raises(JobNotFound, match="does not run yet"), backend.follow(ref, WALLET):
            pass
        backend.job(ref)
        with backend.follow(ref, WALLET) as pieces:
            text = b"".join(pieces).decode()
        backend.job(ref)

        with pytest.raises(JobNotFound), backend.follow(ref, WALLET):
            pass
    assert text.splitlines()[:4] == ["tick 0", "tick 1", "tick 2", "to stderr"]


def test_a_token_stands_for_signatures_and_goes_without_bearer() -> None:
    with node(use_token=True) as (fake, backend):
        ref = started(backend)
        backend.stop(ref, WALLET)

        used = [r.headers.get("authorization") for r in fake.server.requests]
        assert used[-2:] == ["token-1", "token-1"]
        assert fake.asked.count("POST auth/token") == 1
        assert "nonce" not in fake.server.requests[-1].query
        assert fake.server.requests[3].json()["validUntil"] > 1e12


def test_a_token_that_the_node_forgot_is_made_anew() -> None:
    with node(use_token=True) as (fake, backend):
        started(backend)
        fake.tokens.clear()

        started(backend)

        assert fake.asked.count("POST auth/token") == 2


def test_a_token_is_invalidated_and_not_used_again() -> None:
    with node(use_token=True) as (fake, backend):
        started(backend)

        assert backend.forget_token(WALLET.address, WALLET)
        assert fake.tokens == {}
        assert not backend.forget_token(WALLET.address, WALLET)
        started(backend)
        assert len(fake.tokens) == 1


def test_a_start_that_is_too_often_is_sent_again_when_it_may_be() -> None:
    with node() as (fake, backend):
        started(backend)
        fake.forget()
        fake.limit = 0

        started(backend)

        assert fake.asked == ["POST freeCompute", "POST freeCompute"]
        assert len(fake.jobs) == 2


def test_a_crowded_node_is_told_apart_from_a_closed_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowded = answer(403, nodes.body_of(nodes.load("91")[-1]), "text/plain")
    with node() as (fake, backend):
        ref = started(backend)
        fake.faults["GET", "compute"] = [crowded] * 9
        with time_limit(3.5), pytest.raises(TooManyRequests, match="active connections"):
            backend.job(ref)


def test_a_lost_start_is_found_by_its_mark_alone() -> None:
    lost = plan(environment="")
    with node() as (fake, backend):
        started(backend)
        fake.faults["POST", "freeCompute"] = ["lost"]
        with pytest.raises(ConnectionBroken):
            backend.start(lost, WALLET, Attempt())
        started(backend)
        listed = backend.listed(WALLET.address)

        found = backend.candidates(lost, lambda _: False).among(listed, 1.0)

        assert len(listed.jobs) == 3
        (candidate,) = found
        assert candidate.is_new
        assert candidate.job_id.endswith(sorted(fake.jobs)[1])
        assert backend.candidates(lost, lambda _: True).among(listed, 1.0) == []
        late = Listed(listed.jobs, listed.clock_s + 3600)
        assert backend.candidates(lost, lambda _: False).among(late, 1.0) == []


def test_a_signer_that_lies_is_refused() -> None:
    class Liar:
        address = WALLET.address

        def sign_message(self, message: Any) -> Any:
            return OTHER.sign_message(message)

    with node() as (fake, backend):
        with pytest.raises(SignatureRejected):
            backend.start(plan(), Liar(), Attempt())
        assert fake.asked.count("POST freeCompute") == 2


def test_a_nonce_of_the_users_own_is_signed_as_it_is() -> None:
    with node() as (fake, backend):
        started(backend, nonce=77)

        assert fake.nonces[WALLET.address] == 77
        assert "GET nonce" not in fake.asked


def test_input_that_is_no_json_is_refused_before_it_is_sent() -> None:
    with node() as (fake, backend):
        with pytest.raises(InvalidInput):
            started(backend, metadata={"a": {1, 2}})
        assert "POST freeCompute" not in fake.asked
