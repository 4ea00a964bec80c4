"""The JSON-RPC methods of the chain, each from JSON parameters to a JSON value."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

from eth.abc import BlockHeaderAPI, StateAPI
from eth_utils.crypto import keccak

from ocean_lib.localnet.chain import calls as calls
from ocean_lib.localnet.chain.admission import decode_transaction
from ocean_lib.localnet.chain.engine import TIP, ChainEngine, MinedTransaction, base_fee_of
from ocean_lib.localnet.chain.errors import METHOD_NOT_FOUND, RpcError, invalid_params, server_error
from ocean_lib.localnet.chain.filters import Filters, find_logs, read_criteria
from ocean_lib.localnet.chain.shapes import block_json, log_json, receipt_json, transaction_json
from ocean_lib.localnet.chain.store import LogQuery, StoreClosedError
from ocean_lib.localnet.chain.values import (
    data,
    quantity,
    read_address,
    read_block,
    read_call,
    read_data,
    read_hash,
    read_quantity,
)

_MAX_FEE_HISTORY = 1_024
_ZERO_ADDRESS = "0x" + "00" * 20


class Methods:
    """Every method of the chain; what they share is the engine and the clients' filters."""

    def __init__(self, engine: ChainEngine) -> None:
        self._engine = engine
        self._filters = Filters(engine)
        self._table = {name: (method, *_arity(method)) for name, method in self._named().items()}

    def call(self, name: str, params: Sequence[Any]) -> Any:
        """Run the method of that name.

        Raises:
            RpcError: There is no such method, it cannot take the parameters, or it refuses.
        """
        if name not in self._table:
            raise RpcError(METHOD_NOT_FOUND, _why_unknown(name))
        method, least, most = self._table[name]
        if not least <= len(params) <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            raise invalid_params(f"{name} takes {expected} parameters, got {len(params)}")
        try:
            return method(*params)
        except StoreClosedError as error:
            raise server_error("the chain is closed") from error

    def _named(self) -> Mapping[str, Callable[..., Any]]:
        """Say which of ours answers which method."""
        engine, filters = self._engine, self._filters
        return {
            "web3_clientVersion": _client_version,
            "web3_sha3": lambda value: data(keccak(read_data(value, "data"))),
            "net_version": lambda: str(engine.chain_id),
            "net_listening": lambda: True,
            "net_peerCount": lambda: quantity(0),
            "eth_chainId": lambda: quantity(engine.chain_id),
            "eth_protocolVersion": lambda: "0x44",
            "eth_syncing": lambda: False,
            "eth_mining": lambda: False,
            "eth_hashrate": lambda: quantity(0),
            "eth_coinbase": lambda: _ZERO_ADDRESS,
            "eth_accounts": list,  # the chain holds no keys
            "eth_blockNumber": lambda: quantity(engine.head.block_number),
            "eth_gasPrice": lambda: quantity(engine.next_base_fee(engine.head) + TIP),
            "eth_maxPriorityFeePerGas": lambda: quantity(TIP),
            "eth_feeHistory": self._fee_history,
            "eth_getBalance": self._balance,
            "eth_getTransactionCount": self._transaction_count,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_call": self._call_contract,
            "eth_estimateGas": self._estimate_gas,
            "eth_sendRawTransaction": self._send_raw_transaction,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionByBlockHashAndIndex": self._transaction_in_block,
            "eth_getTransactionByBlockNumberAndIndex": self._transaction_in_block,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getBlockByHash": self._block,
            "eth_getBlockByNumber": self._block,
            "eth_getBlockTransactionCountByHash": self._block_transaction_count,
            "eth_getBlockTransactionCountByNumber": self._block_transaction_count,
            "eth_getUncleCountByBlockHash": self._uncle_count,
            "eth_getUncleCountByBlockNumber": self._uncle_count,
            "eth_getUncleByBlockHashAndIndex": lambda block, index: None,  # noqa: ARG005
            "eth_getUncleByBlockNumberAndIndex": lambda block, index: None,  # noqa: ARG005
            "eth_getLogs": self._logs,
            "eth_newFilter": lambda criteria: filters.add("logs", read_criteria(criteria)),
            "eth_newBlockFilter": lambda: filters.add("blocks"),
            "eth_newPendingTransactionFilter": lambda: filters.add("transactions"),
            "eth_getFilterChanges": filters.changes,
            "eth_getFilterLogs": filters.logs,
            "eth_uninstallFilter": filters.remove,
            "evm_mine": self._mine_empty,
        }

    # State

    def _state(self, block: Any) -> StateAPI:
        return self._engine.state_at(self._header(block))

    def _balance(self, address: Any, block: Any = None) -> str:
        account = read_address(address, "address")
        return quantity(self._state(block).get_balance(account))  # type: ignore[arg-type]

    def _transaction_count(self, address: Any, block: Any = None) -> str:
        account = read_address(address, "address")
        return quantity(self._state(block).get_nonce(account))  # type: ignore[arg-type]

    def _code(self, address: Any, block: Any = None) -> str:
        account = read_address(address, "address")
        return data(self._state(block).get_code(account))  # type: ignore[arg-type]

    def _storage(self, address: Any, slot: Any, block: Any = None) -> str:
        account, number = read_address(address, "address"), read_quantity(slot, "slot")
        value = self._state(block).get_storage(account, number)  # type: ignore[arg-type]
        return data(value.to_bytes(32, "big"))

    def _call_contract(self, transaction: Any, block: Any = None, overrides: Any = None) -> str:
        _refuse_overrides(overrides)
        return data(calls.call(self._engine, read_call(transaction), self._header(block)))

    def _estimate_gas(self, transaction: Any, block: Any = None, overrides: Any = None) -> str:
        _refuse_overrides(overrides)
        request, header = read_call(transaction), self._header(block)
        return quantity(calls.estimate_gas(self._engine, request, header))

    # Transactions

    def _send_raw_transaction(self, raw: Any) -> str:
        transaction = decode_transaction(read_data(raw, "transaction"), self._engine.chain_id)
        self._engine.mine(transaction)
        return data(transaction.hash)

    def _transaction(self, tx_hash: Any) -> dict[str, Any] | None:
        mined = self._engine.find_transaction(read_hash(tx_hash, "transaction hash"))
        return None if mined is None else transaction_json(mined)

    def _transaction_in_block(self, block: Any, index: Any) -> dict[str, Any] | None:
        header = self._engine.find_header(read_block(block))
        if header is None or read_quantity(index, "index") > 0:
            return None
        mined = self._engine.transaction_in(header)
        return None if mined is None else transaction_json(mined)

    def _receipt(self, tx_hash: Any) -> dict[str, Any] | None:
        mined = self._engine.find_transaction(read_hash(tx_hash, "transaction hash"))
        return None if mined is None else self._receipt_of(mined)

    def _receipt_of(self, mined: MinedTransaction) -> dict[str, Any]:
        number = mined.header.block_number
        return receipt_json(mined, self._engine.find_logs(LogQuery(number, number)))

    # Blocks

    def _header(self, block: Any) -> BlockHeaderAPI:
        header = self._engine.find_header(read_block(block))
        if header is None:
            raise server_error(f"header not found: there is no block {block}")
        return header

    def _block(self, block: Any, whole: Any = False) -> dict[str, Any] | None:
        header = self._engine.find_header(read_block(block))
        if header is None:
            return None
        mined = self._engine.transaction_in(header)
        transactions: list[Any] = []
        if mined is not None:
            shown = transaction_json(mined) if whole else data(mined.transaction.hash)
            transactions = [shown]
        return block_json(header, transactions, self._engine.block_size(header))

    def _block_receipts(self, block: Any) -> list[Any] | None:
        header = self._engine.find_header(read_block(block))
        if header is None:
            return None
        mined = self._engine.transaction_in(header)
        return [] if mined is None else [self._receipt_of(mined)]

    def _block_transaction_count(self, block: Any) -> str | None:
        header = self._engine.find_header(read_block(block))
        return None if header is None else quantity(len(self._engine.transactions_of(header)))

    def _uncle_count(self, block: Any) -> str | None:
        return None if self._engine.find_header(read_block(block)) is None else quantity(0)

    def _mine_empty(self, timestamp: Any = None) -> str:
        if timestamp is not None:
            raise invalid_params("evm_mine: the chain keeps the real time; send no timestamp")
        self._engine.mine(None)
        return "0x0"

    def _logs(self, criteria: Any) -> list[Any]:
        return [log_json(log) for log in find_logs(self._engine, read_criteria(criteria))]

    # Fees

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> dict[str, Any]:
        last = self._header(newest)
        wanted = min(read_quantity(count, "blockCount"), _MAX_FEE_HISTORY)
        first = max(last.block_number - wanted + 1, 0)
        headers = [self._header(number) for number in range(first, last.block_number + 1)]
        history: dict[str, Any] = {
            "oldestBlock": quantity(first),
            "baseFeePerGas": [
                *(quantity(base_fee_of(header)) for header in headers),
                quantity(self._engine.next_base_fee(last)),
            ],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        }
        if percentiles:
            _check_percentiles(percentiles)
            history["reward"] = [[self._tip_of(header)] * len(percentiles) for header in headers]
        return history

    def _tip_of(self, header: BlockHeaderAPI) -> str:
        mined = self._engine.transaction_in(header)
        if mined is None:
            return quantity(0)
        return quantity(mined.effective_gas_price - base_fee_of(header))


