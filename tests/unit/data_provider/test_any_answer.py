"""Whatever a server answers, a call gives a value or one of our errors, never anything else."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter, HTTPAdapter

from ocean_lib.common.aquarius.aquarius import Aquarius as AquariusClient
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import InvalidInput, OceanError
from ocean_lib.http import deadline
from ocean_lib.jobs import starting
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests import vectors
from tests.players import DID, Aquarius, Provider, new_wallet, start
from tests.wire import Exchange, Request

PROVIDER, CACHE = "http://provider.test", "http://cache.test"
WALLET = new_wallet()
CONFIG = Config(
    options_dict={
        "eth-network": {"network": "http://127.0.0.1:1"},
        "resources": {"metadata_cache_uri": CACHE, "provider.url": PROVIDER},
    }
)
Answered = tuple[int, dict[str, str], bytes]


class Wire(BaseAdapter):
    """Plays Provider and metadata cache without sockets; one operation's answer is arbitrary."""

    def __init__(self) -> None:
        super().__init__()
        self.provider, self.cache = Provider(), Aquarius(PROVIDER)
        self.operation = ""
        self.odd: Callable[[bytes], Answered] = lambda body: (200, {}, body)

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> Any:
        path = request.path_url
        asked = Request(request.method or "", path, {}, _bytes(request.body), 1)
        if (request.url or "").startswith(CACHE):
            operation = "cache"
            reply = self.cache.route(asked)
        else:
            operation = self.provider.operation_of(asked.method, path)
            reply = self.provider.route(asked)
        sent: list[bytes] = []
        fake = Exchange(None, asked, None)  # type: ignore[arg-type]
        fake.send = sent.append  # type: ignore[method-assign]
        reply(fake)
        head, _, body = b"".join(sent).partition(b"\r\n\r\n")
        answered: Answered = (int(head.split(b" ")[1]), {}, body)
        if operation == self.operation:
            answered = self.odd(body)
        status, headers, body = answered
        response = urllib3.HTTPResponse(
            body=io.BytesIO(body), status=status, headers=headers, preload_content=False
        )
        return HTTPAdapter().build_response(request, response)

    def close(self) -> None:
        """Nothing is open."""


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def client(wire: Wire, kind: type[DataServiceProvider] = DataServiceProvider) -> OceanCompute:
    session = requests.Session()
    session.mount("http://", wire)
    return OceanCompute(CONFIG, kind(CONFIG, http_client=session))


@pytest.fixture(autouse=True, scope="module")
def _no_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deadline, "BACKOFF_S", 0.0)
        patch.setattr(starting, "LOOK_PAUSES_S", (0.0,))
        yield


ANY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a failure is short as it is
)

keys = st.sampled_from(
    [
        *("jobId", "status", "statusText", "stopreq", "dateCreated", "dateFinished", "resultsUrl"),
        *("algorithmLogUrl", "resultsDid", "owner", "agreementId", "algoDID", "inputDID", "url"),
        *("nonce", "serviceEndpoints", "error", "errors", "message", "signature", "valid", "id"),
        *("service", "type", "index", "attributes", "main", "serviceEndpoint", "credentials"),
        *("allow", "deny", "values", "isDisable", "proof", "dataToken", "numTokens", "to"),
    ]
)
texts = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    ["", "0", "7" * 5000, "Invalid signature provided.", "denied with code 3", "http://x/y", DID]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 1e308, float("nan"), float("inf")])
    | st.floats()
    | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
statuses = st.sampled_from([200, 200, 200, 201, 204, 299, 400, 401, 404, 405, 429, 500, 502, 503])
dates = st.sampled_from(["", "Sun, 22 Nov 2026 10:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"])


