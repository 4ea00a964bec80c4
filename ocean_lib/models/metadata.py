"""The contract whose events carry the DDOs."""

import time
from typing import Any, Optional

from enforce_typing import enforce_types

from ocean_lib.checks import check_address, check_token_did
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase

_DID_PREFIX = "did:op:"


@enforce_types
class MetadataContract(ContractBase):
    """The registry of DDOs; see `ContractBase` for how it is made."""

    CONTRACT_NAME = "Metadata"
    EVENT_METADATA_CREATED = "MetadataCreated"
    EVENT_METADATA_UPDATED = "MetadataUpdated"

    @property
    def event_MetadataCreated(self) -> Any:  # noqa: N802  (ocean.py's name)
        """The event of a new DDO."""
        return self.events[self.EVENT_METADATA_CREATED]()

    @property
    def event_MetadataUpdated(self) -> Any:  # noqa: N802  (ocean.py's name)
        """The event of a changed DDO."""
        return self.events[self.EVENT_METADATA_UPDATED]()

    def get_event_log(
        self, event_name: str, block: int, did: str, timeout: float = 45
    ) -> Optional[Any]:
        """Wait for an asset's first event from a block on.

        Args:
            event_name: `MetadataCreated` or `MetadataUpdated`.
            block: the first block to look at.
            did: the asset.
            timeout: how long to wait, in seconds.

        Returns:
            The log, or None when there was none in time.
        """
        wanted = {"dataToken": data_token_of(did)}
        deadline = time.monotonic() + timeout
        while True:
            logs = self.get_event_logs(event_name, wanted, from_block=block)
            if logs or time.monotonic() >= deadline:
                return logs[0] if logs else None
            time.sleep(0.2)

    def verify_tx(self, tx_hash: str) -> bool:
        """Return whether a transaction succeeded.

        Args:
            tx_hash: `0x` hex.

        Raises:
            TransactionTimeout: it is in no block yet.
        """
        return self.is_tx_successful(tx_hash)

    def create(self, did: str, flags: bytes, data: bytes, from_wallet: AnyWallet) -> str:
        """Put an asset's first DDO on the chain, and wait until it is there.

        Args:
            did: the asset's DID, or its data token's address.
            flags: one byte; bit 0: the data is compressed with lzma.
            data: the DDO's text.
            from_wallet: the data token's minter.

        Returns:
            The transaction's hash as `0x` hex.

        Raises:
            ChainError: it was not published (see `ContractBase.send_transaction`).
        """
        return self.send_transaction("create", (data_token_of(did), flags, data), from_wallet)

    def update(self, did: str, flags: bytes, data: bytes, from_wallet: AnyWallet) -> str:
        """Put an asset's changed DDO on the chain, and wait until it is there.

        Args:
            did: the asset's DID, or its data token's address.
            flags: one byte; bit 0: the data is compressed with lzma.
            data: the DDO's text.
            from_wallet: the data token's minter.

        Returns:
            The transaction's hash as `0x` hex.

        Raises:
            ChainError: it was not published (see `ContractBase.send_transaction`).
        """
        return self.send_transaction("update", (data_token_of(did), flags, data), from_wallet)


def data_token_of(did: str) -> str:
    """Return the address of an asset's data token, checksum spelling.

    Args:
        did: the asset's DID (`did:op:` and the address without `0x`), or the address.

    Raises:
        InvalidDid: it starts like a DID and is not one, or is one that does not name its datatoken.
        InvalidAddress: it is neither.
    """
    if isinstance(did, str):
        if did.startswith("did:"):
            return check_address("0x" + check_token_did(did)[len(_DID_PREFIX) :].lower())
        if not did.startswith("0x"):
            did = f"0x{did}"
    return check_address(did)
