"""What ocean.js 8.6.2 sent to publish, sent by this client: signatures by the byte, bodies as JSON.

Of a document two values are the publisher's own, and no node reads anything into them: the id of a
service (any unique text) and the time. They are taken from the recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ocean_lib import Config, Wallet
from ocean_lib.assets.asset4 import Asset4
from ocean_lib.backends.discovery import Discovery
from ocean_lib.backends.node.backend import NodeBackend
from ocean_lib.backends.node.publisher import NodePublisher
from ocean_lib.backends.signing import Signatures
from ocean_lib.common.aquarius.aquarius import NODE_ASSETS_PATH, Aquarius
from ocean_lib.documents import ddo4_values
from ocean_lib.documents.description import read_description
from ocean_lib.documents.dialects import NodeDialect
from ocean_lib.documents.node_publishing import file_list
from ocean_lib.exceptions import InvalidInput, MalformedResponse
from ocean_lib.http.exchange import HttpExchange
from tests.vectors import nodes
from tests.wire import Reply, Request, WireServer, answer

PUBLISHER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
WALLET = Wallet(None, private_key=PUBLISHER_KEY)
TERMS = "https://market.oceanprotocol.com/terms"
DIGEST = "sha256:2e82d7a906e7f312bab81fbb91cdac8d6140dd98f81f93e506141f9e0f4eacd6"
ABOUT = {"author": "lab", "license": TERMS, "tags": ["lab"], "timeout": 86400}
CHAIN = 8996

DESCRIBED = {
    "02": ABOUT
    | {
        "name": "sum",
        "description": "sum",
        "version": "1.0",
        "files": ["http://127.0.0.1:18080/algo.py"],
        "container": {
            "image": "python",
            "tag": "3.11-slim",
            "entrypoint": "python3 $ALGO",
            "checksum": DIGEST,
        },
    },
    "04": ABOUT
    | {
        "name": "table",
        "description": "table",
        "files": ["http://127.0.0.1:18080/table.csv"],
        "compute": {"trusted_algorithms": [nodes.document("02")["id"]]},
    },
}


def recorded(number: str, step: str) -> dict[str, Any]:
    """Return the exchange that a step of publishing ends with."""
    return nodes.publication(number, step)[-1]


@contextmanager
def node_of(*numbers: str) -> Iterator[tuple[WireServer, NodePublisher]]:
    """Serve the recorded answers of publications, each path's in the recorded order."""
    steps = ("encrypt-files", "encrypt-ddo", "validate-ddo", "fetch-ddo")
    asked = [recorded(number, step) for number in numbers for step in steps]
    asked += [nodes.load("03")[-1], nodes.load("00")[0]]
    first_nonce = nodes.publication(numbers[0], "encrypt-files")[-2]

    def route(request: Request) -> Reply:
        if request.path.endswith("/nonce"):
            return answer(200, nodes.body_of(first_nonce), "application/json")
        found = next(
            one
            for one in asked
            if (one["request"]["method"], one["request"]["path"]) == (request.method, request.path)
        )
        asked.remove(found)
        return answer(found["response"]["status"], nodes.body_of(found), "application/json")

    with WireServer(route) as server:
        http = HttpExchange()
        config = Config(options_dict={"resources": {"provider.url": server.url}})
        backend = NodeBackend(
            server.url, http, Discovery(http, 60), Signatures(), config, _no_asset
        )
        yield server, backend.publisher


def _no_asset(did: str) -> Any:
    raise AssertionError(f"{did} was looked up")


def sent(server: WireServer, number: str, step: str) -> Request:
    """Return the request that should be the recorded one."""
    path = recorded(number, step)["request"]["path"]
    count = [r for r in server.requests if r.path == path]
    return count[0] if step in ("encrypt-files", "validate-ddo") else count[1]


