"""Who may consume an asset: the allow and deny lists of addresses in its DDO."""

from __future__ import annotations

from typing import Any, Protocol

from ocean_lib.checks import check_address, printable
from ocean_lib.common.agreements.consumable import ConsumableCodes, MalformedCredential


class _HasCredentials(Protocol):
    @property
    def did(self) -> str | None: ...

    @property
    def credentials(self) -> dict[str, Any]: ...


class AddressCredential:
    """The address lists of one asset.

    Addresses compare without regard to case. Of several address entries in one list the first
    counts: the Provider looks at no other.

    Args:
        asset: the asset; changes made here change its `credentials`.
    """

    def __init__(self, asset: _HasCredentials) -> None:
        self.asset = asset

    def get_addresses_of_class(self, access_class: str = "allow") -> list[str]:
        """Return the addresses of a list, in lower case.

        Args:
            access_class: `allow` or `deny`.

        Raises:
            MalformedCredential: the asset's list cannot be read.
        """
        entry = self.get_address_entry_of_class(access_class)
        return self.get_lc_addresses_from_entry(entry) if entry else []

    def requires_credential(self) -> bool:
        """Tell whether the asset has an allow or a deny list with addresses.

        Raises:
            MalformedCredential: a list of the asset cannot be read.
        """
        return bool(self.get_addresses_of_class("allow") or self.get_addresses_of_class("deny"))

    def validate_access(self, credential: dict[str, Any] | None = None) -> int:
        """Check an address against the lists.

        An allow list, where there is one, decides alone.

        Args:
            credential: `{"type": "address", "value": "0x…"}`. Without one the answer is that of
                a stranger: not on an allow list.

        Returns:
            One of `ConsumableCodes`: OK, CREDENTIAL_NOT_IN_ALLOW_LIST, CREDENTIAL_IN_DENY_LIST.

        Raises:
            MalformedCredential: the credential or a list cannot be read, or there is a deny list
                and no credential, so that the question has no answer.
        """
        address = (simplify_credential_to_address(credential) or "").lower()
        allowed = self.get_addresses_of_class("allow")
        denied = self.get_addresses_of_class("deny")
        if allowed:
            if address in allowed:
                return ConsumableCodes.OK
            return ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST
        if not denied:
            return ConsumableCodes.OK
        if not address:
            raise MalformedCredential(
                "The asset has a deny list: whether it can be consumed depends on who asks. "
                "Give a credential: {'type': 'address', 'value': '0x…'}."
            )
        if address in denied:
            return ConsumableCodes.CREDENTIAL_IN_DENY_LIST
        return ConsumableCodes.OK

    def add_address_to_access_class(self, address: str, access_class: str = "allow") -> None:
        """Add an address to a list, unless it is there.

        Args:
            address: it is stored in lower case, as ocean.py does.
            access_class: `allow` or `deny`.

        Raises:
            InvalidAddress: it is no address; on a list it would match nobody.
            MalformedCredential: the asset's list cannot be read.
        """
        address = check_address(address).lower()
        entry = self.get_address_entry_of_class(access_class)
        if entry is None:
            entries = self.asset.credentials.get(access_class) or []
            self.asset.credentials[access_class] = [
                *entries,
                {"type": "address", "values": [address]},
            ]
        elif address not in self.get_lc_addresses_from_entry(entry):
            entry["values"].append(address)

    def remove_address_from_access_class(self, address: str, access_class: str = "allow") -> None:
        """Remove an address from a list, if it is there.

        An allow list that becomes empty allows everybody who is not denied.

        Args:
            address: in any case.
            access_class: `allow` or `deny`.

        Raises:
            MalformedCredential: the asset's list cannot be read, or `address` is no text.
        """
        if not isinstance(address, str):
            raise MalformedCredential(f"address must be text, got {printable(address)}.")
        entry = self.get_address_entry_of_class(access_class)
        if entry is not None:
            self.get_lc_addresses_from_entry(entry)
            entry["values"] = [a for a in entry["values"] if a.lower() != address.lower()]

    def get_address_entry_of_class(self, access_class: str = "allow") -> dict[str, Any] | None:
        """Return the entry of type `address` in a list, or None.

        Args:
            access_class: `allow` or `deny`.

        Raises:
            MalformedCredential: the asset's list cannot be read.
        """
        entries = self.asset.credentials.get(access_class) or []
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise MalformedCredential(
                f"credentials.{access_class} of asset {self.asset.did or '(unnamed)'} must be a "
                f"list of dicts, got {printable(entries)}."
            )
        return next((entry for entry in entries if entry.get("type") == "address"), None)

    def get_lc_addresses_from_entry(self, address_entry: dict[str, Any]) -> list[str]:
        """Return the addresses of an entry, in lower case.

        Args:
            address_entry: as `get_address_entry_of_class` returns it.

        Raises:
            MalformedCredential: its `values` are missing or no list of text.
        """
        values = address_entry.get("values")
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise MalformedCredential(
                f"A credential entry of asset {self.asset.did or '(unnamed)'} must have a list of "
                f"addresses under 'values', got {printable(values)}."
            )
        return [value.lower() for value in values]


def simplify_credential_to_address(credential: dict[str, Any] | None) -> str | None:
    """Take the address out of a credential.

    Args:
        credential: `{"type": "address", "value": "0x…"}`, or None.

    Returns:
        The address, or None without a credential.

    Raises:
        MalformedCredential: it is no dict, of another type, or its value is no text or empty.
    """
    if not credential:
        return None
    if not isinstance(credential, dict):
        raise MalformedCredential(f"A credential must be a dict, got {printable(credential)}.")
    if credential.get("type", "address") != "address":
        raise MalformedCredential(
            f"Only credentials of type 'address' exist, got {printable(credential['type'])}."
        )
    value = credential.get("value")
    if not isinstance(value, str) or not value:
        raise MalformedCredential(
            f"A credential needs an address under 'value', got {printable(value)}."
        )
    return value
