"""Under which conditions an asset can be consumed: enabled, reachable, open to the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo._plain import as_dict
from ocean_lib.common.ddo.credentials import AddressCredential
from ocean_lib.exceptions import InvalidInput

if TYPE_CHECKING:
    from ocean_lib.common.ddo.ddo import DDO

_DISABLED = "isOrderDisabled"


class Conditions:
    """The part of a DDO that says whether the asset can be consumed, and by whom."""

    @property
    def is_disabled(self) -> bool:
        """Whether the publisher has disabled the asset, in either of the two places.

        Raises:
            InvalidInput: the asset's status cannot be read.
        """
        return any(status.get(_DISABLED, False) for _, status in self._statuses())

    @property
    def is_enabled(self) -> bool:
        """The opposite of `is_disabled`.

        Raises:
            InvalidInput: the asset's status cannot be read.
        """
        return not self.is_disabled

    def enable(self) -> None:
        """Let the asset be ordered; no change if it already can be.

        Raises:
            InvalidInput: the asset has no metadata service, or its status cannot be read.
        """
        self._metadata()
        for holder, status in self._statuses():
            if _DISABLED in status:
                del status[_DISABLED]
                holder["status"] = status

    def disable(self) -> None:
        """Stop the asset from being ordered.

        Provider 0.4.12 reads the document's own status, later ones that of the metadata service:
        both are set.

        Raises:
            InvalidInput: the asset has no metadata service, or its status cannot be read.
        """
        self._metadata()
        for holder, status in self._statuses():
            holder["status"] = {**status, _DISABLED: True}

    @property
    def requires_address_credential(self) -> bool:
        """Whether the asset has an allow or a deny list with addresses."""
        return self._credential.requires_credential()

    @property
    def allowed_addresses(self) -> list[str]:
        """The addresses on the allow list, in lower case."""
        return self._credential.get_addresses_of_class("allow")

    @property
    def denied_addresses(self) -> list[str]:
        """The addresses on the deny list, in lower case."""
        return self._credential.get_addresses_of_class("deny")

    def add_address_to_allow_list(self, address: str) -> None:
        """Add an address to the allow list, unless it is there.

        Args:
            address: who may consume the asset; with an allow list, nobody else may.

        Raises:
            InvalidAddress: it is no address.
        """
        self._credential.add_address_to_access_class(address, "allow")

    def add_address_to_deny_list(self, address: str) -> None:
        """Add an address to the deny list, unless it is there.

        Args:
            address: who may not consume the asset. The list has no effect beside an allow list.

        Raises:
            InvalidAddress: it is no address.
        """
        self._credential.add_address_to_access_class(address, "deny")

    def remove_address_from_allow_list(self, address: str) -> None:
        """Remove an address from the allow list, if it is there.

        Args:
            address: in any case.
        """
        self._credential.remove_address_from_access_class(address, "allow")

    def remove_address_from_deny_list(self, address: str) -> None:
        """Remove an address from the deny list, if it is there.

        Args:
            address: in any case.
        """
        self._credential.remove_address_from_access_class(address, "deny")

    def is_consumable(
        self,
        credential: dict[str, Any] | None = None,
        with_connectivity_check: bool = True,
        provider_uri: str | None = None,
    ) -> int:
        """Tell whether the asset can be consumed.

        Args:
            credential: who asks: `{"type": "address", "value": "0x…"}`.
            with_connectivity_check: ask the Provider whether it reaches the asset's files.
            provider_uri: the Provider's URL; without it nobody is asked.

        Returns:
            One of `ConsumableCodes`; the first that applies, in the order of their numbers.

        Raises:
            MalformedCredential: the credential or the asset's lists cannot be read, or there is
                a deny list and no credential.
            TransportError: the Provider did not answer.
            ProviderError: the Provider answered with an error of its own.
        """
        if self.is_disabled:
            return ConsumableCodes.ASSET_DISABLED
        if with_connectivity_check and provider_uri and not self._is_reachable(provider_uri):
            return ConsumableCodes.CONNECTIVITY_FAIL
        return self._credential.validate_access(credential)

    def _is_reachable(self, provider_uri: str) -> bool:
        # Imported here: the Provider's client needs DDOs itself.
        from ocean_lib.data_provider.data_service_provider import DataServiceProvider

        return bool(DataServiceProvider.check_asset_file_info(self._ddo, provider_uri))

    def _statuses(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return each part of the document that can hold a status, and the status there."""
        service = self._ddo.get_service(ServiceTypes.METADATA)
        places = [(self._ddo._other_values, "status of the asset")]
        if service is not None:
            places.append((service.attributes, "status in the asset's metadata"))
        return [(holder, as_dict(holder.get("status") or {}, name)) for holder, name in places]

    def _metadata(self) -> dict[str, Any]:
        service = self._ddo.get_service(ServiceTypes.METADATA)
        if service is None:
            raise InvalidInput(
                f"Asset {self._ddo.did or '(unnamed)'} has no metadata service to hold its status."
            )
        return service.attributes

    @property
    def _credential(self) -> AddressCredential:
        return AddressCredential(self._ddo)

    @property
    def _ddo(self) -> DDO:
        return cast("DDO", self)
