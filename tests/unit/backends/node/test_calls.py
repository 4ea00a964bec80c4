"""What the client sends to a node equals what was recorded on ocean-node 3.2.0.

Signed texts, their hashes and signatures are compared byte for byte (RFC 6979 makes them
deterministic), bodies as JSON, queries decoded. Left out of the comparison are only the fields of
`LEFT_OUT`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from ocean_lib import ComputeInput, FileInput
from ocean_lib.backends.discovery import Discovery
from ocean_lib.backends.node import bodies, calls
from ocean_lib.backends.signing import Credential
from ocean_lib.exceptions import InvalidInput, MalformedResponse, OceanError, SignatureRejected
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.jobs.plan import MARKER, Algorithm, JobPlan
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.web3_internal.signer import sign_text
from ocean_lib.web3_internal.wallet import Wallet
from tests.vectors import nodes

RECORDINGS = [
    *("01", "10", "11", "12", "13", "14", "15", "16", "18", "19"),
    *("20", "21", "23", "24", "25", "26", "27", "28", "30", "32", "33", "34"),
    *("40", "41", "43", "44", "45", "46", "48", "50"),
]
LEFT_OUT = {"additionalViewers", "dataset", "chainId"}
"""Fields of recorded bodies that this client does not send: it has no argument for the first, and
the node ignores the others, which ocean.js sends beside `datasets` and `payment`."""
LEFT_OUT_OF_PAYMENT = {"maxJobDuration"}
"""Likewise, of what is below `payment`; the node reads the one beside it."""

STRIPPED = "eip191 over the hash bytes with leading zero bytes removed"


def exchanges() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{number}/{place}", exchange)
        for number in RECORDINGS
        for place, exchange in enumerate(nodes.load(number))
    ]


def signed_of(exchange: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = exchange.get("signed") or exchange["request"].get("signed") or {}
    return found


SIGNED = [
    pytest.param(signed, id=name)
    for name, exchange in [*exchanges(), *((c["case"], c) for c in nodes.errors())]
    if (signed := signed_of(exchange)).get("form", "").startswith(STRIPPED)
    and signed["message"][42:].removesuffix(signed["command"]).isdigit()
    and signed["signature"][-2:] in ("1b", "1c")  # the node takes v as 0 and 1, too
]


def wallet_of(signed: dict[str, Any]) -> Wallet:
    return Wallet(None, private_key=signed["privateKey"])


def nonce_in(signed: dict[str, Any]) -> tuple[str, int]:
    """Take address and nonce out of a signed text."""
    text = signed["message"].removesuffix(signed["command"])
    return text[:42], int(text[42:])


@pytest.mark.parametrize("signed", SIGNED)
def test_what_is_signed_and_the_signature_are_the_recorded_ones(signed: dict[str, Any]) -> None:
    address, nonce = nonce_in(signed)

    data = calls.signed_bytes(address, nonce, signed["command"])

    assert data == bytes.fromhex(signed["messageKeccak256"][2:]).lstrip(b"\0")
    wallet = wallet_of(signed)
    assert sign_text(wallet, data) == signed["signature"]


def test_enough_was_recorded() -> None:
    assert len(SIGNED) > 100
    assert {case.values[0]["command"] for case in SIGNED} >= {  # type: ignore[attr-defined]
        *(
            calls.START_FREE,
            calls.START_PAID,
            calls.STOP,
            calls.RESULT,
            calls.LOGS,
            calls.CREATE_TOKEN,
        ),
        calls.INVALIDATE_TOKEN,
    }


def test_the_accepted_signature_of_a_hash_that_begins_with_zero_is_ours() -> None:
    refused, accepted, _ = ((signed_of(one), one["response"]["status"]) for one in nodes.load("19"))
    address, nonce = nonce_in(accepted[0])

    data = calls.signed_bytes(address, nonce, calls.RESULT)

    assert (refused[1], accepted[1]) == (401, 200)
    assert len(data) == 31
    assert sign_text(wallet_of(accepted[0]), data) == accepted[0]["signature"]


@pytest.mark.slow
def test_300_hashes_that_begin_with_a_zero_byte_are_signed_without_it() -> None:
    from eth_account import Account
    from eth_account.messages import encode_defunct
    from eth_utils import keccak

    wallet = Wallet(None, private_key=nodes.CONSUMER_KEY)
    seen = 0
    for nonce in range(200_000):
        digest = keccak(text=f"{wallet.address}{nonce}{calls.RESULT}")
        if digest[0]:
            continue
        seen += 1

        data = calls.signed_bytes(wallet.address, nonce, calls.RESULT)

        # What the node does: to a number and back, which loses the zeros.
        number = int.from_bytes(digest, "big")
        assert data == number.to_bytes((number.bit_length() + 7) // 8, "big")
        if seen <= 20 or len(data) < 31:
            message = encode_defunct(primitive=data)
            signature = sign_text(wallet, data)
            assert Account.recover_message(message, signature=signature) == wallet.address
        if seen == 300:
            return
    raise AssertionError(f"only {seen} such hashes")


def credential_of(request: dict[str, Any]) -> Credential:
    given = (request.get("query") or {}) | ((request.get("body") or {}).get("json") or {})
    if "nonce" in given:
        return Credential(given["signature"], int(given["nonce"]))
    return Credential(request["headers"]["Authorization"])


def plan_of(body: dict[str, Any]) -> JobPlan:
    """Make the plan that a recorded start was made from."""
    algorithm = body["algorithm"]
    meta = dict(algorithm.get("meta") or {})
    if "fileObject" in algorithm:
        meta["url"] = algorithm["fileObject"]["url"]
    resources = body.get("resources") or (body.get("payment") or {}).get("resources") or []
    return JobPlan(
        tuple(map(input_of, body["datasets"])),
        Algorithm(
            did=algorithm.get("documentId", ""),
            meta=AlgorithmMetadata(meta) if meta else None,
            tx_id=algorithm.get("transferTxId", ""),
            service_id=algorithm.get("serviceId"),
        ),
        body["consumerAddress"],
        resources={item["id"]: item["amount"] for item in resources},
        max_duration_s=body.get("maxJobDuration"),
        metadata=body.get("metadata") or {},
        envs=algorithm.get("envs") or {},
        custom_data=algorithm.get("algocustomdata") or {},
    )


def input_of(item: dict[str, Any]) -> ComputeInput | FileInput:
    if "fileObject" in item:
        return FileInput(url=item["fileObject"]["url"])
    order = item.get("transferTxId", NOT_ORDERED)
    return ComputeInput(item["documentId"], order, item["serviceId"], item.get("userdata") or {})


def payment_of(body: dict[str, Any]) -> bodies.Payment | None:
    found = body.get("payment")
    return bodies.Payment(found["chainId"], found["token"]) if found else None


def send(exchange: dict[str, Any], http: HttpExchange) -> Any:
    """Make the call of ours that a recorded request corresponds to."""
    request = exchange["request"]
    method, path, query = request["method"], request["path"], request.get("query") or {}
    url = nodes.ROOT + path
    owner, job_id = query.get("consumerAddress", ""), query.get("jobId", "")
    if path == "/":
        return Discovery(http, 60).document(nodes.ROOT)
    if path.endswith("/nonce"):
        return calls.get_nonce(http, "GET", url, query["userAddress"])
    if path.endswith("/computeEnvironments"):
        return calls.get_environments(http, url)
    if path.endswith("/auth/token"):
        body = request["body"]["json"]
        valid = body.get("validUntil")
        return calls.create_token(http, url, body["address"], credential_of(request), valid)
    if path.endswith("/auth/token/invalidate"):
        body = request["body"]["json"]
        given = credential_of(request)
        return calls.invalidate_token(http, url, body["address"], body["token"], given)
    if path.endswith("/initializeCompute"):
        body, payment = request["body"]["json"], payment_of(request["body"]["json"])
        assert payment is not None
        return calls.get_terms(
            http, url, bodies.price_body(plan_of(body), body["environment"], payment)
        )
    if is_start(request):
        body = request["body"]["json"]
        given, payment = credential_of(request), payment_of(body)
        return calls.start_job(http, url, plan_of(body), body["environment"], given, payment)
    if path.endswith("/computeResult"):
        given = credential_of(request)
        with calls.open_result(
            http, url, owner, job_id, int(query["index"]), "a file", given
        ) as pieces:
            return b"".join(pieces)
    if path.endswith("/computeStreamableLogs"):
        with calls.open_log(http, url, owner, job_id, credential_of(request)) as pieces:
            return b"".join(pieces)
    if method == "PUT":
        return calls.put_stop(http, url, owner, job_id, credential_of(request))
    return calls.get_jobs(http, url, owner, job_id)[0]


def is_start(request: dict[str, Any]) -> bool:
    return request["method"] == "POST" and request["path"].endswith(("/freeCompute", "/compute"))


def is_ours(exchange: dict[str, Any]) -> bool:
    """Whether the client makes such a request; the others are left out, and counted below."""
    request = exchange["request"]
    query = request.get("query") or {}
    body = (request.get("body") or {}).get("json") or {}
    if exchange.get("response") is None or request["method"] == "HEAD":
        return False
    path, headers = request["path"], request.get("headers") or {}
    if path.endswith("/nonce"):
        return "userAddress" in query
    if path.endswith("/computeResult"):
        return query.get("index", "").isdigit() and bool(query.get("jobId"))
    if "/auth/token" in path:
        needs = {"address", "nonce", "signature"} | (
            {"token"} if path.endswith("invalidate") else set()
        )
        return needs <= set(body)
    if path.endswith("/compute") and request["method"] == "GET":
        return "consumerAddress" in query and "agreementId" not in query
    if path.endswith("/freeCompute") and not _has_entry_point(body):
        return False  # refused by the client before it is sent
    # Not ours either: a token beside a nonce, and with a scheme before it.
    return "Bearer" not in headers.get("Authorization", "")


def _has_entry_point(body: dict[str, Any]) -> bool:
    meta = body["algorithm"].get("meta")
    return meta is None or bool(meta["container"].get("entrypoint"))


OURS = [pytest.param(exchange, id=name) for name, exchange in exchanges() if is_ours(exchange)]


def test_most_of_what_was_recorded_is_compared() -> None:
    left_out = [name for name, exchange in exchanges() if not is_ours(exchange)]

    assert len(OURS) == 373
    assert len(left_out) == 15, left_out


@pytest.mark.parametrize("exchange", OURS)
def test_a_request_is_the_recorded_one_and_its_answer_is_understood(
    exchange: dict[str, Any],
) -> None:
    request, response = exchange["request"], exchange["response"]
    with responses.RequestsMock() as wire:
        wire.add(
            request["method"],
            nodes.ROOT + request["path"],
            body=nodes.body_of(exchange),
            status=response["status"],
            content_type=response["headers"].get("Content-Type", "text/plain"),
        )
        try:
            value, error = send(exchange, HttpExchange()), None
        except OceanError as raised:
            value, error = None, raised
        sent = wire.calls[0].request

    assert sent.params == (request.get("query") or {})  # type: ignore[attr-defined]
    expected = (request.get("body") or {}).get("json")
    if expected is not None:
        body = json.loads(sent.body or "")
        marker = body.get("metadata", {}).pop(MARKER, None)
        assert (marker is not None) is is_start(request)
        if not body.get("metadata") and "metadata" not in expected:
            body.pop("metadata", None)
        wanted = {key: v for key, v in expected.items() if key not in LEFT_OUT}
        for name in LEFT_OUT_OF_PAYMENT:
            (wanted.get("payment") or {}).pop(name, None)
        assert body == wanted
    token = (request.get("headers") or {}).get("Authorization")
    token = None if token == "undefined" else token  # so ocean.js says that it has none
    if "nonce" not in (request.get("query") or {}):
        assert sent.headers.get("Authorization") == token
    assert (error is None) is (response["status"] < 300)
    if error is not None:
        assert type(error).__module__ == "ocean_lib.exceptions"
    if value and isinstance(value, bytes):
        assert value == nodes.body_of(exchange)


def test_a_stop_that_is_refused_without_words_may_be_a_stale_nonce() -> None:
    with responses.RequestsMock() as wire:
        wire.put(f"{nodes.ROOT}/stop", body="Internal Server Error", status=500)

        with pytest.raises(SignatureRejected, match="nonce that has moved"):
            calls.put_stop(
                HttpExchange(), f"{nodes.ROOT}/stop", nodes.CONSUMER, "x", Credential("0x", 1)
            )


@pytest.mark.parametrize("nonce", ["x", "", -1, 1.5, None])
def test_a_nonce_that_is_none_is_malformed(nonce: object) -> None:
    with responses.RequestsMock() as wire:
        wire.get(f"{nodes.ROOT}/nonce", json={"nonce": nonce})

        with pytest.raises(MalformedResponse):
            calls.get_nonce(HttpExchange(), "GET", f"{nodes.ROOT}/nonce", nodes.CONSUMER)


def test_a_token_that_is_none_is_malformed_and_not_shown() -> None:
    with responses.RequestsMock() as wire:
        wire.post(f"{nodes.ROOT}/token", json={"jwt": "secret"})

        with pytest.raises(MalformedResponse) as caught:
            calls.create_token(
                HttpExchange(), f"{nodes.ROOT}/token", nodes.CONSUMER, Credential("0x", 1)
            )
    assert "secret" not in str(caught.value)


def plan(**fields: Any) -> JobPlan:
    meta = AlgorithmMetadata(
        {"rawcode": "1", "container": {"image": "a", "tag": "b", "entrypoint": "c $ALGO"}}
    )
    return JobPlan((FileInput(url="http://x/y"),), Algorithm(meta=meta), nodes.CONSUMER, **fields)


def test_metadata_longer_than_a_node_takes_is_refused_before_it_is_sent() -> None:
    room = bodies.MAX_METADATA_CHARS - len(f'{{"a":"","{MARKER}":"{plan().marker}"}}')

    assert bodies.start_body(plan(metadata={"a": "x" * room}), "e")["metadata"]["a"]
    with pytest.raises(InvalidInput, match="1025 characters"):
        bodies.start_body(plan(metadata={"a": "x" * (room + 1)}), "e")


def test_two_plans_have_two_markers_and_are_equal_otherwise() -> None:
    first, second = plan(), plan()

    assert first.marker != second.marker
    assert first == second


def test_an_images_digest_goes_out_as_its_checksum() -> None:
    digest = "sha256:" + "a" * 64
    container = {"image": "a", "tag": "b", "entrypoint": "c $ALGO", "checksum": digest}
    meta = AlgorithmMetadata({"rawcode": "1", "container": container})
    of_v3 = meta.as_dictionary()

    body = bodies.start_body(
        JobPlan((), Algorithm(meta=meta), nodes.CONSUMER, envs={"A": "1"}), "e"
    )

    assert body["algorithm"]["meta"]["container"] == container
    assert body["algorithm"]["envs"] == {"A": "1"}
    assert "checksum" not in of_v3["container"]
