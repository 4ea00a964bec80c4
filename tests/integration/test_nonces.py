"""Nonces and auth tokens against a Provider that enforces them: in order, none skipped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ocean_lib.backends import signing
from ocean_lib.backends.v3.backend import V3Backend
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    InvalidAddress,
    MalformedResponse,
    OceanError,
    ProviderFault,
    ResultsWithheld,
    SignatureRejected,
    TransportError,
)
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests import flows
from tests.players import DID, Fault, World, dated, new_wallet, signer_of, start
from tests.wire import Reply, answer, html, reset

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet

THREADS = 16
GENEROUS = {"timeout.read": 30, "timeout.total": 60}


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def all_at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run each in a thread of its own; return values and exceptions."""
    got: list[Any] = [None] * len(acts)
    ready = threading.Barrier(len(acts))

    def work(number: int) -> None:
        ready.wait()
        try:
            got[number] = acts[number]()
        except Exception as error:
            got[number] = error

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return got


def signed_calls(compute: OceanCompute, wallet: Any, job_id: str) -> list[Callable[[], Any]]:
    return [
        lambda: start(compute, wallet),
        lambda: compute.status(DID, job_id, wallet),
        lambda: compute.result(DID, job_id, wallet),
        lambda: compute.stop(DID, job_id, wallet),
    ]


