"""Placing the orders of a quote one by one: who pays, with what, and how far it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from ocean_lib.exceptions import InsufficientBalance, InvalidInput, OceanError, add_to_message
from ocean_lib.jobs.quote import Quote
from ocean_lib.jobs.service_orders import ServiceOrder, ServiceOrders
from ocean_lib.models.amounts import in_tokens
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address


def check_payer(quote: Quote, wallet: Signer) -> str:
    """Check that a wallet is the one that a quote is for; returns its address.

    Raises:
        InvalidInput: it is another, or cannot sign.
    """
    payer = signer_address(check_signer(wallet))
    if payer == quote.consumer:
        return payer
    raise InvalidInput(
        f"The quote is for {quote.consumer}, and the wallet is {payer}. Ask for a quote "
        "with the wallet that pays. Nothing was sent."
    )


def check_balances(quote: Quote) -> None:
    """Check that the wallet has what is to be paid.

    Raises:
        InsufficientBalance: it lacks tokens; the message says where they come from.
    """
    for token, lacks in quote.missing.items():
        of_token = [order for order in quote.to_pay if order.data_token == token]
        raise _too_little(quote, of_token[0], lacks) if of_token else _no_funds(quote, token, lacks)


def each_placed(
    orders: Sequence[ServiceOrder], place: Callable[[ServiceOrder], ServiceOrder]
) -> ServiceOrders:
    """Place what is missing, one after the other; a failure says what was paid by then."""
    found = ServiceOrders(orders)
    placed: list[ServiceOrder] = []
    for position, order in enumerate(found):
        if order.is_paid:
            continue
        try:
            found[position] = place(order)
        except KeyboardInterrupt as stop:
            said = str(stop) or f"the order of {order.did} was not sent"
            raise KeyboardInterrupt(_how_far(said, placed, found[position + 1 :])) from None
        except OceanError as error:
            if placed:
                add_to_message(error, _how_far("", placed, found[position + 1 :]))
            raise
        placed.append(found[position])
    return found


def _no_funds(quote: Quote, token: str, lacks: Decimal) -> InsufficientBalance:
    return InsufficientBalance(
        f"{quote.consumer} has {in_tokens(quote.balances[token])} of the token {token} and needs "
        f"{in_tokens(quote.to_send[token])} for this job. Nothing was sent. Get "
        f"{in_tokens(lacks)} more of it."
    )


def _too_little(quote: Quote, order: ServiceOrder, lacks: Decimal) -> InsufficientBalance:
    token, amount = order.data_token, in_tokens(lacks)
    error = InsufficientBalance(
        f"{quote.consumer} has {in_tokens(quote.balances[token])} of datatoken {token} and needs "
        f"{in_tokens(quote.cost[token])} to order {order.did}. Nothing was sent."
    )
    if order.publisher == quote.consumer:
        return error.advised(
            "mint-datatokens", token=token, account=quote.consumer, amount=amount, did=order.did
        )
    publisher = order.publisher or "whoever published it"
    return error.advised(
        "get-datatokens", publisher=publisher, account=quote.consumer, amount=amount, did=order.did
    )


def _how_far(said: str, placed: Sequence[ServiceOrder], left: Sequence[ServiceOrder]) -> str:
    """Say which orders were placed, which were not, and how to go on."""
    told = [said] if said else []
    if placed:
        paid = ", ".join(f"{order.did} (transaction {order.order_tx})" for order in placed)
        told.append(f"ordered before: {paid}")
    missing = ", ".join(order.did for order in left if not order.is_paid)
    if missing:
        told.append(f"not sent: {missing}")
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}. Do the same again: orders that exist are used."
