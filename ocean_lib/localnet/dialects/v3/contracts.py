"""Ocean's V3 contracts on a chain, and deploying them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.localnet.chain.values import contract_address

_TEMPLATE_CAP = 10**18  # the template's own; a token gets its cap from createToken
_OCEAN_CAP = 1_410_000_000 * 10**18  # OCEAN's own


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
