"""The EVM chain itself: py-evm over a ChainStore, one block for each transaction.

Importing it imports py-evm, which takes half a second to a second: it is done when a chain is
made. A block holds one transaction, or none where an empty block was asked for; the modules that
answer JSON-RPC rely on that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import rlp
from eth.abc import (
    BlockHeaderAPI,
    ComputationAPI,
    DatabaseAPI,
    ReceiptAPI,
    SignedTransactionAPI,
    StateAPI,
)
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.db.batch import BatchDB
from eth.exceptions import HeaderNotFound, TransactionNotFound
from eth.vm.chain_context import ChainContext
from eth.vm.forks.shanghai.blocks import ShanghaiBlock
from eth.vm.forks.shanghai.transactions import ShanghaiTransactionBuilder
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError

from ocean_lib.localnet.chain.admission import BLOCK_GAS_LIMIT, check_against_state
from ocean_lib.localnet.chain.errors import server_error
from ocean_lib.localnet.chain.limits import TRANSACTION_CPU_S, cpu_limit
from ocean_lib.localnet.chain.store import ChainStore, LogQuery, StoredLog
from ocean_lib.localnet.chain.values import BlockRef, CallRequest
from ocean_lib.localnet.chain.vm import ChainVM

TIP = 10**9
"""The priority fee the chain suggests, in wei per gas. As its blocks are nearly empty, the base
fee falls to a few wei (EIP-1559), and the tip is what a transaction costs."""
_GENESIS_BASE_FEE = 10**9
_TOO_DEEP = "contracts call each other deeper than this chain can follow"
_CHAIN_ID_KEY = b"ocean-localnet:chain-id"


@dataclass(frozen=True)
class MinedTransaction:
    """A transaction, its receipt, and the header of its block."""

    header: BlockHeaderAPI
    transaction: SignedTransactionAPI
    receipt: ReceiptAPI

    @property
    def effective_gas_price(self) -> int:
        """What was paid for one gas, in wei."""
        transaction = self.transaction
        offered = transaction.max_priority_fee_per_gas + base_fee_of(self.header)
        return min(transaction.max_fee_per_gas, offered)

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was meant to, instead of reverting."""
        return self.receipt.state_root == b"\x01"


