"""A node's truth tables: trust, credentials, states; each row as its source has it."""

from __future__ import annotations

from typing import Any

import pytest

from ocean_lib.localnet.dialects.node.rules import (
    Checksums,
    admits,
    container_checksum,
    is_orderable,
    is_trusted,
)
from tests.vectors import nodes

ME, OTHER = nodes.CONSUMER, "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
NFT, LIST = "0x94099942864EA81cCF197E9D71ac53310b1468D8", "0x" + "ab" * 20
KNOWN = Checksums("files", "container", "service")
EXACT = {
    "did": "did:op:1",
    "filesChecksum": "files",
    "containerSectionChecksum": "container",
    "serviceId": "service",
}


def compute(*, raw: bool = False, algorithms: Any = (), publishers: Any = ()) -> dict[str, Any]:
    rules = {
        "allowRawAlgorithm": raw,
        "publisherTrustedAlgorithms": list(algorithms),
        "publisherTrustedAlgorithmPublishers": list(publishers),
    }
    return {"type": "compute", "compute": rules}


@pytest.mark.parametrize(
    ("service", "algorithm", "trusted"),
    [
        (None, "did:op:1", False),
        ({"type": "access"}, "did:op:9", True),
        ({"type": "compute"}, "did:op:1", False),
        (compute(), "did:op:1", False),
        (compute(raw=True), "", False),  # both lists empty refuse even what is allowed
        (compute(raw=True, publishers=["*"]), "", True),
        (compute(raw=False, publishers=["*"]), "", False),
        (compute(algorithms=[EXACT]), "did:op:1", True),
        (compute(algorithms=[EXACT]), "did:op:2", False),
        (compute(algorithms=[EXACT | {"filesChecksum": "others"}]), "did:op:1", False),
        (compute(algorithms=[EXACT | {"containerSectionChecksum": "x"}]), "did:op:1", False),
        (compute(algorithms=[EXACT | {"serviceId": "another"}]), "did:op:1", False),
        (compute(algorithms=[dict.fromkeys(EXACT, "*")]), "did:op:7", True),
        (
            compute(algorithms=[{k: v for k, v in EXACT.items() if k != "serviceId"}]),
            "did:op:1",
            True,
        ),
        (compute(publishers=["*"]), "did:op:1", True),
        (compute(publishers=[NFT.lower()]), "did:op:1", True),
        (compute(publishers=[OTHER]), "did:op:1", False),
        (compute(publishers=[OTHER], algorithms=[EXACT]), "did:op:1", True),
    ],
)
def test_an_algorithm_may_run_where_a_node_lets_it(
    service: Any, algorithm: str, trusted: bool
) -> None:
    assert is_trusted(service, algorithm, KNOWN, lambda: NFT) is trusted


def test_a_publisher_that_nobody_knows_is_not_trusted() -> None:
    assert not is_trusted(compute(publishers=[NFT]), "did:op:1", KNOWN, lambda: None)


def rule(*values: str, kind: str = "address") -> dict[str, Any]:
    return {"type": kind, "values": list(values)}


LISTED, UNKNOWN = {"type": "accessList", "accessList": LIST}, {"type": "verifiableCredential"}


@pytest.mark.parametrize(
    ("credentials", "admitted"),
    [
        (None, True),
        ({}, True),
        ({"allow": [], "deny": []}, True),
        ({"allow": [rule(ME.lower())]}, True),
        ({"allow": [rule(OTHER)]}, False),
        ({"allow": [rule("*")]}, True),
        ({"allow": [rule(ME), rule(OTHER)]}, False),  # all by default
        ({"allow": [rule(ME), rule(OTHER)], "match_allow": "any"}, True),
        ({"allow": [rule(ME), UNKNOWN]}, False),
        ({"allow": [rule(ME), UNKNOWN], "match_allow": "any"}, True),
        ({"allow": [UNKNOWN], "match_allow": "any"}, False),
        ({"allow": [LISTED]}, True),
        ({"allow": [{"type": "accessList"}]}, False),
        ({"deny": [rule(ME)]}, False),
        ({"deny": [rule(OTHER)]}, True),
        ({"deny": [rule("*")], "allow": [rule(ME)]}, False),  # deny goes first
        ({"deny": [rule(ME), rule(OTHER)]}, False),  # any by default
        ({"deny": [rule(ME), rule(OTHER)], "match_deny": "all"}, True),
        ({"deny": [rule(ME), UNKNOWN], "match_deny": "all"}, False),
        ({"deny": [UNKNOWN]}, True),
        ({"deny": [LISTED]}, False),
    ],
)
def test_credentials_admit_whom_a_node_admits(credentials: Any, admitted: bool) -> None:
    assert admits(credentials, ME, lambda contract: contract == LIST) is admitted


@pytest.mark.parametrize(
    ("state", "usable"), [(0, True), (1, True), (2, False), (3, False), (4, False), (5, False)]
)
def test_only_the_first_two_states_can_be_ordered(state: int, usable: bool) -> None:
    assert is_orderable({"indexedMetadata": {"nft": {"state": state}}}) is usable


def test_a_containers_checksum_is_the_recorded_one() -> None:
    ddo = nodes.load("02-publish-algorithm-validate-ddo")[-1]["request"]["body"]["json"]["ddo"]
    data = nodes.load("04-publish-dataset-validate-ddo")[-1]["request"]["body"]["json"]["ddo"]
    (trusted,) = data["services"][0]["compute"]["publisherTrustedAlgorithms"]

    assert (
        container_checksum(ddo["metadata"]["algorithm"]["container"])
        == (trusted["containerSectionChecksum"])
    )
