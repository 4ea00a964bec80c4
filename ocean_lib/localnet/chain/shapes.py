"""The JSON objects of Ethereum's JSON-RPC: blocks, transactions, receipts, logs."""

from __future__ import annotations

from typing import Any

from eth.abc import BlockHeaderAPI, SignedTransactionAPI

from ocean_lib.localnet.chain.engine import MinedTransaction, base_fee_of
from ocean_lib.localnet.chain.store import StoredLog
from ocean_lib.localnet.chain.values import contract_address, data, quantity

_ZERO = quantity(0)


def block_json(header: BlockHeaderAPI, transactions: list[Any], size: int) -> dict[str, Any]:
    """Build a block; ``transactions`` are hashes or whole transactions."""
    return {
        "number": quantity(header.block_number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "withdrawalsRoot": data(header.withdrawals_root or b""),
        "miner": data(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "totalDifficulty": _ZERO,
        "extraData": data(header.extra_data),
        "size": quantity(size),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "baseFeePerGas": quantity(base_fee_of(header)),
        "timestamp": quantity(header.timestamp),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def transaction_json(mined: MinedTransaction) -> dict[str, Any]:
    """Build a transaction that is in a block."""
    transaction = mined.transaction
    return {
        "hash": data(transaction.hash),
        "blockHash": data(mined.header.hash),
        "blockNumber": quantity(mined.header.block_number),
        "transactionIndex": _ZERO,
        "type": quantity(transaction.type_id or 0),
        "nonce": quantity(transaction.nonce),
        "from": data(transaction.sender),
        "to": _recipient(transaction),
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(mined.effective_gas_price),
        "input": data(transaction.data),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
        **_fields_of_type(transaction),
    }


def _fields_of_type(transaction: SignedTransactionAPI) -> dict[str, Any]:
    if transaction.type_id is None:
        legacy: Any = transaction  # py-evm's interface leaves v out
        signature = {"v": quantity(legacy.v)}
        # Without EIP-155 the signature names no chain.
        chain_id = transaction.chain_id
        return signature if chain_id is None else {**signature, "chainId": quantity(chain_id)}
    fields: dict[str, Any] = {
        "v": quantity(transaction.y_parity),
        "yParity": quantity(transaction.y_parity),
        "chainId": quantity(transaction.chain_id or 0),
        "accessList": [
            {
                "address": data(address),
                "storageKeys": [data(key.to_bytes(32, "big")) for key in keys],
            }
            for address, keys in transaction.access_list
        ],
    }
    if transaction.type_id >= 2:
        fields["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    return fields


def receipt_json(mined: MinedTransaction, logs: list[StoredLog]) -> dict[str, Any]:
    """Build the receipt of a transaction."""
    transaction, receipt = mined.transaction, mined.receipt
    created = None
    if not transaction.to:
        created = data(contract_address(transaction.sender, transaction.nonce))
    return {
        "transactionHash": data(transaction.hash),
        "transactionIndex": _ZERO,
        "blockHash": data(mined.header.hash),
        "blockNumber": quantity(mined.header.block_number),
        "from": data(transaction.sender),
        "to": _recipient(transaction),
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "gasUsed": quantity(receipt.gas_used),  # one transaction a block
        "effectiveGasPrice": quantity(mined.effective_gas_price),
        "contractAddress": created,
        "logs": [log_json(log) for log in logs],
        "logsBloom": data(receipt.bloom.to_bytes(256, "big")),
        "type": quantity(transaction.type_id or 0),
        "status": quantity(int(mined.succeeded)),
    }


def log_json(log: StoredLog) -> dict[str, Any]:
    """Build a log."""
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(log.block_number),
        "blockHash": data(log.block_hash),
        "transactionHash": data(log.tx_hash),
        "transactionIndex": _ZERO,
        "logIndex": quantity(log.log_index),
        "removed": False,
    }


def _recipient(transaction: SignedTransactionAPI) -> str | None:
    return data(transaction.to) if transaction.to else None
