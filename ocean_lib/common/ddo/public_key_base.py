"""The public keys listed in a DDO: in V3, the publisher's address."""

from __future__ import annotations

import json
from typing import Any

PUBLIC_KEY_STORE_TYPE_PEM = "publicKeyPem"
PUBLIC_KEY_STORE_TYPE_JWK = "publicKeyJwk"
PUBLIC_KEY_STORE_TYPE_HEX = "publicKeyHex"
PUBLIC_KEY_STORE_TYPE_BASE64 = "publicKeyBase64"
PUBLIC_KEY_STORE_TYPE_BASE85 = "publicKeyBase85"

_STORE_TYPES = (
    PUBLIC_KEY_STORE_TYPE_HEX,
    PUBLIC_KEY_STORE_TYPE_BASE64,
    PUBLIC_KEY_STORE_TYPE_BASE85,
    PUBLIC_KEY_STORE_TYPE_JWK,
    PUBLIC_KEY_STORE_TYPE_PEM,
)


class PublicKeyBase:
    """One entry of a DDO's `publicKey` list, kept with every key it came with.

    Args:
        key_id: the key's id, in V3 the asset's DID.
        **kwargs: the other keys of the entry, `type` and `owner` first of all.
    """

    def __init__(self, key_id: str, **kwargs: Any) -> None:
        self._values: dict[str, Any] = {"id": key_id}
        self._values.update({k: v for k, v in kwargs.items() if v is not None})

    @classmethod
    def from_dictionary(cls, values: dict[str, Any]) -> PublicKeyBase:
        """Make a key from its entry in a DDO.

        Args:
            values: the entry; it is copied, and its keys keep their order.
        """
        key = cls("")
        key._values = dict(values)
        return key

    def get_id(self) -> str:
        """Return the key's id, '' if it has none."""
        return str(self._values.get("id") or "")

    def get_owner(self) -> str | None:
        """Return the owner, in V3 the publisher's address."""
        return self._values.get("owner")

    def get_type(self) -> str | None:
        """Return the key's type, in V3 `EthereumECDSAKey`."""
        return self._values.get("type")

    def get_store_type(self) -> str | None:
        """Return the name under which the entry holds key material, or None."""
        return next((name for name in _STORE_TYPES if name in self._values), None)

    def get_value(self) -> Any:
        """Return the key material as it stands in the entry, or None."""
        store_type = self.get_store_type()
        return None if store_type is None else self._values[store_type]

    def is_valid(self) -> bool:
        """Tell whether the entry has an id and a type."""
        return bool(self._values.get("id") and self._values.get("type"))

    def as_text(self, is_pretty: bool = False) -> str:
        """Return the entry as JSON text.

        Args:
            is_pretty: break and indent the lines.
        """
        if is_pretty:
            return json.dumps(self._values, indent=4, separators=(",", ": "))
        return json.dumps(self._values)

    def as_dictionary(self) -> dict[str, Any]:
        """Return the entry as a dict."""
        return dict(self._values)