class ChainEngine:
    """The chain's blocks and state: many readers, one writer at a time.

    Readers see only what is on disk and do not wait for the writer: it prepares a block in memory
    of its own, and hands it to the store in one piece.

    Raises:
        ValueError: The store's chain has another id.
    """

    def __init__(self, store: ChainStore, *, chain_id: int, funded: Mapping[bytes, int]) -> None:
        self.chain_id = chain_id
        self._store = store
        self._database = cast(DatabaseAPI, store)  # py-evm only reads from it
        self._writing = threading.Lock()
        self._context = ChainContext(chain_id)
        self._chain_class = MiningChain.configure(
            __name__="LocalnetChain",
            vm_configuration=((BlockNumber(0), ChainVM),),
            chain_id=chain_id,
        )
        if _CHAIN_ID_KEY not in store:
            self._write_genesis(funded)
        self._check_chain_id()
        self._chain = self._chain_class(AtomicDB(self._database))
        self._chaindb = self._chain.chaindb
        self._head = self._chaindb.get_canonical_head()

    # Reading

    @property
    def head(self) -> BlockHeaderAPI:
        """The header of the newest block."""
        return self._head

    def find_header(self, block: BlockRef) -> BlockHeaderAPI | None:
        """Find a block's header; None if there is no such block."""
        head = self._head
        if block == "latest":
            return head
        if isinstance(block, bytes):
            return self._find_by_hash(Hash32(block))
        number = 0 if block == "earliest" else block
        if number > head.block_number:
            return None
        return self._chaindb.get_canonical_block_header_by_number(BlockNumber(number))

    def _find_by_hash(self, block_hash: Hash32) -> BlockHeaderAPI | None:
        try:
            return self._chaindb.get_block_header_by_hash(block_hash)
        except HeaderNotFound:
            return None
        except (rlp.exceptions.RLPException, ValueError):
            return None  # py-evm keeps state under hashes too: it is one of those

    def transactions_of(self, header: BlockHeaderAPI) -> tuple[SignedTransactionAPI, ...]:
        """Read a block's transactions."""
        builder: Any = ShanghaiBlock.get_transaction_builder()
        return tuple(self._chaindb.get_block_transactions(header, builder))

    def find_transaction(self, tx_hash: bytes) -> MinedTransaction | None:
        """Find a transaction; None if it is not on the chain."""
        try:
            number, _ = self._chaindb.get_transaction_index(Hash32(tx_hash))
        except TransactionNotFound:
            return None
        return self.transaction_in(self._chaindb.get_canonical_block_header_by_number(number))

    def transaction_in(self, header: BlockHeaderAPI) -> MinedTransaction | None:
        """Read the one transaction of a block; None if the block is empty."""
        transactions = self.transactions_of(header)
        if not transactions:
            return None
        builder: Any = ShanghaiBlock.get_receipt_builder()
        (receipt,) = self._chaindb.get_receipts(header, builder)
        return MinedTransaction(header, transactions[0], receipt)

    def find_logs(self, query: LogQuery) -> list[StoredLog]:
        """Find logs, in the order in which they were emitted."""
        return self._store.find_logs(query)

    def block_size(self, header: BlockHeaderAPI) -> int:
        """Compute a block's size on the wire, in bytes."""
        return len(rlp.encode(ShanghaiBlock(header, self.transactions_of(header), [], [])))

    def next_base_fee(self, header: BlockHeaderAPI) -> int:
        """Compute the base fee of the block after ``header`` (EIP-1559)."""
        return base_fee_of(self._chain.create_header_from_parent(header))

    def state_at(self, header: BlockHeaderAPI) -> StateAPI:
        """Open the state after a block; changes to it are never kept."""
        # As geth does, without a base fee: who only asks pays nothing.
        free = header.copy(base_fee_per_gas=0, timestamp=self._time_for(header))
        hashes = ChainVM.get_prev_hashes(header.parent_hash, self._chaindb)
        return ChainVM.build_state(self._chaindb.db, free, self._context, hashes or ())

    # Running without keeping

    def run(self, request: CallRequest, header: BlockHeaderAPI, gas: int) -> ComputationAPI:
        """Run a call on the state after ``header``; nothing of it is kept.

        Raises:
            RpcError: The sender lacks the value, or the gas is less than the call costs to start.
        """
        state = self.state_at(header)
        balance = state.get_balance(Address(request.sender))
        if balance < request.value:
            raise server_error(
                f"insufficient funds for transfer: address 0x{request.sender.hex()}"
                f" have {balance} want {request.value}"
            )
        transaction = self._unsigned(state, request, gas)
        if gas < transaction.intrinsic_gas:
            raise server_error(
                f"intrinsic gas too low: have {gas}, want {transaction.intrinsic_gas}"
            )
        try:
            return state.apply_transaction(cast(SignedTransactionAPI, transaction))
        except RecursionError:
            raise server_error(_TOO_DEEP) from None

    def _unsigned(self, state: StateAPI, request: CallRequest, gas: int) -> SpoofTransaction:
        builder = ShanghaiTransactionBuilder
        sender, to = Address(request.sender), Address(request.to)
        nonce, value, data = state.get_nonce(sender), request.value, request.data
        unsigned: Any
        if request.access_list:
            accesses: Any = request.access_list
            unsigned = builder.new_unsigned_access_list_transaction(
                self.chain_id, nonce, 0, gas, to, value, data, accesses
            )
        else:
            unsigned = builder.create_unsigned_transaction(
                nonce=nonce, gas_price=0, gas=gas, to=to, value=value, data=data
            )
        return SpoofTransaction(unsigned, from_=sender)

    def _time_for(self, header: BlockHeaderAPI) -> int:
        """Choose the time a call sees: on the newest block now, on others the block's own."""
        if header.block_number == self._head.block_number:
            return max(int(time.time()), header.timestamp)
        return header.timestamp

    # Writing

    def mine(self, transaction: SignedTransactionAPI | None) -> BlockHeaderAPI:
        """Put a transaction (or nothing) into a block of its own; return when it is on disk.

        Raises:
            RpcError: The transaction cannot follow the newest block (nonce, funds or fee), or it
                runs for too long.
        """
        with self._writing:
            # From the disk: an interrupt (Ctrl-C) may have cut the last call off after its block.
            self._head = self._chaindb.get_canonical_head()
            next_header = self._next_header()
            if transaction is not None:
                base_fee = base_fee_of(next_header)
                check_against_state(transaction, self.state_at(self._head), base_fee)
            pending = BatchDB(self._database)
            chain = self._chain_class(AtomicDB(pending), next_header)
            with cpu_limit(TRANSACTION_CPU_S):
                header, receipts = _fill_block(chain, transaction)
            changes = pending.diff()
            logs = [] if transaction is None else _logs_of(header, transaction, receipts[0])
            self._store.write_block(changes.pending_items(), changes.deleted_keys(), logs)
            self._head = header
        return header

    def close(self) -> None:
        """Wait for a block that is being written, then close the store."""
        with self._writing:
            self._store.close()

    def _next_header(self) -> BlockHeaderAPI:
        # Several blocks may share a second: running ahead of the clock would be worse.
        return self._chain.create_header_from_parent(
            self._head,
            timestamp=max(int(time.time()), self._head.timestamp),
            gas_limit=BLOCK_GAS_LIMIT,
        )

    def _write_genesis(self, funded: Mapping[bytes, int]) -> None:
        accounts: Any = {
            Address(address): {"balance": wei, "nonce": 0, "code": b"", "storage": {}}
            for address, wei in funded.items()
        }
        genesis: dict[str, Any] = {
            "difficulty": 0,
            "gas_limit": BLOCK_GAS_LIMIT,
            "timestamp": int(time.time()),
            "base_fee_per_gas": _GENESIS_BASE_FEE,
        }
        pending = BatchDB(self._database)
        self._chain_class.from_genesis(AtomicDB(pending), genesis, accounts)
        chain_id = (_CHAIN_ID_KEY, str(self.chain_id).encode())
        self._store.write_block((*pending.diff().pending_items(), chain_id))

    def _check_chain_id(self) -> None:
        stored = int(self._store[_CHAIN_ID_KEY])
        if stored != self.chain_id:
            raise ValueError(
                f"Opening the chain failed: it was made with chain id {stored}, and {self.chain_id}"
                f" was asked for. Pass chain_id={stored}, or choose another path."
            )


