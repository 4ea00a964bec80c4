"""Describe services, and build them for a DDO."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.common.agreements.service_agreement import ServiceAgreement
from ocean_lib.common.agreements.service_types import ServiceTypes, ServiceTypesIndices
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents.plain import required
from ocean_lib.exceptions import InvalidInput

Descriptor = tuple[str, dict[str, Any]]


class ServiceDescriptor:
    """Makes descriptors: a service's type, and a dict of its attributes and endpoint."""

    @staticmethod
    def metadata_service_descriptor(
        attributes: dict[str, Any], service_endpoint: str | None
    ) -> Descriptor:
        """Describe a metadata service.

        Args:
            attributes: the asset's metadata.
            service_endpoint: the DDO's URL in the metadata cache; `{did}` stands for the DID.
        """
        return _descriptor(ServiceTypes.METADATA, attributes, service_endpoint)

    @staticmethod
    def authorization_service_descriptor(service_endpoint: str | None) -> Descriptor:
        """Describe an authorization service.

        Args:
            service_endpoint: its URL.
        """
        return _descriptor(ServiceTypes.AUTHORIZATION, {"main": {}}, service_endpoint)

    @staticmethod
    def access_service_descriptor(
        attributes: dict[str, Any], service_endpoint: str | None
    ) -> Descriptor:
        """Describe an access (download) service.

        Args:
            attributes: the service's attributes, with `main`.
            service_endpoint: the Provider's download URL.
        """
        return _descriptor(ServiceTypes.ASSET_ACCESS, attributes, service_endpoint)

    @staticmethod
    def compute_service_descriptor(
        attributes: dict[str, Any], service_endpoint: str | None
    ) -> Descriptor:
        """Describe a compute service.

        Args:
            attributes: what `OceanCompute.create_compute_service_attributes` makes.
            service_endpoint: the Provider's URL.
        """
        return _descriptor(ServiceTypes.CLOUD_COMPUTE, attributes, service_endpoint)


class ServiceFactory:
    """Builds services from their descriptors."""

    @staticmethod
    def build_services(service_descriptors: Iterable[Descriptor]) -> list[Service]:
        """Build services, each with the index that belongs to its type.

        Args:
            service_descriptors: as `ServiceDescriptor` makes them.

        Raises:
            InvalidInput: one of them is no descriptor, or two are of one type: they would share
                an index, and a DDO could not tell them apart.
        """
        services: list[Service] = []
        for descriptor in service_descriptors:
            service = ServiceFactory.build_service(descriptor)
            if any(service.type == earlier.type for earlier in services):
                raise InvalidInput(
                    f"Two services of type '{service.type}' would both have the index "
                    f"{service.index} in the DDO; give one."
                )
            services.append(service)
        return services

    @staticmethod
    def build_service(service_descriptor: Descriptor) -> Service:
        """Build one service.

        Args:
            service_descriptor: as `ServiceDescriptor` makes it.

        Raises:
            InvalidInput: it is no tuple of a known type and a dict with `attributes` and
                `serviceEndpoint`.
        """
        if not (isinstance(service_descriptor, tuple) and len(service_descriptor) == 2):
            raise InvalidInput(
                "A service descriptor must be a tuple of a service type and a dict, got "
                f"{printable(service_descriptor)}. Make it with ServiceDescriptor."
            )
        service_type, values = service_descriptor
        build = _builders().get(service_type) if isinstance(service_type, str) else None
        if build is None:
            raise InvalidInput(
                f"Unknown service type {printable(service_type)}; known are "
                f"{', '.join(_builders())}."
            )
        name = f"the descriptor of the '{service_type}' service"
        return build(
            required(values, "attributes", name), required(values, "serviceEndpoint", name)
        )

    @staticmethod
    def build_metadata_service(metadata: dict[str, Any], service_endpoint: str | None) -> Service:
        """Build a metadata service, index 0.

        Args:
            metadata: the asset's metadata.
            service_endpoint: the DDO's URL in the metadata cache.

        Raises:
            InvalidInput: `metadata` is no dict.
        """
        return Service(
            service_endpoint,
            ServiceTypes.METADATA,
            attributes=metadata,
            index=ServiceTypesIndices.DEFAULT_METADATA_INDEX,
        )

    @staticmethod
    def build_authorization_service(
        attributes: dict[str, Any], service_endpoint: str | None
    ) -> Service:
        """Build an authorization service, index 2.

        Args:
            attributes: the service's attributes.
            service_endpoint: its URL.

        Raises:
            InvalidInput: `attributes` is no dict.
        """
        return Service(
            service_endpoint,
            ServiceTypes.AUTHORIZATION,
            attributes=attributes,
            index=ServiceTypesIndices.DEFAULT_AUTHORIZATION_INDEX,
        )

    @staticmethod
    def build_access_service(
        attributes: dict[str, Any], service_endpoint: str | None
    ) -> ServiceAgreement:
        """Build an access service, index 3.

        Args:
            attributes: the service's attributes, with `main`.
            service_endpoint: the Provider's download URL.

        Raises:
            InvalidInput: `attributes` is no dict.
        """
        return ServiceAgreement(
            attributes,
            service_endpoint,
            ServiceTypes.ASSET_ACCESS,
            ServiceTypesIndices.DEFAULT_ACCESS_INDEX,
        )

    @staticmethod
    def build_compute_service(
        attributes: dict[str, Any], service_endpoint: str | None
    ) -> ServiceAgreement:
        """Build a compute service, index 4.

        Args:
            attributes: the service's attributes, with `main`.
            service_endpoint: the Provider's URL.

        Raises:
            InvalidInput: `attributes` is no dict.
        """
        return ServiceAgreement(
            attributes,
            service_endpoint,
            ServiceTypes.CLOUD_COMPUTE,
            ServiceTypesIndices.DEFAULT_COMPUTING_INDEX,
        )


def _descriptor(
    service_type: str, attributes: dict[str, Any], service_endpoint: str | None
) -> Descriptor:
    return service_type, {"attributes": attributes, "serviceEndpoint": service_endpoint}


def _builders() -> dict[str, Callable[[dict[str, Any], str | None], Service]]:
    return {
        ServiceTypes.METADATA: ServiceFactory.build_metadata_service,
        ServiceTypes.AUTHORIZATION: ServiceFactory.build_authorization_service,
        ServiceTypes.ASSET_ACCESS: ServiceFactory.build_access_service,
        ServiceTypes.CLOUD_COMPUTE: ServiceFactory.build_compute_service,
    }
