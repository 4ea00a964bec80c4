"""What the Provider refuses, and what that does to the nonce."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.localnet.conftest import World
from tests.integration.localnet.handmade import (
    CONTAINER,
    ETHER,
    SERVICES,
    access_service,
    compute_service,
    raw,
    sign,
    stranger,
)


def dataset(world: World, *, ddo: Any = None, metadata: Any = None, **privacy: Any) -> str:
    url = world.network.publish_file(b"1\n", "refused.txt")
    service = compute_service(**{"allowRawAlgorithm": True, **privacy})
    return world.publisher.publish("d", [url], [service], ddo=ddo or {}, metadata=metadata or {})


def refusal(world: World, did: str, **changes: Any) -> tuple[int, str, int]:
    """Order a dataset, start, and return status, error text and the nonce's movement."""
    tx = world.consumer.order(world.publisher, did, 4)
    body = changes or {"algorithmMeta": raw("print()")}
    before = int(world.consumer.nonce())
    answer = world.consumer.start(did, tx, **body)
    moved = int(world.consumer.nonce()) - before
    text = answer.json()["error"] if answer.status_code == 400 else ""
    return answer.status_code, text, moved


def test_a_dataset_that_trusts_nobody_says_so(world: World) -> None:
    status, text, moved = refusal(world, dataset(world), **world.by_did)

    assert (status, moved) == (400, 0)
    assert text.startswith("Using algorithmDid but allowAllPublishedAlgorithms is False")


@pytest.mark.parametrize("name", ["filesChecksum", "containerSectionChecksum"])
def test_a_trusted_algorithm_that_changed_is_refused(world: World, name: str) -> None:
    entry = {**world.publisher.trusted(world.algorithm), name: "0" * 64}
    did = dataset(world, publisherTrustedAlgorithms=[entry])
    status, text, moved = refusal(world, did, **world.by_did)

    assert (status, moved) == (400, 0)
    assert text == f"{name} for algorithm with did {world.algorithm} does not match"


def test_a_trust_entry_without_checksums_is_enough(world: World) -> None:
    did = dataset(world, publisherTrustedAlgorithms=[{"did": world.algorithm}])
    status, _, moved = refusal(world, did, **world.by_did)

    assert (status, moved) == (200, 1)


def test_an_algorithm_changed_by_an_update_is_no_longer_trusted(world: World) -> None:
    url = world.network.publish_file(b"print(1)", "first.py")
    algorithm = world.publisher.publish("first", [url], [access_service()], kind="algorithm")
    did = dataset(world, publisherTrustedAlgorithms=[world.publisher.trusted(algorithm)])
    ddo = world.publisher.ddo(algorithm)
    main = ddo["service"][0]["attributes"]["main"]
    main["algorithm"]["container"] = {**CONTAINER, "entrypoint": "sh $ALGO"}
    world.publisher.write_metadata(ddo, "update")
    status, text, _ = refusal(
        world,
        did,
        algorithmDid=algorithm,
        algorithmDataToken="0x" + algorithm.removeprefix("did:op:"),
        algorithmTransferTxId=world.consumer.order(world.publisher, algorithm, 3),
    )

    assert status == 400
    assert text.startswith("containerSectionChecksum")


def _address_list(*addresses: str) -> list[dict[str, Any]]:
    return [{"type": "address", "values": list(addresses)}]


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (lambda world: {"metadata": {"status": {"isOrderDisabled": True}}}, 1),
        (lambda world: {"ddo": {"status": {"isOrderDisabled": True}}}, 1),
        (lambda world: {"ddo": {"credentials": {"allow": _address_list("0x" + "1" * 40)}}}, 3),
        (
            lambda world: {"ddo": {"credentials": {"deny": _address_list(world.consumer.address)}}},
            4,
        ),
    ],
)
def test_who_may_not_use_an_asset_is_told_the_code(
    world: World, extra: Callable[[World], dict[str, Any]], code: int
) -> None:
    did = dataset(world, **extra(world))
    status, text, moved = refusal(world, did)
    initialized = world.consumer.get(
        f"{SERVICES}/initialize",
        documentId=did,
        serviceId=4,
        serviceType="compute",
        dataToken="0x" + did.removeprefix("did:op:"),
        consumerAddress=world.consumer.address,
    )

    assert (status, moved) == (400, 0)
    assert text == f"Error: Access to asset {did} was denied with code: {code}."
    assert initialized.status_code == 400
    assert initialized.json() == {"error": text}


def test_an_allowed_consumer_is_let_in_in_any_letter_case(world: World) -> None:
    allow = _address_list(world.consumer.address.lower())
    did = dataset(world, ddo={"credentials": {"allow": allow}})

    assert refusal(world, did)[0] == 200


def test_a_file_that_does_not_answer_is_no_reason_to_refuse(world: World) -> None:
    service = compute_service(allowRawAlgorithm=True)
    did = world.publisher.publish("gone", ["http://127.0.0.1:9/gone"], [service])

    assert refusal(world, did)[0] == 200


