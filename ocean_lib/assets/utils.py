"""Trusted algorithms: which published algorithms may run on a data set.

The functions here compute lists of trusted algorithms; they change nothing that is published.
To put a list into force, give it to `Asset.update_compute_privacy` and update the asset.
"""

import hashlib
import json
from typing import Any, Optional

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset_resolver import resolve_asset
from ocean_lib.base.arguments import enforce_types
from ocean_lib.checks import check_did, printable
from ocean_lib.documents.plain import required
from ocean_lib.exceptions import InvalidInput


def create_checksum(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, in hex.

    Args:
        text: what to hash.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@enforce_types
def generate_trusted_algo_dict(
    did: Optional[str] = None,
    metadata_cache_uri: Optional[str] = None,
    ddo: Optional[Asset] = None,
) -> dict[str, Any]:
    """Describe an algorithm as it is now, for a list of trusted algorithms.

    The Provider refuses the algorithm once its files or its container no longer have these
    checksums.

    Args:
        did: the algorithm's DID; it is fetched.
        metadata_cache_uri: URL of the metadata cache to fetch it from.
        ddo: the algorithm itself, in place of the two.

    Returns:
        A dict of `did`, `filesChecksum` and `containerSectionChecksum`.

    Raises:
        InvalidInput: neither `ddo`, nor `did` and `metadata_cache_uri`; or the asset is no
            algorithm, which the message says by the key it lacks.
        AssetNotFound: the metadata cache holds no such asset.
        TypeError: an argument is of another type.
    """
    if ddo is None:
        if not (did and metadata_cache_uri):
            raise InvalidInput("Give ddo, or did and metadata_cache_uri.")
        ddo = resolve_asset(did, metadata_cache_uri=metadata_cache_uri)
    name = f"algorithm {ddo.did or '(unnamed)'}"
    main = required(ddo.metadata, "main", f"metadata of {name}")
    algorithm = required(main, "algorithm", f"metadata.main of {name}")
    container = required(algorithm, "container", f"metadata.main.algorithm of {name}")
    files = required(main, "files", f"metadata.main of {name}")
    encrypted_files = ddo.encrypted_files
    if not isinstance(encrypted_files, str):
        raise InvalidInput(
            f"'encryptedFiles' of {name} must be text, got {printable(encrypted_files)}."
        )
    return {
        "did": ddo.did,
        "filesChecksum": create_checksum(encrypted_files + _compact(files)),
        "containerSectionChecksum": create_checksum(_compact(container)),
    }


@enforce_types
def create_publisher_trusted_algorithms(
    dids: list[str], metadata_cache_uri: str
) -> list[dict[str, Any]]:
    """Describe algorithms, for a list of trusted algorithms.

    Args:
        dids: the algorithms' DIDs; each is fetched.
        metadata_cache_uri: URL of the metadata cache to fetch them from.

    Returns:
        One dict per DID, see `generate_trusted_algo_dict`.

    Raises:
        InvalidDid: one of them is no DID; nothing was fetched.
        InvalidInput: one of them is no algorithm.
        AssetNotFound: the metadata cache holds no such asset.
        TypeError: an argument is of another type.
    """
    for i, did in enumerate(dids):
        check_did(did, name=f"dids[{i}]")
    return [
        generate_trusted_algo_dict(did=did, metadata_cache_uri=metadata_cache_uri) for did in dids
    ]


@enforce_types
def add_publisher_trusted_algorithm(
    dataset_did: str, algo_did: str, metadata_cache_uri: str
) -> list[dict[str, Any]]:
    """Return a data set's list of trusted algorithms with one more, as that one is now.

    If it is on the list already, its checksums are renewed.

    Args:
        dataset_did: DID of the data set; it is fetched.
        algo_did: DID of the algorithm; it is fetched.
        metadata_cache_uri: URL of the metadata cache to fetch them from.

    Returns:
        The new list. The published data set is not changed.

    Raises:
        NoComputeService: the data set has no compute service.
        InvalidInput: the data set's rules cannot be read, or the asset to trust is no algorithm.
        AssetNotFound: the metadata cache does not hold one of them.
        TypeError: an argument is of another type.
    """
    dataset = resolve_asset(dataset_did, metadata_cache_uri=metadata_cache_uri)
    kept = _without(dataset.get_trusted_algorithms() or [], algo_did)
    return [*kept, generate_trusted_algo_dict(did=algo_did, metadata_cache_uri=metadata_cache_uri)]


@enforce_types
def remove_publisher_trusted_algorithm(
    dataset_did: str, algo_did: str, metadata_cache_uri: str
) -> list[dict[str, Any]]:
    """Return a data set's list of trusted algorithms without one of them.

    Args:
        dataset_did: DID of the data set; it is fetched.
        algo_did: DID of the algorithm, which need not exist any more.
        metadata_cache_uri: URL of the metadata cache to fetch the data set from.

    Returns:
        The new list. The published data set is not changed.

    Raises:
        NoComputeService: the data set has no compute service.
        InvalidInput: the algorithm is not on the list, or the list cannot be read.
        AssetNotFound: the metadata cache does not hold the data set.
        TypeError: an argument is of another type.
    """
    dataset = resolve_asset(dataset_did, metadata_cache_uri=metadata_cache_uri)
    trusted = dataset.get_trusted_algorithms() or []
    kept = _without(trusted, algo_did)
    if len(kept) == len(trusted):
        listed = ", ".join(str(entry["did"]) for entry in trusted) or "none"
        raise InvalidInput(
            f"Algorithm {printable(algo_did)} is not among the trusted algorithms of "
            f"{dataset.did}, which are: {listed}."
        )
    return kept


def _without(trusted: list[dict[str, Any]], did: str) -> list[dict[str, Any]]:
    return [entry for entry in trusted if str(entry["did"]).lower() != did.lower()]


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
