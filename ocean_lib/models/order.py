"""An order as the chain tells it."""

from collections import namedtuple

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
