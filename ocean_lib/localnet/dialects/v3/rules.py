"""May this algorithm compute on this dataset, and was it paid for? Trust lists and orders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.v3.assets import ProviderAsset, ProviderService, compact_json
from ocean_lib.localnet.dialects.v3.contract_reads import orders_in


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


_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


class BadOrder(Exception):
    """An order that does not pay for the service; the text says why."""


def order_service_index(chain: ChainClient, transaction: str, asset: ProviderAsset) -> int:
    """Return which of the asset's services an order transaction was for.

    Raises:
        BadOrder: If the transaction orders nothing of this asset.
    """
    for order in orders_in(_receipt(chain, transaction)):
        if order.datatoken == asset.datatoken:
            return order.service_index
    raise BadOrder("the transaction has no order of this asset")


def check_order(
    chain: ChainClient,
    transaction: object,
    asset: ProviderAsset,
    service: ProviderService,
    consumer: str,
) -> None:
    """Check that a transaction ordered this service of this asset for this consumer.

    The addresses are compared as strings, so the consumer's must be in checksum spelling. The
    consumer or the payer may use the order, any number of times; the protocol has no expiry.

    Args:
        chain: Where the transaction is.
        transaction: The hash, as it came in the request.
        asset: The asset whose datatoken must have emitted the order.
        service: The service that must have been ordered, with its cost.
        consumer: Who wants to use the order.

    Raises:
        BadOrder: If it does not.
    """
    if not isinstance(transaction, str):
        raise BadOrder("the transaction hash is not a text")
    reason = "the transaction has no order of this asset"
    for order in orders_in(_receipt(chain, transaction)):
        if order.datatoken != asset.datatoken:
            continue
        if order.service_index != service.index:
            reason = f"the order is for service {order.service_index}, not {service.index}"
        elif consumer not in (order.consumer, order.payer):
            reason = f"the order is of {order.consumer}, not of {consumer}"
        elif order.amount < service.cost_wei:
            reason = f"the order paid {order.amount} of {service.cost_wei}"
        else:
            return
    raise BadOrder(reason)


def _receipt(chain: ChainClient, transaction: str) -> dict[str, list[dict[str, object]]]:
    if not _HASH.fullmatch(transaction):
        raise BadOrder(f"{transaction!r} is not a transaction hash")
    try:
        receipt = chain.call("eth_getTransactionReceipt", transaction)
    except RpcError as error:
        raise BadOrder(f"the chain does not know the transaction: {error}") from error
    if receipt is None:
        raise BadOrder("the transaction is not on the chain")
    if int(receipt["status"], 16) != 1:
        raise BadOrder("the transaction failed")
    return dict(receipt)
