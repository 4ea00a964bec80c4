"""What a job costs, before anything is paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ocean_lib.base.tables import html_table
from ocean_lib.checks import check_address
from ocean_lib.exceptions import CostAboveLimit, InvalidInput
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.prices import ComputePrice
from ocean_lib.jobs.service_orders import ServiceOrders, amounts_in_texts, summed
from ocean_lib.models.amounts import Amount, from_base, in_tokens, to_base
from ocean_lib.web3_internal.signer import Signer

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
        compute: what running the job costs there; None where that is free.
    """

    consumer: str
    orders: ServiceOrders
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    has_gas: bool | None = None
    environment: str = ""
    compute: ComputePrice | None = None
    _pay: Pay | None = field(default=None, repr=False, compare=False)

    @property
    def to_pay(self) -> ServiceOrders:
        """The orders that do not exist yet."""
        return ServiceOrders(order for order in self.orders if not order.is_paid)

    @property
    def cost(self) -> dict[str, Decimal]:
        """What the job costs from now on, in whole tokens, by the token's address.

        At an Ocean Node this includes the price of running it, also where that lies in the escrow
        already. {} if nothing is to be paid.
        """
        price = {} if self.compute is None else {self.compute.token: self.compute.amount}
        return summed(*(order.costs for order in self.to_pay), price)

    @property
    def to_send(self) -> dict[str, Decimal]:
        """What `pay` would take out of the wallet, in whole tokens, by the token's address."""
        compute = self.compute
        price = {compute.token: compute.to_deposit} if compute and compute.to_deposit else {}
        return summed(*(order.costs for order in self.to_pay), price)

    @property
    def is_ready(self) -> bool:
        """Whether the job can start at once: `pay` would send nothing."""
        return not self.to_pay and (self.compute is None or self.compute.is_ready)

    @property
    def missing(self) -> dict[str, Decimal]:
        """What the wallet lacks, in whole tokens, by the token's address; {} if it can pay."""
        return {
            token: amount - self.balances.get(token, _NOTHING)
            for token, amount in self.to_send.items()
            if amount > self.balances.get(token, _NOTHING)
        }

    def in_plan(self, plan: JobPlan, orders: ServiceOrders) -> JobPlan:
        """Return a plan with these orders, for the place that was quoted.

        Raises:
            InvalidInput: an order is not paid yet.
        """
        compute = self.compute
        return replace(
            orders.in_plan(plan),
            environment=self.environment or plan.environment,
            pays=compute is not None,
            token="" if compute is None else compute.token,
        )

    def pay(self, wallet: Signer, *, max_cost: Mapping[str, Amount] | None = None) -> ServiceOrders:
        """Place the orders that are missing, and check each of them on the chain.

        At an Ocean Node also get the datatokens that the wallet lacks, deposit in the escrow what
        is missing there, and let the node lock the job's price. What exists by now is used: after a
        crash, or another `pay`, nothing is paid twice. No order costs more than it does here.

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
                f"The job costs more than max_cost allows: {'; '.join(above)}. Nothing was sent. "
                f"To agree, pass max_cost={{{', '.join(items)}}}.",
                cost=self.cost,
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the quote as a dict for JSON; amounts are texts, in whole tokens."""
        amounts = {
            name: amounts_in_texts(values)
            for name, values in (
                ("cost", self.cost),
                ("to_send", self.to_send),
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
            "compute": self.compute and self.compute.to_dict(),
        }

    def __repr__(self) -> str:
        """Return the quote in words."""
        lines = [f"Quote for {self.consumer}: {self.total}"]
        lines += [f"  {order.words}" for order in self.orders]
        lines += [f"  {self.compute.words}"] if self.compute is not None else []
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
            for token, amount in self.to_send.items()
        )
        paid = html_table(balances, ("token", "to pay", "the wallet has")) if self.to_send else ""
        place = html_table([("computing", self.compute.words)]) if self.compute is not None else ""
        return html_table([("to pay", self.total)]) + self.orders._repr_html_() + place + paid

    @property
    def total(self) -> str:
        """What is to be paid, in words."""
        if not self.cost:
            return "nothing to pay"
        amounts = (f"{in_tokens(amount)} of {token}" for token, amount in self.cost.items())
        said = f"{', '.join(amounts)} to pay"
        if self.to_pay:
            said += f" in {len(self.to_pay)} order(s)"
        if self.compute is not None:
            said += f", of it {in_tokens(self.compute.amount)} at most for computing"
        return said


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
