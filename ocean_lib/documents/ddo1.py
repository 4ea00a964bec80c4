"""Where each value of a description stands in a V3 asset's document (DDO 1): written and read."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_factory import ServiceFactory
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents.description import Description
from ocean_lib.documents.descriptors import (
    build_cluster_attributes,
    build_server_attributes,
    build_service_provider_attributes,
    create_compute_service_attributes,
)
from ocean_lib.documents.format import ALGORITHM, DATASET, defaults
from ocean_lib.documents.publishable import access_attributes
from ocean_lib.exceptions import InvalidInput

Keys = tuple[str | int, ...]
TRUSTED = "compute.trusted_algorithms"
_METADATA, _ACCESS, _COMPUTE = (
    ServiceTypes.METADATA,
    ServiceTypes.ASSET_ACCESS,
    ServiceTypes.CLOUD_COMPUTE,
)
_PRIVACY: Keys = ("main", "privacy")
_RESOURCES: Keys = ("main", "provider", "environment")
_SERVER: Keys = (*_RESOURCES, "supportedServers", 0)
_ALGORITHM: Keys = ("main", "algorithm")
_MORE: Keys = ("additionalInformation",)

_PLACES: dict[str, tuple[tuple[str, Keys], ...]] = {
    **{name: ((_METADATA, ("main", name)),) for name in ("name", "author", "license")},
    **{name: ((_METADATA, (*_MORE, name)),) for name in ("description", "tags", "categories")},
    "copyright_holder": ((_METADATA, (*_MORE, "copyrightHolder")),),
    "work_example": ((_METADATA, (*_MORE, "workExample")),),
    "language_of_text": ((_METADATA, (*_MORE, "inLanguage")),),
    **{name: ((_METADATA, (*_ALGORITHM, name)),) for name in ("language", "format", "version")},
    **{
        f"container.{name}": ((_METADATA, (*_ALGORITHM, "container", name)),)
        for name in ("entrypoint", "image", "tag")
    },
    "price": ((_COMPUTE, ("main", "cost")), (_ACCESS, ("main", "cost"))),
    "timeout": ((_COMPUTE, ("main", "timeout")), (_ACCESS, ("main", "timeout"))),
    TRUSTED: ((_COMPUTE, (*_PRIVACY, "publisherTrustedAlgorithms")),),
    "compute.trusted_publishers": ((_COMPUTE, (*_PRIVACY, "publisherTrustedAlgorithmPublishers")),),
    "compute.allow_raw_algorithm": ((_COMPUTE, (*_PRIVACY, "allowRawAlgorithm")),),
    "compute.allow_all_published_algorithms": (
        (_COMPUTE, (*_PRIVACY, "allowAllPublishedAlgorithms")),
    ),
    "compute.allow_network_access": ((_COMPUTE, (*_PRIVACY, "allowNetworkAccess")),),
    "compute.max_run_time": ((_COMPUTE, (*_SERVER, "maxExecutionTime")),),
    **{
        f"compute.{name}": ((_COMPUTE, (*_SERVER, name)),)
        for name in ("cpu", "gpu", "memory", "disk")
    },
    "compute.containers": ((_COMPUTE, (*_RESOURCES, "supportedContainers")),),
}
_LEFT_OUT_IF_EMPTY = (*_MORE, "publisherTrustedAlgorithmPublishers")


def type_of(asset: Asset) -> str:
    """Return an asset's type: `dataset` or `algorithm`.

    Raises:
        InvalidInput: the document says neither.
    """
    metadata = asset.metadata or {}
    main = metadata.get("main")
    said = main.get("type") if isinstance(main, dict) else None
    if said in (DATASET, ALGORITHM):
        return str(said)
    raise InvalidInput(
        f"{asset.did} is neither a data set nor an algorithm, so it cannot be described."
    )


def values_of(asset: Asset) -> dict[str, Any]:
    """Return every value of an asset's description by its path, but its data token's.

    What the document does not say is as it is for a new asset.

    Raises:
        InvalidInput: the document cannot be read.
    """
    asset_type = type_of(asset)
    services = {service.type: service.attributes for service in asset.services}
    found = {k: v for k, v in defaults(asset_type).items() if not k.startswith("token.")}
    for path, value in _read(services):
        if path in found or path.startswith("container.") or path in ("name", "author", "license"):
            found[path] = value
    if asset_type == DATASET:
        found |= {"compute": _COMPUTE in services, "access": _ACCESS in services}
        found[TRUSTED] = [did_of(entry) for entry in found[TRUSTED]]
    found["credentials.allow"] = asset.allowed_addresses
    found["credentials.deny"] = asset.denied_addresses
    found["disabled"] = asset.is_disabled
    found.pop("container.checksum", None)  # V3's documents have none
    return found


def did_of(entry: Any) -> str:
    """Return the DID of an entry in a list of trusted algorithms."""
    return str(entry.get("did")) if isinstance(entry, dict) else str(entry)


def _read(services: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for path, places in _PLACES.items():
        for service_type, keys in reversed(places):
            value: Any = services.get(service_type)
            for key in keys:
                value = _below(value, key)
            if value is not None:
                yield path, copy.deepcopy(value)


def _below(value: Any, key: str | int) -> Any:
    if isinstance(key, int):
        return value[key] if isinstance(value, list) and len(value) > key else None
    return value.get(key) if isinstance(value, dict) else None


def metadata_of(description: Description, urls: Sequence[str], created: str) -> dict[str, Any]:
    """Return the metadata of a new asset, as the metadata cache wants it.

    Args:
        description: of the asset.
        urls: of its files, in their order.
        created: such as `2021-06-24T10:00:00Z`.
    """
    files = files_of(description, urls)
    metadata = {"main": {"type": description.asset_type, "dateCreated": created, "files": files}}
    write_values({_METADATA: metadata}, description.values)
    return metadata


def files_of(description: Description, urls: Sequence[str]) -> list[dict[str, Any]]:
    """Return the list of files, with their URLs."""
    return [
        {"index": index, "url": url, "contentType": file.content_type}
        for index, (file, url) in enumerate(zip(description.files, urls, strict=True))
    ]


def service_attributes(
    values: Mapping[str, Any], creator: str, created: str
) -> dict[str, dict[str, Any]]:
    """Return the attributes of each service that is offered, by its type.

    Args:
        values: of the description, the trusted algorithms as entries with their checksums.
        creator: the publisher's address.
        created: such as `2021-06-24T10:00:00Z`.
    """
    services = {}
    if values.get("access", True):  # an algorithm is always offered
        services[_ACCESS] = access_attributes(created, 1, creator)
    if values.get("compute", False):
        server = build_server_attributes("1", "default", 1, 0, "1gb", "1gb", 1)
        resources = build_service_provider_attributes(
            "default", "", build_cluster_attributes("Kubernetes", ""), [], [server]
        )
        services[_COMPUTE] = create_compute_service_attributes(0, creator, created, resources)
    write_values(services, values)
    return services


def write_values(services: Mapping[str, dict[str, Any]], values: Mapping[str, Any]) -> None:
    """Write values where they belong, in the services that there are.

    Args:
        services: the attributes of each service by its type; they are changed.
        values: by path; those without a place in a service are passed over.

    Raises:
        InvalidInput: the document has something else in the way.
    """
    for path, value in values.items():
        for service_type, keys in _PLACES.get(path, ()):
            if service_type in services:
                _write(services[service_type], keys, copy.deepcopy(value), path)


def _write(attributes: Any, keys: Keys, value: Any, path: str) -> None:
    holder, *others = attributes, *keys
    last = others.pop()
    is_optional = bool({*others, last} & {*_LEFT_OUT_IF_EMPTY}) and value in ("", [])
    for key, after in zip(others, (*others[1:], last), strict=True):
        if isinstance(key, int):
            while isinstance(holder, list) and len(holder) <= key:
                holder.append({})
        elif isinstance(holder, dict) and holder.get(key) is None:
            if is_optional:
                return
            holder[key] = [] if isinstance(after, int) else {}
        holder = _below(holder, key)
    if not isinstance(holder, dict):
        raise InvalidInput(f"{path} cannot be written: the document has something else in its way.")
    if is_optional:
        holder.pop(str(last), None)
        if holder is attributes.get(_MORE[0]) and not holder:
            del attributes[_MORE[0]]
    else:
        holder[str(last)] = value


def changed_document(
    asset: Asset, values: Mapping[str, Any], now: Mapping[str, Any], endpoints: Mapping[str, str]
) -> Asset:
    """Return a copy of an asset with other values; all else in the document stays as it is.

    Args:
        asset: as it is published.
        values: what is to be different, by path; the trusted algorithms as entries.
        now: all values as they will be, likewise.
        endpoints: where a service that is new is offered, by its type.

    Raises:
        InvalidInput: the document has something else in the way.
    """
    document = asset.as_dictionary()
    created = str((asset.metadata or {}).get("main", {}).get("dateCreated", ""))
    wanted = service_attributes(now, str(asset.publisher), created)
    kept = [
        service
        for service in document["service"]
        if service["type"] in wanted or service["type"] not in (_ACCESS, _COMPUTE)
    ]
    there = {service["type"] for service in kept}
    document["service"] = kept
    changed = Asset(dictionary=document)
    for service_type in wanted:
        if service_type not in there:
            changed.add_service(_service(service_type, wanted[service_type], endpoints))
    write_values({service.type: service.attributes for service in changed.services}, values)
    _write_rest(changed, values)
    document = changed.as_dictionary()
    for part in ("status", "credentials"):  # as if it had never been disabled, or had a list
        if document.get(part) == {}:
            del document[part]
    return Asset(dictionary=document)


def _service(
    service_type: str, attributes: dict[str, Any], endpoints: Mapping[str, str]
) -> Service:
    endpoint = endpoints[service_type]
    values = {"attributes": attributes, "serviceEndpoint": endpoint}
    return ServiceFactory.build_service((service_type, values))


def _write_rest(asset: Asset, values: Mapping[str, Any]) -> None:
    """Write what is not in a service: who may use the asset, and whether anybody may."""
    for name in ("allow", "deny"):
        if f"credentials.{name}" in values:
            write_credentials(asset.credentials, name, values[f"credentials.{name}"])
    if "disabled" in values:
        (asset.disable if values["disabled"] else asset.enable)()
        if asset.metadata and asset.metadata.get("status") == {}:
            del asset.metadata["status"]


def credentials_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the allow and deny lists of a new asset."""
    credentials: dict[str, Any] = {}
    for name in ("allow", "deny"):
        write_credentials(credentials, name, values[f"credentials.{name}"])
    return credentials


def write_credentials(credentials: dict[str, Any], name: str, addresses: Sequence[str]) -> None:
    """Make these the addresses of a list; entries of another type stay.

    Args:
        credentials: of the document; they are changed.
        name: `allow` or `deny`.
        addresses: they are written in lower case, as ocean.py does.
    """
    others = [e for e in credentials.get(name) or [] if e.get("type") != "address"]
    values = [address.lower() for address in addresses]
    entries = [*others, {"type": "address", "values": values}] if values else others
    if entries:
        credentials[name] = entries
    else:
        credentials.pop(name, None)
