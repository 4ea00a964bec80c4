"""Ocean's V3 contracts on a chain: deploying them, and sending transactions to them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.chain.values import contract_address

__all__ = [
    "OceanContracts",
    "TransactionError",
    "contract_artifact",
    "deploy_contracts",
    "send_transaction",
]

_TEMPLATE_CAP = 10**18  # the template's own; a token gets its cap from createToken
_OCEAN_CAP = 1_410_000_000 * 10**18  # OCEAN's own
_FIRST_POLL_S, _LONGEST_POLL_S = 0.01, 1.0


class TransactionError(RuntimeError):
    """A transaction was mined but failed, or was not mined in time.

    Attributes:
        tx_hash: The transaction's hash, to look for it later.
    """

    def __init__(self, message: str, tx_hash: str) -> None:
        super().__init__(message)
        self.tx_hash = tx_hash


@dataclass(frozen=True)
class OceanContracts:
    """Where Ocean's V3 contracts are on a chain; addresses are checksummed."""

    dt_factory: str
    metadata: str
    datatoken_template: str
    fee_collector: str
    ocean_token: str
    """A datatoken in the place of OCEAN, as on every test network; the deployer can mint it."""
    bfactory: str
    fixed_rate_exchange: str
    dispenser: str
    block_number: int = 0
    """No event of these contracts is in a block before this one; 0 if they were found again."""

    def as_address_file(self) -> dict[str, dict[str, str]]:
        """Build the content of an address file, in the format of ocean-contracts.

        The first six are in the file for every network of the time, and other clients rely on
        them: ocean-lib 0.5.25's `Ocean(config)` fails without any of them.
        """
        return {
            "development": {
                "DTFactory": self.dt_factory,
                "BFactory": self.bfactory,
                "FixedRateExchange": self.fixed_rate_exchange,
                "Metadata": self.metadata,
                "Ocean": self.ocean_token,
                "Dispenser": self.dispenser,
                "DataTokenTemplate": self.datatoken_template,
                "OPFCommunityFeeCollector": self.fee_collector,
            }
        }


def contract_artifact(name: str) -> dict[str, Any]:
    """Read a contract's artifact (``abi``, ``bytecode``, ...) from ocean-contracts."""
    text = resources.files("artifacts").joinpath(f"{name}.json").read_text("utf-8")
    artifact: dict[str, Any] = json.loads(text)
    return artifact


def deploy_contracts(chain: ChainClient, deployer_key: bytes | str) -> OceanContracts:
    """Deploy Ocean's V3 contracts, or find them again.

    With a deployer that does nothing else, this can be called at every start: what an earlier
    call deployed is kept, and what an interrupted one left out is added.

    Raises:
        RpcError: The chain refuses, for example because the deployer has no ether.
        TransactionError: A deployment failed or was not mined in time.
    """
    from eth_account import Account

    deployer = str(Account.from_key(deployer_key).address)
    deployment = _Deployment(chain, deployer_key, deployer)
    collector = deployment.put("OPFCommunityFeeCollector", deployer, deployer)
    template = deployment.put(
        "DataTokenTemplate", "DataTokenTemplate", "DTT", deployer, _TEMPLATE_CAP, "", collector
    )
    factory = deployment.put("DTFactory", template, collector)
    metadata = deployment.put("Metadata")
    ocean_token = deployment.put(
        "DataTokenTemplate", "Ocean Token", "OCEAN", deployer, _OCEAN_CAP, "", collector
    )
    bfactory = deployment.put("BFactory", deployment.put("BPool"))
    return OceanContracts(
        dt_factory=factory,
        metadata=metadata,
        datatoken_template=template,
        fee_collector=collector,
        ocean_token=ocean_token,
        bfactory=bfactory,
        fixed_rate_exchange=deployment.put("FixedRateExchange"),
        dispenser=deployment.put("Dispenser"),
        block_number=deployment.first_block,
    )