def base_fee_of(header: BlockHeaderAPI) -> int:
    """Read a block's base fee, in wei per gas; py-evm knows of chains without one."""
    return header.base_fee_per_gas or 0


def _fill_block(
    chain: MiningChain, transaction: SignedTransactionAPI | None
) -> tuple[BlockHeaderAPI, tuple[ReceiptAPI, ...]]:
    """Run the transaction, and put the block into the chain's (pending) database."""
    transactions = () if transaction is None else (transaction,)
    vm = chain.get_vm(chain.header)
    try:
        header, receipts, _ = vm.apply_all_transactions(transactions, chain.header)
    except ValidationError as error:  # a rule of py-evm's that the admission does not know
        raise server_error(f"transaction refused: {error}") from error
    except RecursionError:
        raise server_error(_TOO_DEEP) from None
    filled = vm.set_block_transactions_and_withdrawals(
        vm.get_block(), header, transactions, receipts
    )
    block = vm.finalize_block(filled).block
    # It is our own block. Validating it would repeat the work, and py-evm's rule that time moves
    # with every block would push a busy chain's clock ahead of the wall's.
    chain.chaindb.persist_block(block)
    return block.header, receipts


def _logs_of(
    header: BlockHeaderAPI, transaction: SignedTransactionAPI, receipt: ReceiptAPI
) -> list[StoredLog]:
    return [
        StoredLog(
            block_number=header.block_number,
            log_index=index,
            block_hash=header.hash,
            tx_hash=transaction.hash,
            address=log.address,
            topics=tuple(topic.to_bytes(32, "big") for topic in log.topics),
            data=log.data,
        )
        for index, log in enumerate(receipt.logs)
    ]
