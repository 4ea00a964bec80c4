"""A DDO as the Provider reads it: services, files, access lists."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_ID = re.compile(r"(?:did:op:|0x)([0-9a-fA-F]{40})")


class Consumable(enum.IntEnum):
    """The codes with which access is denied."""

    OK = 0
    ASSET_DISABLED = 1
    NOT_ALLOWED = 3
    DENIED = 4


@dataclass(frozen=True)
class ProviderService:
    """One service of a DDO."""

    type: str
    index: int
    endpoint: str
    attributes: dict[str, Any]

    @property
    def main(self) -> dict[str, Any]:
        """The service's main attributes."""
        return dict(self.attributes.get("main", {}))

    @property
    def cost_wei(self) -> int:
        """The price in units of 10**-18 datatokens."""
        return int(Decimal(str(self.main["cost"])) * 10**18)


class ProviderAsset:
    """A published asset.

    Args:
        ddo: The document as the metadata cache serves it.
    """

    def __init__(self, ddo: dict[str, Any]) -> None:
        self.ddo = ddo
        self.did: str = ddo["id"]
        self.services = [
            ProviderService(
                type=service["type"],
                index=int(service["index"]),
                endpoint=service.get("serviceEndpoint", ""),
                attributes=service.get("attributes", {}),
            )
            for service in ddo["service"]
        ]

    @property
    def datatoken(self) -> str:
        """The address of the asset's datatoken contract."""
        return str(self.ddo["dataToken"])

    @property
    def publisher(self) -> str:
        """The address in the DDO's first public key."""
        keys = self.ddo.get("publicKey") or [{}]
        return str(keys[0].get("owner", ""))

    @property
    def metadata(self) -> dict[str, Any]:
        """The attributes of the metadata service; empty if there is none."""
        for service in self.services:
            if service.type == "metadata":
                return service.attributes
        return {}

    @property
    def encrypted_files(self) -> str:
        """The file list as the Provider encrypted it."""
        return str(self.metadata.get("encryptedFiles", ""))

    def service(self, index: int) -> ProviderService | None:
        """Return the service with that index, or None."""
        for service in self.services:
            if service.index == index:
                return service
        return None

    def access_for(self, address: str) -> Consumable:
        """Tell whether the publisher lets `address` use the asset.

        A disabled asset is refused to everybody: Provider 0.4.12 reads that from the document's
        own status, ocean-lib 0.5.25 writes it into that of the metadata service. With an allow
        list only those on it may; the deny list counts where there is no allow list.
        """
        for holder in (self.ddo, self.metadata):
            status = holder.get("status")
            if isinstance(status, dict) and status.get("isOrderDisabled", False):
                return Consumable.ASSET_DISABLED
        allowed, denied = self._addresses("allow"), self._addresses("deny")
        if allowed:
            return Consumable.OK if address.lower() in allowed else Consumable.NOT_ALLOWED
        return Consumable.DENIED if address.lower() in denied else Consumable.OK

    def _addresses(self, kind: str) -> list[str]:
        entries = (self.ddo.get("credentials") or {}).get(kind) or []
        for entry in entries:
            if entry.get("type") == "address":
                return [str(value).lower() for value in entry.get("values", [])]
        return []


def is_did(text: str) -> bool:
    """Tell whether a text has the form of a DID."""
    return text.startswith("did:op:") and bool(asset_id(text))


def asset_id(text: str) -> str:
    """Return the asset that a DID or a datatoken's address names, in one spelling; '' if none."""
    match = _ID.fullmatch(text)
    return match[1].lower() if match else ""


def compact_json(value: Any) -> str:
    """Spell JSON as the trust checksums hash it: no blanks, keys in the order received."""
    return json.dumps(value, separators=(",", ":"))