def test_an_order_that_paid_too_little_is_refused(world: World) -> None:
    tx = world.consumer.order(world.publisher, world.dataset, 4, amount=ETHER - 1)
    answer = world.consumer.start(world.dataset, tx, algorithmMeta=raw("print()"))

    assert answer.json() == {"error": "Order for serviceId 4 is not valid."}


def test_anothers_order_is_refused(world: World) -> None:
    [account] = world.network.accounts[2:3]
    other = type(world.consumer)(world.network, account)
    answer = other.start(world.dataset, world.dataset_order, algorithmMeta=raw("print()"))
    other.close()

    assert answer.json() == {"error": "Order for serviceId 4 is not valid."}


def test_the_same_service_of_another_dataset_does_not_count(world: World) -> None:
    other = dataset(world)
    tx = world.consumer.order(world.publisher, other, 4)
    answer = world.consumer.start(world.dataset, tx, algorithmMeta=raw("print()"))

    assert answer.json() == {"error": "Order for serviceId 4 is not valid."}


def test_files_that_another_provider_encrypted_are_refused(world: World) -> None:
    did = dataset(world, metadata={"encryptedFiles": "0x04" + "ab" * 200})
    status, text, moved = refusal(world, did)

    assert (status, moved) == (400, 0)
    assert "must be in the same provider" in text


@pytest.fixture(scope="module")
def copied(world: World) -> str:
    """A dataset of somebody who allows raw code on the file list of another's dataset."""
    [metadata, *_] = world.publisher.ddo(world.open_dataset)["service"]
    return world.consumer.publish(
        "copied",
        [world.network.publish_file(b"1\n", "bait.txt")],
        [access_service(), compute_service(allowRawAlgorithm=True)],
        metadata={"encryptedFiles": metadata["attributes"]["encryptedFiles"]},
    )


def test_nobody_computes_on_a_file_list_copied_from_anothers_asset(
    world: World, copied: str
) -> None:
    tx = world.consumer.order(world.consumer, copied, 4)
    code = raw("import glob\nfor p in glob.glob('/data/inputs/*/*'): print(open(p).read())")
    before = int(world.consumer.nonce())
    answer = world.consumer.start(copied, tx, algorithmMeta=code)

    assert answer.status_code == 400
    assert answer.json() == {"error": f"the file list of {copied} was encrypted for another asset."}
    assert int(world.consumer.nonce()) == before


def test_nobody_runs_an_algorithm_copied_from_anothers_asset(world: World) -> None:
    [metadata, *_] = world.publisher.ddo(world.algorithm)["service"]
    algorithm = world.consumer.publish(
        "copied",
        [world.network.publish_file(b"print()", "bait.py")],
        [access_service()],
        kind="algorithm",
        metadata={"encryptedFiles": metadata["attributes"]["encryptedFiles"]},
    )
    answer = world.consumer.start(
        world.open_dataset,
        world.open_order,
        algorithmDid=algorithm,
        algorithmDataToken="0x" + algorithm.removeprefix("did:op:"),
        algorithmTransferTxId=world.consumer.order(world.consumer, algorithm, 3),
    )

    assert answer.status_code == 400
    assert "was encrypted for another asset" in answer.json()["error"]


def test_nobody_looks_at_a_file_list_copied_from_anothers_asset(world: World, copied: str) -> None:
    token = "0x" + copied.removeprefix("did:op:")
    who = {"consumerAddress": world.consumer.address, "documentId": copied}
    described = world.consumer.post(f"{SERVICES}/fileinfo", {"did": copied, "checksum": True})
    initialized = world.consumer.get(
        f"{SERVICES}/initialize", serviceId=3, serviceType="access", dataToken=token, **who
    )
    downloaded = world.consumer.get(
        f"{SERVICES}/download",
        serviceId=3,
        dataToken=token,
        fileIndex=0,
        transferTxId=world.consumer.order(world.consumer, copied, 3),
        signature=world.consumer.signed(copied),
        **who,
    )

    for answer, status in ((described, 500), (initialized, 503), (downloaded, 500)):
        assert answer.status_code == status
        assert "was encrypted for another asset" in answer.text


def test_a_container_without_a_tag_is_refused(world: World) -> None:
    meta = raw("print()", container={"entrypoint": "python3 $ALGO", "image": "python"})
    answer = world.consumer.start(world.dataset, world.dataset_order, algorithmMeta=meta)

    assert "must specify values for all of entrypoint, image and tag" in answer.json()["error"]


