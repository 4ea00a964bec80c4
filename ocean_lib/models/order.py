"""An order as the chain tells it."""

from collections import namedtuple

NOT_ORDERED = "0x" + "0" * 64
"""Stands for the transaction of an order that is still to be placed."""

Order = namedtuple(
    "Order",
    (
        "datatoken",
        "amount",
        "timestamp",
        "transactionId",
        "did",
        "payer",
        "consumer",
        "serviceId",
        "serviceType",
    ),
)
Order.__doc__ = """One `startOrder`: amount in tokens (Decimal), transactionId as `0x` hex."""
