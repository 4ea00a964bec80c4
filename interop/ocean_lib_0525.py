# ruff: noqa: D102 - the steps say by their names what they do
"""ocean-lib 0.5.25's own compute-to-data flow, step by step, against the network it is told of.

Runs on Python 3.8 in an environment of its own, where `ocean_lib` is the one from PyPI. Reads one
JSON object from stdin (addresses and keys of the network, files, algorithms) and prints one JSON
object a line for every step: {"step", "ok", "detail", "seconds"}; everything else goes to stderr.
"""

import contextlib
import hashlib
import json
import sys
import tempfile
import time
import traceback
from pathlib import Path

import requests

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.utils import add_publisher_trusted_algorithm
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.config import Config
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.util import to_base_18
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.wallet import Wallet

CREATED = "2021-08-01T10:00:00Z"
CONTAINER = {"entrypoint": "python3 $ALGO", "image": "python", "tag": "3.8"}
FINISHED = 70


class Unexpected(Exception):
    """A step went otherwise than against the real services."""


def expect(condition, what):
    """Raise `Unexpected` unless the condition holds."""
    if not condition:
        raise Unexpected(what)


class Flow:
    """What the steps share; every public method is a step."""

    def __init__(self, told):
        self.told = told
        self.config = Config(
            options_dict={
                "eth-network": {
                    "network": told["rpc_url"],
                    "address.file": told["address_file"],
                },
                "resources": {
                    "metadata_cache_uri": told["metadata_cache_url"],
                    "provider.url": told["provider_url"],
                    "provider.address": told["provider_address"],
                },
            }
        )
        self.ocean = Ocean(self.config)
        self.publisher = Wallet(self.ocean.web3, private_key=told["keys"][0])
        self.consumer = Wallet(self.ocean.web3, private_key=told["keys"][1])

    # Publishing

    def _algorithm(self, name, url):
        main = {
            "type": "algorithm",
            "name": name,
            "author": "ocean-lib",
            "license": "CC0",
            "dateCreated": CREATED,
            "files": [{"index": 0, "contentType": "text/x-python", "url": url}],
            "algorithm": {
                "language": "python",
                "format": "docker-image",
                "version": "0.1",
                "container": CONTAINER,
            },
        }
        asset = self.ocean.assets.create({"main": main}, self.publisher)
        return self._resolved(asset.did)

    def _resolved(self, did):
        deadline = time.time() + 30
        while True:  # the metadata cache follows the chain, it does not lead it
            try:
                return self.ocean.assets.resolve(did)
            except ValueError:
                if time.time() > deadline:
                    raise
                time.sleep(0.2)

    def publish_algorithm(self):
        self.algorithm = self._algorithm("count", self.told["algorithm_url"])
        self.untrusted = self._algorithm("not trusted", self.told["algorithm_url"])
        return self.algorithm.did

    def publish_dataset(self):
        compute = self.ocean.compute
        attributes = compute.create_compute_service_attributes(
            3600,
            self.publisher.address,
            CREATED,
            compute.build_service_provider_attributes(
                "Azure",
                "Compute service",
                compute.build_cluster_attributes("Kubernetes", "http://127.0.0.1/"),
                [compute.build_container_attributes("python", "3.8", "python3 $ALGO")],
                [compute.build_server_attributes("1", "xlsize", 16, 0, "128gb", "160gb", 3600)],
            ),
            compute.build_service_privacy_attributes(
                [self.algorithm.did],
                self.config.metadata_cache_uri,
                allow_raw_algorithm=True,
            ),
        )
        main = {
            "type": "dataset",
            "name": "a table",
            "author": "ocean-lib",
            "license": "CC0",
            "dateCreated": CREATED,
            "files": [{"index": 0, "contentType": "text/csv", "url": self.told["dataset_url"]}],
        }
        created = self.ocean.assets.create(
            {"main": main},
            self.publisher,
            service_descriptors=[compute.create_compute_service_descriptor(attributes)],
        )
        self.dataset = self._resolved(created.did)
        expect(isinstance(self.dataset, Asset), "the dataset does not resolve to an Asset")
        trusted = self.dataset.get_trusted_algorithms()
        expect([one["did"] for one in trusted] == [self.algorithm.did], str(trusted))
        return self.dataset.did

    def find(self):
        mine = self.ocean.assets.owner_assets(self.publisher.address)
        expect(self.dataset.did in mine and self.algorithm.did in mine, f"owner_assets: {mine}")
        found = [asset.did for asset in self.ocean.assets.search("a table")]
        expect(self.dataset.did in found, f"search: {found}")
        return f"{len(mine)} assets of the publisher"

    def mint(self):
        for asset in (self.dataset, self.algorithm, self.untrusted):
            token = self.ocean.get_data_token(asset.data_token_address)
            transaction = token.mint(self.consumer.address, to_base_18(10.0), self.publisher)
            expect(token.get_tx_receipt(transaction).status == 1, "the mint was reverted")
            expect(token.token_balance(self.consumer.address) == 10.0, "the balance is not 10")
        return ""

    # Ordering

    def _order(self, asset, service_type):
        service = asset.get_service(service_type)
        needs = self.ocean.assets.order(asset.did, self.consumer.address, service_type=service_type)
        return self.ocean.assets.pay_for_service(
            needs.amount,
            needs.data_token_address,
            asset.did,
            service.index,
            ZERO_ADDRESS,
            self.consumer,
        )

    def order(self):
        self.dataset_order = self._order(self.dataset, ServiceTypes.CLOUD_COMPUTE)
        self.algorithm_order = self._order(self.algorithm, ServiceTypes.ASSET_ACCESS)
        orders = self.ocean.get_user_orders(self.consumer.address, self.dataset.data_token_address)
        expect(len(orders) == 1, f"get_user_orders found {len(orders)} orders")
        return ""

    # Computing

    def _inputs(self):
        service = self.dataset.get_service(ServiceTypes.CLOUD_COMPUTE)
        return [ComputeInput(self.dataset.did, self.dataset_order, service.index)]

    def _start_raw(self, code):
        raw = {
            "rawcode": code,
            "language": "python",
            "format": "docker-image",
            "version": "0.1",
            "container": CONTAINER,
        }
        return self.ocean.compute.start(
            self._inputs(), self.consumer, algorithm_meta=AlgorithmMetadata(raw)
        )

    def _wait(self, job):
        texts, deadline = [], time.time() + 60
        while time.time() < deadline:
            status = self.ocean.compute.status(self.dataset.did, job, self.consumer)
            expect(status["ok"], f"status {status}")
            if status["statusText"] not in texts:
                texts.append(status["statusText"])
            if status["status"] == FINISHED:
                return texts
            time.sleep(0.1)
        raise Unexpected(f"not finished after 60 s: {texts}")

    def _count(self, job):
        result = self.ocean.compute.result(self.dataset.did, job, self.consumer)
        expect(result["did"] == "", f"did {result['did']!r}")
        answers = [requests.get(url, timeout=30) for url in result["urls"]]
        expect(answers and all(one.status_code == 200 for one in answers), str(answers))
        counts = [one.json() for one in answers if b'"lines"' in one.content]
        expect(counts == [{"lines": self.told["lines"]}], str(counts))
        # The client's default is [], the Provider's value a string: both are seen as they come.
        logs = result["logs"]
        log = requests.get(logs if isinstance(logs, str) else logs[0], timeout=30)
        expect(log.status_code == 200 and "counting" in log.text, log.text[:200])
        return f"{len(answers)} file(s), log of {len(log.content)} bytes"

    def start_by_did(self):
        self.job = self.ocean.compute.start(
            self._inputs(),
            self.consumer,
            algorithm_did=self.algorithm.did,
            algorithm_tx_id=self.algorithm_order,
            algorithm_data_token=self.algorithm.data_token_address,
        )
        expect(len(self.job) == 32, self.job)
        return ""

    def status(self):
        return f"to '{self._wait(self.job)[-1]}'"

    def result(self):
        return self._count(self.job)

    def start_raw(self):
        job = self._start_raw(self.told["raw_code"])
        self._wait(job)
        return self._count(job)

    def stop(self):
        job = self._start_raw(self.told["waiting_code"])
        deadline = time.time() + 30
        while True:
            now = self.ocean.compute.status(self.dataset.did, job, self.consumer)
            if now["status"] == 40:
                break
            expect(time.time() < deadline, f"never ran: {now}")
            time.sleep(0.1)
        answer = self.ocean.compute.stop(self.dataset.did, job, self.consumer)
        expect(answer["ok"], str(answer))
        self._wait(job)
        return f"answered {answer['status']}, then {FINISHED}"

    def all_jobs(self):
        first = self.ocean.compute.status(self.dataset.did, "", self.consumer)
        expect(first["ok"], str(first))
        try:
            self.ocean.compute.status(self.dataset.did, "0" * 32, self.consumer)
        except IndexError:
            return "the first of them; IndexError"
        raise Unexpected("an unknown job has a status")

    def _start_untrusted(self):
        return self.ocean.compute.start(
            self._inputs(),
            self.consumer,
            algorithm_did=self.untrusted.did,
            algorithm_tx_id=self.untrusted_order,
            algorithm_data_token=self.untrusted.data_token_address,
        )

    def refusal(self):
        self.untrusted_order = self._order(self.untrusted, ServiceTypes.ASSET_ACCESS)
        try:
            self._start_untrusted()
        except ValueError as error:
            text = json.loads(str(error))["error"]
            expect("trusted" in text, text)
            return text
        raise Unexpected("an algorithm that is not trusted was started")

    def trust(self):
        trusted = add_publisher_trusted_algorithm(
            self.dataset.did, self.untrusted.did, self.config.metadata_cache_uri
        )
        self.dataset.update_compute_privacy(trusted, False, True)
        self.ocean.assets.update(self.dataset, self.publisher)
        deadline = time.time() + 30
        while len(self._resolved(self.dataset.did).get_trusted_algorithms()) < 2:
            expect(time.time() < deadline, "the update is not in the metadata cache")
            time.sleep(0.2)
        job = self._start_untrusted()
        self._wait(job)
        return self._count(job)

    def download(self):
        service = self.algorithm.get_service(ServiceTypes.ASSET_ACCESS)
        with tempfile.TemporaryDirectory() as folder:
            path = self.ocean.assets.download(
                self.algorithm.did, service.index, self.consumer, self.algorithm_order, folder
            )
            files = [file for file in Path(path).rglob("*") if file.is_file()]
            hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
            expect(hashes == [self.told["algorithm_sha256"]], f"{files} {hashes}")
            return files[0].name


NEEDED = ("publish_algorithm", "publish_dataset", "mint", "order")
STEPS = [
    "publish_algorithm",
    "publish_dataset",
    "find",
    "mint",
    "order",
    "start_by_did",
    "status",
    "result",
    "start_raw",
    "stop",
    "all_jobs",
    "refusal",
    "trust",
    "download",
]


def main():
    """Run the steps in order, but none after one that the others need has failed."""
    told = json.load(sys.stdin)
    report = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # the client prints what it signs
        flow, failed = None, []
        for step in STEPS:
            started, ok = time.time(), False
            try:
                expect(not set(failed) & set(NEEDED), "not reached")
                flow = flow or Flow(told)
                detail, ok = getattr(flow, step)(), True
            except Exception as error:  # noqa: BLE001
                detail = f"{type(error).__name__}: {error}"
                failed.append(step)
                traceback.print_exc()
            line = {"step": step, "ok": ok, "detail": detail, "seconds": time.time() - started}
            print(json.dumps(line), file=report, flush=True)
        assets = {}
        if not failed:
            assets = {"dataset": flow.dataset.did, "algorithm": flow.algorithm.did}
        print(json.dumps({"assets": assets}), file=report, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
