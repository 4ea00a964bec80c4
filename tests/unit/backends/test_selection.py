"""Which generation a server is: told by its discovery document, at no request more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocean_lib import Config, Ocean, Wallet, exceptions
from ocean_lib.backends.discovery import generation_of, root_uri
from ocean_lib.backends.generation import Generation
from tests import vectors
from tests.fake_node import FakeNode
from tests.players import DID, World
from tests.vectors import nodes

NODE = nodes.load("00")[0]["response"]["body"]["json"]
V3 = json.loads(vectors.errors()[105]["body"])
WALLET = Wallet(None, private_key=nodes.CONSUMER_KEY)


@pytest.mark.parametrize(
    ("document", "generation"),
    [
        (NODE, Generation.NODE),
        (NODE | {"version": "9.9", "serviceEndpoints": {}}, Generation.NODE),
        (V3, Generation.V3),
        ({key: V3[key] for key in ("serviceEndpoints",)}, Generation.V3),
        ({"serviceEndpoints": {"any": ["GET", "/api/v1/services/any"]}}, Generation.V3),
        ({"serviceEndpoints": {"computeStart": ["POST", "/x"]}}, Generation.V3),
        (V3 | {"chainId": 1}, Generation.V3),
    ],
)
def test_a_document_tells_its_generation(document: Any, generation: Generation) -> None:
    assert generation_of(document, nodes.ROOT) is generation


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        (
            {
                "software": "Provider",
                "version": "2.1.5",
                "chainIds": [1],
                "serviceEndpoints": {"computeStart": ["POST", "/api/services/compute"]},
            },
            ["Provider", "2.1.5", "computeStart"],
        ),
        (
            {"providerAddresses": {}, "serviceEndpoints": {"nonce": ["GET", "/api/services/n"]}},
            ["a Provider of V4", "nonce"],
        ),
        ({"software": "Aquarius", "serviceEndpoints": {}}, ["Aquarius", "services none"]),
        ({"serviceEndpoints": {"search": ["GET", "/search"]}}, ["no name", "search"]),
    ],
)
def test_what_is_neither_is_an_error_that_says_what_was_seen(document: Any, seen: Any) -> None:
    with pytest.raises(exceptions.EndpointNotFound, match="is not a back end") as caught:
        generation_of(document, nodes.ROOT)

    assert all(words in str(caught.value) for words in seen)
    assert "provider.generation" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://n/api/services/compute", "http://n"),
        ("http://n/api/services", "http://n"),
        ("http://n/services/compute", "http://n"),
        ("http://n/a/api/v1/services/compute", "http://n/a"),
        ("http://n/below/", "http://n/below"),
        ("http://n/myservices/x", "http://n/myservices/x"),
    ],
)
def test_a_services_url_leads_to_its_root(url: str, root: str) -> None:
    assert root_uri(url) == root


def config(url: str, **more: str) -> Config:
    return Config(options_dict={"resources": {"provider.url": url, **more}})


def test_a_node_is_known_by_what_it_says_of_itself() -> None:
    with FakeNode() as node:
        compute = Ocean(config(node.url)).compute

        assert compute.jobs(WALLET) == []
        assert node.asked == ["GET /", "GET compute"]
        compute.jobs(WALLET)
        assert node.asked == ["GET /", "GET compute", "GET compute"]


def test_the_config_overrides_what_a_server_says() -> None:
    with FakeNode() as node:
        node.root_document = node.root_document | {"software": "Something"}
        with pytest.raises(exceptions.EndpointNotFound, match="Something"):
            Ocean(config(node.url)).compute.jobs(WALLET)

        compute = Ocean(config(node.url, **{"provider.generation": "node"})).compute

        assert compute.jobs(WALLET) == []


@pytest.mark.parametrize("generation", ["v4", "V3", "Ocean-Node"])
def test_an_unknown_generation_is_refused_in_the_config(generation: str) -> None:
    with pytest.raises(exceptions.ConfigError, match=r"v3 .* or node"):
        config("http://x", **{"provider.generation": generation})


def test_a_v3_provider_is_asked_no_more_than_before() -> None:
    with World() as world:
        compute = Ocean(world.config()).compute
        before = len(world.provider.server.requests)

        for _ in range(3):
            compute.jobs(WALLET, DID)

        asked = world.provider.server.paths()[before:]
    assert asked.count("GET /") == 1
    assert len(asked) == 4
