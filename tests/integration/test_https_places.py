"""An asset says http, and its host wants https: the same place, and never another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import MovedToHttps, RedirectRefused
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import DID, FILE, ORDER, World, new_wallet, start

HOST = "gateway.example"
CACHE = "cache.example"
ASSET_ID = "0x" + DID.rpartition(":")[2]
Location = Callable[[str], str]


class Gateway:
    """A client of the user's own, for which a host's http only sends on, and its https answers.

    Attributes:
        location: where http leads, given the URL asked for.
        asked: the scheme, method and signature ('' for none) of each request to the host.
        on_unsigned: done at each request before the first signed one.
        on_moved: done when a signed request is sent on.
    """

    def __init__(self, world: World, location: Location) -> None:
        self.places = {HOST: world.provider.url, CACHE: world.aquarius.url}
        self.location = location
        self.session = requests.Session()
        self.asked: list[tuple[str, str, str]] = []
        self.on_unsigned: Callable[[], None] = lambda: None
        self.on_moved: Callable[[], None] = lambda: None

    def request(self, method: str, url: str, **options: Any) -> Any:
        parts = urlsplit(url)
        if parts.hostname == "127.0.0.1":
            return self.session.request(method, url, **options)
        assert parts.hostname in self.places, f"nothing is to leave this machine: {url}"
        signature = signature_in(options)
        self.asked.append((f"{parts.scheme}:{parts.port or ''}", method, signature))
        if not any(signed for _, _, signed in self.asked):
            self.on_unsigned()
        if parts.scheme == "http":
            if signature:
                self.on_moved()
            return self._sent_on(url)
        there = f"{self.places[parts.hostname]}{parts.path}"
        return self.session.request(method, there, **options)

    def _sent_on(self, url: str) -> requests.Response:
        response = requests.Response()
        response.status_code = 301
        response.headers["Location"] = self.location(url)
        response._content = b""
        return response

    def signed_over(self, scheme: str) -> int:
        """Return how many signatures went over a scheme."""
        return len([over for over in self.signed() if over.startswith(scheme)])

    def signed(self) -> list[str]:
        """Return over what each signature went."""
        return [over for over, _, signature in self.asked if signature]


def signature_in(options: dict[str, Any]) -> str:
    """Return the signature in a request's query or body."""
    body = json.loads(options.get("data") or b"{}")
    return str({**body, **(options.get("params") or {})}.get("signature", ""))


def over_tls(url: str) -> str:
    return url.replace("http:", "https:")


def port_443(url: str) -> str:
    return over_tls(url).replace(HOST, f"{HOST}:443")


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def client(world: World, location: Location, place: str = f"http://{HOST}") -> OceanCompute:
    world.aquarius.provider_url = place
    config = world.config(**{"provider.url": place})
    gateway = Gateway(world, location)
    compute = OceanCompute(config, DataServiceProvider(config, http_client=gateway))
    compute.gateway = gateway  # type: ignore[attr-defined]
    return compute


@pytest.mark.parametrize(
    ("place", "location"),
    [
        (f"http://{HOST}", over_tls),
        (f"http://{HOST}", port_443),
        (f"http://{HOST}:80", lambda url: over_tls(url).replace(":80", "")),
        (f"http://{HOST}:8030", over_tls),
        (f"http://{HOST}/api/v1/services/compute", over_tls),
    ],
)
def test_the_same_host_over_https_is_the_same_place(world, place, location) -> None:
    compute, wallet = client(world, location, place), new_wallet()

    job_id = start(compute, wallet)
    assert compute.status(DID, job_id, wallet)["status"] == 1
    assert compute.result(DID, job_id, wallet)["urls"]
    assert compute.stop(DID, job_id, wallet)
    assert compute.delete(DID, job_id, wallet)

    asked = [over for over, _, _ in compute.gateway.asked]
    assert sum(over.startswith("http:") for over in asked) == 1, "the first request learned it"
    assert compute.gateway.signed_over("http:") == 0
    assert world.provider.count()["start"] == 1
    assert world.provider.refused_signatures == 0


