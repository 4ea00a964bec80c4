"""Any asset's document as one view: its keys say which generation of documents it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocean_lib.checks import printable
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.documents import ddo4
from ocean_lib.documents.format import ALGORITHM
from ocean_lib.documents.plain import as_dict, as_list, required
from ocean_lib.documents.view import (
    ADDRESS,
    AlgorithmView,
    AssetView,
    ComputeRules,
    CredentialRule,
    Credentials,
    ServiceView,
    TrustedAlgorithm,
)
from ocean_lib.exceptions import InvalidDocument, InvalidInput

_ENTERPRISE_DID = "did:ope:"


def generation_of_document(document: object) -> int:
    """Return which DDO a document is, by its keys: 1 (V3), 4 or 5.

    Raises:
        InvalidDocument: none of these; the message says what was seen.
    """
    values = as_dict(document, "DDO")
    if ddo4.SUBJECT in values or str(values.get("id")).startswith(_ENTERPRISE_DID):
        return 5
    if "services" in values and "nftAddress" in values:
        return 4
    if "service" in values:
        return 1
    seen = ", ".join(map(str, values)) or "no keys at all"
    raise InvalidDocument(
        "This is not an asset's document of a known generation: DDO 1 has 'service', DDO 4 "
        "'services' and 'nftAddress', DDO 5 'credentialSubject'; it has "
        f"{printable(seen, limit=200)}."
    )


def view_of(document: Mapping[str, Any]) -> AssetView:
    """Read an asset's document, whichever generation it is of.

    Args:
        document: the DDO, as a metadata cache or a node serves it.

    Raises:
        InvalidInput: it cannot be read; the message names the key, or says what was seen.
    """
    values = as_dict(document, "DDO")
    return _view1(values) if generation_of_document(values) == 1 else ddo4.view_of(values)


def _view1(document: dict[str, Any]) -> AssetView:
    did = str(required(document, "id", "DDO"))
    services = [as_dict(item, "service") for item in as_list(document["service"], "service")]
    metadata = next((s for s in services if s.get("type") == ServiceTypes.METADATA), {})
    attributes = as_dict(metadata.get("attributes") or {}, "attributes of the metadata")
    main = as_dict(attributes.get("main") or {}, "main of the metadata")
    token = str(document.get("dataToken") or "")
    return AssetView(
        did=did,
        version="1",
        type=str(main.get("type") or ""),
        name=str(main.get("name") or ""),
        chain_id=None,
        nft_address="",
        owner=str(as_dict(document.get("proof") or {}, "proof").get("creator") or ""),
        state=None,
        services=tuple(
            _service1(service, token, str(attributes.get("encryptedFiles") or ""))
            for service in services
            if service.get("type") != ServiceTypes.METADATA
        ),
        credentials=_credentials1(document.get("credentials")),
        algorithm=_algorithm1(main) if main.get("type") == ALGORITHM else None,
        document=document,
    )


def _service1(service: dict[str, Any], token: str, files: str) -> ServiceView:
    attributes = as_dict(service.get("attributes") or {}, "attributes of a service")
    main = as_dict(attributes.get("main") or {}, "main of a service")
    index, timeout = service.get("index"), main.get("timeout")
    if not isinstance(index, int) or isinstance(index, bool):
        raise InvalidInput(f"'index' of a service must be an int, got {printable(index)}.")
    return ServiceView(
        id=str(index),
        index=index,
        type=str(service.get("type") or ""),
        endpoint=str(service.get("serviceEndpoint") or ""),
        datatoken=token,
        timeout_s=timeout if isinstance(timeout, int) else 0,
        files=files,
        name=str(main.get("name") or ""),
        compute=_rules1(main) if service.get("type") == ServiceTypes.CLOUD_COMPUTE else None,
    )


def _rules1(main: dict[str, Any]) -> ComputeRules:
    rules = as_dict(main.get("privacy") or {}, "privacy of a service")
    entries = rules.get("publisherTrustedAlgorithms") or []
    publishers = rules.get("publisherTrustedAlgorithmPublishers") or []
    return ComputeRules(
        trusted_algorithms=tuple(
            TrustedAlgorithm(
                str(entry.get("did") or ""),
                str(entry.get("filesChecksum") or ""),
                str(entry.get("containerSectionChecksum") or ""),
            )
            for entry in as_list(entries, "publisherTrustedAlgorithms")
            if isinstance(entry, dict)
        ),
        trusted_publishers=tuple(map(str, as_list(publishers, "trusted publishers"))),
        allow_raw=rules.get("allowRawAlgorithm", False) is not False,
        allow_network=rules.get("allowNetworkAccess", False) is True,
        allow_all=bool(rules.get("allowAllPublishedAlgorithms", False)),
    )


def _algorithm1(main: dict[str, Any]) -> AlgorithmView:
    algorithm = as_dict(main.get("algorithm") or {}, "algorithm of the metadata")
    container = as_dict(algorithm.get("container") or {}, "container of the algorithm")
    return AlgorithmView(
        str(algorithm.get("language") or ""),
        str(algorithm.get("version") or ""),
        {k: str(container[k]) for k in ("entrypoint", "image", "tag") if k in container},
    )


def _credentials1(found: Any) -> Credentials:
    values = as_dict(found or {}, "credentials")

    def rules(which: str) -> tuple[CredentialRule, ...]:
        return tuple(
            CredentialRule(
                ADDRESS, tuple(str(value).lower() for value in entry.get("values") or ())
            )
            for entry in as_list(values.get(which) or [], f"credentials.{which}")
            if isinstance(entry, dict) and entry.get("type") == ADDRESS
        )

    return Credentials(rules("allow"), rules("deny"))
