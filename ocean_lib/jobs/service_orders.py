"""Orders of services: what each costs, and what `submit` needs of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ocean_lib.base.tables import html_table
from ocean_lib.exceptions import InvalidInput
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.prices import TokenSource
from ocean_lib.models.amounts import in_tokens
from ocean_lib.models.compute_input import ComputeInput


def summed(*amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Add amounts token by token; what costs no token is left out."""
    found: dict[str, Decimal] = {}
    for token, amount in (pair for each in amounts for pair in each.items()):
        if token:
            found[token] = found.get(token, Decimal(0)) + amount
    return found


def amounts_in_texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    """Return amounts as texts, for JSON."""
    return {token: in_tokens(amount) for token, amount in amounts.items()}


@dataclass(frozen=True)
class ServiceOrder:
    """One service of an asset: ordered, or still to be paid for.

    Attributes:
        did: the asset.
        service_index: the service's index in the asset's document.
        service_type: `compute` or `access`.
        is_algorithm: whether the asset is an algorithm.
        data_token: the address of the token to pay in.
        amount: what the service costs, in whole tokens.
        consumer: who may use the order.
        order_tx: the transaction that paid; '' while nothing is paid.
        publisher: who has the asset's tokens to give away or to sell.
        service_id: the service's id; '' in V3, whose services have none.
        fees: what the order costs besides the datatoken, in whole tokens by the token's address.
        source: where the datatoken comes from that the wallet lacks; None if it has it, or if
            there is no such place.
        reuses: an order that is valid, and whose fees are to be paid again; '' if there is none.
    """

    did: str
    service_index: int
    service_type: str
    is_algorithm: bool
    data_token: str
    amount: Decimal
    consumer: str
    order_tx: str = ""
    publisher: str = ""
    service_id: str = ""
    fees: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    source: TokenSource | None = None
    reuses: str = ""

    @property
    def is_paid(self) -> bool:
        """Whether the order exists."""
        return bool(self.order_tx)

    @property
    def costs(self) -> dict[str, Decimal]:
        """What is to be paid for it, in whole tokens, by the token's address; {} if nothing is."""
        if self.is_paid:
            return {}
        if self.reuses:
            return summed(self.fees)
        source = self.source
        token = {self.data_token: self.amount} if source is None else {source.token: source.price}
        return summed(self.fees, token)

    @property
    def input(self) -> ComputeInput:
        """The order as `submit` takes it.

        Raises:
            InvalidInput: it is not paid yet.
        """
        if not self.order_tx:
            raise InvalidInput(f"Service {self.service_index} of {self.did} is not paid yet.")
        return ComputeInput(self.did, self.order_tx, self.service_id or self.service_index)

    @property
    def words(self) -> str:
        """The order in one line."""
        what = "algorithm" if self.is_algorithm else "data set"
        fees = [f"{in_tokens(amount)} of {token} in fees" for token, amount in self.fees.items()]
        source = [self.source.words] if self.source is not None else []
        return (
            f"{what} {self.did}, service {self.service_index} ({self.service_type}): "
            f"{', '.join([f'{in_tokens(self.amount)} of {self.data_token}', *fees, self.state])}"
            f"{'; '.join(['', *source])}"
        )

    @property
    def state(self) -> str:
        """Whether it is ordered, in words."""
        if self.is_paid:
            return f"ordered in {self.order_tx}"
        return f"to renew the order {self.reuses}" if self.reuses else "to order"

    def to_dict(self) -> dict[str, Any]:
        """Return the order as a dict for JSON; the amount is text, in whole tokens."""
        return {
            "did": self.did,
            "service_index": self.service_index,
            "service_type": self.service_type,
            "is_algorithm": self.is_algorithm,
            "data_token": self.data_token,
            "amount": in_tokens(self.amount),
            "consumer": self.consumer,
            "order_tx": self.order_tx,
            "service_id": self.service_id,
            "fees": amounts_in_texts(self.fees),
            "source": self.source and {**vars(self.source), "price": in_tokens(self.source.price)},
            "reuses": self.reuses,
        }


class ServiceOrders(list[ServiceOrder]):
    """Orders of services, with what `submit` needs of them, and a table for notebooks."""

    @property
    def inputs(self) -> list[ComputeInput]:
        """The data sets, as the first argument of `submit`.

        Raises:
            InvalidInput: one is not paid yet.
        """
        return [order.input for order in self if not order.is_algorithm]

    @property
    def algorithm(self) -> dict[str, str]:
        """The algorithm, as keyword arguments of `submit`; {} if none was ordered.

        Raises:
            InvalidInput: there are several, or it is not paid yet.
        """
        found = [order for order in self if order.is_algorithm]
        if len(found) > 1:
            raise InvalidInput("A job has one algorithm, and these are orders of several.")
        return {
            name: value
            for order in found
            for name, value in (
                ("algorithm_did", order.did),
                ("algorithm_tx_id", order.input.transfer_tx_id),
                ("algorithm_data_token", order.data_token),
            )
        }

    @property
    def how_to_go_on(self) -> str:
        """Say which orders there are, after an interruption."""
        told = ", ".join(f"{order.did} in {order.order_tx}" for order in self if order.is_paid)
        return f"the same call uses the orders that exist ({told})" if told else "nothing was paid"

    def in_plan(self, plan: JobPlan) -> JobPlan:
        """Return a plan with these orders in the place of what it lacked.

        Raises:
            InvalidInput: one is not paid yet.
        """
        paid = {
            (order.did, name): order.input.transfer_tx_id
            for order in self
            for name in (order.service_index, order.service_id)
        }
        datasets = tuple(
            replace(item, transfer_tx_id=paid[item.did, item.service_id])
            if isinstance(item, ComputeInput) and (item.did, item.service_id) in paid
            else item
            for item in plan.datasets
        )
        algorithm = plan.algorithm
        for order in self:
            if order.is_algorithm:
                algorithm = replace(
                    algorithm,
                    tx_id=order.input.transfer_tx_id,
                    data_token=order.data_token,
                    service_id=order.service_id or None,
                )
        return replace(plan, datasets=datasets, algorithm=algorithm)

    def _repr_html_(self) -> str:
        return html_table(
            (
                (
                    "algorithm" if order.is_algorithm else "data set",
                    order.did,
                    f"{order.service_index} ({order.service_type})",
                    in_tokens(order.amount),
                    order.data_token,
                    order.order_tx or order.state,
                )
                for order in self
            ),
            ("", "asset", "service", "costs", "datatoken", "order"),
        )
