"""The chain of the recordings, made again: the same keys in the same order give the same addresses.

So contracts, NFTs, datatokens, DIDs and the node's signatures are the recorded ones; hashes of
transactions and what was encrypted are not, and `World.names` puts ours in their place.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eth_account import Account

from ocean_lib.localnet.chain import EmbeddedChain
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.localnet.dialects.node.contract_calls import call_data
from ocean_lib.localnet.dialects.node.contracts import NodeContracts, deploy_contracts
from ocean_lib.localnet.dialects.node.node_key import NodeKey, compact, document_hash
from ocean_lib.localnet.dialects.node.quote_api import provider_fee
from tests.vectors import nodes

PUBLISHER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
NODE_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
TABLE = b"name,value\na,1\nb,2\nc,39\n"
PUBLISHER = str(Account.from_key(PUBLISHER_KEY).address)
WEI, TOKEN = 10**18, "0x5FbDB2315678afecb367f032d93F642f64180aa3"
_FEE = "(address,address,uint256,uint8,bytes32,bytes32,uint256,bytes)"
_ORDER = f"startOrder(address,uint256,{_FEE},(address,address,uint256))"
_CREATE = (
    "createNftWithErc20((string,string,uint256,string,bool,address),"
    "(uint256,string[],address[],uint256[],bytes[]))"
)
_ZERO = "0x" + 40 * "0"


def algorithm_code() -> bytes:
    """Return the recorded algorithm."""
    code: str = nodes.load("10")[1]["request"]["body"]["json"]["algorithm"]["meta"]["rawcode"]
    return code.encode()


def file_url(name: str) -> str:
    """Return the URL of a file in a node's own store; `put_files` puts it there."""
    return f"http://127.0.0.1/files/{name.encode().hex():0>64}/{name}"


def put_files(folder: Path) -> None:
    """Put the recorded files where a node keeps its own."""
    for name, content in (("algo.py", algorithm_code()), ("table.csv", TABLE)):
        path = folder / f"{name.encode().hex():0>64}" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)


@dataclass(frozen=True)
class World:
    """A chain with everything on it that the recorded one had before the first free start."""

    file: Path
    contracts: NodeContracts
    names: dict[str, str]

    def copy(self, folder: Path) -> EmbeddedChain:
        """Open a copy of the chain."""
        shutil.copyfile(self.file, folder / "chain.db")
        return EmbeddedChain(folder / "chain.db", chain_id=self.contracts.chain_id)


class Builder:
    """Publishes and orders on a chain."""

    def __init__(self, chain: EmbeddedChain, contracts: NodeContracts) -> None:
        self.chain = chain
        self.contracts = contracts
        self.key = NodeKey(NODE_KEY)
        self.names: dict[str, str] = {}

    def send(self, key: str, to: str, signature: str, *arguments: Any) -> str:
        receipt = send_transaction(self.chain, key, to, call_data(signature, *arguments))
        return str(receipt["transactionHash"])

    def publish(self, ddo: dict[str, Any], *, file: str) -> None:
        """Publish a document, whose addresses the factory gives in turn."""
        ddo, name = deepcopy(ddo), ddo["metadata"]["name"]
        nft = (name, f"N-{name}", 1, "", True, PUBLISHER)
        minters = [PUBLISHER, PUBLISHER, _ZERO, _ZERO]
        token = (1, [f"DT-{name}", f"DT{name}"], minters, [1000 * WEI, 0], [])
        self.send(PUBLISHER_KEY, self.contracts.erc721_factory, _CREATE, nft, token)
        service = ddo["services"][0]
        sealed = {
            "datatokenAddress": service["datatokenAddress"],
            "nftAddress": ddo["nftAddress"],
            "files": [{"type": "url", "url": file_url(file), "method": "GET"}],
        }
        ours = self.key.encrypt(compact(sealed).encode())
        if "files" in service:
            self.names[service["files"]] = ours
        service["files"] = ours
        self.names[PUBLISHED_IN.get(ddo["id"], "")] = self.set_metadata(ddo)

    def set_metadata(self, ddo: dict[str, Any], state: int = 0) -> str:
        """Write a document's metadata; the hash of the transaction."""
        text = compact(ddo)
        data = bytes.fromhex(self.key.encrypt(text.encode())[2:])
        digest = bytes.fromhex(document_hash(text)[2:])
        signature = (
            "setMetaData(uint8,string,string,bytes,bytes,bytes32,(address,uint8,bytes32,bytes32)[])"
        )
        given = (state, "http://127.0.0.1:18002", "", b"\x02", data, digest, [])
        return self.send(PUBLISHER_KEY, ddo["nftAddress"], signature, *given)

    def order(self, token: str, service_id: str, consumer: str) -> str:
        """Give the recorded consumer datatokens, and order a service."""
        self.send(PUBLISHER_KEY, token, "mint(address,uint256)", nodes.CONSUMER, 5 * WEI)
        service = {"datatokenAddress": token, "id": service_id, "timeout": 86400}
        return self.send(nodes.CONSUMER_KEY, token, *order_call(self.key, service, consumer))


