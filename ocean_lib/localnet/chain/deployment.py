"""Put contracts on a chain with a key that does nothing else, or find them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ocean_lib.localnet.chain.client import ChainClient
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.localnet.chain.values import contract_address

_MOST_GAS = 8_000_000
"""For each transaction: the largest contract takes 5.3 million. To estimate would be to run it
several times before it is sent."""
Artifact = dict[str, Any]


class Deployment:
    """A fixed row of transactions, of which those that are done already are left out.

    Which are done, the deployer's nonce tells, and the code of the contracts. So the same row can
    be gone through at every start, and what an interrupted one left out is added.

    Args:
        chain: Where to deploy.
        key: The deployer's private key.
        artifact: Returns a contract's artifact by its name: `abi`, `bytecode`, `deployedBytecode`.

    Attributes:
        deployer: The deployer's address, checksummed.
        first_block: No event of the contracts is in a block before this one; 0 if there were
            transactions of the deployer before.
    """

    def __init__(
        self, chain: ChainClient, key: bytes | str, artifact: Callable[[str], Artifact]
    ) -> None:
        from eth_account import Account

        self._chain = chain
        self._key = key
        self._artifact = artifact
        self.deployer = str(Account.from_key(key).address)
        self._used = int(chain.call("eth_getTransactionCount", self.deployer, "latest"), 16)
        self._next_nonce = 0  # of the next transaction, as long as all before were found
        self._gas = min(_MOST_GAS, int(self._latest_block()["gasLimit"], 16))
        self.first_block = 0
        if self._used == 0:
            self.first_block = int(chain.call("eth_blockNumber"), 16) + 1

    def put(self, name: str, *arguments: Any) -> str:
        """Return the address of a contract, found or deployed.

        Raises:
            RpcError: The chain refuses, for example because the deployer has no ether.
            TransactionError: The deployment failed or was not mined in time.
        """
        from eth_utils.address import to_checksum_address

        artifact = self._artifact(name)
        if self._next_nonce < self._used:
            sender = bytes.fromhex(self.deployer[2:])
            address = "0x" + contract_address(sender, self._next_nonce).hex()
            code = self._chain.call("eth_getCode", address, "latest")
            if _is_code_of(artifact, code):
                self._next_nonce += 1
                return str(to_checksum_address(address))
            # The deployer did other things before: from here on all is new.
            self._next_nonce = self._used
        payload = artifact["bytecode"] + _encoded(_constructor(artifact), arguments).hex()
        receipt = self._send(None, payload)
        return str(to_checksum_address(receipt["contractAddress"]))

    def call(self, name: str, address: str, function: str, *arguments: Any) -> None:
        """Call a function of a contract, unless that is done already.

        Args:
            name: The contract's.
            address: Where it is.
            function: Its name, which no other function of the contract has.
            arguments: What it takes.

        Raises:
            RpcError: The chain or the contract refuses.
            TransactionError: It failed or was not mined in time.
        """
        if self._is_done():
            return
        abi = self._artifact(name)["abi"]
        entry = next(one for one in abi if one.get("name") == function and "inputs" in one)
        self._send(address, _selector(entry) + _encoded(entry, arguments).hex())

    def give(self, address: str, wei: int) -> None:
        """Give an account ether, unless that is done already.

        Raises:
            RpcError: The chain refuses, for example because the deployer has too little.
            TransactionError: It was not mined in time.
        """
        if not self._is_done():
            self._send(address, "0x", wei)

    def _is_done(self) -> bool:
        """Tell whether the next step was done before, and go on to the one after it."""
        is_done = self._next_nonce < self._used
        self._next_nonce += is_done
        return is_done

    def _send(self, to: str | None, payload: str, wei: int = 0) -> dict[str, Any]:
        receipt = send_transaction(self._chain, self._key, to, payload, wei, gas=self._gas)
        self._next_nonce += 1
        self._used += 1
        return receipt

    def _latest_block(self) -> dict[str, Any]:
        block: dict[str, Any] = self._chain.call("eth_getBlockByNumber", "latest", False)
        return block


def _is_code_of(artifact: Artifact, code: str) -> bool:
    """Tell whether code is a contract's; its immutable values are zeros in the artifact."""
    expected = bytes.fromhex(artifact["deployedBytecode"][2:])
    found = bytes.fromhex(code[2:])
    if len(found) != len(expected):
        return False
    return found == expected or all(
        there in (here, 0) for here, there in zip(found, expected, strict=True)
    )


def _constructor(artifact: Artifact) -> dict[str, Any]:
    return next((one for one in artifact["abi"] if one["type"] == "constructor"), {"inputs": []})


def _types(entry: dict[str, Any]) -> list[str]:
    return [one["type"] for one in entry["inputs"]]  # none of them is a tuple


def _encoded(entry: dict[str, Any], values: tuple[Any, ...]) -> bytes:
    from eth_abi.abi import encode

    return encode(_types(entry), values)


def _selector(entry: dict[str, Any]) -> str:
    from eth_utils.crypto import keccak

    return "0x" + keccak(text=f"{entry['name']}({','.join(_types(entry))})")[:4].hex()
