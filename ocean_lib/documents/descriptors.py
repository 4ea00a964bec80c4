"""The dicts that describe a compute service."""

from typing import Any, Optional

from ocean_lib.assets.utils import create_publisher_trusted_algorithms
from ocean_lib.base.arguments import enforce_types
from ocean_lib.exceptions import InvalidInput

_PRIVACY_KEYS = frozenset(
    {
        "allowRawAlgorithm",
        "allowAllPublishedAlgorithms",
        "publisherTrustedAlgorithms",
        "allowNetworkAccess",
    }
)


@enforce_types
def build_cluster_attributes(cluster_type: str, url: str) -> dict[str, Any]:
    """Describe a cluster.

    Args:
        cluster_type: such as "Kubernetes".
        url: where it is, such as "http://10.0.0.17/xxx".
    """
    return {"type": cluster_type, "url": url}


@enforce_types
def build_container_attributes(image: str, tag: str, entrypoint: str) -> dict[str, Any]:
    """Describe a container that algorithms may run in.

    Args:
        image: name of the Docker image, such as "node".
        tag: of the image, such as "latest".
        entrypoint: the command, with `$ALGO` for the algorithm's path, such as "node $ALGO".
    """
    return {"image": image, "tag": tag, "entrypoint": entrypoint}


@enforce_types
def build_server_attributes(
    server_id: str,
    server_type: str,
    cpu: int,
    gpu: int,
    memory: str,
    disk: str,
    max_run_time: int,
) -> dict[str, Any]:
    """Describe a server that jobs may run on.

    Args:
        server_id: its name in this list.
        server_type: such as "xlsize".
        cpu: number of CPU units.
        gpu: number of GPU units.
        memory: amount with its unit, such as "128gb".
        disk: amount with its unit, such as "160gb".
        max_run_time: longest run, in seconds.
    """
    return {
        "serverId": server_id,
        "serverType": server_type,
        "cpu": cpu,
        "gpu": gpu,
        "memory": memory,
        "disk": disk,
        "maxExecutionTime": max_run_time,
    }


@enforce_types
def build_service_provider_attributes(
    provider_type: str,
    description: str,
    cluster: dict[str, Any],
    containers: list[Any],
    servers: list[Any],
) -> dict[str, Any]:
    """Describe the resources behind a compute service.

    Args:
        provider_type: such as "Azure" or "AWS".
        description: of the resource provider.
        cluster: see `build_cluster_attributes`.
        containers: see `build_container_attributes`.
        servers: see `build_server_attributes`.
    """
    return {
        "type": provider_type,
        "description": description,
        "environment": {
            "cluster": cluster,
            "supportedContainers": containers,
            "supportedServers": servers,
        },
    }


@enforce_types
def build_service_privacy_attributes(
    trusted_algorithms: Optional[list] = None,  # type: ignore[type-arg]
    metadata_cache_uri: Optional[str] = None,
    allow_raw_algorithm: bool = False,
    allow_all_published_algorithms: bool = False,
    allow_network_access: bool = False,
) -> dict[str, Any]:
    """Say which algorithms may run on the data, and what they may do.

    Args:
        trusted_algorithms: DIDs of the algorithms to trust, as they are now: their
            checksums are taken, so that a changed algorithm is no longer trusted.
        metadata_cache_uri: where to look those DIDs up.
        allow_raw_algorithm: let unpublished code run.
        allow_all_published_algorithms: let every published algorithm run; the list is then
            ignored by the Provider.
        allow_network_access: let algorithms use the network.

    Raises:
        InvalidInput: DIDs without a `metadata_cache_uri`.
        AssetNotFound: a DID is not known there.
    """
    trusted = []
    if trusted_algorithms:
        if not metadata_cache_uri:
            raise InvalidInput(
                "trusted_algorithms needs metadata_cache_uri, to look up what is trusted."
            )
        trusted = create_publisher_trusted_algorithms(trusted_algorithms, metadata_cache_uri)
    return {
        "allowRawAlgorithm": allow_raw_algorithm,
        "allowAllPublishedAlgorithms": allow_all_published_algorithms,
        "publisherTrustedAlgorithms": trusted,
        "allowNetworkAccess": allow_network_access,
    }


@enforce_types
def create_compute_service_attributes(
    timeout: int,
    creator: str,
    date_published: str,
    provider_attributes: Optional[dict] = None,  # type: ignore[type-arg]
    privacy_attributes: Optional[dict] = None,  # type: ignore[type-arg]
) -> dict[str, Any]:
    """Put the attributes of a compute service together.

    Args:
        timeout: how long an order is good for, in seconds.
        creator: the publisher's address.
        date_published: such as "2021-06-24T10:00:00Z".
        provider_attributes: see `build_service_provider_attributes`.
        privacy_attributes: see `build_service_privacy_attributes`; nothing is allowed if
            None.

    Raises:
        InvalidInput: `privacy_attributes` has keys missing or too many.
    """
    if privacy_attributes is None:
        privacy_attributes = build_service_privacy_attributes()
    if set(privacy_attributes) != _PRIVACY_KEYS:
        raise InvalidInput(
            f"privacy_attributes must have exactly the keys {sorted(_PRIVACY_KEYS)}, got "
            f"{sorted(map(str, privacy_attributes))}. Make it with "
            "build_service_privacy_attributes."
        )
    return {
        "main": {
            "name": "dataAssetComputingServiceAgreement",
            "creator": creator,
            "datePublished": date_published,
            "cost": 1.0,
            "timeout": timeout,
            "provider": provider_attributes,
            "privacy": privacy_attributes,
        }
    }
