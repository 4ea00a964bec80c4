"""Where each value of a description stands in a DDO 4: written and read."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocean_lib.checks import check_address
from ocean_lib.documents.ddo1 import TRUSTED, did_of, write_credentials
from ocean_lib.documents.format import ALGORITHM, COMPUTE, CONTAINER, DATASET, default_of, defaults
from ocean_lib.documents.view import EVERY

VERSION = "4.1.0"
"""Of new documents: the one that was seen at a node."""

INDEXERS_KEYS = ("indexedMetadata", "datatokens", "event", "nft", "purgatory", "stats")
DISABLED_STATE = 4
_ACTIVE = (0, 1)

Keys = tuple[str, ...]
_MORE: Keys = ("additionalInformation",)
_METADATA: dict[str, Keys] = {
    **{name: (name,) for name in ("name", "description", "author", "license", "tags")},
    "categories": ("categories",),
    "copyright_holder": ("copyrightHolder",),
    "language_of_text": ("contentLanguage",),
    "work_example": (*_MORE, "workExample"),
    "format": (*_MORE, "format"),
    "language": ("algorithm", "language"),
    "version": ("algorithm", "version"),
    **{
        f"container.{name}": ("algorithm", "container", name)
        for name in ("entrypoint", "image", "tag", "checksum")
    },
}
_ALWAYS = ("name", "author", "license", "description", "tags", "language", "version")
_TRUST_LIST, _PUBLISHERS = "publisherTrustedAlgorithms", "publisherTrustedAlgorithmPublishers"
_ALL = "compute.allow_all_published_algorithms"
_COMPUTE = {
    "compute.allow_raw_algorithm": "allowRawAlgorithm",
    "compute.allow_network_access": "allowNetworkAccess",
    "compute.trusted_publishers": _PUBLISHERS,
}
_TRUST_ALL = dict.fromkeys(("did", "filesChecksum", "containerSectionChecksum", "serviceId"), EVERY)
_ENVIRONMENTS = ("max_run_time", "cpu", "gpu", "memory", "disk", "containers")

Fault = tuple[str, str, str]
"""Of a value: its path, what is wrong with it, and what to do."""


def faults(
    asset_type: str, values: Mapping[str, Any], given: Mapping[str, Any] | None = None
) -> Iterator[Fault]:
    """Say what a description asks for that a node does not have.

    Args:
        asset_type: `dataset` or `algorithm`.
        values: all of them, by path.
        given: those that are to be changed; None for a new asset.
    """
    usual = defaults(asset_type)
    asked = values if given is None else given
    for name in _ENVIRONMENTS:
        path = f"compute.{name}"
        if path in asked and asked[path] != usual.get(path):
            what = "is not an asset's at an Ocean Node: its environments decide"
            yield path, what, "leave it out"
    lacks_digest = asset_type == ALGORITHM and not values.get("container.checksum")
    if lacks_digest and (given is None or "container.checksum" in given):
        yield "container.checksum", "is needed by an Ocean Node", "give the image's digest"
    if given is not None and "price" in given:
        what = "cannot be changed here: at an Ocean Node it is on the chain"
        yield "price", what, "change the rate of its exchange"
    elif given is None and not values.get("token.sold_for") and values["price"] not in (0, 1):
        what = "must be 0 or 1: at an Ocean Node an order takes one data token"
        yield "price", what, "name what to sell it for: `token: {sold_for: <address>}`"
    elif given is None and values.get("token.sold_for") and not values["price"]:
        yield "price", "must be above 0 where the data token is sold", "leave sold_for out"


def new_document(
    asset_type: str,
    values: Mapping[str, Any],
    nft: str,
    chain_id: int,
    created: str,
    services: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return the document of a new asset.

    Args:
        asset_type: `dataset` or `algorithm`.
        values: of its description; trusted algorithms as entries of the list.
        nft: its NFT's address.
        chain_id: of the chain.
        created: such as `2021-06-24T10:00:00Z`.
        services: see `new_service`.
    """
    metadata = {"created": created, "updated": created, "type": asset_type}
    document: dict[str, Any] = {
        "@context": ["https://w3id.org/did/v1"],
        "id": did_of_nft(nft, chain_id),
        "nftAddress": check_address(nft),
        "version": VERSION,
        "chainId": chain_id,
        "metadata": metadata,
        "services": [copy.deepcopy(service) for service in services],
    }
    write_values(document, values)
    if not document["metadata"]["description"]:  # a node refuses a document without one
        document["metadata"]["description"] = document["metadata"]["name"]
    return document


def did_of_nft(nft: str, chain_id: int) -> str:
    """Return the DID of the asset of an NFT."""
    return "did:op:" + hashlib.sha256(f"{check_address(nft)}{chain_id}".encode()).hexdigest()