@st.composite
def answers(draw: Any) -> Callable[[bytes], Answered]:
    """Any JSON, any bytes, or the right answer with something in it changed."""
    status = draw(statuses)
    headers = {
        "Date": draw(dates | st.text(max_size=20)),
        "Content-Type": draw(st.text(max_size=9)),
    }
    kind = draw(st.sampled_from(["JSON", "bytes", "changed", "changed", "changed"]))
    event(kind)
    if kind == "JSON":
        body = json.dumps(draw(values)).encode()
        return lambda _: (status, headers, body)
    if kind == "bytes":
        odd = draw(
            st.binary(max_size=200) | st.sampled_from([b"<" * 5000, b"[" * 5000, b"\xff\xfe["])
        )
        return lambda _: (status, headers, odd)
    places, new = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=3)), draw(values)
    return lambda right: (status, headers, _changed(right, places, new))


def _changed(right: bytes, places: list[int], new: Any) -> bytes:
    """Put `new` somewhere into the right answer; two places: also leave something out."""
    try:
        document = [json.loads(right)]
    except ValueError:
        return json.dumps(new).encode()
    slots = list(_slots(document))
    container, key = slots[places[0] % len(slots)]
    container[key] = copy.deepcopy(new)
    for place in places[1:]:
        slots = list(_slots(document))[1:]
        if slots:
            container, key = slots[place % len(slots)]
            del container[key]
    return json.dumps(document[0]).encode()


