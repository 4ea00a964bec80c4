"""Assets at a node: who is asked for their documents, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ocean_lib import Ocean, Wallet
from ocean_lib.exceptions import AquariusError, AssetNotFound, InvalidDid, NotOffered
from tests.fake_node import FakeNode
from tests.players import World
from tests.vectors import nodes
from tests.wire import answer

DATASET, ALGORITHM = nodes.document("04"), nodes.document("02")
UNKNOWN = "did:op:" + "0" * 64
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.fixture
def node() -> Iterator[FakeNode]:
    with FakeNode(documents=[DATASET, ALGORITHM]) as found:
        yield found


def ocean_at(url: str, **more: str) -> Ocean:
    return Ocean({"resources": {"provider.url": url, **more}})


def test_a_node_is_asked_for_an_asset_in_one_request(node: FakeNode) -> None:
    ocean = ocean_at(node.url)
    asset = ocean.assets.resolve(DATASET["id"])

    assert asset.as_dictionary() == DATASET
    assert node.asked == ["GET /", f"GET /api/aquarius/assets/ddo/{DATASET['id']}"]


def test_an_unknown_and_a_malformed_did_are_the_errors_that_v3_gives(node: FakeNode) -> None:
    ocean = ocean_at(node.url)

    with pytest.raises(AssetNotFound, match=f"holds no asset {UNKNOWN}") as caught:
        ocean.assets.resolve(UNKNOWN)
    assert caught.value.advice is None
    node.forget()
    with pytest.raises(InvalidDid):
        ocean.assets.resolve("did:op:nope")
    assert node.asked == []
    node.faults["GET", f"api/aquarius/assets/ddo/{UNKNOWN}"] = [answer(400, "no", "text/plain")]
    with pytest.raises(AquariusError, match="answered 400"):
        ocean.assets.resolve(UNKNOWN)


def test_a_metadata_cache_that_is_set_is_asked_in_place_of_the_node(node: FakeNode) -> None:
    with FakeNode(documents=[DATASET]) as cache:
        ocean = ocean_at(node.url, metadata_cache_uri=cache.url)

        assert ocean.assets.resolve(DATASET["id"]).did == DATASET["id"]
        assert ocean.compute.client.backends.asset(DATASET["id"]).did == DATASET["id"]
        assert cache.asked == [f"GET /api/aquarius/assets/ddo/{DATASET['id']}"] * 2
        assert not any("aquarius" in path for path in node.asked)


def test_without_anybody_who_could_know_it_nobody_is_asked() -> None:
    with World() as world:
        ocean = Ocean({"resources": {"provider.url": world.provider.url}})
        with pytest.raises(NotOffered, match="a DID of a later generation than V3"):
            ocean.assets.resolve(DATASET["id"])


def test_assets_are_found_by_words_type_and_owner(node: FakeNode) -> None:
    ocean = ocean_at(node.url)
    found = ocean.assets.find("lab", type="algorithm", owner=OWNER)

    assert [asset.did for asset in found] == [ALGORITHM["id"]]
    asked = json.loads(node.server.requests[-1].body)
    assert node.asked[-1] == "POST /api/aquarius/assets/metadata/query"
    assert asked == {
        "query": {
            "bool": {
                "must": [
                    {"query_string": {"query": '"lab"'}},
                    {"match": {"metadata.type": "algorithm"}},
                    {"query_string": {"query": OWNER, "fields": ["indexedMetadata.nft.owner"]}},
                ]
            }
        },
        "from": 1,
        "size": 20,
    }
    assert ocean.assets.owner_assets(OWNER) == [DATASET["id"], ALGORITHM["id"]]


def test_what_only_v3_has_is_refused_before_anything_is_sent(node: FakeNode) -> None:
    assets = ocean_at(node.url).assets
    metadata = {"main": {"type": "dataset", "name": "a", "files": [{"url": "http://a.b/c"}]}}

    for act in (
        lambda: assets.validate(metadata),
        lambda: assets.create(metadata, Wallet(None, private_key=nodes.CONSUMER_KEY)),
    ):
        with pytest.raises(NotOffered, match="takes no documents of V3"):
            act()
    assert node.asked == ["GET /"]


def test_compute_finds_the_node_that_an_asset_names(node: FakeNode) -> None:
    ocean = ocean_at(node.url)
    place = ocean.compute.client.backends.place(DATASET["id"], DATASET["services"][0]["id"])

    assert place == ("http://127.0.0.1:18002", "http://127.0.0.1:18002")
