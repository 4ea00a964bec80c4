"""Ocean's V3 contracts on a chain, and deploying them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.chain.deployment import Deployment
from ocean_lib.localnet.errors import LocalNetworkError

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
    """Read a contract's artifact (``abi``, ``bytecode``, ``deployedBytecode``).

    The build packs V3's contracts into the package, see setup.py: a node's are in another release
    of ocean-contracts, and two cannot be installed.

    Raises:
        LocalNetworkError: The file is missing, as in sources that were never installed.
    """
    file = resources.files("ocean_lib").joinpath("v3_contracts.json")
    if not file.is_file():
        raise LocalNetworkError(
            f"V3's contracts are missing: {file} is written when ocean-compute is installed. "
            "Install it again; from sources: pip install -e ."
        )
    artifact: dict[str, Any] = json.loads(file.read_text("utf-8"))["contracts"][name]
    return artifact


def deploy_contracts(chain: ChainClient, deployer_key: bytes | str) -> OceanContracts:
    """Deploy Ocean's V3 contracts, or find them again.

    With a deployer that does nothing else, this can be called at every start: what an earlier
    call deployed is kept, and what an interrupted one left out is added.

    Raises:
        RpcError: The chain refuses, for example because the deployer has no ether.
        TransactionError: A deployment failed or was not mined in time.
    """
    deployment = Deployment(chain, deployer_key, contract_artifact)
    deployer = deployment.deployer
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
