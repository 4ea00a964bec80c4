"""Which algorithms a dataset lets run: raw code, trusted algorithms and their checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from ocean_lib.localnet.dialects.v3.assets import ProviderAsset, compact_json


def files_checksum(algorithm: ProviderAsset) -> str:
    """Hash an algorithm's encrypted files and the public part of its file list."""
    text = algorithm.encrypted_files + compact_json(algorithm.metadata["main"]["files"])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def container_checksum(algorithm: ProviderAsset) -> str:
    """Hash the container section of an algorithm's metadata."""
    text = compact_json(algorithm.metadata["main"]["algorithm"]["container"])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def why_not_trusted(
    did: str,
    privacy: dict[str, Any],
    algorithm_did: str | None,
    has_raw: bool,
    find: Callable[[str], ProviderAsset],
) -> str:
    """Say why a dataset's compute service refuses an algorithm; '' if it does not.

    Args:
        did: The dataset.
        privacy: The `privacy` section of its compute service.
        algorithm_did: The published algorithm, or None for raw code.
        has_raw: Whether the request brings raw code.
        find: Returns the asset of a DID; its error for an unknown one passes through.

    Returns:
        The real Provider's text for the refusal, or an empty string.
    """
    if algorithm_did is None and not has_raw:
        return "both algorithmMeta and algorithmDid are missing, at least one of these is required."
    if not algorithm_did:
        if privacy.get("allowRawAlgorithm", False) is False:
            return f"cannot run raw algorithm on this did {did}."
        return ""
    if privacy.get("allowAllPublishedAlgorithms", False):
        return ""
    return _why_not_on_list(
        algorithm_did,
        privacy.get("publisherTrustedAlgorithms") or [],
        privacy.get("publisherTrustedAlgorithmPublishers") or [],
        find,
    )


def _why_not_on_list(
    algorithm_did: str,
    trusted: list[dict[str, Any]],
    publishers: list[str],
    find: Callable[[str], ProviderAsset],
) -> str:
    if not trusted:
        return (
            "Using algorithmDid but allowAllPublishedAlgorithms is False and no "
            "trusted algorithms are set in publisherTrustedAlgorithms."
        )
    if publishers and find(algorithm_did).publisher not in publishers:
        return "this algorithm is not from a trusted publisher"
    if any("did" not in entry for entry in trusted):
        return "Some algos in the publisherTrustedAlgorithms don't have a did."
    entries = [entry for entry in trusted if entry["did"] == algorithm_did]
    if not entries:
        return f"this algorithm did {algorithm_did} is not trusted."
    # The last entry of a DID counts, and one that lacks a checksum is not checked for it.
    entry = entries[-1]
    algorithm = find(algorithm_did)
    for name, actual in (
        ("filesChecksum", files_checksum),
        ("containerSectionChecksum", container_checksum),
    ):
        if entry.get(name) and entry[name] != actual(algorithm):
            return f"{name} for algorithm with did {algorithm_did} does not match"
    return ""
