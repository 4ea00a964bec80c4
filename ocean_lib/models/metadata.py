"""The contract whose events carry the DDOs."""

from typing import Any

from enforce_typing import enforce_types

from ocean_lib.checks import check_address, check_token_did
from ocean_lib.http.deadline import Deadline
from ocean_lib.web3_internal.constants import RECEIPT_POLL_S
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase

_DID_PREFIX = "did:op:"


@enforce_types
class MetadataContract(ContractBase):
    """The registry of DDOs; see `ContractBase` for how it is made."""

    CONTRACT_NAME = "Metadata"
    EVENT_METADATA_CREATED = "MetadataCreated"
    EVENT_METADATA_UPDATED = "MetadataUpdated"

    def get_event_log(self, event_name: str, block: Any, did: str, timeout: float = 45) -> Any:
        """Return an asset's first log of an event; wait for it if there is none yet.

        Args:
            event_name: `EVENT_METADATA_CREATED` or `EVENT_METADATA_UPDATED`.
            block: the first block to look at.
            did: the asset's DID, or its data token's address.
            timeout: how long to wait, in seconds.

        Returns:
            The log; None if there is none in time.

        Raises:
            InvalidInput: the contract has no such event.
            ChainError: the node refuses.
        """
        wanted = {"dataToken": data_token_of(did)}
        deadline = Deadline(timeout)
        while True:
            logs = self.get_event_logs(event_name, wanted, block)
            if logs or deadline.is_over:
                return logs[0] if logs else None
            deadline.pause(RECEIPT_POLL_S)

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
