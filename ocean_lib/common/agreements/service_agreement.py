"""The services that are ordered and paid for: access and compute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ocean_lib.checks import printable
from ocean_lib.common.agreements.service_types import ServiceTypes, ServiceTypesIndices
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents.plain import required
from ocean_lib.exceptions import InvalidInput

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ServiceAgreement", "ServiceTypes", "ServiceTypesIndices"]

_DEFAULT_INDICES = {
    ServiceTypes.ASSET_ACCESS: ServiceTypesIndices.DEFAULT_ACCESS_INDEX,
    ServiceTypes.CLOUD_COMPUTE: ServiceTypesIndices.DEFAULT_COMPUTING_INDEX,
}


class ServiceAgreement(Service):
    """An access or compute service of an asset.

    Args:
        attributes: the service's description: `main`, and `additionalInformation` if there is any.
        service_endpoint: where the service is offered.
        service_type: `ServiceTypes.ASSET_ACCESS` or `ServiceTypes.CLOUD_COMPUTE`.
        service_index: the service's index in its DDO; None means 3 for access, 4 for compute.
        other_values: further keys of the service, kept as they are.

    Raises:
        InvalidInput: the type is another, or `attributes` is no dict.
    """

    def __init__(
        self,
        attributes: dict[str, Any] | None,
        service_endpoint: str | None = None,
        service_type: str | None = None,
        service_index: int | None = None,
        other_values: dict[str, Any] | None = None,
    ) -> None:
        if service_type not in _DEFAULT_INDICES:
            raise InvalidInput(
                f"service_type of a service agreement must be '{ServiceTypes.ASSET_ACCESS}' or "
                f"'{ServiceTypes.CLOUD_COMPUTE}', got {printable(service_type)}."
            )
        if service_index is None:
            service_index = _DEFAULT_INDICES[service_type]
        super().__init__(service_endpoint, service_type, attributes, other_values, service_index)

    @classmethod
    def _from_parts(
        cls,
        endpoint: str | None,
        service_type: str,
        attributes: dict[str, Any],
        other_values: dict[str, Any],
        index: int | None,
    ) -> Self:
        return cls(attributes, endpoint, service_type, index, other_values)

    def get_cost(self) -> float:
        """Return the price in datatokens.

        Raises:
            InvalidInput: the service names no cost, or one that is no number.
        """
        cost = required(self.main, "cost", f"attributes.main of the '{self.type}' service")
        try:
            number = math.nan if isinstance(cost, bool) else float(cost)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
        raise InvalidInput(
            f"'cost' of the '{self.type}' service must be a number, got "
            f"{printable(repr(cost) if isinstance(cost, float) else cost)}."
        )
