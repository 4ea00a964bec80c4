"""Answers of the real Provider 0.4.12 and operator-service 1.0.0 beyond the recorded requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.localnet.conftest import World
from tests.integration.localnet.handmade import (
    ASSETS,
    SERVICES,
    access_service,
    raw,
    stranger,
)

Errors = dict[str, list[str]]


def _invalid(answer: Any) -> Errors:
    """Return what failed validation."""
    assert answer.status_code == 400
    assert answer.json()["message"] == "Validation error"
    return dict(answer.json()["errors"])


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"did": "op:1"}, {"did": ["The did format is invalid."]}),
        ({"did": "x", "url": "http://x"}, {"did": ["The did format is invalid."]}),
        ({"url": ""}, {"url": ["The url field is required when did is not present."]}),
    ],
)
def test_fileinfo_without_what_it_needs(world: World, body: Any, errors: Errors) -> None:
    assert _invalid(world.consumer.post(f"{SERVICES}/fileinfo", body)) == errors


def test_initialize_of_a_service_that_is_not_a_number(world: World) -> None:
    answer = world.consumer.get(
        f"{SERVICES}/initialize",
        documentId=world.dataset,
        serviceId="abc",
        serviceType="compute",
        dataToken="0x" + world.dataset.removeprefix("did:op:"),
        consumerAddress=world.consumer.address,
    )

    assert answer.status_code == 503
    assert answer.json()["error"] == "'NoneType' object has no attribute 'get_cost'"


def test_status_with_a_signature_of_nobody(world: World) -> None:
    signature = "0x" + f"{5:064x}{1:064x}" + "1b"  # no point of the curve has 5 for its x
    before = world.consumer.nonce()
    answer = world.consumer.get(
        f"{SERVICES}/compute",
        consumerAddress=world.consumer.address,
        jobId="",
        signature=signature,
    )

    assert answer.status_code == 503
    assert answer.json()["error"] == "failed to recover ECDSA public key"
    assert world.consumer.nonce() == before


@pytest.mark.parametrize("job_id", ["7", " "])
def test_a_job_id_of_one_character_is_none_to_a_status(world: World, job_id: str) -> None:
    world.consumer.start(world.dataset, world.dataset_order, **world.by_did)
    jobs, of_all = (
        world.consumer.get(
            f"{SERVICES}/compute", consumerAddress=world.consumer.address, jobId=wanted
        ).json()
        for wanted in (job_id, "")
    )

    assert jobs
    assert [job["jobId"] for job in jobs] == [job["jobId"] for job in of_all]


@pytest.mark.parametrize("job_id", ["7", " "])
@pytest.mark.parametrize("method", ["stop", "delete"])
def test_a_job_id_of_one_character_stops_and_deletes_nothing_here(
    world: World, method: str, job_id: str
) -> None:
    [job] = world.consumer.start(world.dataset, world.dataset_order, **world.by_did).json()
    answer = getattr(world.consumer, method)(job_id)

    assert answer.json() == ([] if method == "stop" else "")
    after = world.consumer.status(job["jobId"])
    assert (after["stopreq"], after["removed"]) == (0, 0)


@pytest.fixture(scope="module")
def two_files(world: World) -> tuple[str, str]:
    """A dataset of two files for download, and the consumer's order of it."""
    urls = [world.network.publish_file(text, "part.txt") for text in (b"first", b"last")]
    did = world.publisher.publish("two", urls, [access_service()])
    return did, world.consumer.order(world.publisher, did, 3)


def _download(world: World, two_files: tuple[str, str], **changes: Any) -> Any:
    did, order = two_files
    query = {
        "documentId": did,
        "serviceId": 3,
        "dataToken": "0x" + did.removeprefix("did:op:"),
        "consumerAddress": world.consumer.address,
        "transferTxId": order,
        "fileIndex": 0,
        "signature": world.consumer.signed(did),
    }
    return world.consumer.get(f"{SERVICES}/download", **(query | changes))


@pytest.mark.parametrize(
    ("index", "status", "text"),
    [(0, 200, "first"), (1, 200, "last"), (-1, 200, "last"), (-2, 200, "first")]
    + [(2, 500, ""), (-3, 500, ""), ("x", 500, "")],
)
def test_files_are_counted_as_python_counts(
    world: World, two_files: tuple[str, str], index: Any, status: int, text: str
) -> None:
    answer = _download(world, two_files, fileIndex=index)

    assert answer.status_code == status
    assert not text or answer.text == text


def test_a_download_with_another_data_token_is_refused(
    world: World, two_files: tuple[str, str]
) -> None:
    own = "0x" + two_files[0].removeprefix("did:op:")
    for token in ("0x" + world.dataset.removeprefix("did:op:"), own.lower()):
        answer = _download(world, two_files, dataToken=token)

        assert answer.status_code == 500
        assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "changes",
    [{"additionalInputs": inputs} for inputs in (None, {}, [1], "5", 5, "null")]
    + [{"algorithmDid": ""}, {"algorithmMeta": []}, {"output": "5"}, {"output": [1]}],
    ids=str,
)
def test_a_start_that_the_real_provider_fails_at(world: World, changes: Any) -> None:
    body = {"algorithmMeta": raw("print()")} | changes
    before = world.consumer.nonce()
    answer = world.consumer.start(world.dataset, world.dataset_order, **body)

    assert answer.status_code == (400 if changes == {"algorithmMeta": []} else 500)
    assert world.consumer.nonce() == before


def test_an_algorithm_that_is_empty_is_missing_alone(world: World) -> None:
    answer = world.consumer.start(world.dataset, world.dataset_order, algorithmMeta={})

    assert _invalid(answer) == {
        "algorithmMeta": ["The algorithmMeta field is required when algorithmDid is not present."]
    }


@pytest.mark.parametrize("path", [f"{SERVICES}/compute", f"{SERVICES}/encrypt"])
def test_a_body_that_is_null_has_no_parameters(world: World, path: str) -> None:
    answer = world.consumer.http.post(
        world.network.provider_url + path,
        data="null",
        headers={"Content-Type": "application/json"},
        timeout=30,
    )

    assert _invalid(answer)["documentId"] == ["The documentId field is required."]


def test_the_validation_of_nothing_at_all(world: World) -> None:
    answer = world.consumer.post(f"{ASSETS}/ddo/validate", {})

    assert answer.status_code == 200
    assert answer.json() == [{"message": "'main' is a required property", "path": ""}]


@pytest.mark.parametrize(("kind", "code"), [("allow", 3), ("deny", 4)])
def test_who_is_not_let_in_can_neither_order_nor_download(
    world: World, kind: str, code: int
) -> None:
    listed = stranger().address if kind == "allow" else world.consumer.address
    did = world.publisher.publish(
        "listed",
        [world.network.publish_file(b"1", "listed.txt")],
        [access_service()],
        ddo={"credentials": {kind: [{"type": "address", "values": [listed]}]}},
    )
    order = world.consumer.order(world.publisher, did, 3)
    answer = _download(world, (did, order))

    assert answer.status_code == 400
    assert answer.json() == {"error": f"Error: Access to asset {did} was denied with code: {code}."}
