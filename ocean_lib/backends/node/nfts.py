"""The NFTs that assets of a node's generation are: made, given a document, and a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ocean_lib.backends.node.abis import FOLDER
from ocean_lib.checks import check_address
from ocean_lib.exceptions import OceanError, VerifyTxFailed, add_to_message
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase
from ocean_lib.web3_internal.transactions import wait_for_receipt

ENCRYPTED = b"\x02"
_TEMPLATE = 1
_ONE_TOKEN = 10**18
_DECIMALS = 18


@dataclass(frozen=True)
class NewAsset:
    """What a new asset is on the chain.

    Attributes:
        name: of the NFT.
        token_name: of the datatoken.
        token_symbol: of the datatoken.
        cap_base: the most datatokens ever, in the smallest unit.
        dispenser: gives a datatoken to whoever asks; '' for none.
        exchange: sells datatokens; '' for none.
        base_token: what they are sold for.
        base_decimals: that token's.
        rate_base: what one datatoken costs, with 18 decimals.
    """

    name: str
    token_name: str
    token_symbol: str
    cap_base: int
    dispenser: str = ""
    exchange: str = ""
    base_token: str = ""
    base_decimals: int = 18
    rate_base: int = 0


@dataclass(frozen=True)
class MadeAsset:
    """An NFT and its datatoken.

    Attributes:
        nft: the NFT's address.
        datatoken: the datatoken's address.
        tx_hash: the transaction that made both; '' if they were there.
    """

    nft: str
    datatoken: str
    tx_hash: str = ""


class NftFactory(ContractBase):
    """Makes NFTs and their datatokens."""

    CONTRACT_NAME = "ERC721Factory"
    ABI_PATH = str(FOLDER)
    GAS = 2_000_000
    """Two contracts in one transaction take 1.1 to 1.5 million."""

    def make(self, new: NewAsset, owner: str, wallet: AnyWallet) -> MadeAsset:
        """Make an NFT with one datatoken, and what gives or sells it, in one transaction.

        Args:
            new: what to make.
            owner: gets the NFT, may mint datatokens, and is paid for them.
            wallet: signs and pays.

        Raises:
            ChainError: it was not made; or it was, and cannot be read: the message names the
                transaction then.
        """
        name, arguments = _call_of(new, owner)
        tx_hash = self.send_transaction(name, arguments, wallet)
        try:
            receipt = wait_for_receipt(self.web3, tx_hash, operation="find a new NFT")
            nft, token = (
                self._address_in(receipt, event) for event in ("NFTCreated", "TokenCreated")
            )
        except OceanError as error:
            add_to_message(error, f"The NFT was made in transaction {tx_hash}.")
            raise
        return MadeAsset(nft, token, tx_hash)

    def knows(self, nft: str) -> bool:
        """Tell whether this factory made an NFT."""
        return str(self._call("erc721List", check_address(nft))).lower() == nft.lower()

    def _address_in(self, receipt: Any, event: str) -> str:
        logs = self._logs_in_receipt(self.web3, receipt, event)
        if len(logs) != 1:
            raise VerifyTxFailed(f"{self} should have logged one {event}, and logged {len(logs)}.")
        return check_address(logs[0]["args"]["newTokenAddress"])


def _call_of(new: NewAsset, owner: str) -> tuple[str, tuple[Any, ...]]:
    """Return the factory's function for a new asset, and its arguments."""
    nft = (new.name, f"N-{new.name}", _TEMPLATE, "", True, owner)
    strings, cap = [new.token_name, new.token_symbol], [new.cap_base, 0]
    addresses = [owner, owner, ZERO_ADDRESS, ZERO_ADDRESS]
    token: tuple[Any, ...] = (_TEMPLATE, strings, addresses, cap, [])
    if new.exchange:
        whom = [new.base_token, owner, owner, ZERO_ADDRESS]
        numbers = [new.base_decimals, _DECIMALS, new.rate_base, 0, 1]
        rate = (new.exchange, whom, numbers)
        return "createNftWithErc20WithFixedRate", (nft, token, rate)
    if new.dispenser:
        gives = (new.dispenser, _ONE_TOKEN, _ONE_TOKEN, True, ZERO_ADDRESS)
        return "createNftWithErc20WithDispenser", (nft, token, gives)
    return "createNftWithErc20", (nft, token)


class Nft(ContractBase):
    """One asset's NFT."""

    CONTRACT_NAME = "ERC721Template"
    ABI_PATH = str(FOLDER)

    def owner(self) -> str:
        """Return who owns it, and can change the asset."""
        return check_address(self._call("ownerOf", 1))

    def state(self) -> int:
        """Return the asset's state."""
        return int(self._call("getMetaData")[2])

    def set_document(self, arguments: tuple[Any, ...], wallet: AnyWallet) -> str:
        """Put a document on the chain; returns the transaction's hash.

        Args:
            arguments: see `document_arguments`.
            wallet: the owner's.
        """
        return self.send_transaction("setMetaData", arguments, wallet)


def document_arguments(
    state: int, node_url: str, encrypted: str, digest: str, proofs: Sequence[Any] = ()
) -> tuple[Any, ...]:
    """Return the arguments of `setMetaData` for a document that a node encrypted.

    Args:
        state: the asset's.
        node_url: who decrypts it.
        encrypted: as the node answered, `0x` text.
        digest: sha256 of the document's JSON, `0x` text.
        proofs: signatures of validators.
    """
    data, checksum = (bytes.fromhex(text.removeprefix("0x")) for text in (encrypted, digest))
    return state, node_url, "", ENCRYPTED, data, checksum, list(proofs)
