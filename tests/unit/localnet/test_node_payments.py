"""The network's node and money: what it locks, claims, gives back, and finds again after a kill."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.localnet.dialects.node.contract_calls import read
from ocean_lib.localnet.dialects.node.escrow import CannotLock, Claim, lock_id
from ocean_lib.localnet.dialects.node.node_key import NodeKey
from ocean_lib.localnet.dialects.node.payments import CannotPay, Payment, Payments, cost_of
from ocean_lib.localnet.jobs.records import AlgorithmSource, JobRequest
from ocean_lib.localnet.jobs.store import JobStore
from tests.unit.localnet.node_replay import Node, node
from tests.unit.localnet.node_world import (
    NODE_KEY,
    PUBLISHER,
    PUBLISHER_KEY,
    TOKEN,
    WEI,
    Builder,
    fill_escrow,
    world,
)
from tests.vectors import nodes

JOB = "ab" * 32


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path) as started:
        fill_escrow(started.chain, world().contracts, NodeKey(NODE_KEY))
        yield started


def request_of(running: Node) -> JobRequest:
    """A job of the recorded consumer that ends at once: there is no entry point."""
    environment = running.json("GET", "/api/services/computeEnvironments")[0]["id"]
    return JobRequest(
        owner=nodes.CONSUMER,
        agreement_id="",
        inputs=(),
        algorithm=AlgorithmSource("", "", "print(1)", "", "python:3"),
        wall_s=60,
        allow_network=False,
        private={"envs": {}, "custom_data": {}},
        details={
            "environment": environment,
            "resources": [{"id": "cpu", "amount": 1}],
            "maxJobDuration": 60,
            "isPaid": True,
        },
    )


def payments_of(running: Node) -> Payments:
    """The node's payments as the next start reads them."""
    return Payments(running.database, running.escrow, JobStore(running.database), chain_id=8996)


def payment(seconds: int = 3660, payer: str = nodes.CONSUMER) -> Payment:
    return Payment(payer, TOKEN, WEI, seconds)


def funds(running: Node) -> tuple[int, int]:
    signature = "getUserFunds(address,address)", "(uint256,uint256)"
    (found,) = read(running.chain, running.escrow.address, *signature, nodes.CONSUMER, TOKEN)
    return (found[0] // WEI, found[1] // WEI)


def test_a_lock_whose_job_was_cut_off_becomes_a_job_at_the_next_start(running: Node) -> None:
    payments_of(running).lock(JOB, request_of(running), payment())
    with running.database.transaction() as connection:  # the kill came before this was noted
        connection.execute("UPDATE locks SET lock_tx = NULL")
    before = JobStore(running.database).select(nodes.CONSUMER)

    (made,) = payments_of(running).recover()

    assert before == []
    assert made.job_id == JOB
    assert made.request.algorithm.raw_code == "print(1)"
    paid = payments_of(running).documents([JOB])[JOB]
    assert paid["lockTx"] == running.escrow.transactions()[lock_id(JOB)]
    assert payments_of(running).recover() == []
    assert funds(running) == (99, 1)


def test_a_claim_pass_looks_only_at_jobs_whose_lock_was_there_before(running: Node) -> None:
    """Seen under load: a lock made while a pass went on was taken for one that had gone."""
    payments = payments_of(running)
    payments.lock(JOB, request_of(running), payment())

    while_starting = payments.open()
    payments.create(JOB, request_of(running))

    assert while_starting == {}
    assert payments.open() == {lock_id(JOB): JOB}


def test_a_lock_that_never_came_onto_the_chain_becomes_no_job(running: Node) -> None:
    stranger = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
    with pytest.raises(CannotPay):
        payments_of(running).lock(JOB, request_of(running), payment(payer=stranger))

    assert payments_of(running).recover() == []
    assert payments_of(running).documents([JOB]) == {}
    assert JobStore(running.database).select(nodes.CONSUMER) == []
    assert running.escrow.locks() == {}
    running.settle()
    assert funds(running) == (100, 0)


def test_a_note_whose_transaction_was_never_sent_makes_no_job_and_goes_when_its_time_is_over(
    running: Node,
) -> None:
    def noted(expires: float) -> list[Any]:
        with running.database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO locks (job_id, payer, token, amount, expires, request) "
                "VALUES (?, ?, ?, '1', ?, ?)",
                (JOB, nodes.CONSUMER, TOKEN, expires, request_of(running).to_json()),
            )
        made = payments_of(running).recover()
        return [made, len(payments_of(running).documents([JOB]))]

    assert noted(time.time() + 60) == [[], 1]
    assert noted(time.time() - 1) == [[], 0]


