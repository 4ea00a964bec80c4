"""Was this service paid for? The order transaction, read from the chain."""

from __future__ import annotations

import re

from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.v3.assets import ProviderAsset, ProviderService
from ocean_lib.localnet.dialects.v3.contract_reads import orders_in

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