def _check_percentiles(percentiles: Any) -> None:
    numbers = isinstance(percentiles, list) and all(
        isinstance(value, (int, float)) and 0 <= value <= 100 for value in percentiles
    )
    if not numbers or len(percentiles) > 100 or percentiles != sorted(percentiles):
        raise invalid_params(
            "rewardPercentiles must be up to 100 ascending numbers between 0 and 100,"
            f" got {percentiles!r:.80}"
        )


def _refuse_overrides(overrides: Any) -> None:
    if overrides:
        raise invalid_params("state overrides are not supported by this chain")


def _arity(method: Callable[..., Any]) -> tuple[int, int]:
    if method is list:
        return 0, 0
    parameters = inspect.signature(method).parameters.values()
    required = sum(parameter.default is parameter.empty for parameter in parameters)
    return required, len(parameters)


def _client_version() -> str:
    try:
        own = metadata.version("ocean-compute")
    except metadata.PackageNotFoundError:  # run from a source tree that was never installed
        own = "unknown"
    return f"ocean-compute-localnet/v{own}/py-evm/python{platform.python_version()}"


def _why_unknown(name: str) -> str:
    message = f"the method {name} does not exist/is not available"
    if name.startswith(("personal_", "eth_sign")) or name == "eth_sendTransaction":
        message += ": this chain holds no keys; sign it yourself and send eth_sendRawTransaction"
    return message
