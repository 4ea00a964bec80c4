"""Is a DDO 4 valid? The published shapes of versions 4.1.0 to 4.7.0, as far as fields go."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from eth_utils.address import is_address, to_checksum_address

VERSIONS = ("4.1.0", "4.3.0", "4.5.0", "4.7.0")
_ID = re.compile(r"did:op:.*")
_TEXT, _WHOLE, _FLAG = str, int, bool
_NAMES = {str: "a text", int: "a whole number", bool: "true or false"}
Fields = Mapping[str, type]

_DOCUMENT: Fields = {"id": _TEXT, "version": _TEXT, "chainId": _WHOLE, "nftAddress": _TEXT}
_METADATA: Fields = dict.fromkeys(
    ("created", "updated", "name", "type", "description", "author", "license"), _TEXT
)
_CONTAINER: Fields = dict.fromkeys(("entrypoint", "image", "tag", "checksum"), _TEXT)
_SERVICE: Fields = {
    **dict.fromkeys(("id", "type", "datatokenAddress", "serviceEndpoint", "files"), _TEXT),
    "timeout": _WHOLE,
}
_COMPUTE: Fields = {"allowRawAlgorithm": _FLAG, "allowNetworkAccess": _FLAG}
_TRUSTED: Fields = dict.fromkeys(("did", "filesChecksum", "containerSectionChecksum"), _TEXT)
_PARAMETER: Fields = {
    **dict.fromkeys(("name", "type", "label", "description"), _TEXT),
    "required": _FLAG,
}


def why_invalid(ddo: dict[str, Any]) -> str:
    """Say what is wrong with a document; empty if nothing is."""
    return next(_faults(ddo), "")


def _faults(ddo: dict[str, Any]) -> Iterator[str]:
    if ddo.get("version") not in VERSIONS:
        yield f"version {ddo.get('version')!r} is not one of {', '.join(VERSIONS)}"
        return
    yield from _lacks(ddo, _DOCUMENT, "")
    nft = ddo.get("nftAddress")
    if not is_address(nft):
        yield "nftAddress is missing or invalid."
        return
    digest = hashlib.sha256(f"{to_checksum_address(nft)}{ddo.get('chainId')}".encode())
    if not _ID.fullmatch(str(ddo.get("id"))) or ddo["id"] != f"did:op:{digest.hexdigest()}":
        yield "did is not valid for chain Id and nft address"
    yield from _metadata_faults(ddo.get("metadata"))
    services = ddo.get("services")
    if not isinstance(services, list) or not services:
        yield "services: expected at least one"
        return
    for index, service in enumerate(services):
        yield from _service_faults(service, f"services[{index}]")


def _metadata_faults(metadata: object) -> Iterator[str]:
    yield from _lacks(metadata, _METADATA, "metadata")
    if isinstance(metadata, dict) and metadata.get("type") == "algorithm":
        algorithm = metadata.get("algorithm")
        inner = algorithm.get("container") if isinstance(algorithm, dict) else None
        yield from _lacks(inner, _CONTAINER, "metadata.algorithm.container")
        yield from _parameter_faults(algorithm, "metadata.algorithm")


def _service_faults(service: object, place: str) -> Iterator[str]:
    yield from _lacks(service, _SERVICE, place)
    if not isinstance(service, dict):
        return
    if not is_address(service.get("datatokenAddress")):
        yield f"{place}.datatokenAddress: expected an address"
    yield from _parameter_faults(service, place)
    compute = service.get("compute")
    if compute is None and service.get("type") != "compute":
        return
    yield from _lacks(compute, _COMPUTE, f"{place}.compute")
    trusted = compute.get("publisherTrustedAlgorithms") if isinstance(compute, dict) else None
    for index, entry in enumerate(trusted if isinstance(trusted, list) else []):
        if entry != "*":
            yield from _lacks(
                entry, _TRUSTED, f"{place}.compute.publisherTrustedAlgorithms[{index}]"
            )


def _parameter_faults(holder: object, place: str) -> Iterator[str]:
    given = holder.get("consumerParameters") if isinstance(holder, dict) else None
    for index, one in enumerate(given if isinstance(given, list) else []):
        yield from _lacks(one, _PARAMETER, f"{place}.consumerParameters[{index}]")


def _lacks(value: object, fields: Fields, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is missing or invalid."
        return
    for name, kind in fields.items():
        found = value.get(name)
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            yield f"{place}.{name}: expected {_NAMES[kind]}".removeprefix(".")