def order_call(key: NodeKey, service: dict[str, Any], consumer: str) -> tuple[Any, ...]:
    """Return what `send` needs to order a service."""
    fee = provider_fee(key, service, TOKEN)
    told = (
        *(fee["providerFeeAddress"], fee["providerFeeToken"], int(fee["providerFeeAmount"])),
        *(fee["v"], bytes.fromhex(fee["r"][2:]), bytes.fromhex(fee["s"][2:])),
        *(fee["validUntil"], bytes.fromhex(fee["providerData"][2:])),
    )
    return _ORDER, consumer, 0, told, (_ZERO, _ZERO, 0)


def recorded_document(number: str) -> dict[str, Any]:
    """Return the recorded document of an asset, as it was published."""
    (found,) = nodes.FOLDER.glob(f"{number}-publish-*-validate-ddo.json")
    document: dict[str, Any] = nodes.load(found.stem)[-1]["request"]["body"]["json"]["ddo"]
    return document


def found_document() -> dict[str, Any]:
    """Return the one that was recorded only where it was found."""
    found: dict[str, Any] = deepcopy(nodes.load("06")[-1]["response"]["body"]["json"][0][1])
    return {k: v for k, v in found.items() if k not in ("datatokens", "indexedMetadata")}


def other(of: dict[str, Any], name: str, nft: str, token: str, service_id: str) -> dict[str, Any]:
    """Return a document like another one, of another asset."""
    ddo = deepcopy(of)
    ddo["metadata"] |= {"name": name, "description": name}
    ddo["nftAddress"] = nft
    ddo["id"] = "did:op:" + document_hash(f"{nft}8996")[2:]
    service = ddo["services"][0]
    service |= {"id": service_id, "name": f"{name} service", "datatokenAddress": token}
    del service["files"]
    return ddo


@functools.cache
def world() -> World:
    """Build the chain, once for all tests of a process."""
    folder = Path(tempfile.mkdtemp(prefix="node-world-"))
    consumer, node = nodes.CONSUMER, NodeKey(NODE_KEY).address
    funded = dict.fromkeys((PUBLISHER, consumer, node), 1000 * WEI)
    chain = EmbeddedChain(folder / "chain.db", chain_id=8996, funded=funded)
    contracts = deploy_contracts(chain, PUBLISHER_KEY, node, [PUBLISHER, consumer])
    builder = Builder(chain, contracts)
    publish_all(builder)
    order_all(builder)
    chain.close()
    # Copies are continued: what their documents were read from stays where it is.
    builder.names.pop("")
    return World(folder / "chain.db", replace(contracts, block_number=0), builder.names)


def publish_all(builder: Builder) -> None:
    """Publish the recorded assets in the recorded order."""
    algorithm, table = recorded_document("02"), recorded_document("04")
    untrusted = found_document()
    raw, wrong = other(table, "raw", *RAW), other(table, "wrong", *WRONG)
    nobody, denied = other(table, "nobody", *NOBODY), other(table, "denied", *DENIED)
    access = other(table, "access", *ACCESS)
    raw["services"][0]["compute"]["allowRawAlgorithm"] = True
    wrong["services"][0]["compute"]["publisherTrustedAlgorithms"][0]["filesChecksum"] = "0" * 64
    nobody["services"][0]["compute"]["publisherTrustedAlgorithms"] = []
    denied["credentials"] = {"deny": [{"type": "address", "values": [nodes.CONSUMER]}]}
    access["services"][0]["type"] = "access"
    del access["services"][0]["compute"]
    builder.publish(algorithm, file="algo.py")
    builder.publish(untrusted, file="algo.py")
    for ddo in (table, raw, wrong, nobody, denied, access):
        builder.publish(ddo, file="table.csv")


