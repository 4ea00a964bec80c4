"""A whole node over its sockets: publish, trust, quote, order, pay, run, download, settle."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ocean_lib.localnet import LocalNetwork, NodeEnvironment, NodeOptions
from ocean_lib.localnet.errors import BadOption
from tests.integration.localnet.node_client import API, CONTAINER, QUICK, WEI, NodeUser

SUM = b"""
import json
rows = open('/data/inputs/data.csv').read().split()
print(json.dumps({'sum': sum(map(int, rows))}))
"""
OPTIONS: dict[str, Any] = {
    "generation": "node",
    "jobs_at_once": 2,
    "node": NodeOptions(claim_first_s=1, claim_every_s=1),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    with LocalNetwork(tmp_path_factory.mktemp("node") / "state", **OPTIONS) as running:
        yield running


@pytest.fixture(scope="module")
def user(network: LocalNetwork) -> Iterator[NodeUser]:
    one = NodeUser(network.state_dir)
    one.fill_escrow(100)
    yield one
    one.close()


@pytest.fixture(scope="module")
def algorithm(network: LocalNetwork, user: NodeUser) -> dict[str, Any]:
    described = {"language": "python", "version": "1", "container": CONTAINER}
    url = network.publish_file(SUM, "sum.py")
    return user.publish("sum", url, metadata={"type": "algorithm", "algorithm": described})


@pytest.fixture(scope="module")
def dataset(network: LocalNetwork, user: NodeUser, algorithm: dict[str, Any]) -> dict[str, Any]:
    entry = {
        "did": algorithm["id"],
        "serviceId": "sum-0",
        "filesChecksum": hashlib.sha256(SUM).hexdigest(),
        "containerSectionChecksum": hashlib.sha256(b"python3 $ALGOsha256:1").hexdigest(),
    }
    rules = {
        "allowRawAlgorithm": False,
        "allowNetworkAccess": False,
        "publisherTrustedAlgorithms": [entry],
        "publisherTrustedAlgorithmPublishers": [],
    }
    url = network.publish_file(b"1\n2\n39\n", "data.csv")
    return user.publish("data", url, type="compute", compute=rules)


def asked(dataset: dict[str, Any], order: str = "") -> dict[str, Any]:
    name = {"documentId": dataset["id"], "serviceId": dataset["services"][0]["id"]}
    return {**name, "transferTxId": order} if order else name


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def job_of(user: NodeUser, job_id: str) -> dict[str, Any]:
    (job,) = user.get(f"{API}/compute", consumerAddress=user.address, jobId=job_id).json()
    found: dict[str, Any] = job
    return found


def test_a_published_algorithm_runs_on_a_published_data_set_for_money(
    user: NodeUser, dataset: dict[str, Any], algorithm: dict[str, Any]
) -> None:
    wanted = {"datasets": [asked(dataset)], "algorithm": asked(algorithm)}
    quote = user.quote(**wanted).json()
    before = user.funds()
    orders = [user.order(one) for one in (quote["datasets"][0], quote["algorithm"])]
    ordered = {
        "datasets": [asked(dataset, orders[0])],
        "algorithm": asked(algorithm, orders[1]),
    }
    again = user.quote(**ordered).json()
    started = user.start(**ordered)
    assert started.status_code == 200, started.text
    (job,) = started.json()
    locked = user.funds()
    until(lambda: job_of(user, job["jobId"])["dateFinished"] is not None)
    until(lambda: job_of(user, job["jobId"])["status"] == 70)
    settled = job_of(user, job["jobId"])
    signed = user.signed("getComputeResult")
    index = [one["filename"] for one in settled["results"]].index("algorithm.log")
    log = user.get(f"{API}/computeResult", **signed, jobId=job["jobId"], index=str(index))

    assert quote["payment"]["amount"] == str(WEI)
    assert quote["datasets"][0]["validOrder"] is quote["algorithm"]["validOrder"] is False
    assert [again["datasets"][0]["validOrder"], again["algorithm"]["validOrder"]] == orders
    assert "providerFee" not in again["datasets"][0]
    assert locked == (before[0] - WEI, before[1] + WEI)
    assert b'{"sum": 42}' in log.content
    assert (settled["payment"]["cost"], settled["isFree"]) == (1, False)
    assert user.funds() == (before[0] - WEI, 0)
    assert user.locks() == {}
    served = user.get(f"/api/aquarius/assets/ddo/{dataset['id']}").json()
    assert served["indexedMetadata"]["stats"][0]["orders"] == 1
    assert {k: served[k] for k in dataset} == dataset


def test_a_paid_start_is_refused_without_orders_and_takes_no_money(
    user: NodeUser, dataset: dict[str, Any], algorithm: dict[str, Any]
) -> None:
    before = user.funds()
    refused = user.start(datasets=[asked(dataset)], algorithm=asked(algorithm))
    raw = user.start(datasets=[asked(dataset)])

    did = dataset["id"]
    assert (refused.status_code, refused.json()) == (
        500,
        f"Missing transferTxId for DDO {algorithm['id']}",
    )
    assert (raw.status_code, raw.json()) == (
        400,
        f"Algorithm undefined not allowed to run on the dataset: {did}",
    )
    assert user.funds() == before


def test_a_free_job_reads_a_published_data_set(user: NodeUser, dataset: dict[str, Any]) -> None:
    body = {
        "environment": user.environment()["id"],
        "datasets": [asked(dataset)],
        "algorithm": {"meta": {"rawcode": SUM.decode(), "container": CONTAINER}},
        **user.signed("freeStartCompute"),
    }
    (job,) = user.post(f"{API}/freeCompute", body).json()
    until(lambda: job_of(user, job["jobId"])["dateFinished"] is not None)
    ended = job_of(user, job["jobId"])

    assert (ended["isFree"], ended["payment"]) == (True, None)
    assert ended["terminationDetails"]["exitCode"] == 0


def test_assets_are_found_by_queries_and_files_are_described(
    network: LocalNetwork, user: NodeUser, dataset: dict[str, Any], algorithm: dict[str, Any]
) -> None:
    query = {"query": {"bool": {"filter": [{"term": {"metadata.type": "algorithm"}}]}}}
    (found,) = user.post("/api/aquarius/assets/metadata/query", query).json()
    (file,) = user.post(f"{API}/fileInfo", {"did": dataset["id"], "serviceId": "data-0"}).json()
    wrong = user.post("/api/aquarius/assets/metadata/query", {"query": {"nonsense": {}}})

    assert [one["id"] for one in found] == [algorithm["id"]]
    assert (file["name"], file["contentLength"]) == ("data.csv", "7")
    assert file["checksum"] == hashlib.sha256(b"1\n2\n39\n").hexdigest()
    assert wrong.status_code == 500


def test_a_document_is_decrypted_for_who_signs_and_what_is_invalid_says_why(
    user: NodeUser, dataset: dict[str, Any]
) -> None:
    served = user.get(f"/api/aquarius/assets/ddo/{dataset['id']}").json()
    body = {
        "transactionId": served["indexedMetadata"]["event"]["txid"],
        "chainId": 8996,
        "dataNftAddress": dataset["nftAddress"],
        **user.signed("decryptDDO", "decrypterAddress"),
    }
    opened = user.post(f"{API}/decrypt", body)
    stale = user.post(f"{API}/decrypt", body)
    broken = {k: v for k, v in dataset.items() if k != "metadata"}
    refused = user.post(
        "/api/aquarius/assets/ddo/validate",
        {"ddo": broken, **user.signed("validateDDO", "publisherAddress")},
    )
    query = {**user.signed("encryptFile"), "encryptMethod": "ecies"}
    sealed = requests.post(
        f"{user.url}{API}/encryptFile",
        params=query,
        data=b"secret",
        headers={"Content-Type": "application/octet-stream"},
        timeout=60,
    )

    assert opened.json() == dataset
    assert stale.status_code == 401
    assert (refused.status_code, refused.text) == (
        400,
        "Validation error: metadata is missing or invalid.",
    )
    assert (sealed.headers["X-Encrypted-Method"], sealed.content[:1]) == ("ECIES", b"\x04")
    assert b"secret" not in sealed.content


def test_assets_and_unsettled_jobs_survive_a_restart(tmp_path: Path) -> None:
    never = {**OPTIONS, "node": NodeOptions()}
    with LocalNetwork(tmp_path / "state", **never) as network:
        user = NodeUser(network.state_dir)
        user.fill_escrow(10)
        ddo = user.publish("kept", network.publish_file(b"1", "kept.csv"))
        url = f"/api/aquarius/assets/ddo/{ddo['id']}"
        before = user.get(url).json()
        (job,) = user.start(algorithm={"meta": {"rawcode": QUICK, "container": CONTAINER}}).json()
        until(lambda: job_of(user, job["jobId"])["dateFinished"] is not None)
        unsettled = job_of(user, job["jobId"])
        user.close()
    with LocalNetwork(tmp_path / "state", **OPTIONS):
        user = NodeUser(tmp_path / "state")
        after = user.get(url).json()
        until(lambda: job_of(user, job["jobId"])["status"] == 70)
        paid = job_of(user, job["jobId"])["payment"]
        funds = user.funds()
        user.close()

    assert after == before
    assert (unsettled["status"], unsettled["payment"]["claimTx"]) == (71, None)
    assert paid["claimTx"].startswith("0x")
    assert funds == (9 * WEI, 0)


def test_an_environment_without_prices_takes_no_money(tmp_path: Path) -> None:
    options = NodeOptions(environments=(NodeEnvironment(prices={}),))
    with LocalNetwork(tmp_path / "free", generation="node", node=options) as network:
        user = NodeUser(network.state_dir)
        refused, environment = user.start(), user.environment()
        user.close()

    assert environment["fees"] is None
    assert refused.status_code == 500
    assert refused.json().startswith("This compute env does not accept payments on chain: 8996")


@pytest.mark.parametrize("name", ["claim_first_s", "claim_every_s"])
@pytest.mark.parametrize("value", [0, -1, True, "1"])
def test_claim_passes_need_seconds_above_0(name: str, value: Any) -> None:
    with pytest.raises(BadOption, match=name):
        NodeOptions(**{name: value})
