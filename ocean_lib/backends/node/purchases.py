"""What a paid job at a node costs a wallet, and paying for it: orders, then the escrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from ocean_lib.backends.node.ledger import Ledger
from ocean_lib.backends.node.orders import ProviderFee
from ocean_lib.backends.node.placement import Placement
from ocean_lib.backends.node.resolving import ViewOf
from ocean_lib.backends.node.terms import OrderTerms, Terms
from ocean_lib.backends.placing import check_balances, check_payer, each_placed
from ocean_lib.base.interrupts import interrupted_saying
from ocean_lib.base.turns import Turns
from ocean_lib.documents.view import AssetView, ServiceView
from ocean_lib.exceptions import (
    ChainError,
    InvalidInput,
    MalformedResponse,
    OceanError,
    add_to_message,
)
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.prices import ComputePrice
from ocean_lib.jobs.quote import Quote
from ocean_lib.jobs.service_orders import ServiceOrder, ServiceOrders
from ocean_lib.models.amounts import Amount
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.web3_internal.signer import Signer, signer_address
from ocean_lib.web3_internal.transactions import wait_for_pending

_ONE = Decimal(1)
"""An order takes one datatoken."""

_TURNS = Turns()
"""Of each payer: two threads that pay for the same pay once."""


@dataclass(frozen=True)
class _Known:
    """One service that a job uses: its document, and the order that is known of it."""

    asset: AssetView
    service: ServiceView
    order_tx: str
    is_given: bool


class Purchases:
    """Quotes jobs at one node, and pays for them.

    Args:
        ledger: the chain that is paid on.
        ask: asks the node what a placed job costs.
        view_of: looks assets up.
        timeout_s: how long to wait for a transaction.
    """

    def __init__(
        self,
        ledger: Ledger,
        ask: Callable[[Placement], Terms],
        view_of: ViewOf,
        timeout_s: float,
    ) -> None:
        self._ledger = ledger
        self._ask = ask
        self._view_of = view_of
        self._timeout_s = timeout_s

    def quote(self, place: Placement) -> Quote:
        """Say what a job costs, and what of that exists by now."""
        return self._now(place)[0]

    def pay(
        self, place: Placement, quote: Quote, wallet: Signer, max_cost: Mapping[str, Amount] | None
    ) -> ServiceOrders:
        """Send what is missing; see `Quote.pay`."""
        payer = check_payer(quote, wallet)
        turn = _TURNS.of(payer)
        with turn.held:
            # What a program sent before it was killed may be what is missing.
            wait_for_pending(self._ledger.web3, payer, self._timeout_s)
            now, fees = self._now(place)
            now.check_limits(quote.cost if max_cost is None else max_cost)
            check_balances(now)
            orders = each_placed(now.orders, lambda order: self._placed(order, fees, wallet))
            if now.compute is not None:
                with interrupted_saying(f"the escrow is not filled yet; {orders.how_to_go_on}"):
                    self._fund(now.compute, wallet, orders)
            return orders

    # --- what it costs

    def _now(self, place: Placement) -> tuple[Quote, Mapping[str, ProviderFee]]:
        """Return the quote as of now, and the fees to place its orders with, by `_key`."""
        known = self._known(place)
        terms = self._ask(replace(place, plan=_with_orders(place.plan, known)))
        _check_terms(terms, place)
        self._ledger.check_terms(terms)
        orders, fees = ServiceOrders(), dict[str, ProviderFee]()
        for one in known:
            term = _term(terms, one)
            orders.append(self._order(one, term, place))
            if term.fee is not None:
                fees[_key(orders[-1])] = term.fee
        consumer = place.plan.consumer
        quote = Quote(
            consumer,
            orders,
            environment=place.environment,
            compute=self._compute(terms, place),
            _pay=partial(self.pay, place),
        )
        balances = {token: self._ledger.balance(token, consumer) for token in quote.cost}
        has_gas = None if quote.is_ready else self._ledger.has_gas(consumer)
        return replace(quote, balances=balances, has_gas=has_gas), fees

    def _known(self, place: Placement) -> list[_Known]:
        """Return each service that the job uses once, with its order as far as it is known."""
        plan = place.plan
        wanted = [(item.did, item.service_id, item.transfer_tx_id) for item in plan.published]
        algorithm = plan.algorithm
        if algorithm.did:
            wanted.append((algorithm.did, algorithm.service_id or 0, algorithm.order_tx))
        found: dict[tuple[str, str], _Known] = {}
        for did, service_id, given in wanted:
            asset = self._view_of(did)
            service = asset.service(service_id)
            is_given = given not in ("", NOT_ORDERED)
            before = found.get((did, service.id))
            if before is None or (is_given and not before.is_given):
                order = given if is_given else self._newest(service, place)
                found[did, service.id] = _Known(asset, service, order, is_given)
        return list(found.values())

    def _newest(self, service: ServiceView, place: Placement) -> str:
        consumer = place.offer.consumer_address if place.offer is not None else ""
        return self._ledger.newest_order(
            service.datatoken, consumer, place.plan.consumer, service.index
        )

    def _order(self, known: _Known, term: OrderTerms, place: Placement) -> ServiceOrder:
        if known.is_given and not term.order_tx:
            raise InvalidInput(
                f"{known.order_tx} is not a valid order of service {known.service.id} of "
                f"{known.asset.did} for this environment, or has expired. Nothing was sent. Give "
                "its own order; without one, it is looked for on the chain."
            )
        is_valid = bool(term.order_tx)
        order = ServiceOrder(
            known.asset.did,
            known.service.index,
            known.service.type,
            known.asset.is_algorithm,
            term.datatoken,
            _ONE,
            term.consumer,
            term.order_tx if term.fee is None else "",
            known.asset.owner,
            service_id=known.service.id,
            reuses=term.order_tx if term.fee is not None else "",
        )
        if order.is_paid or term.fee is None:
            return order
        return replace(
            order,
            fees=self._ledger.fees(term.datatoken, term.fee, is_new=not is_valid),
            source=None if is_valid else self._source(term.datatoken, place.plan.consumer),
        )

    def _source(self, datatoken: str, account: str) -> Any:
        if self._ledger.balance(datatoken, account) >= _ONE:
            return None
        return self._ledger.source(datatoken, account)

    def _compute(self, terms: Terms, place: Placement) -> ComputePrice:
        return self._ledger.price(terms, place.plan.consumer, place.plan.max_duration_s or 0)

    # --- paying

    def _placed(
        self, order: ServiceOrder, fees: Mapping[str, ProviderFee], wallet: Signer
    ) -> ServiceOrder:
        if order.source is not None:
            self._ledger.get_datatoken(order.data_token, order.source, wallet)
        fee = fees.get(_key(order))
        if fee is None:
            raise MalformedResponse(
                f"The node names no provider fee for an order of {order.did}, without which it "
                "cannot be placed. Nothing was sent for it. Ask the node's operator.",
                operation="order a service",
            )
        tx = self._ledger.place_order(order, fee, wallet)
        return replace(order, order_tx=tx, reuses="", source=None, fees={})

    def _fund(self, price: ComputePrice, wallet: Signer, orders: ServiceOrders) -> None:
        """Deposit what the escrow lacks, and let the node lock the price."""
        try:
            if price.to_deposit:
                self._ledger.deposit(price, wallet)
            if price.lacks:
                self._ledger.authorize(price, wallet)
            now = self._ledger.renewed(price, signer_address(wallet))
            if not now.is_ready:
                raise ChainError(
                    f"The escrow {price.escrow} is not as it should be after paying: {now.words}. "
                    "Another program of this wallet may use it: pay again."
                )
        except OceanError as error:
            add_to_message(error, f"Of the orders: {orders.how_to_go_on}.")
            raise


def _key(order: ServiceOrder) -> str:
    return f"{order.did} {order.service_id}"


def _term(terms: Terms, known: _Known) -> OrderTerms:
    """Return the node's terms of a service, in its own datatoken.

    Raises:
        MalformedResponse: the node names none, or another datatoken.
    """
    term = terms.of(known.asset.did, known.service.id)
    own = known.service.datatoken
    if term is not None and term.datatoken.lower() == own.lower():
        return term
    named = "no order" if term is None else f"the datatoken {term.datatoken}"
    raise MalformedResponse(
        f"The node names {named} for service {known.service.id} of {known.asset.did}, whose "
        f"datatoken is {own}. Nothing was sent. Ask the node's operator.",
        operation="ask what the job costs",
    )


def _check_terms(terms: Terms, place: Placement) -> None:
    """Check that the node's terms are those of what was asked."""
    asked = place.payment
    if asked is None or (terms.chain_id, terms.token.lower()) == (
        asked.chain_id,
        asked.token.lower(),
    ):
        return
    raise MalformedResponse(
        f"The node was asked for a price in {asked.token} on chain {asked.chain_id}, and named "
        f"one in {terms.token} on chain {terms.chain_id}. Nothing was sent.",
        operation="ask what the job costs",
    )


def _with_orders(plan: JobPlan, known: list[_Known]) -> JobPlan:
    """Return a plan with the orders that are known, for the node to check."""
    orders = {(one.asset.did, one.service.id): one.order_tx for one in known}
    datasets = tuple(
        replace(item, transfer_tx_id=orders[item.did, str(item.service_id)] or NOT_ORDERED)
        if item in plan.published
        else item
        for item in plan.datasets
    )
    algorithm = plan.algorithm
    if algorithm.did:
        tx = orders[algorithm.did, str(algorithm.service_id)]
        algorithm = replace(algorithm, tx_id=tx)
    return replace(plan, datasets=datasets, algorithm=algorithm)
