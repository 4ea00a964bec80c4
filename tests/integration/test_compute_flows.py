"""Whole jobs over real sockets: publish, order, start, watch, get results, stop; and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.v3.backend import SIGNED
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    AlgorithmNotTrusted,
    AssetNotConsumable,
    JobNotFound,
    NoComputeService,
    OrderNotValid,
    RawAlgorithmNotAllowed,
    ResultsWithheld,
)
from ocean_lib.jobs.view import JobState
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.web3_internal.wallet import Wallet
from tests.flows import order, publish_algorithm, publish_dataset, raw_code
from tests.wire import wait_until

COUNT = """
import json, os, pathlib
inputs = pathlib.Path(os.environ["INPUTS"])
sizes = {did: [len(f.read_text().split()) for f in sorted((inputs / did).iterdir())]
         for did in json.loads(os.environ["DIDS"])}
(pathlib.Path(os.environ["OUTPUTS"]) / "sizes.json").write_text(json.dumps(sizes))
print("counted", len(sizes))
"""
SLEEP = "import time\nprint('sleeping', flush=True)\ntime.sleep(600)\n"


@pytest.fixture(scope="module")
def wallets(network: LocalNetwork) -> tuple[Wallet, Wallet, Wallet]:
    """Publisher, consumer and a stranger of this module's own."""
    return network.wallet(4), network.wallet(5), network.wallet(6)


@pytest.fixture(scope="module")
def shop(network: LocalNetwork) -> Ocean:
    return Ocean(network.config)


@pytest.fixture(scope="module")
def algorithm(shop: Ocean, network: LocalNetwork, wallets) -> Asset:
    return publish_algorithm(shop, network, wallets[0], COUNT)


@pytest.fixture(scope="module")
def data(shop: Ocean, network: LocalNetwork, wallets, algorithm: Asset) -> Asset:
    return publish_dataset(
        shop, network, wallets[0], "one two three", trusted=[algorithm.did], raw=True
    )


@pytest.fixture(scope="module")
def data_order(shop: Ocean, wallets, data: Asset) -> ComputeInput:
    return order(shop, data, ServiceTypes.CLOUD_COMPUTE, wallets[0], wallets[1])


@pytest.fixture(scope="module")
def algorithm_order(shop: Ocean, wallets, algorithm: Asset) -> ComputeInput:
    return order(shop, algorithm, ServiceTypes.ASSET_ACCESS, wallets[0], wallets[1])


def by_did(algorithm: Asset, ordered: ComputeInput) -> dict[str, str]:
    return {
        "algorithm_did": algorithm.did,
        "algorithm_tx_id": ordered.transfer_tx_id,
        "algorithm_data_token": algorithm.data_token_address,
    }


def id_of(asset: Asset) -> str:
    return asset.did.removeprefix("did:op:")


def test_an_algorithm_by_did_computes_on_the_data(
    shop, wallets, data, data_order, algorithm, algorithm_order, tmp_path: Path
) -> None:
    job = shop.compute.submit([data_order], wallets[1], **by_did(algorithm, algorithm_order))

    status = job.wait(timeout=60, progress=False)

    assert status.state is JobState.FINISHED
    assert shop.compute.status(data.did, job.job_id, wallets[1]) == {
        "ok": True,
        "status": 70,
        "statusText": "Job finished",
    }
    assert job.result_json() == {id_of(data): [3]}
    assert "counted 1" in job.logs()
    files = job.download(tmp_path, progress=False)
    assert sorted(path.name for path in files) == ["algorithm.log", "sizes.json"]
    assert json.loads((tmp_path / "sizes.json").read_text()) == {id_of(data): [3]}


def test_raw_code_computes_on_the_data(shop, wallets, data, data_order) -> None:
    job_id = shop.compute.start([data_order], wallets[1], algorithm_meta=raw_code(COUNT))

    job = shop.compute.job(data.did, job_id, wallets[1])
    job.wait(timeout=60, progress=False)

    assert job.result_json("sizes.json") == {id_of(data): [3]}