def test_16_threads_with_one_wallet_all_succeed_and_skip_no_nonce(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**GENEROUS)
    job_id = start(compute, wallet)
    world.forget_requests()

    def work(act: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: [act() for _ in range(5)]

    acts = [work(act) for act in signed_calls(compute, wallet, job_id) * (THREADS // 4)]
    got = all_at_once(acts)

    assert [outcome for outcome in got if isinstance(outcome, Exception)] == []
    counts = world.provider.count()
    signed = counts["start"] + counts["result"] + counts["stop"]
    assert signed == THREADS * 5 * 3 // 4, "none was sent twice"
    assert world.provider.nonces[wallet.address] == 1 + signed, "none was skipped"
    assert world.provider.refused_signatures == 0
    assert counts["nonce"] == 0, "the one known from the first start is enough"


def test_16_threads_with_one_wallet_all_succeed_on_a_real_network(
    network: LocalNetwork, ocean: Ocean, publisher_wallet: Wallet, consumer_wallet: Wallet
) -> None:
    dataset = flows.publish_dataset(ocean, network, publisher_wallet, "1\n", raw=True)
    ordered = flows.order(ocean, dataset, "compute", publisher_wallet, consumer_wallet)
    compute, did, code = ocean.compute, ordered.did, flows.raw_code("pass")
    job_id = compute.start([ordered], consumer_wallet, algorithm_meta=code)
    stored = ocean.data_provider.get_nonce(consumer_wallet.address, network.provider_url)

    acts: list[Callable[[], Any]] = [
        lambda: compute.start([ordered], consumer_wallet, algorithm_meta=code),
        lambda: compute.status(did, job_id, consumer_wallet),
        lambda: [compute.result(did, job_id, consumer_wallet) for _ in range(3)],
        lambda: [compute.stop(did, job_id, consumer_wallet) for _ in range(3)],
    ]
    got = all_at_once(acts * (THREADS // 4))

    assert [outcome for outcome in got if isinstance(outcome, Exception)] == []
    now = ocean.data_provider.get_nonce(consumer_wallet.address, network.provider_url)
    assert now - stored == THREADS // 4 * (1 + 3 + 3), "none was skipped, none refused"


def test_16_threads_that_begin_cold_ask_for_the_nonce_once(world: World) -> None:
    wallet = new_wallet()
    job_id = start(world.compute(), wallet)
    world.forget_requests()
    compute = world.compute(**GENEROUS)

    got = all_at_once(signed_calls(compute, wallet, job_id) * (THREADS // 4))

    assert [outcome for outcome in got if isinstance(outcome, Exception)] == []
    assert world.provider.count()["nonce"] == 1
    assert world.provider.refused_signatures == 0


def test_wallets_do_not_wait_for_each_other(world: World) -> None:
    compute = world.compute(**GENEROUS)
    wallets = [new_wallet() for _ in range(8)]

    got = all_at_once([lambda w=w: start(compute, w) for w in wallets])

    assert all(isinstance(job_id, str) for job_id in got), got
    assert world.provider.nonces == {wallet.address: 1 for wallet in wallets}


@pytest.mark.parametrize("call", ["start", "result", "stop"])
def test_a_foreign_client_that_moves_the_nonce_costs_one_renewal(world: World, call: str) -> None:
    wallet = new_wallet()
    compute = world.compute(**GENEROUS)
    job_id = start(compute, wallet)
    world.provider.nonces[wallet.address] += 3
    world.forget_requests()
    act = dict(
        zip(
            ("start", "status", "result", "stop"),
            signed_calls(compute, wallet, job_id),
            strict=True,
        )
    )[call]

    act()

    counts = world.provider.count()
    assert counts["nonce"] == 1
    assert counts[call] == 2
    act()
    assert world.provider.count()["nonce"] == 1, "and no more after that"


def test_a_nonce_that_keeps_moving_is_an_error_that_says_so(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(**GENEROUS)
    job_id = start(compute, wallet)
    world.provider.faults["nonce"] = Fault(dated({"nonce": "77"}))
    world.provider.nonces[wallet.address] = 5

    with pytest.raises(SignatureRejected, match="its nonce has moved"):
        compute.stop(DID, job_id, wallet)
    with pytest.raises(ResultsWithheld, match="did not accept the signature"):
        compute.result(DID, job_id, wallet)


ODD_NONCES = [
    None, True, -1, 1.5, "", "-1", "1.5", " 7", "7 ", "None", "0x7", "٣", "9" * 80, [], {}, [7]
]  # fmt: skip


@pytest.mark.parametrize("nonce", ODD_NONCES, ids=repr)
def test_an_odd_nonce_is_an_error_and_nothing_is_signed(world: World, nonce: Any) -> None:
    world.provider.faults["nonce"] = Fault(dated({"nonce": nonce}))
    signer = CountingSigner()

    with pytest.raises(MalformedResponse, match="get the nonce"):
        world.compute().stop(DID, "abc", signer)

    assert signer.texts == []
    assert world.provider.count()["stop"] == 0


@pytest.mark.parametrize(
    ("reply", "error"),
    [(reset, TransportError), (html(500), ProviderFault), (answer(200, "None"), MalformedResponse)],
)
def test_a_nonce_endpoint_that_fails_is_an_error_and_nothing_is_signed(
    world: World, reply: Reply, error: type[OceanError]
) -> None:
    world.provider.faults["nonce"] = Fault(reply)
    signer = CountingSigner()

    for call in (
        lambda compute: compute.stop(DID, "abc", signer),
        lambda compute: compute.result(DID, "abc", signer),
        lambda compute: start(compute, signer),
    ):
        with pytest.raises(error):
            call(world.compute())

    assert signer.texts == []


class CountingSigner:
    """Signs, and keeps what it signed."""

    def __init__(self) -> None:
        self.wallet = new_wallet()
        self.address = self.wallet.address
        self.texts: list[str] = []

    def sign_message(self, message: Any) -> Any:
        self.texts.append(message.body.decode())
        return self.wallet.sign_message(message)


def test_one_signature_is_made_for_each_signed_call(world: World) -> None:
    signer = CountingSigner()
    compute = world.compute()

    job_id = start(compute, signer)
    compute.status(DID, job_id, signer)
    compute.result(DID, job_id, signer)

    assert signer.texts == [f"{signer.address}{DID}0", f"{signer.address}{job_id}{DID}1"]


def test_the_nonce_is_kept_per_provider_and_address(world: World) -> None:
    wallet, other = new_wallet(), new_wallet()
    compute = world.compute()
    with World() as elsewhere:
        provider = compute._data_provider
        for root in (world.provider.url, elsewhere.provider.url):
            for who in (wallet, other):
                provider.sign_and_send(who, "x", root, lambda _: None)

        assert world.provider.count()["nonce"] == 2
        assert elsewhere.provider.count()["nonce"] == 2


def test_clearing_the_caches_asks_for_the_nonce_again(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute()
    job_id = start(compute, wallet)
    compute.clear_caches()

    compute.stop(DID, job_id, wallet)

    assert world.provider.count()["nonce"] == 2
    assert world.provider.count()["endpoints"] == 2
    assert len(world.aquarius.seen) == 2


def test_the_provider_keeps_one_nonce_for_each_spelling(world: World) -> None:
    provider = DataServiceProvider()
    address = new_wallet().address
    world.provider.nonces[address.lower()] = 5

    assert provider.get_nonce(address, world.provider.url) == 0
    assert provider.get_nonce(address.lower(), world.provider.url) == 5
    with pytest.raises(InvalidAddress):
        provider.get_nonce(address[:-1], world.provider.url)


# --- auth tokens


def tokens_sent(world: World) -> list[str]:
    found = [
        request.json()["signature"] if request.body and request.method == "POST" else ""
        for request in world.provider.server.requests
        if request.path.endswith("/compute")
    ]
    found += [request.query.get("signature", "") for request in world.provider.server.requests]
    return [signature for signature in found if signature]


def test_no_auth_token_is_sent_unless_asked_for(world: World) -> None:
    start(world.compute(), new_wallet())

    assert all("-" not in signature for signature in tokens_sent(world))


def test_an_auth_token_is_signed_once_and_needs_no_nonce(world: World) -> None:
    signer = CountingSigner()
    compute = world.compute(auth_token="on")

    job_id = start(compute, signer)
    compute.result(DID, job_id, signer)
    compute.stop(DID, job_id, signer)

    sent = set(tokens_sent(world))
    assert len(sent) == 1
    signature, _, made = sent.pop().partition("-")
    assert abs(int(made) - time.time()) < 60
    assert signer_of(f"Ocean Protocol Authentication\n{made}", signature) == signer.address
    assert len(signer.texts) == 1
    assert world.provider.count()["nonce"] == 0
    assert world.provider.nonces == {}


def test_the_option_of_the_instance_comes_before_that_of_the_config(world: World) -> None:
    config = world.config(auth_token="on")
    compute = OceanCompute(config, DataServiceProvider(config, use_auth_token=False))

    start(compute, new_wallet())

    assert world.provider.count()["nonce"] == 1


def test_an_auth_token_is_renewed_before_its_lifetime_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = CountingSigner()
    compute = world.compute(auth_token="on")
    start(compute, signer)
    now = time.time()

    for later_s, made in (
        (V3Backend.token_lifetime_s - 60, 1),
        (V3Backend.token_lifetime_s + 1, 2),
    ):
        monkeypatch.setattr(signing.time, "time", lambda t=now + later_s: t)
        start(compute, signer)
        assert len(signer.texts) == made
    assert world.provider.refused_signatures == 0
    assert V3Backend.token_lifetime_s < 24 * 3600


def test_a_clock_that_was_set_back_renews_the_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = CountingSigner()
    compute = world.compute(auth_token="on")
    start(compute, signer)
    now = time.time()

    monkeypatch.setattr(signing.time, "time", lambda: now - 3600)
    start(compute, signer)

    assert len(signer.texts) == 2


def test_a_token_that_is_refused_is_renewed_once(world: World) -> None:
    signer = CountingSigner()
    compute = world.compute(auth_token="on")
    job_id = start(compute, signer)
    world.provider.token_lifetime_s = -1
    world.forget_requests()

    with pytest.raises(SignatureRejected):
        compute.stop(DID, job_id, signer)
    assert world.provider.count()["stop"] == 2
    with pytest.raises(ResultsWithheld):
        compute.result(DID, job_id, signer)
    assert world.provider.count()["result"] == 2


def test_a_result_with_a_token_is_tried_again_when_the_connection_breaks(world: World) -> None:
    wallet = new_wallet()
    compute = world.compute(auth_token="on")
    job_id = start(compute, wallet)
    replies = iter([Fault(reset)])
    right = world.provider.route

    def route(request: Any) -> Reply:
        world.provider.faults = {"result": f} if (f := next(replies, None)) else {}
        return right(request)

    world.provider.server.route = route

    assert compute.result(DID, job_id, wallet)["urls"]
    assert world.provider.count()["result"] == 2


def test_clearing_the_caches_forgets_tokens(world: World) -> None:
    signer = CountingSigner()
    compute = world.compute(auth_token="on")
    start(compute, signer)

    compute.clear_caches()
    start(compute, signer)

    assert len(signer.texts) == 2
