"""What has to be ordered for a job, and ordering it: each service once, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.placing import check_balances, check_payer, each_placed
from ocean_lib.backends.v3.orders import Orders, pay_for_service
from ocean_lib.backends.v3.rules import is_same_price, price_base, service_meant, service_to_order
from ocean_lib.base.turns import Turns
from ocean_lib.checks import check_address, check_did, check_service_index, is_token_did, printable
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import (
    ChainError,
    InvalidInput,
    MalformedResponse,
    NotOffered,
)
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.quote import Quote
from ocean_lib.jobs.service_orders import ServiceOrder, ServiceOrders
from ocean_lib.models.amounts import Amount, in_tokens
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.order import NOT_ORDERED
from ocean_lib.ocean.util import from_base_18, to_base_18
from ocean_lib.preflight.algorithm import is_algorithm
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.payment import order_findings
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address
from ocean_lib.web3_internal.transactions import wait_for_pending

_COMPUTE_FIRST = (ServiceTypes.CLOUD_COMPUTE, ServiceTypes.ASSET_ACCESS)
_ACCESS_FIRST = (ServiceTypes.ASSET_ACCESS, ServiceTypes.CLOUD_COMPUTE)

_TURNS = Turns()
"""Of each payer: two threads that buy the same pay once."""


@dataclass(frozen=True)
class Wanted:
    """A service that must be ordered, and its order as far as it is known."""

    asset: Asset
    service: Service
    is_algorithm: bool
    order_tx: str = ""


class Purchases:
    """Finds the orders that a wallet has, says what is missing, and pays for it.

    Args:
        config: says how long to wait for a transaction.
        orders: asks Providers and pays.
        asset_of: looks an asset up, as it is now.
        chain: where orders are.
    """

    def __init__(
        self, config: Any, orders: Orders, asset_of: Callable[[str], Asset], chain: ChainAccess
    ) -> None:
        self._config = config
        self._orders = orders
        self._asset_of = asset_of
        self._chain = chain

    def buy(
        self, dids: Any, wallet: Signer, *, again: bool, max_cost: Mapping[str, Amount] | None
    ) -> ServiceOrders:
        """Order assets; see `OceanAssets.buy`."""
        payer = signer_address(check_signer(wallet))
        wanted = [self._wanted(did) for did in _dids(dids)]
        reader = ChainReader(self._chain, getattr(wallet, "web3", None))
        return self._quote(wanted, payer, reader, again=again).pay(wallet, max_cost=max_cost)

    def quote(self, plan: JobPlan, web3: Any) -> Quote:
        """Say what a job costs.

        Args:
            plan: the job; what it lacks an order of is looked for on the chain.
            web3: the wallet's chain, for where the config names none; None if it has none.

        Raises:
            InvalidInput: an order that was given is not one of the service.
            ChainError: the chain cannot be asked which orders there are.
        """
        wanted = [self._of_input(item) for item in plan.inputs]
        if plan.algorithm.did:
            wanted.append(self._of_algorithm(plan.algorithm.did, plan.algorithm.tx_id))
        return self._quote(wanted, plan.consumer, ChainReader(self._chain, web3))

    def inputs_of(self, datasets: Sequence[Any]) -> list[Any]:
        """Return inputs with each DID as an input that is not ordered yet."""
        return [self._input(item) if isinstance(item, str) else item for item in datasets]

    def _input(self, did: str) -> ComputeInput:
        wanted = self._wanted(did)
        return ComputeInput(did, NOT_ORDERED, int(wanted.service.index or 0))

    def _wanted(self, did: str) -> Wanted:
        if not is_token_did(check_did(did)):
            raise NotOffered(
                f"{did} is an asset of a later generation than V3, whose orders are for the place "
                "that runs the job. Nothing was sent. Ask what the job costs with compute.quote, "
                "and pay that: quote.pay(wallet)."
            )
        asset = self._asset_of(did)
        is_code = is_algorithm(asset)
        service = service_meant(asset, None, _ACCESS_FIRST if is_code else _COMPUTE_FIRST)
        return Wanted(asset, service, is_code)

    def _of_input(self, item: ComputeInput) -> Wanted:
        asset = self._asset_of(item.did)
        service = service_to_order(asset, check_service_index(item.service_id), None)
        tx = "" if item.transfer_tx_id == NOT_ORDERED else item.transfer_tx_id
        return Wanted(asset, service, False, tx)

    def _of_algorithm(self, did: str, order_tx: str) -> Wanted:
        asset = self._asset_of(did)
        tx = "" if order_tx == NOT_ORDERED else order_tx
        return Wanted(asset, service_meant(asset, None, _ACCESS_FIRST), True, tx)

    def _quote(
        self, wanted: Iterable[Wanted], consumer: str, reader: ChainReader, *, again: bool = False
    ) -> Quote:
        orders: dict[tuple[str, int], ServiceOrder] = {}
        for each in wanted:
            order = self._order(each, consumer, reader)
            key = order.did, order.service_index
            if key not in orders or not orders[key].is_paid:
                orders[key] = order
        pay = partial(self._pay, reader, again)
        quote = Quote(consumer, ServiceOrders(orders.values()), _pay=pay)
        return _with_balances(quote if again else _looked_up(quote, reader), reader)

    def _order(self, wanted: Wanted, consumer: str, reader: ChainReader) -> ServiceOrder:
        """Return the order of a service; one that was given is checked."""
        asset, service = wanted.asset, wanted.service
        if wanted.order_tx:
            which = None if wanted.is_algorithm else service
            for found in order_findings(reader, wanted.order_tx, asset, which, consumer):
                if found.severity != "warning":
                    kind = InvalidInput if found.severity == "refused" else ChainError
                    raise kind(
                        f"{found.what} Nothing was sent. Give its own order; without one, it is "
                        "looked for on the chain."
                    )
        return ServiceOrder(
            str(asset.did),
            int(service.index or 0),
            str(service.type),
            wanted.is_algorithm,
            check_address(asset.data_token_address, name="dataToken"),
            from_base_18(price_base(service)),
            consumer,
            wanted.order_tx,
            str(asset.publisher or ""),
        )

    def _pay(
        self,
        reader: ChainReader,
        again: bool,
        quote: Quote,
        wallet: Signer,
        max_cost: Mapping[str, Amount] | None,
    ) -> ServiceOrders:
        payer = check_payer(quote, wallet)
        turn = _TURNS.of(payer)
        with turn.held:
            if quote.to_pay:
                # What a program sent before it was killed may be an order.
                wait_for_pending(reader.web3, payer, self._config.transaction_timeout_s)
            now = _with_balances(quote if again else _looked_up(quote, reader), reader)
            now.check_limits(max_cost)
            check_balances(now)
            for order in now.to_pay:
                self._ask_provider(order)
            return each_placed(now.orders, lambda order: self._paid(order, wallet))

    def _ask_provider(self, order: ServiceOrder) -> None:
        """Check that the Provider would take the order, at this price."""
        asked = self._orders.requirements(order.did, order.consumer, order.service_index, None)
        if not is_same_price(asked.amount, to_base_18(order.amount)):
            raise MalformedResponse(
                f"The Provider wants {printable(str(asked.amount))} for service "
                f"{order.service_index} of {order.did}, and the asset says "
                f"{in_tokens(order.amount)}. Nothing was sent. Wait until the Provider has the "
                "asset's last change, or ask the publisher.",
                operation="order a service",
            )

    def _paid(self, order: ServiceOrder, wallet: Signer) -> ServiceOrder:
        tx = self._orders.pay(
            pay_for_service,
            order.amount,
            order.data_token,
            order.did,
            order.service_index,
            None,
            wallet,
        )
        return replace(order, order_tx=tx)


def _dids(given: Any) -> Sequence[str]:
    dids = [given] if isinstance(given, str) else given
    if not isinstance(dids, (list, tuple)) or not dids:
        raise InvalidInput(f"dids must be a DID or a list of at least one, got {printable(given)}.")
    return dids


def _looked_up(quote: Quote, reader: ChainReader) -> Quote:
    """Return a quote with the orders that the chain has."""
    orders = ServiceOrders(
        order
        if order.is_paid
        else replace(
            order,
            order_tx=reader.newest_order(
                order.data_token, order.consumer, order.service_index, to_base_18(order.amount)
            ),
        )
        for order in quote.orders
    )
    return replace(quote, orders=orders)


def _with_balances(quote: Quote, reader: ChainReader) -> Quote:
    balances = {
        token: from_base_18(reader.balance_base(token, quote.consumer)) for token in quote.cost
    }
    has_gas = reader.has_ether(quote.consumer) if balances else None
    return replace(quote, balances=balances, has_gas=has_gas)
