"""The network's indexer: what is published, changed, hidden and ordered, and what is not used."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.localnet.dialects.node.contract_calls import call_data, read
from ocean_lib.localnet.dialects.node.node_key import NodeKey
from ocean_lib.localnet.dialects.node.orders import OrderedService, is_ordered
from ocean_lib.localnet.dialects.node.rules import NOT_ORDERABLE
from ocean_lib.localnet.dialects.node.validation import why_invalid
from tests.unit.localnet.node_replay import Node, node, signed_with
from tests.unit.localnet.node_world import (
    NODE_KEY,
    PUBLISHER,
    PUBLISHER_KEY,
    TOKEN,
    WEI,
    Builder,
    order_call,
    recorded_document,
    world,
)
from tests.vectors import nodes

DDO = recorded_document("04")
DID, NFT = DDO["id"], DDO["nftAddress"]
SERVICE = DDO["services"][0]
DATATOKEN = SERVICE["datatokenAddress"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Node]:
    with node(tmp_path) as started:
        yield started


@pytest.fixture
def builder(running: Node) -> Builder:
    return Builder(running.chain, world().contracts)


def served(running: Node, did: str = DID) -> Any:
    return running.client.get(f"/api/aquarius/assets/ddo/{did}")


def published(running: Node) -> dict[str, Any]:
    """The document as its publisher has it."""
    found = served(running).get_json()
    return {k: v for k, v in found.items() if k not in ("indexedMetadata", "datatokens")}


def test_a_change_is_served_with_its_own_event_and_the_orders_start_anew(
    running: Node, builder: Builder
) -> None:
    before = served(running).get_json()["indexedMetadata"]
    ddo = published(running)
    ddo["metadata"]["name"] = "another name"
    transaction = builder.set_metadata(ddo)

    after = served(running).get_json()

    assert after["metadata"]["name"] == "another name"
    assert after["indexedMetadata"]["event"]["txid"] == transaction
    assert after["indexedMetadata"]["event"]["block"] > before["event"]["block"]
    assert before["stats"][0]["orders"] == 2
    assert after["indexedMetadata"]["stats"][0]["orders"] == 0


@pytest.mark.parametrize("state", [2, 3])
def test_a_hidden_asset_is_served_as_a_stub_and_refused(
    running: Node, builder: Builder, state: int
) -> None:
    assert served(running).status_code == 200
    builder.send(PUBLISHER_KEY, NFT, "setMetaDataState(uint8)", state)

    assert served(running).get_json() == {
        "id": DID,
        "version": "deprecated",
        "chainId": 8996,
        "nftAddress": NFT,
        "indexedMetadata": {"nft": {"state": state}},
    }
    refused = start(running)
    assert (refused.status_code, refused.get_json()) == (500, NOT_ORDERABLE)


def test_an_asset_whose_orders_are_disabled_is_refused_and_can_come_back(
    running: Node, builder: Builder
) -> None:
    served(running)
    builder.send(PUBLISHER_KEY, NFT, "setMetaDataState(uint8)", 4)
    disabled = start(running)
    builder.send(PUBLISHER_KEY, NFT, "setMetaDataState(uint8)", 0)

    assert (disabled.status_code, disabled.get_json()) == (500, NOT_ORDERABLE)
    assert start(running).status_code == 200


def start(running: Node) -> Any:
    """Start a free job on the recorded data set."""
    nonce = running.nonce(nodes.CONSUMER) + 1
    command = "freeStartCompute"
    signature = signed_with(nodes.CONSUMER_KEY, nodes.CONSUMER, nonce, command)
    environment = running.json("GET", "/api/services/computeEnvironments")[0]["id"]
    container = {"entrypoint": "python3 $ALGO", "image": "python", "tag": "3"}
    body = {
        "consumerAddress": nodes.CONSUMER,
        "nonce": str(nonce),
        "signature": signature,
        "environment": environment,
        "algorithm": {"meta": {"rawcode": "print(1)", "container": container}},
        "datasets": [{"documentId": DID, "serviceId": SERVICE["id"]}],
    }
    return running.client.post("/api/services/freeCompute", json=body)


def test_documents_that_are_not_what_they_say_are_not_used(running: Node, builder: Builder) -> None:
    before = served(running).get_json()
    ddo = published(running)
    of_another = deepcopy(ddo) | {"id": "did:op:" + "0" * 64}
    invalid = deepcopy(ddo)
    del invalid["metadata"]["license"]
    builder.set_metadata(of_another)
    builder.set_metadata(invalid)
    text = NodeKey("0x" + "22" * 32).encrypt(b"{}")
    signature = (
        "setMetaData(uint8,string,string,bytes,bytes,bytes32,(address,uint8,bytes32,bytes32)[])"
    )
    foreign = (0, "", "", b"\x02", bytes.fromhex(text[2:]), bytes(32), [])
    builder.send(PUBLISHER_KEY, NFT, signature, *foreign)

    assert served(running).get_json() == before
    assert why_invalid(invalid) == "metadata.license: expected a text"


def test_orders_are_counted_and_a_reused_one_is_good_as_long_as_the_first(
    running: Node, builder: Builder
) -> None:
    key, names = NodeKey(NODE_KEY), world().names
    first = names["0x6670580ed8e975d3bc7371fddb91424498b0f2c488eba3f9b22c69fe2c357a3c"]
    signature, _, _, fees, _ = order_call(key, SERVICE, key.address)
    inside = signature.partition(",(")[2].partition("),(")[0]
    reuse = f"reuseOrder(bytes32,({inside}))"
    reused = builder.send(nodes.CONSUMER_KEY, DATATOKEN, reuse, bytes.fromhex(first[2:]), fees)

    assert served(running).get_json()["indexedMetadata"]["stats"][0]["orders"] == 3
    wanted = OrderedService.of(DDO, SERVICE)
    for transaction in (first, reused):
        assert is_ordered(running.chain, transaction, wanted, key.address)
        assert is_ordered(running.chain, transaction, wanted, nodes.CONSUMER)  # the payer
        assert not is_ordered(running.chain, transaction, wanted, PUBLISHER)
    other = OrderedService(NFT, DATATOKEN, 1, "another", 86400)
    assert not is_ordered(running.chain, first, other, key.address)
    algorithm = recorded_document("02")
    theirs = OrderedService.of(algorithm, algorithm["services"][0])
    assert not is_ordered(running.chain, first, theirs, key.address)


def test_an_order_is_good_until_the_services_timeout(running: Node) -> None:
    key = NodeKey(NODE_KEY)
    order = world().names["0x6670580ed8e975d3bc7371fddb91424498b0f2c488eba3f9b22c69fe2c357a3c"]
    begun = int(running.chain.call("eth_getTransactionReceipt", order)["blockNumber"], 16)
    age_s = time.time() - int(
        running.chain.call("eth_getBlockByNumber", hex(begun), False)["timestamp"], 16
    )

    def is_good(timeout_s: int) -> bool:
        wanted = OrderedService(NFT, DATATOKEN, 0, SERVICE["id"], timeout_s)
        return is_ordered(running.chain, order, wanted, key.address)

    assert age_s > 1
    assert is_good(0)
    assert is_good(86400)
    assert not is_good(1)


def test_prices_of_a_dispenser_and_a_fixed_rate_are_served_as_they_change(
    running: Node, builder: Builder
) -> None:
    contracts = world().contracts
    assert served(running).get_json()["indexedMetadata"]["stats"][0]["prices"] == []
    nobody = "0x" + 40 * "0"
    builder.send(
        PUBLISHER_KEY,
        DATATOKEN,
        "createDispenser(address,uint256,uint256,bool,address)",
        *(contracts.dispenser, WEI, WEI, True, nobody),
    )
    dispensed = served(running).get_json()["indexedMetadata"]["stats"]
    builder.send(
        PUBLISHER_KEY,
        DATATOKEN,
        "createFixedRate(address,address[],uint256[])",
        contracts.fixed_rate_exchange,
        [TOKEN, PUBLISHER, PUBLISHER, nobody],
        [18, 18, 5 * WEI // 2, 0, 1],
    )
    both = served(running).get_json()["indexedMetadata"]["stats"]
    builder.send(PUBLISHER_KEY, contracts.dispenser, "deactivate(address)", DATATOKEN)
    (rates,) = read(running.chain, DATATOKEN, "getFixedRates()", "(address,bytes32)[]")
    fixed = {
        "type": "fixedrate",
        "price": "2.5",
        "token": TOKEN,
        "contract": contracts.fixed_rate_exchange,
        "exchangeId": "0x" + rates[0][1].hex(),
    }
    gift = {
        "type": "dispenser",
        "price": "0",
        "contract": contracts.dispenser,
        "token": DATATOKEN,
    }

    assert [(one["orders"], one["prices"]) for one in dispensed] == [(2, [gift])]
    assert [one["prices"] for one in both] == [[gift, fixed]] * 2
    after = served(running).get_json()["indexedMetadata"]["stats"]
    assert [(one["orders"], one["prices"]) for one in after] == [(2, [fixed])]


def test_calls_are_encoded_as_the_recorded_ones() -> None:
    recorded = json.loads((nodes.FOLDER / "47-chain-calls.json").read_text())["calls"]
    orders = [call for call in recorded if "startOrder" in call.get("function", "")]

    assert len(orders) == 2
    for call in orders:
        data = json.loads(bytes.fromhex(call["args"][2][7][2:]))
        service = {"datatokenAddress": data["dt"], "id": data["id"], "timeout": 86400}
        signature, *arguments = order_call(NodeKey(NODE_KEY), service, call["args"][0])
        assert call_data(signature, *arguments) == call["data"]
