"""An asset says http, and its host wants https: the same place, and never another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import MovedToHttps, RedirectRefused
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import DID, World, new_wallet, start

HOST = "gateway.example"
Location = Callable[[str], str]


class Gateway:
    """A client of the user's own, for which a host's http only sends on, and its https answers.

    Attributes:
        location: where http leads, given the URL asked for.
        asked: the scheme and query of each request to the host.
    """

    def __init__(self, world: World, location: Location) -> None:
        self.world = world
        self.location = location
        self.session = requests.Session()
        self.asked: list[tuple[str, str, str]] = []

    def request(self, method: str, url: str, **options: Any) -> Any:
        parts = urlsplit(url)
        if parts.hostname != HOST:
            return self.session.request(method, url, **options)
        body = (options.get("data") or b"").decode()
        self.asked.append((f"{parts.scheme}:{parts.port or ''}", method, body))
        if parts.scheme == "http":
            return self._sent_on(url)
        there = f"{self.world.provider.url}{parts.path}"
        return self.session.request(method, there, **options)

    def _sent_on(self, url: str) -> requests.Response:
        response = requests.Response()
        response.status_code = 301
        response.headers["Location"] = self.location(url)
        response._content = b""
        return response

    def signed_over(self, scheme: str) -> int:
        """Return how many signed bodies went over a scheme."""
        return sum("signature" in body for over, _, body in self.asked if over.startswith(scheme))


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


@pytest.mark.parametrize("call", ["start", "stop", "result"])
@pytest.mark.parametrize("token", ["off", "on"])
def test_a_signed_call_is_made_there_anew(world, call, token) -> None:
    config = world.config(auth_token=token, **{"provider.url": f"http://{HOST}"})
    gateway = Gateway(world, over_tls)
    world.aquarius.provider_url = f"http://{HOST}"
    provider = DataServiceProvider(config, http_client=gateway)
    compute, wallet = OceanCompute(config, provider), new_wallet()
    job_id = start(compute, wallet)
    provider.http.forget_places()
    gateway.asked.clear()

    acts = {
        "start": lambda: start(compute, wallet),
        "stop": lambda: compute.stop(DID, job_id, wallet),
        "result": lambda: compute.result(DID, job_id, wallet),
    }
    compute.client._reachable.put(DID, True)
    assert acts[call]()

    assert gateway.asked[0][0] == "http:"
    assert {over for over, _, _ in gateway.asked[1:]} == {"https:"}
    assert world.provider.refused_signatures == 0
    assert len(world.provider.jobs) == (2 if call == "start" else 1)


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
