"""The contracts of Ocean's fourth generation on a chain, and deploying them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from typing import Any

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.chain.deployment import Deployment
from ocean_lib.localnet.errors import LocalNetworkError

_RELEASE = "2.7.0"
"""Of ocean-contracts: what Ocean Node 3.2.0 is built with. 2.8 changes Escrow."""
_TOKEN = "MockERC20Decimals"  # noqa: S105 - a contract's name
_DECIMALS = 18
TOKENS = 1000
"""How many of the token that jobs are paid with each account has at first."""
_AT_ONCE = 200  # accounts that get theirs in one transaction: 27,000 gas each
_NODE_WEI = 10 * 10**18


@dataclass(frozen=True)
class NodeContracts:
    """Where the contracts of Ocean's fourth generation are; addresses are checksummed."""

    ocean_token: str
    """The token to pay with, in the place of OCEAN; each account has some."""
    fee_collector: str
    router: str
    fixed_rate_exchange: str
    dispenser: str
    erc20_template: str
    erc20_template_enterprise: str
    erc721_template: str
    erc721_factory: str
    escrow: str
    access_list_factory: str
    chain_id: int
    block_number: int = 0
    """No event of these contracts is in a block before this one; 0 if they were found again."""

    def as_address_file(self) -> dict[str, dict[str, Any]]:
        """Build the content of an address file, in the format of ocean-contracts 2.7."""
        return {
            "development": {
                "chainId": self.chain_id,
                "Ocean": self.ocean_token,
                "OPFCommunityFeeCollector": self.fee_collector,
                "Router": self.router,
                "FixedPrice": self.fixed_rate_exchange,
                "Dispenser": self.dispenser,
                "ERC20Template": {"1": self.erc20_template, "2": self.erc20_template_enterprise},
                "ERC721Template": {"1": self.erc721_template},
                "ERC721Factory": self.erc721_factory,
                "Escrow": self.escrow,
                "AccessListFactory": self.access_list_factory,
                "startBlock": self.block_number,
            }
        }


def contract_artifact(name: str) -> dict[str, Any]:
    """Read a contract's artifact (``abi``, ``bytecode``, ...) from ocean-contracts.

    Raises:
        LocalNetworkError: Another release of it is installed.
    """
    if (found := metadata.version("ocean-contracts")) != _RELEASE:
        raise LocalNetworkError(
            f"a node's network needs ocean-contracts {_RELEASE}, and {found} is installed: "
            'pip install "ocean-compute[localnet]"'
        )
    text = resources.files("artifacts").joinpath(f"{name}.json").read_text("utf-8")
    artifact: dict[str, Any] = json.loads(text)
    return artifact


def deploy_contracts(
    chain: ChainClient, deployer_key: bytes | str, node: str, accounts: Sequence[str]
) -> NodeContracts:
    """Deploy the contracts, or find them again, and fill the wallets, once.

    Args:
        chain: Where to.
        deployer_key: Of an account that does nothing else, as in V3.
        node: The node's address, which gets ether: it locks and claims what jobs cost.
        accounts: Who gets tokens to pay with.

    Raises:
        RpcError: The chain refuses, for example because the deployer has no ether.
        TransactionError: A deployment failed or was not mined in time.
        LocalNetworkError: Another release of ocean-contracts is installed.
    """
    steps = Deployment(chain, deployer_key, contract_artifact)
    owner = steps.deployer
    token = steps.put(_TOKEN, "Ocean Token", "OCEAN", _DECIMALS)
    collector = steps.put("OPFCommunityFeeCollector", owner, owner)
    # The pools, whose template is the third argument, went with the contracts' first release.
    router = steps.put("FactoryRouter", owner, token, owner, collector, [])
    exchange, dispenser = steps.put("FixedRateExchange", router), steps.put("Dispenser", router)
    template, enterprise = steps.put("ERC20Template"), steps.put("ERC20TemplateEnterprise")
    nft_template = steps.put("ERC721Template")
    factory = steps.put("ERC721Factory", nft_template, template, router)
    steps.call("ERC721Factory", factory, "addTokenTemplate", enterprise)
    steps.call("FactoryRouter", router, "addFactory", factory)
    steps.call("FactoryRouter", router, "addFixedRateContract", exchange)
    steps.call("FactoryRouter", router, "addDispenserContract", dispenser)
    escrow = steps.put("Escrow", router, collector)
    lists = steps.put("AccessListFactory", steps.put("AccessList"))
    steps.give(node, _NODE_WEI)
    _give(steps, token, accounts)
    return NodeContracts(
        ocean_token=token,
        fee_collector=collector,
        router=router,
        fixed_rate_exchange=exchange,
        dispenser=dispenser,
        erc20_template=template,
        erc20_template_enterprise=enterprise,
        erc721_template=nft_template,
        erc721_factory=factory,
        escrow=escrow,
        access_list_factory=lists,
        chain_id=int(chain.call("eth_chainId"), 16),
        block_number=steps.first_block,
    )


def _give(steps: Deployment, token: str, accounts: Sequence[str]) -> None:
    """Give each account its tokens, in one transaction or few."""
    payments, each = steps.put("BatchPayments"), TOKENS * 10**_DECIMALS
    steps.call(_TOKEN, token, "approve", payments, each * len(accounts))
    for first in range(0, len(accounts), _AT_ONCE):
        some = list(accounts[first : first + _AT_ONCE])
        steps.call("BatchPayments", payments, "sendToken", token, some, [each] * len(some))
