"""`check` at an Ocean Node: findings from unsigned calls, and nothing that needs a chain."""

from __future__ import annotations

from typing import Any

from ocean_lib import AlgorithmMetadata, ComputeInput, Config, FileInput, Ocean, Wallet
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.fake_node import FakeNode
from tests.players import DID, ORDER, World
from tests.vectors import nodes
from tests.wire import answer

WALLET = Wallet(None, private_key=nodes.CONSUMER_KEY)
URL = "http://files.example/table.csv"
CONTAINER = {"image": "python", "tag": "3.11-slim", "entrypoint": "python3 $ALGO"}
META = AlgorithmMetadata({"rawcode": "print(1)", "container": CONTAINER})


def compute_at(node: FakeNode) -> OceanCompute:
    return Ocean(Config(options_dict={"resources": {"provider.url": node.url}})).compute


def check(node: FakeNode, *inputs: Any, meta: AlgorithmMetadata | None = META, **more: Any) -> Any:
    files = list(inputs) or [FileInput(url=URL)]
    return compute_at(node).check(files, WALLET, algorithm_meta=meta, **more)


def test_a_job_that_would_run_has_no_findings_and_nothing_is_signed() -> None:
    with FakeNode() as node:
        found = check(node, resources={"cpu": 1})

        assert found.ok
        assert not found
        assert node.asked == ["GET /", "GET computeEnvironments", "POST fileInfo"]
        assert node.server.requests[-1].json() == {"type": "url", "url": URL, "method": "GET"}
        assert not any(
            "signature" in r.target or b"signature" in r.body for r in node.server.requests
        )


def test_all_that_is_in_the_way_is_told_at_once() -> None:
    container = {**CONTAINER, "image": "Python:3", "entrypoint": "sh -c 'python3 $ALGO'"}
    meta = AlgorithmMetadata({"rawcode": "print(1)", "container": container})
    with FakeNode(unreadable={URL}) as node:
        found = check(node, meta=meta, metadata={"a": "x" * 2000}, resources={"cpu": 99})

    assert found.codes == [
        *("image-unusable", "metadata-too-long", "entrypoint-needs-shell"),
        *("environment-unavailable", "input-unreachable"),
    ]
    assert [one.code for one in found.warnings] == ["entrypoint-needs-shell", "input-unreachable"]


def test_an_image_may_be_named_by_its_digest_alone() -> None:
    digest = {"image": "python", "entrypoint": "python3 $ALGO", "checksum": "sha256:" + "a" * 64}
    with FakeNode() as node:
        meta = AlgorithmMetadata({"rawcode": "print(1)", "container": digest})
        wrong = AlgorithmMetadata({"rawcode": "1", "container": {**digest, "checksum": "abc"}})

        assert check(node, meta=meta).ok
        assert check(node, meta=wrong).codes == ["image-digest-unusable"]
        compute_at(node).submit([FileInput(url=URL)], WALLET, algorithm_meta=meta)
        sent = node.server.requests[-1].json()["algorithm"]["meta"]["container"]
        assert sent == {**digest, "tag": ""}


def test_no_algorithm_and_a_stale_nonce_are_findings() -> None:
    with FakeNode() as node:
        node.nonces[WALLET.address] = 5

        assert check(node, meta=None, nonce=5).codes == ["no-algorithm", "stale-nonce"]
        assert check(node, nonce=6).ok


def test_published_assets_that_nobody_knows_and_those_of_v3_are_findings() -> None:
    with FakeNode() as node:
        later = ComputeInput("did:op:" + "ab" * 32, ORDER, "service")
        found = check(node, later)
        assert found.codes == ["asset-not-found"]
        assert not found.can_order
        assert "not-offered" in check(node, meta=None, algorithm_did=DID).codes


def test_a_node_that_does_not_answer_is_unknown() -> None:
    with FakeNode() as node:
        node.faults["GET", "computeEnvironments"] = [answer(500, "no", "text/plain")]

        found = check(node, metadata={"a": "x" * 2000})

    assert found.codes == ["metadata-too-long", "provider-unknown"]
    assert not found.ok


def test_a_v3_provider_says_what_is_for_nodes_only() -> None:
    with World() as world:
        compute = Ocean(world.config()).compute
        data, digest = [ComputeInput(DID, ORDER, 4)], {**CONTAINER, "tag": ""}
        meta = AlgorithmMetadata(
            {"rawcode": "print(1)", "container": {**digest, "checksum": "sha256:" + "a" * 64}}
        )
        for found in (
            compute.check(data, WALLET, algorithm_meta=META, environment="x", envs={"A": "1"}),
            compute.check(data, WALLET, algorithm_meta=meta),
            compute.check([*data, FileInput(url=URL)], WALLET, algorithm_meta=META),
            compute.check([FileInput(url=URL)], WALLET, algorithm_meta=META),
        ):
            assert found.codes.count("not-offered") == 1