def new_service(
    kind: str, name: str, datatoken: str, endpoint: str, files: str, timeout_s: int
) -> dict[str, Any]:
    """Return a service; its rules are written with the values."""
    service: dict[str, Any] = {
        "id": hashlib.sha256(f"{datatoken.lower()}{kind}".encode()).hexdigest(),
        "type": kind,
        "name": f"{name} service",
        "description": "",
        "files": files,
        "datatokenAddress": datatoken,
        "serviceEndpoint": endpoint,
        "timeout": timeout_s,
    }
    if kind == "compute":
        service["compute"] = {
            "allowRawAlgorithm": False,
            "allowNetworkAccess": False,
            _PUBLISHERS: [],
            _TRUST_LIST: [],
        }
    return service


def services_of(values: Mapping[str, Any]) -> list[str]:
    """Return the types of the services that a description offers."""
    is_dataset = "compute" in values
    kinds = [("compute", values.get("compute")), ("access", values.get("access", not is_dataset))]
    return [kind for kind, is_offered in kinds if is_offered]


def write_values(document: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Write values where they belong.

    Args:
        document: it is changed.
        values: by path; the trusted algorithms as entries of the list.
    """
    for path, keys in _METADATA.items():
        if path in values:
            _put(document["metadata"], keys, values[path], always=path in _ALWAYS)
    for service in document["services"]:
        if "timeout" in values:
            service["timeout"] = values["timeout"]
        if service["type"] == "compute":
            _write_rules(service.setdefault("compute", {}), values)
    _write_credentials(document, values)


def _write_rules(rules: dict[str, Any], values: Mapping[str, Any]) -> None:
    for path, key in _COMPUTE.items():
        if path in values:
            rules[key] = copy.deepcopy(values[path])
    listed = rules.get(_TRUST_LIST) or []
    has_all = values.get(_ALL, any(did_of(entry) == EVERY for entry in listed))
    entries = values.get(TRUSTED, [entry for entry in listed if did_of(entry) != EVERY])
    if TRUSTED in values or _ALL in values:
        rules[_TRUST_LIST] = [*copy.deepcopy(entries), *([dict(_TRUST_ALL)] if has_all else [])]


def _write_credentials(document: dict[str, Any], values: Mapping[str, Any]) -> None:
    credentials = document.get("credentials") or {}
    for name in ("allow", "deny"):
        if f"credentials.{name}" in values:
            write_credentials(credentials, name, values[f"credentials.{name}"])
    if credentials:
        document["credentials"] = credentials
    else:
        document.pop("credentials", None)


def _put(holder: dict[str, Any], keys: Keys, value: Any, *, always: bool) -> None:
    *path, last = keys
    if value in ("", [], "docker-image") and not always:
        for key in path:
            holder = holder.get(key) or {}
        holder.pop(last, None)
        return
    for key in path:
        holder = holder.setdefault(key, {})
    holder[last] = copy.deepcopy(value)


def read_values(
    asset_type: str, document: Mapping[str, Any], state: int | None, price: Any
) -> dict[str, Any]:
    """Return every value of an asset's description by its path, but its data token's.

    Args:
        asset_type: `dataset` or `algorithm`.
        document: the DDO.
        state: of its NFT.
        price: of one data token; None if nobody gives or sells it.
    """
    usual = defaults(asset_type)
    found = {path: value for path, value in usual.items() if not path.startswith("token.")}
    known = {*found, "name", "author", "license", *(f"container.{f.name}" for f in CONTAINER)}
    for path, keys in _METADATA.items():
        value: Any = document.get("metadata")
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and path in known:
            found[path] = copy.deepcopy(value)
    if found["description"] == found.get("name"):  # as `new_document` fills it in
        found["description"] = ""
    services = {service["type"]: service for service in reversed(document["services"])}
    first = document["services"][0] if document["services"] else {}
    found["timeout"] = first.get("timeout", found["timeout"])
    if asset_type == DATASET:
        found |= {"compute": "compute" in services, "access": "access" in services}
        found |= _rules_in(services.get("compute", {}).get("compute") or {})
    found |= {f"credentials.{name}": _addresses(document, name) for name in ("allow", "deny")}
    found["disabled"] = state is not None and state not in _ACTIVE
    if price is not None:
        found["price"] = price
    return found


def _rules_in(rules: Mapping[str, Any]) -> dict[str, Any]:
    listed = [did_of(entry) for entry in rules.get(_TRUST_LIST) or []]
    fields = {f"compute.{f.name}": f for f in COMPUTE}
    return {
        TRUSTED: [did for did in listed if did != EVERY],
        _ALL: EVERY in listed,
        **{path: rules.get(key, default_of(fields[path])) for path, key in _COMPUTE.items()},
    }


def _addresses(document: Mapping[str, Any], name: str) -> list[str]:
    entries = (document.get("credentials") or {}).get(name) or []
    return [
        str(value).lower()
        for entry in entries
        if str(entry.get("type")).lower() == "address"
        for value in entry.get("values") or []
    ]


def published_part(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as its publisher wrote it, without what the indexer adds."""
    return {key: value for key, value in document.items() if key not in INDEXERS_KEYS}
