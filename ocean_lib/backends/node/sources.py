"""Where a datatoken comes from that a wallet lacks: a dispenser gives it, an exchange sells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ocean_lib.backends.node.abis import FOLDER
from ocean_lib.backends.node.orders import ORDER_BASE, Datatoken
from ocean_lib.backends.node.tokens import Token, allowing
from ocean_lib.checks import check_address
from ocean_lib.exceptions import CostAboveLimit, TransactionFailed, VerifyTxFailed
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.contract_base import AnyWallet, ContractBase
from ocean_lib.web3_internal.signer import signer_address

_NO_MARKET = (ZERO_ADDRESS, 0)


class Dispenser(ContractBase):
    """Gives datatokens away."""

    CONTRACT_NAME = "Dispenser"
    ABI_PATH = str(FOLDER)


class FixedRateExchange(ContractBase):
    """Sells datatokens at rates that their owners set."""

    CONTRACT_NAME = "FixedRateExchange"
    ABI_PATH = str(FOLDER)

    def price(self, exchange_id: bytes) -> tuple[str, int]:
        """Return the token to pay in, and what one datatoken costs, all fees included."""
        token = self._call("getExchange", exchange_id)[3]
        price = self._call("calcBaseInGivenOutDT", exchange_id, ORDER_BASE, 0)[0]
        return check_address(token), int(price)

    def sells(self, exchange_id: bytes, account: str) -> bool:
        """Tell whether an account can buy one datatoken, if it has the money."""
        found = self._call("getExchange", exchange_id)
        is_active, supply_base = bool(found[6]), int(found[7])
        only = self._call("getAllowedSwapper", exchange_id)
        return is_active and supply_base >= ORDER_BASE and only in (ZERO_ADDRESS, account)


@dataclass(frozen=True)
class DatatokenSource:
    """A place that gives or sells one datatoken to an account.

    Attributes:
        contract: the address of the dispenser or the exchange.
        exchange_id: of an exchange; b'' for a dispenser.
        token: the address of the token to pay in; '' where it is given away.
        price_base: of one datatoken, in that token's smallest unit.
        price: the same in whole tokens.
    """

    contract: str
    exchange_id: bytes = b""
    token: str = ""
    price_base: int = 0
    price: Decimal = Decimal(0)

    @property
    def is_dispenser(self) -> bool:
        """Whether it gives datatokens away."""
        return not self.exchange_id


def find_source(datatoken: Datatoken, account: str) -> DatatokenSource | None:
    """Find where an account can get one datatoken: the first dispenser, else the first exchange.

    Args:
        datatoken: which.
        account: who wants it.

    Returns:
        The place; None if there is none.

    Raises:
        ChainError: the chain could not be asked.
    """
    who = check_address(account)
    return next(_dispensers(datatoken, who), None) or next(_exchanges(datatoken, who), None)


def get_datatoken(datatoken: Datatoken, source: DatatokenSource, wallet: AnyWallet) -> str:
    """Get one datatoken, for no more than the source's price.

    Nothing is sent where the wallet has one already.

    Args:
        datatoken: which.
        source: where, as `find_source` said.
        wallet: gets it, and pays.

    Returns:
        The transaction's hash; '' if nothing was sent.

    Raises:
        InsufficientBalance: the wallet has too little of the token to pay in; nothing was sent.
        CostAboveLimit: the price has risen; nothing was sent.
        TransactionFailed: refused or reverted.
        VerifyTxFailed: it was sent, and the datatoken did not come.
    """
    account = signer_address(wallet)
    if datatoken.balanceOf(account) >= ORDER_BASE:
        return ""
    get = _dispensed if source.is_dispenser else _bought
    tx = get(datatoken, source, wallet)
    if datatoken.balanceOf(account) < ORDER_BASE:
        raise VerifyTxFailed(
            f"Transaction {tx} should have brought 1 of {datatoken} to {account}, and it has not. "
            "Look at the transaction before sending another."
        )
    return tx


def _dispensers(datatoken: Datatoken, account: str) -> Iterator[DatatokenSource]:
    for address in datatoken.dispensers():
        dispenser = Dispenser(address, web3=datatoken.web3)
        try:
            # Who may have how many, the contract itself says best.
            dispenser.fee_wei("dispense", (datatoken.address, ORDER_BASE, account), account)
        except TransactionFailed:
            continue
        yield DatatokenSource(dispenser.address)


def _exchanges(datatoken: Datatoken, account: str) -> Iterator[DatatokenSource]:
    for address, exchange_id in datatoken.exchanges():
        exchange = FixedRateExchange(address, web3=datatoken.web3)
        if exchange.sells(exchange_id, account):
            token, base = exchange.price(exchange_id)
            price = Token(token, web3=datatoken.web3).whole(base)
            yield DatatokenSource(exchange.address, exchange_id, token, base, price)


def _dispensed(datatoken: Datatoken, source: DatatokenSource, wallet: AnyWallet) -> str:
    dispenser = Dispenser(source.contract, web3=datatoken.web3, **datatoken.limits)
    arguments = (datatoken.address, ORDER_BASE, signer_address(wallet))
    return dispenser.send_transaction("dispense", arguments, wallet)


def _bought(datatoken: Datatoken, source: DatatokenSource, wallet: AnyWallet) -> str:
    exchange = FixedRateExchange(source.contract, web3=datatoken.web3, **datatoken.limits)
    token, price_base = exchange.price(source.exchange_id)
    if token != source.token or price_base > source.price_base:
        price = f"{Token(token, web3=datatoken.web3).shown(price_base)} of {token}"
        raise CostAboveLimit(
            f"A datatoken {datatoken.address} costs {price} now, and was {source.price:f} of "
            f"{source.token}. Nothing was sent. Ask for the price again."
        )
    costs = {token: price_base}
    with allowing(wallet, exchange.address, costs, datatoken.web3, **datatoken.limits):
        arguments = (source.exchange_id, ORDER_BASE, price_base, *_NO_MARKET)
        return exchange.send_transaction("buyDT", arguments, wallet)