def test_an_auth_token_stands_for_a_signature(world: World) -> None:
    now = int(time.time())
    account = world.consumer.account
    good = sign(account, f"Ocean Protocol Authentication\n{now}") + f"-{now}"
    old = now - 25 * 3600
    expired = sign(account, f"Ocean Protocol Authentication\n{old}") + f"-{old}"
    params = {"consumerAddress": world.consumer.address, "jobId": ""}
    world.consumer.start(world.dataset, world.dataset_order, algorithmMeta=raw("print()"))

    later = now + 25 * 3600
    dated = sign(account, f"Ocean Protocol Authentication\n{later}") + f"-{later}"
    of_the_future = world.consumer.get(f"{SERVICES}/compute", signature=dated, **params).json()
    with_token = world.consumer.get(f"{SERVICES}/compute", signature=good, **params).json()
    too_late = world.consumer.get(f"{SERVICES}/compute", signature=expired, **params).json()
    started = world.consumer.start(
        world.dataset, world.dataset_order, algorithmMeta=raw("print()"), signature=good
    )

    assert "owner" in with_token[0]
    assert "owner" in of_the_future[0]
    assert "owner" not in too_late[0]
    assert started.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "change", [lambda did: did[:-1], lambda did: did + "1", lambda did: did[7:], lambda _: "7"]
)
def test_a_signature_is_good_for_no_document_that_is_not_a_did(
    world: World, method: str, change: Callable[[str], str]
) -> None:
    # What is signed ends with the document and the nonce, and nothing stands between them: used
    # at nonce 2 for a DID that ends with 1, it would be good again at nonce 12 for one without.
    started = world.consumer.start(world.dataset, world.dataset_order, **world.by_did).json()
    query = world.consumer.query(started[0]["jobId"], change(world.dataset))
    before = world.consumer.nonce()
    url = f"{world.network.provider_url}{SERVICES}/compute"
    answer = world.consumer.http.request(method, url, params=query, timeout=30)

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"documentId": ["The documentId format is invalid."]}
    assert world.consumer.nonce() == before
    assert world.consumer.status(started[0]["jobId"])["stopreq"] == 0


def test_a_used_signature_is_not_good_again_at_a_later_nonce(world: World) -> None:
    user = type(world.consumer)(world.network, stranger())
    job = world.consumer.start(world.dataset, world.dataset_order, **world.by_did).json()[0]
    digit, seen = "1", world.dataset[:-1]
    params = {
        "consumerAddress": user.address,
        "jobId": job["jobId"],
        "documentId": seen + digit,
        "signature": sign(user.account, f"{user.address}{job['jobId']}{seen}{digit}0"),
    }
    body = {"documentId": "0x1", "document": "[]", "publisherAddress": user.address}
    url = f"{world.network.provider_url}{SERVICES}/compute"
    first = user.http.put(url, params=params, timeout=30)
    while int(user.nonce()) < 10:
        user.post(f"{SERVICES}/encrypt", body)
    again = user.http.put(url, params={**params, "documentId": seen}, timeout=30)
    user.close()

    assert (first.status_code, first.json()) == (200, [])
    assert again.status_code == 400


def test_a_document_is_the_jobs_in_any_letter_case(world: World) -> None:
    started = world.consumer.start(world.dataset, world.dataset_order, **world.by_did).json()
    query = world.consumer.query(started[0]["jobId"], world.dataset.lower())
    answer = world.consumer.get(f"{SERVICES}/compute", **query)

    assert answer.json()[0]["owner"] == world.consumer.address


def test_one_signature_starts_one_job_however_many_send_it_at_once(world: World) -> None:
    body = world.consumer.start_body(
        world.dataset, world.dataset_order, algorithmMeta=raw("print()")
    )
    before = int(world.consumer.nonce())
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: world.consumer.post(f"{SERVICES}/compute", body), "1" * 8)
        )

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert int(world.consumer.nonce()) == before + 1


def test_a_nonce_belongs_to_one_spelling_of_an_address(world: World) -> None:
    spelled = world.stranger.address.lower()
    before = int(world.consumer.nonce(world.stranger.address))
    body = {"documentId": "0x1", "document": "[]", "publisherAddress": spelled}
    first = world.consumer.nonce(spelled)
    world.consumer.post(f"{SERVICES}/encrypt", body)

    assert int(world.consumer.nonce(spelled)) == int(first) + 1
    assert int(world.consumer.nonce(world.stranger.address)) == before


def test_a_request_too_large_is_refused(world: World) -> None:
    body = {"documentId": "0x1", "document": "x" * 5_000_000, "publisherAddress": "0x1"}
    answer = world.consumer.post(f"{SERVICES}/encrypt", body)

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "ftp://127.0.0.1/x",
        "http://[fe80::1]/",
        "http://",
    ],
)
def test_urls_that_must_not_be_read_are_invalid(world: World, url: str) -> None:
    answer = world.consumer.post(f"{SERVICES}/fileinfo", {"url": url})

    assert answer.json() == [{"index": 0, "valid": False}]


def test_a_query_string_in_the_way_of_a_body_is_given_as_the_reason(world: World) -> None:
    # As recorded for a start: the real Provider reads one or the other.
    path = f"{SERVICES}/fileinfo?k=v"
    with_query = world.consumer.post(path, {"did": world.dataset})
    without_body = world.consumer.post(f"{SERVICES}/fileinfo?did={world.dataset}", {})

    assert with_query.status_code == 500
    assert "The query string was read in place of the body" in with_query.text
    assert without_body.json()[0]["valid"] is True
