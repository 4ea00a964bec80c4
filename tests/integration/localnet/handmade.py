"""A client made by hand for these tests: requests, eth-account and eth-abi, nothing of the SDK.

It knows the protocol from the recorded exchanges only, so that the network is not tested with
the SDK's own ideas about it.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from eth_utils import keccak, to_checksum_address

from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.chain import RemoteChain
from ocean_lib.localnet.chain.transactions import send_transaction

SERVICES = "/api/v1/services"
ASSETS = "/api/v1/aquarius/assets"
CONTAINER = {"entrypoint": "python3 $ALGO", "image": "python", "tag": "3.8"}
ETHER = 10**18


def until(condition: Callable[[], Any], *, seconds: float = 20.0) -> Any:
    """Return the first true value of `condition`, or fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.01)
    return value


def detaching(token: str, *, stays: bool = True) -> str:
    """Write an algorithm that starts a process which detaches itself and never ends.

    Args:
        token: Stands in the process's command line, to find it by.
        stays: Whether the algorithm itself stays too, or ends once the process runs.
    """
    return f"""
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        sleeper = "import sys, time; open(sys.argv[2], 'w').close(); time.sleep(600)"
        os.execv(sys.executable, [sys.executable, "-c", sleeper, {token!r}, "/tmp/{token}"])
    os._exit(0)
while {stays} or not os.path.exists("/tmp/{token}"):
    time.sleep(0.01)
"""


