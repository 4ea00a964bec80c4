"""What is wrong with an order, or with the balance that is to pay for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.backend import ALL_RULES, Rules
from ocean_lib.backends.v3.rules import ORDERABLE, price_base
from ocean_lib.base.advice import Advice
from ocean_lib.common.ddo.service import Service
from ocean_lib.exceptions import InvalidInput
from ocean_lib.ocean.util import from_base_18
from ocean_lib.preflight.chain import ChainReader, ChainUnknown, PlacedOrder
from ocean_lib.preflight.findings import Finding, refused, unknown, warned, warning


def no_price(error: InvalidInput, asset: Asset) -> Finding:
    """Say that a service cannot be paid for."""
    return refused(
        "price-unreadable",
        f"{asset.did}: {error}",
        "Ask the publisher to set the service's cost.",
        asset.did,
    )


def order_findings(
    reader: ChainReader,
    tx_hash: str,
    asset: Asset,
    service: Service | None,
    consumer: str,
    rules: Rules = ALL_RULES,
) -> Iterator[Finding]:
    """Check the order of a service, as the Provider does; None: of the one that the order names."""
    placed = _orders_of(reader, tx_hash, asset)
    if isinstance(placed, Finding):
        yield placed
        return
    found = _own(placed, asset)
    other = None if found else _other_token(placed, tx_hash, asset)
    if service is None:
        index = (found or placed)[0].service_index
        service = asset.get_service_by_index(index)
        if service is None:
            yield other or _bad_order(
                "order-other-service",
                f"Order {tx_hash} is for service {index}, which {asset.did} does not have",
                asset,
            )
            return
    if other is not None and not _is_taken(reader, placed, asset, rules):
        yield other
        return
    try:
        price = price_base(service)
    except InvalidInput as error:
        yield no_price(error, asset)
        return
    faults = [_fault(order, tx_hash, asset, service, price, consumer) for order in found or placed]
    if all(faults):  # one good order is enough
        yield from (other or fault for fault in faults[-1:] if fault)
    elif other is not None:
        yield warned(other, rules.name)


@dataclass
class Purse:
    """What orders that are still to be placed will cost, by data token.

    Attributes:
        reader: reads the chain.
        account: who is to pay.
    """

    reader: ChainReader
    account: str
    _costs: dict[str, list[tuple[Asset, int]]] = field(default_factory=dict)

    def to_order(self, asset: Asset, service: Service | None) -> Iterator[Finding]:
        """Note an order that is still to be placed; the first service on offer if None is given."""
        service = service or next((s for s in asset.services if s.type in ORDERABLE), None)
        if service is None:
            yield refused(
                "nothing-to-order",
                f"{asset.did} has no service that can be ordered.",
                "Choose another asset, or ask the publisher to offer it.",
                asset.did,
            )
            return
        try:
            price = price_base(service)
        except InvalidInput as error:
            yield no_price(error, asset)
            return
        self._costs.setdefault(asset.data_token_address, []).append((asset, price))

    def findings(self) -> Iterator[Finding]:
        """Say whether the account can pay for everything that was noted."""
        try:
            for token, items in self._costs.items():
                yield from self._too_little(token, items)
            if self._costs and not self.reader.has_ether(self.account):
                yield warning(
                    "no-ether",
                    f"{self.account} has no ether: on most networks an order needs some for gas.",
                    "Send it some before it orders.",
                )
        except ChainUnknown as error:
            yield unknown(
                "balance-unknown",
                f"Whether {self.account} can pay is not known. {error}",
                "Mend the connection to the chain (network in the config), and check again.",
            )

    def _too_little(self, token: str, items: list[tuple[Asset, int]]) -> Iterator[Finding]:
        asset, total = items[0][0], sum(price for _, price in items)
        balance = self.reader.balance_base(token, self.account)
        if balance < total:
            yield refused(
                "balance-too-low",
                f"{self.account} has {from_base_18(balance)} of data token {token} and needs "
                f"{from_base_18(total)} to order {asset.did}.",
                f"Get {from_base_18(total - balance)} of it from the publisher or on a market.",
                asset.did,
            )


def _own(placed: Sequence[PlacedOrder], asset: Asset) -> list[PlacedOrder]:
    return [order for order in placed if order.data_token == asset.data_token_address]


def _is_taken(
    reader: ChainReader, placed: Sequence[PlacedOrder], asset: Asset, rules: Rules
) -> bool:
    """Tell whether the Provider takes an order in another token: it looks at who was paid."""
    if rules.compares_tokens or len(placed) != 1:
        return False
    try:
        return reader.minter(placed[0].data_token) == reader.minter(asset.data_token_address)
    except ChainUnknown:
        return False


def _orders_of(
    reader: ChainReader, tx_hash: str, asset: Asset
) -> tuple[PlacedOrder, ...] | Finding:
    """Return the orders in a transaction, at least one, or why there is none."""
    try:
        transaction = reader.transaction(tx_hash)
    except ChainUnknown as error:
        return unknown(
            "order-unknown",
            f"Whether {tx_hash} pays for {asset.did} is not known. {error}",
            "Mend the connection to the chain (network in the config), and check again.",
            asset.did,
        )
    if not transaction.is_in_block:
        return _bad_order(
            "order-not-found",
            f"Transaction {tx_hash}, which should be the order of {asset.did}, is in no block of "
            "this chain",
            asset,
        )
    if not transaction.succeeded:
        return _bad_order(
            "order-failed", f"The order of {asset.did}, {tx_hash}, was reverted on chain", asset
        )
    if transaction.orders:
        return transaction.orders
    return _bad_order(
        "order-not-found",
        f"Transaction {tx_hash}, which should be the order of {asset.did}, orders nothing",
        asset,
    )


def _other_token(placed: Sequence[PlacedOrder], tx_hash: str, asset: Asset) -> Finding:
    others = ", ".join(dict.fromkeys(order.data_token for order in placed))
    return _bad_order(
        "order-other-datatoken",
        f"Order {tx_hash} is paid in data token {others}; that of {asset.did} is "
        f"{asset.data_token_address}",
        asset,
    )


def _fault(
    order: PlacedOrder, tx_hash: str, asset: Asset, service: Service, price: int, consumer: str
) -> Finding | None:
    whose = f"Order {tx_hash} of {asset.did}"
    if order.service_index != service.index:
        return _bad_order(
            "order-other-service",
            f"{whose} is for service {order.service_index}, not for {service.index}",
            asset,
        )
    if consumer not in (order.consumer, order.payer):
        return _bad_order(
            "order-other-consumer",
            f"{whose} is for {order.consumer}, paid by {order.payer}; the wallet is {consumer}",
            asset,
        )
    if order.amount_base < price:
        return _bad_order(
            "order-too-little",
            f"{whose} paid {from_base_18(order.amount_base)}, the price of service "
            f"{service.index} is {from_base_18(price)}",
            asset,
        )
    return None


def _bad_order(code: str, what: str, asset: Asset) -> Finding:
    return refused(
        code,
        f"{what}.",
        Advice.of("check-order"),
        asset.did,
    )
