"""The chain that a node's jobs are paid on: what a wallet has there, and what is sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ocean_lib.backends.node.addresses import AddressBook
from ocean_lib.backends.node.escrow import Allowed, EscrowContract
from ocean_lib.backends.node.orders import Datatoken, ProviderFee
from ocean_lib.backends.node.sources import DatatokenSource, find_source, get_datatoken
from ocean_lib.backends.node.terms import Terms
from ocean_lib.backends.node.tokens import Token
from ocean_lib.exceptions import MalformedResponse
from ocean_lib.jobs.prices import DISPENSER, FIXED_RATE, ComputePrice, EscrowLock, TokenSource
from ocean_lib.jobs.service_orders import ServiceOrder
from ocean_lib.models.amounts import from_base, to_base
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.signer import Signer
from ocean_lib.web3_internal.utils import get_network_id

if TYPE_CHECKING:
    from web3 import Web3


class Ledger:
    """Reads and pays on one chain; amounts are in whole tokens.

    Args:
        web3: the chain.
        config: names the file of contracts, limits gas and fees, and says how long to wait for a
            transaction.
    """

    def __init__(self, web3: Web3, config: Any) -> None:
        self.web3 = web3
        self._address_file = config.address_file
        self._limits = {
            "web3": web3,
            "gas_limit": config.gas_limit,
            "max_fee_wei": config.max_fee_wei,
            "timeout_s": config.transaction_timeout_s,
        }
        self._decimals: dict[str, int] = {}

    # --- what there is

    def check_terms(self, terms: Terms) -> None:
        """Check that a node's price is one of this chain, in the escrow that is known there.

        Raises:
            MalformedResponse: it is another; money sent there might be lost.
        """
        chain_id = get_network_id(self.web3)
        if terms.chain_id != chain_id:
            raise MalformedResponse(
                f"The node is paid on chain {terms.chain_id}, and the configured network is chain "
                f"{chain_id}. Nothing was sent. Set network in the config to the node's chain.",
                operation="ask what the job costs",
            )
        known = AddressBook(self._address_file, self.web3).find("Escrow")
        if known and known != terms.escrow:
            raise MalformedResponse(
                f"The node names the escrow {terms.escrow}, and on chain {chain_id} that is "
                f"{known}. Nothing was sent. Check address.file in the config, or ask the node's "
                "operator.",
                operation="ask what the job costs",
            )

    def has_gas(self, account: str) -> bool:
        """Tell whether an account has anything to pay gas with."""
        where: Any = account
        with chain_errors("read a balance"):
            return self.web3.eth.get_balance(where) > 0

    def now_s(self, price: ComputePrice) -> int:
        """Return the chain's clock, in epoch seconds."""
        return self._escrow(price).now_s()

    def balance(self, token: str, account: str) -> Decimal:
        """Return what an account has of a token."""
        return self._whole(token, self._token(token).balanceOf(account))

    def newest_order(self, datatoken: str, consumer: str, payer: str, index: int) -> str:
        """Return the newest order of a service that a wallet paid for a consumer; '' if none."""
        found = self._datatoken(datatoken).newest_order(consumer, payer, index)
        return "" if found is None else found.tx_hash

    def fees(self, datatoken: str, fee: ProviderFee, *, is_new: bool) -> dict[str, Decimal]:
        """Return what an order costs besides its datatoken, by the token's address."""
        found = self._datatoken(datatoken).fees(fee, is_new=is_new)
        return {token: self._whole(token, base) for token, base in found.items()}

    def source(self, datatoken: str, account: str) -> TokenSource | None:
        """Return where an account gets a datatoken; None if nowhere."""
        found = find_source(self._datatoken(datatoken), account)
        if found is None:
            return None
        kind = DISPENSER if found.is_dispenser else FIXED_RATE
        exchange_id = "" if found.is_dispenser else "0x" + found.exchange_id.hex()
        return TokenSource(kind, found.contract, exchange_id, found.token, found.price)

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
        found = escrow.allowed(account, token, price.payee)
        now = found[0] if found else Allowed(price.payee, 0, 0, 0, 0, 0)
        return replace(
            price,
            in_escrow=self._whole(token, escrow.funds(account, token).available),
            max_amount=self._whole(token, now.max_amount),
            locked=self._whole(token, now.locked),
            max_lock_s=now.max_lock_s,
            max_locks=now.max_locks,
            locks=now.locks,
        )

    def locks(self, price: ComputePrice, account: str) -> list[EscrowLock]:
        """Return what the node has locked of a wallet's deposit, in the token of a price."""
        now_s = self.now_s(price)
        return [
            one.told(self._whole(price.token, one.amount), now_s)
            for one in self._escrow(price).locks(account, price.token, price.payee)
        ]

    # --- paying

    def get_datatoken(self, datatoken: str, source: TokenSource, wallet: Signer) -> None:
        """Get one datatoken, for no more than was said."""
        base = self._base(source.token, source.price) if source.token else 0
        exchange_id = bytes.fromhex(source.exchange_id.removeprefix("0x"))
        place = DatatokenSource(source.contract, exchange_id, source.token, base, source.price)
        get_datatoken(self._datatoken(datatoken), place, wallet)

    def place_order(self, order: ServiceOrder, fee: ProviderFee, wallet: Signer) -> str:
        """Place an order, or pay the fees of a valid one again; returns the transaction."""
        datatoken = self._datatoken(order.data_token)
        if order.reuses:
            return datatoken.reuse_order(order.reuses, fee, wallet)
        return datatoken.start_order(order.consumer, order.service_index, fee, wallet)

    def deposit(self, price: ComputePrice, wallet: Signer) -> None:
        """Deposit what the escrow lacks for a price."""
        amount = self._base(price.token, price.to_deposit)
        self._escrow(price).deposit(price.token, amount, wallet)

    def authorize(self, price: ComputePrice, wallet: Signer) -> None:
        """Let the node lock a price; what it was allowed before stays allowed."""
        most = max(price.max_amount, price.locked + price.amount)
        wanted = Allowed(
            price.payee,
            self._base(price.token, most),
            0,
            max(price.max_lock_s, price.lock_s),
            max(price.max_locks, price.locks + 1),
            0,
        )
        self._escrow(price).authorize(price.token, wanted, wallet)

    def _token(self, address: str) -> Token:
        return Token(address, **self._limits)

    def _datatoken(self, address: str) -> Datatoken:
        return Datatoken(address, **self._limits)

    def _escrow(self, price: ComputePrice) -> EscrowContract:
        return EscrowContract(price.escrow, **self._limits)

    def _whole(self, token: str, amount: int) -> Decimal:
        return from_base(amount, self._decimals_of(token))

    def _base(self, token: str, amount: Decimal) -> int:
        return to_base(amount, self._decimals_of(token))

    def _decimals_of(self, token: str) -> int:
        if token not in self._decimals:
            self._decimals[token] = self._token(token).decimals()
        return self._decimals[token]