@pytest.mark.parametrize("number", ["02", "04"])
def test_a_publication_sends_what_ocean_js_sent(number: str) -> None:
    document = recorded(number, "validate-ddo")["request"]["body"]["json"]["ddo"]
    (service,) = document["services"]
    description = read_description(DESCRIBED[number], None, ddo4_values.faults)
    values = dict(description.values)
    if number == "04":
        values["compute.trusted_algorithms"] = service["compute"]["publisherTrustedAlgorithms"]

    with node_of(number) as (server, node):
        token, nft = service["datatokenAddress"], document["nftAddress"]
        listed = file_list(token, nft, [file.url for file in description.files])
        files = node.encrypt(listed, CHAIN, WALLET)
        (kind,) = ddo4_values.services_of(values)
        made = ddo4_values.new_service(
            kind, values["name"], token, service["serviceEndpoint"], files, values["timeout"]
        )
        made["id"] = service["id"]
        ours = ddo4_values.new_document(
            description.asset_type, values, nft, CHAIN, document["metadata"]["created"], [made]
        )
        node.encrypt(ours, CHAIN, WALLET)
        digest = node.validated(ours, WALLET)

        assert ours == document
        assert digest == recorded(number, "validate-ddo")["response"]["body"]["json"]["hash"]
        for step in ("encrypt-files", "encrypt-ddo", "validate-ddo"):
            request, theirs = sent(server, number, step), recorded(number, step)["request"]
            assert request.query == theirs["query"]
            assert request.json() == theirs["body"]["json"]
            if step != "validate-ddo":
                assert request.headers["content-type"] == theirs["headers"]["Content-Type"]


def test_an_entry_of_a_trust_list_is_the_recorded_one_after_the_recorded_question() -> None:
    algorithm = Asset4(nodes.document("02"))
    (wanted,) = nodes.document("04")["services"][0]["compute"]["publisherTrustedAlgorithms"]

    with node_of("02") as (server, node):
        entry = NodeDialect(lambda _: node).entry(algorithm)
        assert server.requests[-1].json() == nodes.load("03")[-1]["request"]["body"]["json"]

    assert entry == wanted


@pytest.mark.parametrize("number", ["02", "04"])
def test_a_document_is_asked_for_as_recorded(number: str) -> None:
    with node_of(number) as (server, _):
        cache = Aquarius(server.url, assets_path=NODE_ASSETS_PATH)
        found = cache.get_asset_ddo(nodes.document(number)["id"])

        assert found.as_dictionary() == nodes.document(number)
        theirs = recorded(number, "fetch-ddo")["request"]
        assert (server.requests[-1].method, server.requests[-1].path) == (
            theirs["method"],
            theirs["path"],
        )


def test_a_refused_document_says_why_and_another_hash_is_not_taken() -> None:
    with node_of("02") as (server, node):
        node.reaches("http://files.example/a")
        server.route = lambda _: answer(400, "Validation error: [object]", "text/plain")
        with pytest.raises(InvalidInput, match=r"refuses the document: Validation error"):
            node.check({"id": "did:op:1"})
    with node_of("02") as (_, node), pytest.raises(MalformedResponse, match="signed the hash 0x27"):
        node.validated({"id": "did:op:1"}, WALLET)


def test_what_a_node_cannot_do_is_a_mistake_with_its_line() -> None:
    text = """\
name: table
author: lab
license: CC0
files: [http://files.example/a.csv]
price: 2
compute:
  cpu: 4
  memory: 4gb
"""
    with pytest.raises(InvalidInput) as caught:
        read_description(text, None, ddo4_values.faults)
    told = [(m.path, m.line) for m in caught.value.mistakes]
    assert told == [("price", 5), ("compute.cpu", 7), ("compute.memory", 8)]

    with pytest.raises(InvalidInput, match=r"container.checksum is needed by an Ocean Node"):
        bare = {k: v for k, v in DESCRIBED["02"]["container"].items() if k != "checksum"}
        read_description(DESCRIBED["02"] | {"container": bare}, None, ddo4_values.faults)
    token = {"sold_for": "0x" + "1" * 40}
    read_description(DESCRIBED["04"] | {"price": 2, "token": token}, None, ddo4_values.faults)
    with pytest.raises(InvalidInput, match="price must be above 0"):
        read_description(DESCRIBED["04"] | {"price": 0, "token": token}, None, ddo4_values.faults)


def test_the_recorded_documents_are_described_as_they_were() -> None:
    dialect = NodeDialect(_no_asset)
    for number in ("02", "04"):
        description = read_description(DESCRIBED[number])
        values = dialect.values_of(Asset4(nodes.document(number)))
        expected = {k: v for k, v in description.values.items() if not k.startswith("token.")}
        expected["description"] = ""  # the name, which is the description where there is none
        assert values == expected
