"""What the network does not take: too much, too deep, from too far away."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
from urllib.parse import urlsplit

import pytest
import requests

from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.localnet.http.server import MAX_HEADER_BYTES, is_loopback
from ocean_lib.localnet.runners import Limits
from tests.integration.localnet.conftest import World, make_world
from tests.integration.localnet.handmade import ASSETS, SERVICES, raw

DEEP = "[" * 200_000
PAGE = "http://localhost:3000"


def _first_line(url: str, request: bytes) -> bytes:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), 10) as connection:
        with contextlib.suppress(OSError):  # it answers and closes before it has read it all
            connection.sendall(request)
        return connection.recv(4096).partition(b"\r\n")[0]


@pytest.mark.parametrize("part", ["provider_url", "rpc_url"])
def test_a_body_too_long_is_refused_by_its_length(world: World, part: str) -> None:
    url = getattr(world.network, part)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"

    assert b" 413 " in _first_line(url, head)


@pytest.mark.parametrize("part", ["provider_url", "rpc_url"])
def test_a_body_too_long_is_refused_in_pieces_too(world: World, part: str) -> None:
    url = getattr(world.network, part)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"

    assert b" 413 " in _first_line(url, head + piece * 9)


@pytest.mark.parametrize("part", ["provider_url", "rpc_url"])
def test_headers_too_long_are_refused(world: World, part: str) -> None:
    url = getattr(world.network, part)
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * (MAX_HEADER_BYTES + 1) + b"\r\n\r\n"

    assert b" 431 " in _first_line(url, head)


@pytest.mark.parametrize(
    "path",
    [
        f"{SERVICES}/compute",
        f"{SERVICES}/encrypt",
        f"{SERVICES}/fileinfo",
        f"{ASSETS}/ddo/query",
        f"{ASSETS}/ddo/validate",
        f"{ASSETS}/names",
    ],
)
def test_json_that_nests_too_deep_is_refused(world: World, path: str) -> None:
    answer = world.consumer.http.post(
        world.network.provider_url + path,
        data=DEEP,
        headers={"Content-Type": "application/json"},
        timeout=30,
    )

    assert answer.status_code == 400
    assert "nests deeper than" in answer.text


def test_a_number_that_no_float_holds_is_refused(world: World) -> None:
    body = {"documentId": "0x0", "document": "[1e999]", "publisherAddress": world.stranger.address}
    within = world.consumer.post(f"{SERVICES}/encrypt", body)
    itself = world.consumer.http.post(
        world.network.provider_url + f"{SERVICES}/encrypt",
        data=json.dumps(body)[:-1] + ', "size": -1E999}',
        headers={"Content-Type": "application/json"},
        timeout=30,
    )

    assert (within.status_code, itself.status_code) == (500, 400)
    assert "too large a number" in within.text
    assert "too large a number" in itself.text


@pytest.mark.parametrize("part", ["provider_url", "rpc_url"])
def test_both_ports_are_known_by_no_name_of_strangers(world: World, part: str) -> None:
    url = getattr(world.network, part)
    stranger, own = (
        requests.get(url, headers={"Host": host}, timeout=10).status_code
        for host in ("evil.example", "localhost")
    )

    assert stranger == 403
    assert own != 403


def test_json_within_a_parameter_is_refused_too(world: World) -> None:
    body = {"documentId": "0x0", "document": DEEP, "publisherAddress": world.stranger.address}
    encrypted = world.consumer.post(f"{SERVICES}/encrypt", body)
    started = world.consumer.start(
        world.dataset, world.dataset_order, additionalInputs=DEEP, algorithmMeta=raw("print()")
    )
    query = {"query": {"query_string": {"query": "(" * 200_000}}}
    searched = world.consumer.post(f"{ASSETS}/ddo/query", query)

    assert encrypted.status_code == 500
    assert started.status_code == 400
    assert "can not be decoded" in started.json()["error"]
    assert searched.status_code in (400, 500)


@pytest.mark.parametrize("part", ["provider_url", "rpc_url"])
@pytest.mark.parametrize("origin", [PAGE, "http://127.0.0.1:8080", "https://app.localhost"])
def test_a_page_of_this_machine_may_use_it_from_a_browser(
    world: World, part: str, origin: str
) -> None:
    url = getattr(world.network, part)
    asks = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    preflight = requests.options(url, headers=asks, timeout=10)
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []})
    answer = requests.post(url, data=call, headers={"Origin": origin}, timeout=10)

    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("part", ["provider_url", "rpc_url"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil", "["])
def test_other_pages_may_not(world: World, part: str, origin: str) -> None:
    url = getattr(world.network, part)
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = requests.options(url, headers=asks, timeout=10)
    answer = requests.get(url, headers={"Origin": origin}, timeout=10)

    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_listening_elsewhere_needs_a_word_more(host: str) -> None:
    with pytest.raises(LocalNetworkError, match="expose=True"):
        LocalNetwork(host=host).start()


def test_an_address_that_is_none_of_this_machine_is_named() -> None:
    with pytest.raises(LocalNetworkError, match=r"cannot listen on 192\.0\.2\.1"):
        LocalNetwork(host="192.0.2.1", expose=True).start()


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True)]
    + [("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.org", False)],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_exposed_it_says_what_that_means_and_reads_no_private_addresses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.WARNING, "ocean_lib.localnet"),
        LocalNetwork(host="0.0.0.0", expose=True) as network,
    ):
        world = make_world(network)
        inside = world.consumer.post(
            f"{SERVICES}/fileinfo", {"url": f"{network.provider_url}/"}
        ).json()
        [job] = world.consumer.start(
            world.dataset, world.dataset_order, algorithmMeta=raw("print('far')")
        ).json()
        ended = world.consumer.ended(job["jobId"])
        port = urlsplit(network.provider_url).port
        named = requests.get(
            f"http://127.0.0.2:{port}{SERVICES}/compute",
            params=world.consumer.query(job["jobId"]),
            timeout=10,
        ).json()
        log = world.consumer.read(named[0]["algorithmLogUrl"])
        world.close()

    assert "can be reached from other machines" in caplog.text
    assert inside == [{"index": 0, "valid": False}]
    assert ended["algorithmLogUrl"].startswith(f"http://127.0.0.1:{port}/")
    assert named[0]["algorithmLogUrl"].startswith(f"http://127.0.0.2:{port}/")
    assert "far" in log


def test_it_listens_on_ipv6_loopback_without_a_word() -> None:
    with LocalNetwork(host="::1") as network:
        url = network.provider_url
        answer = requests.get(url, timeout=10)

    assert url.startswith("http://[::1]:")
    assert answer.json()["software"] == "Provider"


def test_a_job_that_uses_too_much_memory_says_so_in_its_document() -> None:
    code = (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0: break\n"
        "kept = b'x' * 30_000_000\ntime.sleep(60)"
    )
    with LocalNetwork(limits=Limits(memory_bytes=5 * 10**7)) as network:
        world = make_world(network)
        [job] = world.consumer.start(
            world.dataset, world.dataset_order, algorithmMeta=raw(code)
        ).json()
        ended = world.consumer.ended(job["jobId"])
        world.close()

    assert ended["terminationDetails"] == {"exitCode": 137, "OOMKilled": True}
