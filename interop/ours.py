"""Our own client on assets that another client published: order, compute, read, download."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocean_lib import ComputeInput, DataToken, Ocean
from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.util import to_base_18
from ocean_lib.web3_internal.constants import ZERO_ADDRESS


class _Flow:
    """What the steps share; the scientist is an account that the other client never used."""

    def __init__(self, network: LocalNetwork, assets: dict[str, str], first_account: int) -> None:
        self.ocean = Ocean(network.config)
        self.publisher = network.wallet(first_account)
        self.scientist = network.wallet(first_account + 2)
        self.dids = assets
        self.dataset = self.ocean.assets.resolve(assets["dataset"])
        self.algorithm = self.ocean.assets.resolve(assets["algorithm"])
        self.orders: dict[str, str] = {}
        self.job: ComputeJob

    def mint(self) -> str:
        for asset in (self.dataset, self.algorithm):
            token = DataToken(asset.data_token_address)
            token.mint(self.scientist.address, to_base_18(2.0), self.publisher)
        return ""

    def order(self) -> str:
        for name, asset, service_type in (
            ("dataset", self.dataset, ServiceTypes.CLOUD_COMPUTE),
            ("algorithm", self.algorithm, ServiceTypes.ASSET_ACCESS),
        ):
            did, index = self.dids[name], self._index(asset, service_type)
            needs = self.ocean.assets.order(did, self.scientist.address, service_type=service_type)
            self.orders[name] = self.ocean.assets.pay_for_service(
                needs.amount, needs.data_token_address, did, index, ZERO_ADDRESS, self.scientist
            )
        return ""

    @staticmethod
    def _index(asset: Asset, service_type: str) -> int:
        service = asset.get_service(service_type)
        if service is None or service.index is None:
            raise LookupError(f"{asset.did} has no {service_type} service with an index")
        return int(service.index)

    def start_by_did(self) -> str:
        index = self._index(self.dataset, ServiceTypes.CLOUD_COMPUTE)
        self.job = self.ocean.compute.submit(
            [ComputeInput(self.dids["dataset"], self.orders["dataset"], index)],
            self.scientist,
            algorithm_did=self.dids["algorithm"],
            algorithm_tx_id=self.orders["algorithm"],
            algorithm_data_token=self.algorithm.data_token_address,
        )
        return ""

    def status(self) -> str:
        return f"to '{self.job.wait(timeout=60).text}'"

    def result(self, lines: int) -> str:
        counted = self.job.result_json()
        if counted != {"lines": lines}:
            raise ValueError(f"expected {lines} lines, got {counted}")
        return f"log of {len(self.job.logs())} bytes"

    def download(self, content: bytes) -> str:
        index = self._index(self.algorithm, ServiceTypes.ASSET_ACCESS)
        with tempfile.TemporaryDirectory() as folder:
            where = self.ocean.assets.download(
                self.dids["algorithm"], index, self.scientist, self.orders["algorithm"], folder
            )
            files = [file for file in Path(where).rglob("*") if file.is_file()]
            if [file.read_bytes() for file in files] != [content]:
                raise ValueError(f"expected the algorithm's file, got {files}")
            return files[0].name


def run(
    network: LocalNetwork, assets: dict[str, str], first_account: int, lines: int, content: bytes
) -> dict[str, dict[str, Any]]:
    """Run the steps in order.

    Args:
        network: The network that the other client published on.
        assets: The DIDs of its `dataset` and the `algorithm` that the dataset trusts.
        first_account: The account that published; the second after it is ours.
        lines: How many lines the dataset has, which the algorithm counts.
        content: The algorithm's file.

    Returns:
        For each step whether it was `ok`, a `detail`, and the `seconds` it took.
    """
    flow = _Flow(network, assets, first_account)
    steps: dict[str, Callable[[], str]] = {
        "mint": flow.mint,
        "order": flow.order,
        "start_by_did": flow.start_by_did,
        "status": flow.status,
        "result": lambda: flow.result(lines),
        "download": lambda: flow.download(content),
    }
    told = {}
    for name, step in steps.items():
        started = time.monotonic()
        try:
            ok, detail = True, step()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the table shows
            ok, detail = False, f"{type(error).__name__}: {error}"
        told[name] = {"ok": ok, "detail": detail, "seconds": time.monotonic() - started}
    return told
