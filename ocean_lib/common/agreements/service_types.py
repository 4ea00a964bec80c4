"""The kinds of services an asset can have, and the index each has in a DDO."""

from __future__ import annotations


class ServiceTypes:
    """Types of the services in a DDO."""

    AUTHORIZATION = "authorization"
    METADATA = "metadata"
    ASSET_ACCESS = "access"
    CLOUD_COMPUTE = "compute"


class ServiceTypesIndices:
    """The index that ocean.py gives to a service of each type."""

    DEFAULT_METADATA_INDEX = 0
    DEFAULT_PROVENANCE_INDEX = 1
    DEFAULT_AUTHORIZATION_INDEX = 2
    DEFAULT_ACCESS_INDEX = 3
    DEFAULT_COMPUTING_INDEX = 4