def ended_job(running: Node, number: str = JOB) -> dict[str, Any]:
    payments = payments_of(running)
    payments.lock(number, request_of(running), payment())
    running.engine.enqueue(payments.create(number, request_of(running)))
    running.come_to({"status": 22, "dateFinished": "1"}, number)
    return running.job(number)


def test_a_job_that_never_ran_pays_nothing_and_its_money_comes_back_when_it_expires(
    running: Node,
) -> None:
    payments = payments_of(running)
    payments.lock(JOB, request_of(running), payment(seconds=1))
    running.engine.enqueue(payments.create(JOB, request_of(running)))
    running.come_to({"status": 22, "dateFinished": "1"}, JOB)
    running.settle()
    held = funds(running)
    deadline = time.monotonic() + 60
    while funds(running) != (100, 0) and time.monotonic() < deadline:
        running.settle()
        time.sleep(0.2)
    job = running.job(JOB)

    assert held == (99, 1)
    assert funds(running) == (100, 0)
    assert (job["status"], job["payment"]["claimTx"]) == (22, None)
    assert job["payment"]["cancelTx"].startswith("0x")


def test_a_claim_that_was_cut_off_before_it_was_noted_is_found_on_the_chain(running: Node) -> None:
    job = ended_job(running)
    (lock,) = running.escrow.locks().values()
    ((_, transaction),) = running.escrow.claim([Claim(lock, WEI, "proof")])

    running.settle()

    assert job["payment"]["claimTx"] is None
    told = running.job(JOB)["payment"]
    assert (told["claimTx"], told["cost"], told["cancelTx"]) == (transaction, 1, None)


@pytest.mark.parametrize(
    ("amount", "seconds", "text"),
    [
        (101, 60, f"User {nodes.CONSUMER} does not have enough funds"),
        (51, 60, "No valid escrow auths found(will go over limit)"),
        (1, 7321, "No valid escrow auths found(maxLockSeconds too low)"),
    ],
)
def test_what_the_escrow_does_not_allow_is_refused_in_the_nodes_words(
    running: Node, amount: int, seconds: int, text: str
) -> None:
    with pytest.raises(CannotLock) as refused:
        running.escrow.check(nodes.CONSUMER, TOKEN, amount * WEI, seconds)
    assert str(refused.value) == text
    running.escrow.check(nodes.CONSUMER, TOKEN, 50 * WEI, 7320)


def test_without_an_authorisation_nothing_is_locked(running: Node) -> None:
    builder, escrow = Builder(running.chain, world().contracts), running.escrow
    builder.send(PUBLISHER_KEY, TOKEN, "approve(address,uint256)", escrow.address, WEI)
    builder.send(PUBLISHER_KEY, escrow.address, "deposit(address,uint256)", TOKEN, WEI)

    with pytest.raises(CannotLock, match=r"^No escrow auths found for: chain=8996, token=0x"):
        escrow.check(PUBLISHER, TOKEN, WEI, 60)


@pytest.mark.parametrize(
    ("amounts", "seconds", "cost"),
    [
        ({"cpu": 1}, 60, "1"),
        ({"cpu": 1}, 61, "2"),
        ({"cpu": 2, "ram": 4}, 120, "4"),
        ({"cpu": 1, "disk": 3}, 3600, "105"),
        ({"ram": 9}, 60, "0"),
    ],
)
def test_a_cost_is_price_times_amount_times_minutes_begun(
    amounts: dict[str, int], seconds: float, cost: str
) -> None:
    resources = [{"id": name, "amount": amount} for name, amount in amounts.items()]
    prices = [{"id": "cpu", "price": 1}, {"id": "disk", "price": 0.25}]

    assert cost_of(resources, prices, seconds) == Decimal(cost)
