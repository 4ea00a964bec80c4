"""A node's rules for published assets: state, credentials, trust; those of ocean-node 3.2.0.

What a list on the chain decides is told by a function; None where nobody was asked. Free starts
read state and credentials only; paid ones, and what they cost, also trust.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.documents.view import (
    ACCESS_LIST,
    ADDRESS,
    EVERY,
    AlgorithmView,
    AssetView,
    CredentialRule,
    Credentials,
    ServiceView,
    TrustedAlgorithm,
)

ORDERABLE_STATES = (0, 1)
"""In other states of the NFT a node takes neither orders nor jobs (by its source)."""

Known = bool | None
"""Yes, no, or not known."""
IsMember = Callable[[str], Known]
"""Tells whether the consumer is on the access list at an address."""


def is_orderable(asset: AssetView) -> bool:
    """Tell whether the state of an asset lets it be ordered; without an indexer's word it does."""
    return asset.state is None or asset.state in ORDERABLE_STATES


def nobody_asked(_: str) -> Known:
    """Say of any access list that its members are not known."""
    return None


def admits(
    credentials: Credentials, address: str, is_member: IsMember = nobody_asked
) -> tuple[Known, Known]:
    """Tell whether credentials deny an address, and whether they allow it.

    The deny list counts first; by default one match there denies, and all of the allow list must
    match. A rule of a type that the node does not know fits nobody; in an allow list that must
    match in full it shuts everybody out.

    Args:
        credentials: of an asset or of a service.
        address: the consumer's.
        is_member: tells who is on an access list.
    """

    def fits(rules: Sequence[CredentialRule], match: str) -> Known:
        found = [_fits(rule, address.lower(), is_member) for rule in rules if _is_known(rule)]
        if not found:
            return False
        return _any(found) if match == "any" else _all(found)

    is_denied = fits(credentials.deny, credentials.match_deny or "any")
    if not credentials.allow:
        return is_denied, True
    match = credentials.match_allow or "all"
    if match == "all" and not all(map(_is_known, credentials.allow)):
        return is_denied, False
    return is_denied, fits(credentials.allow, match)


def _is_known(rule: CredentialRule) -> bool:
    return rule.type in (ADDRESS, ACCESS_LIST)


def _fits(rule: CredentialRule, address: str, is_member: IsMember) -> Known:
    if rule.type == ACCESS_LIST:
        return is_member(rule.access_list) if rule.access_list else False
    return EVERY in rule.values or address in rule.values


def _any(found: Iterable[Known]) -> Known:
    values = list(found)
    return True if True in values else (None if None in values else False)


def _all(found: Iterable[Known]) -> Known:
    values = list(found)
    return False if False in values else (None if None in values else True)


@dataclass(frozen=True)
class Candidate:
    """A published algorithm, as the lists of a data set see it.

    Attributes:
        did: the algorithm.
        service_id: of its service that is used; '' if that is not said.
        nft_address: of its NFT.
        files: the checksums of its files' contents, one after the other; None if not known.
        container: of its container; None if not known.
    """

    did: str
    service_id: str
    nft_address: str
    files: str | None
    container: str | None


def container_checksum(algorithm: AlgorithmView) -> str:
    """Return the checksum of a container: of its entry point and its image's digest."""
    text = algorithm.container.get("entrypoint", "") + algorithm.container.get("checksum", "")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def candidate_of(asset: AssetView, service: ServiceView, checksums: Sequence[str]) -> Candidate:
    """Return a published algorithm as trust lists see it.

    Args:
        asset: the algorithm.
        service: its service that is used.
        checksums: of its files' contents, in their order; none if they are not known.
    """
    algorithm = asset.algorithm
    return Candidate(
        asset.did,
        service.id,
        asset.nft_address,
        "".join(checksums) or None,
        None if algorithm is None else container_checksum(algorithm),
    )


def is_trusted(service: ServiceView, algorithm: Candidate) -> Known:
    """Tell whether a data set's service lets a published algorithm run.

    An access service is open to every algorithm. A compute service with empty lists is closed; one
    entry that fits, or the NFT among the trusted publishers, is enough.
    """
    if service.type == ServiceTypes.ASSET_ACCESS:
        return True
    rules = service.compute
    if service.type != ServiceTypes.CLOUD_COMPUTE or rules is None:
        return False
    if is_publisher_trusted(rules.trusted_publishers, algorithm.nft_address):
        return True
    return _any(entry_fits(entry, algorithm) for entry in rules.trusted_algorithms)


def is_publisher_trusted(publishers: Sequence[str], nft_address: str) -> bool:
    """Tell whether the list of publishers has an algorithm's NFT, or everybody."""
    return EVERY in publishers or nft_address.lower() in publishers


def entry_fits(entry: TrustedAlgorithm, algorithm: Candidate) -> Known:
    """Tell whether one entry of a trust list is for an algorithm, as it is now."""
    wanted = [
        (entry.did, algorithm.did),
        (entry.files_checksum, algorithm.files),
        (entry.container_checksum, algorithm.container),
    ]
    if entry.service_id is not None:
        wanted.append((entry.service_id, algorithm.service_id or None))
    return _all(
        True if value == EVERY else (None if now is None else value == now) for value, now in wanted
    )


def allows_raw(service: ServiceView) -> bool:
    """Tell whether a data set's service lets unpublished code run.

    A service without any entry in its trust lists refuses it even where it is allowed.
    """
    if service.type == ServiceTypes.ASSET_ACCESS:
        return True
    rules = service.compute
    if service.type != ServiceTypes.CLOUD_COMPUTE or rules is None:
        return False
    return rules.allow_raw and bool(rules.trusted_algorithms or rules.trusted_publishers)
