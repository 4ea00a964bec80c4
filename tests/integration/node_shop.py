"""A publisher on the embedded node, by the protocol alone: tokens, encrypted files, documents."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from ocean_lib import AlgorithmMetadata, Ocean
from ocean_lib.backends.node.abis import FOLDER
from ocean_lib.config import Config
from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.dialects.node.options import NodeOptions
from ocean_lib.ocean.ocean import Ocean as _Ocean
from ocean_lib.web3_internal.contract_base import ContractBase
from ocean_lib.web3_internal.transactions import wait_for_receipt
from ocean_lib.web3_internal.wallet import Wallet

ONE = 10**18
ZERO = "0x" + "00" * 20
CONTAINER = {"entrypoint": "python3 $ALGO", "image": "python", "tag": "3.11-slim", "checksum": ""}
TABLE = b"1,2\n3,4\n"
SUM = """
import json, os
numbers = []
for name in sorted(os.listdir('/data/inputs')):
    if name.endswith('.csv'):
        numbers += open('/data/inputs/' + name).read().replace('\\n', ',').strip(',').split(',')
json.dump({'sum': sum(map(int, numbers))}, open('/data/outputs/report.json', 'w'))
print('summed', len(numbers))
"""


class Factory(ContractBase):
    CONTRACT_NAME = "ERC721Factory"
    ABI_PATH = str(FOLDER)


class Nft(ContractBase):
    CONTRACT_NAME = "ERC721Template"
    ABI_PATH = str(resources.files("artifacts"))


class AnyToken(ContractBase):
    """A token as its publisher uses it."""

    CONTRACT_NAME = "ERC20Template"
    ABI_PATH = str(resources.files("artifacts"))


@dataclass
class Published:
    """An asset that was published."""

    did: str
    datatoken: str
    service_id: str
    nft: str
    document: dict[str, Any]


@dataclass
class Shop:
    """Publishes on one network; account 0 is the publisher."""

    network: LocalNetwork
    _accounts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.publisher = self.network.wallet(0)
        self.contracts = self.network.contracts
        self.web3 = self.publisher.web3
        self.token = self.contracts.ocean_token

    def ocean(self, **resources: object) -> Ocean:
        options = self.network.options
        options["resources"] |= {name: str(value) for name, value in resources.items()}
        return _Ocean(Config(options_dict=options))

    def buyer(self) -> Wallet:
        """Return a wallet that nobody else uses, with the network's token."""
        return self.network.wallet(next(self._accounts))

    def paid_environment(self) -> str:
        return next(one.id for one in self.ocean().compute.environments() if not one.is_free)

    def dataset(self, content: bytes = TABLE, *, name: str = "table", **of: Any) -> Published:
        url = self.network.publish_file(content, f"{name}.csv")
        compute = {
            "allowRawAlgorithm": of.pop("raw", False),
            "allowNetworkAccess": False,
            "publisherTrustedAlgorithmPublishers": of.pop("publishers", ["*"]),
            "publisherTrustedAlgorithms": of.pop("trusted", []),
        }
        service = {"type": "compute", "compute": compute, **of.pop("service", {})}
        return self.publish(name, {"type": "dataset"}, service, url, **of)

    def algorithm(self, code: str = SUM, *, name: str = "sum", **of: Any) -> Published:
        url = self.network.publish_file(code.encode(), f"{name}.py")
        described = {
            "language": "python",
            "version": "1.0",
            "container": CONTAINER,
            **of.pop("algorithm", {}),
        }
        metadata = {"type": "algorithm", "algorithm": described}
        return self.publish(name, metadata, {"type": "access", **of.pop("service", {})}, url, **of)

    def publish(
        self,
        name: str,
        metadata: dict[str, Any],
        service: dict[str, Any],
        url: str,
        source: str = "",
        **of_source: Any,
    ) -> Published:
        nft, datatoken = self.tokens(name, source, **of_source)
        chain_id = self.contracts.chain_id
        did = "did:op:" + hashlib.sha256(f"{nft}{chain_id}".encode()).hexdigest()
        files = {
            "datatokenAddress": datatoken,
            "nftAddress": nft,
            "files": [{"type": "url", "url": url, "method": "GET"}],
        }
        service_id = hashlib.sha256(did.encode()).hexdigest()
        ddo = {
            "@context": ["https://w3id.org/did/v1"],
            "id": did,
            "nftAddress": nft,
            "version": "4.1.0",
            "chainId": chain_id,
            "metadata": {
                **dict.fromkeys(("created", "updated"), "2026-11-30T14:07:59Z"),
                **dict.fromkeys(("name", "description", "author", "license"), name),
                **metadata,
            },
            "services": [
                {
                    "id": service_id,
                    "name": name,
                    "description": "",
                    "files": self.encrypted(_compact(files)),
                    "datatokenAddress": datatoken,
                    "serviceEndpoint": self.network.options["resources"]["provider.url"],
                    "timeout": 86400,
                    **service,
                }
            ],
        }
        self.set_metadata(nft, ddo)
        self._until_indexed(did)
        return Published(did, datatoken, service_id, nft, ddo)

    def tokens(self, name: str, source: str = "", **of: Any) -> tuple[str, str]:
        """Make an NFT with a datatoken, and its dispenser or exchange, in one transaction."""
        publisher = self.publisher.address
        nft = (name, name, 1, "", True, publisher)
        market = of.get("market_fee", 0)
        token = (
            1,
            [name, name],
            [publisher, publisher, publisher if market else ZERO, self.token if market else ZERO],
            [1000 * ONE, market],
            [],
        )
        arguments = [nft, token]
        if source == "WithDispenser":
            arguments.append((self.contracts.dispenser, ONE, ONE, True, ZERO))
        elif source == "WithFixedRate":
            addresses = [self.token, publisher, publisher, ZERO]
            uints = [18, 18, of["rate"], 0, 1]
            arguments.append((self.contracts.fixed_rate_exchange, addresses, uints))
        factory = Factory(self.contracts.erc721_factory, web3=self.web3)
        tx = factory.send_transaction(f"createNftWithErc20{source}", arguments, self.publisher)
        receipt = wait_for_receipt(self.web3, tx, operation="make a datatoken")
        made = [
            event.process_receipt(receipt)[0]["args"]["newTokenAddress"]
            for event in (factory.event_NFTCreated, factory.event_TokenCreated)
        ]
        return made[0], made[1]

    def give(self, asset: Published, to: Wallet, amount: int = ONE) -> None:
        token = AnyToken(asset.datatoken, web3=self.web3)
        token.send_transaction("mint", (to.address, amount), self.publisher)

    def set_metadata(self, nft: str, ddo: dict[str, Any]) -> None:
        text = _compact(ddo)
        data = bytes.fromhex(self.encrypted(text)[2:])
        digest = hashlib.sha256(text.encode()).digest()
        arguments = (0, "http://node", "", b"\x02", data, digest, [])
        Nft(nft, web3=self.web3).send_transaction("setMetaData", arguments, self.publisher)

    def encrypted(self, text: str) -> str:
        """Let the node encrypt a text: a signed call."""
        root = self.network.options["resources"]["provider.url"]
        address = self.publisher.address
        asked = requests.get(
            f"{root}/api/services/nonce", params={"userAddress": address}, timeout=60
        )
        nonce = str(int(asked.json()["nonce"]) + 1)
        digest = keccak(text=f"{address}{nonce}encrypt").lstrip(b"\0")
        signature = Account.sign_message(
            encode_defunct(digest), self.publisher.unsafe_private_key()
        )
        answer = requests.post(
            f"{root}/api/services/encrypt",
            params={
                "chainId": self.contracts.chain_id,
                "consumerAddress": address,
                "nonce": nonce,
                "signature": "0x" + bytes(signature.signature).hex(),
            },
            data=text.encode(),
            headers={"Content-Type": "application/octet-stream"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return answer.text

    def _until_indexed(self, did: str) -> None:
        root = self.network.options["resources"]["provider.url"]
        for _ in range(100):
            found = requests.get(f"{root}/api/aquarius/assets/ddo/{did}", timeout=60)
            if found.status_code == 200:
                return
        raise AssertionError(f"the node does not take the document of {did}: {found.text}")


def raw_code(code: str = SUM) -> AlgorithmMetadata:
    return AlgorithmMetadata(
        {"rawcode": code, "language": "python", "version": "1.0", "container": CONTAINER}
    )


@contextmanager
def open_shop(**node: Any) -> Iterator[Shop]:
    """Start a node's network, and open a shop there."""
    options = NodeOptions(**node) if node else None
    given = {} if options is None else {"node": options}
    with LocalNetwork(generation="node", account_count=60, **given) as network:
        yield Shop(network)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