def test_several_inputs_are_all_there(
    shop, network, wallets, data, data_order, algorithm, algorithm_order
) -> None:
    second = publish_dataset(shop, network, wallets[0], "a b", trusted=[algorithm.did])
    second_order = order(shop, second, ServiceTypes.CLOUD_COMPUTE, wallets[0], wallets[1])

    job = shop.compute.submit(
        [data_order, second_order], wallets[1], **by_did(algorithm, algorithm_order)
    )
    job.wait(timeout=60, progress=False)

    assert job.result_json() == {id_of(data): [3], id_of(second): [2]}


def test_two_inputs_of_the_same_did_are_both_sent(shop, wallets, data, data_order) -> None:
    again = order(shop, data, ServiceTypes.CLOUD_COMPUTE, wallets[0], wallets[1])

    job = shop.compute.submit([data_order, again], wallets[1], algorithm_meta=raw_code(COUNT))
    job.wait(timeout=60, progress=False)

    listed = shop.compute.client.listed(wallets[1].address, data.did)
    infos = {job.status.job_id: job.raw for job in listed}
    assert infos[job.job_id]["inputDID"] == [data.did, data.did]


def test_a_running_job_is_stopped(shop, wallets, data, data_order) -> None:
    job = shop.compute.submit([data_order], wallets[1], algorithm_meta=raw_code(SLEEP))
    wait_until(lambda: job.status().code == 40, 30)

    before = shop.compute.stop(data.did, job.job_id, wallets[1])
    status = job.wait(timeout=30, progress=False)

    assert before["status"] == 40
    assert status.state is JobState.STOPPED
    assert status.succeeded is False


def test_a_crash_ends_as_the_protocol_ends_it_and_is_no_success(shop, wallets, data_order) -> None:
    code = raw_code("raise SystemExit('no such column: age')")

    job = shop.compute.submit([data_order], wallets[1], algorithm_meta=code)
    status = job.wait(timeout=60, progress=False)

    assert (status.code, status.succeeded, status.exit_code) == (70, False, 1)
    assert job.result()["urls"] == []
    assert "no such column: age" in job.logs()


def test_results_are_empty_while_there_are_none(shop, wallets, data, data_order) -> None:
    job = shop.compute.submit([data_order], wallets[1], algorithm_meta=raw_code(SLEEP))

    result = shop.compute.result(data.did, job.job_id, wallets[1])

    assert (result["did"], result["urls"]) == ("", [])
    job.stop()


def test_an_untrusted_algorithm_is_refused(shop, network, wallets, data, data_order) -> None:
    other = publish_algorithm(shop, network, wallets[2], SLEEP)
    ordered = order(shop, other, ServiceTypes.ASSET_ACCESS, wallets[2], wallets[1])

    with pytest.raises(AlgorithmNotTrusted, match=f"{other.did} is not trusted"):
        shop.compute.start([data_order], wallets[1], **by_did(other, ordered))


def test_raw_code_is_refused_where_it_is_not_allowed(shop, network, wallets, algorithm) -> None:
    strict = publish_dataset(shop, network, wallets[0], "x", trusted=[algorithm.did])
    ordered = order(shop, strict, ServiceTypes.CLOUD_COMPUTE, wallets[0], wallets[1])

    with pytest.raises(RawAlgorithmNotAllowed, match="cannot run raw algorithm"):
        shop.compute.start([ordered], wallets[1], algorithm_meta=raw_code(COUNT))


def test_an_order_of_something_else_is_refused(shop, wallets, data, data_order, algorithm_order):
    wrong = ComputeInput(data.did, algorithm_order.transfer_tx_id, data_order.service_id)

    with pytest.raises(OrderNotValid, match="is not valid"):
        shop.compute.start([wrong], wallets[1], algorithm_meta=raw_code(COUNT))


def test_an_order_of_somebody_else_is_refused(shop, wallets, data_order) -> None:
    with pytest.raises(OrderNotValid):
        shop.compute.start([data_order], wallets[2], algorithm_meta=raw_code(COUNT))


