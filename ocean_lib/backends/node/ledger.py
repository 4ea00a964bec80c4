"""The chain that a node's jobs are paid on: what a wallet has there, and what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from ocean_lib.backends.node.terms import ProviderFee, Terms
from ocean_lib.backends.node.tokens import Dispenser, Escrow, FixedRates, NodeDatatoken, Token
from ocean_lib.exceptions import VerifyTxFailed
from ocean_lib.jobs.prices import DISPENSER, FIXED_RATE, ComputePrice, EscrowLock, TokenSource
from ocean_lib.jobs.service_orders import ServiceOrder, summed
from ocean_lib.models.amounts import from_base, to_base
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.signer import Signer, signer_address

if TYPE_CHECKING:
    from web3 import Web3

_ONE_BASE = 10**18
"""A datatoken in its smallest unit: what an order takes."""


class Ledger:
    """Reads and pays on one chain; amounts are in whole tokens.

    Args:
        web3: the chain.
        config: limits gas and fees, and says how long to wait for a transaction.
    """

    def __init__(self, web3: Web3, config: Any) -> None:
        self.web3 = web3
        self._limits = {
            "web3": web3,
            "gas_limit": config.gas_limit,
            "max_fee_wei": config.max_fee_wei,
            "timeout_s": config.transaction_timeout_s,
        }
        self._decimals: dict[str, int] = {}

    # --- what there is

    def now_s(self) -> int:
        """Return the chain's clock, in epoch seconds: that of its newest block."""
        with chain_errors("read the newest block"):
            return int(self.web3.eth.get_block("latest")["timestamp"])

    def has_gas(self, account: str) -> bool:
        """Tell whether an account has anything to pay gas with."""
        where: Any = account
        with chain_errors("read a balance"):
            return self.web3.eth.get_balance(where) > 0

    def balance(self, token: str, account: str) -> Decimal:
        """Return what an account has of a token."""
        return self._whole(token, self._token(token).balanceOf(account))

    def newest_order(self, datatoken: str, consumer: str, payer: str, index: int) -> str:
        """Return the newest order of a service that a wallet paid for a consumer; '' if none.

        An order whose fees were paid again is named by the last transaction that did so.
        """
        contract = self._datatoken(datatoken)
        found = contract.orders(consumer, payer, index)
        if not found:
            return ""
        reused = contract.reuses(found[-1])
        return reused[-1] if reused else found[-1]

    def fees(self, datatoken: str, fee: ProviderFee | None, *, is_new: bool) -> dict[str, Decimal]:
        """Return what an order costs besides its datatoken, by the token's address.

        Args:
            datatoken: what it is ordered with.
            fee: the provider's.
            is_new: whether it is a new order, for which the market that published may take a fee.
        """
        provider = {fee.token: self._whole(fee.token, fee.amount_base)} if fee else {}
        if not is_new:
            return _without_nothing(provider)
        _, token, amount = self._datatoken(datatoken).market_fee()
        market = {token: self._whole(token, amount)} if amount and token != ZERO_ADDRESS else {}
        return _without_nothing(summed(provider, market))

    def source(self, datatoken: str, account: str) -> TokenSource | None:
        """Return where a datatoken comes from: given away, else the cheapest; None if nowhere."""
        contract = self._datatoken(datatoken)
        for address in contract.dispensers():
            if Dispenser(address, **self._limits).gives(datatoken, account, _ONE_BASE):
                return TokenSource(DISPENSER, address)
        offers = []
        for address, exchange_id in contract.fixed_rates():
            offer = FixedRates(address, **self._limits).price(exchange_id, _ONE_BASE)
            if offer is not None:
                token, amount = offer
                price = self._whole(token, amount)
                offers.append(TokenSource(FIXED_RATE, address, exchange_id, token, price))
        return min(offers, key=lambda one: one.price, default=None)

    def price(self, terms: Terms, account: str, duration_s: int) -> ComputePrice:
        """Return what running a job costs, and what of that is prepared in the escrow."""
        price = ComputePrice(
            terms.token,
            self._whole(terms.token, terms.amount_base),
            duration_s,
            terms.chain_id,
            terms.escrow,
            terms.payee,
            terms.lock_s,
        )
        return self.renewed(price, account)

    def renewed(self, price: ComputePrice, account: str) -> ComputePrice:
        """Return a price with what is prepared in the escrow now."""
        escrow, token = self._escrow(price), price.token
        whole = partial(self._whole, token)
        most, locked, seconds, counts, locks = escrow.authorization(token, account, price.payee)
        return replace(
            price,
            in_escrow=whole(escrow.available(token, account)),
            max_amount=whole(most),
            locked=whole(locked),
            max_lock_s=seconds,
            max_locks=counts,
            locks=locks,
        )

    def locks(self, price: ComputePrice, account: str) -> list[EscrowLock]:
        """Return what is locked in the escrow for the node's payee, in the token of a price."""
        return [
            EscrowLock(price.token, self._whole(price.token, amount), expiry_s, job)
            for job, amount, expiry_s in self._escrow(price).locks(
                price.token, account, price.payee
            )
        ]

    # --- paying

    def get_datatoken(self, datatoken: str, source: TokenSource, wallet: Signer) -> None:
        """Get one datatoken, for no more than was said."""
        if source.kind == DISPENSER:
            place = Dispenser(source.contract, **self._limits)
            place.dispense(datatoken, _ONE_BASE, signer_address(wallet), wallet)
            return
        price = self._base(source.token, source.price)
        self._allow(source.token, source.contract, price, wallet)
        FixedRates(source.contract, **self._limits).buy(
            source.exchange_id, _ONE_BASE, price, wallet
        )

    def place_order(self, order: ServiceOrder, fee: ProviderFee, wallet: Signer) -> str:
        """Place an order, or pay the fees of a valid one again; returns the transaction.

        Raises:
            VerifyTxFailed: it was sent, but is not the intended order.
        """
        for token, amount in order.fees.items():
            self._allow(token, order.data_token, self._base(token, amount), wallet)
        contract = self._datatoken(order.data_token)
        if order.reuses:
            return contract.reuse_order(order.reuses, fee, wallet)
        tx = contract.start_order(order.consumer, order.service_index, fee, wallet)
        payer = signer_address(wallet)
        if tx not in contract.orders(order.consumer, payer, order.service_index):
            raise VerifyTxFailed(
                f"Transaction {tx} was to order service {order.service_index} of {order.did} for "
                f"{order.consumer}, and is not such an order. Look it up before paying again."
            )
        return tx

    def deposit(self, price: ComputePrice, wallet: Signer) -> None:
        """Deposit what the escrow lacks for a price."""
        amount = self._base(price.token, price.to_deposit)
        self._allow(price.token, price.escrow, amount, wallet)
        self._escrow(price).deposit(price.token, amount, wallet)

    def authorize(self, price: ComputePrice, wallet: Signer) -> None:
        """Let the node lock a price; what it was allowed before stays allowed."""
        most = max(price.max_amount, price.locked + price.amount)
        self._escrow(price).authorize(
            price.token,
            price.payee,
            self._base(price.token, most),
            max(price.max_lock_s, price.lock_s),
            max(price.max_locks, price.locks + 1),
            wallet,
        )

    def _allow(self, token: str, spender: str, amount: int, wallet: Signer) -> None:
        contract = self._token(token)
        if amount and contract.allowance(signer_address(wallet), spender) < amount:
            contract.approve(spender, amount, wallet)

    def _token(self, address: str) -> Token:
        return Token(address, **self._limits)

    def _datatoken(self, address: str) -> NodeDatatoken:
        return NodeDatatoken(address, **self._limits)

    def _escrow(self, price: ComputePrice) -> Escrow:
        return Escrow(price.escrow, **self._limits)

    def _whole(self, token: str, amount: int) -> Decimal:
        return from_base(amount, self._decimals_of(token))

    def _base(self, token: str, amount: Decimal) -> int:
        return to_base(amount, self._decimals_of(token))

    def _decimals_of(self, token: str) -> int:
        if token not in self._decimals:
            self._decimals[token] = self._token(token).decimals()
        return self._decimals[token]


def _without_nothing(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {token: amount for token, amount in amounts.items() if amount}
