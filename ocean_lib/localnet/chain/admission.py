"""Which transactions the chain takes; refusals are in geth's words, which clients recognise."""

from __future__ import annotations

import rlp
from eth.abc import SignedTransactionAPI, StateAPI
from eth.exceptions import PyEVMError, UnrecognizedTransactionType
from eth.vm.forks.shanghai.blocks import ShanghaiBlock
from eth_utils.exceptions import ValidationError

from ocean_lib.localnet.chain.errors import server_error

BLOCK_GAS_LIMIT = 30_000_000
_MAX_INITCODE_BYTES = 49_152  # EIP-3860


def decode_transaction(raw: bytes, chain_id: int) -> SignedTransactionAPI:
    """Read a signed transaction, and check all that does not depend on the chain's state.

    Raises:
        RpcError: It is malformed, wrongly signed, or can be valid on no state of this chain.
    """
    if not raw:
        raise server_error("the transaction cannot be decoded: it is empty")
    try:
        transaction = ShanghaiBlock.get_transaction_builder().decode(raw)
        transaction.check_signature_validity()
        _check_fields(transaction, chain_id)
    except UnrecognizedTransactionType as error:
        raise server_error(
            f"transaction type not supported: {error.type_int}; this chain takes types 0, 1 and 2"
        ) from error
    # Bytes from outside reach code that was written for bytes that are right.
    except (
        rlp.exceptions.RLPException,
        PyEVMError,
        ValidationError,
        ValueError,
        TypeError,
    ) as error:
        raise server_error(f"the transaction cannot be decoded: {error}") from error
    return transaction


def _check_fields(transaction: SignedTransactionAPI, chain_id: int) -> None:
    signed_for = transaction.chain_id  # None: without EIP-155, as ocean.py of that time signs
    if signed_for is not None and signed_for != chain_id:
        raise server_error(
            f"invalid chain id for signer: have {signed_for} want {chain_id}"
            " (the wallet is set to another network)"
        )
    if transaction.gas > BLOCK_GAS_LIMIT:
        raise server_error(
            f"exceeds block gas limit: have {transaction.gas}, limit {BLOCK_GAS_LIMIT}"
        )
    if transaction.gas < transaction.intrinsic_gas:
        raise server_error(
            f"intrinsic gas too low: gas {transaction.gas}, minimum needed"
            f" {transaction.intrinsic_gas}"
        )
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise server_error(
            "max priority fee per gas higher than max fee per gas:"
            f" maxPriorityFeePerGas: {transaction.max_priority_fee_per_gas},"
            f" maxFeePerGas: {transaction.max_fee_per_gas}"
        )
    if not transaction.to and len(transaction.data) > _MAX_INITCODE_BYTES:
        raise server_error(
            f"max initcode size exceeded: code size {len(transaction.data)},"
            f" limit {_MAX_INITCODE_BYTES}"
        )


def check_against_state(transaction: SignedTransactionAPI, state: StateAPI, base_fee: int) -> None:
    """Check that a transaction can be the next one.

    Args:
        transaction: What was sent.
        state: The state it would run on.
        base_fee: The base fee of its block, in wei per gas.

    Raises:
        RpcError: The nonce is not the sender's next, or the sender cannot or would not pay.
    """
    sender = transaction.sender
    nonce, balance = state.get_nonce(sender), state.get_balance(sender)
    who = f"address 0x{sender.hex()}"
    if transaction.nonce != nonce:
        which = "low" if transaction.nonce < nonce else "high"
        raise server_error(f"nonce too {which}: {who}, tx: {transaction.nonce} state: {nonce}")
    cost = transaction.gas * transaction.max_fee_per_gas + transaction.value
    if balance < cost:
        raise server_error(
            f"insufficient funds for gas * price + value: {who} have {balance} want {cost}"
        )
    if transaction.max_fee_per_gas < base_fee:
        raise server_error(
            f"max fee per gas less than block base fee: {who},"
            f" maxFeePerGas: {transaction.max_fee_per_gas}, baseFee: {base_fee}"
        )
