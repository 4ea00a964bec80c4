"""Waiting for jobs of a node: one request a round for each wallet, within the node's limit."""

from __future__ import annotations

from collections import Counter

import pytest

from ocean_lib import AlgorithmMetadata, ComputeJob, Config, FileInput, JobState, Ocean, Wallet
from ocean_lib.backends import signing
from ocean_lib.backends.node import pace
from ocean_lib.exceptions import SignatureRejected
from ocean_lib.http import deadline
from ocean_lib.jobs import waiting
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.clock import Clock
from tests.fake_node import FakeNode, recorded
from tests.vectors import nodes
from tests.wire import Reply, Request, answer

META = AlgorithmMetadata(
    {"rawcode": "1", "container": {"image": "a", "tag": "b", "entrypoint": "c $ALGO"}}
)
WALLETS = [Wallet(None, private_key=f"0x{number:064x}") for number in (7, 8, 9)]
MINUTE_S = 60.0


class StrictNode(FakeNode):
    """A node that answers 30 requests in any minute of this clock, as its defaults say."""

    def on(self, clock: Clock) -> StrictNode:
        self.clock, self.moments, self.refused = clock, list[float](), 0
        return self

    def route(self, request: Request) -> Reply:
        now = self.clock.now
        recent = [moment for moment in self.moments if now - moment < MINUTE_S]
        if len(recent) >= 30:
            self.refused += 1
            wait_s = int(MINUTE_S - (now - recent[0])) + 1
            words = f"Rate limit exceeded. Try again in {wait_s} seconds."
            return answer(429, words, "text/plain")
        self.moments.append(now)
        return super().route(request)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().rules(monkeypatch, pace, deadline, waiting)


def compute_at(node: FakeNode) -> OceanCompute:
    return Ocean(Config(options_dict={"resources": {"provider.url": node.url}})).compute


def submitted(compute: OceanCompute, wallet: Wallet) -> ComputeJob:
    file = FileInput(url="http://files.example/a.csv")
    return compute.submit([file], wallet, algorithm_meta=META)


def test_200_jobs_of_one_wallet_are_one_request_a_round_within_the_limit(clock: Clock) -> None:
    states = [recorded("10", 40)] * 20 + [recorded("10", 71)]
    with FakeNode(states=states) as plain:
        compute = compute_at(plain)
        jobs = [submitted(compute, WALLETS[0]) for _ in range(200)]
        plain.forget()
        polls: list[float] = []
        route = plain.server.route

        def counted(request: Request) -> Reply:
            polls.append(clock.now)
            return route(request)

        plain.server.route = counted
        statuses = compute.wait_all(jobs, poll_interval=0.01, progress=False)

    assert {status.state for status in statuses} == {JobState.FINISHED}
    assert plain.asked == ["GET compute"] * 21
    minutes = Counter(sum(first <= each < first + MINUTE_S for each in polls) for first in polls)
    assert max(minutes) <= 15


def test_the_jobs_of_three_wallets_are_three_requests_a_round() -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        jobs = [submitted(compute, wallet) for wallet in WALLETS for _ in range(5)]
        node.forget()

        compute.wait_all(jobs, poll_interval=0.01, progress=False)

        owners = Counter(request.query["consumerAddress"] for request in node.server.requests)
        assert owners == {wallet.address: 2 for wallet in WALLETS}
        assert not any("jobId" in request.query for request in node.server.requests)


def test_a_job_from_start_to_end_at_a_node_with_its_default_limit_is_never_refused(
    clock: Clock,
) -> None:
    states = [recorded("10", 40)] * 30 + [recorded("10", 71)]
    with StrictNode(states=states).on(clock) as node:
        compute = compute_at(node)
        job = submitted(compute, WALLETS[0])

        assert job.wait(poll_interval=0.5, progress=False).succeeded
        assert node.refused == 0


def test_starts_beyond_the_limit_wait_for_their_turn_and_each_starts_once(clock: Clock) -> None:
    config = {"resources": {"timeout.total": "200"}}
    with StrictNode().on(clock) as node:
        config["resources"]["provider.url"] = node.url
        compute = Ocean(Config(options_dict=config)).compute

        jobs = [submitted(compute, WALLETS[0]) for _ in range(70)]

        assert len({job.job_id for job in jobs}) == len(node.jobs) == 70
        assert 0 < node.refused <= 3, "it waits as long as it is told to"
        assert node.asked.count("GET nonce") == 1


def test_a_lost_start_is_looked_for_even_when_all_polls_of_the_minute_are_used(
    clock: Clock,
) -> None:
    with FakeNode() as node:
        compute = compute_at(node)
        for _ in range(15):
            compute.jobs(WALLETS[0])
            submitted(compute, WALLETS[0])
        before = clock.now
        node.faults["POST", "freeCompute"] = ["lost"]
        node.faults["GET", "compute"] = [answer(502, "", "text/html")] * 3

        job = submitted(compute, WALLETS[0])

        assert job.job_id.endswith(sorted(node.jobs)[-1])
        assert clock.now - before < 5


@pytest.mark.parametrize("number", ["90", "91"])
def test_a_busy_node_is_waited_for_at_the_first_call_too(clock: Clock, number: str) -> None:
    refusal = nodes.load(number)[-1]["response"]
    busy = answer(refusal["status"], nodes.body_of(nodes.load(number)[-1]), "text/plain")
    with FakeNode() as node:
        config = {"resources": {"provider.url": node.url, "timeout.total": "400"}}
        compute = Ocean(Config(options_dict=config)).compute
        for name in ("", "computeEnvironments", "nonce"):
            node.faults["GET", name] = [busy]
        node.faults["POST", "freeCompute"] = [busy, busy]

        submitted(compute, WALLETS[0])

        assert len(node.jobs) == 1
        assert clock.now - clock.began >= 5 * 20


def test_a_stop_that_the_node_forgot_is_asked_for_again(clock: Clock) -> None:
    looks = [one for one in nodes.load("60") if one["request"]["method"] == "GET"]
    states = [job for one in looks for job in nodes.jobs_in(one)]
    with FakeNode(states=states, forgets_stops=True) as node:
        job = submitted(compute_at(node), WALLETS[0])
        job.status()

        status = job.stop(wait=True)

        assert [one for one in node.asked if one.endswith(" compute")] == [
            f"{one['request']['method']} compute" for one in nodes.load("60")
        ]
        assert status.state is JobState.STOPPED


def test_a_nonce_that_other_programs_keep_taking_is_renewed_until_one_is_free(clock: Clock) -> None:
    with FakeNode(rivals=signing.MOST_USED_NONCES) as node:
        submitted(compute_at(node), WALLETS[0])

        assert len(node.jobs) == 1
        assert node.asked.count("POST freeCompute") == signing.MOST_USED_NONCES + 1


def test_a_nonce_that_is_always_taken_is_told_and_nothing_is_started(clock: Clock) -> None:
    with FakeNode(rivals=1000) as node:
        with pytest.raises(SignatureRejected) as caught:
            submitted(compute_at(node), WALLETS[0])

        assert caught.value.is_of_used_nonce
        assert node.jobs == {}
        assert node.asked.count("POST freeCompute") == signing.MOST_USED_NONCES + 1
