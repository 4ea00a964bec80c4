"""What all contract objects share: calls, transactions, receipts and event logs."""

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from enforce_typing import enforce_types

from ocean_lib.base.gone import no_attribute
from ocean_lib.checks import check_address, printable
from ocean_lib.exceptions import ContractNotFound, InvalidInput, VerifyTxFailed
from ocean_lib.web3_internal.constants import RECEIPT_TIMEOUT_S
from ocean_lib.web3_internal.contract_utils import (
    get_contract_definition,
    load_contract,
)
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.signer import Signer, signer_address
from ocean_lib.web3_internal.transactions import (
    estimated_fee_wei,
    send_transaction,
    wait_for_receipt,
    web3_of,
)
from ocean_lib.web3_internal.wallet import Wallet
from ocean_lib.web3_internal.web3_provider import Web3Provider

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract import Contract

logger = logging.getLogger(__name__)

AnyWallet = Union[Wallet, Signer]

_LONGEST_NAME = 40


@enforce_types
class ContractBase:
    """A contract at an address.

    ocean.py kept one web3 for the whole process. Here a contract has its own. Where it has none,
    writes use the wallet's, and reads that of the program's `Ocean` (see `Web3Provider`).

    Args:
        address: where the contract is; None for an object that only searches logs.
        abi_path: folder of artifacts, with or without bytecode; None: this library's.
        web3: the chain.
        gas_limit: the most gas for one transaction; None: whatever is needed.
        max_fee_wei: the most that the gas of one transaction may cost; None:
            MAX_TRANSACTION_FEE in the environment, or 1 ether.
        timeout_s: how long to wait for a transaction's receipt.

    Raises:
        InvalidAddress: it is no address.
        InvalidInput: `web3` is none.
    """

    CONTRACT_NAME: ClassVar[Optional[str]] = None
    ABI_PATH: ClassVar[Optional[str]] = None

    def __init__(
        self,
        address: Optional[str],
        abi_path: Optional[str] = None,
        web3: Optional[object] = None,
        *,
        gas_limit: Optional[int] = None,
        max_fee_wei: Optional[int] = None,
        timeout_s: float = RECEIPT_TIMEOUT_S,
    ) -> None:
        if not self.CONTRACT_NAME:
            raise InvalidInput("A contract class must set CONTRACT_NAME; use DataToken or another.")
        self.name = self.CONTRACT_NAME
        self._abi_path = abi_path or self.ABI_PATH
        self._address = check_address(address) if address else None
        if web3 is not None and not hasattr(web3, "eth"):
            raise InvalidInput(f"web3 must be a Web3, got {type(web3).__name__}. Give ocean.web3.")
        self._web3: Any = web3
        self._gas_limit = gas_limit
        self._max_fee_wei = max_fee_wei
        self._timeout_s = timeout_s
        self._seen_on: Any = None  # the web3 on which code was found at the address

    def __str__(self) -> str:
        """Return the contract's name and address."""
        return f"{self.name} @ {self._address}"

    @property
    def address(self) -> str:
        """The contract's address, checksum spelling.

        Raises:
            InvalidInput: this object was made without one.
        """
        if self._address is None:
            raise InvalidInput(f"This {self.name} has no address. Make it with one.")
        return self._address

    @property
    def web3(self) -> "Web3":
        """The chain; for an object that was made without one, as `Web3Provider` says.

        Raises:
            ConfigError: it says none.
        """
        return self._web3 if self._web3 is not None else Web3Provider.get_web3()

    @property
    def limits(self) -> dict[str, Any]:
        """What limits its transactions, for another contract object: `gas_limit` and the like."""
        return {
            "gas_limit": self._gas_limit,
            "max_fee_wei": self._max_fee_wei,
            "timeout_s": self._timeout_s,
        }

    @property
    def contract(self) -> "Contract":
        """web3's contract object."""
        return load_contract(self.web3, self.name, self._address, self._abi_path)

    @property
    def events(self) -> Any:
        """The contract's events, as web3 has them."""
        return self.contract.events

    @property
    def contract_concise(self) -> "Concise":
        """The contract's functions that only read, to be called by their names."""
        return Concise(self)

    def __getattr__(self, name: str) -> Any:
        prefix, _, event = name.partition("event_")
        if prefix or not event:
            no_attribute(self, name)
        return Event(self, event)

    @property
    def function_names(self) -> list[str]:
        """The names of the contract's functions."""
        abi = get_contract_definition(self.name, self._abi_path)["abi"]
        return [item["name"] for item in abi if item["type"] == "function"]

    def get_tx_receipt(self, tx_hash: str, timeout: float = 20) -> Any:
        """Wait for a transaction's receipt.

        Args:
            tx_hash: `0x` hex.
            timeout: how long to wait, in seconds.

        Returns:
            The receipt, whatever its status.

        Raises:
            TransactionTimeout: no receipt in time; ocean.py returned None.
        """
        return wait_for_receipt(
            self.web3, tx_hash, operation="find a transaction's receipt", timeout_s=timeout
        )

    def is_tx_successful(self, tx_hash: str) -> bool:
        """Return whether a transaction succeeded.

        Args:
            tx_hash: `0x` hex.

        Raises:
            TransactionTimeout: it is in no block yet, so it is neither.
        """
        return bool(self.get_tx_receipt(tx_hash)["status"] == 1)

    def get_event_signature(self, event_name: str) -> str:
        """Return the hash of an event's signature: topic 0 of its logs.

        Args:
            event_name: such as `Transfer`.

        Raises:
            ValueError: the contract has no such event.
        """
        from eth_utils.crypto import keccak

        event = self._event_abi(event_name)
        if event is None:
            raise InvalidInput(f"Event {_named(event_name)} not found in {self.name} contract.")
        types = ",".join(item["type"] for item in event["inputs"])
        return "0x" + bytes(keccak(text=f"{event_name}({types})")).hex()

    def send_transaction(
        self,
        fn_name: str,
        fn_args: Any,
        from_wallet: AnyWallet,
        transact: Optional[dict[str, Any]] = None,
    ) -> str:
        """Call a function of the contract in a transaction, and wait until it has succeeded.

        Args:
            fn_name: the function.
            fn_args: its arguments.
            from_wallet: signs and pays.
            transact: fields to set rather than to ask: `gas`, `gasPrice`, `nonce`, `value`.

        Returns:
            The transaction's hash as `0x` hex.

        Raises:
            TransactionFailed: refused by the contract or the node, or for its fee, or reverted
                on chain.
            NodeBusy: the node limits the number of requests; the transaction was not sent.
            TransactionTimeout: sent, but no receipt in time; it names the hash.
            ContractNotFound: there is no contract at the address.
            ConfigError: neither contract nor wallet has a `web3`.
            InvalidInput: the arguments do not fit the function.
        """
        web3 = web3_of(from_wallet, self._web3)
        self._check_code(web3)
        tx = {**(transact or {}), "to": self.address}
        tx["data"] = self._encode(web3, fn_name, tuple(fn_args))
        operation = f"call {fn_name} of {self}"
        receipt = send_transaction(
            web3,
            from_wallet,
            tx,
            operation=operation,
            gas_limit=self._gas_limit,
            max_fee_wei=self._max_fee_wei,
            timeout_s=self._timeout_s,
        )
        tx_hash = "0x" + bytes(receipt["transactionHash"]).hex()
        logger.info("%s from %s: %s", operation, signer_address(from_wallet), tx_hash)
        return tx_hash

    def fee_wei(self, fn_name: str, fn_args: tuple[Any, ...], from_address: str) -> int:
        """Return what calling a function in a transaction would cost now; nothing is sent.

        Args:
            fn_name: the function.
            fn_args: its arguments.
            from_address: who would send it.

        Returns:
            The gas that it needs times the price that would be offered, in wei.

        Raises:
            TransactionFailed: the contract would refuse it.
            InvalidInput: the arguments do not fit the function.
        """
        call: Any = {"to": self.address, "from": check_address(from_address)}
        call["data"] = self._encode(self.web3, fn_name, tuple(fn_args))
        return estimated_fee_wei(self.web3, call, operation=f"call {fn_name} of {self}")

    def get_event_logs(
        self,
        event_name: str,
        filter_args: Optional[dict[str, Any]] = None,
        from_block: Any = 0,
        to_block: Any = "latest",
    ) -> list[Any]:
        """Return the contract's logs of an event.

        Args:
            event_name: such as `Transfer`.
            filter_args: wanted values of its indexed arguments.
            from_block: the first block.
            to_block: the last block.

        Raises:
            InvalidInput: the contract has no such event.
            ChainError: the node refuses, for example because the range is too wide.
        """
        self.get_event_signature(event_name)  # refuses what is none
        with chain_errors(f"read {event_name} logs of {self}"):
            event = self.events[event_name]()
            logs = event.get_logs(
                argument_filters=filter_args or {}, from_block=from_block, to_block=to_block
            )
            return list(logs)

    def _logs_in_receipt(self, web3: "Web3", receipt: Any, event_name: str) -> list[Any]:
        """Return this contract's own logs of an event in a receipt, decoded."""
        from web3.exceptions import LogTopicError, MismatchedABI

        topic = bytes.fromhex(self.get_event_signature(event_name)[2:])
        event = load_contract(web3, self.name, self._address, self._abi_path).events[event_name]()
        found = []
        for log in receipt["logs"]:
            ours = str(log["address"]).lower() == self.address.lower()
            if not (ours and log["topics"] and bytes(log["topics"][0]) == topic):
                continue
            try:
                found.append(event.process_log(log))
            except (LogTopicError, MismatchedABI):
                raise VerifyTxFailed(f"A {event_name} log of {self} cannot be read.") from None
        return found

    def _call(self, fn_name: str, *args: Any, web3: Optional["Web3"] = None) -> Any:
        chain = web3 if web3 is not None else self.web3
        with chain_errors(f"read {fn_name} of {self}"):
            contract = load_contract(chain, self.name, self.address, self._abi_path)
            try:
                function = contract.functions[fn_name](*args)
            except Exception as error:  # noqa: BLE001  (web3's many ways to say "does not fit")
                raise _not_fitting(fn_name, self, error) from None
            return function.call()

    def _encode(self, web3: "Web3", fn_name: str, args: tuple[Any, ...]) -> Any:
        contract = load_contract(web3, self.name, self.address, self._abi_path)
        try:
            return contract.encode_abi(fn_name, args=list(args))
        except Exception as error:  # noqa: BLE001  (web3's many ways to say "does not fit")
            raise _not_fitting(fn_name, self, error) from None

    def _check_code(self, web3: "Web3") -> None:
        """Refuse an address without code: a transaction to it would succeed and do nothing."""
        if self._seen_on is web3:
            return
        where: Any = self.address
        with chain_errors(f"look at {self}"):
            code = web3.eth.get_code(where)
        if not code:
            raise ContractNotFound(
                f"There is no contract at {self.address}, where {self.name} should be. Nothing "
                "was sent. Check the address, the network URL and the address file."
            )
        self._seen_on = web3

    def _event_abi(self, event_name: str) -> Optional[dict[str, Any]]:
        abi = get_contract_definition(self.name, self._abi_path)["abi"]
        named = (i for i in abi if i["type"] == "event" and i["name"] == event_name)
        return next(named, None)


class Concise:
    """What web3 5 called a concise contract: `concise.totalSupply()` reads."""

    def __init__(self, contract: ContractBase) -> None:
        self._contract = contract

    def __getattr__(self, name: str) -> Any:
        return partial(self._contract._call, name)


class Event:
    """What ocean.py's `event_MetadataUpdated` and the like were for: reading logs."""

    def __init__(self, contract: ContractBase, name: str) -> None:
        self._contract, self._name = contract, name

    def process_receipt(self, receipt: Any) -> list[Any]:
        """Return the contract's own logs of the event in a receipt, decoded."""
        return self._contract._logs_in_receipt(self._contract.web3, receipt, self._name)

    processReceipt = process_receipt  # noqa: N815 - the name in web3 5


def _not_fitting(fn_name: str, contract: ContractBase, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"The arguments do not fit {_named(fn_name)} of {contract} ({type(error).__name__}): check "
        "their number and types. Amounts are whole numbers (see to_base_18), addresses 0x text."
    )


def _named(name: object) -> str:
    is_name = isinstance(name, str) and name.isidentifier() and len(name) <= _LONGEST_NAME
    return str(name) if is_name else printable(name)
