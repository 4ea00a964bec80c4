"""A user of a node and its chain, by hand: publishes, orders, deposits, starts paid jobs."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path
from typing import Any

import requests
from eth_account import Account

from ocean_lib.localnet.chain import RemoteChain
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.localnet.dialects.node.contract_calls import call_data, events_in, read, topic
from ocean_lib.localnet.dialects.node.escrow import lock_id
from ocean_lib.localnet.dialects.node.indexer import did_of
from tests.unit.localnet.node_replay import signed_with

API = "/api/services"
WEI = 10**18
ZERO = "0x" + 40 * "0"
CONTAINER = {
    "image": "python",
    "tag": "3.11",
    "entrypoint": "python3 $ALGO",
    "checksum": "sha256:1",
}
QUICK = "print('hello')\n"
_FEE = "(address,address,uint256,uint8,bytes32,bytes32,uint256,bytes)"
_ORDER = f"startOrder(address,uint256,{_FEE},(address,address,uint256))"
_CREATE = (
    "createNftWithErc20((string,string,uint256,string,bool,address),"
    "(uint256,string[],address[],uint256[],bytes[]))"
)
_SET = "setMetaData(uint8,string,string,bytes,bytes,bytes32,(address,uint8,bytes32,bytes32)[])"
_NFT_CREATED = topic("NFTCreated(address,address,string,address,string,string,bool,address)")
_TOKEN_CREATED = topic("TokenCreated(address,address,string,string,uint256,address)")
TERMS = [{"id": "cpu", "amount": 1}, {"id": "ram", "amount": 1}, {"id": "disk", "amount": 0}]


class NodeUser:
    """Somebody with a key, at a node that keeps its state in a folder."""

    _nonces = itertools.count(1)
    _chain_turn = threading.Lock()

    def __init__(self, folder: Path, account: int = 0) -> None:
        ports = json.loads((folder / "ports.json").read_text())
        self.key = json.loads((folder / "keys.json").read_text())["accounts"][account]
        self.contracts = json.loads((folder / "address.json").read_text())["development"]
        self.url = f"http://127.0.0.1:{ports['port']}"
        self.chain = RemoteChain(f"http://127.0.0.1:{ports['rpc_port']}")
        self.address = str(Account.from_key(self.key).address)
        self.token, self.escrow = self.contracts["Ocean"], self.contracts["Escrow"]

    def close(self) -> None:
        self.chain.close()

    def signed(self, command: str, name: str = "consumerAddress") -> dict[str, str]:
        nonce = int(time.time() * 1000) * 1000 + next(self._nonces) % 1000
        signature = signed_with(self.key, self.address, nonce, command)
        return {name: self.address, "nonce": str(nonce), "signature": signature}

    def get(self, path: str, **query: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", params=query, timeout=60)

    def post(self, path: str, body: Any, **options: Any) -> requests.Response:
        return requests.post(f"{self.url}{path}", json=body, timeout=60, **options)

    def send(self, to: str, signature: str, *arguments: Any) -> dict[str, Any]:
        with self._chain_turn:
            return send_transaction(self.chain, self.key, to, call_data(signature, *arguments))

    def environment(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"{API}/computeEnvironments").json()[0]
        return found

    def encrypt(self, content: Any) -> str:
        query = {**self.signed("encrypt"), "chainId": "8996"}
        data = content if isinstance(content, str) else _compact(content)
        answered = requests.post(
            f"{self.url}{API}/encrypt", params=query, data=data.encode(), timeout=60
        )
        assert answered.status_code == 200, answered.text
        return answered.text

    def publish(self, name: str, url: str, **more: Any) -> dict[str, Any]:
        """Publish an asset; keyword arguments are put into its service, `metadata` beside it."""
        nft, token = self.create(name)
        metadata = {
            **dict.fromkeys(("description", "author", "license"), name),
            "created": "2026-01-01T00:00:00Z",
            "updated": "2026-01-01T00:00:00Z",
            "type": "dataset",
            "name": name,
            **more.pop("metadata", {}),
        }
        files = [{"type": "url", "url": url, "method": "GET"}]
        sealed = {"datatokenAddress": token, "nftAddress": nft, "files": files}
        service = {
            "id": f"{name}-0",
            "type": "access",
            "files": self.encrypt(sealed),
            "datatokenAddress": token,
            "serviceEndpoint": self.url,
            "timeout": 86400,
            **more,
        }
        ddo = {
            "@context": ["https://w3id.org/did/v1"],
            "id": did_of(nft, 8996),
            "nftAddress": nft,
            "version": "4.1.0",
            "chainId": 8996,
            "metadata": metadata,
            "services": [service],
        }
        self.write(ddo)
        return ddo

    def create(self, name: str) -> tuple[str, str]:
        """Make an NFT with one datatoken."""
        nft = (name, name, 1, "", True, self.address)
        minters = [self.address, self.address, ZERO, ZERO]
        token = (1, [name, name], minters, [1000 * WEI, 0], [])
        receipt = self.send(self.contracts["ERC721Factory"], _CREATE, nft, token)
        (made,) = events_in(receipt, _NFT_CREATED)
        (minted,) = events_in(receipt, _TOKEN_CREATED)
        from eth_utils.address import to_checksum_address

        kinds = "address,string,string,string,bool"
        return str(to_checksum_address(made.values(kinds)[0])), minted.address(1)

    def write(self, ddo: dict[str, Any], state: int = 0) -> dict[str, Any]:
        """Write an asset's metadata, as the node validated it."""
        body = {"ddo": ddo, **self.signed("validateDDO", "publisherAddress")}
        valid = self.post("/api/aquarius/assets/ddo/validate", body)
        assert valid.status_code == 200, valid.text
        data = bytes.fromhex(self.encrypt(ddo)[2:])
        digest = bytes.fromhex(valid.json()["hash"][2:])
        return self.send(ddo["nftAddress"], _SET, state, self.url, "", b"\x02", data, digest, [])

    def order(self, told: dict[str, Any], index: int = 0) -> str:
        """Order what a quote asks for; the datatoken's owner is this user."""
        self.send(told["datatoken"], "mint(address,uint256)", self.address, WEI)
        fee = told["providerFee"]
        fees = (
            *(fee["providerFeeAddress"], fee["providerFeeToken"], int(fee["providerFeeAmount"])),
            *(fee["v"], bytes.fromhex(fee["r"][2:]), bytes.fromhex(fee["s"][2:])),
            *(fee["validUntil"], bytes.fromhex(fee["providerData"][2:])),
        )
        order = (told["consumerAddress"], index, fees, (ZERO, ZERO, 0))
        return str(self.send(told["datatoken"], _ORDER, *order)["transactionHash"])

    def fill_escrow(self, tokens: int, locks: int = 100) -> None:
        """Deposit so many tokens, and let the node lock all of them."""
        payee, amount = self.environment()["consumerAddress"], tokens * WEI
        self.send(self.token, "approve(address,uint256)", self.escrow, amount)
        self.send(self.escrow, "deposit(address,uint256)", self.token, amount)
        authorize = "authorize(address,address,uint256,uint256,uint256)"
        self.send(self.escrow, authorize, self.token, payee, amount, 100_000, locks)

    def funds(self) -> tuple[int, int]:
        """Return what is available in the escrow, and what is locked."""
        signature = "getUserFunds(address,address)", "(uint256,uint256)"
        (found,) = read(self.chain, self.escrow, *signature, self.address, self.token)
        return (int(found[0]), int(found[1]))

    def balance(self, address: str = "") -> int:
        """Return how many tokens somebody has."""
        signature = "balanceOf(address)", "uint256"
        return int(read(self.chain, self.token, *signature, address or self.address)[0])

    def quote(self, **more: Any) -> requests.Response:
        """Ask what a job costs."""
        body = {
            "datasets": [],
            "algorithm": {"meta": {"rawcode": QUICK, "container": CONTAINER}},
            "environment": self.environment()["id"],
            "consumerAddress": self.address,
            "payment": {"chainId": 8996, "token": self.token, "resources": TERMS},
            "maxJobDuration": 60,
            **more,
        }
        return self.post(f"{API}/initializeCompute", body)

    def start(self, **more: Any) -> requests.Response:
        """Start a paid job."""
        body = {
            "datasets": [],
            "algorithm": {"meta": {"rawcode": QUICK, "container": CONTAINER}},
            "environment": self.environment()["id"],
            "maxJobDuration": 60,
            "resources": TERMS,
            "payment": {"chainId": 8996, "token": self.token},
            **self.signed("startCompute"),
            **more,
        }
        return self.post(f"{API}/compute", body)

    def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs of this user."""
        found: list[dict[str, Any]] = self.get(
            f"{API}/compute", consumerAddress=self.address
        ).json()
        return found

    def locks(self) -> dict[int, int]:
        """Return the amounts that are locked for the node, of anybody, by their numbers."""
        kinds = "getLocks(address,address,address)", "(uint256,address,uint256,uint256,address)[]"
        node = self.get("/").json()["providerAddress"]
        (found,) = read(self.chain, self.escrow, *kinds, ZERO, ZERO, node)
        return {one[0]: one[2] for one in found}


def number_of(job: dict[str, Any]) -> int:
    """Return the number of a job's lock."""
    number = int(job["jobIdHash"], 16)
    assert number == lock_id(job["jobId"])
    return number


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
