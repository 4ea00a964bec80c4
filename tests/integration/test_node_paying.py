"""Paid jobs at a node: what they cost, paying for what is missing, and starting them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from ocean_lib import ComputeInput, FileInput, Ocean
from ocean_lib.cli import main
from ocean_lib.cli.embedded import keep_config
from ocean_lib.exceptions import (
    ConfigError,
    CostAboveLimit,
    EnvironmentUnavailable,
    EscrowNotReady,
    ImageNotFound,
    InsufficientBalance,
    InvalidInput,
    MalformedResponse,
    OrderNotValid,
    WorkflowRefused,
)
from ocean_lib.localnet.dialects.node.options import NodeEnvironment
from ocean_lib.localnet.faults import MissingImage
from ocean_lib.web3_internal.wallet import Wallet
from tests.integration.node_shop import ONE, SUM, Published, Shop, open_shop, raw_code

RATE = Decimal("2.002")
"""What a datatoken costs at the exchange for 2 tokens: 0.1 % goes to the community."""
NOT_ORDERED = "0x" + "0" * 64


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    environments = (NodeEnvironment(), NodeEnvironment(prices={"cpu": 2}, addresses=()))
    with open_shop(environments=environments) as opened:
        yield opened


@pytest.fixture(scope="module")
def ocean(shop: Shop) -> Ocean:
    return shop.ocean()


@pytest.fixture(scope="module")
def data(shop: Shop) -> Published:
    return shop.dataset(source="WithDispenser")


@pytest.fixture(scope="module")
def algorithm(shop: Shop) -> Published:
    return shop.algorithm(source="WithFixedRate", rate=2 * ONE)


@pytest.fixture
def job(shop: Shop, data: Published, algorithm: Published) -> dict[str, Any]:
    """Return what `quote` and `submit` take beside the wallet."""
    return {
        "input_datasets": [data.did],
        "algorithm_did": algorithm.did,
        "environment": shop.paid_environment(),
        "max_duration": 60,
    }


def sent(shop: Shop, wallet: Wallet) -> int:
    return int(shop.web3.eth.get_transaction_count(wallet.address))


def finished(job: Any) -> Any:
    job.wait(timeout=60, progress=False)
    return job.result_json()


class Killed(BaseException):
    """The process ends here."""


class Cut:
    """A wallet whose process is killed before it signs its n-th transaction."""

    def __init__(self, wallet: Wallet, before: int) -> None:
        self._wallet, self._left = wallet, before
        self.address, self.web3 = wallet.address, wallet.web3

    def sign_message(self, message: Any) -> Any:
        return self._wallet.sign_message(message)

    def sign_tx(self, tx: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Killed
        return self._wallet.sign_tx(tx)


def test_a_quote_says_what_is_missing_and_sends_nothing(
    shop: Shop, ocean: Ocean, job: dict[str, Any], data: Published, algorithm: Published
) -> None:
    wallet = shop.buyer()

    quote = ocean.compute.quote(consumer_wallet=wallet, **job)

    assert sent(shop, wallet) == 0
    assert quote.cost == quote.to_send == {shop.token: 1 + RATE}
    assert quote.balances == {shop.token: 1000}
    assert (quote.missing, quote.is_ready, quote.has_gas) == ({}, False, True)
    of_data, of_algorithm = quote.orders
    assert (of_data.did, of_data.source and of_data.source.kind) == (data.did, "dispenser")
    assert of_algorithm.is_algorithm
    assert of_algorithm.source is not None
    assert of_algorithm.source.price == RATE
    price = quote.compute
    assert price is not None
    assert (price.amount, price.duration_s, price.lock_s) == (1, 60, 3660)
    assert price.to_deposit == 1
    assert price.lacks == {"amount": 1, "lock_seconds": 3660, "lock_count": 1}
    told = json.loads(json.dumps(quote.to_dict()))
    assert told["compute"]["lacks"] == {"amount": "1", "lock_seconds": 3660, "lock_count": 1}
    assert told["orders"][1]["source"]["price"] == "2.002"
    for text in (repr(quote), quote._repr_html_().replace("<wbr>", "")):
        assert "1 at most for computing" in text
        assert price.escrow in text


def test_paying_sends_what_is_missing_and_twice_sends_nothing_more(
    shop: Shop, ocean: Ocean, job: dict[str, Any]
) -> None:
    wallet = shop.buyer()
    quote = ocean.compute.quote(consumer_wallet=wallet, **job)

    orders = quote.pay(wallet)

    # dispense, order; approve, buy, order; approve, deposit, authorize
    assert sent(shop, wallet) == 8
    assert all(order.is_paid for order in orders)
    again = ocean.compute.quote(consumer_wallet=wallet, **job)
    assert (again.is_ready, again.to_send, again.to_pay) == (True, {}, [])
    assert again.cost == {shop.token: 1}, "the job itself costs that, wherever it lies"
    assert again.balances == {shop.token: 1000 - 1 - RATE}
    assert again.pay(wallet) == quote.pay(wallet) == orders
    assert sent(shop, wallet) == 8


@pytest.mark.parametrize("before", [1, 2, 4, 5, 6, 7])
def test_after_a_crash_the_same_call_goes_on_and_pays_nothing_twice(
    shop: Shop, ocean: Ocean, job: dict[str, Any], before: int
) -> None:
    wallet = shop.buyer()
    quote = ocean.compute.quote(consumer_wallet=wallet, **job)
    with pytest.raises(Killed):
        quote.pay(Cut(wallet, before))
    assert sent(shop, wallet) == before

    shop.ocean().compute.quote(consumer_wallet=wallet, **job).pay(wallet)

    assert sent(shop, wallet) == 8
    now = ocean.compute.quote(consumer_wallet=wallet, **job)
    assert now.is_ready
    assert now.balances == {shop.token: 1000 - 1 - RATE}


def test_two_threads_pay_once(shop: Shop, ocean: Ocean, job: dict[str, Any]) -> None:
    wallet = shop.buyer()
    quote = ocean.compute.quote(consumer_wallet=wallet, **job)
    threads = [threading.Thread(target=quote.pay, args=(wallet,)) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sent(shop, wallet) == 8


def test_the_paid_job_runs_with_what_pay_returned(
    shop: Shop, ocean: Ocean, job: dict[str, Any]
) -> None:
    wallet = shop.buyer()
    orders = ocean.compute.quote(consumer_wallet=wallet, **job).pay(wallet)

    started = ocean.compute.submit(
        orders.inputs,
        wallet,
        **orders.algorithm,
        environment=job["environment"],
        max_duration=60,
    )

    assert finished(started) == {"sum": 10}
    shown = started._client.job(started._ref).raw
    assert shown["isFree"] is False
    assert shown["payment"]["token"] == shop.token


def test_submit_pays_and_starts_and_a_second_job_pays_only_itself(
    shop: Shop, ocean: Ocean, job: dict[str, Any]
) -> None:
    wallet = shop.buyer()

    first = ocean.compute.submit(
        consumer_wallet=wallet, pay=True, max_cost={shop.token: 1 + RATE}, **job
    )
    second = ocean.compute.submit(
        consumer_wallet=wallet, pay=True, max_cost={shop.token: "1"}, **job
    )

    assert finished(first) == finished(second) == {"sum": 10}
    assert first.job_id != second.job_id


def test_threads_of_one_wallet_that_pay_and_start_are_all_served(shop: Shop, ocean: Ocean) -> None:
    wallet = shop.buyer()
    asked: dict[str, Any] = {
        "algorithm_meta": raw_code("print(1)"),
        "environment": shop.paid_environment(),
        "max_duration": 60,
        "pay": True,
        "max_cost": {shop.token: 1},
    }

    with ThreadPoolExecutor(2) as threads:
        started = [threads.submit(ocean.compute.submit, [], wallet, **asked) for _ in range(2)]
        jobs = [each.result() for each in started]

    assert len({job.job_id for job in jobs}) == 2


@pytest.mark.parametrize("most", ["0", "3.001999999999999999"])
def test_nothing_above_max_cost_is_sent(
    shop: Shop, ocean: Ocean, job: dict[str, Any], most: str
) -> None:
    wallet = shop.buyer()
    limits = {shop.token: most}

    with pytest.raises(CostAboveLimit, match=r"Nothing was sent") as caught:
        ocean.compute.submit(consumer_wallet=wallet, pay=True, max_cost=limits, **job)
    quote = ocean.compute.quote(consumer_wallet=wallet, **job)
    with pytest.raises(CostAboveLimit):
        quote.pay(wallet, max_cost=limits)

    assert sent(shop, wallet) == 0
    assert caught.value.cost == {shop.token: 1 + RATE}


def test_what_became_dearer_than_the_quote_is_not_paid(
    shop: Shop, ocean: Ocean, job: dict[str, Any]
) -> None:
    wallet = shop.buyer()
    quote = ocean.compute.quote(consumer_wallet=wallet, **job | {"max_duration": 60})
    dearer = ocean.compute.quote(consumer_wallet=wallet, **job | {"max_duration": 120})
    cheap = quote.cost

    with pytest.raises(CostAboveLimit):
        dearer.pay(wallet, max_cost=cheap)

    assert sent(shop, wallet) == 0
    assert dearer.cost == {shop.token: 2 + RATE}


def test_a_wallet_without_the_token_is_told_what_it_lacks(
    shop: Shop, ocean: Ocean, job: dict[str, Any]
) -> None:
    poor = Wallet(shop.web3, private_key="0x" + "7" * 64)
    quote = ocean.compute.quote(consumer_wallet=poor, **job)

    assert quote.missing == {shop.token: 1 + RATE}
    assert quote.has_gas is False
    with pytest.raises(InsufficientBalance, match=r"has 0 .* needs 3\.002"):
        quote.pay(poor)


def test_a_datatoken_that_nobody_gives_is_asked_of_the_publisher(
    shop: Shop, ocean: Ocean, job: dict[str, Any]
) -> None:
    wallet, closed = shop.buyer(), shop.dataset(name="closed")
    asked = job | {"input_datasets": [closed.did]}

    quote = ocean.compute.quote(consumer_wallet=wallet, **asked)
    assert quote.missing == {closed.datatoken: 1}
    with pytest.raises(InsufficientBalance, match=f"Ask {shop.publisher.address}"):
        quote.pay(wallet)
    assert sent(shop, wallet) == 0

    shop.give(closed, wallet)
    paid = ocean.compute.quote(consumer_wallet=wallet, **asked).pay(wallet)
    assert all(order.is_paid for order in paid)


def test_a_markets_fee_is_told_and_paid(shop: Shop, ocean: Ocean, job: dict[str, Any]) -> None:
    wallet = shop.buyer()
    dear = shop.dataset(name="market", source="WithDispenser", market_fee=ONE // 2)
    asked = job | {"input_datasets": [dear.did]}

    quote = ocean.compute.quote(consumer_wallet=wallet, **asked)
    quote.pay(wallet)

    assert quote.orders[0].fees == {shop.token: Decimal("0.5")}
    assert quote.cost == {shop.token: 1 + RATE + Decimal("0.5")}
    left = ocean.compute.quote(consumer_wallet=wallet, **asked).balances
    assert left == {shop.token: 1000 - quote.cost[shop.token]}


def test_an_order_that_is_given_counts_and_anothers_service_does_not(
    shop: Shop, ocean: Ocean, job: dict[str, Any], data: Published
) -> None:
    wallet = shop.buyer()
    of_data, of_algorithm = ocean.compute.quote(consumer_wallet=wallet, **job).pay(wallet)
    given = [ComputeInput(data.did, of_data.order_tx, 0)]
    wrong = [ComputeInput(data.did, of_algorithm.order_tx, 0)]

    assert ocean.compute.quote(consumer_wallet=wallet, **job | {"input_datasets": given}).is_ready
    with pytest.raises(InvalidInput, match=r"not a valid order .* looked for on the chain"):
        ocean.compute.quote(consumer_wallet=wallet, **job | {"input_datasets": wrong})


def test_starting_without_paying_names_what_is_missing(
    shop: Shop, ocean: Ocean, job: dict[str, Any], data: Published, algorithm: Published
) -> None:
    wallet = shop.buyer()
    only_paid = ComputeInput(data.did, NOT_ORDERED, data.service_id)
    started = {key: job[key] for key in ("environment", "max_duration")}
    orders = ocean.compute.quote(consumer_wallet=wallet, **job).pay(wallet)

    with pytest.raises(OrderNotValid, match="Missing transferTxId"):
        ocean.compute.submit([only_paid], wallet, **orders.algorithm, **started)
    other = shop.buyer()
    with pytest.raises(EscrowNotReady, match="pay=True"):
        ocean.compute.submit(orders.inputs, other, **orders.algorithm, **started)


def test_a_free_job_by_did_needs_no_order_and_says_how_the_algorithm_runs(
    shop: Shop, ocean: Ocean, data: Published, algorithm: Published
) -> None:
    wallet = shop.buyer()

    quote = ocean.compute.quote([data.did], wallet, algorithm_did=algorithm.did)
    free = ocean.compute.submit([data.did], wallet, algorithm_did=algorithm.did)

    assert (quote.cost, quote.orders, quote.compute) == ({}, [], None)
    assert finished(free) == {"sum": 10}
    assert sent(shop, wallet) == 0


def test_own_code_on_a_file_is_paid_for_in_a_named_environment(shop: Shop, ocean: Ocean) -> None:
    wallet = shop.buyer()
    file = FileInput(url=shop.network.publish_file(b"5,6\n", "file.csv"))
    asked = {"algorithm_meta": raw_code(), "environment": shop.paid_environment()}

    paid = ocean.compute.submit(
        [file], wallet, pay=True, max_cost={shop.token: 1}, max_duration=60, **asked
    )
    unpaid = ocean.compute.submit([file], wallet, max_duration=60, **asked)

    assert finished(paid) == finished(unpaid) == {"sum": 11}
    assert [each._client.job(each._ref).raw["isFree"] for each in (paid, unpaid)] == [False, True]


def test_several_data_sets_with_parameters_reach_the_algorithm(shop: Shop, ocean: Ocean) -> None:
    wallet = shop.buyer()
    told = {"label": "a label", "description": "what it does"}
    speeds = [{"fast": "Fast"}, {"slow": "Slow"}]
    parameters = [
        {"name": "rows", "type": "number", "required": True, "default": 7, **told},
        {"name": "mode", "type": "select", "required": False, "options": speeds, **told},
    ]
    first = shop.dataset(
        name="first", source="WithDispenser", raw=True, service={"consumerParameters": parameters}
    )
    second = shop.dataset(b"5,6\n", name="second", source="WithDispenser", raw=True)
    inputs: list[Any] = [ComputeInput(first.did, NOT_ORDERED, 0, {"mode": "fast"}), second.did]
    code = SUM + "\nprint(open('/data/inputs/algoCustomData.json').read())\n"
    asked: dict[str, Any] = {
        "algorithm_meta": raw_code(code),
        "environment": shop.paid_environment(),
        "max_duration": 60,
        "algocustomdata": {"depth": 3},
    }

    job = ocean.compute.submit(inputs, wallet, pay=True, max_cost={shop.token: 1}, **asked)

    assert finished(job) == {"sum": 21}
    assert '"depth"' in job.logs()
    for wrong in ({"mode": "medium"}, {"rows": "7"}, {"speed": 1}):
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            bad = [ComputeInput(first.did, NOT_ORDERED, 0, wrong)]
            ocean.compute.quote(bad, wallet, **asked)


def test_what_the_node_would_refuse_has_no_price(
    shop: Shop, ocean: Ocean, job: dict[str, Any]
) -> None:
    wallet = shop.buyer()
    trusts_nobody = shop.dataset(name="nobody", source="WithDispenser", publishers=[])

    with pytest.raises(WorkflowRefused, match="not allowed to run on the dataset"):
        ocean.compute.quote(consumer_wallet=wallet, **job | {"input_datasets": [trusts_nobody.did]})
    for wrong in ({"environment": "0xno"}, {"resources": {"cpu": 99}}):
        with pytest.raises(EnvironmentUnavailable):
            ocean.compute.quote(consumer_wallet=wallet, **job | wrong)
    with pytest.raises(EnvironmentUnavailable, match="does not take"):
        other = {"payment_token": wallet.address}
        ocean.compute.quote(consumer_wallet=wallet, **job | other)


def test_a_quote_for_payment_needs_the_chain_and_its_own_escrow(
    shop: Shop, job: dict[str, Any], tmp_path: Any
) -> None:
    without = {"resources": {"provider.url": shop.network.options["resources"]["provider.url"]}}
    no_chain = Wallet(None, private_key="0x" + "5" * 64)
    with pytest.raises(ConfigError, match="needs a chain"):
        Ocean(without).compute.quote(consumer_wallet=no_chain, **job)

    other = tmp_path / "address.json"
    other.write_text(json.dumps({"development": {"chainId": 8996, "Escrow": "0x" + "12" * 20}}))
    options = shop.network.options
    options["eth-network"]["address.file"] = str(other)
    with pytest.raises(MalformedResponse, match="names the escrow"):
        Ocean(options).compute.quote(consumer_wallet=shop.buyer(), **job)


def test_check_predicts_what_paying_would_have_to_mend(
    shop: Shop, ocean: Ocean, job: dict[str, Any], data: Published
) -> None:
    wallet = shop.buyer()
    asked = job | {"input_datasets": [ComputeInput(data.did, NOT_ORDERED, 0)]}

    before = ocean.compute.check(consumer_wallet=wallet, pay=True, **asked)
    orders = ocean.compute.quote(consumer_wallet=wallet, **job).pay(wallet)
    after = ocean.compute.check(
        orders.inputs, wallet, **orders.algorithm, environment=job["environment"], max_duration=60
    )
    dearer = ocean.compute.check(
        orders.inputs, wallet, **orders.algorithm, environment=job["environment"], max_duration=120
    )
    poor = Wallet(shop.web3, private_key="0x" + "6" * 64)
    broke = ocean.compute.check(consumer_wallet=poor, pay=True, **asked)

    assert set(before.codes) == {"not-ordered", "escrow-too-low", "escrow-not-authorised"}
    assert before.can_order
    assert (after.codes, after.ok) == ([], True)
    assert dearer.codes == ["escrow-too-low", "escrow-not-authorised"]
    assert {"balance-too-low", "no-ether"} <= set(broke.codes)
    assert not broke.can_order


def test_a_start_that_is_refused_after_the_lock_says_what_is_locked_until_when(
    shop: Shop, ocean: Ocean
) -> None:
    wallet = shop.buyer()
    asked: dict[str, Any] = {
        "algorithm_meta": raw_code(),
        "environment": shop.paid_environment(),
        "max_duration": 60,
    }
    ocean.compute.quote([], wallet, **asked).pay(wallet)
    shop.network.faults.set(MissingImage(times=1))

    with pytest.raises(ImageNotFound, match=r"1 of 0x\w+ stay locked .* UTC") as caught:
        ocean.compute.submit([], wallet, pay=True, max_cost={shop.token: 1}, **asked)

    shop.network.faults.clear()
    lock = caught.value.lock
    now_s = shop.web3.eth.get_block("latest")["timestamp"]
    assert (lock.token, lock.amount) == (shop.token, 1)
    assert 3000 < lock.expires_s - now_s <= 3660
    quote = ocean.compute.quote([], wallet, **asked)
    assert quote.compute is not None
    assert (quote.compute.in_escrow, quote.compute.locked, quote.compute.locks) == (0, 1, 1)


def test_the_command_line_quotes_buys_and_runs(
    shop: Shop, data: Published, algorithm: Published, tmp_path: Any, capsys: Any, monkeypatch: Any
) -> None:
    wallet = shop.buyer()
    config = keep_config(tmp_path, shop.network.options, lambda _: None)
    monkeypatch.setenv("CONFIG_FILE", str(config))
    monkeypatch.setenv("OCEAN_PRIVATE_KEY", wallet.unsafe_private_key())
    monkeypatch.chdir(tmp_path)
    where = ["--environment", shop.paid_environment(), "--max-duration", "60"]

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        ended = main([*arguments, "--json"])
        said = capsys.readouterr()
        assert ended == code, said.err
        return json.loads(said.out or said.err.splitlines()[-1])

    asked = run("quote", data.did, "--algorithm", algorithm.did, *where)
    bought = run("buy", data.did, algorithm.did, *where)
    again = run("quote", data.did, "--algorithm", algorithm.did, *where)
    too_little = run(
        *("run", algorithm.did, "--data", data.did, *where, "--max-cost", f"{shop.token}=0.5"),
        code=5,
    )
    done = run("run", algorithm.did, "--data", data.did, *where, "--max-cost", f"{shop.token}=1")

    assert asked["cost"] == {shop.token: "3.002"}
    assert [order["did"] for order in bought["orders"]] == [data.did, algorithm.did]
    assert (again["to_send"], again["compute"]["to_deposit"]) == ({}, "0")
    assert "max_cost" in json.dumps(too_little)
    assert (done["state"], done["environment"]) == ("finished", shop.paid_environment())