@pytest.mark.parametrize(
    "call", ["start", "stop", "stop all", "delete", "result", "download", "encrypt"]
)
@pytest.mark.parametrize("token", ["off", "on"])
def test_a_signed_call_is_made_there_anew(world, tmp_path, call, token) -> None:
    place = f"http://{HOST}"
    config = world.config(auth_token=token, **{"provider.url": place})
    gateway = Gateway(world, over_tls)
    world.aquarius.provider_url = place
    world.aquarius.ddo["service"].append(
        {**world.aquarius.ddo["service"][1], "type": "access", "index": 3, "serviceEndpoint": place}
    )
    provider = DataServiceProvider(config, http_client=gateway)
    ocean, wallet = Ocean(config, provider), new_wallet()
    compute = OceanCompute(config, provider)
    job_id = start(compute, wallet)
    nonces = world.provider.nonces
    provider.http.forget_places()
    gateway.asked.clear()
    # Nothing that comes before the signed call teaches where to make it.
    gateway.on_unsigned = provider.http.forget_places
    # Another program takes the nonce, so the same signature would not do there.
    gateway.on_moved = lambda: nonces.update({wallet.address: nonces.get(wallet.address, 0) + 1})

    acts = {
        "start": lambda: start(compute, wallet),
        "stop": lambda: compute.stop(DID, job_id, wallet),
        "stop all": lambda: compute.stop_all(DID, wallet, confirm=True),
        "delete": lambda: compute.delete(DID, job_id, wallet),
        "result": lambda: compute.result(DID, job_id, wallet),
        "download": lambda: ocean.assets.download(DID, 3, wallet, ORDER, str(tmp_path)),
        "encrypt": lambda: provider.encrypt_files([{"url": "x"}], ASSET_ID, wallet, place),
    }
    assert acts[call]()

    assert gateway.signed() == ["http:", "https:"]
    assert world.provider.refused_signatures == 0
    assert len(world.provider.jobs) == {"start": 2, "delete": 0}.get(call, 1)
    files = [path.read_bytes() for path in tmp_path.rglob("*.csv")]
    assert files == ([FILE] if call == "download" else [])


@pytest.mark.parametrize("token", ["off", "on"])
def test_an_encryption_carries_its_own_signature_to_any_provider(world, token) -> None:
    elsewhere = world.config(auth_token=token, **{"provider.url": "https://other.example"})
    gateway = Gateway(world, over_tls)
    provider, wallet = DataServiceProvider(elsewhere, http_client=gateway), new_wallet()

    for _ in range(2):
        assert provider.encrypt_files([{"url": "x"}], ASSET_ID, wallet, f"http://{HOST}")

    assert [("-" in signature) for _, _, signature in gateway.asked if signature] == [False] * 2
    assert world.provider.refused_signatures == 0
    assert world.provider.count()["encrypt"] == 2


QUERY = {"query": {"service.type": ["compute"]}}
READS: dict[str, Callable[[Ocean], list[Any]]] = {
    "GET": lambda ocean: [ocean.assets.resolve(DID)],
    "POST": lambda ocean: ocean.assets.query(QUERY),
}


@pytest.mark.parametrize("method", READS)
def test_the_metadata_cache_is_asked_there_too(world, method) -> None:
    ocean, gateway = at_cache(world, over_tls)

    for _ in range(2):
        assert [asset.did for asset in READS[method](ocean)] == [DID]

    assert gateway.asked == [("http:", method, ""), *[("https:", method, "")] * 2]
    if method == "POST":
        sent = world.aquarius.server.requests[-1].json()
        assert sent["query"] == QUERY


@pytest.mark.parametrize("method", READS)
def test_no_other_place_is_asked_for_a_metadata_cache(world, method) -> None:
    ocean, gateway = at_cache(world, lambda url: over_tls(url).replace(CACHE, HOST))

    with pytest.raises(RedirectRefused):
        READS[method](ocean)

    assert gateway.asked == [("http:", method, "")]


def at_cache(world: World, location: Location) -> tuple[Ocean, Gateway]:
    """Return a client whose metadata cache is behind the gateway."""
    config = world.config(metadata_cache_uri=f"http://{CACHE}")
    gateway = Gateway(world, location)
    return Ocean(config, DataServiceProvider(config, http_client=gateway)), gateway


@pytest.mark.parametrize(
    "location",
    [
        lambda url: url.replace(HOST, "thief.example"),
        lambda url: over_tls(url).replace(HOST, "thief.example"),
        lambda url: over_tls(url).replace(HOST, f"{HOST}:8443"),
        lambda url: over_tls(url).replace(HOST, f"{HOST}.thief.example"),
        lambda url: over_tls(url).replace(HOST, f"me@{HOST}"),
        lambda url: over_tls(url) + "/login",
        lambda url: url,
        lambda _: "https://[",
    ],
)
def test_any_other_place_is_refused_and_the_advice_names_the_ddo(world, location) -> None:
    compute, wallet = client(world, location), new_wallet()

    with pytest.raises(RedirectRefused, match="DDO") as caught:
        start(compute, wallet)

    assert not isinstance(caught.value, MovedToHttps)
    assert compute.gateway.signed_over("http") == 0
    assert {over for over, _, _ in compute.gateway.asked} == {"http:"}


def test_https_is_never_left_again(world) -> None:
    compute, wallet = client(world, over_tls, f"https://{HOST}"), new_wallet()
    forward = compute.gateway.request

    def back(method: str, url: str, **options: Any) -> Any:
        if url.startswith(f"https://{HOST}"):
            compute.gateway.location = lambda asked: asked.replace("https:", "http:")
            return compute.gateway._sent_on(url)
        return forward(method, url, **options)

    compute.gateway.request = back
    with pytest.raises(RedirectRefused) as caught:
        compute.status(DID, "1" * 32, wallet)

    assert not isinstance(caught.value, MovedToHttps)
    assert compute.gateway.asked == []
