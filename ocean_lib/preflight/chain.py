"""Which orders a transaction holds, and what an account has, read from the chain at once.

Unlike `DataToken.verify_order_tx` nothing here waits for a transaction, and an order that is not
the expected one is told from no order at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ocean_lib.checks import check_address
from ocean_lib.exceptions import ChainError, ConfigError, TransportError
from ocean_lib.web3_internal.node_calls import chain_errors, find_receipt

if TYPE_CHECKING:
    from web3 import Web3

    from ocean_lib.models.chain_access import ChainAccess

_ORDER_TOPICS = 4  # the event, and three indexed arguments


@dataclass(frozen=True)
class PlacedOrder:
    """One order in a transaction; the amount is in the smallest unit."""

    data_token: str
    consumer: str
    payer: str
    amount_base: int
    service_index: int


@dataclass(frozen=True)
class OrderTransaction:
    """What the chain has of a transaction.

    Attributes:
        is_in_block: whether it is on the chain at all.
        succeeded: whether it was not reverted.
        orders: the orders of all data tokens in it.
    """

    is_in_block: bool
    succeeded: bool = False
    orders: tuple[PlacedOrder, ...] = ()


class ChainUnknown(ChainError):
    """The chain could not be asked; the text says why."""


class ChainReader:
    """Reads the chain; once it did not answer, it is not asked again.

    Args:
        chain: of the configuration.
        fallback: used when the configuration names no chain that can be asked.
    """

    def __init__(self, chain: ChainAccess, fallback: Web3 | None = None) -> None:
        self._chain = chain
        self._fallback = fallback
        self._failure = ""

    def transaction(self, tx_hash: str) -> OrderTransaction:
        """Return what the chain has of a transaction.

        Raises:
            ChainUnknown: the chain could not be asked.
        """
        receipt: Any = self._asked(lambda web3: _receipt(web3, tx_hash))
        if receipt is None:
            return OrderTransaction(is_in_block=False)
        if receipt["status"] != 1:
            return OrderTransaction(is_in_block=True)
        orders: Any = self._asked(lambda web3: _orders_in(web3, receipt))
        return OrderTransaction(is_in_block=True, succeeded=True, orders=tuple(orders))

    def balance_base(self, data_token: str, account: str) -> int:
        """Return an account's data tokens, in the smallest unit.

        Raises:
            ChainUnknown: the chain could not be asked, or there is no such data token.
        """
        from ocean_lib.models.data_token import DataToken

        return int(self._asked(lambda web3: DataToken(data_token, web3=web3).balanceOf(account)))

    def minter(self, data_token: str) -> str:
        """Return who may mint a data token, and is paid for its orders.

        Raises:
            ChainUnknown: the chain could not be asked, or there is no such data token.
        """
        from ocean_lib.models.data_token import DataToken

        return str(self._asked(lambda web3: DataToken(data_token, web3=web3).minter()))

    def newest_order(
        self, data_token: str, consumer: str, service_index: int, least_base: int
    ) -> str:
        """Return the newest order of a service for a consumer, of this amount or more; '' if none.

        Raises:
            ChainUnknown: the chain could not be asked, or does not search so many blocks.
        """
        from ocean_lib.models.data_token import DataToken

        logs: Any = self._asked(
            lambda web3: DataToken(data_token, web3=web3).get_start_order_logs(None, consumer)
        )
        for log in reversed(logs):
            args = log["args"]
            if (
                str(args["consumer"]) == consumer
                and int(args["serviceId"]) == service_index
                and int(args["amount"]) >= least_base
            ):
                return "0x" + bytes(log["transactionHash"]).hex()
        return ""

    @property
    def web3(self) -> Web3:
        """The chain that is asked.

        Raises:
            ConfigError: there is none.
        """
        return self._web3()

    def has_ether(self, account: str) -> bool:
        """Return whether an account has anything to pay gas with.

        Raises:
            ChainUnknown: the chain could not be asked.
        """
        where: Any = account

        def ask(web3: Web3) -> bool:
            with chain_errors("read a balance"):
                return web3.eth.get_balance(where) > 0

        return bool(self._asked(ask))

    def _asked(self, ask: Any) -> Any:
        if self._failure:
            raise ChainUnknown(self._failure)
        failure = ""
        try:
            return ask(self._web3())
        except (ConfigError, TransportError) as error:
            self._failure = failure = str(error)
        except ChainError as error:
            failure = str(error)
        raise ChainUnknown(failure)

    def _web3(self) -> Web3:
        try:
            return self._chain.web3
        except ConfigError:
            if self._fallback is None:
                raise
            return self._fallback


def _receipt(web3: Web3, tx_hash: str) -> Any:
    with chain_errors("read an order"):
        return find_receipt(web3, tx_hash)


def _orders_in(web3: Web3, receipt: Any) -> list[PlacedOrder]:
    from eth_abi.exceptions import DecodingError
    from web3.exceptions import Web3Exception

    from ocean_lib.models.data_token import DataToken
    from ocean_lib.web3_internal.contract_utils import load_contract

    token = DataToken(None, web3=web3)
    topic = bytes.fromhex(token.get_event_signature(DataToken.ORDER_STARTED_EVENT)[2:])
    event = load_contract(web3, token.name, None).events.OrderStarted()
    found = []
    for log in receipt["logs"]:
        if len(log["topics"]) != _ORDER_TOPICS or bytes(log["topics"][0]) != topic:
            continue
        try:
            args = event.process_log(log)["args"]
        except (Web3Exception, DecodingError):
            continue  # of a contract that only looks like a data token
        found.append(
            PlacedOrder(
                data_token=check_address(str(log["address"])),
                consumer=str(args["consumer"]),
                payer=str(args["payer"]),
                amount_base=int(args["amount"]),
                service_index=int(args["serviceId"]),
            )
        )
    return found
