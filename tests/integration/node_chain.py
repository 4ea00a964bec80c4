"""A node's chain for tests: tokens made with the real factory, fees signed as a node does."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from ocean_lib.backends.node.abis import FOLDER
from ocean_lib.backends.node.escrow import EscrowContract
from ocean_lib.backends.node.orders import Datatoken, ProviderFee
from ocean_lib.backends.node.tokens import Token
from ocean_lib.localnet import LocalNetwork
from ocean_lib.web3_internal.contract_base import ContractBase
from ocean_lib.web3_internal.transactions import wait_for_receipt
from ocean_lib.web3_internal.wallet import Wallet

ONE = 10**18
ZERO = "0x" + "00" * 20
THEIRS = str(resources.files("artifacts"))


class Factory(ContractBase):
    CONTRACT_NAME = "ERC721Factory"
    ABI_PATH = str(FOLDER)


class NodesEscrow(ContractBase):
    """The escrow as a node uses it."""

    CONTRACT_NAME = "Escrow"
    ABI_PATH = THEIRS


class FixedRate(ContractBase):
    """An exchange as its owner uses it."""

    CONTRACT_NAME = "FixedRateExchange"
    ABI_PATH = THEIRS


@dataclass
class NodeChain:
    """The contracts of a network, and wallets by their part."""

    network: LocalNetwork

    def __post_init__(self) -> None:
        self.contracts = self.network.contracts
        self.publisher, self.consumer = self.network.wallet(0), self.network.wallet(1)
        self.environment, self.stranger = self.network.wallet(2), self.network.wallet(3)
        self.web3 = self.publisher.web3
        self.token = Token(self.contracts.ocean_token, web3=self.web3)
        self.escrow = EscrowContract(self.contracts.escrow, web3=self.web3)

    def datatoken(self, source: str = "", *, fee: tuple[str, int] = (ZERO, 0), **of: Any) -> Any:
        """Make an NFT with a datatoken in one transaction; `of` is of its dispenser or exchange."""
        publisher = self.publisher.address
        nft = ("NFT", "NFT", 1, "", True, publisher)
        market = publisher if fee[1] else ZERO
        token = (
            1,
            ["Datatoken", "DT"],
            [publisher, publisher, market, fee[0]],
            [1000 * ONE, fee[1]],
            [],
        )
        arguments = [nft, token, *([self._source(source, of)] if source else [])]
        factory = Factory(self.contracts.erc721_factory, web3=self.web3)
        tx = factory.send_transaction(f"createNftWithErc20{source}", arguments, self.publisher)
        receipt = wait_for_receipt(self.web3, tx, operation="make a datatoken")
        (log,) = factory.event_TokenCreated.process_receipt(receipt)
        return Datatoken(log["args"]["newTokenAddress"], web3=self.web3)

    def _source(self, name: str, of: dict[str, Any]) -> tuple[Any, ...]:
        if name == "WithDispenser":
            most, swapper = of.get("max_balance", ONE), of.get("swapper", ZERO)
            return (self.contracts.dispenser, ONE, most, True, swapper)
        addresses = [of["base"], self.publisher.address, self.publisher.address, ZERO]
        uints = [of.get("decimals", 18), 18, of["rate"], of.get("market_fee", 0), 1]
        return (self.contracts.fixed_rate_exchange, addresses, uints)

    def mint(self, datatoken: Datatoken, account: Wallet, amount: int = ONE) -> None:
        datatoken.send_transaction("mint", (account.address, amount), self.publisher)

    def fee(self, amount: int = 0, token: str = "", *, valid_until: int = 86400) -> ProviderFee:
        """Sign a provider fee as the node does (protocol-node.md, Paying)."""
        node, at = self.environment, token or self.contracts.ocean_token
        data = json.dumps({"dt": at, "id": "service"}, separators=(",", ":")).encode()
        packed = data + bytes.fromhex(node.address[2:]) + bytes.fromhex(at[2:])
        packed += amount.to_bytes(32, "big") + valid_until.to_bytes(32, "big")
        signed = node.sign_message(encode_defunct(keccak(packed)))
        r, s = (bytes.fromhex(f"{number:064x}") for number in (signed.r, signed.s))
        return ProviderFee(node.address, at, amount, signed.v, r, s, valid_until, data)

    def bad_fee(self) -> ProviderFee:
        return replace(self.fee(), amount_base=1)

    def lock(self, number: int, amount: int, seconds: int) -> None:
        """Lock a consumer's deposit, as a node does when a paid job starts."""
        arguments = (number, self.token.address, self.consumer.address, amount, seconds)
        self._escrow.send_transaction("createLock", arguments, self.environment)

    def claim(self, number: int, amount: int) -> None:
        arguments = (number, self.token.address, self.consumer.address, amount, b"")
        self._escrow.send_transaction("claimLock", arguments, self.environment)

    @property
    def _escrow(self) -> NodesEscrow:
        return NodesEscrow(self.contracts.escrow, web3=self.web3)

    def new_token(self, decimals: int) -> Token:
        """Deploy another token, all of which the consumer has."""
        from ocean_lib.web3_internal.contract_utils import load_contract
        from ocean_lib.web3_internal.transactions import send_transaction

        contract = load_contract(self.web3, "MockERC20Decimals", None, THEIRS)
        data = contract.constructor("Other", "OTH", decimals).data_in_transaction
        receipt = send_transaction(
            self.web3, self.consumer, {"data": data}, operation="deploy a token"
        )
        return Token(receipt["contractAddress"], web3=self.web3)

    def fixed_rate_exchange(self) -> FixedRate:
        return FixedRate(self.contracts.fixed_rate_exchange, web3=self.web3)
