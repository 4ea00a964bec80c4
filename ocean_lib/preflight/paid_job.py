"""What is in the way of paying for a job at a node: funds, the escrow, orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ocean_lib.exceptions import (
    ChainError,
    ConfigError,
    EnvironmentUnavailable,
    InvalidInput,
    NotOffered,
    OceanError,
    TransportError,
    WorkflowRefused,
)
from ocean_lib.jobs.prices import ComputePrice
from ocean_lib.jobs.quote import Quote
from ocean_lib.models.amounts import in_tokens
from ocean_lib.preflight.findings import Finding, refused, unknown, warning

_PAY = "Let quote(...).pay(wallet) or submit(..., pay=True) do it."


def payment_findings(quoted: Callable[[], Quote]) -> Iterator[Finding]:
    """Say what a job at a node lacks that is paid; nothing of one that is free.

    Args:
        quoted: asks what the job costs.
    """
    try:
        quote = quoted()
    except (EnvironmentUnavailable, NotOffered):
        return  # the back end's own findings tell
    except WorkflowRefused as error:
        yield refused("node-refuses", str(error), "Mend what the node names.")
        return
    except InvalidInput as error:
        yield refused("order-not-valid", str(error), "Give other orders, or none.")
        return
    except (ConfigError, ChainError, TransportError, OceanError) as error:
        what = f"Whether the job can be paid for is not known. {error.what}"
        yield unknown("payment-unknown", what, "Mend that, and check again.")
        return
    if quote.compute is not None:
        yield from _of_escrow(quote.consumer, quote.compute)
        yield from _of_wallet(quote)


def _of_escrow(consumer: str, price: ComputePrice) -> Iterator[Finding]:
    if price.to_deposit:
        what = (
            f"{consumer} has {in_tokens(price.in_escrow)} of {price.token} in the escrow "
            f"{price.escrow}, and the job costs {in_tokens(price.amount)}."
        )
        yield refused("escrow-too-low", what, _PAY)
    if price.lacks:
        limits = ", ".join(
            f"{name} {in_tokens(value) if name == 'amount' else value}"
            for name, value in price.lacks.items()
        )
        what = f"The node {price.payee} may not lock the job's price in the escrow: it needs"
        yield refused("escrow-not-authorised", f"{what} {limits}.", _PAY)


def _of_wallet(quote: Quote) -> Iterator[Finding]:
    for token, lacks in quote.missing.items():
        has = in_tokens(quote.balances[token])
        what = f"{quote.consumer} has {has} of {token} and needs {in_tokens(quote.to_send[token])}."
        yield refused("balance-too-low", what, f"Get {in_tokens(lacks)} more of it.")
    if quote.has_gas is False:
        what = f"{quote.consumer} has no coins: on most networks paying needs some for gas."
        yield warning("no-ether", what, "Send it some first.")
