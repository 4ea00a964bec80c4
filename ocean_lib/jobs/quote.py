"""What a job costs before anything is paid, and the orders that pay for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ocean_lib.base.tables import html_table
from ocean_lib.checks import check_address
from ocean_lib.exceptions import CostAboveLimit, InvalidInput
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.models.amounts import Amount, from_base, to_base
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.web3_internal.signer import Signer


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

    @property
    def is_paid(self) -> bool:
        """Whether the order exists."""
        return bool(self.order_tx)

    @property
    def input(self) -> ComputeInput:
        """The order as `submit` takes it.

        Raises:
            InvalidInput: it is not paid yet.
        """
        if not self.order_tx:
            raise InvalidInput(f"Service {self.service_index} of {self.did} is not paid yet.")
        return ComputeInput(self.did, self.order_tx, self.service_index)

    @property
    def words(self) -> str:
        """The order in one line."""
        what = "algorithm" if self.is_algorithm else "data set"
        state = f"ordered in {self.order_tx}" if self.order_tx else "to order"
        return (
            f"{what} {self.did}, service {self.service_index} ({self.service_type}): "
            f"{in_tokens(self.amount)} of {self.data_token}, {state}"
        )

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
        paid = {(order.did, order.service_index): order.input for order in self}
        datasets = tuple(
            paid.get((item.did, int(item.service_id)), item)
            if isinstance(item, ComputeInput)
            else item
            for item in plan.datasets
        )
        algorithm = plan.algorithm
        for order in self:
            if order.is_algorithm:
                tx = order.input.transfer_tx_id
                algorithm = replace(algorithm, tx_id=tx, data_token=order.data_token)
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
                    order.order_tx or "to order",
                )
                for order in self
            ),
            ("", "asset", "service", "costs", "datatoken", "order"),
        )


_NOTHING = Decimal(0)

Pay = Callable[["Quote", Signer, Mapping[str, Amount] | None], ServiceOrders]


@dataclass(frozen=True)
class Quote:
    """What a job, or some assets, will cost a wallet. Nothing is paid yet.

    Attributes:
        consumer: the wallet's address.
        orders: every order that is needed; those with an `order_tx` exist already.
        balances: what the wallet has of each token that is to be paid, in whole tokens.
        has_gas: whether it has anything to pay for gas with; None if nothing is to be sent.
        environment: where the job would run, by its id; '' where the back end has one only.
    """

    consumer: str
    orders: ServiceOrders
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    has_gas: bool | None = None
    environment: str = ""
    _pay: Pay | None = field(default=None, repr=False, compare=False)

    @property
    def to_pay(self) -> ServiceOrders:
        """The orders that do not exist yet."""
        return ServiceOrders(order for order in self.orders if not order.is_paid)

    @property
    def cost(self) -> dict[str, Decimal]:
        """What is to be paid, in whole tokens, by the token's address; {} if nothing is."""
        costs: dict[str, Decimal] = {}
        for order in self.to_pay:
            costs[order.data_token] = costs.get(order.data_token, _NOTHING) + order.amount
        return costs

    @property
    def missing(self) -> dict[str, Decimal]:
        """What the wallet lacks, in whole tokens, by the token's address; {} if it can pay."""
        return {
            token: amount - self.balances.get(token, _NOTHING)
            for token, amount in self.cost.items()
            if amount > self.balances.get(token, _NOTHING)
        }

    def pay(self, wallet: Signer, *, max_cost: Mapping[str, Amount] | None = None) -> ServiceOrders:
        """Place the orders that are missing, and check each of them on the chain.

        What exists by now is used: after a crash, or another `pay`, nothing is paid twice. No order
        costs more than it does here.

        Args:
            wallet: of the quote's consumer; signs and pays.
            max_cost: the most to pay of each token, in whole tokens by the token's address; None
                for what the quote says.

        Returns:
            All the orders.

        Raises:
            CostAboveLimit: it would be more than `max_cost`; nothing was sent.
            InsufficientBalance: the wallet lacks tokens, of which the message says where they come
                from; nothing was sent.
            InvalidInput: it is another wallet; nothing was sent.
            AssetNotConsumable: an asset is disabled, unreachable, or not for this address.
            TransactionTimeout: a transaction of this wallet is not in a block in time.
            ChainError: an order was not placed.
            KeyboardInterrupt: its text says which orders were sent.
        """
        return self.orders if self._pay is None else self._pay(self, wallet, max_cost)

    def check_limits(self, max_cost: Mapping[str, Amount] | None) -> None:
        """Check that no more of any token is to be paid than this; None: anything is allowed.

        Raises:
            InvalidInput: it is not a dict of amounts by address.
            CostAboveLimit: it is more.
        """
        if max_cost is None:
            return
        limits = _limits(max_cost)
        above = [
            f"{in_tokens(amount)} of {token} (allowed: {in_tokens(limits.get(token, _NOTHING))})"
            for token, amount in self.cost.items()
            if amount > limits.get(token, _NOTHING)
        ]
        if above:
            items = (f"{token!r}: {in_tokens(amount)!r}" for token, amount in self.cost.items())
            raise CostAboveLimit(
                f"The orders cost more than max_cost allows: {'; '.join(above)}. Nothing was sent. "
                f"To agree, pass max_cost={{{', '.join(items)}}}.",
                cost=self.cost,
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the quote as a dict for JSON; amounts are texts, in whole tokens."""
        amounts = {
            name: {token: in_tokens(amount) for token, amount in values.items()}
            for name, values in (
                ("cost", self.cost),
                ("balances", self.balances),
                ("missing", self.missing),
            )
        }
        return {
            "consumer": self.consumer,
            "orders": [order.to_dict() for order in self.orders],
            **amounts,
            "has_gas": self.has_gas,
            "environment": self.environment,
        }

    def __repr__(self) -> str:
        """Return the quote in words."""
        lines = [f"Quote for {self.consumer}: {self.total}"]
        lines += [f"  {order.words}" for order in self.orders]
        for token, amount in self.balances.items():
            lacks = self.missing.get(token)
            more = f"; {in_tokens(lacks)} more needed" if lacks else ""
            lines.append(f"  the wallet has {in_tokens(amount)} of {token}{more}")
        if self.has_gas is False:
            lines.append("  the wallet has no coins to pay for gas")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        balances = (
            (token, in_tokens(amount), in_tokens(self.balances.get(token, _NOTHING)))
            for token, amount in self.cost.items()
        )
        paid = html_table(balances, ("datatoken", "to pay", "the wallet has")) if self.cost else ""
        return html_table([("to pay", self.total)]) + self.orders._repr_html_() + paid

    @property
    def total(self) -> str:
        """What is to be paid, in words."""
        if not self.cost:
            return "nothing to pay"
        amounts = (f"{in_tokens(amount)} of {token}" for token, amount in self.cost.items())
        return f"{', '.join(amounts)} to pay in {len(self.to_pay)} order(s)"


def _limits(max_cost: Any) -> dict[str, Decimal]:
    if not isinstance(max_cost, Mapping):
        raise InvalidInput(
            "max_cost must be a dict of amounts in whole tokens by token address, such as "
            f"quote.cost, got {type(max_cost).__name__}."
        )
    return {
        check_address(token, name="max_cost's token"): from_base(to_base(amount, 18), 18)
        for token, amount in max_cost.items()
    }


def in_tokens(amount: Decimal) -> str:
    """Return an amount of whole tokens as text, without an exponent or trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
