"""DDO 4 and 5, the documents of V4 and of Ocean Enterprise, read.

Of DDO 4 only 4.1.0 was seen at a node (recorded in tests/vectors/ocean-node). 4.3 to 4.7 and 5.0
are read by their published schemas (`@oceanprotocol/ddo-js`), and are otherwise untested.
DDO 5 has the same parts below `credentialSubject`, with texts as `{"@value": …}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.documents.format import ALGORITHM
from ocean_lib.documents.plain import as_dict, as_list, required
from ocean_lib.documents.view import (
    ACCESS_LIST,
    ADDRESS,
    AlgorithmView,
    AssetView,
    ComputeRules,
    CredentialRule,
    Credentials,
    ServiceView,
    TrustedAlgorithm,
)
from ocean_lib.exceptions import InvalidInput

SUBJECT = "credentialSubject"
INDEXED = "indexedMetadata"
_CONTAINER = ("entrypoint", "image", "tag", "checksum")


def subject_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what describes the asset: the document itself, in DDO 5 the part that it signs.

    Raises:
        InvalidInput: it cannot be read.
    """
    whole = as_dict(document, "DDO")
    return as_dict(whole[SUBJECT], SUBJECT) if SUBJECT in whole else whole


def did_in(document: Mapping[str, Any]) -> str:
    """Return the DID of a document.

    Raises:
        InvalidInput: it has none.
    """
    subject = subject_of(document)
    holder = subject if subject.get("id") else document
    return _text(required(holder, "id", "DDO"), "'id' of a DDO")


def view_of(document: Mapping[str, Any]) -> AssetView:
    """Read a DDO 4 or 5.

    Raises:
        InvalidInput: it cannot be read; the message names the key.
    """
    subject = subject_of(document)
    did = did_in(document)
    name = f"asset {did}"
    metadata = as_dict(required(subject, "metadata", name), f"metadata of {name}")
    kind = _text(metadata.get("type", ""), f"metadata.type of {name}")
    nft = nft_of(document)
    return AssetView(
        did=did,
        version=str(subject.get("version") or document.get("version") or ""),
        type=kind,
        name=_words(metadata.get("name")),
        chain_id=_whole(required(subject, "chainId", name), f"chainId of {name}"),
        nft_address=_text(required(subject, "nftAddress", name), f"nftAddress of {name}"),
        owner=_words(nft.get("owner")),
        state=None if nft.get("state") is None else _whole(nft["state"], f"state of {name}"),
        services=tuple(
            _service(item, index, name)
            for index, item in enumerate(as_list(required(subject, "services", name), "services"))
        ),
        credentials=_credentials(subject.get("credentials"), f"credentials of {name}"),
        algorithm=_algorithm(metadata, name) if kind == ALGORITHM else None,
        document=document,
    )


def nft_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the indexer tells of an asset's NFT: `state`, `owner`, …; {} if nothing."""
    holder = document if INDEXED in document else subject_of(document)
    indexed = holder.get(INDEXED) or {"nft": holder.get("nft")}  # older indexers: beside the rest
    return as_dict(as_dict(indexed, INDEXED).get("nft") or {}, "nft")


def _service(item: Any, index: int, of: str) -> ServiceView:
    name = f"services[{index}] of {of}"
    values = as_dict(item, name)
    return ServiceView(
        id=_text(required(values, "id", name), f"id of {name}"),
        index=index,
        type=_text(required(values, "type", name), f"type of {name}"),
        endpoint=_words(values.get("serviceEndpoint")),
        datatoken=_words(values.get("datatokenAddress")),
        timeout_s=_whole(values.get("timeout") or 0, f"timeout of {name}"),
        files=_words(values.get("files")),
        name=_words(values.get("name")),
        compute=_rules(values.get("compute"), name),
        credentials=_credentials(values.get("credentials"), f"credentials of {name}"),
        parameters=_parameters(values.get("consumerParameters"), name),
    )


def _rules(found: Any, of: str) -> ComputeRules | None:
    if not found:
        return None
    rules = as_dict(found, f"compute of {of}")
    return ComputeRules(
        trusted_algorithms=tuple(
            _trusted(as_dict(entry, f"publisherTrustedAlgorithms of {of}"))
            for entry in _entries(rules.get("publisherTrustedAlgorithms"), of)
        ),
        trusted_publishers=tuple(
            str(entry).lower()
            for entry in _entries(rules.get("publisherTrustedAlgorithmPublishers"), of)
        ),
        allow_raw=bool(rules.get("allowRawAlgorithm")),
        allow_network=bool(rules.get("allowNetworkAccess")),
    )


def _trusted(entry: dict[str, Any]) -> TrustedAlgorithm:
    return TrustedAlgorithm(
        did=_words(entry.get("did")),
        files_checksum=_words(entry.get("filesChecksum")),
        container_checksum=_words(entry.get("containerSectionChecksum")),
        service_id=_words(entry["serviceId"]) if "serviceId" in entry else None,
    )


def _algorithm(metadata: dict[str, Any], of: str) -> AlgorithmView:
    name = f"metadata.algorithm of {of}"
    algorithm = as_dict(required(metadata, "algorithm", f"metadata of {of}"), name)
    container = as_dict(required(algorithm, "container", name), f"{name}.container")
    return AlgorithmView(
        language=_words(algorithm.get("language")),
        version=_words(algorithm.get("version")),
        container={key: _words(container[key]) for key in _CONTAINER if key in container},
        parameters=(
            *_parameters(algorithm.get("consumerParameters"), name),
            *_parameters(container.get("consumerParameters"), name),
        ),
    )


def _credentials(found: Any, name: str) -> Credentials:
    if not found:
        return Credentials()
    if isinstance(found, list) and len(found) == 1:  # DDO 5's schema has a list in one place
        found = found[0]
    values = as_dict(found, name)
    allow, deny = (
        tuple(
            _rule(as_dict(entry, f"{name}.{which}")) for entry in _entries(values.get(which), name)
        )
        for which in ("allow", "deny")
    )
    match_allow, match_deny = (_words(values.get(f"match_{which}")) for which in ("allow", "deny"))
    return Credentials(allow, deny, match_allow, match_deny)


def _rule(entry: dict[str, Any]) -> CredentialRule:
    kind = _words(entry.get("type")).lower()
    if kind == ACCESS_LIST:
        return CredentialRule(kind, access_list=_words(entry.get("accessList")))
    if kind != ADDRESS:
        return CredentialRule(kind)
    # Enterprise's tools write each address as {"address": …}.
    found = [v.get("address") if isinstance(v, dict) else v for v in entry.get("values") or []]
    return CredentialRule(kind, tuple(str(value).lower() for value in found))


def _parameters(found: Any, of: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        as_dict(item, f"consumerParameters of {of}") for item in _entries(found, of) if item
    )


def _entries(found: Any, of: str) -> list[Any]:
    return [] if found is None else as_list(found, f"a list of {of}")


def _words(found: Any) -> str:
    """Return a text, also DDO 5's with a language beside it; '' for nothing."""
    value = found.get("@value") if isinstance(found, dict) else found
    return "" if value is None else str(value)


def _text(found: Any, name: str) -> str:
    if isinstance(found, str):
        return found
    raise InvalidInput(f"{name} must be text, got {printable(found)}.")


def _whole(found: Any, name: str) -> int:
    if isinstance(found, str) and found.isdecimal() and len(found) < 20:
        return int(found)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    raise InvalidInput(f"{name} must be a whole number, got {printable(found)}.")