def _slots(node: Any) -> Iterator[tuple[Any, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        yield node, key
        if isinstance(value, (dict, list)):
            yield from _slots(value)


def is_status(value: Any) -> bool:
    return (
        set(value) == {"ok", "status", "statusText"}
        and isinstance(value["status"], int)
        and isinstance(value["statusText"], str)
    )


def is_result(value: Any) -> bool:
    return (
        set(value) == {"did", "urls", "logs"}
        and isinstance(value["did"], str)
        and all(isinstance(url, str) and url for url in value["urls"] + value["logs"])
    )


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def is_jobs(value: Any) -> bool:
    return all(isinstance(job, ComputeJob) for job in value)


def _start_one(c: OceanCompute, _: str) -> Any:
    return start(c, WALLET)


CALLS: dict[
    str, tuple[Callable[[OceanCompute, str], Any], tuple[str, ...], Callable[[Any], bool]]
] = {
    "start": (
        _start_one,
        ("cache", "endpoints", "fileinfo", "nonce", "start"),
        is_text,
    ),
    "status": (lambda c, j: c.status(DID, j, WALLET), ("cache", "endpoints", "status"), is_status),
    "result": (
        lambda c, j: c.result(DID, j, WALLET),
        ("cache", "endpoints", "nonce", "result"),
        is_result,
    ),
    "stop": (lambda c, j: c.stop(DID, j, WALLET), ("nonce", "stop"), is_status),
    "stop_all": (lambda c, _: c.stop_all(DID, WALLET, confirm=True), ("stop",), is_list),
    "delete": (lambda c, j: c.delete(DID, j, WALLET), ("delete",), lambda value: value is True),
    "jobs": (lambda c, _: c.jobs(WALLET, DID), ("look",), is_jobs),
}
CELLS = [
    (name, operation) for name, (_, operations, _) in CALLS.items() for operation in operations
]


def outcome(act: Callable[[], Any]) -> tuple[Any, OceanError | None]:
    """Return the value or our error; anything else ends the test."""
    try:
        return act(), None
    except OceanError as error:
        return None, error


def check_words(error: OceanError) -> bool:
    """The message is there, of sane length, on one line, and can be printed."""
    words = str(error)
    assert words
    assert len(words) < 4000
    assert words.isprintable(), "control characters are out"
    return True


@pytest.mark.parametrize(("name", "operation"), CELLS)
@ANY
@given(odd=answers())
def test_a_call_gives_a_value_of_its_kind_or_our_error(
    name: str, operation: str, odd: Callable[[bytes], Answered]
) -> None:
    act, _, fits = CALLS[name]
    wire = Wire()
    job_id = start(client(wire), WALLET)
    compute = client(wire)
    wire.operation, wire.odd = operation, odd

    value, error = outcome(lambda: act(compute, job_id))

    if error is None:
        assert fits(value), value
        event("a value")
    else:
        check_words(error)
        assert not isinstance(error, InvalidInput) or operation in ("cache", "endpoints")
        event("an error")


@ANY
@given(odd=answers())
def test_a_lost_start_survives_any_list_of_jobs(odd: Callable[[bytes], Answered]) -> None:
    wire = Wire()
    provider = wire.provider

    class LosesAnswers(DataServiceProvider):
        def start_compute_job(self, *args: Any, **kwargs: Any) -> Any:
            super().start_compute_job(*args, **kwargs)
            wire.operation, wire.odd = "look", odd
            from ocean_lib.exceptions import ConnectionBroken

            raise ConnectionBroken("lost")

    compute = client(wire, LosesAnswers)
    job_id, error = outcome(lambda: start(compute, WALLET))

    assert check_words(error) if error else isinstance(job_id, str)
    assert len(provider.jobs) == 1


REST: dict[str, tuple[str, Callable[[DataServiceProvider, AquariusClient], Any]]] = {
    "services": ("endpoints", lambda p, _: p.get_service_endpoints(PROVIDER)),
    "address": ("endpoints", lambda p, _: p.get_provider_address(PROVIDER)),
    "nonce": ("nonce", lambda p, _: p.get_nonce(WALLET.address, PROVIDER)),
    "fileinfo": ("fileinfo", lambda p, _: p.check_single_file_info("http://x/", PROVIDER)),
    "initialize": (
        "initialize",
        lambda p, _: p.get_order_requirements(
            DID,
            f"{PROVIDER}/api/v1/services/initialize",
            WALLET.address,
            4,
            "compute",
            WALLET.address,
        ),
    ),
    "encrypt": (
        "encrypt",
        lambda p, _: p.encrypt_files_dict(
            [], f"{PROVIDER}/api/v1/services/encrypt", WALLET.address, WALLET.address, "0x"
        ),
    ),
    "asset": ("cache", lambda _, a: a.get_asset_ddo(DID)),
    "metadata": ("cache", lambda _, a: a.get_asset_metadata(DID)),
    "all assets": ("cache", lambda _, a: a.list_assets()),
    "all DDOs": ("cache", lambda _, a: a.list_assets_ddo()),
    "text search": ("cache", lambda _, a: a.text_search("x")),
    "query": ("cache", lambda _, a: a.query_search({})),
    "validate": ("cache", lambda _, a: a.validate_metadata({})),
}


@pytest.mark.parametrize("name", REST)
@ANY
@given(odd=answers())
def test_the_other_calls_give_a_value_or_our_error(
    name: str, odd: Callable[[bytes], Answered]
) -> None:
    operation, act = REST[name]
    wire = Wire()
    provider: Any = client(wire)._data_provider
    wire.operation, wire.odd = operation, odd

    _, error = outcome(lambda: act(provider, AquariusClient(CACHE, provider.http)))

    assert error is None or check_words(error)


RECORDED = [case["body"].encode("utf-8", "surrogateescape") for case in vectors.errors()]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "operation"), [("result", "result"), ("status", "status")])
def test_no_answer_of_the_real_provider_to_something_else_confuses_a_call(
    name: str, operation: str
) -> None:
    job_id = "0123456789abcdef"
    for status in (200, 400, 500, 503):
        wire = Wire()
        compute = client(wire)
        for body in RECORDED:
            wire.operation, wire.odd = operation, lambda _, s=status, b=body: (s, {}, b)
            with pytest.raises(OceanError):
                CALLS[name][0](compute, job_id)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<" * 100_000, id="tags without end"),
        pytest.param("<title>" * 14_000, id="titles without end"),
        pytest.param("<html>" + "0x" * 50_000, id="hex without end"),
        pytest.param("a?" * 50_000, id="queries without end"),
        pytest.param("<p>" + "a" * 100_000, id="a long word"),
        pytest.param('"' + "\\" * 100_000, id="backslashes"),
        pytest.param("[" * 199 + '"\\' * 50_000, id="brackets and quotes"),
    ],
)
def test_no_body_takes_long_to_describe(body: str) -> None:
    import time

    wire = Wire()
    compute = client(wire)
    wire.operation, wire.odd = "status", lambda _: (200, {}, body.encode())
    began = time.process_time()

    with pytest.raises(OceanError):
        compute.status(DID, "abc", WALLET)

    assert time.process_time() - began < 1.0
