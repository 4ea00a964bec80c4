"""Who may use an asset, and which algorithm may run on it: a node's own truth tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
_ANY = "*"
_ORDERABLE = (0, 1)
NOT_ORDERABLE = "Nft not present in the asset or the state is different than ACTIVE or UNLISTED."


def is_orderable(ddo: Document) -> bool:
    """Tell whether an asset's state lets it be ordered and used."""
    nft = ddo.get("indexedMetadata", {}).get("nft")
    return not nft or nft.get("state") in _ORDERABLE


def service_of(ddo: Document, service_id: object) -> Document | None:
    """Return a service by its id; None if there is none."""
    for service in ddo["services"]:
        if service.get("id") == service_id:
            found: Document = service
            return found
    return None


@dataclass(frozen=True)
class Checksums:
    """What trust is bound to.

    Attributes:
        files: The checksums of the algorithm's files, one after the other; empty if unknown.
        container: The checksum of its entry point and its image; empty if unknown.
        service_id: The service whose files they are.
    """

    files: str = ""
    container: str = ""
    service_id: object = None


def container_checksum(container: Document) -> str:
    """Return the checksum of an algorithm's entry point and image."""
    text = f"{container.get('entrypoint')}{container.get('checksum')}"
    return hashlib.sha256(text.encode()).hexdigest()


def is_trusted(
    service: Document | None, algorithm: object, checksums: Checksums, nft: Callable[[], str | None]
) -> bool:
    """Tell whether an algorithm may run on a data set's service.

    Args:
        service: The data set's service; None if there is none of the id that was asked for.
        algorithm: The algorithm's DID; empty for one that is not published.
        checksums: Of the algorithm.
        nft: Returns the address of the algorithm's NFT, None if it is not known.
    """
    if service is None:
        return False
    if service.get("type") == "access":
        return True
    rules = service.get("compute")
    if service.get("type") != "compute" or not isinstance(rules, dict):
        return False
    publishers = rules.get("publisherTrustedAlgorithmPublishers") or []
    algorithms = rules.get("publisherTrustedAlgorithms") or []
    if not publishers and not algorithms:
        return False
    if not algorithm:
        return bool(rules.get("allowRawAlgorithm"))
    if any(_names(entry, algorithm, checksums) for entry in algorithms):
        return True
    return bool(publishers) and (_ANY in publishers or _is_publisher(publishers, nft()))


def _names(entry: Document, algorithm: object, checksums: Checksums) -> bool:
    wanted = {
        "did": algorithm,
        "filesChecksum": checksums.files,
        "containerSectionChecksum": checksums.container,
    }
    if "serviceId" in entry:
        wanted["serviceId"] = checksums.service_id
    return all(entry.get(name) in (_ANY, value) for name, value in wanted.items())


def _is_publisher(publishers: list[Any], nft: str | None) -> bool:
    return nft is not None and nft.lower() in [str(one).lower() for one in publishers]


def admits(credentials: object, address: str, is_listed: Callable[[str], bool]) -> bool:
    """Tell whether credentials let an address in: deny first, then allow.

    Args:
        credentials: Of an asset or a service; None for none.
        address: Who asks.
        is_listed: Tells whether an access list has that address.
    """
    if not isinstance(credentials, dict):
        return True
    denied = _matches(credentials.get("deny"), address, is_listed)
    rule = all if credentials.get("match_deny", "any") == "all" else any
    known = [one for one in denied if one is not None]
    if known and rule(known):
        return False
    if not credentials.get("allow"):
        return True
    allowed = _matches(credentials["allow"], address, is_listed)
    if credentials.get("match_allow", "all") == "any":
        return any(allowed)
    return all(allowed)  # one of a kind that is not known lets nobody in


def _matches(entries: object, address: str, is_listed: Callable[[str], bool]) -> list[bool | None]:
    """Return of each entry whether it is about the address; None of a kind that is not known."""
    found: list[bool | None] = []
    for entry in entries if isinstance(entries, list) else []:
        kind = str(entry.get("type")).lower()
        if kind == "address":
            values = [str(one).lower() for one in entry.get("values") or []]
            found.append(_ANY in values or address.lower() in values)
        elif kind == "accesslist":
            contract = entry.get("accessList")
            found.append(bool(contract) and is_listed(str(contract)))
        else:
            found.append(None)
    return found
