"""The metadata cache's answers give the right value or one of our errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocean_lib.common.aquarius.aquarius import Aquarius
from ocean_lib.common.aquarius.aquarius_provider import AquariusProvider
from ocean_lib.exceptions import (
    AquariusError,
    AssetNotFound,
    InvalidDid,
    InvalidInput,
    InvalidUrl,
    MalformedResponse,
    OceanError,
    ResponseError,
)
from ocean_lib.http.exchange import HttpExchange

ROOT = "http://127.0.0.1:28501"
ASSETS = f"{ROOT}/api/v1/aquarius/assets"
DID = "did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"
HTML = "<!doctype html><html><title>404 Not Found</title><h1>Not Found</h1></html>"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

CALLS: dict[str, Callable[[Aquarius], Any]] = {
    "list_assets": lambda a: a.list_assets(),
    "get_asset_ddo": lambda a: a.get_asset_ddo(DID),
    "get_asset_metadata": lambda a: a.get_asset_metadata(DID),
    "list_assets_ddo": lambda a: a.list_assets_ddo(),
    "text_search": lambda a: a.text_search("x"),
    "query_search": lambda a: a.query_search({}),
    "validate_metadata": lambda a: a.validate_metadata({}),
}


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def everywhere(mock: responses.RequestsMock, **answer: Any) -> None:
    mock.assert_all_requests_are_fired = False
    for method, path in (
        ("GET", ""),
        ("GET", f"/ddo/{DID}"),
        ("GET", f"/metadata/{DID}"),
        ("GET", "/ddo"),
        ("POST", "/ddo/query"),
        ("POST", "/ddo/validate"),
    ):
        mock.add(method, ASSETS + path, **answer)


@pytest.mark.parametrize("given", [ROOT, ROOT + "/", ASSETS, ASSETS + "/ddo/"])
def test_the_url_may_be_that_of_the_cache_or_of_its_api(given: str) -> None:
    aquarius = Aquarius(given)

    assert aquarius.root_url == ROOT
    assert aquarius.url == f"{ASSETS}/ddo"
    assert aquarius.get_service_endpoint() == f"{ASSETS}/ddo/{{did}}"


@pytest.mark.parametrize("given", ["", None, "localhost:5000", "http://me:secret@host"])
def test_other_text_is_refused(given: Any) -> None:
    with pytest.raises(InvalidUrl, match="aquarius_url"):
        Aquarius(given)


def test_the_recorded_exchanges_are_made_again(
    mock: responses.RequestsMock, exchanges: Callable[[str], list[dict[str, Any]]]
) -> None:
    seen = set()
    for number in ("01", "02"):
        for exchange in exchanges(number):
            if exchange["to"] != "aquarius":
                continue
            mock.reset()
            mock.add(
                exchange["method"],
                ROOT + exchange["target"],
                body=exchange["response_body"],
                content_type=exchange["response_content_type"],
            )
            body = exchange["response_body"]

            if exchange["target"].endswith("/validate"):
                document = json.loads(exchange["request_body"])
                assert Aquarius(ROOT).validate_metadata(document) == (True, [])
                request = mock.calls[0].request
                assert (request.body or b"").decode() == exchange["request_body"]  # type: ignore[union-attr]
                assert request.headers["Content-Type"] == exchange["request_content_type"]
            elif exchange["target"].endswith("/assets"):
                assert Aquarius(ROOT).list_assets() == json.loads(body)
            else:
                did = exchange["target"].rpartition("/")[2]
                assert Aquarius(ROOT).get_asset_ddo(did).as_text() == body
            assert len(mock.calls) == 1
            seen.add(exchange["target"][:35])
    assert len(seen) == 3


def test_an_unknown_asset_is_not_found(mock: responses.RequestsMock) -> None:
    mock.get(f"{ASSETS}/ddo/{DID}", status=404, body=HTML, content_type="text/html")

    with pytest.raises(AssetNotFound, match=f"holds no asset {DID}") as caught:
        Aquarius(ROOT).get_asset_ddo(DID)

    assert caught.value.status_code == 404
    assert caught.value.operation == f"get the asset {DID}"
    assert caught.value.url == f"{ASSETS}/ddo/{DID}"
    assert isinstance(caught.value, LookupError)


def test_unknown_metadata_is_not_found(mock: responses.RequestsMock) -> None:
    mock.get(f"{ASSETS}/metadata/{DID}", status=404, body=HTML)

    with pytest.raises(AssetNotFound):
        Aquarius(ROOT).get_asset_metadata(DID)


@pytest.mark.parametrize("call", ["get_asset_ddo", "get_asset_metadata"])
@pytest.mark.parametrize("did", ["", "x", "did:op:../../secret", None])
def test_a_did_is_checked_before_anything_is_sent(call: str, did: Any) -> None:
    with responses.RequestsMock(), pytest.raises(InvalidDid):
        getattr(Aquarius(ROOT), call)(did)


def test_the_ddo_of_another_asset_is_refused(
    mock: responses.RequestsMock, algorithm_ddo: dict[str, Any]
) -> None:
    mock.get(f"{ASSETS}/ddo/{DID}", json=algorithm_ddo)

    with pytest.raises(MalformedResponse, match="got the DDO of 'did:op:1Bc77"):
        Aquarius(ROOT).get_asset_ddo(DID)


def test_what_is_no_ddo_is_refused_with_the_key_that_is_wrong(
    mock: responses.RequestsMock,
) -> None:
    mock.get(f"{ASSETS}/ddo/{DID}", json={"id": DID, "service": 5})

    with pytest.raises(MalformedResponse, match="service must be a list"):
        Aquarius(ROOT).get_asset_ddo(DID)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, AquariusError), (401, AquariusError), (404, AquariusError), (500, AquariusError)],
)
def test_an_error_answer_is_an_error(
    mock: responses.RequestsMock, name: str, status: int, error: type[ResponseError]
) -> None:
    everywhere(mock, status=status, body="the server's words")

    with pytest.raises(error, match="metadata cache") as caught:
        CALLS[name](Aquarius(ROOT))

    assert caught.value.status_code == status
    assert caught.value.provider_text == "the server's words"
    assert len(mock.calls) == 1


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("body", [HTML, "", "5", "null", '"text"'])
def test_a_server_that_is_no_cache_is_told(
    mock: responses.RequestsMock, name: str, body: str
) -> None:
    everywhere(mock, status=200, body=body)

    with pytest.raises(MalformedResponse, match="right service"):
        CALLS[name](Aquarius(ROOT))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(JSON, st.sampled_from([200, 201, 302, 400, 418, 500]))
def test_any_json_gives_a_value_or_our_error(answer: Any, status: int) -> None:
    for call in CALLS.values():
        with responses.RequestsMock() as mock:
            everywhere(mock, status=status, json=answer)
            try:
                call(Aquarius(ROOT))
            except OceanError as error:
                caught: Exception | None = error
            else:
                caught = None
            assert caught is None or isinstance(caught, ResponseError)


def test_validation_gives_the_verdict(mock: responses.RequestsMock) -> None:
    faults = [{"message": "'main' is a required property", "path": ""}]
    mock.post(f"{ASSETS}/ddo/validate", json=faults)
    mock.post(f"{ASSETS}/ddo/validate", json=False)

    assert Aquarius(ROOT).validate_metadata({"x": 1}) == (False, faults)
    assert Aquarius(ROOT).validate_metadata({"x": 1}) == (False, [])


def test_a_search_sends_the_query_and_its_page(mock: responses.RequestsMock) -> None:
    found = {"results": [], "page": 2, "total_pages": 0, "total_results": 0}
    mock.post(f"{ASSETS}/ddo/query", json=found)
    query = {"query": {"service.type": ["compute"]}}

    assert Aquarius(ROOT).query_search(query, sort={"created": -1}, offset=10, page=2) == found
    assert Aquarius(ROOT).text_search("fish & chips#1") == found

    sent = [json.loads(call.request.body or "") for call in mock.calls]
    assert sent == [
        {
            "query": {"service.type": ["compute"]},
            "sort": {"created": -1},
            "offset": 10,
            "page": 2,
        },
        {"text": "fish & chips#1", "sort": None, "offset": 100, "page": 1},
    ]
    assert query == {"query": {"service.type": ["compute"]}}


def test_a_search_that_cannot_work_is_not_sent() -> None:
    with responses.RequestsMock():
        with pytest.raises(AssertionError):
            Aquarius(ROOT).text_search("x", page=0)
        with pytest.raises(InvalidInput, match="search_query must be a dict"):
            Aquarius(ROOT).query_search("x")  # type: ignore[arg-type]


def test_assets_and_metadata_are_returned_as_they_are(mock: responses.RequestsMock) -> None:
    mock.get(f"{ASSETS}/ddo", json=[{"id": DID}])
    mock.get(f"{ASSETS}/metadata/{DID}", json={"main": {}})

    assert Aquarius(ROOT).list_assets_ddo() == [{"id": DID}]
    assert Aquarius(ROOT).get_asset_metadata(DID) == {"main": {}}


def test_requests_go_over_the_exchange_that_was_given(mock: responses.RequestsMock) -> None:
    sent = []

    class Recorder(HttpExchange):
        def send(self, method: str, url: str, **options: Any) -> Any:
            sent.append((method, url, options["retry"]))
            return super().send(method, url, **options)

    mock.get(ASSETS, json=[])

    assert AquariusProvider.get_aquarius(ROOT, Recorder()).list_assets() == []
    assert sent == [("GET", ASSETS, True)]