def running(token: str) -> list[int]:
    """Return this machine's processes that have `token` in their command lines."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if token.encode() in words:
                found.append(int(process.name))
    return found


def sign(account: LocalAccount, text: str) -> str:
    """Sign a personal message."""
    return "0x" + account.sign_message(encode_defunct(text=text)).signature.hex().removeprefix("0x")


def compute_service(**privacy: Any) -> dict[str, Any]:
    """Build a compute service, index 4, with the given privacy options."""
    timeout = privacy.pop("timeout", 3600)
    return {
        "type": "compute",
        "index": 4,
        "attributes": {
            "main": {
                "name": "dataAssetComputingServiceAgreement",
                "cost": 1.0,
                "timeout": timeout,
                "provider": {"environment": {"supportedServers": [{"maxExecutionTime": 86400}]}},
                "privacy": {
                    "allowRawAlgorithm": False,
                    "allowAllPublishedAlgorithms": False,
                    "publisherTrustedAlgorithms": [],
                    "allowNetworkAccess": False,
                    **privacy,
                },
            }
        },
    }


def access_service(cost: float = 1.0) -> dict[str, Any]:
    """Build an access service, index 3."""
    main = {"name": "dataAssetAccessServiceAgreement", "cost": cost, "timeout": 3600}
    return {"type": "access", "index": 3, "attributes": {"main": main}}


class Handmade:
    """One user of a network."""

    def __init__(self, network: LocalNetwork, account: LocalAccount) -> None:
        self.network = network
        self.account = account
        self.address: str = account.address
        self.http = requests.Session()
        self.chain = RemoteChain(network.rpc_url)

    def close(self) -> None:
        self.http.close()
        self.chain.close()

    # chain

    def transact(self, to: str, signature: str, *values: Any) -> dict[str, Any]:
        kinds = [kind for kind in signature[signature.index("(") + 1 : -1].split(",") if kind]
        data = keccak(text=signature)[:4] + encode(kinds, values)
        receipt = send_transaction(self.chain, self.account.key, to, data)
        assert int(receipt["status"], 16) == 1
        return receipt

    def new_token(self, name: str) -> str:
        receipt = self.transact(
            self.network.contracts.dt_factory,
            "createToken(string,string,string,uint256)",
            "",
            name,
            name,
            1000 * ETHER,
        )
        created = "0x" + keccak(text="TokenCreated(address,address,string)").hex()
        log = next(log for log in receipt["logs"] if log["topics"][0] == created)
        return str(to_checksum_address("0x" + log["topics"][1][-40:]))

    def order(self, seller: Handmade, did: str, service: int, amount: int = ETHER) -> str:
        """Get tokens of the seller's asset and order a service; return the transaction."""
        token = "0x" + did.removeprefix("did:op:")
        seller.transact(token, "mint(address,uint256)", self.address, amount)
        receipt = self.transact(
            token,
            "startOrder(address,uint256,uint256,address)",
            self.address,
            amount,
            service,
            "0x" + "0" * 40,
        )
        return str(receipt["transactionHash"])

    # metadata cache

    def ddo(self, did: str) -> dict[str, Any]:
        answer = self.get(f"{ASSETS}/ddo/{did}")
        assert answer.status_code == 200
        return dict(answer.json())

    def publish(
        self,
        name: str,
        urls: list[str],
        services: list[dict[str, Any]],
        *,
        kind: str = "dataset",
        container: dict[str, str] | None = None,
        **extra: Any,
    ) -> str:
        """Publish an asset with real transactions and return its DID."""
        token = self.new_token(name)
        did = "did:op:" + token.removeprefix("0x")
        ddo = self.build_ddo(did, name, urls, services, kind, container or CONTAINER)
        ddo.update(extra.get("ddo", {}))
        ddo["service"][0]["attributes"].update(extra.get("metadata", {}))
        self.write_metadata(ddo, "create")
        return did

    def write_metadata(self, ddo: dict[str, Any], function: str) -> None:
        data = lzma.compress(json.dumps(ddo).encode())
        token = "0x" + ddo["id"].removeprefix("did:op:")
        contract = self.network.contracts.metadata
        self.transact(contract, f"{function}(address,bytes,bytes)", token, b"\x01", data)

    def build_ddo(
        self,
        did: str,
        name: str,
        urls: list[str],
        services: list[dict[str, Any]],
        kind: str,
        container: dict[str, str],
    ) -> dict[str, Any]:
        files = [
            {"index": index, "contentType": "text/plain", "url": url}
            for index, url in enumerate(urls)
        ]
        main: dict[str, Any] = {
            "type": kind,
            "name": name,
            "author": "tests",
            "license": "CC0",
            "dateCreated": "2021-06-24T10:00:00Z",
            "files": [{"index": f["index"], "contentType": f["contentType"]} for f in files],
        }
        if kind == "algorithm":
            main["algorithm"] = {"language": "python", "container": container}
        metadata = {
            "type": "metadata",
            "index": 0,
            "attributes": {"main": main, "encryptedFiles": self.encrypt(did, files)},
        }
        endpoint = self.network.provider_url
        return {
            "@context": "https://w3id.org/did/v1",
            "id": did,
            "publicKey": [{"id": did, "type": "EthereumECDSAKey", "owner": self.address}],
            "authentication": [],
            "service": [{**item, "serviceEndpoint": endpoint} for item in [metadata, *services]],
            "dataToken": "0x" + did.removeprefix("did:op:"),
        }

    def trusted(self, did: str) -> dict[str, str]:
        """Build the trust entry of an algorithm, with both checksums."""
        attributes = self.ddo(did)["service"][0]["attributes"]
        files = json.dumps(attributes["main"]["files"], separators=(",", ":"))
        container = json.dumps(attributes["main"]["algorithm"]["container"], separators=(",", ":"))
        return {
            "did": did,
            "filesChecksum": hashlib.sha256(
                (attributes["encryptedFiles"] + files).encode()
            ).hexdigest(),
            "containerSectionChecksum": hashlib.sha256(container.encode()).hexdigest(),
        }

    # Provider

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.http.get(self.network.provider_url + path, params=params, timeout=30)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.http.post(self.network.provider_url + path, json=body, timeout=30)

    def encrypt(self, did: str, files: list[dict[str, Any]]) -> str:
        body = {
            "documentId": "0x" + did.removeprefix("did:op:"),
            "document": json.dumps(files),
            "publisherAddress": self.address,
        }
        answer = self.post(f"{SERVICES}/encrypt", body)
        assert answer.status_code == 201
        return str(answer.json()["encryptedDocument"])

    def nonce(self, address: str | None = None) -> Any:
        answer = self.get(f"{SERVICES}/nonce", userAddress=address or self.address)
        return answer.json()["nonce"]

    def signed(self, text: str, account: LocalAccount | None = None) -> str:
        """Sign a text followed by the nonce that the Provider has."""
        return sign(account or self.account, f"{text}{self.nonce()}")

    def start_body(self, did: str, tx: str, **changes: Any) -> dict[str, Any]:
        """Build a start request, with its signature over the present nonce."""
        body: dict[str, Any] = {
            "documentId": did,
            "consumerAddress": self.address,
            "output": {"nodeUri": self.network.rpc_url, "metadata": {}, "publishOutput": 0},
            "jobId": "",
            "serviceId": 4,
            "transferTxId": tx,
            "additionalInputs": [],
        }
        body.update(changes)
        body = {key: value for key, value in body.items() if value is not ...}
        if "signature" not in body:
            text = f"{body.get('consumerAddress', '')}{body.get('jobId', '')}"
            body["signature"] = self.signed(f"{text}{body.get('documentId', '')}")
        return body

    def start(self, did: str, tx: str, **changes: Any) -> requests.Response:
        return self.post(f"{SERVICES}/compute", self.start_body(did, tx, **changes))

    def query(self, job_id: str, did: str = "") -> dict[str, str]:
        """Build the signed parameters of status, stop and delete."""
        signature = self.signed(f"{self.address}{job_id}{did}")
        return {
            "signature": signature,
            "documentId": did,
            "consumerAddress": self.address,
            "jobId": job_id,
        }

    def status(self, job_id: str) -> dict[str, Any]:
        """Return a job's unsigned status."""
        jobs = self.get(f"{SERVICES}/compute", consumerAddress=self.address, jobId=job_id).json()
        assert len(jobs) == 1
        return dict(jobs[0])

    def result(self, job_id: str) -> dict[str, Any]:
        """Return a job with what only its owner may see."""
        jobs = self.get(f"{SERVICES}/compute", **self.query(job_id)).json()
        assert len(jobs) == 1
        return dict(jobs[0])

    def stop(self, job_id: str) -> requests.Response:
        url = f"{self.network.provider_url}{SERVICES}/compute"
        return self.http.put(url, params=self.query(job_id), timeout=30)

    def delete(self, job_id: str) -> requests.Response:
        url = f"{self.network.provider_url}{SERVICES}/compute"
        return self.http.delete(url, params=self.query(job_id), timeout=30)

    def ended(self, job_id: str, *, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until a job has ended and return it with its results."""
        until(lambda: self.status(job_id)["dateFinished"] is not None, seconds=seconds)
        return self.result(job_id)

    def read(self, url: str) -> str:
        answer = self.http.get(url, timeout=30)
        assert answer.status_code == 200
        return answer.text


def raw(code: str, **changes: Any) -> dict[str, Any]:
    """Build the metadata of a raw algorithm."""
    return {
        "url": "",
        "rawcode": code,
        "language": "python",
        "format": "docker-image",
        "version": "0.1",
        "container": CONTAINER,
        **changes,
    }


def stranger() -> LocalAccount:
    """Make an account that has nothing."""
    return Account.create()