def test_a_foreign_wallet_sees_and_stops_nothing(shop, wallets, data, data_order) -> None:
    job = shop.compute.submit([data_order], wallets[1], algorithm_meta=raw_code(SLEEP))
    stranger = wallets[2]

    for call in (shop.compute.status, shop.compute.result, shop.compute.stop):
        with pytest.raises(JobNotFound, match=job.job_id):
            call(data.did, job.job_id, stranger)

    assert not job.status().is_finished
    job.stop()


def test_results_need_the_owners_signature(shop, wallets, data, data_order) -> None:
    job = shop.compute.submit([data_order], wallets[1], algorithm_meta=raw_code(COUNT))
    job.wait(timeout=60, progress=False)

    class Impostor:
        address = wallets[1].address

        def sign_message(self, message):
            return wallets[2].sign_message(message)

    with pytest.raises(ResultsWithheld, match="did not accept the signature"):
        shop.compute.result(data.did, job.job_id, Impostor())


def test_a_disabled_asset_and_a_denied_address_are_refused_before_the_provider_is_asked(
    shop, network, wallets, algorithm
) -> None:
    asset = publish_dataset(shop, network, wallets[0], "x", trusted=[algorithm.did], raw=True)
    ordered = order(shop, asset, ServiceTypes.CLOUD_COMPUTE, wallets[0], wallets[1])
    asset = shop.assets.resolve(asset.did)
    asset.add_address_to_deny_list(wallets[1].address)
    shop.assets.update(asset, wallets[0])

    with pytest.raises(AssetNotConsumable) as caught:
        shop.compute.start([ordered], wallets[1], algorithm_meta=raw_code(COUNT))
    assert caught.value.consumable_code == 4

    asset.remove_address_from_deny_list(wallets[1].address)
    asset.disable()
    shop.assets.update(asset, wallets[0])
    shop.compute.clear_caches()
    with pytest.raises(AssetNotConsumable) as caught:
        shop.compute.start([ordered], wallets[1], algorithm_meta=raw_code(COUNT))
    assert caught.value.consumable_code == 1


def test_an_asset_without_a_compute_service_is_refused(shop, wallets, algorithm, algorithm_order):
    with pytest.raises(NoComputeService, match="access"):
        shop.compute.start([algorithm_order], wallets[1], algorithm_meta=raw_code(COUNT))


def test_an_ordered_asset_is_downloaded(
    shop, wallets, algorithm, algorithm_order, tmp_path: Path
) -> None:
    folder = shop.assets.download(
        algorithm.did,
        algorithm_order.service_id,
        wallets[1],
        algorithm_order.transfer_tx_id,
        str(tmp_path),
    )

    written = list(Path(folder).iterdir())
    assert [path.read_text() for path in written] == [COUNT]


def test_oceanpy_style_code_runs_unchanged(network, wallets, data, data_order) -> None:
    """As ocean.py 0.5.25's users wrote it: class-level provider, signatures by hand, dicts."""
    config = network.config
    compute = OceanCompute(config, DataServiceProvider)
    wallet = wallets[1]

    job_id = compute.start(
        [ComputeInput(data.did, data_order.transfer_tx_id, data_order.service_id)],
        wallet,
        algorithm_meta=raw_code(COUNT),
    )
    wait_until(lambda: compute.status(data.did, job_id, wallet)["status"] == 70, 60)
    result = compute.result(data.did, job_id, wallet)

    _, endpoint = DataServiceProvider.build_compute_endpoint(config.provider_url)
    signature = DataServiceProvider.sign_message(
        wallet,
        SIGNED.format(owner=wallet.address, job_id=job_id, did=data.did),
        provider_uri=DataServiceProvider.get_root_uri(endpoint),
    )
    job = DataServiceProvider.compute_job_result(
        data.did, job_id, endpoint, wallet.address, signature
    )
    assert job["resultsUrl"] == result["urls"]
    assert isinstance(job_id, str)


def test_a_finished_job_can_be_deleted(shop, wallets, data, data_order) -> None:
    job = shop.compute.submit([data_order], wallets[1], algorithm_meta=raw_code(COUNT))
    job.wait(timeout=60, progress=False)

    assert job.delete() is True