class _Deployment:
    """Deploys contracts one after the other, skipping those that are there from before."""

    def __init__(self, chain: ChainClient, key: bytes | str, deployer: str) -> None:
        self._chain = chain
        self._key = key
        self._deployer = deployer
        self._used = int(chain.call("eth_getTransactionCount", deployer, "latest"), 16)
        self._next_nonce = 0  # of the contract to put next, as long as all before were found
        self.first_block = 0
        if self._used == 0:
            self.first_block = int(chain.call("eth_blockNumber"), 16) + 1

    def put(self, name: str, *arguments: Any) -> str:
        """Return the address of a contract, found or deployed."""
        from eth_utils.address import to_checksum_address

        artifact = contract_artifact(name)
        if self._next_nonce < self._used:
            sender = bytes.fromhex(self._deployer[2:])
            address = "0x" + contract_address(sender, self._next_nonce).hex()
            code = self._chain.call("eth_getCode", address, "latest")
            if code.lower() == artifact["deployedBytecode"].lower():
                self._next_nonce += 1
                return str(to_checksum_address(address))
            # The deployer did other things before: from here on all is new.
            self._next_nonce = self._used
        payload = artifact["bytecode"] + _constructor_arguments(artifact, arguments).hex()
        receipt = send_transaction(self._chain, self._key, None, payload)
        self._next_nonce += 1
        self._used += 1
        return str(to_checksum_address(receipt["contractAddress"]))


def _constructor_arguments(artifact: dict[str, Any], values: tuple[Any, ...]) -> bytes:
    from eth_abi.abi import encode

    constructors = [entry for entry in artifact["abi"] if entry["type"] == "constructor"]
    types = [entry["type"] for entry in constructors[0]["inputs"]] if constructors else []
    return encode(types, values)


def send_transaction(
    chain: ChainClient,
    key: bytes | str,
    to: str | None,
    data: bytes | str = b"",
    value: int = 0,
    *,
    gas: int | None = None,
    timeout_s: float = 60.0,
) -> dict[str, Any]:
    """Sign and send a transaction, and wait for its receipt.

    The key must not be used by another thread at the same time: both would take the same nonce.

    Args:
        chain: Where to send it.
        key: The sender's private key.
        to: The recipient; None creates a contract.
        data: The call data, as bytes or as hex.
        value: How much ether goes along, in wei.
        gas: The gas limit; estimated if None.
        timeout_s: How long to wait until it is mined.

    Returns:
        The receipt, as the chain's JSON.

    Raises:
        RpcError: The chain refuses it; a contract's reason is in the message.
        TransactionError: It was mined and failed, or was not mined in time.
    """
    from eth_account import Account

    account = Account.from_key(key)
    payload = data if isinstance(data, str) else "0x" + data.hex()
    request = {"from": account.address, "data": payload, "value": hex(value)}
    if to is not None:
        request["to"] = to
    limit = gas if gas is not None else int(chain.call("eth_estimateGas", request), 16)
    transaction = {
        **_fees(chain),
        "chainId": int(chain.call("eth_chainId"), 16),
        "nonce": int(chain.call("eth_getTransactionCount", account.address, "pending"), 16),
        "gas": limit,
        "to": bytes.fromhex(to[2:]) if to else b"",  # any spelling of an address will do
        "value": value,
        "data": payload,
    }
    signed = account.sign_transaction(transaction)
    tx_hash = chain.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
    receipt = _wait_for_receipt(chain, tx_hash, timeout_s)
    if int(receipt["status"], 16) != 1:
        target = to or "a new contract"
        raise TransactionError(
            f"Transaction {tx_hash} to {target} failed: it was mined in block"
            f" {int(receipt['blockNumber'], 16)} and reverted, using {int(receipt['gasUsed'], 16)}"
            f" of {limit} gas. Its state may have changed after the gas was estimated; try again.",
            tx_hash,
        )
    return receipt


def _fees(chain: ChainClient) -> dict[str, int]:
    base_fee = chain.call("eth_getBlockByNumber", "latest", False).get("baseFeePerGas")
    if base_fee is None:  # a chain without EIP-1559
        return {"gasPrice": int(chain.call("eth_gasPrice"), 16)}
    tip = int(chain.call("eth_maxPriorityFeePerGas"), 16)
    return {"maxPriorityFeePerGas": tip, "maxFeePerGas": 2 * int(base_fee, 16) + tip}


def _wait_for_receipt(chain: ChainClient, tx_hash: str, timeout_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_s
    pause = _FIRST_POLL_S
    while True:
        receipt: dict[str, Any] | None = chain.call("eth_getTransactionReceipt", tx_hash)
        if receipt is not None:
            return receipt
        left = deadline - time.monotonic()
        if left <= 0:
            raise TransactionError(
                f"Transaction {tx_hash} was sent, and not mined within {timeout_s:g} s. It may"
                " still be: look for its receipt before sending it again.",
                tx_hash,
            )
        time.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_POLL_S)
