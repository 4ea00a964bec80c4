"""One input of a compute job: a data set, the order that pays for it, and the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocean_lib.checks import check_did, check_service_id, check_tx_hash, is_json
from ocean_lib.exceptions import InvalidInput


@dataclass(frozen=True)
class ComputeInput:
    """A data set that a job reads.

    Inputs compare and hash by value, and cannot be changed once made.

    Args:
        did: the data set's DID.
        transfer_tx_id: hash of the order's transaction (`pay_for_service` returns it), as text
            or 32 bytes.
        service_id: index of the compute service in the data set's DDO (0 is a valid index), or its
            id as text. V3 Providers take the index only.
        userdata: values of the service's own parameters, by their names; for Ocean Nodes.

    Raises:
        InvalidDid: `did` is not a DID.
        InvalidTransactionHash: `transfer_tx_id` is not a transaction hash.
        InvalidInput: `service_id` is neither an index nor an id, or `userdata` is not a dict of
            JSON values.
    """

    did: str
    transfer_tx_id: str
    service_id: int | str
    userdata: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)

    def __post_init__(self) -> None:
        checked = {
            "did": check_did(self.did),
            "transfer_tx_id": check_tx_hash(self.transfer_tx_id, name="transfer_tx_id"),
            "service_id": check_service_id(self.service_id),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if not (isinstance(self.userdata, dict) and is_json(self.userdata)):
            raise InvalidInput(
                "userdata must be a dict of JSON values by name, got "
                f"{type(self.userdata).__name__}."
            )

    def as_dictionary(self) -> dict[str, Any]:
        """Return the input as the Provider expects it in a list of additional inputs."""
        return {
            "documentId": self.did,
            "transferTxId": self.transfer_tx_id,
            "serviceId": self.service_id,
        }
