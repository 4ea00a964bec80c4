"""What cannot work is refused where it enters: the server sees no request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocean_lib.common.aquarius.aquarius import Aquarius
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    InvalidAddress,
    InvalidDid,
    InvalidInput,
    InvalidTransactionHash,
    InvalidUrl,
    JobNotFound,
)
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import DID, ORDER, RAW, SERVICE_INDEX, World, new_wallet, start

WALLET = new_wallet()
ADDRESS = WALLET.address
MISTYPED = "0x" + ADDRESS[2:].swapcase()
URL = "http://127.0.0.1:1/api/v1/services/compute"

BAD_DIDS = ["", "abc", "did:op:", DID[:-1], DID + "0", DID + "\n", f" {DID}", "did:ov:" + DID[7:],
            DID + "&jobId=", DID + "#", None, 7, b"did:op:", [], {}]  # fmt: skip
BAD_ADDRESSES = ["", "0x", ADDRESS[:-1], ADDRESS + "0", ADDRESS[2:], MISTYPED, "0x" + "g" * 40,
                 ADDRESS + "\n", None, 7, [], {}]  # fmt: skip
BAD_HASHES = ["", "0x", ORDER[:-1], ORDER + "0", "0x" + "g" * 64, ORDER + "\n", b"abc", None, 7, []]
BAD_URLS = ["", "abc", "ftp://x/", "http://", "http://[x", "//host/", "http://a b/",
            "http://x\n/", "http://user:password@x/", "http://x:99999/", "http://x:0/", None,
            7, [], {}]  # fmt: skip
BAD_JOB_IDS = ["", " ", "7", "7 ", " a", "a\n", "a\x00b", "a" * 129, None, 7, [], b"abc"]
BAD_SERVICES = [-1, True, 1.5, "", None, [], "9" * 20, "0x" + "9" * 64]
BAD_INDICES = ["x", *BAD_SERVICES]
NO_WALLETS = [None, "0x" + "11" * 32, object(), 7, {"address": ADDRESS}]

Act = Callable[[Any, Any], Any]

OF_COMPUTE: dict[str, tuple[Act, list[Any], type[Exception]]] = {
    "status: did": (lambda c, bad: c.status(bad, "abc", WALLET), BAD_DIDS, InvalidDid),
    "job_status: did": (lambda c, bad: c.job_status(bad, "abc", WALLET), BAD_DIDS, InvalidDid),
    "result: did": (lambda c, bad: c.result(bad, "abc", WALLET), BAD_DIDS, InvalidDid),
    "stop: did": (lambda c, bad: c.stop(bad, "abc", WALLET), BAD_DIDS, InvalidDid),
    "delete: did": (lambda c, bad: c.delete(bad, "abc", WALLET), BAD_DIDS, InvalidDid),
    "stop_all: did": (lambda c, bad: c.stop_all(bad, WALLET, confirm=True), BAD_DIDS, InvalidDid),
    "jobs: did": (lambda c, bad: c.jobs(WALLET, bad), [d for d in BAD_DIDS if d], InvalidDid),
    "status: job id": (lambda c, bad: c.status(DID, bad, WALLET), BAD_JOB_IDS, InvalidInput),
    "result: job id": (lambda c, bad: c.result(DID, bad, WALLET), BAD_JOB_IDS, InvalidInput),
    "stop: job id": (lambda c, bad: c.stop(DID, bad, WALLET), BAD_JOB_IDS, InvalidInput),
    "delete: job id": (lambda c, bad: c.delete(DID, bad, WALLET), BAD_JOB_IDS, InvalidInput),
    "status: wallet": (lambda c, bad: c.status(DID, "abc", bad), NO_WALLETS, InvalidInput),
    "result: wallet": (lambda c, bad: c.result(DID, "abc", bad), NO_WALLETS, InvalidInput),
    "stop: wallet": (lambda c, bad: c.stop(DID, "abc", bad), NO_WALLETS, InvalidInput),
    "delete: wallet": (lambda c, bad: c.delete(DID, "abc", bad), NO_WALLETS, InvalidInput),
    "stop_all: wallet": (
        lambda c, bad: c.stop_all(DID, bad, confirm=True),
        NO_WALLETS,
        InvalidInput,
    ),
    "jobs: wallet": (lambda c, bad: c.jobs(bad, DID), NO_WALLETS, InvalidInput),
    "stop_all: not confirmed": (
        lambda c, bad: c.stop_all(DID, WALLET, confirm=bad),
        [False, None, 0, 1, "yes"],
        InvalidInput,
    ),
    "start: wallet": (lambda c, bad: start(c, bad), NO_WALLETS, InvalidInput),
    "start: algorithm did": (
        lambda c, bad: _start_by_did(c, algorithm_did=bad),
        [d for d in BAD_DIDS if d],
        InvalidDid,
    ),
    "start: algorithm order": (
        lambda c, bad: _start_by_did(c, algorithm_tx_id=bad),
        [h for h in BAD_HASHES if h],
        InvalidTransactionHash,
    ),
    "start: algorithm datatoken": (
        lambda c, bad: _start_by_did(c, algorithm_data_token=bad),
        [a for a in BAD_ADDRESSES if a],
        InvalidAddress,
    ),
    "input: did": (lambda _, bad: ComputeInput(bad, ORDER, 4), BAD_DIDS, InvalidDid),
    "input: order": (
        lambda _, bad: ComputeInput(DID, bad, 4),
        BAD_HASHES,
        InvalidTransactionHash,
    ),
    "input: index": (lambda _, bad: ComputeInput(DID, ORDER, bad), BAD_SERVICES, InvalidInput),
}


def _start_by_did(compute: OceanCompute, **changes: Any) -> str:
    arguments = {
        "algorithm_did": DID,
        "algorithm_tx_id": ORDER,
        "algorithm_data_token": ADDRESS,
        **changes,
    }
    return start(compute, WALLET, **arguments)


def _start_at(provider: DataServiceProvider, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "did": DID,
        "service_endpoint": URL,
        "consumer_address": ADDRESS,
        "signature": "0x",
        "service_id": 4,
        "order_tx_id": ORDER,
        "algorithm_meta": RAW,
        **changes,
    }
    return provider.start_compute_job(**arguments)


def _by_did(provider: DataServiceProvider, **changes: Any) -> Any:
    arguments = {
        "algorithm_did": DID,
        "algorithm_tx_id": ORDER,
        "algorithm_data_token": ADDRESS,
        **changes,
    }
    return _start_at(provider, algorithm_meta=None, **arguments)


def _download(provider: DataServiceProvider, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "did": DID,
        "service_endpoint": URL,
        "wallet": WALLET,
        "files": [{}],
        "destination_folder": "/nowhere",
        "service_id": 3,
        "token_address": ADDRESS,
        "order_tx_id": ORDER,
        **changes,
    }
    return provider.download_service(**arguments)


def _initialize(provider: DataServiceProvider, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "did": DID,
        "service_endpoint": URL,
        "consumer_address": ADDRESS,
        "service_id": 3,
        "service_type": "access",
        "token_address": ADDRESS,
        **changes,
    }
    return provider.get_order_requirements(**arguments)


COMPUTE_CALLS: dict[str, Act] = {
    "stop": lambda p, a: p.stop_compute_job(a[0], "abc", a[1], a[2], "0x"),
    "stop all": lambda p, a: p.stop_all_compute_jobs(a[0], a[1], a[2], "0x"),
    "delete": lambda p, a: p.delete_compute_job(a[0], "abc", a[1], a[2], "0x"),
    "status": lambda p, a: p.compute_job_status(a[0], "abc", a[1], a[2]),
    "result": lambda p, a: p.compute_job_result(a[0], "abc", a[1], a[2], "0x"),
    "jobs": lambda p, a: p.compute_jobs(a[0], a[1], a[2]),
    "jobs and clock": lambda p, a: p.jobs_and_clock(a[0], a[1], a[2]),
    "start": lambda p, a: _start_at(
        p, did=a[0], service_endpoint=a[1], consumer_address=a[2]
    ),
}  # fmt: skip

OF_PROVIDER: dict[str, tuple[Act, list[Any], type[Exception]]] = {
    **{
        f"{name}: job id": (
            lambda p, bad, name=name: getattr(p, name)(DID, bad, URL, ADDRESS, "0x"),
            BAD_JOB_IDS,
            InvalidInput,
        )
        for name in ("stop_compute_job", "delete_compute_job", "compute_job_result")
    },
    "get_nonce: address": (
        lambda p, bad: p.get_nonce(bad, URL),
        BAD_ADDRESSES,
        InvalidAddress,
    ),
    "get_nonce: url": (lambda p, bad: p.get_nonce(ADDRESS, bad), BAD_URLS, InvalidUrl),
    "endpoints: url": (lambda p, bad: p.get_service_endpoints(bad), BAD_URLS, InvalidUrl),
    "build_endpoint: url": (lambda p, bad: p.build_endpoint("nonce", bad), BAD_URLS, InvalidUrl),
    "address: url": (lambda p, bad: p.get_provider_address(bad), BAD_URLS, InvalidUrl),
    "fileinfo: url": (
        lambda p, bad: p.check_single_file_info("http://x/", bad),
        BAD_URLS,
        InvalidUrl,
    ),
    "fileinfo: file": (
        lambda p, bad: p.check_single_file_info(bad, URL),
        ["", " ", None, 7, [], b"http://x/"],
        InvalidInput,
    ),
    "start: index": (lambda p, bad: _start_at(p, service_id=bad), BAD_INDICES, InvalidInput),
    "start: order": (
        lambda p, bad: _start_at(p, order_tx_id=bad),
        BAD_HASHES,
        InvalidTransactionHash,
    ),
    "start: output": (
        lambda p, bad: _start_at(p, output=bad),
        [{"a": object()}, {"a": {1, 2}}, {"a": float("nan")}],
        InvalidInput,
    ),
    "start: algorithm": (
        lambda p, bad: _by_did(p, algorithm_did=bad),
        [d for d in BAD_DIDS if d],
        InvalidDid,
    ),
    "start: algorithm order": (
        lambda p, bad: _by_did(p, algorithm_tx_id=bad),
        BAD_HASHES,
        InvalidInput,
    ),
    "start: algorithm datatoken": (
        lambda p, bad: _by_did(p, algorithm_data_token=bad),
        BAD_ADDRESSES,
        InvalidInput,
    ),
    "encrypt: asset": (
        lambda p, bad: p.encrypt_files_dict([], URL, bad, ADDRESS, "0x"),
        BAD_ADDRESSES,
        InvalidAddress,
    ),
    "encrypt: publisher": (
        lambda p, bad: p.encrypt_files_dict([], URL, ADDRESS, bad, "0x"),
        BAD_ADDRESSES,
        InvalidAddress,
    ),
    "encrypt: url": (
        lambda p, bad: p.encrypt_files_dict([], bad, ADDRESS, ADDRESS, "0x"),
        BAD_URLS,
        InvalidUrl,
    ),
    "encrypt: files": (
        lambda p, bad: p.encrypt_files_dict(bad, URL, ADDRESS, ADDRESS, "0x"),
        [object(), {1}, b"x"],
        InvalidInput,
    ),
    **{
        f"download: {name}": (lambda p, bad, n=name: _download(p, **{n: bad}), values, error)
        for name, values, error in (
            ("did", BAD_DIDS, InvalidDid),
            ("service_endpoint", BAD_URLS, InvalidUrl),
            ("wallet", NO_WALLETS, InvalidInput),
            ("service_id", BAD_INDICES, InvalidInput),
            ("token_address", BAD_ADDRESSES, InvalidAddress),
            ("order_tx_id", BAD_HASHES, InvalidTransactionHash),
            ("index", [-1, 1, 99], InvalidInput),
        )
    },
    **{
        f"initialize: {name}": (lambda p, bad, n=name: _initialize(p, **{n: bad}), values, error)
        for name, values, error in (
            ("did", BAD_DIDS, InvalidDid),
            ("service_endpoint", BAD_URLS, InvalidUrl),
            ("consumer_address", BAD_ADDRESSES, InvalidAddress),
            ("service_id", BAD_INDICES, InvalidInput),
            ("token_address", BAD_ADDRESSES, InvalidAddress),
        )
    },
    **{
        f"{call}: {name}": (
            lambda p, bad, act=act, at=at: act(
                p, [*(DID, URL, ADDRESS)[:at], bad, *(DID, URL, ADDRESS)[at + 1 :]]
            ),
            values,
            error,
        )
        for call, act in COMPUTE_CALLS.items()
        for at, (name, values, error) in enumerate(
            (
                ("did", [did for did in BAD_DIDS if did or call != "jobs"], InvalidDid),
                ("url", BAD_URLS, InvalidUrl),
                ("address", BAD_ADDRESSES, InvalidAddress),
            )
        )
    },
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.mark.parametrize("name", OF_COMPUTE)
def test_ocean_compute_refuses_before_any_request(world: World, name: str) -> None:
    act, values, error = OF_COMPUTE[name]
    compute = world.compute()
    world.forget_requests()

    for bad in values:
        with pytest.raises(error) as caught:
            act(compute, bad)
        assert isinstance(caught.value, InvalidInput), bad
        assert str(caught.value).isprintable()

    assert world.requests() == 0


@pytest.mark.parametrize("name", OF_PROVIDER)
def test_the_provider_client_refuses_before_any_request(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, values, error = OF_PROVIDER[name]
    provider = DataServiceProvider()
    sent: list[object] = []
    monkeypatch.setattr(provider.http, "_open", lambda *args, **_: sent.append(args))

    for bad in values:
        with pytest.raises(error) as caught:
            act(provider, bad)
        assert isinstance(caught.value, InvalidInput), bad
        assert str(caught.value).isprintable()

    assert sent == []


@pytest.mark.parametrize("bad", BAD_URLS, ids=repr)
def test_a_metadata_cache_needs_a_url(bad: Any) -> None:
    with pytest.raises(InvalidUrl):
        Aquarius(bad)


@pytest.mark.parametrize("bad", BAD_DIDS, ids=repr)
def test_a_metadata_cache_is_not_asked_for_what_is_no_did(world: World, bad: Any) -> None:
    world.forget_requests()

    for ask in (
        Aquarius(world.aquarius.url).get_asset_ddo,
        Aquarius("http://x").get_asset_metadata,
    ):
        with pytest.raises(InvalidDid):
            ask(bad)

    assert world.requests() == 0


ANY_TEXT = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
odd_text = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(
    ["a&b=c", "a#b", "a?b", "a%00b", "a/../b", "é", "a b", "%41", "\ud800"]
)


@ANY_TEXT
@given(text=odd_text)
def test_any_text_as_did_is_refused_or_is_one(world: World, text: str) -> None:
    with pytest.raises((InvalidDid, JobNotFound)):
        world.compute().status(text, "abc", WALLET)


@ANY_TEXT
@given(text=odd_text)
def test_any_text_as_job_id_is_refused_or_arrives_whole(world: World, text: str) -> None:
    compute = world.compute()
    world.forget_requests()

    with pytest.raises((InvalidInput, JobNotFound)) as caught:
        compute.status(DID, text, WALLET)

    if isinstance(caught.value, JobNotFound):
        queries = [r.query for r in world.provider.server.requests if r.path.endswith("compute")]
        assert queries == [{"documentId": DID, "consumerAddress": ADDRESS, "jobId": text}]
    else:
        assert world.requests() == 0
    assert str(caught.value).isprintable()


@ANY_TEXT
@given(text=odd_text)
def test_any_text_as_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        DataServiceProvider().get_nonce(text, "http://127.0.0.1:1")
    assert str(caught.value).isprintable()


@ANY_TEXT
@given(text=odd_text)
def test_any_text_as_transaction_hash_is_refused(text: str) -> None:
    with pytest.raises(InvalidTransactionHash):
        ComputeInput(DID, text, SERVICE_INDEX)


def test_the_messages_say_what_was_expected_and_what_came() -> None:
    with pytest.raises(InvalidAddress, match="wrong checksum"):
        DataServiceProvider().get_nonce(MISTYPED, URL)
    with pytest.raises(InvalidDid, match=r"followed by 40 hex digits, got 'did:op:'"):
        ComputeInput("did:op:", ORDER, 4)


@pytest.mark.parametrize("service_id", ["x", "5e" * 32])
def test_a_service_id_of_a_later_generation_is_refused_by_v3(world: World, service_id: str) -> None:
    item = ComputeInput(DID, ORDER, service_id)
    compute = world.compute()
    world.forget_requests()

    for act in (
        lambda: compute.start([item], WALLET, algorithm_meta=RAW),
        lambda: compute.check([item], WALLET, algorithm_meta=RAW),
        lambda: _start_at(DataServiceProvider(), service_id=service_id),
        lambda: _start_at(DataServiceProvider(), input_datasets=[item]),
    ):
        with pytest.raises(InvalidInput, match="service_id must be the index of a service"):
            act()

    assert world.provider.count()["start"] == 0