def order_all(builder: Builder) -> None:
    """Order what was ordered."""
    node = builder.key.address
    table, sum_ = recorded_document("04")["services"][0], recorded_document("02")["services"][0]
    tokens = [(one["datatokenAddress"], one["id"]) for one in (table, sum_)]
    for recorded, (token, service_id), consumer in (
        ("0x6670580ed8e975d3bc7371fddb91424498b0f2c488eba3f9b22c69fe2c357a3c", tokens[0], node),
        ("0xd6bb5cd89eb1d13c7229aac8faa1d35d4b20bf9896040d6ad3eeac97c135727a", tokens[1], node),
        ("0xea180bd23f82918ca09b501d02fc3ae57a5ea220501351b8f5615781f8e5201f", UNTRUSTED[1:], node),
        ("0x3246a5e3e323d87d9b38436d5c793a1844627c8989f248072d77f6c4cf6ef0ea", RAW[1:], node),
        ("0xef78b3eb7fe18a09f317222fd61a820201f07783090d6fd6a56581b0f46dc442", ACCESS[1:], node),
        (
            "0x68519189aae59f32e580b7cbe2e403551c2ca73ce8eb329d637f68dda89104b5",
            tokens[0],
            nodes.CONSUMER,
        ),
    ):
        builder.names[recorded] = builder.order(token, service_id, consumer)


def fill_escrow(chain: EmbeddedChain, contracts: NodeContracts, key: NodeKey) -> None:
    """Deposit and authorize as the recorded consumer did."""
    builder, escrow = Builder(chain, contracts), contracts.escrow
    consumer, amount = nodes.CONSUMER_KEY, 100 * WEI
    builder.send(consumer, TOKEN, "approve(address,uint256)", escrow, amount)
    builder.send(consumer, escrow, "deposit(address,uint256)", TOKEN, amount)
    authorize = "authorize(address,address,uint256,uint256,uint256)"
    builder.send(consumer, escrow, authorize, TOKEN, key.address, amount // 2, 7320, 20)


PUBLISHED_IN = {
    ddo["id"]: ddo["indexedMetadata"]["event"]["txid"]
    for ddo in (
        nodes.load("02-publish-algorithm-fetch-ddo")[-1]["response"]["body"]["json"],
        nodes.load("04-publish-dataset-fetch-ddo")[-1]["response"]["body"]["json"],
        nodes.load("06")[-1]["response"]["body"]["json"][0][1],
    )
}
"""The recorded transactions in which assets were published."""
# NFT, datatoken and service of the assets whose documents were not recorded.
UNTRUSTED = (
    "0xED179b78D5781f93eb169730D8ad1bE7313123F4",
    "0x1016b5AAA3270a65C315C664ecB238B6db270b64",
    "6353de988bb15f611bd2eb9ca3a62eb2aeda604e2fdd570802f5c15404c073e3",
)
RAW = (
    "0x4cBD79D2EEF2f1b36D07b57844CdF773C0F2926b",
    "0x67913A0F4F407BdBA24EBf89421A519b525a235f",
    "4ef24c452c83da3ea3ea7291a77b005f986a08555597b6f85959c6afeece2188",
)
WRONG = (
    "0xAAA925501562Ce6518b75D973C43217cC559a2e3",
    "0x62003B9CA0C4bb79FdD1CfD951CF5e15D8830641",
    "29d7b7e95a39dbae5582e792dfb415d414bac33bb3c965bc87690b630a9b0d37",
)
NOBODY = (
    "0xb7FE7FeD109eBEDcbd4b0dba138765618C288826",
    "0xea68ff4a7Db529E4F71f3D22a81486fE171FCa1F",
    "3078e3a4469e94d5cfe5c51b47af7fba3eb12df259ef118e6ec31f0a7b5279e0",
)
DENIED = (
    "0x18974eD5763e3e1B75A8Ac9cD7e71d4C67CFb356",
    "0xeF78898686d432597Fc61BE55355999263605e35",
    "62d6c2330036f64bcf71b95791743d6c77c38e0d7c8cbedcbc525c77c57cf0ee",
)
ACCESS = (
    "0xe844D6D9201d64d5dffBFe8B75E7d53f5c8E3f0e",
    "0x3CCa4e34D4308EF7D6187963004121A1069E772c",
    "3d38db5b561e526c30c8a3f76666359130b697a9b51bbda88bb094fc3ceb3162",
)
